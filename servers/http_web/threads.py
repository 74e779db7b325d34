"""The model with threads: one for each connection.

Each thread blocks in its own ``recv()`` while the others run. Simple to write, for each reads
like the iterative server; but a thousand slow clients are a thousand threads, each with a
stack, and what the threads share needs a lock. In Python one thread at a time runs Python's
code (the global interpreter lock); while one waits for the network, others run.
"""

from __future__ import annotations

import socket
import threading

from servers.http_web.blocking import accept, talk
from servers.http_web.book import Book
from servers.http_web.content import Site
from servers.kit.events import ServerError
from servers.kit.report import now


def serve(listener: socket.socket, site: Site, book: Book) -> None:
    """Accept, and leave the connection to a thread of its own."""
    places = threading.BoundedSemaphore(site.settings.max_connections)

    def work(sock: socket.socket) -> None:
        try:
            talk(sock, site, book)
        finally:
            places.release()

    while True:
        places.acquire()  # when all are taken, further clients wait in the backlog
        sock = accept(listener)
        try:
            threading.Thread(target=work, args=(sock,), daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            sock.close()
            places.release()
            book.report.emit(ServerError(t=now(), message=f"A connection was closed: {error}."))
