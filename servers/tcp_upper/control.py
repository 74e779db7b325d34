"""The server's live settings, changed by another thread, and the waits that must hear of a change."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import Any

from servers.tcp_upper.settings import Settings


class Control:
    """The settings in force. ``apply`` is called from another thread, all else from the server's own.

    Whoever waits in ``accept()`` hears nothing until a client comes. So this waits in ``select()``, for a
    client or for ``ear``: the other end of a pair of sockets that ``apply`` writes to.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ear, self._bell = socket.socketpair()
        self.ear.setblocking(False)
        self._bell.setblocking(False)

    def apply(self, settings: Settings) -> None:
        """Take new settings."""
        self.settings = settings
        with contextlib.suppress(BlockingIOError):  # it is full of older rings
            self._bell.send(b"!")

    def hear(self) -> None:
        """Note that the settings have changed."""
        with contextlib.suppress(BlockingIOError):
            self.ear.recv(4096)

    def until_a_client_comes(self, listener: socket.socket) -> None:
        """Wait; while connections are not accepted, whoever comes."""
        ear = self.ear
        while True:
            ready = select.select((listener, ear) if self.settings.accepting else (ear,), (), ())[0]
            if ear in ready:
                self.hear()
            else:
                return

    def pause(self) -> None:
        """Wait as long as the setting says, also where it changes meanwhile."""
        start = time.monotonic()
        while (left := start + self.settings.pause / 1000 - time.monotonic()) > 0:
            if select.select((self.ear,), (), (), left)[0]:
                self.hear()

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.ear.close()
        self._bell.close()
