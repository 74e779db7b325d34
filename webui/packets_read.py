"""What is read of one instance's packets, off the loop: its connections, a ladder, exports.

All that the loop's own threads may change meanwhile (events, settings) is handed over before, as it is then:
off the loop nothing of the dashboard is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

import msgspec

from servers.kit.events import Event
from servers.walk.calls import calls
from servers.walk.names import split
from servers.walk.rebuild import Rebuilt
from servers.walk.rows import Connection
from webui import packets_words as words
from webui.packets_calls import Given
from webui.packets_events import SLACK, Persons, Telling, near, of_connection
from webui.packets_export import export
from webui.packets_files import Shelf
from webui.packets_walk import MOST, Ladder, Told, to_row

CONNECTIONS = 500
"""That are given, the newest."""
TOGETHER = 4000
"""The newest captured ones, which are not shown a second time as events tell them."""
RECONSTRUCTED = "reconstructed"


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """An instance as it is when it is asked about. ``n`` is the newest event's number; ``events`` and
    ``marks`` are the hub's, ``people`` students' names by address."""

    id: str
    title: str
    address: str
    ports: frozenset[int]
    unix: bool
    n: int = 0
    events: Sequence[Event] = ()
    marks: Sequence[Event] = ()
    people: dict[str, str] = {}


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What there is: whether more is left to read, how many packets were captured, files, connections."""

    left: bool
    packets: int
    uploads: list[dict[str, Any]]
    connections: list[dict[str, Any]]


class Desk:
    """Where one question is answered."""

    def __init__(self, now: Now, shelf: Shelf, telling: Telling, persons: Persons) -> None:
        self.now, self.shelf = now, shelf
        self._telling, self._persons = telling, persons
        self._all: list[Event] | None = None
        self._rebuilt: list[Rebuilt] | None = None

    def connections(self) -> Read:
        """The newest connections of all kinds, and what else there is."""
        shelf, left = self.shelf, self.shelf.refresh(self.now.ports)
        captured = shelf.connections("c", TOGETHER)
        found = [(each, "capture", "") for each in captured[-CONNECTIONS:]]
        for upload in shelf.kept.uploads:
            these = shelf.connections(f"{upload.id}-", CONNECTIONS)
            found += [(each, "upload", upload.name) for each in these]
        found += [(told.connection, "events", RECONSTRUCTED) for told in not_captured(self._told(), captured)]
        found.sort(key=lambda each: each[0].started, reverse=True)
        clients = self._persons.clients(self._events())
        uploads = [
            {
                "id": each.id, "name": each.name, "packets": shelf.packets(f"{each.id}-"),
                "others": shelf.others(f"{each.id}-"),
                "troubles": [] if left else shelf.troubles(f"{each.id}-"),
            }
            for each in shelf.kept.uploads
        ]  # fmt: skip
        return Read(
            left=left, packets=shelf.packets("c"), uploads=uploads,
            connections=[self._shown(*each, clients) for each in found[:CONNECTIONS]],
        )  # fmt: skip

    def ladder(self, id: str, masks: bool) -> tuple[Ladder, str]:
        """A connection's ladder, and where it is from in words. Raises KeyError."""
        if id.startswith("e"):
            for each in self._told():
                if each.connection.id == id:
                    return Told(each, masks=masks), each.words
            raise KeyError(id)
        self.shelf.refresh(self.now.ports)
        return self.shelf.ladder(id, masks=masks), words.CAPTURED if id.startswith("c") else words.UPLOADED

    def page(self, id: str, after: int, limit: int, masks: bool, before: Given | None) -> dict[str, Any]:
        """Rows of a ladder, and the calls of their time; ``before`` is what the page before said.

        Worked out from events, rows that were given may have changed since: then it begins ``anew``.
        Raises KeyError.
        """
        ladder, about = self.ladder(id, masks)
        anew = before is not None and before.mark != ladder.mark(after)
        if anew:
            after, before = 0, None
        rows, more = ladder.rows(after, limit)
        connection, events = ladder.connection, self._events()
        end = connection.ended + SLACK
        if before is None:
            before = Given().up_to(self.now.n, _time(ladder.rows(after - 1, 1)[0], end)) if after else Given()
        then = before.up_to(self.now.n, _time(rows, end) if more else end, ladder.mark(after + len(rows)))
        found = calls(
            of_connection(events, connection), connection.client, connection.server, connection.transport
        )
        source = {"c": "capture", "u": "upload", "e": "events"}[id[:1]]
        name = next((each.name for each in self.shelf.kept.uploads if id.startswith(f"{each.id}-")), "")
        note = name or (RECONSTRUCTED if source == "events" else "")
        shown = self._shown(connection, source, note, self._persons.clients(events))
        return {
            "connection": shown, "rows": rows, "calls": before.new(found, then), "words": about,
            "more": more, "given": then.words(), "anew": anew,
        }  # fmt: skip

    def pcapng(self, out: IO[bytes]) -> None:
        """Write all that was captured, and what was worked out of the rest, as one file."""
        now, shelf = self.now, self.shelf
        shelf.refresh(now.ports, whole=True)
        told = not_captured(self._told(), shelf.connections("c", shelf.packets("c")))
        comment = f"{now.title} at {now.address or 'no address'}, by Socket Lab."
        out.writelines(export(shelf.captured(), told, name=f"Socket Lab {now.id}", comment=comment))

    def everything(self) -> list[dict[str, Any]]:
        """All connections with their rows, MOST rows of them. Secrets are masked."""
        found: list[dict[str, Any]] = []
        left = MOST
        for connection in self.connections().connections:
            if left <= 0:
                break
            ladder, about = self.ladder(connection["id"], True)
            rows, more = ladder.rows(0, left)
            left -= len(rows)
            found.append({**connection, "rows": rows, "more": more, "words": about})
        return found

    def _events(self) -> list[Event]:
        """The newest events, and the older ones that are kept as marks, in order."""
        if self._all is None:
            found = {event.n: event for event in [*self.now.marks, *self.now.events]}
            self._all = [found[n] for n in sorted(found)]
        return self._all

    def _told(self) -> list[Rebuilt]:
        """What follows from the events: for one question always the same."""
        if self._rebuilt is None:
            now = self.now
            told = [] if now.unix else self._telling.connections(now.n, self._events, now.address)
            self._rebuilt = told
        return self._rebuilt

    def _shown(
        self, connection: Connection, source: str, note: str, clients: dict[str, str]
    ) -> dict[str, Any]:
        """A connection as the API gives it."""
        host = split(connection.client)[0]
        person = clients.get(connection.client, "") or self.now.people.get(host, "")
        return {**msgspec.structs.asdict(connection), "source": source, "person": person, "note": note}


def _time(rows: list[msgspec.Raw], end: float) -> float:
    """When the last of them was; the ``end`` where there is none."""
    return to_row(rows[-1]).t if rows else end


def not_captured(told: list[Rebuilt], captured: list[Connection]) -> list[Rebuilt]:
    """Those that were not captured as well."""
    known: dict[str, list[Connection]] = {}
    for connection in captured:
        known.setdefault(connection.client, []).append(connection)

    def is_new(connection: Connection) -> bool:
        return not any(near(each, connection) for each in known.get(connection.client, ()))

    return [each for each in told if is_new(each.connection)]
