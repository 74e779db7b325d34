"""A web server: files of a folder over HTTP/1.1, in one of four models of concurrency.

Protocol: a client connects by TCP and sends a request, lines of text that end with an empty
one: `GET /HelloWorld.html HTTP/1.1`, `Host: ...`. The server answers with a status line,
header fields, an empty line and the file's bytes, as many as Content-Length says (RFC 9110,
RFC 9112). The connection stays open for the next request, unless one side says otherwise.

The four models are a file each: iterative.py, threads.py, processes.py, selecting.py. All of
them talk to a client through conversation.py, which knows no socket.

Run it alone:   python -m servers.http_web.server --port 6789 --model threads
Then, in another terminal:   python -m servers.http_web.client 127.0.0.1 6789 HelloWorld.html
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from pathlib import Path

import msgspec

from servers.http_web import iterative, processes, selecting, threads
from servers.http_web.book import Book
from servers.http_web.content import Site
from servers.http_web.demosite import demo_site, working_copy
from servers.http_web.files import Folder, sweep
from servers.http_web.lab import LAB
from servers.http_web.settings import Settings
from servers.kit.addresses import resolve
from servers.kit.command import run_server
from servers.kit.report import Report
from servers.kit.sockets import Socket

BACKLOG = 511
"""Connections that may wait to be accepted; the kernel may hold fewer (net.core.somaxconn)."""

MODELS = {
    "iterative": iterative.serve,
    "threads": threads.serve,
    "processes": processes.serve,
    "select": selecting.serve,
}


def serve(settings: Settings, report: Report) -> None:
    """Listen, and let the chosen model serve until the program is told to stop."""
    with contextlib.ExitStack() as stack:
        folder = Folder(root_of(settings, stack))
        if settings.allow_put:
            sweep(folder.root)
        settings = msgspec.structs.replace(settings, root=folder.root)
        site = Site(folder, settings)
        report.on_change(site.apply)
        family, address = resolve(settings.host, settings.port, socket.SOCK_STREAM)
        with Socket(report, family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # restart without waiting
            listener.bind(address)
            listener.listen(BACKLOG)
            report.listening(listener.getsockname())
            MODELS[settings.model](listener, site, Book(report))


def root_of(settings: Settings, stack: contextlib.ExitStack) -> Path:
    """The folder to serve. Where clients may write to the demo site, they get a copy of it."""
    if settings.root:
        return Path(settings.root).expanduser()
    if not settings.allow_put:
        return demo_site()
    own = os.environ.get("SOCKET_LAB_FOLDER")  # the dashboard's folder for this server
    if not own:
        own = stack.enter_context(tempfile.TemporaryDirectory(prefix="socket-lab-"))
    return working_copy(Path(own) / "site")


if __name__ == "__main__":
    run_server(LAB, serve)
