"""The UDP ping lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from servers.kit.lab import Lab, Preset, Query, View
from servers.udp_ping.events import PingFate, PingOutcome, PingStarted
from servers.udp_ping.settings import Counters, Request, Settings
from servers.udp_ping.stats import expected_range


class ExpectedArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many pings the range is for."""

    count: Annotated[int, Meta(ge=1, le=10000, title="Pings")] = 10


def expected(folder: Path, settings: Any, arguments: Any) -> Any:
    """The range of losses that is normal for ``count`` pings under these settings."""
    return expected_range(settings, arguments.count)


LAB = Lab(
    name="udp_ping",
    title="UDP ping",
    settings=Settings,
    request=Request,
    server="servers.udp_ping.server",
    client="servers.udp_ping.client",
    counters=Counters,
    events=(PingStarted, PingOutcome, PingFate),
    queries=(
        Query(
            name="expected",
            title="Losses to expect",
            function=expected,
            arguments=ExpectedArguments,
            help="How many of so many pings are lost in 95 of 100 runs.",
        ),
    ),
    view=View(
        summary="Sends pings over a network that loses some, and times the replies.",
        transport="udp",
        spark="received",
        tiles=("received", "replied", "lost_to_server", "lost_to_client"),
        picture=True,
        marks=(PingStarted, PingOutcome, PingFate),
        quiet=(PingFate,),
        primary="Send {count} pings",
        presets=(
            Preset(
                name="sheet", title="Course sheet", help="36.4 %: what the sheet's code really loses",
                settings={
                    "loss": 36.4, "reply_loss": 0.0, "loss_model": "random", "delay": 0.0,
                    "jitter": 0.0, "duplicate": 0.0, "reorder": 0.0, "corrupt": 0.0,
                },
            ),
            Preset(
                name="good-wifi", title="Good Wi-Fi", help="0.5 % loss, 4 ± 2 ms",
                settings={
                    "loss": 0.3, "reply_loss": 0.2, "loss_model": "random", "delay": 4.0,
                    "jitter": 2.0, "duplicate": 0.0, "reorder": 0.0, "corrupt": 0.0,
                },
            ),
            Preset(
                name="bad-wifi", title="Bad Wi-Fi", help="bursts of loss, 40 ± 35 ms, some doubled",
                settings={
                    "loss": 8.0, "reply_loss": 4.0, "loss_model": "burst", "burst_length": 3.0,
                    "delay": 40.0, "jitter": 35.0, "duplicate": 1.0, "reorder": 2.0, "corrupt": 0.5,
                },
            ),
            Preset(
                name="satellite", title="Satellite", help="600 ± 20 ms by way of a high orbit",
                settings={
                    "loss": 1.0, "reply_loss": 0.5, "loss_model": "burst", "burst_length": 5.0,
                    "delay": 600.0, "jitter": 20.0, "duplicate": 0.0, "reorder": 0.0, "corrupt": 0.0,
                },
            ),
        ),
        sources=(
            "server.py", "client.py", "protocol.py", "pings.py", "loss.py", "outbox.py", "book.py",
            "stats.py", "events.py", "settings.py", "lab.py",
        ),
        skeleton="skeleton.py",
    ),
)  # fmt: skip
"""The lab."""
