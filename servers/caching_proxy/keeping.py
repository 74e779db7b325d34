"""How a body that came in becomes part of the cache: its file gets its name, then the index its row."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import threading
from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from servers.caching_proxy.change import Change, TooLarge
from servers.caching_proxy.drafts import Draft
from servers.caching_proxy.entry import Entry, Segment
from servers.caching_proxy.ledger import Ledger
from servers.caching_proxy.place import Place
from servers.caching_proxy.segments import MOST, Cut, cut
from servers.kit.errors import LabError

T = TypeVar("T")
Parts = tuple[Segment, ...]


class Keeper:
    """Makes drafts, and entries of them. ``note`` writes down in a change what was used until now."""

    def __init__(self, place: Place, ledger: Ledger, note: Callable[[Change], None]) -> None:
        self._place, self._ledger, self._note = place, ledger, note
        self._run = secrets.token_hex(6)
        self._numbers = itertools.count()
        self._joining = threading.Lock()
        self.arriving: set[str] = set()
        """Files that have their name, but perhaps no row yet."""

    def draft(self) -> Draft:
        """A new draft, under a name that no file ever had."""
        return Draft(self._place.tmp / f"{self._run}{next(self._numbers):08x}")

    # -- a new entry

    def keep(self, entry: Entry, draft: Draft, start: int) -> Entry | None:
        """See ``Store.keep``."""
        end = start + draft.size
        try:
            if not 0 <= start <= end <= entry.length:
                raise LabError(f"The bytes {start} to {end} are not of a body of {entry.length}.")
            return self._named(draft, start, end, lambda change, parts: self._insert(change, entry, parts))
        finally:
            draft.abandon()

    def _insert(self, change: Change, entry: Entry, parts: Parts) -> Entry:
        made = replace(entry, id=self._ledger.id(), segments=parts)
        self._note(change)
        change.replace(made)
        change.room(made.stored, 1)
        change.add(made)
        return made

    # -- a part more

    def join(self, entry: Entry, draft: Draft, start: int) -> Entry | None:
        """See ``Store.join``."""
        end = start + draft.size
        with self._joining:
            before = self._ledger.write(lambda change: change.index.get(entry.id))
            if before is None or before.length != entry.length or not 0 <= start <= end <= entry.length:
                return None
            new = cut(before.segments, start, end)
            if new is None:
                draft.abandon()
                return self._ledger.write(Change.renew, entry)
            if len(new.keep) >= MOST:
                return None
            return self._joined(entry, draft, start, new)

    def _joined(self, entry: Entry, draft: Draft, start: int, new: Cut) -> Entry | None:
        """The entry with those bytes of the draft that are new."""
        part = draft
        if draft.size > new.end - new.start:
            part = self.draft()
        try:
            if part is not draft:
                draft.copy_to(part, new.start - start, new.end - start)
            made = self._named(
                part, new.start, new.end, lambda change, parts: self._add(change, entry, new.keep + parts)
            )
        finally:
            if part is not draft:
                part.abandon()
        if made is not None:
            draft.abandon()
        return made

    def _add(self, change: Change, entry: Entry, parts: Parts) -> Entry:
        current = change.index.get(entry.id)
        if current is None:  # removed since
            raise TooLarge
        after = replace(entry, segments=tuple(sorted(parts, key=lambda part: part.start)))
        self._note(change)
        change.room(after.stored - current.stored, but=entry.id)
        change.rewrite(current, after)
        return after

    # -- both

    def _named(self, draft: Draft, start: int, end: int, work: Callable[[Change, Parts], T]) -> T | None:
        """Do ``work`` with the draft as a segment, its file having its lasting name; else that is gone."""
        if end - start > self._ledger.limit:
            return None
        if start == end:
            return self._ledger.write(work, ())
        file = f"{draft.path.name[-2:]}/{draft.path.name}"
        self.arriving.add(file)
        try:
            draft.move(self._place.objects / file)
            return self._ledger.write(work, (Segment(start, end, file),))
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.unlink(self._place.objects / file)
            if isinstance(error, TooLarge):
                return None
            raise
        finally:
            self.arriving.discard(file)
