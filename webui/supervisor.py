"""Keeps the instances running: starts, restarts, gives up, finds the stuck, stops.

The clock and the way to start a child are passed in, and nothing happens but in
``tick()`` and the methods called from outside, so that tests replay whole histories. It
knows neither Flask nor sockets nor any lab's name.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from servers.kit import channel as wire
from servers.kit.addresses import path_of
from servers.kit.errors import LabError
from servers.kit.lab import Lab
from servers.kit.settings import ServerSettings, arguments, changed, merge
from webui.states import State, Trigger, WrongState, after

log = logging.getLogger(__name__)

READY_SECONDS = 8.0
"""Not listening by then is a crash."""
SILENT_SECONDS = 5.0
"""No sign of life for so long: stopped or stuck."""
STOP_SECONDS = 3.0
"""From the request to end until SIGKILL."""
HEALTHY_SECONDS = 20.0
"""Running so long forgives earlier crashes."""
FIRST_RETRY, LAST_RETRY = 0.5, 15.0
CRASHES, CRASH_WINDOW = 5, 60.0
"""So many crashes in so many seconds: failed."""
PAUSE_SECONDS = 2.0
"""A tick that comes so late means that the dashboard itself was paused."""


class Process(Protocol):
    """What the supervisor needs of a child."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def poll(self) -> int | None:
        """The exit code; None while it runs."""

    @property
    def silent(self) -> bool:
        """Whether it has ended and all that it said has been heard."""

    def stop(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""

    def send(self, message: wire.Down) -> None:
        """Tell it something."""

    def call(self, name: str, arguments: Any) -> Any:
        """Have it do something."""

    def last_line(self) -> str:
        """The last line it printed."""


class Trouble(msgspec.Struct, frozen=True):
    """Why an instance does not run: what happened, what to do, which setting, which free port."""

    message: str
    hint: str = ""
    field: str = ""
    port: int | None = None


class Instance:
    """One server that somebody made: its settings, and how it fares."""

    def __init__(self, id: str, lab: Lab, title: str, settings: ServerSettings, owner: str) -> None:
        self.id, self.lab, self.title, self.settings, self.owner = id, lab, title, settings, owner
        self.state: State = "stopped"
        self.run = 0
        self.child: Process | None = None
        self.address = ""
        self.seed: int | None = None
        self.trouble: Trouble | None = None
        self.started: float | None = None  # wall clock, when it became ready
        self.since = 0.0  # supervisor's clock, when the state began
        self.heard = 0.0
        self.retry_at = 0.0
        self.retries = 0
        self.crashes: deque[float] = deque(maxlen=CRASHES)
        self.killed = False
        self.again = False  # start once more when stopped
        self.fatal: Trouble | None = None

    @property
    def arguments(self) -> list[str]:
        """The flags that the server is started with; its secrets come in its environment."""
        return arguments(self.settings, secrets="no")


class Listener(Protocol):
    """One who is told what happens."""

    def changed(self, instance: Instance) -> None:
        """Its state, settings or trouble changed."""

    def run_started(self, instance: Instance) -> None:
        """A new run begins."""

    def run_ended(self, instance: Instance, reason: str) -> None:
        """The run is over."""


class Supervisor:
    """All instances. Every method may be called from any thread; ``tick`` from one only."""

    def __init__(
        self,
        launch: Callable[[Instance], Process],
        listener: Listener,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._launch, self._listener = launch, listener
        self._clock, self._jitter = clock, jitter
        self._last_tick = clock()
        self.instances: dict[str, Instance] = {}
        self.changes = threading.Condition(threading.RLock())
        self.wake = threading.Event()

    # -- asked for from outside

    def add(self, instance: Instance) -> None:
        """Take in an instance, stopped."""
        with self.changes:
            self.instances[instance.id] = instance
            self._tell(instance)

    def remove(self, instance: Instance) -> None:
        """Forget a stopped or failed instance."""
        with self.changes:
            if instance.state not in ("stopped", "failed"):
                raise WrongState(f"{instance.title} is {instance.state}. Stop it first.")
            self.instances.pop(instance.id, None)

    def start(self, instance: Instance) -> None:
        """Start it; the next tick launches the child."""
        with self.changes:
            if instance.state not in ("stopped", "failed", "backoff"):
                raise WrongState(f"{instance.title} is {instance.state} already.")
            instance.crashes.clear()
            instance.retries = 0
            self._move(instance, "start")

    def stop(self, instance: Instance, *, again: bool = False, same_port: bool = True) -> None:
        """Stop it, or with ``again`` restart it."""
        with self.changes:
            instance.again = again
            if again and same_port:
                self._keep_port(instance)
            if instance.state == "stopping":
                return
            if instance.state in ("stopped", "failed"):
                instance.again = False
                raise WrongState(f"{instance.title} is {instance.state} already.")
            instance.trouble = None
            now = self._move(instance, "stop")
            if instance.child:
                instance.killed = False
                instance.child.stop()
            elif now == "stopping":  # it was never launched
                self._gone(instance, "stopped")

    def restart(self, instance: Instance) -> None:
        """Stop and start, or just start."""
        with self.changes:
            if instance.state in ("stopped", "failed", "backoff"):
                self.start(instance)
            else:
                self.stop(instance, again=True)

    def change(self, instance: Instance, changes: dict[str, Any]) -> bool:
        """Take new settings, whole or not at all. Returns whether a restart was needed.

        Raises SettingError for a wrong value.
        """
        with self.changes:
            before = instance.settings
            after_change = merge(before, changes)
            differ = changed(before, after_change)
            if not differ:
                return False
            child = instance.child if instance.state == "running" else None
            live = all(field.live for field in differ)
        if child and live:
            child.call("settings", {f.name: getattr(after_change, f.name) for f in differ})
        with self.changes:
            instance.settings = merge(instance.settings, changes)
            self._tell(instance)
            if instance.state == "starting" or (instance.state == "running" and not (child and live)):
                keep = all(field.name != "port" for field in differ)
                self.stop(instance, again=True, same_port=keep)
                return True
        return False

    def wait(self, instance: Instance, until: Callable[[Instance], bool], seconds: float) -> bool:
        """Wait until ``until(instance)``; whether it came true in time."""
        with self.changes:
            return self.changes.wait_for(lambda: until(instance), seconds)

    # -- heard from children

    def heard(self, instance: Instance, child: Process) -> None:
        """A sign of life."""
        if instance.child is child:
            instance.heard = self._clock()

    def listening(self, instance: Instance, child: Process, address: str, seed: int | None) -> None:
        """The child says that it is ready."""
        with self.changes:
            if instance.child is not child or instance.state != "starting":
                return
            instance.address, instance.seed, instance.trouble = address, seed, None
            instance.started = time.time()
            self._move(instance, "ready")
            self._listener.run_started(instance)

    def fatal(self, instance: Instance, child: Process, trouble: Trouble) -> None:
        """The child says that it cannot go on; its end follows."""
        with self.changes:
            if instance.child is child and instance.state in ("starting", "running"):
                instance.fatal = trouble
                self.wake.set()

    # -- time passes

    def tick(self) -> None:
        """Do what is due. Call it often, and at once when ``wake`` is set."""
        with self.changes:
            clock = self._clock()
            late = clock - self._last_tick - PAUSE_SECONDS
            self._last_tick = clock
            for instance in list(self.instances.values()):
                if late > 0:  # the dashboard was paused: nobody could have been heard meanwhile
                    instance.heard = instance.since = clock
                try:
                    self._look_after(instance, clock)
                except Exception:  # a fault in one instance must not leave all others alone
                    log.exception("looking after %s failed", instance.id)

    def _look_after(self, instance: Instance, clock: float) -> None:
        if instance.child is not None:
            code = instance.child.poll()
            if code is not None:
                if instance.child.silent:
                    self._ended(instance, code, clock)
                return
        if instance.state == "starting" and instance.child is None:
            self._start_child(instance, clock)
        elif instance.state == "starting" and clock - instance.since > READY_SECONDS:
            self._kill(instance, f"It was not listening after {READY_SECONDS:.0f} s.")
        elif instance.state == "running":
            if clock - instance.heard > SILENT_SECONDS:
                self._kill(instance, f"It gave no sign of life for {SILENT_SECONDS:.0f} s: stopped or stuck.")
            elif clock - instance.since > HEALTHY_SECONDS and instance.retries:
                instance.retries = 0
                instance.crashes.clear()
        elif instance.state == "stopping" and clock - instance.since > STOP_SECONDS:
            if instance.child:
                instance.child.kill()
        elif instance.state == "backoff" and clock >= instance.retry_at:
            self._move(instance, "retry")
            self._start_child(instance, clock)

    def _start_child(self, instance: Instance, clock: float) -> None:
        instance.run += 1
        instance.killed, instance.fatal = False, None
        instance.since = instance.heard = clock
        try:
            instance.child = self._launch(instance)
        except (OSError, ValueError) as error:
            instance.trouble = Trouble(f"The program could not be started: {error}.")
            self._move(instance, "give_up")

    def _kill(self, instance: Instance, why: str) -> None:
        if instance.child and not instance.killed:
            instance.killed = True
            instance.trouble = Trouble(why, "It was ended, and is started again.")
            instance.child.kill()

    def _ended(self, instance: Instance, code: int, clock: float) -> None:
        child, instance.child = instance.child, None
        last = child.last_line() if child else ""
        if instance.state == "stopping":
            self._gone(instance, "stopped")
            return
        why = instance.trouble if instance.killed else None
        if instance.fatal:
            instance.trouble = instance.fatal
            self._end_run(instance, instance.fatal.message)
            self._move(instance, "fatal")
            return
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        instance.trouble = why or Trouble(f"It ended by itself ({how}). {last}".strip())
        self._keep_port(instance)
        self._end_run(instance, instance.trouble.message)
        instance.crashes.append(clock)
        full = len(instance.crashes) == CRASHES
        if full and clock - instance.crashes[0] <= CRASH_WINDOW:
            hint = (
                f"It crashed {CRASHES} times in {CRASH_WINDOW:.0f} s. Look at its log, then start it again."
            )
            instance.trouble = Trouble(instance.trouble.message, hint)
            self._move(instance, "give_up")
            return
        wait = min(LAST_RETRY, FIRST_RETRY * 2**instance.retries)
        instance.retries += 1
        instance.retry_at = clock + wait * (0.8 + 0.4 * self._jitter())
        self._move(instance, "crash")

    def _gone(self, instance: Instance, reason: str) -> None:
        self._end_run(instance, reason)
        self._move(instance, "gone")
        if instance.again:
            instance.again = False
            self.start(instance)

    def _end_run(self, instance: Instance, reason: str) -> None:
        if instance.started is not None:
            self._listener.run_ended(instance, reason)
        instance.started = None
        instance.address = ""

    def _keep_port(self, instance: Instance) -> None:
        """Start again on the port that the system chose, so that students' programs go on."""
        port = "" if path_of(instance.address) is not None else instance.address.rpartition(":")[2]
        if instance.settings.port == 0 and port.isdigit():
            instance.settings = merge(instance.settings, {"port": int(port)})

    def _move(self, instance: Instance, trigger: Trigger) -> State:
        instance.state = after(instance.state, trigger)
        instance.since = self._clock()
        self._tell(instance)
        self.wake.set()
        return instance.state

    def _tell(self, instance: Instance) -> None:
        self._listener.changed(instance)
        self.changes.notify_all()


def not_running(instance: Instance) -> LabError:
    """The error for what needs a running server."""
    return WrongState(f"{instance.title} is {instance.state}, not running.")
