"""One connection's talk in HTTP, without its socket: bytes in, answers out. All four models use it.

A model receives and sends; in between it says ``received()``, asks ``next()`` for what to
send, and says ``sent()`` how much of it left. What the request asks for, the site answers.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from servers.http_web.answer import FilePart, Pause
from servers.http_web.files import Upload, read_part
from servers.http_web.protocol import Written, refusal, write_answer
from servers.kit.http import HttpError, Request, write_response
from servers.kit.http_stream import Data, End, RequestReader, one_request

if TYPE_CHECKING:
    from servers.http_web.book import Book
    from servers.http_web.content import Site

LEAST_RATE = 1000
"""Bytes a second that a body must come with, beyond the time-out: a drip holds no server up."""
IGNORED = 1_000_000
"""Bytes of a body that nobody asked for, read to keep the connection; with more it is closed."""
SHOWN = 4096
"""Bytes of a message's start that are kept to be told."""


class Conversation:
    """The server's side of one connection. ``over``: when all is sent, close it.

    ``crowded()`` says whether somebody waits whom this connection keeps from being served;
    then its next answer is its last.
    """

    def __init__(
        self, site: Site, book: Book, peer: str, crowded: Callable[[], bool] = lambda: False
    ) -> None:
        self.site, self.book, self.peer, self._crowded = site, book, peer, crowded
        self.conn = book.opened(peer)
        self.began = time.monotonic()
        self.number = 0  # of the request that is read or answered
        self.over = False
        self.told = False  # whether there was room to tell the last quick answer
        self.bytes_in = self.bytes_out = self.counted_in = self.counted_out = 0
        self.deadline = self.began + site.settings.header_timeout
        self._reader = RequestReader()
        self._request: Request | None = None
        self._upload: tuple[str, Upload] | None = None
        self._size = 0  # of the body so far
        self._start = bytearray()  # of the request, to be told
        self._came = 0  # bytes since the request began, those of the next ones included
        self._asked = 0.0
        self._written: Written | None = None

    @property
    def idle(self) -> bool:
        """Nothing of a request has come, and nothing is being answered."""
        return self._request is None and self._written is None and not self._reader.buffer

    # -- in

    def received(self, data: bytes) -> None:
        """Bytes came."""
        clock = time.monotonic()
        if self.idle:  # a new request's first bytes: its time runs from now
            self.deadline = clock + self.site.settings.header_timeout
            self.number += 1
            self._start.clear()
            self._came = 0
        elif self._request is not None:
            self.deadline += len(data) / LEAST_RATE
        self.bytes_in += len(data)
        self._came += len(data)
        if len(self._start) < SHOWN:
            self._start += data[: SHOWN - len(self._start)]
        self._reader.feed(data)

    def ended(self) -> None:
        """The client will send no more; a request that is not whole never will be."""
        self.over = True
        self._abandon()

    # -- out

    def quick(self, data: bytes) -> bytes | None:
        """The whole answer to ``data`` if it is one plain request that was answered before; else None.

        The same bytes as by the long way; only faster, and with the request counted.
        """
        site = self.site
        if site.settings.delay or not site.settings.keep_alive or not self.idle or self._crowded():
            return None
        request = one_request(data)
        answer = None if request is None else site.ready(request, time.time())
        if answer is None:
            return None
        self.bytes_in += len(data)
        self.number += 1
        self.deadline = time.monotonic() + site.settings.keep_alive
        book = self.book
        counters = book.counters
        with book.lock:
            counters.requests += 1
            counters.ok += 1
            counters.bytes_in += len(data)
            counters.bytes_out += len(answer)
            self.told = book.report.room
            if not self.told:
                book.report.missed += book.details
        self.counted_in = self.bytes_in
        self.bytes_out += len(answer)
        self.counted_out = self.bytes_out
        if self.told:
            head, _, body = answer.partition(b"\r\n\r\n")
            written = Written(200, head + b"\r\n\r\n", iter(()), len(body), False)
            book.requested(self, request, 0, data, "")
            book.responded(self, request, written, answer[:SHOWN], 0.0)
        return answer

    def next(self) -> Written | None:
        """What to send now; None: more bytes are needed (or, when ``over``, nothing will come)."""
        if self.over:
            return None
        try:
            while True:
                found = self._reader.next()
                if found is None:
                    return None
                if isinstance(found, Request):
                    interim = self._begin(found)
                    if interim is not None:
                        return interim
                elif isinstance(found, Data):
                    self._take(found.data)
                elif isinstance(found, End):
                    return self._answer()
        except HttpError as error:
            return self._refuse(error)
        except Exception as error:  # a fault of ours ends one answer, not the server
            self.book.trouble(error)
            return self._refuse(HttpError(500, "This server has a fault; its log says which."))

    def timed_out(self) -> Written | None:
        """The deadline is over: the answer to a request that stopped half-way; None: just close."""
        started = self._request is not None or bool(self._reader.buffer)
        self._abandon()
        if not started or self.over:
            self.over = True
            return None
        what = "body" if self._request is not None else "head"
        return self._refuse(HttpError(408, f"The request's {what} was not whole in time."))

    def sent(self, count: int) -> None:
        """So many bytes left."""
        self.bytes_out += count

    def done(self) -> None:
        """All of the answer left."""
        written, self._written = self._written, None
        if written is None:
            return
        close_file(written)
        if written.status == 100:
            return
        book = self.book
        with book.lock:
            book.counters.bytes_out += self.bytes_out - self.counted_out
            self.counted_out = self.bytes_out
        book.responded(self, self._request, written, written.start, 1000 * (time.monotonic() - self._asked))
        self._request = None
        if written.close:
            self.over = True
            return
        self.deadline = time.monotonic() + self.site.settings.keep_alive
        if self._reader.buffer:  # the next request has begun already: pipelining
            self.number += 1
            self._start[:] = self._reader.buffer[:SHOWN]
            self._came = len(self._reader.buffer)
            self.deadline = time.monotonic() + self.site.settings.header_timeout

    def close(self, reason: str = "") -> None:
        """The connection is closed; whatever is unfinished is given up."""
        self._abandon()
        if self._written:
            close_file(self._written)
        self.book.closed(self, reason)

    # -- inside

    def _begin(self, request: Request) -> Written | None:
        """A head is whole: see what to do with the body, and whether the client waits for a word."""
        self._request = request
        self._size = 0
        self.deadline = time.monotonic() + self.site.settings.body_timeout
        expects = request.headers.tokens("expect") if request.version == "HTTP/1.1" else []
        if expects not in ([], ["100-continue"]):
            raise HttpError(417, "Only 100-continue can be expected here.")
        if request.method == "PUT":
            self._upload = self.site.upload(request, time.time())
        elif expects or request.framing.length > IGNORED:
            self._needless(request)
        if (
            expects
            and request.framing.kind != "none"
            and self._reader.state == "body"
            and not self._reader.buffer
        ):
            self._written = Written(100, write_response(100, ()), iter(()), 0, False)
            return self._written
        return None

    def _needless(self, request: Request) -> None:
        """A body that nobody needs: where the request will be refused, do so before it comes."""
        answer = self.site.answer(request, time.time())
        if answer.file is not None:
            os.close(answer.file)
        if request.framing.length > IGNORED:
            raise HttpError(413, "This request needs no body, and so large a one is not read.")

    def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._upload:
            if self._size > 1e6 * self.site.settings.max_body:
                raise HttpError(413, f"The body is larger than {self.site.settings.max_body:g} MB.")
            try:
                self._upload[1].write(data)
            except OSError as error:
                raise HttpError(507, f"The body cannot be stored: {error.strerror}.") from None
        elif self._size > IGNORED:
            raise HttpError(413, "This request needs no body, and so large a one is not read.")

    def _answer(self) -> Written:
        """The request is whole."""
        assert self._request is not None
        request, clock = self._request, time.time()
        try:
            if self._upload:
                answer = self.site.store(request, *self._upload, clock)
                self._upload = None
            else:
                answer = self.site.answer(request, clock)
        except HttpError as error:
            answer = refusal(error)
        except OSError as error:
            answer = refusal(HttpError(507, f"The file cannot be stored: {error.strerror}."))
        self._abandon()
        keep = self.site.settings.keep_alive > 0 and not self._crowded()
        return self._send(write_answer(answer, request, clock, keep), "")

    def _refuse(self, error: HttpError) -> Written:
        """What was read cannot be framed, or will not be read: answer, and close."""
        self._abandon()
        answer = refusal(error)
        answer.close = True
        return self._send(write_answer(answer, self._request, time.time(), keep=False), error.message)

    def _send(self, written: Written, error: str) -> Written:
        self._asked = time.monotonic()
        self.deadline = self._asked + self.site.settings.body_timeout
        self._written = written
        self.book.answering(self, written.status)
        start = bytes(self._start[: max(0, self._came - len(self._reader.buffer))])
        self.book.requested(self, self._request, self._size, start, error)
        written.wait = self.site.settings.delay
        begin(written, tell=self.book.report.room)
        return written

    def _abandon(self) -> None:
        if self._upload:
            self._upload[1].abandon()
            self._upload = None


def begin(written: Written, tell: bool) -> None:
    """Take pauses before the body as a wait before all, and the body's first bytes to ``tell`` them."""
    first = next(written.body, None)
    while isinstance(first, Pause):
        written.wait += first.seconds
        first = next(written.body, None)
    written.start = written.head
    if first is None:
        return
    written.body = itertools.chain((first,), written.body)
    if tell and isinstance(first, FilePart):
        first = read_part(FilePart(first.file, first.start, min(first.size, SHOWN)))
    if tell and isinstance(first, bytes):
        written.start += first[:SHOWN]


def close_file(written: Written) -> None:
    """The file of an answer that was sent, or never will be."""
    if written.file is not None:
        os.close(written.file)
        written.file = None
