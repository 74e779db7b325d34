"""What must survive the dashboard: one SQLite file, written by one task.

Writes are queued and done in batches off the dashboard's own loop. ``settle()`` waits
until all that was queued before is on disk; ``then()`` calls back instead. In WAL mode
what is committed survives SIGKILL at any instant.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from servers.kit.errors import LabError

log = logging.getLogger(__name__)

SCHEMA = """
create table if not exists instances (
    id text primary key, lab text not null, title text not null, settings text not null,
    owner text not null, run integer not null default 0, wanted integer not null default 0,
    reserved integer not null default 0, dropped integer not null default 0, created real not null
);
create table if not exists runs (
    instance text not null, run integer not null, started real not null, ended real,
    settings text not null, seed integer, address text not null, reason text not null default '',
    primary key (instance, run)
);
create table if not exists seconds (
    instance text not null, t real not null, counters text not null, primary key (instance, t)
);
create table if not exists marks (
    instance text not null, n integer not null, kind text not null, body text not null,
    primary key (instance, n)
);
create index if not exists marks_by_kind on marks (instance, kind, n);
create table if not exists requests (
    id text primary key, instance text not null, created real not null, state text not null,
    body text not null
);
create index if not exists requests_by_instance on requests (instance, created);
create table if not exists meta (key text primary key, value text not null);
"""

VERSION = "1"
PATIENCE_SECONDS = 60.0
"""A file that cannot be written for so long loses what waits."""

Write = tuple[str, Sequence[Any]]


class Store:
    """The file. ``run_blocking(function, *arguments)`` keeps a slow disk from stopping the dashboard."""

    def __init__(self, path: Path, run_blocking: Callable[..., Any]) -> None:
        self._run_blocking = run_blocking
        self._path = path
        self._queue: deque[Write | Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._closed = False
        self._failed = ""
        self._lock = self._only_one(path.with_suffix(".lock"))
        self._connection = self._open(path)
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)
        self._thread.start()

    def put(self, sql: str, *values: Any) -> None:
        """Queue one write."""
        self._queue.append((sql, values))
        self._wake.set()

    def then(self, function: Callable[[], None]) -> None:
        """Call ``function`` when all that was queued before is on disk."""
        self._queue.append(function)
        self._wake.set()

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until all that was queued before is on disk. Raises LabError if it takes too long."""
        done = threading.Event()
        self.then(done.set)
        if not done.wait(seconds):
            raise LabError("The data folder could not be written in time. Is the disk full?")
        if self._failed:
            raise LabError(f"The data folder cannot be written: {self._failed}. Is the disk full?")

    def read(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, off the dashboard's own loop."""
        rows: list[tuple[Any, ...]] = self._run_blocking(self._select, sql, values)
        return rows

    def close(self) -> None:
        """Write the rest and close the file."""
        self._closed = True
        self._wake.set()
        self._thread.join(5)
        self._connection.close()
        self._lock.close()

    @staticmethod
    def _only_one(path: Path) -> sqlite3.Connection:
        """Held as long as the store is open: two dashboards would give the same numbers twice.

        An SQLite file, because its lock works everywhere and ends with the process, however that ends.
        """
        lock = None
        try:
            lock = sqlite3.connect(path, timeout=0, check_same_thread=False, isolation_level=None)
            lock.execute("begin exclusive")
        except sqlite3.DatabaseError as error:
            if lock is not None:
                lock.close()
            if "locked" in str(error):
                raise LabError(
                    f"Another Socket Lab uses the folder {path.parent}. End it, or choose another folder "
                    "with --data-dir."
                ) from None
            raise LabError(f"The folder {path.parent} cannot be used: {error}.") from None
        return lock

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = None
        try:
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.executescript(SCHEMA)
            connection.execute("insert or ignore into meta values ('version', ?)", (VERSION,))
            found = connection.execute("select value from meta where key = 'version'").fetchone()
            if found[0] != VERSION:
                raise LabError(
                    f"The file {path} was written by another version of Socket Lab ({found[0]}). "
                    "Choose another folder with --data-dir."
                )
        except (sqlite3.DatabaseError, LabError) as error:
            if connection is not None:
                connection.close()
            self._lock.close()
            if isinstance(error, LabError):
                raise
            raise LabError(
                f"The file {path} cannot be used: {error}. "
                "Move it away to begin anew, or choose another folder with --data-dir."
            ) from None
        return connection

    def _select(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self._path, timeout=10)
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise LabError(f"The file {self._path} cannot be read: {error}.") from None
        finally:
            connection.close()

    def _work(self) -> None:
        while not (self._closed and not self._queue):
            self._wake.wait(60)
            self._wake.clear()
            batch = [self._queue.popleft() for _ in range(len(self._queue))]
            writes = [entry for entry in batch if isinstance(entry, tuple)]
            if writes:
                self._insist(writes)
            for entry in batch:
                if not isinstance(entry, tuple):
                    try:
                        entry()
                    except Exception:  # one who waited; the others wait too
                        log.exception("what waited for the store failed")

    def _insist(self, writes: list[Write]) -> None:
        """Write; where the file is locked or the disk full, try again until PATIENCE_SECONDS have passed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._failed = self._run_blocking(self._write, writes)
                return
            except Exception as error:  # whatever it is, the writer goes on
                self._failed = str(error)
                passing = isinstance(error, sqlite3.OperationalError)
                if not passing or self._closed or time.monotonic() > deadline:
                    log.error("%d changes were not stored: %s", len(writes), error)
                    return
            time.sleep(0.2)

    def _write(self, writes: list[Write]) -> str:
        """Write all in one transaction; what was wrong with one that is left out, "" if none is."""
        wrong = ""
        self._connection.execute("begin immediate")
        try:
            for sql, values in writes:
                try:
                    self._connection.execute(sql, values)
                except (sqlite3.IntegrityError, sqlite3.ProgrammingError, OverflowError) as error:
                    wrong = str(error)
                    log.error("a change was not stored: %s", error)
            self._connection.execute("commit")
        except BaseException:
            self._connection.rollback()
            raise
        return wrong
