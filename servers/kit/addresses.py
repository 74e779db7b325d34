"""Addresses in words, and who holds a port."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from servers.kit.errors import SettingError

PORTS_VARIABLE = "SOCKET_LAB_PORTS"
"""Tells a lab's program which ports of this machine are the dashboard's, with commas between."""
LISTENS, TIME_WAIT = "0A", "06"
"""TCP's states as /proc/net/tcp has them (proc(5))."""


def resolve(host: str, port: int, kind: socket.SocketKind) -> tuple[socket.AddressFamily, Any]:
    """The address family and the address to bind or connect to.

    IPv4 is preferred where a name has both. Raises SettingError (field ``host``).
    """
    try:
        found = socket.getaddrinfo(host, port, type=kind)
    except (OSError, UnicodeError) as error:
        raise SettingError(
            f"The host «{host}» has no address ({getattr(error, 'strerror', error)}).",
            field="host",
            hint="Use 127.0.0.1 for this machine, or one of its addresses.",
        ) from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return found[0][0], found[0][4]


EMPTY_HOST = "''"
"""How Python's empty host is written: every address of the machine."""
UNIX = "unix:"
"""What an address begins with whose other half is a path."""


def show(address: Any) -> str:
    """``127.0.0.1:12000``, ``[::1]:12000`` or ``unix:PATH``.

    Python's empty host is ``'':12000``. A Unix-domain socket without a name is ``unix:``, one with a name
    that is no file (Linux: abstract, it begins with a zero byte) ``unix:@NAME``, as ss and netstat have it.
    """
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host or EMPTY_HOST}:{port}"
    path = os.fsencode(address)
    if path[:1] == b"\0":
        path = b"@" + path[1:]
    return UNIX + path.decode(errors="backslashreplace")  # JSON takes nothing but Unicode


def path_of(host: str) -> str | None:
    """The path in ``unix:PATH``, as a client is given it for a host; None: it is no such address."""
    return host.removeprefix(UNIX) if host.startswith(UNIX) else None


def is_here(host: str) -> bool:
    """Whether this is an address of this machine: only such a one can be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((host.partition("%")[0], 0))
        return True
    return False


def closed_ports(port: int, words: str) -> dict[int, str]:
    """Ports of this machine where a lab's program must not be sent to, each with whose it is.

    They are its own ``port``, which ``words`` name, and those of the dashboard that started it.
    """
    dashboard = os.environ.get(PORTS_VARIABLE, "").split(",")
    return {**{int(word): "the dashboard's" for word in dashboard if word.isdigit()}, port: words}


def next_free_port(host: str, port: int, kind: socket.SocketKind) -> int | None:
    """The first port above ``port`` that can be bound on ``host`` now; None if none of 200 can."""
    for candidate in range(port + 1, min(port + 201, 65536)):
        family, address = resolve(host, candidate, kind)
        with socket.socket(family, kind) as probe:
            try:
                probe.bind(address)
            except OSError:
                continue
            return candidate
    return None


def holder(port: int, kind: socket.SocketKind) -> str:
    """The process that holds ``port``: ``pid 4711 (python server.py)``; "" if it is not known.

    Read from /proc, so known on Linux only, and for other users' processes only to root.
    """
    table = "udp" if kind == socket.SOCK_DGRAM else "tcp"
    inodes = {
        f"socket:[{inode}]" for state, inode in _sockets(table, port) if state == LISTENS or table == "udp"
    }
    return _owner(inodes) if inodes else ""


def time_waits(port: int) -> int:
    """How many connections of this TCP port are in TIME-WAIT (RFC 9293, 3.6.1). Known on Linux only."""
    return sum(state == TIME_WAIT for state, _ in _sockets("tcp", port))


def _sockets(table: str, port: int) -> Iterator[tuple[str, str]]:
    """State and inode of each socket bound to ``port``, in both families; none where there is no /proc."""
    for name in (table, table + "6"):
        try:
            rows = Path("/proc/net", name).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[3], columns[9]


def _owner(inodes: set[str]) -> str:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(_link(descriptor) in inodes for descriptor in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().split(b"\0")
                command = b" ".join(words).decode(errors="replace").strip()
                return f"pid {process.name} ({_short(command)})"
        except OSError:  # another user's, or it has ended
            continue
    return ""


def _link(descriptor: Path) -> str:
    """What an entry of /proc/PID/fd is; "" if it was closed meanwhile."""
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""


def _short(command: str, limit: int = 80) -> str:
    """A command line, cut at a word if it is long."""
    if len(command) <= limit:
        return command
    return (command[:limit].rpartition(" ")[0] or command[:limit]) + " …"
