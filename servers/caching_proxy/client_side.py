"""The client's side of the proxy: its connection, its request's body, and the writing of answers to it.

Everything here may block; a thread calls it that has nothing else to do.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time

from servers.caching_proxy.book import SHOWN, Book
from servers.caching_proxy.protocol import onward
from servers.caching_proxy.trouble import ClientGone
from servers.kit.http import UNTIL_CLOSE, Headers, HttpError, Request, Response, write_fields, write_response
from servers.kit.http_stream import Data, End, RequestReader, write_chunk, write_last_chunk

RECEIVE = 64 * 1024
PATIENCE = 60.0
"""Seconds that a client may take to read some more of its answer, or to send some more of its body."""
LINGER = 1.0
"""Seconds in which what a client still sends is read, so that a reset does not take the answer away."""
DRAINED = 256 * 1024
"""Bytes of a body that nobody needs, read to keep the connection."""


class Client:
    """A connection of a client."""

    __slots__ = (
        "began", "book", "conn", "deadline", "host", "number", "peer", "reader", "reset_it", "sock", "start",
        "stream",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, peer: str, book: Book) -> None:
        self.sock, self.peer, self.book = sock, peer, book
        self.host = peer.rpartition(":")[0].strip("[]")
        self.conn = book.opened(peer)
        self.reader = RequestReader()
        self.number = 0  # of its requests
        self.stream = book.stream(self.conn, peer)
        self.began = self.deadline = time.monotonic()
        self.reset_it = False
        self.start = b""  # of what came for the present request, to be told when it cannot be read

    @property
    def age(self) -> float:
        """Seconds since it connected."""
        return time.monotonic() - self.began

    @property
    def bytes_in(self) -> int:
        """Bytes that it sent."""
        return self.stream.bytes_in

    @property
    def bytes_out(self) -> int:
        """Bytes that it was sent."""
        return self.stream.bytes_out

    def take(self, data: bytes) -> None:
        """Bytes came."""
        if self.reader.state == "idle":
            self.stream.hears.begin()
        self.stream.received(data, RECEIVE)
        if len(self.start) < SHOWN:
            self.start += data[: SHOWN - len(self.start)]
        self.reader.feed(data)

    def receive(self, timeout: float) -> bool:
        """Wait for bytes; whether some came. ClientGone if none will."""
        self.sock.settimeout(max(0.01, timeout))
        try:
            data = self.sock.recv(RECEIVE)
        except TimeoutError:
            return False
        except OSError:
            raise ClientGone from None
        if not data:
            raise ClientGone
        self.take(data)
        return True

    def send(self, data: bytes) -> None:
        """Send all of it. ClientGone if the client does not take it."""
        self.sock.settimeout(PATIENCE)
        try:
            self.sock.sendall(data)
        except OSError:
            raise ClientGone from None
        self.stream.sent(data, len(data))

    def body_piece(self) -> Data | End:
        """The next piece of the request's body. HttpError, ClientGone."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.reader.next()
            if isinstance(found, Data | End):
                return found
            if not self.receive(deadline - time.monotonic()) and time.monotonic() >= deadline:
                raise HttpError(408, "The request's body was not whole in time.")

    def drain(self) -> bool:
        """Read what is left of the request's body; whether it ended soon enough to keep the connection."""
        left = DRAINED
        try:
            while self.reader.state == "body":
                found = self.body_piece()
                if isinstance(found, End):
                    return True
                left -= len(found.data)
                if left < 0:
                    return False
        except (HttpError, ClientGone):
            return False
        return True

    def linger(self) -> None:
        """Say that no more comes, and read on for a moment."""
        if self.reset_it:
            return
        deadline = time.monotonic() + LINGER
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self.sock.settimeout(left)
                data = self.sock.recv(RECEIVE)
                if not data:
                    return
                self.stream.received(data, RECEIVE)

    def reset(self) -> None:
        """Close it in such a way that the client sees that its answer is not whole."""
        self.reset_it = True
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Writer:
    """Writes one answer. ``keep``: afterwards the connection may take another request."""

    def __init__(self, client: Client, request: Request | None, keep: bool) -> None:
        self.client = client
        self.keep = keep
        self.bare = request is not None and request.version == "HTTP/0.9"
        self.old = request is None or request.version != "HTTP/1.1"
        self.method = request.method if request else "GET"
        self.response: Response | None = None
        self.size = 0  # of the body so far
        self.start = b""  # of the answer, to be told
        self._chunked = self._bodiless = False

    @property
    def begun(self) -> bool:
        """Whether a head left."""
        return self.response is not None

    def interim(self, response: Response) -> None:
        """Pass a 1xx answer on; an HTTP/1.0 client does not know them."""
        if not self.old:
            fields = onward(response.headers).without(("content-length",))
            self.client.send(write_response(response.status, fields, reason=response.reason))

    def head(
        self, status: int, reason: str, headers: Headers, length: int | None, first: bytes = b""
    ) -> None:
        """Begin. ``length`` of the body in bytes, None if it is not known; ``first`` is its beginning."""
        self._bodiless = self.method == "HEAD" or status in (204, 304)
        self._chunked = length is None and not self._bodiless and not self.old
        if length is None and not self._bodiless and self.old:
            self.keep = False
        framing: list[tuple[str, str]] = []
        if self._chunked:
            framing.append(("Transfer-Encoding", "chunked"))
        elif length is not None and status != 204:
            framing.append(("Content-Length", str(length)))
        if not self.keep:
            framing.append(("Connection", "close"))
        elif self.old:
            framing.append(("Connection", "keep-alive"))
        everything = Headers(
            [*headers.without(("content-length", "transfer-encoding", "connection")), *framing]
        )
        self.response = Response("HTTP/1.1", status, reason, everything, UNTIL_CLOSE)
        line = f"HTTP/1.1 {status} {reason}\r\n".encode("latin-1")
        head = b"" if self.bare else line + write_fields(everything)
        self.start = head[:SHOWN]
        self.client.stream.says.begin()
        self._body(first, head)

    def write(self, data: bytes) -> None:
        """The next piece of the body."""
        self._body(data, b"")

    def _body(self, data: bytes, head: bytes) -> None:
        if self._bodiless:
            data = b""
        self.size += len(data)
        if len(self.start) < SHOWN:
            self.start += data[: SHOWN - len(self.start)]
        if data and self._chunked:
            data = write_chunk(data)
        if head or data:
            self.client.send(head + data if head else data)

    def end(self, trailers: Headers = Headers()) -> None:  # noqa: B008  (immutable)
        """The body is whole."""
        if self._chunked:
            self.client.send(write_last_chunk(trailers))
