"""The UDP upper-case lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from servers.kit.events import DatagramReceived, DatagramSent
from servers.kit.lab import Lab, Preset, View
from servers.udp_upper.events import DatagramNotUtf8, DatagramsOverflowed
from servers.udp_upper.settings import Counters, Request, Settings

LAB = Lab(
    name="udp_upper",
    title="UDP upper case",
    settings=Settings,
    request=Request,
    server="servers.udp_upper.server",
    client="servers.udp_upper.client",
    counters=Counters,
    events=(DatagramNotUtf8, DatagramsOverflowed),
    view=View(
        summary="The first UDP program: a text comes back in upper case, a datagram at a time.",
        transport="udp",
        spark="received",
        tiles=("received", "replied", "cut", "bytes_lost", "overflowed", "invalid"),
        picture=True,
        template=True,
        marks=(DatagramReceived, DatagramSent, DatagramsOverflowed),
        primary="Send {count} × «{text}»",
        presets=(
            Preset(
                name="sheet", title="Course sheet", help="recvfrom(2048), and at once again",
                settings={"buffer": 2048, "pause": 0.0},
            ),
            Preset(
                name="small", title="Small buffer", help="recvfrom(8): the rest of a datagram is lost",
                settings={"buffer": 8, "pause": 0.0},
            ),
            Preset(
                name="slow", title="Slow reader", help="100 ms before each recvfrom: the buffer fills up",
                settings={"buffer": 2048, "pause": 100.0},
            ),
        ),
        sources=(
            "server.py", "client.py", "protocol.py", "kit/upper_case.py", "receiving.py", "book.py",
            "results.py", "events.py", "settings.py", "lab.py",
        ),
        skeleton="skeleton.py",
    ),
)  # fmt: skip
"""The lab."""
