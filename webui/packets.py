"""The packet walk of every instance: captured, uploaded, or worked out from events, whichever there is.

Files are read off the loop, one call at a time for an instance; the capture is a program of its own. What is
not there raises KeyError.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec

from servers.kit.errors import LabError, SettingError
from servers.kit.events import Event
from servers.walk.calls import calls
from servers.walk.names import split
from servers.walk.rebuild import Rebuilt
from servers.walk.rows import Connection
from webui import packets_words as words
from webui.guard import MAX_UPLOAD
from webui.packets_capture import UNIX, Capture, Captures, Launch, aim, on_unix
from webui.packets_events import Persons, Telling, near, of_connection
from webui.packets_files import Shelf
from webui.packets_walk import MOST, Ladder
from webui.states import WrongState
from webui.supervisor import Instance

if TYPE_CHECKING:
    from webui.dashboard import Dashboard

T = TypeVar("T")
CONNECTIONS = 500
"""That are given, the newest."""
TOGETHER = 4000
"""The newest captured ones, which are not shown a second time as events tell them."""
RECONSTRUCTED = "reconstructed"
SETTLE_SECONDS = 5.0
"""That a switch, or the first question for the ways, waits for a program to begin."""
END_SECONDS = 5.0
CHUNK = 256 * 1024


class Place:
    """What is kept of one instance. ``busy`` is held while its files are read."""

    def __init__(self) -> None:
        self.busy = threading.Lock()
        self.shelf: Shelf | None = None
        self.telling = Telling()
        self.gone = False
        self.unsaved = False


class Packets:
    """All instances' packets."""

    def __init__(self, board: Dashboard, launch: Launch) -> None:
        self._board = board
        self.captures = Captures(launch, self._tell, self._capture_ended)
        self._places: dict[str, Place] = {}
        self._persons = Persons(self._person)

    # -- from the thread that looks after everything

    def tick(self) -> None:
        """Start and end captures, and pass on what they count."""
        self.captures.tick(self._board.supervisor.instances)

    def _tell(self, capture: Capture) -> None:
        if self._board.emitter:
            total = capture.total
            self._board.emitter.packets(
                {"instance": capture.id, "packets": total.packets, "dropped": total.dropped, "n": capture.n}
            )

    def _capture_ended(self, capture: Capture) -> None:
        if capture.id in self._places:
            self._places[capture.id].unsaved = True

    # -- the whole of an instance

    def summary(self, instance: Instance, people: dict[str, str]) -> dict[str, Any]:
        """What there is. ``people`` are students' names by address."""
        capture, unix, aimed = self._capture(instance), on_unix(instance), aim(instance)
        found = self._ways()
        left, read, uploads, connections = self._work(instance, self._read, instance, people)
        total = capture.total
        return {
            "capturing": capture.on,
            "running": capture.running,
            "possible": not unix and any(way["works"] for way in found),
            "words": words.state(capture, aimed, unix),
            "trouble": capture.trouble,
            "ways": words.ways(found, aimed, unix),
            "packets": max(total.packets, read),
            "bytes": total.bytes,
            "dropped": max(0, total.dropped),
            "full": bool(total.full),
            "reading": left,
            "n": capture.n,
            "uploads": uploads,
            "connections": connections,
        }

    def switch(self, instance: Instance, on: bool) -> None:
        """Switch the capture on or off; waits until it has begun or ended. Raises WrongState."""
        capture = self._capture(instance)
        if on and on_unix(instance):
            raise WrongState(UNIX)
        if on != capture.on:
            capture.on, capture.trouble = on, ""
            capture.n += 1
        self._board.supervisor.wake.set()
        if on and aim(instance) is None:
            return  # it begins when the server runs
        _until(lambda: capture.running or not capture.on if on else capture.child is None, SETTLE_SECONDS)
        if on and not capture.on and capture.trouble:
            raise WrongState(capture.trouble)

    def clear(self, instance: Instance) -> None:
        """Forget what was captured and uploaded; a capture that runs begins anew."""
        capture = self._capture(instance)
        child = capture.child
        captures = child is not None and capture.running
        if child is not None and captures:
            child.call("clear", None)
        self._work(instance, Shelf.clear, captures)
        capture.cleared()
        self._board.supervisor.wake.set()

    def forget(self, instance: Instance) -> None:
        """The instance is deleted: end its capture, and remove its files."""
        place = self._place(instance)
        capture = self._capture(instance)
        place.gone, capture.on = True, False
        self._board.supervisor.wake.set()
        _until(lambda: capture.child is None, END_SECONDS)
        self.captures.captures.pop(instance.id, None)
        with place.busy:
            self._board.run_blocking(self._shelf(instance, place).forget)
        self._places.pop(instance.id, None)

    def close(self) -> None:
        """At the end: write down what was not written yet."""
        for id, place in list(self._places.items()):
            capture = self.captures.captures.get(id)
            if place.unsaved and place.shelf and capture:
                place.shelf.save(capture.before)
            if place.shelf:
                place.shelf.close()

    # -- uploads

    def upload(self, instance: Instance, name: str, body: IO[bytes]) -> None:
        """Take in a file as it comes. Raises SettingError where it is too long or no capture."""
        path = self._work(instance, Shelf.begin_upload)
        run, size = self._board.run_blocking, 0
        try:
            with path.open("wb") as file:
                while data := body.read(CHUNK):
                    size += len(data)
                    if size > MAX_UPLOAD:
                        raise SettingError(f"The file is longer than {MAX_UPLOAD:,} bytes.", field="file")
                    run(file.write, data)
            shown = "".join(c for c in name if c.isprintable()).strip()[:80] or "upload.pcap"
            self._work(instance, Shelf.take, path, shown, self._ports(instance))
        finally:
            path.unlink(missing_ok=True)
        self._changed(instance)

    def remove_upload(self, instance: Instance, id: str) -> None:
        """Remove an uploaded file. Raises KeyError."""
        self._work(instance, Shelf.remove, id)
        self._changed(instance)

    # -- one connection

    def page(
        self, instance: Instance, id: str, after: int, limit: int, masks: bool, people: dict[str, str]
    ) -> dict[str, Any]:
        """Rows of a connection's ladder, with the calls that belong to them. Raises KeyError."""
        page: dict[str, Any] = self._work(instance, self._page, instance, id, after, limit, masks, people)
        rebuilt = id.startswith("e")
        page["rebuilt"] = rebuilt
        if rebuilt:
            page["words"] += " " + words.better(self.captures.ways or [], self._capture(instance).running)
        return page

    def detail(self, instance: Instance, id: str, n: int, masks: bool) -> dict[str, Any]:
        """A packet's fields and bytes. Raises KeyError."""
        return self._work(instance, lambda shelf: self._ladder(shelf, instance, id, masks)[0].detail(n))

    def stream(self, instance: Instance, id: str, masks: bool) -> dict[str, Any]:
        """Both directions' bytes. Raises KeyError."""
        return self._work(instance, lambda shelf: self._ladder(shelf, instance, id, masks)[0].pieces())

    # -- exports

    def pcapng(self, instance: Instance, out: IO[bytes]) -> None:
        """Write all that was captured, and what was worked out of the rest, as one file."""

        def export(shelf: Shelf) -> None:
            shelf.refresh(self._ports(instance), whole=True)
            told = _not_captured(self._told(instance), shelf.connections("c", shelf.packets("c")))
            comment = f"{instance.title} at {instance.address or 'no address'}, by Socket Lab."
            shelf.export(out, f"Socket Lab {instance.id}", comment, told)

        self._work(instance, export)

    def everything(self, instance: Instance, people: dict[str, str]) -> dict[str, Any]:
        """All connections with their rows, MOST of them, for a JSON file. Secrets are masked."""

        def export(shelf: Shelf) -> list[dict[str, Any]]:
            _, _, _, connections = self._read(shelf, instance, people)
            found, left = [], MOST
            for connection in connections:
                if left <= 0:
                    break
                ladder, about = self._ladder(shelf, instance, connection["id"], True)
                rows, more = ladder.rows(0, left)
                left -= len(rows)
                found.append({**connection, "rows": rows, "more": more, "words": about})
            return found

        return {"instance": instance.id, "title": instance.title, "connections": self._work(instance, export)}

    # -- inside, on the loop

    def _place(self, instance: Instance) -> Place:
        return self._places.setdefault(instance.id, Place())

    def _capture(self, instance: Instance) -> Capture:
        found = self.captures.captures.get(instance.id)
        if found is None:
            folder = self._board.data(instance) / "packets"
            found = Capture(instance.id, folder, self._work(instance, lambda shelf: shelf.kept.counts))
            found = self.captures.captures.setdefault(instance.id, found)
        return found

    def _changed(self, instance: Instance) -> None:
        self._capture(instance).n += 1
        self._board.supervisor.wake.set()

    def _ways(self) -> list[dict[str, Any]]:
        captures = self.captures
        captures.wanted_ways = True
        if captures.ways is None:
            self._board.supervisor.wake.set()
            _until(lambda: captures.ways is not None, SETTLE_SECONDS)
        return captures.ways or []

    def _work(self, instance: Instance, function: Callable[..., T], *arguments: Any) -> T:
        """Call ``function(shelf, ...)`` where it may block, and nobody else with this instance's files."""
        place = self._place(instance)
        with place.busy:
            if place.gone:
                raise KeyError(instance.id)
            if place.unsaved and (capture := self.captures.captures.get(instance.id)):
                place.unsaved = False
                self._board.run_blocking(self._shelf(instance, place).save, capture.before)
            return self._board.run_blocking(  # type: ignore[no-any-return]
                lambda: function(self._shelf(instance, place), *arguments)
            )

    # -- inside, off the loop

    def _shelf(self, instance: Instance, place: Place) -> Shelf:
        if place.shelf is None:
            place.shelf = Shelf(self._board.data(instance) / "packets")
        return place.shelf

    def _ports(self, instance: Instance) -> frozenset[int]:
        port = split(instance.address)[1] or instance.settings.port
        return frozenset({port} if port else ())

    def _refresh(self, shelf: Shelf, instance: Instance) -> bool:
        return shelf.refresh(self._ports(instance))

    def _events(self, instance: Instance) -> list[Event]:
        """The newest events, and the older ones that are kept as marks."""
        try:
            snapshot = self._board.hub.snapshot(instance.id)
        except KeyError:
            return []
        found = {event.n: event for event in [*snapshot["series"].marks, *snapshot["events"]]}
        return [found[n] for n in sorted(found)]

    def _told(self, instance: Instance) -> list[Rebuilt]:
        topic = self._board.hub.topics.get(instance.id)
        if topic is None or on_unix(instance):
            return []
        telling = self._place(instance).telling
        return telling.connections(topic.n, lambda: self._events(instance), instance.address)

    def _read(
        self, shelf: Shelf, instance: Instance, people: dict[str, str]
    ) -> tuple[bool, int, list[dict[str, Any]], list[dict[str, Any]]]:
        """Whether more is left to read, how much was captured, the uploads, the newest connections of all."""
        left = self._refresh(shelf, instance)
        clients = self._persons.clients(self._events(instance))
        captured = shelf.connections("c", TOGETHER)
        found = [(each, "capture", "") for each in captured[-CONNECTIONS:]]
        for upload in shelf.kept.uploads:
            found += [
                (each, "upload", upload.name) for each in shelf.connections(f"{upload.id}-", CONNECTIONS)
            ]
        for told in _not_captured(self._told(instance), captured):
            found.append((told.connection, "events", RECONSTRUCTED))
        found.sort(key=lambda each: each[0].started, reverse=True)
        connections = [_shown(*each, clients, people) for each in found[:CONNECTIONS]]
        uploads = [
            {
                "id": each.id, "name": each.name, "packets": shelf.packets(f"{each.id}-"),
                "troubles": [] if left else shelf.troubles(f"{each.id}-"),
            }
            for each in shelf.kept.uploads
        ]  # fmt: skip
        return left, shelf.packets("c"), uploads, connections

    def _ladder(self, shelf: Shelf, instance: Instance, id: str, masks: bool) -> tuple[Ladder, str]:
        """The connection's ladder, and where it is from in words. Raises KeyError."""
        if id.startswith("e"):
            for each in self._told(instance):
                if each.connection.id == id:
                    return shelf.told(each, masks=masks), each.words
            raise KeyError(id)
        self._refresh(shelf, instance)
        return shelf.ladder(id, masks=masks), words.CAPTURED if id.startswith("c") else words.UPLOADED

    def _page(
        self, shelf: Shelf, instance: Instance, id: str, after: int, limit: int, masks: bool,
        people: dict[str, str],
    ) -> dict[str, Any]:  # fmt: skip
        ladder, about = self._ladder(shelf, instance, id, masks)
        rows, more = ladder.rows(after, limit)
        connection, events = ladder.connection, self._events(instance)
        found = calls(
            of_connection(events, connection), connection.client, connection.server, connection.transport
        )
        if after and rows:  # those before were given with the rows before
            first = msgspec.json.decode(rows[0])["t"] - 1
            found = [call for call in found if call.t >= first]
        source = {"c": "capture", "u": "upload", "e": "events"}[id[:1]]
        name = next((each.name for each in shelf.kept.uploads if id.startswith(f"{each.id}-")), "")
        clients = self._persons.clients(events)
        note = name or (RECONSTRUCTED if source == "events" else "")
        shown = _shown(connection, source, note, clients, people)
        return {"connection": shown, "rows": rows, "calls": found, "words": about, "more": more}

    def _person(self, request: str) -> str:
        try:
            return str(self._board.request_by_id(request)["person"])
        except LabError:
            return ""


def _not_captured(told: list[Rebuilt], captured: list[Connection]) -> list[Rebuilt]:
    """Those that were not captured as well."""
    known: dict[str, list[Connection]] = {}
    for connection in captured:
        known.setdefault(connection.client, []).append(connection)

    def is_new(connection: Connection) -> bool:
        return not any(near(each, connection) for each in known.get(connection.client, ()))

    return [each for each in told if is_new(each.connection)]


def _shown(
    connection: Connection, source: str, note: str, clients: dict[str, str], people: dict[str, str]
) -> dict[str, Any]:
    """A connection as the API gives it."""
    person = clients.get(connection.client, "") or people.get(split(connection.client)[0], "")
    return {**msgspec.structs.asdict(connection), "source": source, "person": person, "note": note}


def _until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait for it; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
