"""The options of one connection's socket. Those of the listening one are set in server.py, before bind()."""

from __future__ import annotations

import socket
import struct

from servers.kit.traced import Traced

SEND_S = 10.0
"""Seconds that a send may wait for a client that does not read, where the time-out is 0."""


def set_options(sock: Traced, *, nodelay: bool, linger: int | None) -> None:
    """TCP_NODELAY, and SO_LINGER in seconds; None: as the system has it."""
    if nodelay and sock.family != getattr(socket, "AF_UNIX", None):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if linger is not None:  # struct linger: on or off, and the seconds (socket(7))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, linger))
