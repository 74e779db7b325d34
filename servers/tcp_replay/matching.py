"""Which exchange of a tape answers a request. No socket, no clock.

Equal requests are answered in the order in which they were recorded, over the whole tape; then
with the last one again, or not at all. A look-up costs the same however long the tape is; only
a miss looks for the nearest request, among a bounded number.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.sameness import MatchSettings, Sameness, first_difference

BESIDE = 64
"""Neighbours in alphabetical order that a miss is compared with, on either side."""
AS_LONG = 1000
"""Requests of the same length that it is compared with."""


CONTINUE = re.compile(rb"HTTP/1\.[0-9] 100[^\r\n]*\r?\n([^\r\n]+\r?\n)*\r?\n")


class Hit(msgspec.Struct, frozen=True):
    """An answer: the ``n_of``-th of ``of`` equal requests on the tape."""

    exchange: Exchange
    n_of: int
    of: int


class Miss(msgspec.Struct, frozen=True):
    """No answer. ``near`` is the most similar one, ``differs_at`` the first byte asked that differs."""

    near: Exchange | None
    differs_at: int | None
    why: str


class Equals:
    """The exchanges whose requests are the same, and which of them is next."""

    __slots__ = ("exchanges", "next")

    def __init__(self, exchange: Exchange) -> None:
        self.exchanges = [exchange]
        self.next = 0


class Matcher:
    """The requests of a tape. Not thread-safe: see ``deck.py``."""

    def __init__(self, exchanges: Iterable[Exchange], how: MatchSettings) -> None:
        self._how = how
        self._same = Sameness(how)
        self._groups: dict[bytes, Equals] = {}
        self._continued: dict[bytes, bytes] = {}  # the 100 Continue that a request line got
        self._greetings: list[Exchange] = []
        self._greeted: dict[str, int] = {}  # how many of a target's
        self._targets: dict[str, list[int]] = {}  # and which of the greetings are its own
        self._latest: dict[tuple[str, str], tuple[list[Exchange], int]] = {}  # of a connection
        self._sorted: list[bytes] = []
        self._by_size: dict[int, list[bytes]] = {}
        self._indexed = 0  # how many groups those two know
        for exchange in exchanges:
            self.add(exchange)

    def add(self, exchange: Exchange) -> None:
        """One more, after all that are there."""
        own = self._targets.setdefault(exchange.target, [])
        if exchange.greeting:
            if exchange.number > 1:
                self._belated(exchange)
                return
            group = self._greetings
            own.append(len(group))
            group.append(exchange)
        else:
            key = self._same.key(exchange.request)
            equals = self._groups.get(key)
            if equals is None:
                equals = self._groups[key] = Equals(exchange)
            elif self._how.newest:
                equals.exchanges[0] = exchange
            else:
                equals.exchanges.append(exchange)
            group = equals.exchanges
            if exchange.response and (interim := CONTINUE.match(exchange.response[0].data)):
                self._continued[_line(exchange.request)] = interim[0]
        self._latest[exchange.conn, exchange.peer] = (group, len(group) - 1)

    def _belated(self, exchange: Exchange) -> None:
        """What the server said unasked, after a pause, is played with the answer that it followed."""
        group, place = self._latest.get((exchange.conn, exchange.peer), ([], 0))
        if not group or group[place].number != exchange.number - 1:
            return
        before = group[place]
        later = 1000 * (exchange.at - before.at)
        chunks = tuple(Chunk(max(0.0, round(later + chunk.ms, 3)), chunk.data) for chunk in exchange.response)
        group[place] = msgspec.structs.replace(
            before, number=exchange.number, response=before.response + chunks, server_end=exchange.server_end
        )

    def greeting(self, target: str = "") -> Exchange | None:
        """For a new connection: what the server said first, in recorded order, then the last again.

        If ``target`` is on the tape, only its greetings count: a web server recorded after a mail
        server does not greet.
        """
        found = self._targets.get(target, range(len(self._greetings)))
        if not found:
            return None
        place = self._greeted.get(target, 0)
        self._greeted[target] = place + 1
        return self._greetings[found[min(place, len(found) - 1)]]

    def continued(self, head: bytes) -> bytes:
        """What told the client to send its body, where a request with this line was told so."""
        return self._continued.get(_line(head), b"")

    def knows(self, request: bytes) -> bool:
        """Whether it is on the tape."""
        return self._same.key(request) in self._groups

    def has(self, exchange: Exchange) -> bool:
        """Whether it adds nothing: its request is known, a greeting is, or what it follows is not here."""
        if not exchange.greeting:
            return self.knows(exchange.request)
        if exchange.number <= 1:
            return bool(self._targets.get(exchange.target))
        group, place = self._latest.get((exchange.conn, exchange.peer), ([], 0))
        return not group or group[place].number != exchange.number - 1

    def find(self, request: bytes) -> Hit | Miss:
        """The answer to a request, and that it was asked."""
        equals = self._groups.get(self._same.key(request))
        if equals is None:
            return self._miss(request)
        of = len(equals.exchanges)
        if equals.next == of and self._how.repeat == "miss":
            last = equals.exchanges[-1]
            times = "once" if of == 1 else f"{of} times"
            return Miss(last, None, f"It is on the tape {times}, and was asked for more often.")
        equals.next = min(equals.next + 1, of)
        return Hit(equals.exchanges[equals.next - 1], equals.next, of)

    def rewind(self) -> None:
        """From the beginning again."""
        self._greeted.clear()
        for equals in self._groups.values():
            equals.next = 0

    # -- misses

    def _miss(self, request: bytes) -> Miss:
        key = self._same.key(request)
        best, most = b"", -1.0
        for other in self._candidates(key):
            alike = _alike(key, other)
            if alike > most:
                best, most = other, alike
        if most < 0:
            return Miss(None, None, "There is no request on the tape.")
        near = self._groups[best].exchanges[0]
        at = first_difference(key, best)
        differs = self._same.place(request, at) if at is not None else None
        return Miss(near, differs, f"It is not on the tape; the nearest there is exchange {near.id}.")

    def _candidates(self, key: bytes) -> Iterator[bytes]:
        """Those of equal length, and the neighbours in alphabetical order: they begin alike."""
        self._index()
        yield from islice(self._by_size.get(len(key), ()), AS_LONG)
        place = bisect_left(self._sorted, key)
        yield from self._sorted[max(0, place - BESIDE) : place + BESIDE]

    def _index(self) -> None:
        if self._indexed == len(self._groups):
            return
        for key in islice(self._groups, self._indexed, None):
            self._by_size.setdefault(len(key), []).append(key)
        self._sorted = sorted(self._groups)
        self._indexed = len(self._groups)


def _alike(one: bytes, other: bytes) -> float:
    """How alike two keys are: the share of bytes at both ends that are the same, the beginning first."""
    begins = first_difference(one, other)
    if begins is None:
        return 2.0
    room = min(len(one), len(other)) - begins
    tail, other_tail = one[len(one) - room :][::-1], other[len(other) - room :][::-1]
    ends = first_difference(tail, other_tail)
    same = begins + (room if ends is None else ends) * 0.9
    return same / max(len(one), len(other), 1)


def _line(request: bytes) -> bytes:
    return request.partition(b"\n")[0]
