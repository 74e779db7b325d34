"""The programs that capture: one per instance while it captures, started and ended as its state asks.

One each, not one for all: the file, its limit, the kernel's filter and its counter of drops are then the
instance's own, and when one fails, the others go on. It captures only while the server has its port: another
program's packets, on a port that ours could not get, are nobody's to read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from servers.kit import channel as wire
from webui.packets_aim import Aim, aim
from webui.supervisor import Instance, Process

PROGRAM, ASKING = "servers.walk.capture", "servers.walk.allowed"
MOST_MB = 200
CAPTURES = 8
"""That may run at once: each has 32 MB of the kernel's memory."""
STOP_SECONDS = 3.0
ASK_AGAIN = 60.0
"""Seconds after which it is asked anew what this machine allows."""


class Launch(Protocol):
    """Starts a program; ``heard`` gets what it says."""

    def __call__(self, module: str, arguments: Sequence[str], heard: Callable[[wire.Up], None]) -> Process:
        """The running child."""


class Counts(msgspec.Struct):
    """What the program counts."""

    packets: int = 0
    bytes: int = 0
    dropped: int = 0
    full: int = 0


class Began(msgspec.Struct):
    """What is read of a CaptureBegan: which way it is that captures."""

    way: str = ""


class Capture:
    """The capture of one instance: whether it is wanted, and how it fares. ``n`` counts changes."""

    def __init__(self, id: str, folder: Path, before: Counts) -> None:
        self.id, self.folder, self.before = id, folder, before
        self.on = False
        self.began = False
        self.way = ""
        self.trouble = ""
        self.n = 0
        self.counts = Counts()
        self.child: Process | None = None
        self.aim: Aim | None = None
        self.told: Any = None
        self.told_at = 0.0
        self.stop_at: float | None = None

    @property
    def total(self) -> Counts:
        """What was counted, earlier programs' included."""
        a, b = self.before, self.counts
        return Counts(a.packets + b.packets, a.bytes + b.bytes, a.dropped + b.dropped, b.full)

    @property
    def running(self) -> bool:
        """Whether packets are captured now."""
        return self.began and self.child is not None and self.stop_at is None

    def heard(self, message: wire.Up) -> None:
        """The program said something."""
        if isinstance(message, wire.Batch):
            known = {name: message.counters.get(name, 0) for name in Counts.__struct_fields__}
            self.counts = Counts(**known)
            if message.events and not self.began:
                self.began, self.way = True, msgspec.json.decode(message.events[0], type=Began).way
        elif isinstance(message, wire.Fatal):
            self.trouble = f"{message.message} {message.hint}".strip()

    def cleared(self) -> None:
        """The file was begun anew."""
        self.before = Counts()
        self.counts = Counts(dropped=self.counts.dropped)
        self.before.dropped = -self.counts.dropped
        self.n += 1


class Captures:
    """All of them. ``tick`` from the thread that starts children; the others from any."""

    def __init__(
        self,
        launch: Launch,
        tell: Callable[[Capture], None],
        ended: Callable[[Capture], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._launch, self._tell, self._ended, self._clock = launch, tell, ended, clock
        self.captures: dict[str, Capture] = {}
        self.ways: list[dict[str, Any]] | None = None
        self._asked = float("-inf")
        self._asking: Process | None = None
        self.wanted_ways = False
        self._closed = False

    def tick(self, instances: dict[str, Instance]) -> None:
        """Start, end and reap what is due; pass on counters at most four times a second."""
        now = self._clock()
        self._ask(now)
        for capture in list(self.captures.values()):
            instance = instances.get(capture.id)
            aimed = aim(instance, capture.aim if capture.child else None) if instance else None
            self._look_after(capture, aimed if capture.on else None, now)
            told = (capture.total, capture.n, capture.running)
            if told != capture.told and now - capture.told_at >= 0.25:
                capture.told, capture.told_at = told, now
                self._tell(capture)

    def _look_after(self, capture: Capture, aimed: Aim | None, now: float) -> None:
        child = capture.child
        if child is None:
            if aimed and sum(1 for each in self.captures.values() if each.child) < CAPTURES:
                self._start(capture, aimed)
            elif aimed:
                capture.trouble = f"{CAPTURES} captures run already. Switch one off."
                capture.on = False
                capture.n += 1
            return
        if child.poll() is not None:
            if child.silent:
                self._reap(capture, child)
        elif capture.stop_at is not None:
            if now >= capture.stop_at:
                child.kill()
        elif aimed != capture.aim:
            capture.stop_at = now + STOP_SECONDS
            child.stop()

    def _start(self, capture: Capture, aimed: Aim) -> None:
        capture.trouble, capture.began, capture.stop_at, capture.aim = "", False, None, aimed
        capture.counts = Counts()
        capture.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        arguments = [
            "--ports", str(aimed.port), "--transport", aimed.transport, "--interface", aimed.interface,
            "--write", str(capture.folder / "capture.pcapng"), "--most", str(MOST_MB),
            "--comment", f"Captured by Socket Lab: {capture.id}, port {aimed.port}.",
        ]  # fmt: skip
        try:
            capture.child = self._launch(PROGRAM, arguments, capture.heard)
        except (OSError, ValueError) as error:
            capture.trouble, capture.on = f"The capture could not be started: {error}.", False
        capture.n += 1

    def _reap(self, capture: Capture, child: Process) -> None:
        asked = capture.stop_at is not None
        capture.before = capture.total
        capture.before.full = 0
        capture.counts = Counts()
        capture.child, capture.stop_at, capture.aim, capture.began = None, None, None, False
        if not asked:
            capture.on = False
            capture.trouble = capture.trouble or f"The capture ended. {child.last_line()}".strip()
        capture.n += 1
        self._ended(capture)

    def _ask(self, now: float) -> None:
        """Ask what this machine allows: when somebody wants to know, and again after a while."""
        if self._asking is not None and self._asking.poll() is not None and self._asking.silent:
            self._asking = None
            self.ways = self.ways if self.ways is not None else []
        if self._closed:
            return
        if self.wanted_ways and self._asking is None and now - self._asked >= ASK_AGAIN:
            self.wanted_ways, self._asked = False, now
            try:
                self._asking = self._launch(ASKING, [], self._heard_ways)
            except (OSError, ValueError):
                self.ways = self.ways or []

    def _heard_ways(self, message: wire.Up) -> None:
        if isinstance(message, wire.Result):
            self.ways = msgspec.json.decode(message.value)["ways"]

    def stop_all(self) -> None:
        """Ask all to end, and start none any more."""
        self._closed = True
        for capture in self.captures.values():
            capture.on = False
        if self._asking is not None:
            self._asking.kill()

    @property
    def any_children(self) -> bool:
        """Whether one still runs."""
        return self._asking is not None or any(each.child for each in self.captures.values())
