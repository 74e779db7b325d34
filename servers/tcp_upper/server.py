"""The upper-case server: what one recv() brings goes back in upper case, then the connection is closed.

Protocol: a client connects by TCP and sends some text, without a line end or any other mark. The
server calls recv() once, sends the text back in upper case, and closes. TCP carries a stream of
bytes, no messages (RFC 9293, 2.2): what one recv() brings may be half of a send, or three of them.

Run it alone:   python -m servers.tcp_upper.server --port 12000
Then, in another terminal:   python -m servers.tcp_upper.client 127.0.0.1 12000 "hello world"

Here is the server whose calls wait: one client after the other. With --no-blocking no call waits,
and many clients are served side by side: see nonblocking.py.
"""

from __future__ import annotations

import socket
from typing import Any

from servers.kit.command import run_server
from servers.kit.family import bindable
from servers.kit.report import Report
from servers.kit.traced import Traced
from servers.tcp_upper import hurry, nonblocking
from servers.tcp_upper.book import ANSWERED, CLIENT_ENDED, SERVER_ENDS, Connection
from servers.tcp_upper.control import Control
from servers.tcp_upper.lab import LAB
from servers.tcp_upper.options import SEND_S, set_options
from servers.tcp_upper.settings import Settings

WAITING = 1000
"""Events that wait to be told at the most. A terminal would take more; the server would be slower for it."""


def serve(settings: Settings, report: Report) -> None:
    """Listen, and answer until the program is told to stop."""
    with (
        bindable(settings, socket.SOCK_STREAM, "upper.sock") as (family, address),
        Traced(report, family, socket.SOCK_STREAM) as listener,
        Control(settings) as control,
    ):
        if settings.reuse_address and settings.family != "unix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(settings.backlog)
        report.waiting = min(report.waiting, WAITING)
        report.on_change(control.apply)
        report.listening(listener.getsockname())
        if settings.blocking:
            one_after_the_other(listener, control, report)
        else:
            nonblocking.side_by_side(listener, control, report)


def one_after_the_other(listener: Traced, control: Control, report: Report) -> None:
    """Accept, answer, close; accept, answer, close. Who comes meanwhile waits in the backlog."""
    while True:
        control.until_a_client_comes(listener)
        came: tuple[Traced, Any] | None
        try:
            if report.room or not hurry.possible(control.settings):
                came = listener.accept()
            else:  # what follows here, with nothing told; it returns who says nothing
                came = hurry.in_a_hurry(listener, control, report)
        except ConnectionAbortedError:  # it has left the backlog again
            continue
        if came:
            one_client(*came, control, report)


def one_client(sock: Traced, address: Any, control: Control, report: Report) -> None:
    """Talk, and close, however that went."""
    connection = Connection(report, sock, address)
    reason = SERVER_ENDS
    try:
        reason = talk(sock, connection, control)
    finally:
        connection.close(reason)


def talk(sock: Traced, connection: Connection, control: Control) -> str:
    """Receive, answer, and again where it is to stay open. Returns why it ended."""
    doing, wait = "setsockopt", 0.0
    try:
        set_options(sock, nodelay=control.settings.nodelay, linger=control.settings.linger)
        while True:
            control.pause()
            settings = control.settings
            doing, wait = "recv", settings.timeout
            let_wait(sock, wait or None)  # 0: for ever
            data = sock.recv(settings.buffer)
            if not data:
                return CLIENT_ENDED
            reply = connection.answer(data)
            doing, wait = "send", settings.timeout or SEND_S
            let_wait(sock, wait)
            while reply:  # mostly once: send() takes less than it is given where the client does not read
                size = sock.send(reply)
                connection.sent(size)
                reply = reply[size:]
            if not settings.keep_open:
                return ANSWERED
    except OSError as error:  # reset, timed out: this client's end, not ours
        return connection.broken(error, doing, wait)


def let_wait(sock: Traced, seconds: float | None) -> None:
    """Set how long the next call may wait, where it is not so already. None: for ever."""
    if sock.gettimeout() != seconds:
        sock.settimeout(seconds)


if __name__ == "__main__":
    run_server(LAB, serve)
