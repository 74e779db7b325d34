"""The model with select: one thread, one loop, all connections.

The loop asks the kernel which sockets are ready, and does with each only what does not
block: receive what is there, send what fits. What is half done is kept with its connection
until the socket is ready again. No thread waits, so thousands of idle connections cost
little; but one slow piece of work would stop everybody, so there must be none: even the
artificial delay is a note in a calendar, not a sleep.

Python's ``selectors`` uses the best call that the system has: epoll on Linux, kqueue on
macOS, select elsewhere.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import selectors
import socket
import time
from collections.abc import Iterator
from functools import partial

from servers.http_web.answer import FilePart, Pause, Piece
from servers.http_web.blocking import LINGER, RECEIVE, joined
from servers.http_web.book import Book
from servers.http_web.content import Site
from servers.http_web.conversation import Conversation
from servers.http_web.files import read_part
from servers.http_web.protocol import Written
from servers.kit.addresses import show
from servers.kit.events import PREVIEW
from servers.kit.masked_http import HttpStream
from servers.kit.sockets import in_words

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
FILE_STEP = 1024 * 1024
"""Bytes of a file sent in one turn; then it is the others' turn."""
ACCEPT = 64
"""Connections accepted in one turn."""
SWEEP = 0.25
"""Seconds between two looks for those whose time is over."""


def serve(listener: socket.socket, site: Site, book: Book) -> None:
    """Serve everybody at once."""
    loop = Loop(listener, site, book)
    try:
        loop.run()
    finally:
        loop.close()


class Client:
    """A connection, and how far its answer has left. ``stream`` tells of its calls."""

    __slots__ = ("left", "lingers", "mask", "pieces", "reason", "sock", "stream", "talk")

    def __init__(self, sock: socket.socket, talk: Conversation, stream: HttpStream) -> None:
        self.sock, self.talk, self.stream = sock, talk, stream
        self.mask = READ
        self.pieces: Iterator[Piece] | None = None  # of the answer that is being sent
        self.left: bytes | FilePart | None = None  # of the piece that is being sent
        self.lingers = 0.0  # until when it is only read, before it is closed
        self.reason = ""


