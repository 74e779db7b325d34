"""What the server counts and tells of one connection. It moves no bytes itself."""

from __future__ import annotations

import contextlib
import struct
import sys
import time
from typing import Any

from servers.kit.addresses import show
from servers.kit.events import ConnectionClosed, ConnectionOpened, preview
from servers.kit.report import Report, now
from servers.kit.sockets import in_words
from servers.kit.stream import Stream
from servers.kit.traced import Traced
from servers.kit.upper_case import answer
from servers.kit.words import some
from servers.tcp_upper.events import StreamNotUtf8

ANSWERED = "we closed it, after one answer"
CLIENT_ENDED = "the client ended its side"
SERVER_ENDS = "the server ends"


class Connection:
    """One connection: its socket, its bytes, and why it ended."""

    __slots__ = ("began", "counters", "peer", "report", "sock", "stream")

    def __init__(self, report: Report, sock: Traced, address: Any) -> None:
        self.report, self.sock = report, sock
        self.counters = report.counters
        self.counters.connections += 1
        self.counters.open += 1
        sock.conn = f"c{self.counters.connections}"
        self.peer = show(address)
        sock.stream = self.stream = Stream(report, sock.conn, self.peer)
        self.began = time.monotonic()
        if report.room:
            report.emit(ConnectionOpened(t=now(), conn=sock.conn, peer=self.peer))
        else:
            report.missed += 1

    def answer(self, data: bytes) -> bytes:
        """Count what one ``recv()`` brought, and make the answer to it."""
        self.counters.recv_calls += 1
        self.counters.bytes_in += len(data)
        reply, fault = answer(data)
        if fault is not None:
            self.counters.not_utf8 += 1
            self.report.emit(
                StreamNotUtf8(
                    t=now(), conn=self.sock.conn, peer=self.peer, data=preview(data),
                    at=fault.at, byte=fault.byte, why=fault.why, cut=fault.cut,
                )
            )  # fmt: skip
        return reply

    def sent(self, size: int) -> None:
        """Count what one ``send()`` took."""
        self.counters.send_calls += 1
        self.counters.bytes_out += size

    def broken(self, error: OSError, doing: str, seconds: float) -> str:
        """Count what went wrong, and say it: which call it was, and how long it may have waited."""
        if isinstance(error, TimeoutError) and error.errno is None:
            return self.timed_out(doing, seconds)
        if isinstance(error, ConnectionError):
            self.counters.resets += 1
            return f"reset by the client ({in_words(error)}, at {doing}())"
        return f"{in_words(error)}, at {doing}()"

    def timed_out(self, doing: str, seconds: float) -> str:
        """Count that a client was too slow, and say it."""
        self.counters.timeouts += 1
        what = "the client did not read" if doing == "send" else "nothing came"
        return f"timed out: {what} for {seconds:g} s"

    def close(self, reason: str) -> None:
        """Close the socket, and say why."""
        stream = self.stream
        if reason == ANSWERED and self.report.room and (left := unread(self.sock)):
            reason += f"; {left:,} bytes were not read, so Linux sends a reset"
        self.sock.close()
        self.counters.open -= 1
        if self.report.room:
            self.report.emit(
                ConnectionClosed(
                    t=now(), conn=stream.conn, peer=self.peer, bytes_in=stream.bytes_in,
                    bytes_out=stream.bytes_out, seconds=round(time.monotonic() - self.began, 6),
                    reason=reason,
                )
            )  # fmt: skip
        else:
            self.report.missed += 1


def unread(sock: Traced) -> int:
    """How many bytes have come and were not read; 0 where that is not known (it is on Linux)."""
    if sys.platform == "linux":
        import fcntl
        import termios

        with contextlib.suppress(OSError):
            return int(struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4))[0])
    return 0


def tell_select(listener: Traced, watched: int, ready: list[int]) -> None:
    """Tell of a select() on so many sockets, and which of them it said are ready, as of any other call."""
    words = ", ".join(f"fd {number}" for number in ready[:8]) + (", …" if len(ready) > 8 else "")
    listener.told("select", some(watched, "socket"), f"ready: {words or 'none'}")
