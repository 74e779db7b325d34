"""The server's book: what it counts, exactly, and what it tells as far as there is room."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
from typing import Any

import msgspec

from servers.kit.addresses import show
from servers.kit.events import DatagramReceived, ServerError, preview
from servers.kit.replies import Replies
from servers.kit.report import Report, now
from servers.kit.sockets import in_words
from servers.kit.upper_case import NotText
from servers.udp_upper.events import DatagramNotUtf8, DatagramsOverflowed
from servers.udp_upper.settings import Counters

EVENTS = 2
"""Events told of a datagram that is simply answered: received, sent."""
SO_MEMINFO = 55
"""Linux: nine numbers of a socket's memory (socket(7) has it not; linux/sock_diag.h). The last: drops."""
UNNAMED = "It came from a Unix-domain socket without a name: there is no address to send the answer to."


class Plain:
    """What was answered without a detail told: counted apart, because there each nanosecond counts."""

    __slots__ = ("bytes_in", "bytes_out", "count")

    def __init__(self) -> None:
        self.count = self.bytes_in = self.bytes_out = 0


class Book(Replies):
    """Counts and tells for the server. A detail without room is left out, and counted as missed."""

    def __init__(self, report: Report, sock: socket.socket) -> None:
        super().__init__(report)
        self.counters: Counters = report.counters
        self.plain = Plain()
        self._sock = sock
        report.count_by(self.totals)

    def totals(self) -> tuple[dict[str, int], int]:
        """The counters, exact, and how many events were left out. The report's thread asks."""
        self._overflow()
        counters, plain = msgspec.structs.asdict(self.counters), self.plain
        count, came, left = plain.count, plain.bytes_in, plain.bytes_out  # read once: the server counts on
        counters["received"] += count
        counters["replied"] += count
        counters["bytes_in"] += came
        counters["bytes_out"] += left
        return counters, self.report.missed + EVENTS * count

    def _overflow(self) -> None:
        """Ask the kernel how many datagrams found the receive buffer full. Only Linux tells."""
        if sys.platform != "linux":
            return
        with contextlib.suppress(OSError):  # the socket is closed by now, or the kernel is very old
            whole = struct.unpack("9I", self._sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))[8]
            lost = whole - self.counters.overflowed
            if lost > 0:
                self.counters.overflowed = whole
                self.report.emit(DatagramsOverflowed(t=now(), lost=lost, whole=whole))

    def arrived(self, datagram: bytes, asked: int, lost: int, peer: Any) -> None:
        """A datagram arrived; ``lost`` bytes of it had no room."""
        counters = self.counters
        counters.received += 1
        counters.bytes_in += len(datagram)
        counters.cut += lost > 0
        counters.bytes_lost += lost
        if not self.report.room:
            self.report.missed += 1
            return
        name, data = show(peer or ""), preview(datagram)
        self.report.emit(
            DatagramReceived(t=now(), peer=name, way="to_server", data=data, asked=asked, lost=lost)
        )

    def invalid(self, fault: NotText, peer: Any) -> None:
        """The datagram is no UTF-8."""
        self.counters.invalid += 1
        if self.report.room:
            event = DatagramNotUtf8(
                t=now(), peer=show(peer or ""), at=fault.at, byte=fault.byte, reason=fault.why
            )
            self.report.emit(event)
        else:
            self.report.missed += 1

    def did_not_leave(self, reply: bytes, peer: Any, error: OSError) -> None:
        """A peer could not be reached. That does not end the server."""
        self.stays(reply)
        self.counters.unanswered += 1
        message = f"sendto() of {len(reply)} bytes to {show(peer)}: {in_words(error)}."
        self.report.emit(ServerError(t=now(), message=message, hint=_why(error)))

    def nobody(self) -> None:
        """A datagram came from a socket without a name."""
        self.counters.unanswered += 1
        hint = "The client must bind() its socket to a path before it sends."
        self.report.emit(ServerError(t=now(), message=UNNAMED, hint=hint))


def _why(error: OSError) -> str:
    if isinstance(error, BlockingIOError):
        return (
            "The client's receive buffer is full: it does not read. A server that waited would stop for all."
        )
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return "The client has closed its socket."
    if error.errno == errno.EMSGSIZE:
        return "No datagram is that long. In upper case, some letters need more bytes than before."
    return ""
