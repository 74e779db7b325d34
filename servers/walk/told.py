"""What socket events tell of each connection: who opened it, which bytes went when, how each side ended.

The client's program and the server's tell of the same connection, each under a name of its own; they meet in
the client's address, which is the server's peer and the client's own. Either may be missing: a student's own
client tells nothing. For packets worked out from this see rebuild.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from servers.kit.events import (
    Bytes,
    ConnectionClosed,
    ConnectionOpened,
    DataReceived,
    DataSent,
    Event,
    ServerListening,
    SocketCall,
)
from servers.walk.names import on_the_wire, specific
from servers.walk.rows import Way

WAYS: tuple[Way, Way] = ("to_server", "to_client")
CLOSED = ("the client closed it", "the server closed it")
"""Reasons that say who ended first: whoever gives the other's has heard its end."""
SAME = 5.0
"""Seconds by which a server may tell of a connection's beginning before its client does."""
WAITS = 60.0
"""Seconds that a connection may wait for accept(), and its server tell of it later."""
MOST = 2000
"""Connections at the most; of more the newest."""
CHUNKS = 20_000
"""Calls of a connection that are remembered at the most."""


class Chunk(NamedTuple):
    """What one call moved."""

    t: float
    offset: int
    data: Bytes


class Side:
    """One end: what it sent and received, and how it ended. Times are of the events."""

    __slots__ = (
        "ended", "heard_end", "lingers", "opened", "received", "reset", "sent", "total", "was_reset",
    )  # fmt: skip

    def __init__(self) -> None:
        self.opened: float | None = None
        self.sent: list[Chunk] = []
        self.received: list[Chunk] = []
        self.ended: float | None = None  # close(), or shutdown() of its sending side
        self.heard_end: float | None = None  # recv() returned 0 bytes, or so it says
        self.was_reset: float | None = None  # a call said that the other side had reset
        self.reset = self.lingers = False
        self.total: int | None = None  # bytes that it sent, as is told at the end


class Told:
    """One connection. ``sides`` are the client's and the server's."""

    __slots__ = ("client", "missed", "server", "sides")

    def __init__(self, client: str) -> None:
        self.client, self.server = client, ""
        self.sides = (Side(), Side())
        self.missed = False


class Gathering:
    """All connections that events tell of, in the order in which they began."""

    def __init__(self, server: str = "") -> None:
        self._server = server
        self._found: list[Told] = []
        self._newest: dict[str, Told] = {}
        self._names: dict[str, Told] = {}

    def feed(self, events: Iterable[Event]) -> None:
        """The next events, in the order of their numbers."""
        for event in events:
            if isinstance(event, ServerListening):
                self._server = event.address
            elif isinstance(event, ConnectionOpened):
                self._opened(event)
            elif isinstance(event, SocketCall | ConnectionClosed | DataSent | DataReceived):
                told = self._names.get(event.conn)
                if told:
                    _take(told, 0 if event.conn.startswith("client-") else 1, event)

    def connections(self) -> Iterator[Told]:
        """What was found; not those of Unix-domain sockets, which have no packets."""
        for told in self._found:
            if told.server and not told.client.startswith("unix:") and not told.server.startswith("unix:"):
                yield told

    def _opened(self, event: ConnectionOpened) -> None:
        side = 0 if event.conn.startswith("client-") else 1
        client = on_the_wire(event.own if side == 0 else event.peer)
        if not client:
            return
        told = self._newest.get(client)
        if told is None or not _may_be(told, side, event.t):
            told = self._newest[client] = Told(client)
            self._found.append(told)
            if len(self._found) > MOST:
                del self._found[0]
        told.sides[side].opened = event.t
        server = event.peer if side == 0 else event.own or told.server or self._server
        told.server = specific(on_the_wire(server), client)
        self._names[event.conn] = told  # a later connection takes the name over


def _may_be(told: Told, side: int, t: float) -> bool:
    """Whether this end's opening belongs to what the other end has told."""
    other = told.sides[1 - side].opened
    if told.sides[side].opened is not None or other is None:
        return False
    return -SAME < (t - other if side else other - t) < WAITS


def _take(told: Told, number: int, event: SocketCall | ConnectionClosed | DataSent | DataReceived) -> None:
    side = told.sides[number]
    if isinstance(event, DataSent | DataReceived):
        sent = isinstance(event, DataSent)
        if event.way != WAYS[number if sent else 1 - number]:
            return  # of the server's other connections, as a proxy has them
        chunks = side.sent if sent else side.received
        if len(chunks) < CHUNKS:
            chunks.append(Chunk(event.t, event.offset, event.data))
        else:
            told.missed = True
    elif isinstance(event, ConnectionClosed):
        side.total = event.bytes_out
        other = told.sides[1 - number]
        other.total = event.bytes_in if other.total is None else other.total
        side.ended = side.ended if side.ended is not None else event.t
        side.reset = side.reset or "sends a reset" in event.reason
        if event.reason.startswith("reset by"):
            side.was_reset = side.was_reset if side.was_reset is not None else event.t
        elif event.reason == CLOSED[1 - number]:
            side.heard_end = side.heard_end if side.heard_end is not None else event.t
    else:
        _call(side, event)


def _call(side: Side, event: SocketCall) -> None:
    if event.error:
        if event.error.startswith(("ECONNRESET", "EPIPE")):
            side.was_reset = side.was_reset if side.was_reset is not None else event.t
    elif event.call == "close" or (event.call == "shutdown" and event.arguments != "SHUT_RD"):
        side.ended = event.t if side.ended is None or event.call == "shutdown" else min(side.ended, event.t)
        side.reset = side.reset or (side.lingers and event.call == "close")
    elif event.call == "recv" and event.result.startswith("0 bytes"):
        side.heard_end = side.heard_end if side.heard_end is not None else event.t
    elif event.call == "setsockopt" and "SO_LINGER" in event.arguments:
        side.lingers = "onoff=1 linger=0" in event.arguments
