"""What can be asked of the race, and what comes of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from servers.kit.settings import RequestSettings, ui

MODELS = ("iterative", "threads", "processes", "select")


class RaceRequest(RequestSettings, frozen=True, kw_only=True):
    """The same load for each of the chosen models."""

    models: Annotated[
        str,
        Meta(
            max_length=100, title="Models", description="Each gets a server of its own and the same load.",
            pattern=r"^(iterative|threads|processes|select)(,(iterative|threads|processes|select))*$",
            extra=ui(several=MODELS),
        ),
    ] = ",".join(MODELS)  # fmt: skip
    clients: Annotated[
        int,
        Meta(ge=1, le=200, title="Clients", description="For each model, all at the same time.",
             extra=ui(flags=("-n",))),
    ] = 12  # fmt: skip
    requests: Annotated[
        int,
        Meta(ge=1, le=1000, title="Requests per client", description="One after the other."),
    ] = 5
    delay: Annotated[
        float,
        Meta(ge=0, le=10, title="Delay per request",
             description="What a server adds to each request, as slow work would.", extra=ui(unit="s")),
    ] = 0.2  # fmt: skip
    slow: Annotated[
        int,
        Meta(
            ge=0, le=500, title="Slow clients",
            description="For each model. They come first, send a byte a second and never finish.",
        ),
    ] = 0  # fmt: skip
    keep_alive: Annotated[
        bool,
        Meta(
            title="Keep connections",
            description="A client uses one connection for all its requests, instead of one for each.",
        ),
    ] = False
    seconds: Annotated[
        float,
        Meta(ge=1, le=120, title="Time limit", description="The race ends then, finished or not.",
             extra=ui(unit="s", advanced=True)),
    ] = 20.0  # fmt: skip

    @property
    def chosen(self) -> tuple[str, ...]:
        """The models, each once, in the order of the lanes."""
        words = self.models.strip().split(",")
        return tuple(model for model in MODELS if model in words)


class Row(msgspec.Struct, frozen=True):
    """How one model fared. Milliseconds are null where nothing was answered."""

    model: str
    finished: bool
    done: int
    failed: int
    seconds: float
    requests_per_second: float
    p50_ms: float | None
    p95_ms: float | None
    max_ms: float | None
    most_in_line: int
    at_once: int
    """Clients that it served at the same time, at the most; slow ones are not among them."""


class RaceResult(msgspec.Struct, frozen=True):
    """Who won and why, and a row for each model, the fastest first."""

    verdict: str
    reason: str
    rows: list[Row]
