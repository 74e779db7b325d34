"""The TCP upper lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from servers.kit.events import ConnectionClosed, ConnectionOpened, DataReceived, DataSent
from servers.kit.lab import Lab, Preset, View
from servers.tcp_upper.events import StreamNotUtf8
from servers.tcp_upper.experiments import EXPERIMENTS
from servers.tcp_upper.request import Request
from servers.tcp_upper.settings import Counters, Settings

SHEET = {
    "buffer": 1024, "keep_open": False, "pause": 0.0, "timeout": 0.0, "accepting": True, "blocking": True,
    "backlog": 1,
}  # fmt: skip
"""What the course sheet's server does."""

LAB = Lab(
    name="tcp_upper",
    title="TCP upper case",
    settings=Settings,
    request=Request,
    server="servers.tcp_upper.server",
    client="servers.tcp_upper.client",
    counters=Counters,
    events=(StreamNotUtf8,),
    tools=(EXPERIMENTS,),
    view=View(
        summary="Answers in upper case: the first TCP program, and every call that it makes.",
        transport="tcp",
        spark="connections",
        tiles=("connections", "open", "recv_calls", "send_calls", "not_utf8", "resets"),
        marks=(DataSent, DataReceived, ConnectionOpened, ConnectionClosed),
        primary="Send it",
        stream=("slice", "gap", "nodelay", "read", "before", "buffer", "pause", "keep_open"),
        presets=(
            Preset(
                name="sheet", title="Course sheet", help="listen(1), one recv(1024), close; no time-out",
                settings=SHEET,
            ),
            Preset(
                name="small", title="Buffer of 8", help="recv(8), again and again",
                settings={"buffer": 8, "keep_open": True, "pause": 0.0, "accepting": True},
            ),
            Preset(
                name="keep-open", title="Keep open", help="answers until the client ends",
                settings={"buffer": 1024, "keep_open": True, "pause": 0.0, "accepting": True},
            ),
            Preset(
                name="joined", title="Joined", help="half a second before each recv: what came is joined",
                settings={"pause": 500.0, "buffer": 1024, "keep_open": True, "accepting": True},
            ),
            Preset(
                name="non-blocking", title="Non-blocking", help="no call waits; many clients side by side",
                settings={"blocking": False, "accepting": True},
            ),
            Preset(
                name="not-accepting", title="Do not accept", help="the backlog fills; send on 6 connections",
                settings={"accepting": False, "backlog": 1},
            ),
        ),
        sources=(
            "server.py", "nonblocking.py", "waiting.py", "hurry.py", "book.py", "control.py", "options.py",
            "client.py", "talk.py", "connecting.py", "results.py", "protocol.py", "kit/upper_case.py",
            "events.py", "settings.py", "request.py", "lab.py",
        ),
        skeleton="skeleton.py",
    ),
)  # fmt: skip
"""The lab."""
