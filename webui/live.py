"""The only one who emits: frames, states, requests and overviews, over Socket.IO.

A browser that cannot keep up is taken out of its rooms until its queue is empty, and
then gets a snapshot; one that stays behind is dropped. So nobody's slow line costs
memory here or keeps others waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import msgspec
from flask import request, session
from flask_socketio import SocketIO, disconnect, join_room, leave_room

from webui.auth import Gate
from webui.dashboard import Dashboard, NotFound
from webui.views import light

log = logging.getLogger(__name__)

FRAME_SECONDS = 1 / 20
"""From frame to frame on average, at least; a busy server's batches come as often."""
GAP_SECONDS = 1 / 25
"""Between two frames, at least."""
SPARE = 4
"""Frames that may be made up for after a pause."""
BEHIND = 4
"""Packets in a client's queue that mean that it cannot keep up."""
PATIENCE_SECONDS = 8.0
"""A client that is behind for so long is dropped."""
OVERVIEW_SECONDS = 1.0
JOINS, JOIN_SECONDS = 8, 1.0
"""A browser may join so often at once, and then once in so many seconds: a snapshot is much work."""


class Pace:
    """When the next frames may go: at once, unless the last went just before.

    Without the spare ones, frames that one hiccup made late would stay as late for ever, because they
    are due as often as they may go.
    """

    def __init__(self) -> None:
        self._due = self._last = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds from ``now`` until the next may go."""
        return max(0.0, self._due - now, self._last + GAP_SECONDS - now)

    def went(self, now: float) -> None:
        """They went."""
        self._last = now
        self._due = max(self._due, now - SPARE * FRAME_SECONDS) + FRAME_SECONDS


class Json:
    """What Socket.IO encodes with: msgspec, which takes structs as they are."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """JSON text."""
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        """The value of a JSON text."""
        return msgspec.json.decode(text)


class Live:
    """The Socket.IO side of the dashboard."""

    def __init__(self, socketio: SocketIO, dashboard: Dashboard, gate: Gate) -> None:
        self._io, self._dashboard, self._gate = socketio, dashboard, gate
        self._watching: dict[str, set[str]] = {}  # sid -> ids of instances
        self._people: dict[str, Any] = {}
        self._behind: dict[str, float] = {}  # sid -> since when
        self._framing = threading.Lock()
        self._seen: dict[str, dict[str, int | None]] = {}  # sid -> instance -> the newest event sent to it
        self._joined: dict[str, float] = {}  # sid -> when all its joins so far were due
        self._overview = ""
        self._next_overview = 0.0
        self._overviewers: set[str] = set()
        dashboard.emitter = self
        for name, handler in (
            ("connect", self._connect), ("disconnect", self._disconnect), ("join", self._join),
            ("leave", self._leave), ("overview", self._join_overview),
        ):  # fmt: skip
            socketio.on_event(name, handler)

    # -- called by the dashboard

    def state(self, instance: dict[str, Any], clear: dict[str, Any] | None = None) -> None:
        """An instance changed; the teacher gets ``clear``, where there are secrets in it."""
        id, teachers = instance["id"], []
        if clear:
            teachers = [sid for sid, who in list(self._people.items()) if who.teaches]
        self._io.emit("state", {**instance, "instance": id}, to=_room(id), skip_sid=teachers)
        for sid in teachers:
            if id in self._watching.get(sid, ()) and sid not in self._behind:
                self._io.emit("state", {**(clear or {}), "instance": id}, to=sid)
        self._overview = ""

    def gone(self, instance_id: str) -> None:
        """An instance was deleted."""
        self._emit("gone", {"instance": instance_id}, room=_room(instance_id))
        self._overview = ""

    def request(self, request: dict[str, Any]) -> None:
        """A request changed."""
        self._emit("request", request, room=_room(request["instance"]))

    def packets(self, counted: dict[str, Any]) -> None:
        """A capture counted more, or something about an instance's packets changed."""
        self._emit("packets", counted, room=_room(counted["instance"]))

    # -- running

    def run(self) -> None:
        """Send frames and overviews until the dashboard ends."""
        pace = Pace()
        while not self._dashboard.hub.closed.is_set():
            if self._dashboard.hub.ready.wait(0.25):
                time.sleep(pace.wait(time.monotonic()))
                pace.went(time.monotonic())
            try:
                self._send()
            except Exception:  # one browser's trouble must not leave all others without news
                log.exception("sending to the browsers failed")

    def _send(self) -> None:
        self._shed()
        with self._framing:
            for frame in self._dashboard.hub.frames():
                self._emit("frame", frame, room=_frames(frame.instance))
        if time.monotonic() >= self._next_overview or not self._overview:
            self._next_overview = time.monotonic() + OVERVIEW_SECONDS
            self._send_overview()

    def _send_overview(self) -> None:
        text = Json.dumps(self._overview_data())
        if text != self._overview:
            self._overview = text
            self._emit("overview", msgspec.Raw(text.encode()), room="overview")

    def _overview_data(self) -> dict[str, Any]:
        cards = []
        for instance in list(self._dashboard.supervisor.instances.values()):
            topic = self._dashboard.hub.topics.get(instance.id)
            cards.append(
                {
                    "id": instance.id,
                    "lab": instance.lab.name,
                    "title": instance.title,
                    "state": instance.state,
                    "address": instance.address,
                    "rate": round(topic.rate, 1) if topic else 0.0,
                    "last_error": instance.trouble,
                }
            )
        return {"instances": cards}

    # -- what browsers say

    def _connect(self, *_: Any) -> bool:
        who = self._gate.of_session(session)
        if who is None:
            return False
        self._people[request.sid] = who  # type: ignore[attr-defined]
        return True

    def _disconnect(self, *_: Any) -> None:
        sid = request.sid  # type: ignore[attr-defined]
        for table in (self._watching, self._people, self._behind, self._seen, self._joined):
            table.pop(sid, None)
        self._overviewers.discard(sid)

    def _known(self) -> str:
        """The sid of one who may watch; anyone else is disconnected."""
        sid: str = request.sid  # type: ignore[attr-defined]
        if sid not in self._people or self._gate.of_session(session) is None:
            disconnect()
            return ""
        return sid

    def _join(self, data: Any = None, *_: Any) -> None:
        sid = self._known()
        id = data.get("instance") if isinstance(data, dict) else None
        after = data.get("after") if isinstance(data, dict) else None
        if not sid:
            return
        try:
            instance = self._dashboard.instance(id if isinstance(id, str) else "")
        except NotFound as error:
            self._io.emit("refused", {"message": str(error)}, to=sid)
            return
        if self._too_often(sid):
            self._drop(sid)
            return
        after = after if isinstance(after, int) and not isinstance(after, bool) and after >= 0 else None
        if (queue_length(self._io, sid) or 0) > BEHIND:  # its snapshot comes when there is room
            if sid not in self._behind:
                self._set_aside(sid, time.monotonic())
            self._watching.setdefault(sid, set()).add(instance.id)
            self._seen[sid][instance.id] = after
            return
        self._watching.setdefault(sid, set()).add(instance.id)
        join_room(_room(instance.id))
        self._snapshot(sid, instance.id, after)

    def _too_often(self, sid: str) -> bool:
        now = time.monotonic()
        due = max(self._joined.get(sid, 0.0), now - JOINS * JOIN_SECONDS) + JOIN_SECONDS
        self._joined[sid] = due
        return due > now

    def _leave(self, data: Any = None, *_: Any) -> None:
        sid = self._known()
        id = data.get("instance") if isinstance(data, dict) else None
        if sid and isinstance(id, str):
            self._watching.get(sid, set()).discard(id)
            leave_room(_room(id))
            leave_room(_frames(id))

    def _join_overview(self, *_: Any) -> None:
        if sid := self._known():
            self._overviewers.add(sid)
            join_room("overview")
            self._io.emit("overview", self._overview_data(), to=sid)

    def _snapshot(self, sid: str, id: str, after: int | None = None) -> None:
        try:
            instance = self._dashboard.instance(id)
        except NotFound:
            return
        more = {
            "instance": id,
            "state": self._dashboard.instance_json(instance, clear=self._people[sid].teaches),
            "requests": [light(each) for each in self._dashboard.requests_of(id, 20)],
            "people": self._gate.people(),
        }
        with self._framing:  # its first frame comes after its snapshot, and lacks nothing
            try:
                snapshot = self._dashboard.hub.snapshot(id, after)
                self._io.server.enter_room(sid, _frames(id))
            except (KeyError, ValueError):  # the instance, or the browser, is gone
                return
            self._io.emit("snapshot", snapshot | more, to=sid)

    # -- those who cannot keep up

    def _shed(self) -> None:
        now = time.monotonic()
        for sid in list(self._people):
            length = queue_length(self._io, sid)
            if length is None:
                continue
            if length > BEHIND and sid not in self._behind:
                self._set_aside(sid, now)
            elif sid in self._behind:
                if length == 0:
                    self._catch_up(sid)
                elif now - self._behind[sid] > PATIENCE_SECONDS:
                    self._drop(sid)

    def _set_aside(self, sid: str, now: float) -> None:
        self._behind[sid] = now
        self._seen[sid] = {}
        for id in list(self._watching.get(sid, ())):  # what was sent up to here is in its queue
            self._seen[sid][id] = self._dashboard.hub.framed(id)
            self._io.server.leave_room(sid, _room(id))
            self._io.server.leave_room(sid, _frames(id))
        self._io.server.leave_room(sid, "overview")

    def _catch_up(self, sid: str) -> None:
        self._behind.pop(sid, None)
        seen = self._seen.pop(sid, {})
        if sid in self._overviewers:
            self._io.server.enter_room(sid, "overview")
        for id in list(self._watching.get(sid, ())):
            self._io.server.enter_room(sid, _room(id))
            self._snapshot(sid, id, seen.get(id))

    def _drop(self, sid: str) -> None:
        """Close the line without waiting for it to take one more packet."""
        self._behind.pop(sid, None)
        self._watching.pop(sid, None)
        sock = _engine_socket(self._io, sid)
        if sock is not None:
            while not sock.queue.empty():
                sock.queue.get_nowait()
            sock.close(wait=False, abort=True)

    def _emit(self, name: str, data: Any, room: str) -> None:
        self._io.emit(name, data, to=room)


def queue_length(socketio: SocketIO, sid: str) -> int | None:
    """Packets that wait to be sent to a client; None if it is gone.

    Reads attributes of python-socketio and python-engineio that are not documented: their
    versions are pinned, and a test fails when they move.
    """
    sock = _engine_socket(socketio, sid)
    return None if sock is None else sock.queue.qsize()


def _engine_socket(socketio: SocketIO, sid: str) -> Any:
    server = socketio.server
    eio_sid = server.manager.eio_sid_from_sid(sid, "/")
    return server.eio.sockets.get(eio_sid) if eio_sid else None


def _room(instance_id: str) -> str:
    return f"instance/{instance_id}"


def _frames(instance_id: str) -> str:
    """The room of those who have had the instance's snapshot."""
    return f"frames/{instance_id}"
