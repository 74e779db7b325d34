"""What is kept of each instance's packets, and who may touch it: one question at a time, off the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from servers.walk.names import split
from webui.packets_aim import on_unix
from webui.packets_capture import Capture, Counts
from webui.packets_events import Persons, Telling
from webui.packets_files import Shelf
from webui.packets_read import Desk, Now
from webui.supervisor import Instance

if TYPE_CHECKING:
    from webui.dashboard import Dashboard

T = TypeVar("T")


class Place:
    """What is kept of one instance. ``busy`` is held while its files are read."""

    def __init__(self) -> None:
        self.busy = threading.Lock()
        self.shelf: Shelf | None = None
        self.telling = Telling()
        self.unsaved: Counts | None = None


class Places:
    """All instances'."""

    def __init__(self, board: Dashboard) -> None:
        self._board = board
        self._places: dict[str, Place] = {}
        self._persons = Persons(self._person)

    def work(
        self, instance: Instance, function: Callable[[Desk], T], *, people: dict[str, str] | None = None
    ) -> T:
        """Call ``function(desk)`` where it may block, and nobody else with this instance's files.

        ``people`` are students' names by address. Raises NotFound where the instance was deleted meanwhile.
        """
        place = self._place(instance)
        with place.busy:
            self._board.instance(instance.id)
            now = self._now(instance, people or {})
            counts, place.unsaved = place.unsaved, None

            def work() -> T:
                shelf = self._shelf(instance, place)
                if counts is not None:
                    try:
                        shelf.save(counts)
                    except OSError:  # no room on the disk: with the next question
                        place.unsaved = counts
                return function(Desk(now, shelf, place.telling, self._persons))

            return self._board.run_blocking(work)  # type: ignore[no-any-return]

    def ended(self, capture: Capture) -> None:
        """What a capture that has ended counted is written down with the next question."""
        if capture.id in self._places:
            self._places[capture.id].unsaved = capture.before

    def forget(self, instance: Instance) -> None:
        """The instance is deleted: remove its files."""
        place = self._place(instance)
        with place.busy:
            self._board.run_blocking(lambda: self._shelf(instance, place).forget())
        self._places.pop(instance.id, None)

    def close(self) -> None:
        """At the end: write down what was not written yet."""
        for place in self._places.values():
            if place.shelf and place.unsaved:
                place.shelf.save(place.unsaved)
            if place.shelf:
                place.shelf.close()

    def _place(self, instance: Instance) -> Place:
        return self._places.setdefault(instance.id, Place())

    def _now(self, instance: Instance, people: dict[str, str]) -> Now:
        """What the question needs of the dashboard, whose locks are the loop's."""
        port = split(instance.address)[1] or instance.settings.port
        kept = self._board.hub.snapshot(instance.id)
        return Now(
            id=instance.id, title=instance.title, address=instance.address, unix=on_unix(instance),
            ports=frozenset({port} if port else ()), n=kept["n"], events=kept["events"],
            marks=kept["series"].marks, people=people,
        )  # fmt: skip

    # -- off the loop

    def _shelf(self, instance: Instance, place: Place) -> Shelf:
        if place.shelf is None:
            place.shelf = Shelf(self._board.data(instance) / "packets")
        return place.shelf

    def _person(self, request: str) -> str:
        """Whose request it is. Asked off the loop: so without any of the loop's locks."""
        requests = self._board.requests
        found = requests.active.get(request) or requests.ended.get(request)
        return found.person if found else ""
