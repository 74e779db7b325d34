"""What of the dashboard is kept on disk, and how it comes back: runs, series, marks, requests."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from servers.kit.errors import SettingError
from servers.kit.events import Event
from servers.kit.lab import Lab
from servers.kit.settings import masked, parse
from webui.hub import KEPT, SECONDS, Hub, decoder
from webui.store import Store
from webui.supervisor import Instance

STORED_SECONDS = 20_000
"""Rows of the per-second series kept on disk per instance."""
RUNS = 200
"""Runs that are told at the most."""
TABLES = (
    ("instances", "id"), ("runs", "instance"), ("seconds", "instance"), ("marks", "instance"),
    ("requests", "instance"),
)  # fmt: skip


class Kept(msgspec.Struct, frozen=True):
    """An instance as it was found on disk; ``wanted``: it ran when the dashboard ended."""

    id: str
    lab: str
    title: str
    settings: str
    owner: str
    run: int
    wanted: int
    reserved: int
    dropped: int


class Run(msgspec.Struct, frozen=True):
    """One run of an instance: from ready to its end, and why it ended. Times in seconds since 1970."""

    run: int
    started: float
    ended: float | None
    settings: dict[str, Any]
    seed: int | None
    address: str
    reason: str


class History:
    """Writes to and reads from the store, in the dashboard's own terms."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- instances

    def added(self, instance: Instance, number: int) -> None:
        """Keep a new instance, and that its lab's ``number`` is taken."""
        lab = instance.lab.name
        self._store.put(
            "insert into instances (id, lab, title, settings, owner, created) values (?, ?, ?, ?, ?, ?)",
            instance.id, lab, instance.title, text(instance.settings), instance.owner, time.time(),
        )  # fmt: skip
        self._store.put("insert or replace into meta values (?, ?)", f"number {lab}", str(number))

    def changed(self, instance: Instance, wanted: bool) -> None:
        """Keep an instance's settings and state."""
        self._store.put(
            "update instances set settings = ?, run = ?, wanted = ? where id = ?",
            text(instance.settings), instance.run, int(wanted), instance.id,
        )  # fmt: skip

    def forget(self, id: str) -> None:
        """Delete an instance with all that is kept of it."""
        for table, column in TABLES:
            self._store.put(f"delete from {table} where {column} = ?", id)  # noqa: S608 - our own names

    def last_number(self, lab: Lab) -> int:
        """The highest number that an instance of the lab was ever given."""
        rows = self._store.read("select value from meta where key = ?", f"number {lab.name}")
        return int(rows[0][0]) if rows else 0

    def instances(self) -> list[Kept]:
        """The instances of earlier times. Runs that the dashboard's end cut off are ended first."""
        self._store.put(
            "update runs set ended = coalesce((select max(t) from seconds where seconds.instance = "
            "runs.instance and seconds.t >= runs.started), started), reason = 'the dashboard ended' "
            "where ended is null"
        )
        self._store.settle()
        columns = ", ".join(Kept.__struct_fields__)
        rows = self._store.read(f"select {columns} from instances order by created")  # noqa: S608
        return [Kept(*row) for row in rows]

    # -- runs

    def run_started(self, instance: Instance) -> None:
        """Keep a new run, with its settings (secrets masked: nothing is started from these) and seed."""
        self._store.put(
            "insert or replace into runs (instance, run, started, settings, seed, address) "
            "values (?, ?, ?, ?, ?, ?)",
            instance.id, instance.run, instance.started, text(masked(instance.settings)), instance.seed,
            instance.address,
        )  # fmt: skip

    def run_ended(self, instance: Instance, reason: str) -> None:
        """Keep when and why a run ended."""
        self._store.put(
            "update runs set ended = ?, reason = ? where instance = ? and run = ?",
            time.time(), reason, instance.id, instance.run,
        )  # fmt: skip

    def runs(self, id: str) -> list[Run]:
        """The runs of an instance, the newest first."""
        rows = self._store.read(
            "select run, started, ended, settings, seed, address, reason from runs "
            "where instance = ? order by run desc limit ?",
            id, RUNS,
        )  # fmt: skip
        return [
            Run(run, started, ended, msgspec.json.decode(settings), seed, address, reason)
            for run, started, ended, settings, seed, address, reason in rows
        ]

    # -- what the hub gives

    def keep_marks(self, id: str, marks: list[Event]) -> None:
        """Keep events that pictures are drawn from."""
        for event in marks:
            kind = str(event.__struct_config__.tag)
            sql = "insert or replace into marks values (?, ?, ?, ?)"
            self._store.put(sql, id, event.n, kind, text(event))

    def keep_second(self, id: str, t: float, counters: dict[str, int]) -> None:
        """Keep the counters of one second."""
        self._store.put("insert or replace into seconds values (?, ?, ?)", id, t, text(counters))

    def reserve(self, id: str, n: int, dropped: int) -> None:
        """Keep that numbers up to ``n`` may be given."""
        self._store.put("update instances set reserved = ?, dropped = ? where id = ?", n, dropped, id)

    def fill(self, hub: Hub, id: str, lab: Lab) -> None:
        """Give the hub back what it once gave."""
        events = []
        for kind in hub.topics[id].marks:
            rows = self._store.read(
                "select body from marks where instance = ? and kind = ? order by n desc limit ?",
                id, kind, KEPT,
            )  # fmt: skip
            for (body,) in reversed(rows):
                with contextlib.suppress(msgspec.DecodeError):  # written by an older version of the lab
                    events.append(decoder(lab).decode(body))
        rows = self._store.read(
            "select t, counters from seconds where instance = ? order by t desc limit ?", id, SECONDS
        )
        hub.restore(id, events, [(t, msgspec.json.decode(body)) for t, body in reversed(rows)])

    def tidy(self, hub: Hub) -> None:
        """Keep the file from growing for ever."""
        for id, topic in list(hub.topics.items()):
            for kind in topic.marks:
                self._store.put(
                    "delete from marks where instance = ? and kind = ? and n <= (select n from marks "
                    "where instance = ? and kind = ? order by n desc limit 1 offset ?)",
                    id, kind, id, kind, KEPT,
                )  # fmt: skip
            self._store.put(
                "delete from seconds where instance = ? and t <= (select t from seconds "
                "where instance = ? order by t desc limit 1 offset ?)",
                id, id, STORED_SECONDS,
            )  # fmt: skip

    # -- requests

    def request_ended(self, body: dict[str, Any], then: Callable[[], None]) -> None:
        """Keep an ended request; call ``then`` when it is on disk."""
        self._store.put(
            "insert or replace into requests values (?, ?, ?, ?, ?)",
            body["id"], body["instance"], body["created"], body["state"], text(body),
        )  # fmt: skip
        self._store.then(then)

    def first_request(self) -> int:
        """The first number that no request was given."""
        rows = self._store.read("select max(cast(substr(id, 2) as integer)) from requests")
        return (rows[0][0] or 0) + 1

    def request(self, id: str) -> dict[str, Any] | None:
        """An ended request; None if there is none."""
        rows = self._store.read("select body from requests where id = ?", id)
        return msgspec.json.decode(rows[0][0]) if rows else None

    def requests(self, instance_id: str, limit: int) -> list[dict[str, Any]]:
        """The ended requests at an instance, the newest first."""
        rows = self._store.read(
            "select body from requests where instance = ? order by created desc limit ?", instance_id, limit
        )
        return [msgspec.json.decode(body) for (body,) in rows]


def text(value: Any) -> str:
    """JSON text."""
    return msgspec.json.encode(value).decode()


def stored_settings(lab: Lab, stored: str) -> Any:
    """Stored settings; what this version no longer knows falls back to the default."""
    values = msgspec.json.decode(stored)
    while True:
        try:
            return parse(lab.settings, values)
        except SettingError as error:
            if error.field not in values:
                return lab.settings()
            print(f"{lab.name}: the stored setting {error.field} was reset.", file=sys.stderr)
            del values[error.field]
