"""The socket calls on the outside of the ladder: what client and server asked of their systems, and when.

From the events that both programs tell. A call's time is when the program told of it, just after the call
returned (close(): just before it was made). So a send() may stand a little below the packet it caused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from servers.kit.events import (
    ConnectionClosed,
    ConnectionOpened,
    DataReceived,
    DataSent,
    Event,
    SocketCall,
)
from servers.walk.datagram_calls import SETTING_UP, Side, as_told, of_datagrams
from servers.walk.names import on_the_wire, split
from servers.walk.rows import Call

MOST = 20_000
"""Calls that are given at the most."""

Told = SocketCall | ConnectionOpened | ConnectionClosed | DataSent | DataReceived


def calls(events: Iterable[Event], client: str, server: str, transport: str = "tcp") -> list[Call]:
    """The calls of one connection, in the order of their times; ``client`` and ``server`` as in its rows."""
    chosen = _Chosen(client, server)
    made = of_datagrams(events, client, server) if transport == "udp" else chosen.calls(events)
    found = sorted(made, key=lambda pair: pair[1].t)
    return [
        Call(n=n, t=call.t, side=call.side, call=call.call, words=call.words, error=call.error, told=told)
        for n, (told, call) in enumerate(found[:MOST], 1)
    ]


class _Chosen:
    """One TCP connection's events among those of an instance and its clients."""

    def __init__(self, client: str, server: str) -> None:
        self._client, self._server = client, server
        self._name = f"client-{split(client)[1]}"
        self._conns: set[str] = set()  # the server's names of it
        self._told: set[Side] = set()  # whose close() was told
        self._waiting: dict[str, list[SocketCall]] = {}  # of each client, before it has a connection
        self._listener: list[SocketCall] = []
        self._closed: dict[Side, tuple[int, Call]] = {}  # as far as no close() was told
        self._accepted: SocketCall | None = None

    def calls(self, events: Iterable[Event]) -> Iterator[tuple[int, Call]]:
        """Each with the number of the event with which it is known to be of this connection."""
        for event in events:
            if isinstance(event, Told):
                for call in self._of(event):
                    yield event.n, call
        yield from self._closed.values()

    def _of(self, event: Told) -> Iterable[Call]:
        conn = event.conn
        if isinstance(event, SocketCall) and not conn:
            self._early(event)
        elif conn == self._name and self._is_ours(event):
            return self._of_client(event)
        elif not conn.startswith("client-"):
            return self._of_server(event)
        return ()

    def _early(self, event: SocketCall) -> None:
        """A call on a socket that has no connection yet: whose it is shows later."""
        if event.request:
            _remember(self._waiting.setdefault(event.request, []), event)
        elif event.call == "accept":
            if on_the_wire(event.result.rpartition(" ")[2]) == self._client:
                self._accepted = event
        else:
            _remember(self._listener, event)

    def _is_ours(self, event: Told) -> bool:
        """A port may serve two servers one after the other; a call names none."""
        return isinstance(event, SocketCall) or on_the_wire(event.peer) in (self._server, "")

    def _is_at(self, event: Told) -> bool:
        return isinstance(event, SocketCall) or on_the_wire(event.peer) == self._client

    def _of_client(self, event: Told) -> Iterator[Call]:
        if isinstance(event, ConnectionOpened):
            early = self._waiting.pop(event.request, [])
            yield from (_call("client", each) for each in early)
            if not any(each.call == "connect" for each in early):
                yield Call(
                    n=0, t=event.t, side="client", call="connect", words=f"connect({self._server}) = 0"
                )
        elif isinstance(event, ConnectionClosed):
            self._ended("client", event)
        else:
            yield self._made("client", event)

    def _of_server(self, event: Told) -> Iterator[Call]:
        if isinstance(event, ConnectionOpened):
            if on_the_wire(event.peer) != self._client:
                return
            self._conns.add(event.conn)
            yield from (_call("server", each) for each in self._listener)
            self._listener = []
            if self._accepted:
                yield _call("server", self._accepted)
            else:
                words = f"accept() = {event.peer}"
                yield Call(n=0, t=event.t, side="server", call="accept", words=words)
        elif event.conn not in self._conns or not self._is_at(event):
            return
        elif isinstance(event, ConnectionClosed):
            self._ended("server", event)
        elif not isinstance(event, DataReceived) or event.way == "to_server":
            yield self._made("server", event)

    def _made(self, side: Side, event: SocketCall | DataSent | DataReceived) -> Call:
        if isinstance(event, SocketCall) and event.call == "close":
            self._told.add(side)
            self._closed.pop(side, None)
        return _call(side, event)

    def _ended(self, side: Side, event: ConnectionClosed) -> None:
        """Its end was told; that is its close(), unless that is told too."""
        if side not in self._told:
            why = f" — {event.reason}" if event.reason else ""
            call = Call(n=0, t=event.t, side=side, call="close", words=f"close(){why}")
            self._closed[side] = event.n, call


def _remember(early: list[SocketCall], event: SocketCall) -> None:
    if event.call == "socket":
        early.clear()  # what came before was another socket's
    if len(early) < SETTING_UP:
        early.append(event)


def _call(side: Side, event: SocketCall | DataSent | DataReceived) -> Call:
    if isinstance(event, SocketCall):
        return as_told(side, event)
    if isinstance(event, DataSent):
        asked = event.asked or event.data.size
        return Call(n=0, t=event.t, side=side, call="send", words=f"send({asked} bytes) = {event.data.size}")
    asked_for = str(event.asked or "")
    words = f"recv({asked_for}) = {event.data.size} bytes"
    return Call(n=0, t=event.t, side=side, call="recv", words=words)
