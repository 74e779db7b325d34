"""The ping server's book: what it counts, exactly, and what it tells as far as there is room."""

from __future__ import annotations

from typing import Any

import msgspec

from servers.kit.addresses import show
from servers.kit.errors import ProtocolError
from servers.kit.events import (
    DatagramDelayed,
    DatagramDropped,
    DatagramDuplicated,
    DatagramReceived,
    Event,
    ServerError,
    preview,
)
from servers.kit.replies import Replies
from servers.kit.report import Report, now
from servers.kit.sockets import in_words
from servers.udp_ping.events import PingFate, Word
from servers.udp_ping.loss import Fate, Path
from servers.udp_ping.protocol import BUFFER, read_seq
from servers.udp_ping.settings import Counters

EVENTS = 3
"""Events told of a ping that is simply answered: received, fate, sent."""


class Plain:
    """What was answered without a detail told: counted apart, because there each nanosecond counts.

    ``bytes`` came in and went out again.
    """

    __slots__ = ("bytes", "count")

    def __init__(self) -> None:
        self.count = self.bytes = 0


class Book(Replies):
    """Counts and tells for the server. A detail without room is left out, and counted as missed."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.counters: Counters = report.counters
        self.plain = Plain()
        report.count_by(self.totals)

    def totals(self) -> tuple[dict[str, int], int]:
        """The counters, exact, and how many events were left out."""
        counters = msgspec.structs.asdict(self.counters)
        count, size = self.plain.count, self.plain.bytes  # read once: the server counts on meanwhile
        counters["received"] += count
        counters["replied"] += count
        counters["bytes_in"] += size
        counters["bytes_out"] += size
        return counters, self.report.missed + EVENTS * count

    def arrived(self, datagram: bytes, reply: bytes, peer: Any, path: Path, fate: Fate) -> None:
        """A datagram arrived, and its fate is known."""
        counters = self.counters
        counters.received += 1
        counters.bytes_in += len(datagram)
        counters.lost_to_server += fate.lost_to_server
        counters.lost_to_client += fate.lost_to_client
        counters.corrupted += fate.corrupt >= 0
        counters.duplicated += fate.copies > 1
        path.lost_to_server += fate.lost_to_server
        path.lost_to_client += fate.lost_to_client
        if self.report.room:
            self._tell_arrival(datagram, reply, peer, path, fate)
        else:
            path.last = datagram[:BUFFER]
            self.report.missed += 2 + (fate.lost or fate.copies > 1)  # as many as would be told

    def held_back(self, peer: Any, fate: Fate) -> None:
        """A reply waits."""
        if fate.held:
            self.counters.reordered += 1
        if fate.delay > 0:
            self.counters.delayed += 1
            if self.report.room:
                ms = 1000 * fate.delay
                self.report.emit(DatagramDelayed(t=now(), peer=show(peer), way="to_client", ms=ms))
            else:
                self.report.missed += 1

    def did_not_leave(self, reply: bytes, peer: Any, error: OSError) -> None:
        """A peer could not be reached. That does not end the server."""
        self.stays(reply)
        message = f"The reply to {show(peer)} was not sent: {in_words(error)}."
        self.report.emit(ServerError(t=now(), message=message))

    def _tell_arrival(self, datagram: bytes, reply: bytes, peer: Any, path: Path, fate: Fate) -> None:
        emit, t, name = self.report.emit, now(), show(peer)
        emit(DatagramReceived(t=t, peer=name, way="to_server", data=preview(datagram)))
        emit(_fate(datagram, t, name, path, fate))
        if fate.lost_to_server:
            emit(DatagramDropped(t=t, peer=name, way="to_server", data=preview(datagram)))
        elif fate.lost_to_client:
            emit(DatagramDropped(t=t, peer=name, way="to_client", data=preview(reply)))
        elif fate.copies > 1:
            emit(DatagramDuplicated(t=t, peer=name, way="to_client"))


def _fate(datagram: bytes, t: float, name: str, path: Path, fate: Fate) -> Event:
    """The event that says what becomes of a datagram, with the peer's tally."""
    seq = _seq(datagram)
    known = [n for n in (seq, _seq(path.last), path.highest, path.lowest) if n is not None]
    path.lowest, path.highest = min(known, default=None), max(known, default=None)
    path.last = b""
    numbers = 0 if path.highest is None or path.lowest is None else path.highest - path.lowest + 1
    word: Word = "answered"
    if fate.lost:
        word = "lost_to_server" if fate.lost_to_server else "lost_to_client"
    return PingFate(
        t=t, peer=name, seq=seq, fate=word, arrived=path.arrived,
        lost_to_server=path.lost_to_server, lost_to_client=path.lost_to_client,
        gaps=max(0, numbers - path.arrived),
    )  # fmt: skip


def _seq(datagram: bytes) -> int | None:
    try:
        return read_seq(datagram)
    except ProtocolError:
        return None
