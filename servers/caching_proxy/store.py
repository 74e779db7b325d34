"""The cache on disk: whole responses, or the parts of one that came whole. Threads share it.

A body comes into a draft, a file in ``tmp/``. When it is all there the file gets its name in
``objects/``, then the index gets its row: what is killed in between leaves a file without a row,
which the sweeper removes, and never a row without its file. What is removed loses its row first.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from servers.caching_proxy.drafts import Body, Draft, open_body
from servers.caching_proxy.entry import Entry, Segment
from servers.caching_proxy.index import Use
from servers.caching_proxy.ledger import Change, Ledger, TooLarge
from servers.caching_proxy.place import Place
from servers.caching_proxy.segments import MOST, Cut, cut
from servers.caching_proxy.sweep import Sweeper
from servers.kit.errors import LabError

T = TypeVar("T")
Parts = tuple[Segment, ...]


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
        self._clock = clock
        self._run = secrets.token_hex(6)
        self._numbers = itertools.count()
        self._using = threading.Lock()
        self._uses: dict[int, Use] = {}
        self._joining = threading.Lock()
        self._arriving: set[str] = set()  # files that have their name, but no row yet
        self._place = Place(folder)
        try:
            self._ledger = Ledger(self._place, limit, changed)
            self._sweeper = Sweeper(self._place.objects, self._nobodys)
            self.resize(limit)
        except BaseException:
            self._place.close()
            raise
        if sweep:
            self._sweeper.start()

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
            self._ledger.write(self._lost, entry.id, entry.segments)
        return body

    def _lost(self, change: Change, id: int, segments: tuple[Segment, ...]) -> None:
        current = self._ledger.index.get(id)
        if current is not None and current.segments == segments:
            change.drop(current, "damaged")

    def touch(self, id: int, hits: int = 1) -> None:
        """An entry was used: noted, and written with the next ``flush()``."""
        now = self._clock()
        with self._using:
            use = self._uses.get(id)
            self._uses[id] = Use(hits + (use.hits if use else 0), self._ledger.turn(), now)

    def flush(self) -> None:
        """Write what was noted."""
        if self._uses:
            self._ledger.write(self._note)

    def _note(self, change: Change) -> None:
        with self._using:
            uses, self._uses = self._uses, {}
        self._ledger.index.use(uses.items())

    # -- storing

    def draft(self) -> Draft:
        """A new draft. OSError if there cannot be one."""
        return Draft(self._place.tmp / f"{self._run}{next(self._numbers):08x}")

    def keep(self, entry: Entry, draft: Draft, start: int = 0) -> Entry | None:
        """Store ``entry``, with the draft's bytes as those from ``start`` on, in place of its like.

        As stored, with its id; None if it is too large for the cache. The draft is done with.
        """
        end = start + draft.size
        if not 0 <= start <= end <= entry.length:
            draft.abandon()
            raise LabError(f"The bytes {start} to {end} are not of a body of {entry.length}.")
        return self._named(draft, start, end, lambda change, parts: self._insert(change, entry, parts))

    def _insert(self, change: Change, entry: Entry, parts: Parts) -> Entry:
        made = replace(entry, id=self._ledger.id(), segments=parts)
        for old in self._ledger.index.same(entry):
            change.drop(old, "")
        self._note(change)
        change.room(made.stored, 1)
        change.add(made, self._clock())
        return made

    def join(self, entry: Entry, draft: Draft, start: int) -> Entry | None:
        """Add the draft's bytes, from ``start`` on, to a stored entry; ``entry`` has its header fields now.

        As stored then; None if it was replaced or removed meanwhile, has too many parts, or is
        too large. The draft is done with.
        """
        with self._joining:
            before = self._ledger.write(lambda change: self._ledger.index.get(entry.id))
            end = start + draft.size
            if before is None or before.length != entry.length or not 0 <= start <= end <= entry.length:
                draft.abandon()
                return None
            new = cut(before.segments, start, end)
            if new is None or len(new.keep) >= MOST:
                draft.abandon()
                return None if new else self._ledger.write(self._renew, entry)
            part = self._part(draft, start, new)
            return self._named(
                part, new.start, new.end, lambda change, parts: self._add(change, entry, new.keep + parts)
            )

    def _part(self, draft: Draft, start: int, new: Cut) -> Draft:
        """The draft, or a copy of those bytes in it that are new."""
        if draft.size == new.end - new.start:
            return draft
        part = self.draft()
        try:
            draft.copy_to(part, new.start - start, new.end - start)
        except OSError:
            part.abandon()
            raise
        finally:
            draft.abandon()
        return part

    def _add(self, change: Change, entry: Entry, parts: Parts) -> Entry | None:
        current = self._ledger.index.get(entry.id)
        if current is None:
            raise TooLarge
        after = replace(entry, segments=tuple(sorted(parts, key=lambda part: part.start)))
        self._note(change)
        change.room(after.stored - current.stored, but=entry.id)
        change.rewrite(current, after)
        return after

    def _named(self, draft: Draft, start: int, end: int, work: Callable[[Change, Parts], T]) -> T | None:
        """Give the draft its lasting name and do ``work`` with it as a segment; without success it is gone."""
        if end - start > self.limit:
            draft.abandon()
            return None
        file = f"{draft.path.name[-2:]}/{draft.path.name}"
        self._arriving.add(file)
        try:
            if start < end:
                draft.move(self._place.objects / file)
            else:
                draft.abandon()
            return self._ledger.write(work, (Segment(start, end, file),) if start < end else ())
        except BaseException as error:
            draft.abandon()
            with contextlib.suppress(OSError):
                os.unlink(self._place.objects / file)
            if isinstance(error, TooLarge):
                return None
            raise
        finally:
            self._arriving.discard(file)

    # -- changing and removing

    def update(self, entry: Entry) -> None:
        """Other header fields, times, validity of a stored entry; nothing if it is gone."""
        self._ledger.write(self._renew, entry)

    def _renew(self, change: Change, entry: Entry) -> Entry | None:
        current = self._ledger.index.get(entry.id)
        if current is None:
            return None
        after = replace(entry, segments=current.segments, length=current.length)
        change.rewrite(current, after)
        return after

    def invalidate(self, url: str) -> int:
        """The entries of a URL must be validated before they are used again; how many were valid."""
        return self._ledger.write(self._invalidate, url)

    def _invalidate(self, change: Change, url: str) -> int:
        valid = [entry for entry in self._ledger.index.of(url) if not entry.invalid]
        for entry in valid:
            change.rewrite(entry, replace(entry, invalid=True), "invalidated")
        return len(valid)

    def remove(self, url: str) -> int:
        """Purge a URL; how many entries it had."""
        return self._ledger.write(lambda change: self._drop(change, self._ledger.index.of(url)))

    def remove_id(self, id: int) -> int:
        """Purge one entry; 1, or 0 if there is none."""
        return self._ledger.write(lambda change: self._drop(change, [self._ledger.index.get(id)]))

    def _drop(self, change: Change, entries: Sequence[Entry | None]) -> int:
        found = [entry for entry in entries if entry is not None]
        for entry in found:
            change.drop(entry, "purged")
        return len(found)

    def clear(self) -> int:
        """Purge everything; how many entries there were."""
        count = self._ledger.write(Change.drop_all)
        self._sweeper.wake()
        return count

    def resize(self, limit: int) -> None:
        """Another limit: what was not used for longest goes until the rest is within it."""
        self._ledger.write(self._resize, limit)

    def _resize(self, change: Change, limit: int) -> None:
        self._ledger.limit = limit
        self._note(change)
        change.room(0)

    def _nobodys(self, part: str, sizes: dict[str, int]) -> list[str]:
        """For the sweeper: which of these files no entry has. Entries whose files are missing go."""
        known, arriving = self._ledger.write(self._known, part)
        for name, (id, size) in known.items():
            if sizes.get(name) != size:
                self._ledger.write(self._check, id)
        return [name for name in sizes if name not in known and name not in arriving]

    def _known(self, change: Change, part: str) -> tuple[dict[str, tuple[int, int]], set[str]]:
        return self._ledger.index.files(part), set(self._arriving)

    def _check(self, change: Change, id: int) -> None:
        entry = self._ledger.index.get(id)
        body = open_body(self._place.objects, entry.segments) if entry else None
        if body is not None:
            body.close()
        elif entry is not None:
            change.drop(entry, "damaged")

    def close(self) -> None:
        """Write what was noted, end the sweeper, and let another server have the folder."""
        self._sweeper.stop()
        with contextlib.suppress(OSError):  # only the uses of the last second are lost
            self.flush()
        self._ledger.close()
        self._place.close()
