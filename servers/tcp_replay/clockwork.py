"""What the loops of both transports share: who is ready, what is due, and settings that change meanwhile."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import socket
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any

from servers.tcp_replay.deck import Deck
from servers.tcp_replay.faults import Toxics, toxics
from servers.tcp_replay.settings import Settings

TICK = 0.25
"""Seconds between two looks at the clock at the most."""


class Clockwork(ABC):
    """One thread asks the kernel who is ready, and a calendar what is due. It never waits for one client."""

    def __init__(self, server: socket.socket, settings: Settings, deck: Deck) -> None:
        self.server, self.settings, self.deck = server, settings, deck
        self.wall = time.time() - time.monotonic()
        self.selector = selectors.DefaultSelector()
        self.faults: dict[str, Toxics] = {}
        self._calendar: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self._changes: deque[Settings] = deque(maxlen=1)  # the newest, from another thread
        server.setblocking(False)
        self.selector.register(server, selectors.EVENT_READ, None)
        self.selector.register(self._bell, selectors.EVENT_READ, self._bell)
        self._read_faults()

    def apply(self, settings: Settings) -> None:
        """Live settings changed (called from another thread)."""
        self._changes.append(settings)
        with contextlib.suppress(OSError):
            self._rope.send(b".")

    def run(self) -> None:
        """Ask who is ready, and serve them a step; for ever."""
        while True:
            for key, mask in self.selector.select(self._patience()):
                if self._changes:  # before anything that came after it was told
                    self._changed(self._changes.pop())
                if key.data is None:
                    self.arrived()
                elif key.data is self._bell:
                    with contextlib.suppress(BlockingIOError):
                        self._bell.recv(4096)
                else:
                    self.ready(key.data, key.fileobj, mask)
            now = time.monotonic()
            while self._calendar and self._calendar[0][0] <= now:
                heapq.heappop(self._calendar)[2](now)
            self.tick(now)

    def close(self) -> None:
        """End all."""
        self.end_all("the server ends")
        self.selector.close()

    def at(self, when: float, what: Callable[[float], None]) -> None:
        """Call ``what(now)`` at that time (monotonic)."""
        heapq.heappush(self._calendar, (when, next(self._order), what))

    def _patience(self) -> float:
        if not self._calendar:
            return TICK
        return max(0.0, min(TICK, self._calendar[0][0] - time.monotonic()))

    def _changed(self, settings: Settings) -> None:
        turned = (settings.mode == "replay") != (self.settings.mode == "replay")
        if turned or settings.target != self.settings.target:  # before: what is left belongs to the old one
            self.end_all("the mode changed" if turned else "the target changed")
        if turned and settings.mode == "replay":
            self.deck.rewind()
        self.settings = settings
        self._read_faults()
        self.adopted()

    def _read_faults(self) -> None:
        self.faults = {
            "to_server": toxics(self.settings, "upstream"),
            "to_client": toxics(self.settings, "downstream"),
        }

    # -- what a transport does

    @abstractmethod
    def arrived(self) -> None:
        """Somebody is at the server's own socket."""

    @abstractmethod
    def ready(self, owner: Any, sock: Any, mask: int) -> None:
        """A socket that was registered with this owner is ready."""

    @abstractmethod
    def end_all(self, reason: str) -> None:
        """Let all clients go."""

    @abstractmethod
    def tick(self, now: float) -> None:
        """Look around, a few times a second."""

    def adopted(self) -> None:  # noqa: B027  (not every transport has to do something)
        """The settings are others now."""
