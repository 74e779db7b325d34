"""The calls beside a ladder of UDP: what server and client did with the datagrams of one client.

A server tells of all its clients' datagrams, by their address. Our own client tells of its own, by its own
address too, and of further calls on its socket, which have no address: its test request tells whose they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from servers.kit.events import DatagramDropped, DatagramReceived, DatagramSent, Event, SocketCall
from servers.walk.names import on_the_wire
from servers.walk.rows import Call

SETTING_UP = 12
"""Calls of a socket before its first datagram, or its connection, that are given at the most."""

Side = Literal["client", "server"]
Told = DatagramReceived | DatagramSent | DatagramDropped


def of_datagrams(events: Iterable[Event], client: str, server: str) -> Iterator[tuple[int, Call]]:
    """Each call with the number of the event with which it is known to be of this client."""
    early: dict[str, list[SocketCall]] = {}
    whose: dict[str, str] = {}  # a request's client; "" if it has several sockets: which one is a call on?
    for event in events:
        if isinstance(event, SocketCall) and event.request:
            if whose.get(event.request) == client:
                yield event.n, as_told("client", event)
            elif event.request not in whose and len(early.setdefault(event.request, [])) < SETTING_UP:
                early[event.request].append(event)
        elif isinstance(event, Told):
            peer = on_the_wire(event.peer)
            if event.request and event.request not in whose:
                before = early.pop(event.request, [])
                sockets = sum(each.call == "socket" for each in before)
                whose[event.request] = peer if sockets < 2 else ""
                if whose[event.request] == client:
                    yield from ((event.n, as_told("client", each)) for each in before)
            if peer == client:
                yield event.n, _of(event, server if event.request else client)


def as_told(side: Side, event: SocketCall) -> Call:
    """A call as the program told of it."""
    error = bool(event.error)
    return Call(n=0, t=event.t, side=side, call=event.call, words=SocketCall.line(event), error=error)


def _of(event: Told, other: str) -> Call:
    """The call that a datagram's event tells of; ``other`` is whom it was sent to."""
    side: Side = "client" if event.request else "server"
    size = event.data.size
    if isinstance(event, DatagramDropped):
        where = "on the way to the server" if event.way == "to_server" else "on the way back"
        words = f"lost {where}, on purpose: {size} bytes"
        return Call(n=0, t=event.t, side=side, call="lost", words=words, error=True)
    if isinstance(event, DatagramReceived):
        words = f"recvfrom({event.asked or ''}) = {size} bytes"
        if event.lost:
            words += f", and {event.lost} more are lost"
        return Call(n=0, t=event.t, side=side, call="recvfrom", words=words)
    words = f"sendto({size} bytes, {other}) = {size}"
    return Call(n=0, t=event.t, side=side, call="sendto", words=words)
