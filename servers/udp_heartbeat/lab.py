"""The UDP heartbeat lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from servers.kit.events import ServerListening
from servers.kit.lab import Lab, Preset, View
from servers.udp_heartbeat.events import (
    HeartbeatArrived,
    HeartbeatClient,
    HeartbeatClock,
    HeartbeatMalformed,
    HeartbeatState,
)
from servers.udp_heartbeat.request import Request
from servers.udp_heartbeat.settings import Counters, Settings

LAB = Lab(
    name="udp_heartbeat",
    title="UDP heartbeat",
    settings=Settings,
    request=Request,
    server="servers.udp_heartbeat.server",
    client="servers.udp_heartbeat.client",
    counters=Counters,
    events=(HeartbeatArrived, HeartbeatState, HeartbeatClock, HeartbeatMalformed, HeartbeatClient),
    session=lambda request: request.by_hand,
    view=View(
        summary="Clients say that they live; the server tells late, lost, dead and back, and never answers.",
        transport="udp",
        spark="received",
        tiles=("alive", "dead", "received", "lost", "late"),
        picture=True,
        template=True,
        marks=(ServerListening, HeartbeatArrived, HeartbeatState, HeartbeatClock, HeartbeatClient),
        quiet=(HeartbeatArrived,),
        primary="Start heartbeats{by_hand: by hand}",
        line="To the clients",
        presets=(
            Preset(
                name="calm", title="Calm", help="dead after 5 s, nothing lost",
                settings={"timeout": 5.0, "loss": 0.0},
            ),
            Preset(
                name="quick", title="Quick alarm", help="dead after 1.5 s: found soon, and often wrong",
                settings={"timeout": 1.5},
            ),
            Preset(name="patient", title="Patient", help="dead after 15 s", settings={"timeout": 15.0}),
            Preset(name="lossy", title="Lossy way", help="30 % are lost", settings={"loss": 30.0}),
        ),
        sources=(
            "server.py", "client.py", "protocol.py", "watch.py", "watched.py", "numbering.py", "delays.py",
            "words.py", "loss.py", "book.py", "crowd.py", "orders.py", "byhand.py", "results.py",
            "events.py", "settings.py", "request.py", "lab.py",
        ),
        skeleton="skeleton.py",
    ),
)  # fmt: skip
"""The lab."""
