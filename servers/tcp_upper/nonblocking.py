"""The same server with calls that do not wait: many clients side by side, in one thread.

A call on a non-blocking socket returns at once: with what is there, or with the error EAGAIN («try
again») where a blocking one would wait. To ask again and again would keep the processor busy with
nothing. So select() waits for all sockets together, and says which of them are ready; each turn of
the loop then does for each what can be done at once. Python's ``selectors`` takes the best such call
that the system has: epoll on Linux.
"""

from __future__ import annotations

import errno
import math
import selectors
import time

from servers.kit.report import Report
from servers.kit.sockets import NO_FILES
from servers.kit.traced import Traced
from servers.tcp_upper.book import ANSWERED, CLIENT_ENDED, SERVER_ENDS, Connection, tell_select
from servers.tcp_upper.control import Control
from servers.tcp_upper.options import SEND_S, set_options
from servers.tcp_upper.waiting import READ, Client

ROUNDS = 16
"""Calls of recv() for one client in one turn; accept() as well. Then it is the others' turn."""
PATIENCE = 0.25
"""Seconds until it is tried again to accept, where no file was left."""


def side_by_side(listener: Traced, control: Control, report: Report) -> None:
    """Serve everybody at once, until the program is told to stop."""
    loop = Loop(listener, control, report)
    try:
        loop.run()
    finally:
        loop.close()


class Loop:
    """All clients, and who has to be looked at when."""

    def __init__(self, listener: Traced, control: Control, report: Report) -> None:
        self.listener, self.control, self.report = listener, control, report
        self.clients: set[Client] = set()
        self.selector = selectors.DefaultSelector()
        self.selector.register(control.ear, READ)
        listener.setblocking(False)
        self._rests_until = 0.0  # without accepting
        self._listens = False

    def run(self) -> None:
        """Ask who is ready, and do for each what can be done at once; for ever."""
        while True:
            self._listen()
            ready = [key for key, _ in self.selector.select(self._patience())]
            if [key.fileobj for key in ready] != [self.control.ear]:  # that one is our own business
                tell_select(self.listener, len(self.selector.get_map()) - 1, [key.fd for key in ready])
            for key in ready:
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj is self.control.ear:
                    self.control.hear()
                    for client in self.clients:
                        self._wait_for(client)
                elif key.data in self.clients:
                    self._serve(key.data)
            self._look_at_the_clock()

    def close(self) -> None:
        """End all connections."""
        for client in list(self.clients):
            self._close(client, SERVER_ENDS)
        self.selector.close()

    # -- accepting

    def _listen(self) -> None:
        """Let select() watch the listening socket, or not: the backlog fills."""
        wanted = self.control.settings.accepting and time.monotonic() >= self._rests_until
        if wanted and not self._listens:
            self.selector.register(self.listener, READ)
        elif self._listens and not wanted:
            self.selector.unregister(self.listener)
        self._listens = wanted

    def _accept(self) -> None:
        for _ in range(ROUNDS):
            if not self.control.settings.accepting:
                return
            try:
                sock, address = self.listener.accept()
            except BlockingIOError:  # nobody waits any more
                return
            except OSError as error:
                if error.errno in NO_FILES:
                    self._rests_until = time.monotonic() + PATIENCE
                elif error.errno != errno.ECONNABORTED:
                    raise
                return
            client = Client(sock, Connection(self.report, sock, address))
            self.clients.add(client)
            settings = self.control.settings
            try:
                sock.setblocking(False)
                set_options(sock, nodelay=settings.nodelay, linger=settings.linger)
            except OSError as error:  # it has been reset already
                self._close(client, client.connection.broken(error, "setsockopt", 0))
                continue
            self._serve(client)

    # -- one client

    def _serve(self, client: Client) -> None:
        """Do what can be done without waiting; then note what has to be waited for."""
        try:
            reason = self._answer(client)
        except BlockingIOError:  # EAGAIN
            reason = ""
        except OSError as error:
            reason = client.connection.broken(error, client.doing, 0)
        if reason:
            self._close(client, reason)
        else:
            self._wait_for(client)

    def _answer(self, client: Client) -> str:
        """Receive and send until a call would wait. Returns why the connection ends; "": it does not yet."""
        for _ in range(ROUNDS):
            settings = self.control.settings
            if not client.left:
                if time.monotonic() < client.moved + settings.pause / 1000:
                    return ""
                data = client.sock.recv(settings.buffer)
                if not data:
                    return CLIENT_ENDED
                client.left = client.connection.answer(data)
            size = client.sock.send(client.left)
            client.connection.sent(size)
            client.left = client.left[size:]
            client.moved = time.monotonic()
            if not client.left and not settings.keep_open:
                return ANSWERED
        return ""

    def _wait_for(self, client: Client) -> None:
        """Note what select() is to watch for, and when the time is over."""
        mask, client.wake = client.waits_for(self.control.settings, time.monotonic())
        if mask != client.mask:
            if client.mask:
                self.selector.unregister(client.sock)
            if mask:
                self.selector.register(client.sock, mask, client)
            client.mask = mask

    def _close(self, client: Client, reason: str) -> None:
        self.clients.discard(client)
        if client.mask:
            self.selector.unregister(client.sock)
        client.connection.close(reason)

    # -- time

    def _patience(self) -> float | None:
        """How long select() may wait; None: until somebody is ready."""
        clock = time.monotonic()
        due = min((client.wake for client in self.clients), default=math.inf)
        if clock < self._rests_until:
            due = min(due, self._rests_until)
        return None if due == math.inf else max(0.0, due - clock)

    def _look_at_the_clock(self) -> None:
        clock = time.monotonic()
        for client in [each for each in self.clients if each.wake <= clock]:
            if client.mask:
                seconds = self.control.settings.timeout or SEND_S
                self._close(client, client.connection.timed_out(client.doing, seconds))
            else:  # its pause is over
                self._serve(client)
