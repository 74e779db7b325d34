"""Who lives: one small state machine per client. No socket; the clock is passed in.

The states, and when a client is in them:

alive   a heartbeat came, and the next is not overdue. The expected interval is learnt: the median of
        the last INTERVALS distances from one number to the next.
late    more than LATE intervals without a heartbeat.
lost    the last heartbeat skipped numbers: those before it are missing. The next one makes it alive.
dead    no heartbeat for ``timeout`` seconds.
back    the first heartbeat after dead; the next one makes it alive.

What was sent before the newest one (a copy, one that was overtaken) is no sign of life.
``at`` is seconds of a clock that is never set, ``wall`` seconds since 1970.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Hashable

from servers.udp_heartbeat.events import State
from servers.udp_heartbeat.numbering import How
from servers.udp_heartbeat.protocol import Line
from servers.udp_heartbeat.watched import LATE, Arrival, Change, Client
from servers.udp_heartbeat.words import back_words, beat_words, dead_words, forgotten_words, late_words

MOST = 1000
"""Clients watched at the most."""
SET_S = 0.1
"""Seconds by which our own two clocks must come apart: one of them was set."""


class Watch:
    """All clients, at most ``most``. ``alive`` and ``dead`` count them."""

    def __init__(self, timeout: float, most: int = MOST) -> None:
        self._timeout, self._most = timeout, most
        self.clients: dict[Hashable, Client] = {}
        self._strangers: dict[Hashable, None] = {}  # one heartbeat so far, the oldest first
        self._dead: dict[Hashable, None] = {}  # the longest dead first
        self._heard: dict[Hashable, None] = {}  # all others, the longest silent first
        self._heap: list[tuple[float, int, Client]] = []
        self._order = itertools.count()
        self._apart: float | None = None

    @property
    def alive(self) -> int:
        """How many clients are not dead."""
        return len(self.clients) - len(self._dead)

    @property
    def dead(self) -> int:
        """How many clients are dead."""
        return len(self._dead)

    @property
    def timeout(self) -> float:
        """Seconds without a heartbeat after which a client is dead."""
        return self._timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._timeout = seconds
        self._plan_all()

    def due(self) -> float | None:
        """When to call ``tick`` at the latest; None: not before something comes."""
        return self._heap[0][0] if self._heap else None

    def tick(self, at: float, wall: float) -> list[Change]:
        """The states that change because nothing came."""
        changes: list[Change] = []
        while self._heap and self._heap[0][0] <= at:
            planned, _, client = heapq.heappop(self._heap)
            if client.scheduled != planned:
                continue  # it is looked after at another time, or forgotten
            client.scheduled = math.inf
            while (due := client.due(self._timeout)) <= at:
                changes.append(self._lapse(client, due, wall - (at - due)))
            self._plan(client)
        return changes

    def clock_set(self, at: float, wall: float) -> float:
        """By how many seconds our own clock was set since the last call; the delays are set right."""
        apart, before = wall - at, self._apart
        self._apart = apart
        if before is None or abs(apart - before) < SET_S:
            return 0.0
        for client in self.clients.values():
            client.delays.shift(apart - before)
        return apart - before

    def arrived(self, peer: Hashable, line: Line, at: float, wall: float) -> Arrival:
        """A heartbeat of ``peer`` came. What is due by then is told first."""
        changes = self.tick(at, wall)
        client = self.clients.get(peer)
        if client is None:
            if len(self.clients) >= self._most:
                changes.append(self._forget(wall))
            return self._first(Client(peer, line, at), line, wall, changes)
        numbering, last = client.numbering, client.last
        lost, highest = numbering.lost, numbering.highest
        how, gap = numbering.take(line)
        mended = numbering.lost < lost
        if how == "duplicate":
            return Arrival(how, 0, False, None, None, 0.0, client, False, changes)
        client.received += 1
        measured = client.delays.take(line.sent, wall)
        late = False
        if how == "reordered":
            if client.state == "lost" and numbering.whole:
                changes.append(self._enter(client, "alive", wall, "all that was missing has come after all"))
        else:
            late = self._pace(client, how, line.seq - highest, at)
            changes += self._beats(client, how, (highest, line.seq, gap), wall, at - last)
            client.last = at
            self._seen(client)
        return Arrival(how, gap, late, measured.delay, measured.above, measured.step, client, mended, changes)

    # -- inside

    def _first(self, client: Client, line: Line, wall: float, changes: list[Change]) -> Arrival:
        measured = client.delays.take(line.sent, wall)
        self.clients[client.peer] = client
        self._strangers[client.peer] = None
        self._plan(client)
        changes.append(Change(client.peer, "alive", None, wall, f"the first heartbeat, SEQ {line.seq}"))
        return Arrival("first", 0, False, measured.delay, measured.above, 0.0, client, False, changes)

    def _pace(self, client: Client, how: How, numbers: int, at: float) -> bool:
        """Learn the interval from a heartbeat that goes on; whether it came late."""
        if how in ("restarted", "jumped"):
            client.distances.clear()
            client.interval = None
            return False
        if client.state == "dead":
            return False  # it was away: that is no interval
        passed, interval = at - client.last, client.interval
        client.learn(passed / numbers)
        return interval is not None and passed > (numbers + LATE - 1) * interval

    def _beats(
        self, client: Client, how: How, numbers: tuple[int, int, int], wall: float, passed: float
    ) -> list[Change]:
        """The state after a sign of life. ``numbers``: the highest before, this one, how many are missing."""
        was, gap = client.state, numbers[2]
        if was == "dead":
            return [self._enter(client, "back", wall, back_words(passed, how, gap), passed)]
        state: State = "lost" if gap else "alive"
        if state == was and how == "next":
            return []
        return [self._enter(client, state, wall, beat_words(how, was, numbers, passed))]

    def _lapse(self, client: Client, due: float, wall: float) -> Change:
        """Nothing came until ``due``."""
        silent = due - client.last
        if due >= client.last + self._timeout:
            where = self._strangers if client.peer in self._strangers else self._heard
            where.pop(client.peer, None)
            self._dead[client.peer] = None
            return self._enter(client, "dead", wall, dead_words(silent, self._timeout))
        return self._enter(client, "late", wall, late_words(silent, client.interval or 0.0))

    def _enter(self, client: Client, state: State, wall: float, why: str, away: float = 0.0) -> Change:
        was, client.state = client.state, state
        return Change(client.peer, state, was, wall, why, away)

    def _seen(self, client: Client) -> None:
        """Put the client where it belongs, and see that it is looked after in time."""
        self._strangers.pop(client.peer, None)
        self._dead.pop(client.peer, None)
        self._heard.pop(client.peer, None)
        self._heard[client.peer] = None
        self._plan(client)

    def _plan(self, client: Client) -> None:
        """See that ``tick`` looks at the client when its state is due. Too early does no harm."""
        due = client.due(self._timeout)
        if due < client.scheduled:
            client.scheduled = due
            heapq.heappush(self._heap, (due, next(self._order), client))
            if len(self._heap) > 2 * self._most:  # most of them are out of date
                self._plan_all()

    def _plan_all(self) -> None:
        self._heap.clear()
        for client in self.clients.values():
            client.scheduled = math.inf
            self._plan(client)

    def _forget(self, wall: float) -> Change:
        """Make room: the longest dead goes first, then the oldest of those that came only once."""
        queue = self._dead or self._strangers or self._heard
        peer = next(iter(queue))
        del queue[peer]
        client = self.clients.pop(peer)
        client.scheduled = math.inf
        return self._enter(client, "forgotten", wall, forgotten_words(self._most))
