"""The two directions between a client and the server. No selector here: loop.py asks and tells."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from random import Random

from servers.kit.events import Way
from servers.tcp_replay.faults import Shaper, Toxics

HELD = 2 * 1024 * 1024
"""Bytes held for a side that does not read: as long as there are so many, the other is not read from."""
SEND = 1024 * 1024
AHEAD = 256
"""Pieces that a slicer cuts in advance: a megabyte in pieces of one byte is not held as a million."""


class Pipe:
    """One direction: what came from ``source`` and has not left to ``sink``; in replay one is None."""

    __slots__ = (
        "blocked", "came", "coming", "count", "ended", "finished", "held", "queue", "shaper", "sink",
        "source", "tell", "way",
    )  # fmt: skip

    def __init__(self, way: Way, source: socket.socket | None, sink: socket.socket | None) -> None:
        self.way: Way = way
        self.source, self.sink = source, sink
        self.queue: deque[tuple[float, memoryview]] = deque()  # when it leaves, and what
        self.coming: deque[Iterator[tuple[float, bytes]]] = deque()  # what follows it, not cut yet
        self.held = 0  # bytes of both
        self.came = 0  # bytes that were received
        self.count = 0  # bytes that left
        self.tell: Callable[[memoryview, int, int], None] | None = None
        """Told of each send: what it took, how much it was given, how much left before."""
        self.blocked = False  # the kernel takes no more at present
        self.ended = False  # nothing more will come
        self.finished = False  # and the other side was told so
        self.shaper = Shaper(Random())

    def put(self, data: bytes, at: float, faults: Toxics) -> None:
        """Bytes for the sink. ``at`` (monotonic) may lie ahead."""
        self.held += len(data)
        if faults.shapes or self.coming:
            self.coming.append(self.shaper.take(data, at, faults))
            self._cut()
        else:
            self.queue.append((max(at, self.queue[-1][0]) if self.queue else at, memoryview(data)))

    def _cut(self) -> None:
        while self.coming and len(self.queue) < AHEAD:
            for due, piece in self.coming[0]:
                self.queue.append((due, memoryview(piece)))
                if len(self.queue) >= AHEAD:
                    return
            self.coming.popleft()

    def take(self, now: float) -> memoryview | None:
        """The next piece that is due, for a sink that is no socket."""
        if not self.queue or self.queue[0][0] > now:
            return None
        piece = self.queue.popleft()[1]
        self.held -= len(piece)
        self._cut()
        return piece

    def flush(self, now: float) -> None:
        """Send what is due, as far as the kernel takes it. OSError if the other side is gone."""
        self.blocked = False
        while self.queue and self.queue[0][0] <= now and self.sink is not None:
            due, piece = self.queue[0]
            given = piece[:SEND]
            try:
                sent = self.sink.send(given)
            except BlockingIOError:
                self.blocked = True
                return
            if self.tell:
                self.tell(given[:sent], len(given), self.count)
            self.count += sent
            self.held -= sent
            if sent == len(piece):
                self.queue.popleft()
                if self.coming:
                    self._cut()
            else:
                self.queue[0] = (due, piece[sent:])

    def finish(self) -> None:
        """Pass the end on, once all before it has left: a half-close stays one."""
        if self.ended and not self.queue and not self.finished and self.sink is not None:
            self.finished = True
            with contextlib.suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)

    def drop(self) -> None:
        """Forget what waits."""
        self.queue.clear()
        self.coming.clear()
        self.held = 0

    @property
    def due(self) -> float | None:
        """When the next piece leaves; None: nothing waits for a time."""
        return self.queue[0][0] if self.queue and not self.blocked else None


def reset(sock: socket.socket) -> None:
    """Close it so that the other side sees a reset."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
