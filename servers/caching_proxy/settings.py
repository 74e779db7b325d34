"""The proxy lab's settings and counters: the form, the flags and the checks are made from them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from servers.caching_proxy.access import Rules
from servers.kit.settings import ServerSettings, ui

PORT = 8888


class Settings(ServerSettings, frozen=True, kw_only=True):
    """What the proxy takes beside the host."""

    port: Annotated[
        int, Meta(ge=0, le=65535, title="Port", description="The TCP port; 0 lets the system choose.")
    ] = PORT
    caching: Annotated[
        bool,
        Meta(
            title="Cache on",
            description="Off: every request goes to the origin, and nothing is stored.",
            extra=ui(live=True),
        ),
    ] = True
    allow_target: Annotated[
        str,
        Meta(
            max_length=4000,
            title="Allowed targets",
            extra=ui(live=True),
            description="Where requests may go: addresses, networks (10.0.0.0/8), names (example.org, "
            ".example.org with all below it), or * for anywhere; with commas between.",
        ),
    ] = "127.0.0.0/8, ::1"
    allow_client: Annotated[
        str,
        Meta(
            max_length=4000,
            title="Allowed clients",
            extra=ui(live=True),
            description="Who may use the proxy: addresses and networks, or * for everybody.",
        ),
    ] = "127.0.0.0/8, ::1"
    connect_ports: Annotated[
        str,
        Meta(
            max_length=400,
            title="Ports for CONNECT",
            extra=ui(live=True),
            description="Tunnels may go to these ports: 443, 8443. Empty: no tunnels.",
        ),
    ] = "443"
    cache_size: Annotated[
        float,
        Meta(
            ge=0.01,
            le=1_000_000,
            title="Cache size",
            extra=ui(unit="MB", live=True),
            description="When it is full, what was not used for longest goes.",
        ),
    ] = 100.0
    timeout: Annotated[
        float,
        Meta(
            ge=0.1,
            le=600,
            title="Time-out",
            extra=ui(unit="s", live=True),
            description="For reaching the origin, for its head, and between two pieces of a body.",
        ),
    ] = 10.0
    cache: Annotated[
        str,
        Meta(
            max_length=1000, title="Folder", description="The cache's; made if missing. Empty: the lab's own."
        ),
    ] = ""
    keep_alive: Annotated[
        float,
        Meta(
            ge=0,
            le=600,
            title="Keep-alive",
            extra=ui(unit="s", advanced=True),
            description="An idle connection stays open so long, to clients and to origins; 0: it is closed.",
        ),
    ] = 15.0
    header_timeout: Annotated[
        float,
        Meta(
            ge=0.1,
            le=600,
            title="Header time-out",
            extra=ui(unit="s", advanced=True),
            description="A request's head must be whole by then, however slowly it drips in.",
        ),
    ] = 10.0
    max_connections: Annotated[
        int,
        Meta(ge=1, le=5000, title="Connections", extra=ui(advanced=True), description="Of clients, at once."),
    ] = 500  # fmt: skip

    def __post_init__(self) -> None:
        Rules.read(self.allow_client, self.allow_target, self.connect_ports)


class Counters(msgspec.Struct):
    """What the proxy counts."""

    connections: Annotated[int, Meta(title="Connections, in all")] = 0
    open: Annotated[int, Meta(title="Connections open")] = 0
    requests: Annotated[int, Meta(title="Requests")] = 0
    hits: Annotated[int, Meta(title="From the cache")] = 0
    revalidated: Annotated[int, Meta(title="Revalidated")] = 0
    collapsed: Annotated[int, Meta(title="Collapsed")] = 0
    misses: Annotated[int, Meta(title="From the origin")] = 0
    refused: Annotated[int, Meta(title="Refused")] = 0
    failed: Annotated[int, Meta(title="Failed")] = 0
    bytes_saved: Annotated[int, Meta(title="Saved", extra=ui(unit="bytes"))] = 0
    bytes_fetched: Annotated[int, Meta(title="Fetched", extra=ui(unit="bytes"))] = 0
    objects: Annotated[int, Meta(title="Objects stored")] = 0
    bytes_stored: Annotated[int, Meta(title="Stored", extra=ui(unit="bytes"))] = 0
