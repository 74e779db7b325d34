"""What can be set on the heartbeat server, and what it counts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from servers.kit.settings import ServerSettings, ui
from servers.udp_heartbeat.protocol import PORT


class Settings(ServerSettings, frozen=True, kw_only=True):
    """When a client is taken for dead, and what is lost on purpose."""

    port: Annotated[
        int,
        Meta(ge=0, le=65535, title="Port", description="The UDP port; 0 lets the system choose one."),
    ] = PORT
    timeout: Annotated[
        float,
        Meta(
            ge=0.01, le=3600, title="Time-out",
            description="A client of which nothing came for so long is taken for dead.",
            extra=ui(unit="s", live=True, step=0.1, slider=(0.5, 30)),
        ),
    ] = 5.0  # fmt: skip
    loss: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Loss on the way",
            description="How many heartbeats are lost before the server sees them.",
            extra=ui(unit="%", live=True, step=0.1),
        ),
    ] = 0.0  # fmt: skip
    seed: Annotated[
        int,
        Meta(
            ge=0, le=2**32 - 1, title="Seed",
            description="The same seed loses the same heartbeats again, for every client alike. "
            "Empty: by chance, for each client its own.",
            extra=ui(advanced=True),
        ),
    ] | None = None  # fmt: skip


class Counters(msgspec.Struct):
    """What the server counts. ``lost`` goes down when a missing one comes after all."""

    received: Annotated[int, Meta(title="Heartbeats arrived")] = 0
    lost: Annotated[int, Meta(title="Missing numbers")] = 0
    alive: Annotated[int, Meta(title="Clients alive")] = 0
    dead: Annotated[int, Meta(title="Clients dead")] = 0
    late: Annotated[int, Meta(title="Came late")] = 0
    duplicates: Annotated[int, Meta(title="Came again")] = 0
    reordered: Annotated[int, Meta(title="Overtaken")] = 0
    restarts: Annotated[int, Meta(title="Restarts")] = 0
    malformed: Annotated[int, Meta(title="Not a heartbeat")] = 0
    dropped: Annotated[int, Meta(title="Lost on purpose")] = 0
    bytes_in: Annotated[int, Meta(title="Received", extra={"unit": "bytes"})] = 0
