"""What the replay lab reports beside the shared kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from servers.kit.events import Bytes, Event, Way, printable

Outcome = Literal["passed", "recorded", "known", "too_large", "hit", "miss", "unanswered"]
"""What became of an exchange.

passed      it went by, and was watched
recorded    it went by, and is on the tape now
known       it went by; the tape had its request already (record-if-new)
too_large   it went by, and is too large for the tape
hit         answered from the tape
miss        nothing on the tape answers it
unanswered  the target could not be reached, or ended without a word
"""


class Exchanged(Event, frozen=True, kw_only=True):
    """A request, and what came of it."""

    conn: str
    peer: str
    number: Annotated[int, Meta(description="which of its connection's exchanges, from 1")]
    outcome: Outcome
    greeting: Annotated[bool, Meta(description="the server spoke first; there is no request")] = False
    sent: Annotated[Bytes, Meta(description="the request")]
    received: Annotated[Bytes, Meta(description="the response")]
    chunks: Annotated[int, Meta(description="in how many pieces the response came, or was sent")] = 0
    ms: Annotated[float, Meta(description="from the whole request to the response's last byte")] = 0.0
    tape: Annotated[int, Meta(description="the exchange's number on the tape; 0: it is not on it")] = 0
    turn: Annotated[str, Meta(description="which of several equal requests on the tape: «2 of 3»")] = ""
    near: Annotated[int, Meta(description="of a miss: the number of the nearest request on the tape")] = 0
    differs_at: Annotated[int | None, Meta(description="of a miss: the first byte that differs, from 0")] = (
        None
    )
    reason: Annotated[str, Meta(description="why, in words")] = ""

    def line(self) -> str:
        """The event in words."""
        what = "the server spoke first" if self.greeting else printable(self.sent.head)
        words = f"{self.peer} {self.outcome.replace('_', ' ')}: {what} -> {self.received.size} bytes"
        return f"{words} in {self.ms:.1f} ms" + (f". {self.reason}" if self.reason else "")


class ToxicHit(Event, frozen=True, kw_only=True):
    """A fault on the way did something that cannot be seen in the bytes."""

    conn: str
    peer: str
    way: Way
    fault: Literal["reset_peer", "timeout"]

    def line(self) -> str:
        """The event in words."""
        what = "reset" if self.fault == "reset_peer" else "made silent, then closed"
        way = "to the server" if self.way == "to_server" else "to the client"
        return f"{self.peer} {what} on purpose ({way})"


class TapeChanged(Event, frozen=True, kw_only=True):
    """The tape was opened, edited, cleared or exchanged for another."""

    path: Annotated[str, Meta(description="the file's name")]
    exchanges: int
    why: Literal["opened", "edited", "cleared", "chosen"]
    damaged: Annotated[tuple[str, ...], Meta(description="lines that could not be read, each with why")] = ()

    def line(self) -> str:
        """The event in words."""
        lines = f"; {len(self.damaged)} damaged: {self.damaged[0]}" if self.damaged else ""
        return f"tape {self.why}: {self.exchanges} exchanges{lines}"
