"""The calls on connections that speak HTTP, told without secrets: for servers, and for a client's socket."""

from __future__ import annotations

import socket
from typing import Any

from servers.kit.addresses import show
from servers.kit.http_mask import HttpMask
from servers.kit.masked_stream import MaskedStream, Spare
from servers.kit.sockets import Socket


class HttpStream(MaskedStream):
    """The calls of one end of a connection that speaks HTTP."""

    __slots__ = ("hears", "says")

    def __init__(self, spare: Spare, conn: str, peer: str, *, client: bool = False) -> None:
        self.hears, self.says = HttpMask(), HttpMask()
        super().__init__(spare, conn, peer, self.hears, self.says, client=client)

    def begins(self) -> None:
        """A request follows, and its answer."""
        self.hears.begin()
        self.says.begin()

    def exchanged(self, request: bytes, answer: bytes, asked: int, taken: int) -> None:
        """A whole request came in one ``recv(asked)``; ``send()`` took so many bytes of its whole answer."""
        self.begins()
        self.received(request, asked)
        self.sent(answer[:taken], len(answer))


class HttpSocket(Socket):
    """A TCP socket that tells its connection and bytes, secrets masked. Say ``begins()`` before a request.

    What a ``sendall()`` that failed has sent nobody knows: it is not told.
    """

    __slots__ = ("_ended", "_spare", "_stream")

    def __init__(self, spare: Spare, family: int) -> None:
        super().__init__(spare.report, family, socket.SOCK_STREAM)
        self._spare, self._ended = spare, False
        self._stream: HttpStream | None = None

    def connect(self, address: Any) -> None:
        """As ``socket.connect``."""
        super().connect(address)
        own = self.getsockname()
        self.conn = f"client-{own[1]}"
        self._stream = HttpStream(self._spare, self.conn, show(address), client=True)
        self._stream.opened(show(own))

    def begins(self) -> None:
        """A request follows, and its answer."""
        if self._stream:
            self._stream.begins()

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As ``socket.sendall``."""
        super().sendall(data, flags)
        if self._stream:
            self._stream.sent(data, len(data))

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As ``socket.recv``."""
        data = super().recv(size, flags)
        self._ended = self._ended or not data
        if self._stream:
            self._stream.received(data, size)
        return data

    def close(self) -> None:
        """As ``socket.close``."""
        super().close()
        if self._stream:
            self._stream.closed("the server closed it" if self._ended else "the client closed it")
