"""The dashboard's end of the channel: children connect here and say their token first."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Protocol

import msgspec

from servers.kit import channel as wire

log = logging.getLogger(__name__)

HELLO_SECONDS, HELLO_BYTES = 5, 4096
"""A connection that has not said Hello by then, or says so much without one, is closed."""


class Listener(Protocol):
    """One who waits for a child's messages."""

    def connected(self, sock: socket.socket) -> None:
        """The child has said Hello; write to it through ``sock``."""

    def message(self, message: wire.Up) -> None:
        """The child said something. msgspec.DecodeError or ValueError: it is thrown out."""

    def hung_up(self) -> None:
        """The child's connection ended."""


class ChannelServer:
    """Listens on loopback, at a port of its own, for the children that are expected."""

    def __init__(self) -> None:
        self._expected: dict[str, Listener] = {}
        self._sock = socket.create_server(("127.0.0.1", 0), backlog=128)
        host, port = self._sock.getsockname()
        self.address = f"{host}:{port}"
        threading.Thread(target=self._accept, name="channel", daemon=True).start()

    def expect(self, token: str, listener: Listener) -> None:
        """The next connection that says ``token`` belongs to ``listener``; once only."""
        self._expected[token] = listener

    def forget(self, token: str) -> None:
        """Nobody will come with this token any more."""
        self._expected.pop(token, None)

    def close(self) -> None:
        """Take no more connections."""
        self._sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:  # closed; or no file is left now, which passes
                if self._sock.fileno() < 0:
                    return
                time.sleep(0.1)
                continue
            threading.Thread(target=self._serve, args=(sock,), name="child", daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        listener: Listener | None = None
        try:
            sock.settimeout(HELLO_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lines = Lines(sock)
            hello = wire_decode(next(lines))
            if isinstance(hello, wire.Hello):
                listener = self._expected.pop(hello.token, None)
            if listener is None:
                log.warning("a connection to the channel without a valid token was closed")
                return
            lines.patient = True
            listener.connected(sock)
            for line in lines:
                listener.message(wire_decode(line))
        except StopIteration:
            pass
        except (OSError, ValueError, RecursionError) as error:  # msgspec.DecodeError is a ValueError
            log.warning("a child's channel was closed: %s", error)
        finally:
            sock.close()
            if listener is not None:
                listener.hung_up()


wire_decode = msgspec.json.Decoder(wire.Up).decode


class Lines:
    """The lines of a socket, as an iterator. Raises ValueError for one without an end.

    Once it is ``patient`` the socket's time-out, which sending needs, does not end it: a
    dashboard that was paused finds its time-outs over before it finds what has arrived.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.patient = False
        self._deadline = time.monotonic() + HELLO_SECONDS
        self._rest = b""
        self._ready: list[bytes] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> bytes:
        while not self._ready:
            try:
                data = self._sock.recv(65536)
            except TimeoutError:
                if not self.patient:
                    raise
                continue
            if not data:
                raise StopIteration
            time.sleep(0)  # a child that floods must not keep the others waiting
            *whole, self._rest = (self._rest + data).split(b"\n")
            late = len(self._rest) > HELLO_BYTES or time.monotonic() > self._deadline
            if late and not whole and not self.patient:
                raise ValueError("no Hello")
            if len(self._rest) > wire.MAX_LINE:
                raise ValueError(f"a line of more than {wire.MAX_LINE} bytes")
            whole.reverse()
            self._ready = whole
        return self._ready.pop()
