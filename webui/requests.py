"""Test requests: short-lived client programs, queued fairly, one per person at a time.

A run of one of a lab's tools is a request like any other, of another program. A request
that is a session takes input, does not queue, and ends after five idle minutes.
``tick()`` does what is due; the clock and the way to start a child are passed in.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, Protocol

import msgspec

from servers.kit.addresses import path_of
from servers.kit.errors import LabError
from servers.kit.lab import Tool
from servers.kit.settings import RequestSettings, arguments
from webui.states import WrongState
from webui.supervisor import SILENT_SECONDS, STOP_SECONDS, Instance, Process

RUNNING = 16
"""Requests that run at once."""
QUEUED_PER_PERSON = 10
"""Requests that one person may have waiting."""
QUEUED = 500
"""Requests that wait at once: each start is told to every browser for each of them."""
RUNNING_PER_ADDRESS, QUEUED_PER_ADDRESS = RUNNING // 2, 100
"""Of these, the ones from one machine of the network: who joins again and again is a new person each time."""
SESSIONS = 64
"""Sessions open at once."""
SESSIONS_PER_ADDRESS = SESSIONS // 4
IDLE_SECONDS = 300.0
"""A session without input for so long is ended."""
KEPT, KEPT_BYTES = 1000, 32 * 1024 * 1024
"""Ended requests kept in memory, and bytes of their results; all are stored."""
PEOPLE = 2000
"""People of whom it is remembered when they were last served."""

RequestState = Literal["queued", "running", "done", "failed", "cancelled"]


class TooMany(LabError):
    """Too many requests are waiting already."""


class Client(Process, Protocol):
    """What the queue needs of a client's process."""

    def text(self) -> str:
        """What it printed."""


class Request:
    """One test request, from the press of the button to its result."""

    def __init__(
        self,
        id: str,
        instance: Instance,
        wanted: RequestSettings,
        person: str,
        person_id: str,
        address: str = "",
        tool: Tool | None = None,
    ) -> None:
        self.id, self.instance_id, self.wanted = id, instance.id, wanted
        self.person, self.person_id, self.address = person, person_id, address
        self.lab, self.tool = instance.lab, tool
        self.module = tool.client if tool else self.lab.client
        self.needs_server = not tool or tool.needs_server
        self.aim = target(instance) if self.needs_server else None
        self.session = bool(not tool and self.lab.session and self.lab.session(wanted))
        self.state: RequestState = "queued"
        self.created, self.started, self.ended = time.time(), 0.0, 0.0
        self.child: Client | None = None
        self.result: msgspec.Raw | None = None
        self.error = ""
        self.output = ""
        self.first: int | None = None
        self.heard = self.touched = self.stopping = 0.0
        self.finishing = False

    @property
    def printed(self) -> str:
        """What the program has printed so far: it may do so without telling anything."""
        return self.output or (self.child.text() if self.child else "")

    @property
    def arguments(self) -> list[str]:
        """The words that the program is started with: HOST PORT, where it is aimed at one, and flags.

        Its secrets come in its environment.
        """
        return [*self._where, *arguments(self.wanted, secrets="no")]

    @property
    def shown(self) -> list[str]:
        """The same words for people to see: secrets masked."""
        return [*self._where, *arguments(self.wanted, secrets="masked")]

    @property
    def _where(self) -> list[str]:
        return aimed(self.aim) if self.aim else []


class Listener(Protocol):
    """One who is told of requests."""

    def request_changed(self, request: Request) -> None:
        """It moved in the queue, started, or ended."""

    def request_ended(self, request: Request, state: RequestState, announce: Callable[[], None]) -> None:
        """It ended as ``state``: store that, then call ``announce``."""


