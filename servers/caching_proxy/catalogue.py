"""Reading the cache's index from another process, while a server writes it or when none runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from servers.caching_proxy.entry import Entry
from servers.caching_proxy.place import INDEX
from servers.caching_proxy.rows import connect, entry_of, key_of
from servers.kit.errors import SettingError

T = TypeVar("T")
Sort = Literal["used", "size", "age", "hits"]
BUSY = 0.5
"""Seconds to wait where the index is locked: as a rule reading waits for nobody."""
ORDERS: dict[Sort, str] = {
    "used": "turn DESC", "size": "stored DESC, id", "age": "received, id", "hits": "hits DESC, turn DESC",
}  # fmt: skip


class Row(msgspec.Struct, frozen=True):
    """An entry and what became of it: how often it was used, when last, and when it was stored."""

    entry: Entry
    hits: int
    used: float
    kept: float


class Page(msgspec.Struct, frozen=True):
    """Some of the entries that match, and how many match, with how many bytes."""

    rows: tuple[Row, ...] = ()
    total: int = 0
    bytes: int = 0


def page(folder: Path, q: str, sort: Sort, offset: int, limit: int) -> Page:
    """Entries whose URL has all words of ``q``: the last used, largest, oldest or most used first."""
    words = q.lower().split()
    where = " AND ".join(["instr(lower(url), ?)"] * len(words)) or "1"
    # Only our own words are put together here; those of the question are parameters.
    sums = f"SELECT count(*), sum(stored) FROM entries WHERE {where}"  # noqa: S608
    ids = f"SELECT id FROM entries WHERE {where} ORDER BY {ORDERS[sort]} LIMIT ? OFFSET ?"  # noqa: S608

    def work(db: sqlite3.Connection) -> Page:
        total, size = db.execute(sums, words).fetchone()
        found = db.execute(ids, (*words, limit, offset)).fetchall()
        rows = (_row(db, id) for (id,) in found)
        return Page(tuple(row for row in rows if row is not None), total, size or 0)

    return _read(folder, work, Page())


def row(folder: Path, id: int) -> Row:
    """One entry. SettingError if there is none."""
    found = _read(folder, lambda db: _row(db, id), None)
    if found is None:
        raise SettingError("There is no such object in the cache (any more).", field="id")
    return found


def _row(db: sqlite3.Connection, id: int) -> Row | None:
    found = db.execute("SELECT head, hits, used, kept FROM entries WHERE id = ?", (id,)).fetchone()
    return Row(entry_of(found[0]), *found[1:]) if found else None


def variants(folder: Path, url: str) -> list[int]:
    """The ids of all entries of a URL."""
    empty: list[tuple[int]] = []
    ids = "SELECT id FROM entries WHERE key = ? AND url = ? ORDER BY id"
    return [id for (id,) in _read(folder, lambda db: db.execute(ids, (key_of(url), url)).fetchall(), empty)]


def _read(folder: Path, work: Callable[[sqlite3.Connection], T], empty: T) -> T:
    """What ``work`` finds in the index; ``empty`` where there is none yet, or a damaged one."""
    path = folder / INDEX
    if not path.exists():
        return empty
    try:
        with closing(connect(path, only_read=True, busy=BUSY)) as db:
            return work(db)
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise SettingError("The cache's index is busy. Ask again in a moment.") from error
        return empty
