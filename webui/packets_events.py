"""What an instance's events tell of its connections: packets worked out from them, and whose they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import msgspec

from servers.kit.events import Event, SocketCall
from servers.walk.rebuild import Rebuilt, rebuild
from servers.walk.rows import Connection

SHARE = 5
"""While events keep coming, working them out takes one in so many seconds at the most."""
SLACK = 5.0
"""Seconds by which a program's clock and the kernel's may name the same connection's beginning."""
PEOPLE = 2000


class Telling:
    """One instance's connections as its events tell them; each keeps its id while the dashboard runs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._n = -1
        self._due = float("-inf")
        self._found: list[Rebuilt] = []
        self._ids: dict[tuple[str, str], list[tuple[float, str]]] = {}
        self._next = 1

    def connections(self, n: int, events: Callable[[], list[Event]], server: str) -> list[Rebuilt]:
        """The connections; ``n`` is the newest event's number."""
        now = self._clock()
        if n != self._n and now >= self._due:
            self._found = [self._named(each) for each in rebuild(events(), server)]
            self._n, then = n, self._clock()
            self._due = then + SHARE * (then - now)
        return self._found

    def _named(self, rebuilt: Rebuilt) -> Rebuilt:
        id = self._id(rebuilt.connection)
        return msgspec.structs.replace(rebuilt, connection=msgspec.structs.replace(rebuilt.connection, id=id))

    def _id(self, connection: Connection) -> str:
        """Its id, also when its beginning has become known better meanwhile: one side may tell first."""
        known = self._ids.setdefault((connection.transport, connection.client), [])
        for started, id in known:
            if connection.transport == "udp" or abs(started - connection.started) < 1:
                return id
        known.append((connection.started, f"e{self._next}"))
        self._next += 1
        if len(self._ids) > 10_000:
            del self._ids[next(iter(self._ids))]
        return known[-1][1]


class Persons:
    """Whose a connection is: the one whose test request made it, else the student of its address."""

    def __init__(self, of_request: Callable[[str], str]) -> None:
        self._of_request = of_request
        self._known: dict[str, str] = {}

    def clients(self, events: Iterable[Event]) -> dict[str, str]:
        """The persons by clients' addresses: of datagrams, a client's ``peer`` is its own address."""
        return {
            getattr(event, "own", "") or getattr(event, "peer", ""): self._person(event.request)
            for event in events
            if event.request
        }

    def _person(self, request: str) -> str:
        if request not in self._known:
            self._known[request] = self._of_request(request)
            if len(self._known) > PEOPLE:
                self._known.pop(next(iter(self._known)), None)
        return self._known[request]


def near(one: Connection, other: Connection) -> bool:
    """Whether both are the same connection, seen in two ways."""
    begins = one.started - SLACK <= other.started <= one.ended + SLACK
    return one.client == other.client and one.transport == other.transport and begins


def of_connection(events: Iterable[Event], connection: Connection) -> list[Event]:
    """The events of its time, up to SLACK after it; and the calls of sockets that had no connection yet,
    whenever they were."""
    first, last = connection.started - SLACK, connection.ended + SLACK
    return [
        event
        for event in events
        if first <= event.t < last or (isinstance(event, SocketCall) and not event.conn and event.t < first)
    ]
