"""Whether this machine lets the tests capture, and senders of packets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def needs_ring() -> None:
    """Skip where no packet socket may be opened; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        return
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
    except (AttributeError, PermissionError):
        pytest.skip("a packet socket needs CAP_NET_RAW, on Linux")


@contextmanager
def receiver(host: str = "127.0.0.1") -> Iterator[tuple[socket.socket, int]]:
    """A UDP socket, and its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        yield sock, sock.getsockname()[1]


def send(port: int, *texts: bytes, host: str = "127.0.0.1") -> None:
    """Send a datagram for each text."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for text in texts:
            sock.sendto(text, (host, port))
