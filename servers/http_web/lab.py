"""The web lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from servers.http_web.events import DownloadProgress
from servers.http_web.race_events import RaceFinished, RaceStarted, RaceTick
from servers.http_web.race_settings import RaceRequest
from servers.http_web.settings import Counters, Request, Settings
from servers.kit.events import ConnectionClosed, ConnectionOpened, DataReceived, DataSent, ServerListening
from servers.kit.har import har
from servers.kit.http_events import HttpRequest, HttpResponse
from servers.kit.lab import Export, Lab, Preset, Tool, View


def to_har(folder: Path, settings: Any, events: list[Any]) -> bytes:
    """The exchanges that are kept, as browsers' tools read them."""
    listening = [event.address for event in events if isinstance(event, ServerListening)]
    return har(events, listening[-1] if listening else f"{settings.host}:{settings.port}")


LAB = Lab(
    name="http_web",
    title="Web server",
    settings=Settings,
    request=Request,
    server="servers.http_web.server",
    client="servers.http_web.client",
    counters=Counters,
    events=(HttpRequest, HttpResponse, DownloadProgress),
    tools=(
        Tool(
            name="race",
            title="Race",
            request=RaceRequest,
            client="servers.http_web.race",
            role="teacher",
            primary="Race {clients} clients",
            help="The same load against several models of concurrency at once, each on a server of its own: "
            "who waits?",
            needs_server=False,
            events=(RaceStarted, RaceTick, RaceFinished),
            picture=True,
        ),
    ),
    exports=(Export(name="har", title="HAR", media="application/json", function=to_har),),
    view=View(
        summary="Serves files over HTTP/1.1: one after the other, or many at once.",
        transport="tcp",
        spark="requests",
        tiles=("open", "requests", "ok", "refused", "bytes_out"),
        picture=True,
        marks=(ConnectionOpened, ConnectionClosed, HttpRequest, HttpResponse),
        quiet=(DownloadProgress, DataSent, DataReceived),
        primary="{method} {path}",
        presets=(
            Preset(
                name="slow", title="Slow work", help="half a second for each answer: who waits?",
                settings={"delay": 0.5},
            ),
            Preset(name="quick", title="Quick", help="no delay", settings={"delay": 0.0}),
        ),
        sources=(
            "server.py", "iterative.py", "threads.py", "processes.py", "selecting.py", "conversation.py",
            "protocol.py", "kit/http.py", "kit/http_stream.py", "files.py", "demo.py", "client.py",
            "compose.py", "exchange.py", "settings.py", "lab.py",
        ),
        skeleton="skeleton.py",
    ),
)  # fmt: skip
"""The lab."""
