"""What the heartbeat client is asked to do: the form and the flags are made from it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.settings import RequestSettings, ui

LONGEST_S = 600.0
"""Seconds that a test request may run."""
DATAGRAMS = 100_000
"""Heartbeats that a test request may send."""


class Request(RequestSettings, frozen=True, kw_only=True):
    """One or more simulated clients, and what goes wrong with them."""

    count: Annotated[
        int,
        Meta(
            ge=0, le=DATAGRAMS, title="Heartbeats",
            description="How many each client sends; 0: until it is stopped.",
            extra=ui(flags=("-c",)),
        ),
    ] = 10  # fmt: skip
    interval: Annotated[
        float,
        Meta(
            ge=0.001, le=60, title="Interval", description="Time from one heartbeat to the next.",
            extra=ui(unit="s", flags=("-i",), step=0.001),
        ),
    ] = 1.0  # fmt: skip
    clients: Annotated[
        int,
        Meta(
            ge=1, le=20, title="Clients",
            description="How many clients are simulated, each with a socket and a port of its own.",
        ),
    ] = 1  # fmt: skip
    by_hand: Annotated[
        bool,
        Meta(
            title="By hand",
            description="They send until you end it, and you silence, wake, unplug and restart them.",
        ),
    ] = False
    loss: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Loss", description="How many are numbered, but do not leave.",
            extra=ui(unit="%", step=0.1),
        ),
    ] = 0.0  # fmt: skip
    delay: Annotated[
        float,
        Meta(
            ge=0, le=60_000, title="Delay",
            description="How long each is held back after TIME was written: a real one-way delay.",
            extra=ui(unit="ms", advanced=True),
        ),
    ] = 0.0  # fmt: skip
    jitter: Annotated[
        float,
        Meta(
            ge=0, le=60_000, title="Jitter",
            description="Up to so much more delay, evenly spread.",
            extra=ui(unit="ms", advanced=True),
        ),
    ] = 0.0  # fmt: skip
    duplicate: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Duplicates", description="How many leave twice.",
            extra=ui(unit="%", step=0.1, advanced=True),
        ),
    ] = 0.0  # fmt: skip
    reorder: Annotated[
        float,
        Meta(
            ge=0, le=100, title="Reordering",
            description="How many are held back for one and a half intervals: the next overtakes them.",
            extra=ui(unit="%", step=0.1, advanced=True),
        ),
    ] = 0.0  # fmt: skip
    clock_offset: Annotated[
        float,
        Meta(
            ge=-1e9, le=1e9, title="Wrong clock",
            description="How far the clients' clocks are ahead of the right time.",
            extra=ui(unit="s", advanced=True),
        ),
    ] = 0.0  # fmt: skip
    silence_at: Annotated[
        float,
        Meta(
            ge=0, le=LONGEST_S, title="Silent from",
            description="The clients fall silent so long after the start.",
            extra=ui(unit="s", advanced=True),
        ),
    ] = 0.0  # fmt: skip
    silence_for: Annotated[
        float,
        Meta(
            ge=0, le=LONGEST_S, title="Silent for",
            description="How long they stay silent; 0: they do not fall silent.",
            extra=ui(unit="s", advanced=True),
        ),
    ] = 0.0  # fmt: skip
    seed: Annotated[
        int,
        Meta(
            ge=0, le=2**32 - 1, title="Seed", description="The same seed loses the same numbers again.",
            extra=ui(advanced=True),
        ),
    ] | None = None  # fmt: skip

    def __post_init__(self) -> None:
        if self.by_hand or not self.count:
            return
        seconds = self.count * self.interval + self.silence_for
        if seconds > LONGEST_S + 60:
            raise SettingError(
                f"{self.count} heartbeats {self.interval:g} s apart take {seconds:.0f} s; "
                f"the longest run is {LONGEST_S:.0f} s.",
                field="count",
                hint=f"Give at most {max(1, int(LONGEST_S / self.interval))}, or a shorter interval.",
            )
        if self.count * self.clients > DATAGRAMS:
            raise SettingError(
                f"{self.clients} clients send {self.count * self.clients:,} heartbeats in all; "
                f"{DATAGRAMS:,} are the most.",
                field="count",
                hint=f"Give at most {DATAGRAMS // self.clients:,}.",
            )
