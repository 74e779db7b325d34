"""The wire between a lab's program and the dashboard that started it.

The program connects over loopback TCP to the address in ADDRESS_VARIABLE and says
Hello with the token from TOKEN_VARIABLE. Then both sides send one JSON object a line.
Up go Batch, Answer, Result and Fatal; down come Call, Resize and Stop. This module is
the format and the program's end; the dashboard's end is in webui.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from typing import Any

import msgspec

ADDRESS_VARIABLE = "SOCKET_LAB_CHANNEL"
TOKEN_VARIABLE = "SOCKET_LAB_TOKEN"  # noqa: S105  (a name, not a token)
MAX_LINE = 4 * 1024 * 1024
"""Bytes of one message at the most; a longer one ends the connection."""

encode = msgspec.json.Encoder().encode


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """One line of the channel."""


class Hello(Message, frozen=True, kw_only=True):
    """First word of the program. Anything else first, and the dashboard hangs up."""

    token: str
    pid: int


class Batch(Message, frozen=True, kw_only=True):
    """What happened since the last one. An empty one says «I am alive».

    ``counters`` are cumulative and exact; ``dropped`` is how many events did not fit, in all.
    """

    counters: dict[str, int] = {}
    events: list[msgspec.Raw] = []
    dropped: int = 0


class Answer(Message, frozen=True, kw_only=True):
    """The outcome of a Call."""

    id: int
    value: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    field: str = ""
    hint: str = ""


class Result(Message, frozen=True, kw_only=True):
    """What a client found out; its last word."""

    value: msgspec.Raw


class Fatal(Message, frozen=True, kw_only=True):
    """The program cannot go on, and trying again would not help.

    ``field`` is the setting at fault, ``port`` a free port to use instead.
    """

    message: str
    hint: str = ""
    field: str = ""
    port: int | None = None


class Call(Message, frozen=True, kw_only=True):
    """Do this: ``settings`` with changed values, ``input`` for a session, or a lab's action."""

    id: int
    name: str
    arguments: msgspec.Raw


class Resize(Message, frozen=True, kw_only=True):
    """From now on send at most so many events a batch."""

    events: int


class Stop(Message, frozen=True, kw_only=True):
    """End in order, as on SIGTERM."""


Up = Hello | Batch | Answer | Result | Fatal
Down = Call | Resize | Stop


class Channel:
    """The program's end. ``send`` may be called from any thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._decode = msgspec.json.Decoder(Down).decode

    def send(self, message: Up) -> None:
        """Send one message; a dashboard that is gone is not an error here."""
        line = encode(message) + b"\n"
        with self._lock, contextlib.suppress(OSError):
            self._sock.sendall(line)

    def messages(self) -> Any:
        """Yield what comes down until the dashboard hangs up."""
        with self._sock.makefile("rb") as lines:
            for line in lines:
                yield self._decode(line)

    def close(self) -> None:
        """Say no more; what was sent still arrives."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)


def connect() -> Channel | None:
    """The channel that this program was started with; None if it runs alone.

    Also makes sure that the program ends when the dashboard does, however that ends.
    """
    address, token = os.environ.pop(ADDRESS_VARIABLE, ""), os.environ.pop(TOKEN_VARIABLE, "")
    if not address:
        return None
    parent = os.getppid()
    kind, _, rest = address.rpartition(":")
    if kind == "fd":  # a worker of another program of ours: see workers.py
        sock = socket.socket(fileno=int(rest))
    else:
        sock = socket.create_connection((kind, int(rest)), timeout=5)
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    channel = Channel(sock)
    channel.send(Hello(token=token, pid=os.getpid()))
    threading.Thread(target=_die_with, args=(parent,), name="watch", daemon=True).start()
    return channel


def stop_self() -> None:
    """End this program in order, from any thread: the main thread gets SIGTERM."""
    ident = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and ident is not None:
        signal.pthread_kill(ident, signal.SIGTERM)
    else:
        signal.raise_signal(signal.SIGTERM)


def _die_with(parent: int) -> None:
    """End this process when its parent does: by a signal on Linux, by end of file anywhere."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, prctl(2)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    os._exit(1)
