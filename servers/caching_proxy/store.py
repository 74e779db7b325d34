"""The cache on disk: whole responses, or the parts of one that came whole. Threads share it.

A body comes into a draft, a file in ``tmp/``. When it is all there the file gets its name in
``objects/``, then the index gets its row: what is killed in between leaves a file without a row,
which the sweeper removes, and never a row without its file. What is removed loses its row first.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from servers.caching_proxy.change import Change
from servers.caching_proxy.drafts import Body, Draft, open_body
from servers.caching_proxy.entry import Entry, Segment
from servers.caching_proxy.index import Use
from servers.caching_proxy.keeping import Keeper
from servers.caching_proxy.ledger import Ledger
from servers.caching_proxy.place import Place
from servers.caching_proxy.sweep import Sweeper


class Store:
    """A cache of at most ``limit`` bytes of bodies in ``folder``. SettingError if it cannot be there.

    ``changed(url, why, count)`` is called after the entries of ``url`` changed in any way, with
    no lock held: ``why`` as in CacheChanged, "" for a new or renewed one; ``url`` "*" is all.
    What cannot be written raises OSError, and leaves the cache as it was.
    """

    def __init__(
        self, folder: Path, limit: int,
        changed: Callable[[str, str, int], None] = lambda url, why, count: None, *,
        clock: Callable[[], float] = time.time, sweep: bool = True,
    ) -> None:  # fmt: skip
        self._changed = changed
        self._using = threading.Lock()
        self._uses: dict[int, Use] = {}
        with contextlib.ExitStack() as failed:
            self._place = Place(folder)
            failed.callback(self._place.close)
            self._ledger = Ledger(self._place, limit, self._tell, clock)
            failed.callback(self._ledger.close)
            self._keeper = Keeper(self._place, self._ledger, self._note)
            self._sweeper = Sweeper(self._place, self._ledger, self._keeper.arriving)
            self.resize(limit)
            failed.pop_all()
        if sweep:
            self._sweeper.start()

    def _tell(self, url: str, why: str, count: int) -> None:
        if url == "*":  # many files are nobody's now
            self._sweeper.wake()
        self._changed(url, why, count)

    @property
    def objects(self) -> int:
        """How many entries there are."""
        return self._ledger.objects

    @property
    def bytes(self) -> int:
        """How many bytes of bodies are stored."""
        return self._ledger.bytes

    @property
    def limit(self) -> int:
        """How many bytes of bodies there may be."""
        return self._ledger.limit

    @property
    def changes(self) -> int:
        """Goes up before ``changed`` is called: what was looked up at another number may be old."""
        return self._ledger.changes

    @property
    def notes(self) -> list[str]:
        """What happened to the index that a person should know, in words."""
        return self._ledger.notes

    # -- looking up

    def entries(self, url: str) -> list[Entry]:
        """All entries of a URL, of all methods and variants: what was received last comes first."""
        return sorted(self._ledger.find(url), key=lambda entry: (entry.received, entry.id), reverse=True)

    def open(self, entry: Entry) -> Body | None:
        """The bytes of an entry. None: it was removed meanwhile, or is now, its files being damaged."""
        body = open_body(self._place.objects, entry.segments)
        if body is None:
            with contextlib.suppress(OSError):  # then it is found again, and removed then
                self._ledger.write(self._lost, entry.id, entry.segments)
        return body

    def _lost(self, change: Change, id: int, segments: tuple[Segment, ...]) -> None:
        current = change.index.get(id)
        if current is not None and current.segments == segments:
            change.drop(current, "damaged")

    def touch(self, id: int, hits: int = 1) -> None:
        """An entry was used: noted, and written with the next ``flush()``."""
        now = self._ledger.clock()
        with self._using:
            use = self._uses.get(id)
            self._uses[id] = Use(hits + (use.hits if use else 0), self._ledger.turn(), now)

    def flush(self) -> None:
        """Write what was noted. Where it cannot be written it is lost: what goes first is less exact then."""
        if self._uses:
            with contextlib.suppress(OSError):
                self._ledger.write(self._note)

    def _note(self, change: Change) -> None:
        with self._using:
            uses, self._uses = self._uses, {}
        change.index.use(uses.items())

    # -- storing

    def draft(self) -> Draft:
        """A new draft. OSError if there cannot be one."""
        return self._keeper.draft()

    def keep(self, entry: Entry, draft: Draft, start: int = 0) -> Entry | None:
        """Store ``entry``, with the draft's bytes as those from ``start`` on, in place of its like.

        As stored, with its id; None if it is too large for the cache. The draft is done with.
        """
        return self._keeper.keep(entry, draft, start)

    def join(self, entry: Entry, draft: Draft, start: int) -> Entry | None:
        """Add the draft's bytes, from ``start`` on, to a stored entry; ``entry`` has its header fields now.

        As stored then, and the draft is done with. None if it was replaced or removed meanwhile, has
        too many parts, or is too large: then the draft is left, to be kept or abandoned.
        """
        return self._keeper.join(entry, draft, start)

    # -- changing and removing

    def update(self, entry: Entry) -> None:
        """Other header fields, times, validity of a stored entry; nothing if it is gone."""
        self._ledger.write(Change.renew, entry)

    def invalidate(self, url: str) -> int:
        """The entries of a URL must be validated before they are used again; how many were valid."""
        return self._ledger.write(self._invalidate, url)

    def _invalidate(self, change: Change, url: str) -> int:
        valid = [entry for entry in change.index.of(url) if not entry.invalid]
        for entry in valid:
            change.rewrite(entry, replace(entry, invalid=True), "invalidated")
        return len(valid)

    def remove(self, url: str) -> int:
        """Purge a URL; how many entries it had."""
        return self._ledger.write(lambda change: self._drop(change, change.index.of(url)))

    def remove_id(self, id: int) -> int:
        """Purge one entry; 1, or 0 if there is none."""
        return self._ledger.write(lambda change: self._drop(change, [change.index.get(id)]))

    def _drop(self, change: Change, entries: Sequence[Entry | None]) -> int:
        found = [entry for entry in entries if entry is not None]
        for entry in found:
            change.drop(entry, "purged")
        return len(found)

    def clear(self) -> int:
        """Purge everything; how many entries there were."""
        return self._ledger.write(Change.drop_all)

    def resize(self, limit: int) -> None:
        """Another limit: what was not used for longest goes until the rest is within it."""
        self._ledger.limit = limit
        self._ledger.write(self._evict)

    def _evict(self, change: Change) -> None:
        self._note(change)
        change.room(0)

    def sweep(self) -> None:
        """Compare all files with the index now; as a rule a thread does it at the start."""
        self._sweeper.sweep()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what was noted, end the sweeper, and let another server have the folder."""
        self._sweeper.stop()
        self.flush()
        self._ledger.close()
        self._place.close()
