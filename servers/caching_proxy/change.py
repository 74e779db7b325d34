"""One change of the cache's index, in one transaction: what comes, what goes, and who is told afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from servers.caching_proxy.entry import Entry
from servers.caching_proxy.index import Index

MOST_OBJECTS = 500_000
"""Entries at the most: one without a body takes no bytes of the cache, but a row."""
BATCH = 100
"""Entries that are looked at together when room is made."""


class TooLarge(Exception):
    """There is no room for it."""


class Change:
    """What a change adds up to. ``objects`` and ``bytes`` are the totals, ``limit`` that of the bytes."""

    def __init__(
        self, index: Index, totals: tuple[int, int], limit: int, turn: Callable[[], int], now: float
    ) -> None:
        self.index, self.limit = index, limit
        self.objects, self.bytes = totals
        self.gone: list[str] = []
        self.told: Counter[tuple[str, str]] = Counter()
        self._turn, self._now = turn, now

    def add(self, entry: Entry) -> None:
        """A new entry."""
        self.index.insert(entry, self._turn(), self._now)
        self.objects += 1
        self.bytes += entry.stored
        self.tell(entry.url, "")

    def replace(self, entry: Entry) -> None:
        """Those go that have its URL, method and variant, and another id."""
        for other in self.index.same(entry):
            if other.id != entry.id:
                self.drop(other, "")

    def renew(self, entry: Entry) -> Entry | None:
        """Other header fields, times, validity of a stored entry; as it is then, None if it is gone."""
        current = self.index.get(entry.id)
        if current is None:
            return None
        after = replace(entry, segments=current.segments, length=current.length)
        self.rewrite(current, after)
        return after

    def rewrite(self, before: Entry, after: Entry, why: str = "") -> None:
        """Another content of an entry, perhaps with other files."""
        self.replace(after)
        self.index.replace(after)
        if before.segments != after.segments:
            self.index.rename(before, after)
            self.gone += [part.file for part in before.segments if part not in after.segments]
        self.bytes += after.stored - before.stored
        self.tell(after.url, why)

    def drop(self, entry: Entry, why: str) -> None:
        """An entry goes, with its files."""
        self.index.delete(entry)
        self.objects -= 1
        self.bytes -= entry.stored
        self.gone += [part.file for part in entry.segments]
        self.tell(entry.url, why)

    def drop_all(self) -> int:
        """All go; their files are left to the sweeper."""
        count, self.objects, self.bytes = self.objects, 0, 0
        self.index.delete_all()
        self.told["*", "purged"] += count
        return count

    def fits(self, size: int, objects: int = 0) -> bool:
        """Whether there is room for so many bytes and entries more."""
        return self.bytes + size <= self.limit and self.objects + objects <= MOST_OBJECTS

    def room(self, size: int, objects: int = 0, but: int = 0) -> None:
        """Make room for so many bytes and entries, not by the one with the id ``but``. TooLarge."""
        while not self.fits(size, objects):
            oldest = self.index.oldest(BATCH, but)
            if not oldest:
                raise TooLarge
            for old in oldest:
                if self.fits(size, objects):
                    return
                self.drop(old, "evicted")

    def tell(self, url: str, why: str) -> None:
        """Somebody may want to know."""
        self.told[url, why] += 1
