"""The experiments' descriptor: a tool of the lab with a page of its own. The scripts: experiment_*.py."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.kit.lab import Tool
from servers.kit.settings import RequestSettings, ui
from servers.tcp_upper.experiment_events import (
    ExperimentCall,
    ExperimentClaim,
    ExperimentFinished,
    ExperimentStarted,
)

Name = Literal["names", "two-servers", "time-wait", "backlog", "non-blocking", "linger", "long-line", "nagle"]


class ExperimentRequest(RequestSettings, frozen=True, kw_only=True):
    """Which experiment, and its few parameters."""

    experiment: Annotated[
        Name,
        Meta(
            title="Experiment",
            description="names: what an address in bind() means. two-servers: on one port. time-wait: a "
            "server that cannot start again. backlog: who connects when nobody accepts. non-blocking: calls "
            "that do not wait. linger: a close() that resets. long-line: longer than the buffer. nagle: why "
            "sends wait.",
            extra=ui(positional=True),
        ),
    ] = "names"
    family: Annotated[
        Literal["ipv4", "ipv6"],
        Meta(title="Family", description="All but «names» play on 127.0.0.1, or on ::1."),
    ] = "ipv4"
    backlog: Annotated[
        int, Meta(ge=0, le=32, title="Backlog", description="Of «backlog»: n in listen(n).")
    ] = 2
    connections: Annotated[
        int,
        Meta(ge=1, le=48, title="Connections", description="Of «backlog»: how many clients connect."),
    ] = 6


class ExperimentRow(msgspec.Struct, frozen=True):
    """One thing that the book says, and what was seen here."""

    what: str
    predicted: str
    seen: str
    agree: bool


class ExperimentResult(msgspec.Struct, frozen=True):
    """What an experiment found. ``outcome`` answers the page's question."""

    experiment: str
    outcome: str
    verdict: str
    rows: list[ExperimentRow]


EXPERIMENTS = Tool(
    name="experiments",
    title="Experiments",
    request=ExperimentRequest,
    client="servers.tcp_upper.experiment",
    role="student",
    primary="Run «{experiment}»",
    help="Short programs with a server, a client and a question: predict what a call will say, then see it. "
    "They run on this machine alone, on ports of their own, and do not touch the lab's server.",
    needs_server=False,
    events=(ExperimentStarted, ExperimentCall, ExperimentClaim, ExperimentFinished),
    picture=True,
)
"""The tool, for the lab's descriptor."""
