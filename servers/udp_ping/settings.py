"""What can be set on the ping server, what its client can be asked to do, what is counted."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.settings import RequestSettings, ServerSettings, ui
from servers.udp_ping.protocol import MAX_DATAGRAM, PORT

LONGEST_S = 600
"""Seconds that one client may run."""


class Settings(ServerSettings, frozen=True, kw_only=True):
    """How bad the simulated network is."""

    port: Annotated[
        int,
        Meta(ge=0, le=65535, title="Port", description="The UDP port; 0 lets the system choose one."),
    ] = PORT
    loss: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Loss to the server",
            description="How many pings are lost before the server sees them.",
            extra=ui(unit="%", live=True, step=0.1),
        ),
    ] = 30.0  # fmt: skip
    reply_loss: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Loss on the way back",
            description="How many replies are lost after the server sent them.",
            extra=ui(unit="%", live=True, step=0.1),
        ),
    ] = 0.0  # fmt: skip
    loss_model: Annotated[
        Literal["random", "burst"],
        Meta(
            title="Loss model",
            description="random: each datagram on its own. burst: several in a row "
            "(Gilbert-Elliott), at the same rate in the long run.",
            extra=ui(live=True),
        ),
    ] = "random"
    burst_length: Annotated[
        float,
        Meta(
            ge=1, le=1000, title="Burst length",
            description="With the model burst: how many are lost in a row on average.",
            extra=ui(unit="datagrams", live=True, step=0.5, slider=(1, 20)),
        ),
    ] = 3.0  # fmt: skip
    delay: Annotated[
        float,
        Meta(
            ge=0, le=10000, title="Delay",
            description="How long every reply is held back.",
            extra=ui(unit="ms", live=True, step=1, slider=(0, 1500)),
        ),
    ] = 0.0  # fmt: skip
    jitter: Annotated[
        float,
        Meta(
            ge=0, le=10000, title="Jitter",
            description="How far the delay strays to either side, evenly spread.",
            extra=ui(unit="ms", live=True, step=1, slider=(0, 500)),
        ),
    ] = 0.0  # fmt: skip
    duplicate: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Duplicates", description="How many replies are sent twice.",
            extra=ui(unit="%", live=True, step=0.1),
        ),
    ] = 0.0  # fmt: skip
    reorder: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Reordering",
            description="How many replies wait until the next one has overtaken them "
            "(half a second at the most).",
            extra=ui(unit="%", live=True, step=0.1),
        ),
    ] = 0.0  # fmt: skip
    corrupt: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Corruption",
            description="How many replies arrive with one wrong bit.",
            extra=ui(unit="%", live=True, step=0.1),
        ),
    ] = 0.0  # fmt: skip
    seed: Annotated[
        int,
        Meta(
            ge=0, le=2**32 - 1, title="Seed",
            description="The same seed loses the same pings again, for every client alike. "
            "Empty: by chance, for each client its own.",
            extra=ui(advanced=True),
        ),
    ] | None = None  # fmt: skip


class Request(RequestSettings, frozen=True, kw_only=True):
    """What the ping client is asked to do."""

    count: Annotated[
        int,
        Meta(
            ge=1, le=10000, title="Pings", description="How many pings are sent.",
            extra=ui(flags=("-c",)),
        ),
    ] = 10  # fmt: skip
    interval: Annotated[
        float,
        Meta(
            ge=0.001, le=60, title="Interval", description="Time from one ping to the next.",
            extra=ui(unit="s", flags=("-i",), step=0.001),
        ),
    ] = 0.2  # fmt: skip
    timeout: Annotated[
        float,
        Meta(
            ge=0.001, le=60, title="Time-out",
            description="A reply that takes longer is late, and counts as lost.",
            extra=ui(unit="s", flags=("-W",), step=0.001),
        ),
    ] = 1.0  # fmt: skip
    size: Annotated[
        int,
        Meta(
            ge=0, le=MAX_DATAGRAM, title="Size",
            description="Each ping is filled up to this many bytes; 0 adds nothing.",
            extra=ui(unit="bytes", flags=("-s",)),
        ),
    ] = 0  # fmt: skip

    def __post_init__(self) -> None:
        seconds = self.count * self.interval + self.timeout
        if seconds > LONGEST_S + 60:
            raise SettingError(
                f"{self.count} pings {self.interval:g} s apart take {seconds:.0f} s; "
                f"the longest run is {LONGEST_S} s.",
                field="count",
                hint=f"Give at most {max(1, int(LONGEST_S / self.interval))} pings, or a shorter interval.",
            )


class Counters(msgspec.Struct):
    """What the server counts."""

    received: Annotated[int, Meta(title="Pings arrived")] = 0
    replied: Annotated[int, Meta(title="Replies sent")] = 0
    lost_to_server: Annotated[int, Meta(title="Lost on the way to the server")] = 0
    lost_to_client: Annotated[int, Meta(title="Lost on the way back")] = 0
    delayed: Annotated[int, Meta(title="Held back")] = 0
    duplicated: Annotated[int, Meta(title="Sent twice")] = 0
    reordered: Annotated[int, Meta(title="Overtaken")] = 0
    corrupted: Annotated[int, Meta(title="Garbled")] = 0
    bytes_in: Annotated[int, Meta(title="Received", extra={"unit": "bytes"})] = 0
    bytes_out: Annotated[int, Meta(title="Sent", extra={"unit": "bytes"})] = 0
