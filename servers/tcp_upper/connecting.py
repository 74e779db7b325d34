"""How a client waits: for the end of connect(), and for a non-blocking socket to be ready."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import time
from typing import Any

from servers.kit.addresses import show
from servers.kit.sockets import in_words
from servers.kit.traced import Traced
from servers.tcp_upper.results import Kind

AGAIN_S = 0.05
"""Seconds between two tries to connect to a Unix-domain server whose backlog is full."""


def connect(sock: Traced, address: Any, seconds: float, stop: threading.Event) -> None:
    """Connect, and wait for it. TimeoutError: the backlog is full and stays so, or ``stop`` is set."""
    end = time.monotonic() + seconds
    try:
        sock.connect(address)
    except BlockingIOError as error:
        if error.errno == errno.EINPROGRESS:  # it is under way: SO_ERROR says how it went
            wait(sock, seconds, writing=True)
            _how_it_went(sock)
        else:  # EAGAIN: a Unix-domain server's backlog is full, and there is nothing to wait on
            _connect_again(sock, address, end, stop)


def _how_it_went(sock: Traced) -> None:
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    error = OSError(number, os.strerror(number))
    sock.told("getsockopt", "SOL_SOCKET, SO_ERROR", str(number), in_words(error) if number else "")
    if number:
        raise error


def _connect_again(sock: Traced, address: Any, end: float, stop: threading.Event) -> None:
    """Again and again; only the one that succeeds is told."""
    while True:
        if stop.wait(AGAIN_S) or time.monotonic() >= end:
            raise TimeoutError
        try:
            socket.socket.connect(sock, address)
        except BlockingIOError:
            continue
        sock.told("connect", show(address), "0")
        return


def why_not(error: OSError, stopped: bool, seconds: float, peer: str) -> tuple[Kind, str]:
    """What became of a connect() that failed, and in words; ``stopped``: we were told to end."""
    if isinstance(error, TimeoutError) and error.errno is None:
        kind: Kind = "stopped" if stopped else "not connected"
        return kind, f"Not connected within {seconds:g} s: the backlog is full."
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return "refused", f"{in_words(error)}. No program listens there: is the server running? {peer}?"
    return "failed", f"{in_words(error)}."


def wait(sock: Traced, seconds: float, *, writing: bool) -> None:
    """Wait with select() until the socket is ready; TimeoutError if it is not in time."""
    watched = [sock]
    ready = select.select([] if writing else watched, watched if writing else [], [], seconds)
    words = f"until it can {'send' if writing else 'receive'}, {seconds:g} s at the most"
    sock.told("select", words, "ready" if any(ready) else "nothing happened")
    if not any(ready):
        raise TimeoutError
