"""One client of the server whose calls do not wait: how far its answer has left, and what it waits for."""

from __future__ import annotations

import math
import selectors
import time

from servers.kit.traced import Traced
from servers.tcp_upper.book import Connection
from servers.tcp_upper.options import SEND_S
from servers.tcp_upper.settings import Settings

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Client:
    """A connection, and how far its answer has left."""

    __slots__ = ("connection", "left", "mask", "moved", "sock", "wake")

    def __init__(self, sock: Traced, connection: Connection) -> None:
        self.sock, self.connection = sock, connection
        self.left = b""  # of the answer
        self.mask = 0  # what select() is asked about it
        self.moved = time.monotonic()  # since when nothing moved
        self.wake = math.inf  # when to look at it at the latest

    @property
    def doing(self) -> str:
        """Which call is next."""
        return "send" if self.left else "recv"

    def waits_for(self, settings: Settings, clock: float) -> tuple[int, float]:
        """What select() is to watch for, 0: nothing, it pauses; and when its time is over."""
        pause = self.moved + settings.pause / 1000
        if self.left:
            return WRITE, self.moved + (settings.timeout or SEND_S)
        if clock < pause:
            return 0, pause
        return READ, pause + (settings.timeout or math.inf)
