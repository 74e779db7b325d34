"""The web server's book: what it counts, exactly, and what it tells as far as there is room."""

from __future__ import annotations

import itertools
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING

from servers.http_web.protocol import Written
from servers.http_web.settings import Counters
from servers.kit.events import ConnectionClosed, ConnectionOpened, ServerError
from servers.kit.http import NO_BODY, Headers, Request, parse_response
from servers.kit.http_events import HttpRequest, HttpResponse, masked_preview, shown
from servers.kit.masked_http import HttpStream
from servers.kit.masked_stream import Spare
from servers.kit.report import Report, now

if TYPE_CHECKING:
    from servers.http_web.conversation import Conversation


class Book:
    """Counts and tells for every model. Threads share it."""

    def __init__(self, report: Report, prefix: str = "c") -> None:
        self.report = report
        self.counters: Counters = report.counters
        self.lock = threading.Lock()
        self._prefix = prefix
        self._numbers = itertools.count(1)

    @cached_property
    def spare(self) -> Spare:
        """What may be told of calls, beside requests and answers."""
        return Spare(self.report, self.miss)

    @cached_property
    def details(self) -> int:
        """Events of a plain request and its answer: those two, and its two calls where calls are told."""
        return 4 if self.spare.tells else 2

    def stream(self, talk: Conversation) -> HttpStream:
        """What tells of a connection's calls."""
        return HttpStream(self.spare, talk.conn, talk.peer)

    def opened(self, peer: str) -> str:
        """A connection was accepted; its name."""
        conn = f"{self._prefix}{next(self._numbers)}"
        with self.lock:
            self.counters.connections += 1
            self.counters.open += 1
        self.report.emit(ConnectionOpened(t=now(), conn=conn, peer=peer))
        return conn

    def closed(self, talk: Conversation, reason: str) -> None:
        """A connection ended."""
        with self.lock:
            self.counters.open -= 1
            self.counters.bytes_in += talk.bytes_in - talk.counted_in
            self.counters.bytes_out += talk.bytes_out - talk.counted_out
        self.report.emit(
            ConnectionClosed(
                t=now(), conn=talk.conn, peer=talk.peer, bytes_in=talk.bytes_in, bytes_out=talk.bytes_out,
                seconds=round(time.monotonic() - talk.began, 6), reason=reason,
            )
        )  # fmt: skip

    def answering(self, talk: Conversation, status: int) -> None:
        """A request is about to be answered: whoever gets the answer finds it counted."""
        with self.lock:
            counters = self.counters
            counters.requests += 1
            if status < 400:
                counters.ok += 1
            else:
                counters.refused += 1
            counters.bytes_in += talk.bytes_in - talk.counted_in
            talk.counted_in = talk.bytes_in

    def requested(
        self, talk: Conversation, request: Request | None, size: int, head: bytes, error: str
    ) -> None:
        """What was asked, or why it was refused."""
        if not self.report.room:
            self.miss()
            return
        asked = request or Request("", "", "HTTP/1.1", Headers(), NO_BODY)
        self.report.emit(
            HttpRequest(
                t=now(), conn=talk.conn, peer=talk.peer, way="to_server", number=talk.number,
                method=asked.method, target=asked.target, version=asked.version if request else "",
                headers=shown(asked.headers), size=size, error=error, data=masked_preview(head),
            )
        )  # fmt: skip

    def responded(
        self, talk: Conversation, request: Request | None, written: Written, start: bytes, ms: float
    ) -> None:
        """What was answered; ``start`` are its first bytes."""
        if not self.report.room:
            self.miss()
            return
        answer = parse_response(written.head) if written.head else None
        self.report.emit(
            HttpResponse(
                t=now(), conn=talk.conn, peer=talk.peer, way="to_client", number=talk.number,
                method=request.method if request else "", target=request.target if request else "",
                status=written.status, reason=answer.reason if answer else "",
                version=answer.version if answer else "", headers=shown(answer.headers) if answer else (),
                size=written.size, ms=round(ms, 3), data=masked_preview(start),
            )
        )  # fmt: skip

    def trouble(self, error: Exception) -> None:
        """A fault of our own."""
        message = f"A request was answered with 500: {type(error).__name__}: {error}."
        self.report.emit(ServerError(t=now(), message=message))

    def miss(self, count: int = 1) -> None:
        """Details are left out, and counted as left out."""
        with self.lock:
            self.report.missed += count
