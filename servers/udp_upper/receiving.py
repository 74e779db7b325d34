"""Receive a datagram, and know how many bytes of it had no room.

``recvfrom(2048)`` does not say that a datagram was longer: it returns the first 2048 bytes, and the rest is
gone. Linux tells the true length to who gives the flag MSG_TRUNC (recv(2)), in ``recvfrom_into()``: Python's
``recvfrom()`` would return as many bytes as the datagram had, and those past the buffer's end mean nothing.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

TELLS_LENGTH = sys.platform == "linux"
LARGEST = 65535


class Receiver:
    """Calls ``recvfrom()`` on a socket, with a buffer of its own."""

    __slots__ = ("_room", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._room = memoryview(bytearray(LARGEST))

    def receive(self, asked: int) -> tuple[bytes, int, Any]:
        """As ``recvfrom(asked)``: the bytes, how many more there were, and whose they are.

        Where the system does not tell how many there were, 1 stands for «some».
        """
        room = self._room
        if TELLS_LENGTH:
            size, peer = self._sock.recvfrom_into(room, asked, socket.MSG_TRUNC)
            if size <= asked:
                return bytes(room[:size]), 0, peer
            return bytes(room[:asked]), size - asked, peer
        size, _, flags, peer = self._sock.recvmsg_into([room[:asked]])
        return bytes(room[:size]), int(bool(flags & socket.MSG_TRUNC)), peer
