"""What stands between the network and the WSGI server: nobody ends it, fills it, or holds up all others."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

CONNECTIONS = 2000
"""Connections at once."""
SPARE_FILES = 300
"""Open files kept for children, channels and the store."""
PER_ADDRESS = 400
"""Connections of one address; a machine of the network cannot take them all."""
SILENT_SECONDS = 30.0
"""A connection that says or takes nothing for so long is closed; a browser answers a ping every 10 s."""
PACE, STORE = 100.0, 1000.0
"""What a browser may say over its WebSocket: so much a second, and so much at once. A frame costs about 3,
and 1 for each KiB. Without it, one that never stops talking is always read first, and nobody else is."""
MOST_SAID = 1024 * 1024
"""Bytes that a browser may say over one WebSocket: the pieces of an endless message are all kept."""


def room() -> int:
    """How many connections may be open, after the system was asked to let us have enough files."""
    try:
        import resource
    except ImportError:  # Windows
        return CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        except (OSError, ValueError):  # macOS has limits of its own
            pass
        return max(20, min(CONNECTIONS, soft - SPARE_FILES))
    return CONNECTIONS


class Door:
    """A listening socket for which no failed ``accept()`` is the end: no file left, or the caller is gone."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def accept(self) -> tuple[socket.socket, Any]:
        """As ``socket.accept``; fails only once the socket is closed."""
        while True:
            try:
                return self._sock.accept()
            except OSError:
                if self._sock.fileno() < 0:
                    raise
                time.sleep(0.1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class Crowd:
    """How many connections each address has. This machine's own are not counted: a proxy has them all."""

    def __init__(self, most: int = PER_ADDRESS) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Whether one more may come in; then ``leave`` must follow."""
        name = network(address)
        if name and self._open[name] >= self._most:
            return False
        self._open[name] += 1
        return True

    def leave(self, address: str) -> None:
        """One has left."""
        name = network(address)
        self._open[name] -= 1
        if self._open[name] <= 0:
            del self._open[name]


def network(address: str) -> str:
    """What counts as one address: of IPv6 the network, which is one machine's; "" for this machine."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return ""
    if ip.version == 6 and not ip.is_link_local:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


class Paced:
    """A socket that is read no faster than PACE, and not for ever."""

    def __init__(self, sock: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._sock, self._clock = sock, clock
        self._store, self._last = STORE, clock()
        self._left = MOST_SAID

    def recv(self, size: int, *flags: int) -> bytes:
        """As ``socket.recv``, but it waits; "" when all was said that may be."""
        if self._left <= 0:
            return b""
        if self._store < 0:
            time.sleep(-self._store / PACE)
        data: bytes = self._sock.recv(size, *flags)
        now = self._clock()
        self._store = min(STORE, self._store + PACE * (now - self._last)) - 1 - len(data) / 1024
        self._last = now
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class PacedInput:
    """The server's ``eventlet.input``, that hands out the socket paced."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def get_socket(self) -> Paced:
        """The connection's socket."""
        return Paced(self._found.get_socket())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)


def paced(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The application, with WebSockets that nobody can flood."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_UPGRADE" in environ and "eventlet.input" in environ:
            environ["eventlet.input"] = PacedInput(environ["eventlet.input"])
        return app(environ, start_response)

    return answer