class RequestQueue:
    """All test requests. Methods may be called from any thread, ``tick`` from one only."""

    def __init__(
        self,
        launch: Callable[[Request], Client],
        listener: Listener,
        wake: threading.Event,
        *,
        clock: Callable[[], float] = time.monotonic,
        first: int = 1,
    ) -> None:
        self._launch, self._listener, self._wake, self._clock = launch, listener, wake, clock
        self._numbers = itertools.count(first)
        self._served: dict[str, float] = {}
        self._last_tick = clock()
        self.changes = threading.Condition(threading.RLock())
        self.active: dict[str, Request] = {}
        self.ended: dict[str, Request] = {}
        self._ended_bytes = 0
        self._places: dict[str, int] = {}  # of those that wait; empty: to be found anew

    def submit(
        self,
        instance: Instance,
        wanted: RequestSettings,
        person: str,
        person_id: str,
        address: str = "",
        tool: Tool | None = None,
    ) -> Request:
        """Queue a request, or a run of ``tool``, at a running server. Raises WrongState or TooMany.

        A tool that needs no server runs at a stopped one, too. ``address`` is the machine that
        it comes from; "" for this one, where there is no limit.
        """
        with self.changes:
            if instance.state != "running" and (tool is None or tool.needs_server):
                raise WrongState(f"{instance.title} is {instance.state}. Start it, then send the request.")
            number = f"r{next(self._numbers)}"
            request = Request(number, instance, wanted, person, person_id, address, tool)
            mine = [r for r in self.active.values() if r.person_id == person_id]
            if request.session:
                sessions = [r.address for r in self.active.values() if r.session]
                near = sessions.count(address) if address else 0
                if len(sessions) >= SESSIONS or near >= SESSIONS_PER_ADDRESS:
                    raise TooMany(f"{near or len(sessions)} sessions are open. Wait until one has ended.")
                for old in mine:
                    if old.session:
                        self._stop(old)
            elif sum(r.state == "queued" and not r.session for r in mine) >= QUEUED_PER_PERSON:
                raise TooMany(f"You have {QUEUED_PER_PERSON} requests waiting. Wait for them, or cancel one.")
            else:
                waiting = [r for r in self.active.values() if r.state == "queued" and not r.session]
                near = sum(r.address == address for r in waiting) if address else 0
                if len(waiting) >= QUEUED or near >= QUEUED_PER_ADDRESS:
                    raise TooMany(f"{near or len(waiting)} requests are waiting already. Try again later.")
            request.touched = self._clock()
            self.active[request.id] = request
            self._places.clear()
            self._tell(request)
            self._wake.set()
            return request

    def get(self, id: str) -> Request | None:
        """The request of that id, if it is in memory."""
        return self.active.get(id) or self.ended.get(id)

    def position(self, request: Request) -> int | None:
        """Its place in the queue, 1 for the next; None when it does not wait."""
        with self.changes:
            if request.state != "queued":
                return None
            if not self._places:
                self._places = {r.id: place for place, r in enumerate(self._waiting(), 1)}
            return self._places.get(request.id, 1)

    def cancel(self, request: Request) -> None:
        """End it: one that waits at once, one that runs in order."""
        with self.changes:
            if request.state == "queued":
                self._finish(request, "cancelled")
            elif request.state == "running":
                self._stop(request)
            else:
                raise WrongState(f"The request is {request.state} already.")

    def cancel_all(self, instance_id: str, why: str, *, server_only: bool = False) -> None:
        """End all requests at an instance; with ``server_only`` those that need its server."""
        with self.changes:
            for request in list(self.active.values()):
                if request.instance_id == instance_id and (request.needs_server or not server_only):
                    request.error = why
                    if request.state == "queued":
                        self._finish(request, "cancelled")
                    else:
                        self._stop(request)

    def input(self, request: Request, value: Any) -> Any:
        """Hand input to a session. Raises WrongState if it is none or not open, SettingError."""
        child = request.child
        if not request.session:
            raise WrongState("This request is no session: it takes no input.")
        if request.state != "running" or child is None:
            raise WrongState(f"The session is {request.state}.")
        request.touched = self._clock()
        return child.call("input", value)

    def wait(self, request: Request, seconds: float) -> bool:
        """Wait until it has ended; whether it has."""
        with self.changes:
            return self.changes.wait_for(lambda: request.state not in ("queued", "running"), seconds)

    # -- heard from the client

    def heard(self, request: Request) -> None:
        """A sign of life."""
        request.heard = self._clock()

    def has_result(self, request: Request, value: msgspec.Raw) -> None:
        """The client has told its result."""
        request.result = msgspec.Raw(bytes(value))

    def fatal(self, request: Request, message: str) -> None:
        """The client says that it cannot go on."""
        request.error = message

    # -- time passes

    def tick(self) -> None:
        """Start, end and clean up what is due."""
        with self.changes:
            clock = self._clock()
            if clock - self._last_tick > 2:  # the dashboard itself was paused
                for request in self.active.values():
                    request.heard = request.touched = clock
            self._last_tick = clock
            for request in list(self.active.values()):
                if request.state == "running":
                    self._look_after(request, clock)
            for request in list(self.active.values()):
                if request.session and request.state == "queued" and not request.finishing:
                    self._start(request, clock)
            for request in self._next_ones():
                self._start(request, clock)

    def _look_after(self, request: Request, clock: float) -> None:
        child = request.child
        if child is None or request.finishing:
            return
        code = child.poll()
        if code is not None:
            if not child.silent:
                return  # its last words are still on the way
            request.output = child.text()
            if request.stopping:
                self._finish(request, "cancelled")
            elif request.result is not None:
                self._finish(request, "done")
            else:
                last = child.last_line() or f"exit code {code}"
                request.error = request.error or f"The client ended without a result. {last}"
                self._finish(request, "failed")
        elif request.stopping and clock - request.stopping > STOP_SECONDS:
            child.kill()
        elif clock - request.heard > SILENT_SECONDS:
            request.error = f"The client gave no sign of life for {SILENT_SECONDS:.0f} s."
            child.kill()
        elif request.session and not request.stopping and clock - request.touched > IDLE_SECONDS:
            request.error = f"The session had no input for {IDLE_SECONDS / 60:.0f} minutes."
            self._stop(request)

    def _waiting(self) -> list[Request]:
        """Those that queue, in the order of their turns: who was served longest ago comes first."""
        queued = [
            r for r in self.active.values() if r.state == "queued" and not r.session and not r.finishing
        ]
        turn: Counter[str] = Counter(r.address for r in self._running() if r.address)
        keyed = []
        for request in queued:
            who = request.address or request.person_id
            round_ = turn[who]
            turn[who] += 1
            keyed.append((round_, self._served.get(request.person_id, 0.0), request.created, request))
        keyed.sort(key=lambda entry: entry[:3])
        return [entry[3] for entry in keyed]

    def _next_ones(self) -> list[Request]:
        running = self._running()
        busy = {r.person_id for r in running}
        machines = Counter(r.address for r in running if r.address)
        free = RUNNING - len(running)
        chosen: list[Request] = []
        for request in self._waiting():
            if len(chosen) >= free:
                break
            if request.person_id not in busy and machines[request.address] < RUNNING_PER_ADDRESS:
                busy.add(request.person_id)
                machines[request.address] += bool(request.address)
                chosen.append(request)
        return chosen

    def _running(self) -> list[Request]:
        return [r for r in self.active.values() if r.state == "running" and not r.session]

    def _start(self, request: Request, clock: float) -> None:
        request.state = "running"
        request.started = time.time()
        request.heard = request.touched = clock
        self._places.clear()
        self._served.pop(request.person_id, None)
        self._served[request.person_id] = clock
        if len(self._served) > PEOPLE:
            self._served.pop(next(iter(self._served)))
        try:
            request.child = self._launch(request)
        except (OSError, ValueError) as error:
            request.error = f"The client could not be started: {error}."
            self._finish(request, "failed")
            return
        self._tell(request)
        for waiting in self._waiting():
            self._listener.request_changed(waiting)

    def _stop(self, request: Request) -> None:
        if request.child and not request.stopping:
            request.stopping = self._clock()
            request.child.stop()
        elif request.state == "queued":
            self._finish(request, "cancelled")

    def _finish(self, request: Request, state: RequestState) -> None:
        """Store first, then say so: what was announced as done is done for good."""
        if request.finishing:
            return
        request.finishing = True
        self._places.clear()
        request.ended = time.time()

        def announce() -> None:
            with self.changes:
                request.state = state
                request.child = None
                self.active.pop(request.id, None)
                self._places.clear()
                self.ended[request.id] = request
                self._ended_bytes += _size(request)
                while len(self.ended) > KEPT or self._ended_bytes > KEPT_BYTES:
                    self._ended_bytes -= _size(self.ended.pop(next(iter(self.ended))))
                self._tell(request)
                self._wake.set()

        self._listener.request_ended(request, state, announce)

    def _tell(self, request: Request) -> None:
        self._listener.request_changed(request)
        self.changes.notify_all()


def _size(request: Request) -> int:
    return len(request.output) + len(bytes(request.result or b""))


def target(instance: Instance) -> tuple[str, int]:
    """Where a client on this machine reaches the instance's server: host and port; ``unix:PATH`` and 0."""
    if path_of(instance.address) is not None:
        return instance.address, 0
    host, _, port = instance.address.rpartition(":")
    host = host.strip("[]")
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), int(port)


def aimed(target: tuple[str, int]) -> list[str]:
    """The words that aim a client there: HOST PORT; a Unix-domain socket has no port."""
    host, port = target
    return [host] if path_of(host) is not None else [host, str(port)]
