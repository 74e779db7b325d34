"""The cache's index: a SQLite file with a row for each entry and one for each of its files.

No lock and no body here: ``Store`` has them. A damaged file raises ``sqlite3.DatabaseError``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from servers.caching_proxy.entry import Entry
from servers.caching_proxy.rows import OF_URL, connect, entry_of, key_of

MARK = 0x50524F58
"""SQLite's application_id: whose file this is."""
FORM = 1
"""Of the tables; another one is set aside as if it were damaged."""
SCHEMA = f"""
PRAGMA application_id = {MARK};
PRAGMA user_version = {FORM};
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, key INTEGER NOT NULL, url TEXT NOT NULL, method TEXT NOT NULL, vary TEXT NOT NULL,
    stored INTEGER NOT NULL, received REAL NOT NULL, kept REAL NOT NULL,
    turn INTEGER NOT NULL, used REAL NOT NULL, hits INTEGER NOT NULL, head TEXT NOT NULL);
CREATE INDEX by_key ON entries (key);
CREATE INDEX by_turn ON entries (turn, stored);
CREATE TABLE files (name TEXT PRIMARY KEY, entry INTEGER NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
"""
NAMES = {"entries", "by_key", "by_turn", "files"}

_encode = msgspec.json.Encoder().encode


class Use(msgspec.Struct):
    """What an entry was used for since the last flush: how often, its turn among all uses, when."""

    hits: int
    turn: int
    used: float


class Index:
    """The file, open for reading and writing."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        run = self._db.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA journal_size_limit = 8000000")
        mark, form = (run(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        names = {name for (name,) in run("SELECT name FROM sqlite_master")}
        if (mark, form) == (0, 0) and not names:
            with self.transaction():
                for statement in SCHEMA.split(";")[:-1]:
                    run(statement)
        elif (mark, form) != (MARK, FORM) or names != NAMES:
            raise sqlite3.DatabaseError("it is not an index of this program's")

    def close(self) -> None:
        """Write it all into the one file, and let go of it."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # -- reading

    def totals(self) -> tuple[int, int]:
        """How many entries, and how many bytes their bodies have."""
        objects, size = self._db.execute("SELECT count(*), sum(stored) FROM entries").fetchone()
        return objects, size or 0

    def last(self) -> tuple[int, int]:
        """The highest id and turn given; 0 where there is none."""
        id, turn = self._db.execute("SELECT max(id), (SELECT max(turn) FROM entries) FROM entries").fetchone()
        return id or 0, turn or 0

    def get(self, id: int) -> Entry | None:
        """The entry with that id."""
        row = self._db.execute("SELECT head FROM entries WHERE id = ?", (id,)).fetchone()
        return entry_of(row[0]) if row else None

    def same(self, entry: Entry) -> list[Entry]:
        """Those that an entry replaces: its own URL, method and variant."""
        found = self._db.execute(
            f"{OF_URL} AND method = ? AND vary = ?",
            (key_of(entry.url), entry.url, entry.method, _vary(entry)),
        ).fetchall()
        return [entry_of(head) for (head,) in found]

    def of(self, url: str) -> list[Entry]:
        """All of a URL."""
        rows = self._db.execute(OF_URL, (key_of(url), url)).fetchall()
        return [entry_of(head) for (head,) in rows]

    def oldest(self, most: int, but: int) -> list[Entry]:
        """Those that were not used for longest, the oldest first, without the one with the id ``but``."""
        rows = self._db.execute(
            "SELECT head FROM entries WHERE id != ? ORDER BY turn LIMIT ?", (but, most)
        ).fetchall()
        return [entry_of(head) for (head,) in rows]

    def files(self, part: str) -> dict[str, tuple[int, int]]:
        """The files below ``objects/part``: the entry and the size of each."""
        rows = self._db.execute(
            "SELECT name, entry, size FROM files WHERE name > ? AND name < ?", (f"{part}/", f"{part}0")
        )
        return {name: (entry, size) for name, entry, size in rows}

    # -- writing, in a transaction

    def insert(self, entry: Entry, turn: int, now: float) -> None:
        """A new entry, with its files."""
        self._db.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            (entry.id, key_of(entry.url), entry.url, entry.method, _vary(entry),
             entry.stored, entry.received, now, turn, now, _head(entry)),
        )  # fmt: skip
        self._name(entry)

    def replace(self, entry: Entry) -> None:
        """Another content of the same row."""
        self._db.execute(
            "UPDATE entries SET vary = ?, stored = ?, received = ?, head = ? WHERE id = ?",
            (_vary(entry), entry.stored, entry.received, _head(entry), entry.id),
        )

    def rename(self, before: Entry, after: Entry) -> None:
        """Other files of the same entry."""
        self._forget(before)
        self._name(after)

    def delete(self, entry: Entry) -> None:
        """An entry, and the names of its files."""
        self._db.execute("DELETE FROM entries WHERE id = ?", (entry.id,))
        self._forget(entry)

    def delete_all(self) -> None:
        """Every entry."""
        self._db.execute("DELETE FROM entries")
        self._db.execute("DELETE FROM files")

    def use(self, uses: Iterable[tuple[int, Use]]) -> None:
        """Note what was used."""
        self._db.executemany(
            "UPDATE entries SET hits = hits + ?, turn = ?, used = ? WHERE id = ?",
            [(use.hits, use.turn, use.used, id) for id, use in uses],
        )

    def _name(self, entry: Entry) -> None:
        self._db.executemany(
            "INSERT INTO files VALUES (?, ?, ?)",
            [(part.file, entry.id, part.end - part.start) for part in entry.segments],
        )

    def _forget(self, entry: Entry) -> None:
        self._db.executemany("DELETE FROM files WHERE name = ?", [(part.file,) for part in entry.segments])


def _vary(entry: Entry) -> str:
    return _encode(entry.vary).decode()


def _head(entry: Entry) -> str:
    return _encode(entry).decode()
