"""A connection of the raw client, or its UDP socket: each call is told, timed, printed and kept."""

from __future__ import annotations

import contextlib
import socket
import time

from servers.kit.addresses import resolve, show
from servers.kit.errors import LabError
from servers.kit.events import (
    PREVIEW,
    Bytes,
    ConnectionClosed,
    ConnectionOpened,
    DatagramReceived,
    DatagramSent,
    preview,
)
from servers.kit.report import Report, now
from servers.kit.sockets import Socket
from servers.kit.stream import Stream
from servers.kit.words import some
from servers.tcp_replay.printing import lines_of
from servers.tcp_replay.reasons import CONNECT_S, broken, unreachable
from servers.tcp_replay.results import KEPT, ROWS, EndedBy, Piece, Result, Side, summary

RECV = 65_536
LARGEST_DATAGRAM = 65_507
"""Bytes that a datagram over IPv4 carries at the most."""
WHY = {
    "server": "the server ended it",
    "timeout": "nothing came any more",
    "reset": "reset",
    "we": "we ended it",
}


class Wire:
    """One socket. Its calls are those of the standard library, blocking or not as its user sets it.

    ``ended_by`` says who ended it, ``error`` what went wrong, in words.
    """

    def __init__(self, host: str, port: int, udp: bool, report: Report) -> None:
        self.report, self.udp = report, udp
        self.sent, self.received = Side(), Side()
        self.ended_by: EndedBy = ""
        self.error = self.hint = ""
        self.connect_ms: float | None = None
        self.first_ms: float | None = None
        self.over = False
        """Whether nothing can come any more."""
        kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
        family, self._address = resolve(host, port, kind)
        self.where = show(self._address)
        self.sock = Socket(report, family, kind)
        self._conn = ""
        self._hushed = False
        self._open = False
        self._start = time.perf_counter()
        self._stop: float | None = None

    @property
    def ms(self) -> float:
        """Milliseconds since the start."""
        return 1000 * (time.perf_counter() - self._start)

    def connect(self) -> None:
        """Connect; a UDP socket only notes the address. Raises LabError with what to do."""
        self.sock.settimeout(CONNECT_S)
        try:
            self.sock.connect(self._address)
        except OSError as error:
            self.sock.close()
            raise LabError(unreachable(self.where, error)) from None
        self.connect_ms = round(self.ms, 3)
        own = self.sock.getsockname()
        self._conn = self.sock.conn = f"client-{own[1]}"
        self._stream = Stream(self.report, self._conn, self.where, client=True)
        self._open = True
        if self.udp:
            self.note(f"datagrams go to {self.where} from {show(own)}")
        else:
            self.report.emit(ConnectionOpened(t=now(), conn=self._conn, peer=self.where, own=show(own)))
            self.note(f"connected to {self.where} from {show(own)}")

    def send(self, data: bytes | memoryview) -> tuple[Piece | None, int]:
        """One ``send()``; how much of ``data`` the system took. (None, 0): it is full, or broken."""
        try:
            taken = self.sock.send(data)
        except (BlockingIOError, TimeoutError):
            return None, 0
        except OSError as error:
            self._drain()
            self._broke(error, "sending")
            return None, 0
        at = self.ms
        if self.udp:
            head = Bytes(bytes(data[: min(taken, PREVIEW)]), taken)
            self.report.emit(DatagramSent(t=now(), peer=self.where, way="to_server", data=head))
        else:
            self._stream.sent(memoryview(data)[:taken], len(data))
        self._print(at, f"sent {some(taken, 'byte')}", ">", data[:taken], self.sent)
        return self.sent.add(data[:taken], at), taken

    def receive(self) -> Piece | None:
        """One ``recv()``. None: nothing is there now, or the server ended its side (``over``)."""
        try:
            data = self.sock.recv(RECV)
        except (BlockingIOError, TimeoutError):
            return None
        except OSError as error:
            self._broke(error, "receiving")
            return None
        if not data and not self.udp:
            self.note("the server ended its side")
            self.ended_by, self.over, self._stop = "server", True, self.ms
            return None
        return self._took(data)

    def end_our_side(self) -> None:
        """Tell the server that nothing follows; it can still answer (a half-close)."""
        if self.over or self.udp:
            return
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.note("our side is ended")
        except OSError as error:
            self._drain()
            self._broke(error, "ending our side")

    def close(self) -> None:
        """Hang up."""
        if self._open and not self.udp:
            self.report.emit(
                ConnectionClosed(
                    t=now(), conn=self._conn, peer=self.where, bytes_in=self.received.size,
                    bytes_out=self.sent.size, seconds=round(self.ms / 1000, 6),
                    reason=WHY.get(self.ended_by, ""),
                )
            )  # fmt: skip
        self._open = False
        self.sock.close()

    def note(self, words: str) -> None:
        """Something that is no data, for the terminal."""
        self.report.say(f"{self.ms:10.1f} ms  {words}")

    def result(self) -> Result:
        """What was found so far."""
        total = round(self.ms if self._stop is None else self._stop, 3)
        return Result(
            summary=summary(self.sent, self.received, self.ended_by, total, self.error, self.udp),
            sends=self.sent.pieces, receives=self.received.pieces, ended_by=self.ended_by,
            sent=self.sent.size, received=self.received.size, send_calls=self.sent.calls,
            recv_calls=self.received.calls, connect_ms=self.connect_ms, first_ms=self.first_ms,
            total_ms=total, cut=self.sent.cut or self.received.cut, hint=self.hint, error=self.error,
        )  # fmt: skip

    # -- inside

    def _took(self, data: bytes) -> Piece:
        """Tell, print and keep what one ``recv()`` gave."""
        at = self.ms
        if self.first_ms is None:
            self.first_ms = round(at, 3)
        if self.udp:
            self.report.emit(DatagramReceived(t=now(), peer=self.where, way="to_client", data=preview(data)))
        else:
            self._stream.received(data, RECV)
        self._print(at, f"received {some(len(data), 'byte')}", "<", data, self.received)
        return self.received.add(data, at)

    def _drain(self) -> None:
        """What the server said before the connection broke is still there."""
        with contextlib.suppress(OSError):
            while data := self.sock.recv(RECV):
                self._took(data)

    def _print(self, at: float, words: str, mark: str, data: bytes | memoryview, side: Side) -> None:
        """Time and size, then the bytes. The dashboard keeps what is printed: it gets the first of them."""
        audience = self.report.audience
        if audience == "json":
            return
        if audience == "dashboard" and (side.size >= KEPT or side.calls >= ROWS):
            if not self._hushed:
                self.note("… what follows is counted, and not shown")
            self._hushed = True
            return
        rows = [f"{at:10.1f} ms  {words}"]
        rows += [f"            {mark} {line}" for line in lines_of(bytes(data))]
        self.report.say("\n".join(rows))

    def _broke(self, error: OSError, doing: str) -> None:
        self.ended_by, self.over, self._stop = "reset", True, self.ms
        self.error = broken(self.where, error, doing)
        self.note(self.error)
