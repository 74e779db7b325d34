"""A tunnel (RFC 9110, 9.3.6): bytes go both ways, unread and unchanged, until both sides have ended.

The calls on the client's side are told as its stream; those on the origin's side are not, as everywhere here.
"""

from __future__ import annotations

import contextlib
import selectors
import socket

from servers.caching_proxy.client_side import Client
from servers.caching_proxy.origin import Selector
from servers.kit.events import PREVIEW, Data
from servers.kit.masked_stream import MaskedStream

PIECE = 64 * 1024
HELD = 256 * 1024
"""Bytes held for a side that does not read: as long as there are so many, the other is not read from."""
IDLE = 600.0
"""Seconds in which nothing goes either way, after which the tunnel is closed."""


class Way:
    """One direction: what came from ``source`` and has not left to ``sink`` yet.

    ``heard`` tells the calls on the source, ``said`` those on the sink.
    """

    def __init__(
        self, source: socket.socket, sink: socket.socket, first: bytes = b"", *,
        heard: MaskedStream | None = None, said: MaskedStream | None = None,
    ) -> None:  # fmt: skip
        self.source, self.sink, self._heard, self._said = source, sink, heard, said
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
        if self._heard:
            self._heard.received(data, PIECE)
        self.waiting += data
        self.ended = not data

    def write(self) -> None:
        """Send what fits."""
        piece = self.waiting[:PIECE]
        try:
            sent = self.sink.send(piece)
        except BlockingIOError:
            return
        except OSError:  # it takes no more, but what it said before is still passed on
            self.ended = self.closed = True
            self.waiting.clear()
            return
        if self._said:
            self._said.sent(piece[:sent], len(piece))
        self.count += sent
        del self.waiting[:sent]

    def finish(self) -> None:
        """Pass the end on, once all before it has left: a half-close stays one."""
        if self.ended and not self.waiting and not self.closed:
            self.closed = True
            with contextlib.suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)


class Sealed:
    """The mask of a tunnel's direction: TLS is shown, for nobody can read it.

    Of anything else the proxy does not know where its secrets are, so its calls are told without their text.
    """

    def __init__(self, first: bytes = b"") -> None:
        self._tls = is_tls(first) if first else None

    def head(self, data: Data) -> bytes:
        """The first bytes of TLS."""
        if self._tls is None:
            self._tls = is_tls(bytes(data[:2]))
        return bytes(data[:PREVIEW]) if self._tls else b""

    def lost(self) -> None:
        """Where the first bytes were not seen, nobody knows what it is."""
        self._tls = bool(self._tls)


def is_tls(data: bytes) -> bool:
    """Whether a TLS record of some version begins here (RFC 8446, 5.1)."""
    return data[:1] in (b"\x14", b"\x15", b"\x16", b"\x17") and data[1:2] == b"\x03"


def tunnel(client: Client, origin: socket.socket) -> tuple[int, int]:
    """Pass bytes on until both sides have ended, or one is gone; how many went to the origin, and back."""
    early = bytes(client.reader.buffer)  # what followed the CONNECT at once
    client.reader.buffer.clear()
    client.stream.heard, client.stream.said = Sealed(early), Sealed()
    up = Way(client.sock, origin, early, heard=client.stream)
    down = Way(origin, client.sock, said=client.stream)
    for sock in (client.sock, origin):
        sock.setblocking(False)
    while not (up.closed and down.closed):
        if not _turn(up, down):
            break
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
