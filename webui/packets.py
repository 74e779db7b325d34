"""The packet walk of every instance: captured, uploaded, or worked out from events, whichever there is.

Files are read off the loop, one call at a time for an instance; the capture is a program of its own. What is
not there raises KeyError.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, TypeVar

from servers.kit.errors import SettingError
from servers.walk.names import split
from webui import packets_words as words
from webui.guard import MAX_UPLOAD
from webui.packets_aim import UNIX, aim, on_unix
from webui.packets_calls import Given
from webui.packets_capture import Capture, Captures, Counts, Launch
from webui.packets_events import Persons, Telling
from webui.packets_files import Shelf
from webui.packets_read import Desk, Now
from webui.states import WrongState
from webui.supervisor import Instance

if TYPE_CHECKING:
    from webui.dashboard import Dashboard

T = TypeVar("T")
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
        read = self._work(instance, Desk.connections, people=people)
        total = capture.total
        return {
            "capturing": capture.on,
            "running": capture.running,
            "possible": not unix and any(way["works"] for way in found),
            "words": words.state(capture, aimed, unix),
            "trouble": capture.trouble,
            "ways": words.ways(found, aimed, unix),
            "packets": max(total.packets, read.packets),
            "bytes": total.bytes,
            "dropped": max(0, total.dropped),
            "full": bool(total.full),
            "reading": read.left,
            "n": capture.n,
            "uploads": read.uploads,
            "connections": read.connections,
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
        self._work(instance, lambda desk: desk.shelf.clear(captures))
        capture.cleared()
        self._board.supervisor.wake.set()

    def forget(self, instance: Instance) -> None:
        """The instance is deleted: end its capture, and remove its files."""
        place, capture = self._place(instance), self.captures.captures.get(instance.id)
        place.gone = True
        if capture:
            capture.on = False
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
        path = self._work(instance, lambda desk: desk.shelf.begin_upload())
        run, size = self._board.run_blocking, 0
        try:
            with path.open("wb") as file:
                while data := body.read(CHUNK):
                    size += len(data)
                    if size > MAX_UPLOAD:
                        raise SettingError(f"The file is longer than {MAX_UPLOAD:,} bytes.", field="file")
                    run(file.write, data)
            shown = "".join(c for c in name if c.isprintable()).strip()[:80] or "upload.pcap"
            self._work(instance, lambda desk: desk.shelf.take(path, shown, desk.now.ports))
        finally:
            path.unlink(missing_ok=True)
        self._changed(instance)

    def remove_upload(self, instance: Instance, id: str) -> None:
        """Remove an uploaded file. Raises KeyError."""
        self._work(instance, lambda desk: desk.shelf.remove(id))
        self._changed(instance)

    # -- one connection

    def page(
        self, instance: Instance, id: str, after: int, limit: int, before: Given | None,
        masks: bool, people: dict[str, str],
    ) -> dict[str, Any]:  # fmt: skip
        """Rows of a connection's ladder, with the calls that belong to them. Raises KeyError."""
        page = self._work(instance, lambda desk: desk.page(id, after, limit, masks, before), people=people)
        rebuilt = id.startswith("e")
        page["rebuilt"] = rebuilt
        if rebuilt:
            page["words"] += " " + words.better(self.captures.ways or [], self._capture(instance).running)
        return page

    def detail(self, instance: Instance, id: str, n: int, masks: bool) -> dict[str, Any]:
        """A packet's fields and bytes. Raises KeyError."""
        return self._work(instance, lambda desk: desk.ladder(id, masks)[0].detail(n))

    def stream(self, instance: Instance, id: str, masks: bool) -> dict[str, Any]:
        """Both directions' bytes. Raises KeyError."""
        return self._work(instance, lambda desk: desk.ladder(id, masks)[0].pieces())

    # -- exports

    def pcapng(self, instance: Instance, out: IO[bytes]) -> None:
        """Write all that was captured, and what was worked out of the rest, as one file."""
        self._work(instance, lambda desk: desk.pcapng(out))

    def everything(self, instance: Instance, people: dict[str, str]) -> dict[str, Any]:
        """All connections with their rows, MOST of them, for a JSON file. Secrets are masked."""
        found = self._work(instance, Desk.everything, people=people)
        return {"instance": instance.id, "title": instance.title, "connections": found}

    # -- inside, on the loop

    def _place(self, instance: Instance) -> Place:
        return self._places.setdefault(instance.id, Place())

    def _capture(self, instance: Instance) -> Capture:
        found = self.captures.captures.get(instance.id)
        if found is None:
            folder = self._board.data(instance) / "packets"
            found = Capture(instance.id, folder, self._work(instance, lambda desk: desk.shelf.kept.counts))
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

    def _work(
        self, instance: Instance, function: Callable[[Desk], T], *, people: dict[str, str] | None = None
    ) -> T:
        """Call ``function(desk)`` where it may block, and nobody else with this instance's files."""
        place = self._place(instance)
        with place.busy:
            if place.gone:
                raise KeyError(instance.id)
            now = self._now(instance, people or {})
            counts: Counts | None = None
            if place.unsaved and (capture := self.captures.captures.get(instance.id)):
                place.unsaved, counts = False, capture.before

            def work() -> T:
                shelf = self._shelf(instance, place)
                if counts is not None:
                    shelf.save(counts)
                return function(Desk(now, shelf, place.telling, self._persons))

            return self._board.run_blocking(work)  # type: ignore[no-any-return]

    def _now(self, instance: Instance, people: dict[str, str]) -> Now:
        """What the question needs of the dashboard, whose locks are the loop's."""
        port = split(instance.address)[1] or instance.settings.port
        try:
            kept = self._board.hub.snapshot(instance.id)
        except KeyError:  # it is being deleted
            raise KeyError(instance.id) from None
        return Now(
            id=instance.id, title=instance.title, address=instance.address, unix=on_unix(instance),
            ports=frozenset({port} if port else ()), n=kept["n"], events=kept["events"],
            marks=kept["series"].marks, people=people,
        )  # fmt: skip

    # -- inside, off the loop

    def _shelf(self, instance: Instance, place: Place) -> Shelf:
        if place.shelf is None:
            place.shelf = Shelf(self._board.data(instance) / "packets")
        return place.shelf

    def _person(self, request: str) -> str:
        """Whose request it is. Asked off the loop: so without any of the loop's locks."""
        requests = self._board.requests
        found = requests.active.get(request) or requests.ended.get(request)
        return found.person if found else ""


def _until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait for it; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
