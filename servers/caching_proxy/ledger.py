"""What is in the cache: the index with its totals, who may change it when, and what to do when it is damaged.

One thread at a time writes; readers have a connection of their own and never wait for writers.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from servers.caching_proxy.change import Change
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.index import Index
from servers.caching_proxy.place import Place
from servers.caching_proxy.rows import OF_URL, connect, entry_of, key_of
from servers.kit.errors import SettingError

T = TypeVar("T")
BEGIN_ANEW = "The cache's index was damaged ({}). It is in {} now, and the cache begins empty."


class Ledger:
    """The index of a place. Threads share it."""

    def __init__(
        self, place: Place, limit: int, changed: Callable[[str, str, int], None], clock: Callable[[], float]
    ) -> None:
        self.limit = limit
        self.clock = clock
        self.objects = self.bytes = self.changes = 0
        self.notes: list[str] = []
        self._place, self._changed = place, changed
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._id = self._turn = 0
        self._closed = False
        try:
            self._open()
        except sqlite3.Error as error:
            self._begin_anew(error)

    def _open(self) -> None:
        """The index as it is on disk."""
        self.index = Index(self._place.index)
        id, turn = self.index.last()
        self._id, self._turn = max(id, self._id), max(turn, self._turn)
        self.objects, self.bytes = self.index.totals()
        self._reader = connect(self._place.index)

    def _begin_anew(self, error: sqlite3.Error) -> None:
        """Set a damaged index aside. SettingError if somebody else has it locked, or no new one can be."""
        if "locked" in str(error):
            raise SettingError(
                f"Another program has the cache's index open: {self._place.index}.", field="cache"
            ) from error
        with self._reading, contextlib.suppress(AttributeError):
            self.index.close()
            self._reader.close()
        try:
            away = self._place.set_aside()
            self._open()
        except (sqlite3.Error, OSError) as again:
            raise SettingError(
                f"The cache's index cannot be kept in {self._place.index}: {again}.", field="cache"
            ) from again
        self.notes.append(BEGIN_ANEW.format(error, away))

    # -- numbers

    def id(self) -> int:
        """A new id: while writing."""
        self._id += 1
        return self._id

    def turn(self) -> int:
        """The next turn: what has the lowest was not used for longest."""
        self._turn += 1  # two threads that get the same one used it at the same time
        return self._turn

    # -- reading and writing

    def find(self, url: str) -> list[Entry]:
        """All entries of a URL."""
        with self._reading:
            if self._closed:
                return []
            reader = self._reader
            try:
                rows = reader.execute(OF_URL, (key_of(url), url)).fetchall()
                return [entry_of(head) for (head,) in rows]
            except sqlite3.Error as found:
                error = found
        self._damaged(error, reader)
        return []

    def write(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do ``work(change, *arguments)`` as a whole or not at all, then remove files and tell.

        OSError if it cannot be written. With a damaged index it is done to a new one.
        """
        with self._writing:
            try:
                change, result = self._attempt(work, *arguments)
            except sqlite3.Error as error:
                lost = self._recover(error)
                change, result = self._attempt(work, *arguments)
                change.told["*", "damaged"] += lost
                self.changes += 1
        self._after(change)
        return result

    def _attempt(self, work: Callable[..., T], *arguments: Any) -> tuple[Change, T]:
        if self._closed:
            raise OSError(errno.EBADF, "The cache is closed")
        change = self._change()
        with self.index.transaction():
            result = work(change, *arguments)
        self.objects, self.bytes = change.objects, change.bytes
        self.changes += bool(change.told)
        return change, result

    def _change(self) -> Change:
        return Change(self.index, (self.objects, self.bytes), self.limit, self.turn, self.clock())

    def _recover(self, error: sqlite3.Error) -> int:
        """Begin anew after damage; how many entries that cost. OSError where it is no damage."""
        words = str(error)
        if "full" in words or "locked" in words:
            raise OSError(errno.ENOSPC if "full" in words else errno.EBUSY, words) from error
        lost = self.objects
        try:
            self._begin_anew(error)
        except SettingError as again:
            raise OSError(errno.EIO, again.message) from error
        return lost

    def _damaged(self, error: sqlite3.Error, reader: sqlite3.Connection) -> None:
        """A reader found damage."""
        with self._writing:
            if reader is not self._reader or self._closed:  # somebody else found it before
                return
            try:
                lost = self._recover(error)
            except OSError:
                return
            change = self._change()
            change.told["*", "damaged"] = lost
            self.changes += 1
        self._after(change)

    def _after(self, change: Change) -> None:
        for name in change.gone:
            with contextlib.suppress(OSError):
                os.unlink(self._place.objects / name)
        for (url, why), count in change.told.items():
            self._changed(url, why, count)

    def close(self) -> None:
        """Nothing is found or written any more."""
        with self._writing, self._reading:
            if not self._closed:
                self._closed = True
                self._reader.close()
                self.index.close()
