"""IPv4, IPv6 or a Unix-domain socket: the setting, the address to bind, the address to connect to.

What is bound is what was given: ``''`` and ``localhost`` go to ``bind()`` as they stand, as in a student's
program, and ``getsockname()`` tells what became of them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from servers.kit.addresses import EMPTY_HOST, path_of, resolve
from servers.kit.errors import SettingError
from servers.kit.place import place_of
from servers.kit.settings import ServerSettings, ui
from servers.kit.sockets import Socket

Family = Literal["ipv4", "ipv6", "unix"]

LONGEST_PATH = 107
"""Bytes that a Unix-domain address has for the path: sun_path is 108 with its last zero (BSD: 104)."""
PAIRS = (("127.0.0.1", "::1"), ("0.0.0.0", "::"))
"""What means the same in both families: the default host follows the family."""


class FamilySettings(ServerSettings, frozen=True, kw_only=True):
    """What a server takes that listens in any family. A lab sets its own port."""

    host: Annotated[
        str,
        Meta(
            max_length=255,
            pattern=r"^([A-Za-z0-9.:%_][A-Za-z0-9.:%_-]*|'')?\Z",
            title="Host",
            description="The address to listen on: 127.0.0.1 or localhost is this machine only, 0.0.0.0 "
            "every network it is in, '' (two quotes) Python's empty host; ::1 and :: the same for IPv6.",
        ),
    ] = "127.0.0.1"
    family: Annotated[
        Family,
        Meta(
            title="Family", description="AF_INET, AF_INET6, or AF_UNIX: programs of one machine, by a path."
        ),
    ] = "ipv4"
    path: Annotated[
        str,
        Meta(
            max_length=LONGEST_PATH,
            pattern=r"^[^\0]*\Z",
            title="Path",
            description="With the family unix: the file that is the socket's name. Empty: one of its own.",
            extra=ui(advanced=True),
        ),
    ] = ""

    def __post_init__(self) -> None:
        if self.family != "unix":
            six = self.family == "ipv6"
            swap = {pair[not six]: pair[six] for pair in PAIRS}
            msgspec.structs.force_setattr(self, "host", swap.get(self.host, self.host))


@contextlib.contextmanager
def bindable(settings: FamilySettings, kind: socket.SocketKind, name: str) -> Iterator[tuple[int, Any]]:
    """The family and the address for ``socket()`` and ``bind()``.

    A Unix-domain path without a setting is ``name`` in the server's own folder. What an ended server left
    behind is removed first, and our own at the end. Raises SettingError (field ``host`` or ``path``).
    """
    if settings.family == "unix":
        with _path(settings.path, name, kind) as path:
            yield socket.AF_UNIX, path
        return
    family = socket.AF_INET6 if settings.family == "ipv6" else socket.AF_INET
    host = "" if settings.host == EMPTY_HOST else settings.host
    try:
        socket.getaddrinfo(host or None, settings.port, family, kind, 0, socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        other = "ipv4" if settings.family == "ipv6" else "ipv6"
        raise SettingError(
            f"«{host}» is no address of the family {settings.family} ({getattr(error, 'strerror', error)}).",
            field="host",
            hint=f"Choose the family {other}, or give another host.",
        ) from None
    yield family, (host, settings.port)


def reachable(host: str, port: int, kind: socket.SocketKind) -> tuple[int, Any]:
    """The family and the address for a client's ``socket()`` and ``connect()``; ``unix:PATH`` is a path."""
    path = path_of(host)
    if path is None:
        return resolve(host, port, kind)
    if not hasattr(socket, "AF_UNIX"):
        raise SettingError("This system has no Unix-domain sockets.", hint="Use 127.0.0.1.")
    return socket.AF_UNIX, "\0" + path[1:] if path.startswith("@") else path


@contextlib.contextmanager
def named(sock: Socket) -> Iterator[None]:
    """Give a client's Unix-domain socket a name, so that it can be answered, and told from others.

    Linux makes one up that is no file (unix(7), autobind); elsewhere it is a temporary file.
    """
    if sock.family != getattr(socket, "AF_UNIX", None):
        yield
    elif os.path.exists("/proc/net/unix"):
        sock.bind("")
        yield
    else:
        with tempfile.TemporaryDirectory(prefix="socket-lab-") as folder:
            sock.bind(str(Path(folder, "client.sock")))
            yield


# -- the path of a Unix-domain server


@contextlib.contextmanager
def _path(given: str, name: str, kind: socket.SocketKind) -> Iterator[str]:
    if not hasattr(socket, "AF_UNIX"):
        raise SettingError("This system has no Unix-domain sockets.", field="family", hint="Choose ipv4.")
    own = os.environ.get("SOCKET_LAB_FOLDER")
    path = place_of(Path(own or "."), given, name, Path.cwd())
    with contextlib.ExitStack() as stack:
        if not given and (not own or len(os.fsencode(path)) > LONGEST_PATH):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="socket-lab-"))
            path = Path(folder, name)
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise SettingError(
                f"The path has {len(os.fsencode(path))} bytes; a Unix-domain address takes {LONGEST_PATH}.",
                field="path",
                hint="Use a shorter one: /tmp/upper.sock.",
            )
        try:
            _clear(path, kind)
            _try(path, kind)
        except OSError as error:
            raise SettingError(
                f"No socket can be made at {path}: {error.strerror}.",
                field="path",
                hint="Use a path in a folder of your own, as /tmp/upper.sock.",
            ) from None
        try:
            yield str(path)
        finally:  # by now our socket is closed
            with contextlib.suppress(OSError, SettingError):
                _clear(path, kind)


def _try(path: Path, kind: socket.SocketKind) -> None:
    """Whether a socket can be made there. Raises OSError, which the server's own bind() could not tell from
    a port's."""
    with socket.socket(socket.AF_UNIX, kind) as probe:
        probe.bind(str(path))
        path.unlink()


def _clear(path: Path, kind: socket.SocketKind) -> None:
    """Remove a socket on which nobody listens any more, and nothing else."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SettingError(
            f"{path} is there already, and is no socket.", field="path", hint="Use another path."
        )
    with socket.socket(socket.AF_UNIX, kind) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError:
            pass
    raise SettingError(
        f"{path} is in use: a program listens there.", field="path", hint="Stop it, or use another path."
    )
