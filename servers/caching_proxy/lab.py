"""The proxy lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from servers.caching_proxy.events import CacheChanged, CacheVerdict
from servers.caching_proxy.objects import ACTIONS, QUERIES
from servers.caching_proxy.request import Request
from servers.caching_proxy.settings import Counters, Settings
from servers.kit.events import ConnectionClosed, ConnectionOpened, DataReceived, DataSent, ServerListening
from servers.kit.har import har
from servers.kit.http_events import HttpRequest, HttpResponse
from servers.kit.lab import Export, Lab, Preset, View


def to_har(folder: Path, settings: Any, events: list[Any]) -> bytes:
    """What clients asked and got, as browsers' tools read it; what the proxy asked origins is left out."""
    listening = [event.address for event in events if isinstance(event, ServerListening)]
    clients = [event for event in events if getattr(event, "conn", "").startswith("c")]
    return har(clients, listening[-1] if listening else f"{settings.host}:{settings.port}")


LAB = Lab(
    name="caching_proxy",
    title="Caching proxy",
    settings=Settings,
    request=Request,
    server="servers.caching_proxy.server",
    client="servers.caching_proxy.client",
    counters=Counters,
    events=(CacheVerdict, CacheChanged, HttpRequest, HttpResponse),
    actions=ACTIONS,
    queries=QUERIES,
    exports=(Export(name="har", title="HAR", media="application/json", function=to_har),),
    view=View(
        summary="Fetches for its clients, keeps what may be kept, and says what it did and why.",
        transport="tcp",
        spark="requests",
        tiles=("requests", "hits", "misses", "revalidated", "bytes_saved", "objects"),
        picture=True,
        template=True,
        marks=(ConnectionOpened, ConnectionClosed, CacheVerdict, CacheChanged),
        quiet=(DataSent, DataReceived),
        primary="{method} through the proxy",
        presets=(
            Preset(name="off", title="Cache off", help="all from the origin", settings={"caching": False}),
            Preset(name="on", title="Cache on", help="kept where allowed", settings={"caching": True}),
        ),
        sources=(
            "server.py", "protocol.py", "exchange.py", "from_cache.py", "from_origin.py", "fetch.py",
            "directives.py", "freshness.py", "rules.py", "storing.py", "vary.py", "validation.py", "store.py",
            "loop.py", "quick.py", "origin.py", "access.py", "tunnel.py", "client.py",
            "settings.py", "lab.py",
        ),
        skeleton="skeleton.py",
    ),
)  # fmt: skip
"""The lab."""
