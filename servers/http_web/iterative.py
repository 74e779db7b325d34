"""The iterative model: one connection after the other, in one process with one thread.

The simplest server, and the first that a sheet asks for. While it talks to one client, the
others wait in the backlog, the kernel's queue of connections that nobody has accepted: their
``connect()`` has succeeded, their request is sent, and nothing comes back. One client that
sends half a request holds up all others until its time is over.
"""

from __future__ import annotations

import socket

from servers.http_web.blocking import accept, talk
from servers.http_web.book import Book
from servers.http_web.content import Site


def serve(listener: socket.socket, site: Site, book: Book) -> None:
    """Accept, talk, close; accept, talk, close."""
    while True:
        sock = accept(listener)
        talk(sock, site, book, listener)
