"""Simulated clients: which heartbeat leaves when, and what goes wrong. No socket, no clock.

``at`` is seconds of a clock that is never set, ``wall`` seconds since 1970.
"""

from __future__ import annotations

import heapq
import itertools
import math
from random import Random

import msgspec

from servers.udp_heartbeat.events import Does
from servers.udp_heartbeat.protocol import write_line
from servers.udp_heartbeat.request import Request

BEHIND_S = 1.0
"""A client that is so far behind its time goes on from now: the machine was asleep."""
OVERTAKEN = 1.5
"""Intervals that a heartbeat is held back so that the next one overtakes it."""


class Beat(msgspec.Struct, frozen=True):
    """One heartbeat at the moment it leaves; ``left`` is false where it is lost on purpose."""

    client: Simulated
    seq: int
    datagram: bytes
    left: bool = True
    copy: bool = False


class Simulated:
    """One client: ``number`` from 1, ``seq`` the last number that it gave, ``does`` what it does now.

    ``sent`` and ``skipped`` count its heartbeats, copies are not among them.
    """

    def __init__(self, number: int, request: Request, first: float, chance: Random) -> None:
        self.number, self.interval, self.next = number, request.interval, first
        self.does: Does = "sends"
        self.seq = self.sent = self.skipped = self.copies = self.held = 0
        self.chance = chance

    @property
    def given(self) -> int:
        """How many heartbeats it has given a number, over all restarts."""
        return self.sent + self.skipped


class Crowd:
    """All simulated clients of one run."""

    def __init__(self, request: Request, at: float) -> None:
        self.request = request
        self._count = 0 if request.by_hand else request.count
        seeds = [None if request.seed is None else f"{request.seed}/{n}" for n in range(request.clients)]
        apart = request.interval / request.clients  # not all at the same moment
        self.clients = [
            Simulated(number, request, at + (number - 1) * apart, Random(seed))
            for number, seed in enumerate(seeds, 1)
        ]
        self._held: list[tuple[float, int, Beat]] = []
        self._order = itertools.count()
        fall = at + request.silence_at if request.silence_for and self._count else math.inf
        self._silences = [fall, fall + request.silence_for]

    def due(self) -> float:
        """When something is due next; infinity: nothing any more."""
        held = self._held[0][0] if self._held else math.inf
        return min([held, *self._silences, *(self._next(client) for client in self.clients)])

    def take(self, at: float, wall: float) -> tuple[list[Beat], list[Simulated]]:
        """What leaves by now, in order; and the clients that do something else from now on."""
        changed = self._plan(at)
        beats: list[Beat] = []
        for client in self.clients:
            while self._next(client) <= at:
                beats += self._beat(client, at, wall)
        while self._held and self._held[0][0] <= at:
            beat = heapq.heappop(self._held)[2]
            beat.client.held -= 1
            beats.append(beat)
        for client in self.clients:
            if client.does != "stopped" and self._done(client) and not client.held:
                client.does = "stopped"
                changed.append(client)
        return beats, changed

    # -- what a person tells them

    def tell(self, client: Simulated, does: Does, at: float) -> None:
        """From now on it does this; a stopped one comes back by starting again."""
        if does == "restarted" or (client.does == "stopped" and does != "stopped"):
            client.seq = 0
        if does in ("sends", "restarted") and client.does in ("silent", "stopped"):
            client.next = at
        client.does = "sends" if does == "restarted" else does

    def pace(self, client: Simulated, interval: float, at: float) -> None:
        """From now on so many seconds from one to the next."""
        client.interval = interval
        client.next = min(client.next, at + interval)

    # -- inside

    def _next(self, client: Simulated) -> float:
        sends = client.does in ("sends", "unplugged") and not self._done(client)
        return client.next if sends else math.inf

    def _done(self, client: Simulated) -> bool:
        return bool(self._count) and client.given >= self._count

    def _plan(self, at: float) -> list[Simulated]:
        """The silence that was asked for beforehand."""
        changed = []
        steps: tuple[tuple[Does, Does], ...] = (("sends", "silent"), ("silent", "sends"))
        for place, (before, after) in enumerate(steps):
            if self._silences[place] > at:
                continue
            self._silences[place] = math.inf
            for client in self.clients:
                if client.does == before:
                    self.tell(client, after, at)
                    changed.append(client)
        return changed

    def _beat(self, client: Simulated, at: float, wall: float) -> list[Beat]:
        """The client's next heartbeat: what leaves of it now. What is held back waits."""
        request, chance = self.request, client.chance
        client.seq += 1
        client.next += client.interval
        if at - client.next > BEHIND_S:
            client.next = at + client.interval
        beat = Beat(client, client.seq, write_line(client.seq, wall + request.clock_offset))
        lost, twice, overtaken, more = (chance.random() for _ in range(4))
        if 100 * lost < request.loss or client.does == "unplugged":
            client.skipped += 1
            return [Beat(client, beat.seq, beat.datagram, left=False)]
        client.sent += 1
        beats = [beat]
        if 100 * twice < request.duplicate:
            client.copies += 1
            beats.append(Beat(client, beat.seq, beat.datagram, copy=True))
        held = (request.delay + more * request.jitter) / 1000
        if 100 * overtaken < request.reorder:
            held += OVERTAKEN * client.interval
        if held <= 0:
            return beats
        client.held += len(beats)
        for each in beats:
            heapq.heappush(self._held, (at + held, next(self._order), each))
        return []
