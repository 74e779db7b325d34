"""One connection of the client: connect, send, receive, close. Every call is told, timed and kept."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from servers.kit.addresses import show
from servers.kit.events import ConnectionClosed, ConnectionOpened
from servers.kit.family import named
from servers.kit.report import Report, now
from servers.kit.sockets import in_words
from servers.kit.stream import Stream
from servers.kit.traced import Traced
from servers.kit.upper_case import answer
from servers.tcp_upper.connecting import connect, wait, why_not
from servers.tcp_upper.options import set_options
from servers.tcp_upper.request import Request
from servers.tcp_upper.results import ROWS, Call, Kind, short

ENOUGH = 1_000_000
"""Bytes after which we listen no longer, whatever the server sends."""
T = TypeVar("T")


class Talk:
    """One connection, from ``socket()`` to ``close()``. Another thread may set ``stop`` to end it early."""

    def __init__(self, where: tuple[int, Any], request: Request, report: Report) -> None:
        self.request, self.report = request, report
        self.stop = threading.Event()
        self.calls: list[Call] = []
        self.answer = bytearray()
        self.sent = self.send_calls = self.recv_calls = 0
        self.kind: Kind = "stopped"  # unless it comes to another end
        self.connected_ms: float | None = None
        self.answered_ms: float | None = None
        self.own = self.ended = self.error = ""
        self.expected = answer(request.data)[0]
        self._family, self._address = where
        self._peer = show(self._address)
        self._start = time.perf_counter()

    @property
    def ms(self) -> float:
        """Milliseconds since the start."""
        return round(1000 * (time.perf_counter() - self._start), 3)

    def run(self) -> None:
        """All of it. What came of it stands in the attributes."""
        with Traced(self.report, self._family, socket.SOCK_STREAM) as sock, named(sock):
            set_options(sock, nodelay=self.request.nodelay, linger=self.request.linger)
            if self.request.blocking:
                sock.settimeout(self.request.timeout)
            else:
                sock.setblocking(False)
            try:
                connect(sock, self._address, self.request.timeout, self.stop)
            except OSError as error:
                self._not_connected(error)
            else:
                self._connected(sock)

    # -- connecting

    def _not_connected(self, error: OSError) -> None:
        self.kind, self.error = why_not(error, self.stop.is_set(), self.request.timeout, self._peer)
        self.ended = "never connected"
        self._say(self.error)

    # -- connected

    def _connected(self, sock: Traced) -> None:
        """Send, receive, hold, close."""
        self.connected_ms = self.ms
        self.own = show(sock.getsockname())
        conn = "client-" + self.own.rpartition(":")[2]
        sock.conn, sock.stream = conn, Stream(self.report, conn, self._peer, client=True)
        self.report.emit(ConnectionOpened(t=now(), conn=conn, peer=self._peer, own=self.own))
        self._say(f"connected to {self._peer} from {self.own}")
        try:
            self._send(sock)
            if not self.stop.wait(self.request.before / 1000):
                self._receive(sock)
        except OSError as error:
            self._broke(error, "recv")
        except KeyboardInterrupt:
            self.stop.set()
            raise
        finally:
            self.kind = self._judge()
            self.stop.wait(self.request.hold)
            sock.close()
            self._closed(conn, sock.stream)

    def _send(self, sock: Traced) -> None:
        """The text, in one send or in slices. What the server said before it ended is still to be read."""
        try:
            for number, part in enumerate(self.request.slices):
                if number and self.stop.wait(self.request.gap / 1000):
                    return
                left = part
                while left:
                    size = self._do(sock, sock.send, left, writing=True)
                    self._keep("send", left[:size], len(left))
                    left = left[size:]
        except (ConnectionError, TimeoutError) as error:
            self._broke(error, "send")
            return
        if self.request.shutdown:
            with suppress(OSError):  # ENOTCONN: the server's reset came first. The next recv() tells of it.
                sock.shutdown(socket.SHUT_WR)

    def _receive(self, sock: Traced) -> None:
        """Until all is back that is expected, the server ends, or nothing comes in time."""
        whole = len(self.expected) if self.expected and not self.request.shutdown else ENOUGH
        while len(self.answer) < whole:
            data = self._do(sock, sock.recv, self.request.read, writing=False)
            self._keep("recv", data, self.request.read)
            if not data:
                self.ended = self.ended or "the server closed it"
                return
            self.answer += data
        self.ended = self.ended or "all was back, and we closed it"

    def _do(self, sock: Traced, call: Callable[[Any], T], argument: Any, *, writing: bool) -> T:
        """Call it. A non-blocking socket says EAGAIN where it would wait: then select() waits, and again."""
        while True:
            try:
                return call(argument)
            except BlockingIOError:
                wait(sock, self.request.timeout, writing=writing)

    # -- how it went

    def _keep(self, call: str, data: bytes, asked: int) -> None:
        """Count a call, and keep it."""
        if call == "send":
            self.sent += len(data)
            self.send_calls += 1
        elif data:
            self.recv_calls += 1
            self.answered_ms = self.answered_ms or self.ms
        row = Call(self.ms, "send" if call == "send" else "recv", asked, len(data), short(data))
        if len(self.calls) < ROWS:
            self.calls.append(row)
        given = f"{asked} bytes" if call == "send" else str(asked)
        self._say(f"{row.at_ms:10.1f} ms  {call}({given}) = {len(data)}  {row.text}")

    def _broke(self, error: OSError, doing: str) -> None:
        """A call failed, or waited too long. What was said first about the end stays."""
        if self.ended:
            return
        if isinstance(error, TimeoutError) and error.errno is None:
            more = "more " if self.answer else ""
            what = f"nothing {more}came" if doing == "recv" else "the server took no more bytes"
            self.ended = f"{what} for {self.request.timeout:g} s, and we closed it"
            self.error = f"{what[0].upper()}{what[1:]} for {self.request.timeout:g} s."
        else:
            self.ended = f"{in_words(error)}, at {doing}()"
            self.error = self.ended + "."
        self._say(self.error)

    def _judge(self) -> Kind:
        """How far it came. Sets the error where not all came back."""
        if self.stop.is_set():
            self.ended = self.ended or "we were told to stop"
            return "stopped"
        if not self.expected:
            self.error = ""
            return "open"
        if not self.answer:
            self.error = self.error or f"Nothing came back: {self.ended}."
            return "no answer" if self.ended.startswith("nothing") else "failed"
        if len(self.answer) < len(self.expected):
            left = len(self.expected) - len(self.answer)
            self.error = f"{left:,} bytes of the answer are missing: {self.ended}."
            return "cut short"
        self.error = ""
        return "answered"

    def _closed(self, conn: str, stream: Stream) -> None:
        self.report.emit(
            ConnectionClosed(
                t=now(), conn=conn, peer=self._peer, bytes_in=stream.bytes_in, bytes_out=stream.bytes_out,
                seconds=round((self.ms - (self.connected_ms or 0)) / 1000, 6), reason=self.ended,
            )
        )  # fmt: skip

    def _say(self, line: str) -> None:
        if self.request.connections == 1:
            self.report.say(line)
