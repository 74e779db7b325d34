"""Replies that are held back: for a while, or until a later one has overtaken them.

It sends nothing and reads no clock: the server asks what is due. Times are seconds of
any one clock; ``number`` counts the datagrams as they arrived, so that a later reply is
told from an earlier one.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Iterator

REORDER_S = 0.5
"""Seconds that a reply waits at the most for another to overtake it."""
LIMIT = 10_000
"""Entries at the most; a further reply is not held back."""


class Item:
    """A reply that waits. It is not ``there`` any more once it was taken."""

    __slots__ = ("due", "number", "peer", "reply", "there")

    def __init__(self, due: float, number: int, reply: bytes, peer: Hashable) -> None:
        self.due, self.number, self.reply, self.peer = due, number, reply, peer
        self.there = True


class Outbox:
    """The replies that wait, by the time when they are due."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._ties = itertools.count()
        self._held: dict[Hashable, list[Item]] = {}
        self.heap: list[tuple[float, int, Item]] = []

    @property
    def full(self) -> bool:
        """Whether nothing more can wait."""
        return len(self.heap) >= self._limit

    @property
    def next(self) -> float:
        """When to look again; there must be something that waits."""
        return self.heap[0][0]

    def delay(self, item: Item) -> None:
        """Keep the reply until it is due."""
        self._push(item.due, item)

    def hold(self, item: Item) -> None:
        """Keep the reply until it is due and a later one to the same peer has left.

        If none does, it leaves REORDER_S after it was due.
        """
        self._held.setdefault(item.peer, []).append(item)
        self._push(item.due + REORDER_S, item)

    def take(self, clock: float) -> Iterator[Item]:
        """Yield what is due at ``clock``, in order."""
        while self.heap and self.heap[0][0] <= clock:
            item = heapq.heappop(self.heap)[2]
            if item.there:
                item.there = False
                yield item

    def overtake(self, peer: Hashable, number: int, clock: float) -> list[Item]:
        """Reply ``number`` has left: what it overtook, as far as it is due. The rest leaves when due."""
        held = self._held.pop(peer, None)
        if held is None:
            return []
        staying = [item for item in held if item.there and item.number >= number]
        if staying:
            self._held[peer] = staying
        go = []
        for item in held:
            if item.there and item.number < number:
                if item.due <= clock:
                    item.there = False
                    go.append(item)
                else:
                    self._push(item.due, item)
        return go

    def _push(self, when: float, item: Item) -> None:
        heapq.heappush(self.heap, (when, next(self._ties), item))
