"""The proxy's loop: it accepts clients, reads heads, and answers plain hits at once.

Whatever may have to wait, for an origin, a body or a slow client, is handed to a thread
together with the connection; when the answer is sent the thread gives the connection back.
So a thousand idle connections cost no thread, and a hit costs no hand-over.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import deque

from servers.caching_proxy.client_side import RECEIVE, Client
from servers.caching_proxy.exchange import Exchange, refuse
from servers.caching_proxy.proxy import Proxy
from servers.caching_proxy.quick import Quick
from servers.kit.addresses import show
from servers.kit.http import HttpError, Request
from servers.kit.sockets import in_words

ACCEPT = 64
"""Connections accepted in one turn."""
TICK = 0.25
"""Seconds between two looks at the clock."""


class Loop:
    """All client connections that are idle, or whose request's head is still coming."""

    def __init__(self, listener: socket.socket, proxy: Proxy) -> None:
        self.listener, self.proxy = listener, proxy
        self.quick = Quick(proxy)
        self.selector = selectors.DefaultSelector()
        self.idle: set[Client] = set()
        self.count = 0  # of all connections, those that threads have included
        self._back: deque[tuple[Client, str]] = deque()  # from threads: "" to go on, or why it is over
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self._looked = self._ticked = 0.0
        self._accepts = True
        self._again = 0.0
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, None)
        self.selector.register(self._bell, selectors.EVENT_READ, self._bell)

    def run(self) -> None:
        """Ask who is ready, and serve them; for ever."""
        while True:
            for key, _ in self.selector.select(TICK):
                if key.data is None:
                    self._accept()
                elif key.data is self._bell:
                    self._take_back()
                else:
                    self._read(key.data)
            self._look_at_the_clock()

    def close(self) -> None:
        """End all connections."""
        for client in list(self.idle):
            self._close(client, "the proxy ends")
        self.selector.close()

    # -- what the kernel says is ready

    def _accept(self) -> None:
        for _ in range(ACCEPT):
            if self.count >= self.proxy.settings.max_connections:
                self._rest(0.0)  # further clients wait in the backlog
                return
            try:
                sock, peer = self.listener.accept()
            except BlockingIOError:
                return
            except OSError:  # no file is left: try again in a while
                self._rest(time.monotonic() + TICK)
                return
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.count += 1
            client = Client(sock, show(peer), self.proxy.book)
            self._watch(client, self.proxy.settings.header_timeout)

    def _rest(self, until: float) -> None:
        self.selector.unregister(self.listener)
        self._accepts, self._again = False, until

    def _watch(self, client: Client, patience: float) -> None:
        client.sock.setblocking(False)
        client.deadline = time.monotonic() + patience
        self.idle.add(client)
        self.selector.register(client.sock, selectors.EVENT_READ, client)

    def _read(self, client: Client) -> None:
        try:
            data = client.sock.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError as error:
            self._close(client, in_words(error))
            return
        if not data:
            self._close(client, "the client closed it")
            return
        if client.reader.state == "idle":
            rest = self.quick.answer(client, data)
            if rest == b"":
                client.deadline = time.monotonic() + self.proxy.settings.keep_alive
                return
            if rest is not None:
                self._hand_over(client, rest)
                return
            client.deadline = time.monotonic() + self.proxy.settings.header_timeout
        client.take(data)
        self._go_on(client)

    def _go_on(self, client: Client) -> None:
        """Is the head whole? Then a thread takes it from here."""
        try:
            found = client.reader.next()
        except HttpError as error:
            self._hand_over(client, error)
            return
        if isinstance(found, Request):
            self._hand_over(client, found)

    # -- threads

    def _hand_over(self, client: Client, work: Request | HttpError | bytes) -> None:
        self.idle.discard(client)
        self.selector.unregister(client.sock)
        threading.Thread(target=self._serve, args=(client, work), name="exchange", daemon=True).start()

    def _serve(self, client: Client, work: Request | HttpError | bytes) -> None:
        """In a thread: answer this request, and those that have come with it."""
        reason = "the proxy closed it"
        try:
            reason = self._answer_all(client, work)
        finally:
            self._back.append((client, reason))
            with contextlib.suppress(OSError):  # full: it rings already
                self._rope.send(b".")

    def _answer_all(self, client: Client, work: Request | HttpError | bytes | None) -> str:
        if isinstance(work, bytes):
            try:
                client.send(work)
            except Exception:
                return "the client does not read"
            return ""
        while work is not None:
            client.number += 1
            if isinstance(work, HttpError):
                refuse(self.proxy, client, work)
                return "what came was no proper request"
            if not Exchange(self.proxy, client, work).run():
                return "the proxy closed it"
            client.start = bytes(client.reader.buffer[:512])
            try:
                found = client.reader.next()
                work = found if isinstance(found, Request) else None
            except HttpError as error:
                work = error
        return ""

    def _take_back(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(65536)
        while self._back:
            client, reason = self._back.popleft()
            if reason:
                self._close(client, reason)
                continue
            settings = self.proxy.settings
            begun = client.reader.state != "idle"
            self._watch(client, settings.header_timeout if begun else settings.keep_alive)

    # -- time

    def _look_at_the_clock(self) -> None:
        clock = time.monotonic()
        if clock - self._ticked < TICK:
            return
        self._ticked = clock
        for client in [each for each in self.idle if clock > each.deadline]:
            if client.reader.state == "idle":
                self._close(client, "it was idle")
            else:
                self._hand_over(client, HttpError(408, "The request's head was not whole in time."))
        if clock - self._looked >= 1.0:
            self._looked = clock
            self.proxy.look()
        if not self._accepts and clock >= self._again and self.count < self.proxy.settings.max_connections:
            self.selector.register(self.listener, selectors.EVENT_READ, None)
            self._accepts = True

    def _close(self, client: Client, reason: str) -> None:
        if client in self.idle:
            self.idle.discard(client)
            self.selector.unregister(client.sock)
        self.count -= 1
        client.sock.close()
        client.book.closed(client, reason)
