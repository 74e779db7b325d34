"""What tests read: a connection's bytes, and the calls that programs told of them."""

from __future__ import annotations

import base64
import socket
from typing import Any


def until(sock: socket.socket, end: bytes) -> bytes:
    """What comes until it ends so, or the connection does."""
    data = b""
    while not data.endswith(end):
        more = sock.recv(65536)
        if not more:
            return data
        data += more
    return data


def everything(sock: socket.socket) -> bytes:
    """What comes until the other side ends."""
    data = b""
    while more := sock.recv(65536):
        data += more
    return data


def total(calls: list[dict[str, Any]]) -> int:
    """Bytes of all calls; each must begin where the one before it ended."""
    end = 0
    for call in calls:
        assert call.get("offset", 0) == end
        assert 0 < call["data"]["size"] <= call["asked"]
        end += call["data"]["size"]
    return end


def text(calls: list[dict[str, Any]]) -> bytes:
    """What is told of all calls' bytes."""
    return b"".join(base64.b64decode(call["data"]["head"]) for call in calls)