class Loop:
    """All connections, and the calendar of those that pause."""

    def __init__(self, listener: socket.socket, site: Site, book: Book) -> None:
        self.listener, self.site, self.book = listener, site, book
        self.selector = selectors.DefaultSelector()
        self.clients: set[Client] = set()
        self._calendar: list[tuple[float, int, Client]] = []
        self._order = itertools.count()
        self._swept = 0.0
        listener.setblocking(False)
        self.selector.register(listener, READ, None)
        self._accepts = True
        self._again = 0.0  # when to accept again

    def run(self) -> None:
        """Ask who is ready, and serve them a step; for ever."""
        while True:
            for key, events in self.selector.select(self._patience()):
                if key.data is None:
                    self._accept()
                else:
                    self._step(key.data, events)
            self._look_at_the_clock()

    def close(self) -> None:
        """End all connections."""
        for client in list(self.clients):
            self._close(client, "the server ends")
        self.selector.close()

    # -- what the kernel says is ready

    def _accept(self) -> None:
        for _ in range(ACCEPT):
            if len(self.clients) >= self.site.settings.max_connections:
                self.selector.unregister(self.listener)  # further clients wait in the backlog
                self._accepts = False
                return
            try:
                sock, peer = self.listener.accept()
            except BlockingIOError:  # nobody waits any more
                return
            except OSError:  # no file is left: try again in a while
                self.selector.unregister(self.listener)
                self._accepts, self._again = False, time.monotonic() + SWEEP
                return
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = Conversation(self.site, self.book, show(peer))
            client = Client(sock, talk, self.book.stream(talk))
            self.clients.add(client)
            self.selector.register(sock, READ, client)

    def _step(self, client: Client, events: int) -> None:
        try:
            if events & READ:
                self._read(client)
            else:
                self._write(client)
        except BlockingIOError:
            pass
        except OSError as error:  # this client is gone
            self._close(client, in_words(error))

    def _read(self, client: Client) -> None:
        data = client.sock.recv(RECEIVE)
        if client.lingers:
            client.stream.received(data, RECEIVE)
            client.talk.bytes_in += len(data)
            if not data:
                self._close(client, client.reason)
        elif not data:
            client.talk.ended()
            self._close(client, "the client closed it")
        elif (answer := client.talk.quick(data)) is not None:
            count = self._sent(client, answer)
            stream = client.stream
            if client.talk.told:
                stream.exchanged(data, answer, RECEIVE, count)
            else:  # thousands a second: they are counted as left out
                stream.bytes_in += len(data)
                stream.bytes_out += count
            if count < len(answer):
                if not client.talk.told:
                    stream.says.lost()
                client.pieces, client.left = iter(()), answer[count:]
                client.talk.sent(count - len(answer))  # those were counted, and will be again
                self._want(client, WRITE)
        else:
            if client.talk.idle:
                client.stream.hears.begin()
            client.stream.received(data, RECEIVE)
            client.talk.received(data)
            self._answer(client, client.talk.next())

    # -- sending

    def _sent(self, client: Client, data: bytes) -> int:
        """How much of it the kernel took: nothing, where the client has not read what came before."""
        try:
            return client.sock.send(data)
        except BlockingIOError:
            return 0

    def _answer(self, client: Client, written: Written | None, at_once: bool = True) -> None:
        """Begin with the next answer; without one, wait for more bytes, or close.

        Not ``at_once``: in the next turn, for who pipelines a thousand requests is one client among others.
        """
        if written is None:
            if client.talk.over:
                self._linger(client)
            else:
                self._want(client, READ)
            return
        client.pieces = joined(written)
        client.stream.says.begin()
        if written.wait:
            self._pause(client, written.wait)
        elif at_once:
            self._write(client)
        else:
            self._want(client, WRITE)

    def _write(self, client: Client) -> None:
        """Send as much of the answer as fits now, but no more of a file than a step."""
        while client.pieces is not None:
            if client.left is None:
                piece = next(client.pieces, None)
                if piece is None:
                    client.pieces = None
                    client.talk.done()
                    self._answer(client, client.talk.next(), at_once=False)
                    return
                if isinstance(piece, Pause):
                    self._pause(client, piece.seconds)
                    return
                client.left = piece
            self._want(client, WRITE)
            if isinstance(client.left, FilePart):
                client.left = self._send_file(client, client.left)
                return
            count = client.sock.send(client.left)
            client.stream.sent(memoryview(client.left)[:count], len(client.left))
            client.talk.sent(count)
            client.talk.deadline = time.monotonic() + self.site.settings.body_timeout
            client.left = client.left[count:] or None

    def _send_file(self, client: Client, part: FilePart) -> FilePart | None:
        """A step of a file; what is left of it."""
        size = min(FILE_STEP, part.size)
        if hasattr(os, "sendfile"):
            count = os.sendfile(client.sock.fileno(), part.file, part.start, size)
            client.stream.sent_by_kernel(count, size, partial(os.pread, part.file, PREVIEW, part.start))
        else:
            data = read_part(FilePart(part.file, part.start, size))
            count = client.sock.send(data)
            client.stream.sent(data[:count], len(data))
        if count == 0:
            raise ConnectionAbortedError("the file was cut while it was sent")
        client.talk.sent(count)
        client.talk.deadline = time.monotonic() + self.site.settings.body_timeout
        return FilePart(part.file, part.start + count, part.size - count) if count < part.size else None

    # -- time

    def _pause(self, client: Client, seconds: float) -> None:
        """Do nothing with it for so long."""
        self._want(client, 0)
        heapq.heappush(self._calendar, (time.monotonic() + seconds, next(self._order), client))
        client.talk.deadline = time.monotonic() + seconds + self.site.settings.body_timeout

    def _patience(self) -> float:
        if not self._calendar:
            return SWEEP
        return max(0.0, min(SWEEP, self._calendar[0][0] - time.monotonic()))

    def _look_at_the_clock(self) -> None:
        clock = time.monotonic()
        while self._calendar and self._calendar[0][0] <= clock:
            client = heapq.heappop(self._calendar)[2]
            if client in self.clients:
                self._step(client, WRITE)
        if clock - self._swept > SWEEP:
            self._swept = clock
            for client in [each for each in self.clients if clock > each.talk.deadline]:
                self._overdue(client)
        if (
            not self._accepts
            and clock >= self._again
            and len(self.clients) < self.site.settings.max_connections
        ):
            self.selector.register(self.listener, READ, None)
            self._accepts = True

    def _overdue(self, client: Client) -> None:
        """Its time is over: it did not read, or did not send, or was idle."""
        if client.lingers or client.pieces is not None:
            self._close(client, client.reason or "the client does not read")
            return
        late = client.talk.timed_out()
        client.reason = "too slow" if late else "it was idle"
        try:
            self._answer(client, late)
        except OSError as error:
            self._close(client, in_words(error))

    # -- the end of a connection

    def _linger(self, client: Client) -> None:
        """Say that no more comes, and read on a while, so that a reset does not take the answer away."""
        client.reason = client.reason or "the server closed it"
        client.talk.deadline = client.lingers = time.monotonic() + LINGER
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_WR)
        self._want(client, READ)

    def _close(self, client: Client, reason: str) -> None:
        if client in self.clients:
            self.clients.remove(client)
            if client.mask:
                self.selector.unregister(client.sock)
            client.sock.close()
            client.talk.close(reason)

    def _want(self, client: Client, mask: int) -> None:
        """What the kernel is to tell about this socket; 0: nothing."""
        if mask == client.mask:
            return
        if not client.mask:
            self.selector.register(client.sock, mask, client)
        elif not mask:
            self.selector.unregister(client.sock)
        else:
            self.selector.modify(client.sock, mask, client)
        client.mask = mask
