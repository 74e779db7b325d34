"""What the heartbeat lab's programs report beside the shared kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from servers.kit.events import Event
from servers.udp_heartbeat.numbering import How

State = Literal["alive", "late", "lost", "dead", "back", "forgotten"]
Does = Literal["sends", "silent", "unplugged", "restarted", "stopped"]

HOW = {
    "first": "the first", "next": "", "gap": "", "reordered": "overtaken by a later one",
    "duplicate": "came again", "restarted": "SEQ began again", "jumped": "SEQ jumped ahead",
}  # fmt: skip


class HeartbeatArrived(Event, frozen=True, kw_only=True):
    """The server took a heartbeat; with the client's tally so far."""

    peer: str
    word: str
    seq: int
    how: Annotated[How, Meta(description="what SEQ makes of it, after those before")] = "next"
    gap: Annotated[int, Meta(description="how many numbers it skipped")] = 0
    late: Annotated[bool, Meta(description="it came more than half an interval after it was due")] = False
    sent: Annotated[float | None, Meta(description="TIME, by the client's clock; null: no number")] = None
    delay_ms: Annotated[float | None, Meta(description="arrival less TIME; null: not comparable")] = None
    above_ms: Annotated[float | None, Meta(description="delay above the client's smallest one")] = None
    interval: Annotated[
        float | None, Meta(description="seconds from one to the next, as learnt; null: not yet")
    ] = None
    received: Annotated[int, Meta(description="heartbeats of this client so far, copies not counted")] = 0
    lost: Annotated[int, Meta(description="numbers of this client that are missing now")] = 0

    def line(self) -> str:
        """The event in words."""
        if self.delay_ms is not None:
            delay = f"time difference {self.delay_ms:.3f} ms"
        elif self.sent is not None:
            delay = "TIME is no Unix time: delay not comparable"
        else:
            delay = "TIME cannot be read"
        notes = [delay, HOW[self.how], "late" if self.late else ""]
        if self.gap:
            notes.append(f"{self.gap} lost before it")
        return f"{self.peer} {self.word or 'heartbeat'} {self.seq}: " + ", ".join(filter(None, notes))


class HeartbeatState(Event, frozen=True, kw_only=True):
    """The server thinks otherwise of a client from now on."""

    peer: str
    state: State
    since: Annotated[float, Meta(description="when the state began")]
    why: str
    was: Annotated[State | None, Meta(description="the state before; null: it is new")] = None
    away: Annotated[float, Meta(description="back: seconds since the last heartbeat before")] = 0.0

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} is {self.state}: {self.why}"


class HeartbeatClock(Event, frozen=True, kw_only=True):
    """A clock seems to have been set. ``peer`` is empty where it is the server's own."""

    peer: str
    by_ms: Annotated[float, Meta(description="how far the measured delays moved; negative: they got smaller")]
    why: str

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer or 'this machine'}: {self.why}"


class HeartbeatMalformed(Event, frozen=True, kw_only=True):
    """A datagram that is no heartbeat."""

    peer: str
    why: str

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer}: {self.why}"


class HeartbeatClient(Event, frozen=True, kw_only=True):
    """What a simulated client does from now on. ``peer`` is its own address, as the server sees it."""

    peer: str
    server: str
    number: Annotated[int, Meta(description="which of the simulated clients, from 1")]
    does: Does
    seq: Annotated[int, Meta(description="the last number it gave")] = 0
    interval: Annotated[float, Meta(description="seconds from one to the next")] = 0.0

    def line(self) -> str:
        """The event in words."""
        words = {
            "sends": f"sends a heartbeat every {self.interval:g} s to {self.server}",
            "silent": "falls silent: its numbers stand still",
            "unplugged": "is unplugged: it sends on, and nothing arrives",
            "restarted": "starts again with SEQ 1",
            "stopped": f"has stopped after SEQ {self.seq}",
        }
        return f"client {self.number} ({self.peer}) {words[self.does]}"
