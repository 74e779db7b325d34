"""A tunnel (RFC 9110, 9.3.6): bytes go both ways, unread and unchanged, until both sides have ended."""

from __future__ import annotations

import contextlib
import selectors
import socket

from servers.caching_proxy.client_side import Client
from servers.caching_proxy.origin import Selector

PIECE = 64 * 1024
HELD = 256 * 1024
"""Bytes held for a side that does not read: as long as there are so many, the other is not read from."""
IDLE = 600.0
"""Seconds in which nothing goes either way, after which the tunnel is closed."""


class Way:
    """One direction: what came from ``source`` and has not left to ``sink`` yet."""

    def __init__(self, source: socket.socket, sink: socket.socket, first: bytes = b"") -> None:
        self.source, self.sink = source, sink
        self.waiting = bytearray(first)
        self.count = 0
        self.ended = self.closed = False

    @property
    def reads(self) -> bool:
        """Whether there is room for more."""
        return not self.ended and len(self.waiting) < HELD

    def read(self) -> None:
        """Take what came; remember the end."""
        try:
            data = self.source.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:  # a reset is an end
            data = b""
        self.waiting += data
        self.ended = not data

    def write(self) -> None:
        """Send what fits."""
        try:
            sent = self.sink.send(self.waiting[:PIECE])
        except BlockingIOError:
            return
        except OSError:  # it takes no more, but what it said before is still passed on
            self.ended = self.closed = True
            self.waiting.clear()
            return
        self.count += sent
        del self.waiting[:sent]

    def finish(self) -> None:
        """Pass the end on, once all before it has left: a half-close stays one."""
        if self.ended and not self.waiting and not self.closed:
            self.closed = True
            with contextlib.suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)


def tunnel(client: Client, origin: socket.socket) -> tuple[int, int]:
    """Pass bytes on until both sides have ended, or one is gone; how many went to the origin, and back."""
    early = bytes(client.reader.buffer)  # what followed the CONNECT at once
    client.reader.buffer.clear()
    up, down = Way(client.sock, origin, early), Way(origin, client.sock)
    for sock in (client.sock, origin):
        sock.setblocking(False)
    while not (up.closed and down.closed):
        if not _turn(up, down):
            break
    client.bytes_in += up.count
    client.bytes_out += down.count
    return up.count, down.count


def _turn(*ways: Way) -> bool:
    """Wait until something can go on, and let it; False if nothing does for too long."""
    wanted: dict[socket.socket, int] = {}
    for way in ways:
        if way.reads:
            wanted[way.source] = wanted.get(way.source, 0) | selectors.EVENT_READ
        if way.waiting:
            wanted[way.sink] = wanted.get(way.sink, 0) | selectors.EVENT_WRITE
    with Selector() as selector:
        for sock, events in wanted.items():
            selector.register(sock, events)
        ready = {key.fileobj: events for key, events in selector.select(IDLE)}
    for way in ways:
        if way.waiting and ready.get(way.sink, 0) & selectors.EVENT_WRITE:
            way.write()
        if way.reads and ready.get(way.source, 0) & selectors.EVENT_READ:
            way.read()
        way.finish()
    return bool(ready)
