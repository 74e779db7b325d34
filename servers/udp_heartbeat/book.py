"""The heartbeat server's book: what it counts, exactly, and what it tells as far as there is room."""

from __future__ import annotations

from typing import Any

from servers.kit.addresses import show
from servers.kit.errors import ProtocolError
from servers.kit.events import DatagramDropped, DatagramReceived, Event, preview
from servers.kit.report import Report
from servers.udp_heartbeat.events import HeartbeatArrived, HeartbeatClock, HeartbeatMalformed, HeartbeatState
from servers.udp_heartbeat.protocol import Line
from servers.udp_heartbeat.settings import Counters
from servers.udp_heartbeat.watch import Watch
from servers.udp_heartbeat.watched import Arrival, Change


class Book:
    """Counts and tells for the server. A detail without room is left out, and counted as missed."""

    def __init__(self, report: Report, watch: Watch) -> None:
        self.report, self.watch = report, watch
        self.counters: Counters = report.counters
        self._bytes_too = report.audience != "text"  # in a terminal a heartbeat is one line

    def came(self, datagram: bytes, peer: Any, wall: float, dropped: bool) -> None:
        """A datagram came, or was lost on purpose just before."""
        self.counters.bytes_in += len(datagram)
        self.counters.dropped += dropped
        if not (dropped or self._bytes_too):
            return
        if not self.report.room:
            self.report.missed += 1
            return
        kind = DatagramDropped if dropped else DatagramReceived
        self.report.emit(kind(t=wall, peer=show(peer), way="to_server", data=preview(datagram)))

    def malformed(self, peer: Any, wall: float, error: ProtocolError) -> None:
        """It was no heartbeat."""
        self.counters.malformed += 1
        if self.report.room:
            self.report.emit(HeartbeatMalformed(t=wall, peer=show(peer), why=str(error)))
        else:
            self.report.missed += 1

    def arrived(self, line: Line, wall: float, arrival: Arrival) -> None:
        """It was a heartbeat, and this is what it was."""
        counters = self.counters
        counters.received += 1
        counters.late += arrival.late
        counters.lost += arrival.gap - arrival.mended
        counters.duplicates += arrival.how == "duplicate"
        counters.reordered += arrival.how == "reordered"
        counters.restarts += arrival.how == "restarted"
        if self.report.room:
            self.report.emit(_told(line, wall, arrival))
        else:
            self.report.missed += 1
        self.changed(arrival.changes, wall)
        if arrival.step:
            self._stepped(show(arrival.client.peer), arrival.step, wall)

    def changed(self, changes: list[Change], wall: float) -> None:
        """States of clients have changed."""
        self.counters.alive, self.counters.dead = self.watch.alive, self.watch.dead
        for change in changes:
            if self.report.room:
                self.report.emit(_changed(change, wall))
            else:
                self.report.missed += 1

    def our_clock_was_set(self, by: float, wall: float) -> None:
        """This machine's clock jumped."""
        why = f"its clock was set {_way(by)} by {abs(by):.3g} s: the smallest delays are moved along"
        self._tell(HeartbeatClock(t=wall, peer="", by_ms=1000 * by, why=why))

    def _stepped(self, peer: str, by: float, wall: float) -> None:
        why = f"its delay moved by {by:+.3g} s at once: a clock was set, or the way is another one"
        self._tell(HeartbeatClock(t=wall, peer=peer, by_ms=1000 * by, why=why))

    def _tell(self, event: Event) -> None:
        if self.report.room:
            self.report.emit(event)
        else:
            self.report.missed += 1


def _told(line: Line, wall: float, arrival: Arrival) -> HeartbeatArrived:
    client = arrival.client
    return HeartbeatArrived(
        t=wall, peer=show(client.peer), word=line.word, seq=line.seq, how=arrival.how, gap=arrival.gap,
        late=arrival.late, sent=line.sent, delay_ms=_ms(arrival.delay), above_ms=_ms(arrival.above),
        interval=client.interval, received=client.received, lost=client.numbering.lost,
    )  # fmt: skip


def _changed(change: Change, wall: float) -> HeartbeatState:
    return HeartbeatState(
        t=wall, peer=show(change.peer), state=change.state, since=change.since, why=change.why,
        was=change.was, away=change.away,
    )  # fmt: skip


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 3)


def _way(by: float) -> str:
    return "forward" if by > 0 else "back"
