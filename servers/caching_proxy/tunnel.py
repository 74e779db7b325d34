"""A tunnel (RFC 9110, 9.3.6): bytes go both ways, unread and unchanged, until both sides have ended."""

from __future__ import annotations

import contextlib
import select
import socket

from servers.caching_proxy.client_side import Client

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
        data = self.source.recv(PIECE)
        self.waiting += data
        self.ended = not data

    def write(self) -> None:
        """Send what fits."""
        sent = self.sink.send(self.waiting[:PIECE])
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
    with contextlib.suppress(OSError):
        while not (up.closed and down.closed):
            if not _turn(up, down):
                break
    client.bytes_in += up.count
    client.bytes_out += down.count
    return up.count, down.count


def _turn(*ways: Way) -> bool:
    """Wait until something can go on, and let it; False if nothing does for too long."""
    readers = [way.source for way in ways if way.reads]
    writers = [way.sink for way in ways if way.waiting]
    readable, writable, _ = select.select(readers, writers, [], IDLE)
    for way in ways:
        with contextlib.suppress(BlockingIOError):
            if way.waiting and way.sink in writable:
                way.write()
        with contextlib.suppress(BlockingIOError):
            if way.reads and way.source in readable:
                way.read()
        way.finish()
    return bool(readable or writable)
