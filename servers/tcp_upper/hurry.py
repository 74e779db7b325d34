"""The server's short way, for when so much happens that nothing more can be told.

The same calls as in server.py, on sockets as plain as Python has them; what they do is only counted. It is
taken while the report has no room and the settings ask for the sheet's one answer and no more: then it
costs what the sheet's own loop does. A connection that says nothing for a moment goes back to server.py.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from socket import SocketType
from typing import Any

from servers.kit.report import Report
from servers.kit.timeval import timeval
from servers.kit.traced import Traced
from servers.kit.upper_case import answer
from servers.tcp_upper.control import Control
from servers.tcp_upper.options import SEND_S
from servers.tcp_upper.settings import Counters, Settings

UNTOLD = 7
"""What is not told of a connection: accept, opened, settimeout, recv, send, close, closed."""
MOMENT = timeval(0.01)
"""10 ms: what a client has for its first send(). Connections take it over from the listening socket, on
Linux: so recv() stays the one call that it is in the sheet."""
FOR_EVER = timeval(0)
DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)
"""Lets one call of a blocking socket be a non-blocking one."""


def possible(settings: Settings) -> bool:
    """Whether these settings ask for nothing but one recv(), one send(), close()."""
    more = settings.keep_open or settings.pause or settings.nodelay or settings.linger is not None
    return bool(DONTWAIT) and settings.accepting and not more


def in_a_hurry(listener: Traced, control: Control, report: Report) -> tuple[Traced, Any] | None:
    """Serve as long as nothing can be told. Returns a connection that has to be waited for, if any."""
    accept: Callable[[], tuple[int, Any]] = listener._accept  # type: ignore[attr-defined]
    family, kind, watched = listener.family, listener.type, listener.fileno()
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.register(control.ear, select.POLLIN)
    _patience(listener, MOMENT)
    try:
        while not report.room:
            ready = poll.poll()
            if len(ready) > 1 or ready[0][0] != watched:  # the settings have changed
                return None
            number, address = accept()
            sock = SocketType(family, kind, 0, number)
            try:
                _serve(sock, control.settings, report)
            except BlockingIOError:  # it has connected, and says nothing
                _patience(sock, FOR_EVER)
                report.missed += 1  # its accept()
                return listener.accepted(sock.detach()), address
            finally:
                sock.close()
    finally:
        _patience(listener, FOR_EVER)
    return None


def _serve(sock: SocketType, settings: Settings, report: Report) -> None:
    """Receive and send. BlockingIOError: nothing came for a moment."""
    counters: Counters = report.counters
    try:
        data = sock.recv(settings.buffer)
    except BlockingIOError:
        raise
    except OSError:
        data = b""
        counters.resets += 1
    counters.connections += 1
    report.missed += UNTOLD
    if data:
        counters.recv_calls += 1
        counters.bytes_in += len(data)
        reply, fault = answer(data)
        if fault is not None:
            counters.not_utf8 += 1
            report.missed += 1
        _send(sock, reply, settings, counters)


def _send(sock: SocketType, reply: bytes, settings: Settings, counters: Counters) -> None:
    """Send it; where the kernel has no room for all of it, wait."""
    flags = DONTWAIT
    try:
        while reply:
            size = sock.send(reply, flags)
            counters.send_calls += 1
            counters.bytes_out += size
            reply = reply[size:]
            if reply:
                sock.settimeout(settings.timeout or SEND_S)
                flags = 0
    except TimeoutError:
        counters.timeouts += 1
    except OSError:
        counters.resets += 1


def _patience(sock: SocketType, wait: bytes) -> None:
    """How long recv() of this socket, and of those that it accepts, waits."""
    SocketType.setsockopt(sock, socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
