"""What the ping lab's programs report beside the shared kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from servers.kit.events import Event

Status = Literal["reply", "late", "timeout", "duplicate", "corrupt"]
Word = Literal["answered", "lost_to_server", "lost_to_client"]


class PingStarted(Event, frozen=True, kw_only=True):
    """A client begins. ``peer`` is its own address, as the server sees it on one machine."""

    peer: str
    server: str
    count: int

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} begins {self.count} pings to {self.server}"


class PingOutcome(Event, frozen=True, kw_only=True):
    """What a client knows of one ping. ``t`` is when the ping left, not when this was known."""

    peer: str
    seq: int
    status: Status
    rtt_ms: Annotated[float | None, Meta(description="round-trip time in ms; null without a reply")] = None
    reordered: Annotated[bool, Meta(description="a later ping's reply came first")] = False

    def line(self) -> str:
        """The event in words."""
        rtt = "" if self.rtt_ms is None else f" after {self.rtt_ms:.3f} ms"
        what = {
            "reply": "reply", "late": "late reply, counts as lost,", "timeout": "lost: no reply in time",
            "duplicate": "one more reply", "corrupt": "garbled reply, counts as lost,",
        }[self.status]  # fmt: skip
        return f"ping {self.seq}: {what}{rtt}" + (", out of order" if self.reordered else "")


class PingFate(Event, frozen=True, kw_only=True):
    """What the server did with one datagram of a peer, and the peer's tally so far."""

    peer: str
    seq: Annotated[int | None, Meta(description="null: it was not a ping")] = None
    fate: Word
    arrived: int
    lost_to_server: int = 0
    lost_to_client: int = 0
    gaps: Annotated[int, Meta(description="SEQ numbers that never arrived, so lost by a real network")] = 0

    def line(self) -> str:
        """The event in words."""
        words = {
            "answered": "answered",
            "lost_to_server": "lost on the way to the server",
            "lost_to_client": "lost on the way back",
        }[self.fate]
        return f"{self.peer} " + (f"ping {self.seq}: " if self.seq is not None else "no ping: ") + words
