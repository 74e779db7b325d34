"""The replay lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from servers.kit.events import ConnectionClosed, ConnectionOpened
from servers.kit.lab import Lab, Preset, View
from servers.tcp_replay.events import Exchanged, TapeChanged, ToxicHit
from servers.tcp_replay.request import Request
from servers.tcp_replay.settings import Counters, Settings
from servers.tcp_replay.tapes import ACTIONS, QUERIES

NO_FAULTS = {
    name: -1 if name.endswith(("reset_peer", "timeout")) else 0
    for name in Settings.__struct_fields__
    if name.startswith(("upstream_", "downstream_"))
}

LAB = Lab(
    name="tcp_replay",
    title="Capture and replay",
    settings=Settings,
    request=Request,
    server="servers.tcp_replay.server",
    client="servers.tcp_replay.client",
    counters=Counters,
    events=(Exchanged, ToxicHit, TapeChanged),
    actions=ACTIONS,
    queries=QUERIES,
    session=lambda request: request.by_hand,
    view=View(
        summary="Stands between client and server, writes down, and later answers without the server.",
        transport="tcp",
        spark="exchanges",
        tiles=("open", "exchanges", "recorded", "hits", "misses", "on_tape"),
        picture=True,
        template=True,
        marks=(ConnectionOpened, ConnectionClosed, Exchanged, ToxicHit, TapeChanged),
        primary="Send bytes{by_hand: by hand}",
        line="Your line",
        presets=(
            Preset(name="good", title="No faults", help="everything passes at once", settings=NO_FAULTS),
            Preset(
                name="slow", title="Slow line", help="200 ms each way, 50 KB/s",
                settings=NO_FAULTS | {
                    "upstream_latency": 200, "downstream_latency": 200,
                    "upstream_rate": 50, "downstream_rate": 50,
                },
            ),
            Preset(
                name="sliced", title="Sliced", help="pieces of about 20 bytes, 20 ms apart",
                settings=NO_FAULTS | {
                    "downstream_average_size": 20, "downstream_size_variation": 10, "downstream_delay": 20
                },
            ),
            Preset(
                name="reset", title="Reset", help="each connection is reset after half a second",
                settings=NO_FAULTS | {"downstream_reset_peer": 500},
            ),
            Preset(
                name="silent", title="Silent", help="nothing comes back; closed after 3 s",
                settings=NO_FAULTS | {"downstream_timeout": 3000},
            ),
        ),
        sources=(
            "server.py", "loop.py", "clockwork.py", "link.py", "pairing.py", "framing.py", "http_framing.py",
            "tape.py", "percent.py", "deck.py", "player.py", "matching.py", "faults.py", "datagrams.py",
            "client.py", "settings.py", "request.py", "lab.py",
        ),
        skeleton="skeleton.py",
        stream=(
            "request.pause", "upstream_average_size", "upstream_size_variation", "upstream_delay",
            "downstream_average_size", "downstream_size_variation", "downstream_delay",
        ),
    ),
)  # fmt: skip
"""The lab."""
