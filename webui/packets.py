"""The packet walk of every instance: captured, uploaded, or worked out from events, whichever there is.

Files are read off the loop, one call at a time for an instance (packets_places.py); the capture is a program
of its own (packets_capture.py). What is not there raises KeyError, an instance that was deleted NotFound.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from servers.kit.errors import SettingError
from webui import packets_words as words
from webui.guard import MAX_UPLOAD
from webui.packets_aim import UNIX, aim, on_unix
from webui.packets_calls import Given
from webui.packets_capture import Capture, Captures, Launch
from webui.packets_places import Places
from webui.packets_read import Desk
from webui.states import WrongState
from webui.supervisor import Instance

if TYPE_CHECKING:
    from webui.dashboard import Dashboard

SETTLE_SECONDS = 5.0
"""That a program is waited for which begins or ends."""
CHUNK = 256 * 1024


class Packets:
    """All instances' packets."""

    def __init__(self, board: Dashboard, launch: Launch) -> None:
        self._board = board
        self._places = Places(board)
        self.captures = Captures(launch, self._tell, self._places.ended)

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

    # -- the whole of an instance

    def summary(self, instance: Instance, people: dict[str, str]) -> dict[str, Any]:
        """What there is. ``people`` are students' names by address."""
        capture, unix, aimed = self._capture(instance), on_unix(instance), aim(instance)
        found = self._ways()
        read = self._places.work(instance, Desk.connections, people=people)
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
        _until(lambda: capture.running or capture.child is None, SETTLE_SECONDS)  # else whose file is it?
        child, captures = capture.child, capture.running
        if child is not None and captures:
            child.call("clear", None)
        self._places.work(instance, lambda desk: desk.shelf.clear(captures))
        capture.cleared()
        self._board.supervisor.wake.set()

    def forget(self, instance: Instance) -> None:
        """The instance is deleted: end its capture, and remove its files."""
        capture = self.captures.captures.get(instance.id)
        if capture:
            capture.on = False
            self._board.supervisor.wake.set()
            _until(lambda: capture.child is None, SETTLE_SECONDS)
            self.captures.captures.pop(instance.id, None)
        self._places.forget(instance)

    def close(self) -> None:
        """At the end: write down what was not written yet."""
        self._places.close()

    # -- uploads

    def upload(self, instance: Instance, name: str, body: IO[bytes]) -> None:
        """Take in a file as it comes. Raises SettingError where it is too long or no capture."""
        path = self._places.work(instance, lambda desk: desk.shelf.begin_upload())
        run, size = self._board.run_blocking, 0
        try:
            with path.open("wb") as file:
                while data := body.read(CHUNK):
                    size += len(data)
                    if size > MAX_UPLOAD:
                        raise SettingError(f"The file is longer than {MAX_UPLOAD:,} bytes.", field="file")
                    run(file.write, data)
            self._places.work(instance, lambda desk: desk.shelf.take(path, name, desk.now.ports))
        finally:
            path.unlink(missing_ok=True)
        self._changed(instance)

    def remove_upload(self, instance: Instance, id: str) -> None:
        """Remove an uploaded file. Raises KeyError."""
        self._places.work(instance, lambda desk: desk.shelf.remove(id))
        self._changed(instance)

    # -- what is read

    def page(
        self, instance: Instance, id: str, after: int, limit: int, before: Given | None,
        masks: bool, people: dict[str, str],
    ) -> dict[str, Any]:  # fmt: skip
        """Rows of a connection's ladder, with the calls that belong to them. Raises KeyError."""
        page = self._places.work(
            instance, lambda desk: desk.page(id, after, limit, masks, before), people=people
        )
        page["rebuilt"] = id.startswith("e")
        if page["rebuilt"]:
            page["words"] += " " + words.better(self.captures.ways or [], self._capture(instance).running)
        return page

    def detail(self, instance: Instance, id: str, n: int, masks: bool) -> dict[str, Any]:
        """A packet's fields and bytes. Raises KeyError."""
        return self._places.work(instance, lambda desk: desk.ladder(id, masks)[0].detail(n))

    def stream(self, instance: Instance, id: str, masks: bool) -> dict[str, Any]:
        """Both directions' bytes. Raises KeyError."""
        return self._places.work(instance, lambda desk: desk.ladder(id, masks)[0].pieces())

    def pcapng(self, instance: Instance, out: IO[bytes]) -> None:
        """Write all that was captured, and what was worked out of the rest, as one file."""
        self._places.work(instance, lambda desk: desk.pcapng(out))

    def everything(self, instance: Instance, people: dict[str, str]) -> dict[str, Any]:
        """All connections with their rows, MOST of them, for a JSON file. Secrets are masked."""
        found = self._places.work(instance, Desk.everything, people=people)
        return {"instance": instance.id, "title": instance.title, "connections": found}

    # -- inside

    def _capture(self, instance: Instance) -> Capture:
        found = self.captures.captures.get(instance.id)
        if found is None:
            before = self._places.work(instance, lambda desk: desk.shelf.kept.counts)
            found = Capture(instance.id, self._board.data(instance) / "packets", before)
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


def _until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for it, but no longer than that."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
