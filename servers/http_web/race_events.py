"""What the race tells while it runs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.events import Event


class RaceStarted(Event, frozen=True, kw_only=True):
    """All servers run, and the load begins."""

    models: tuple[str, ...]
    clients: Annotated[int, Meta(description="clients for each model")]
    requests: Annotated[int, Meta(description="requests of each client")]
    delay: Annotated[float, Meta(description="seconds of work that a server adds to each request")]
    slow: Annotated[int, Meta(description="clients for each model that never finish their request")] = 0
    keep_alive: bool = False
    workers: Annotated[int, Meta(description="processes of the model «processes»")] = 0
    limit: Annotated[float, Meta(description="seconds after which the race ends")] = 0.0

    def line(self) -> str:
        """The event in words."""
        return f"race of {', '.join(self.models)}: {self.clients} clients each, {self.requests} requests each"


class RaceTick(Event, frozen=True, kw_only=True):
    """How one model stands, every 0.2 s until it has finished."""

    model: str
    seconds: Annotated[float, Meta(description="since the load began")]
    waiting: Annotated[int, Meta(description="clients that have asked and have no answer yet")]
    in_line: Annotated[int, Meta(description="those of them whose connection nobody serves yet")]
    done: int
    failed: int = 0
    rate: Annotated[float, Meta(description="answers per second so far")] = 0.0
    p50_ms: Annotated[float | None, Meta(description="the median wait for an answer")] = None
    p95_ms: Annotated[float | None, Meta(description="95 of 100 answers came within")] = None
    max_ms: float | None = None
    finished: Annotated[bool, Meta(description="all its requests are answered or have failed")] = False

    def line(self) -> str:
        """The event in words."""
        state = "finished" if self.finished else f"{self.waiting} waiting, {self.in_line} in line"
        return f"{self.model} after {self.seconds:.1f} s: {self.done} answered, {state}"


class RaceFinished(Event, frozen=True, kw_only=True):
    """The race is over."""

    reason: Annotated[str, Meta(description="all finished, the time was over, or it was stopped")]
    verdict: Annotated[str, Meta(description="who won, and why")]

    def line(self) -> str:
        """The event in words."""
        return f"the race is over, {self.reason}. {self.verdict}"
