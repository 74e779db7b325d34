"""All connections in one loop: it does with each only what does not block.

Making a message durable does block, while the disk works; so that is left to a thread
(keeper.py), and the loop goes on with the connection when it is done.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import msgspec

from servers.kit.addresses import show
from servers.kit.sockets import in_words
from servers.smtp_sink.book import Book, Line
from servers.smtp_sink.faults import Faults
from servers.smtp_sink.keeper import Keeper
from servers.smtp_sink.maildir import Draft, Maildir
from servers.smtp_sink.masking import Hearing
from servers.smtp_sink.protocol import (
    Commit,
    Drop,
    Envelope,
    Heard,
    HeardMessage,
    Policy,
    Reply,
    Session,
    StartTls,
    Step,
)  # fmt: skip

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RECEIVE = 65536
ACCEPT = 64
"""Connections accepted in one turn."""
GOODBYE = 1.0
"""Seconds to read on after the last reply, so that a reset does not take it away."""
SWEEP = 0.25
"""Seconds between two looks for those whose time is over."""


class Connection:
    """A client: its session, and what of the session's steps is not done yet."""

    def __init__(self, sock: socket.socket, line: Line, loop: Loop) -> None:
        self.sock, self.line = sock, line
        self._maildir = loop.maildir
        self.session = Session(
            loop.policy, self._keep, peer=line.peer, faults=loop.faults, tried=line.tried
        )  # fmt: skip
        line.stream.heard = Hearing(self.session)
        self.mask = 0
        self.steps: Iterator[Step] | None = None  # those that wait for the disk, a delay, or the client
        self.left = b""  # of a reply that did not fit
        self.shaking = False
        self.leaving = ""  # why it is closed, once no more is answered
        self.deadline = 0.0
        self.draft: tuple[Draft, Envelope] | None = None

    def _keep(self, envelope: Envelope) -> Draft:
        draft = self._maildir.open(envelope)
        self.draft = (draft, envelope)
        return draft


class Loop:
    """The loop, and what all connections share."""

    def __init__(
        self, listener: socket.socket, *, policy: Policy, tls: ssl.SSLContext | None, maildir: Maildir,
        book: Book, faults: Faults, timeout: float, most: int,
    ) -> None:  # fmt: skip
        self.listener, self.policy, self.tls, self.maildir = listener, policy, tls, maildir
        self.book, self.faults, self.timeout, self.most = book, faults, timeout, most
        self.selector = selectors.DefaultSelector()
        self.connections: set[Connection] = set()
        self._calendar: list[tuple[float, int, Connection]] = []
        self._order = itertools.count()
        self._keeper: Keeper[Connection] = Keeper()
        self._swept = 0.0
        self._again = 0.0  # when to accept again
        listener.setblocking(False)
        self.selector.register(listener, READ, self._accept)
        self.selector.register(self._keeper.bell, READ, self._go_on_with_kept)
        self._accepts = True

    def run(self) -> None:
        """Ask the kernel who is ready, and serve them a step; for ever."""
        while True:
            for key, events in self.selector.select(self._patience()):
                if isinstance(key.data, Connection):
                    self._guarded(key.data, self._read if events & READ else self._write)
                else:
                    key.data()
            self._look_at_the_clock()

    def close(self) -> None:
        """End all connections; what is being kept is kept whole or not at all."""
        for connection in list(self.connections):
            self._close(connection, "the server ends")
        self._keeper.close()
        self.selector.close()

    # -- what the kernel says is ready

    def _accept(self) -> None:
        for _ in range(ACCEPT):
            if len(self.connections) >= self.most:
                self.selector.unregister(self.listener)  # further clients wait in the backlog
                self._accepts = False
                return
            try:
                sock, peer = self.listener.accept()
            except BlockingIOError:  # nobody waits any more
                return
            except OSError:  # no file is left: try again in a while
                self.selector.unregister(self.listener)
                self._accepts, self._again = False, time.monotonic() + SWEEP
                return
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, self.book.opened(show(peer)), self)
            connection.deadline = time.monotonic() + self.timeout
            self.connections.add(connection)
            self._want(connection, READ)
            self._guarded(connection, self._greet)

    def _greet(self, connection: Connection) -> None:
        self._do(connection, connection.session.greeting())

    def _guarded(self, connection: Connection, function: Callable[[Connection], None]) -> None:
        """Do it; a client that is gone, or breaks TLS, ends its own connection alone."""
        try:
            function(connection)
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except ssl.SSLWantWriteError:
            self._want(connection, WRITE)
        except OSError as error:
            self._close(connection, connection.leaving or in_words(error))

    def _read(self, connection: Connection) -> None:
        if connection.shaking:
            self._shake(connection)
            return
        if connection.steps is not None:  # it says more before it has heard the answer
            self._want(connection, 0)
            return
        while connection in self.connections and connection.mask & READ and connection.steps is None:
            data = connection.sock.recv(RECEIVE)
            if not data:
                self._close(connection, connection.leaving or "the client closed it")
                return
            connection.line.received(data, RECEIVE)
            if connection.leaving:
                continue
            connection.deadline = time.monotonic() + self.timeout
            self._do(connection, connection.session.receive(data))
            if not isinstance(connection.sock, ssl.SSLSocket):
                return  # TLS may hold more bytes, of which the kernel knows nothing

    def _write(self, connection: Connection) -> None:
        if connection.shaking:
            self._shake(connection)
            return
        if connection.left:
            count = connection.sock.send(connection.left)
            connection.line.stream.sent(connection.left[:count], len(connection.left))
            connection.left = connection.left[count:]
            if connection.left:
                return
        self._want(connection, READ)
        self._go_on(connection)

    # -- the session's steps

    def _do(self, connection: Connection, steps: Iterator[Step]) -> None:
        connection.steps = steps
        self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        """Do steps until one has to wait."""
        line = connection.line
        while connection.steps is not None and connection in self.connections:
            step = next(connection.steps, None)
            if step is None:
                connection.steps = None
            elif isinstance(step, Heard):
                line.heard(step)
            elif isinstance(step, HeardMessage):
                line.heard_message(step)
            elif isinstance(step, Reply):
                if not self._reply(connection, step):
                    return
            elif isinstance(step, Commit):
                connection.deadline = math.inf  # the client waits for us now
                self._keeper.keep(connection, step.message)
                return
            elif isinstance(step, StartTls):
                self._secure(connection)
                return
            else:
                self._leave(connection, step)
                return
        if connection in self.connections:
            self._want(connection, READ)

    def _reply(self, connection: Connection, step: Reply) -> bool:
        """Send a reply; whether the next step can be done now."""
        if step.delay:
            late = msgspec.structs.replace(step, delay=0.0)
            connection.steps = itertools.chain((late,), connection.steps or ())
            self._want(connection, 0)
            due = time.monotonic() + step.delay
            connection.deadline = due + self.timeout
            heapq.heappush(self._calendar, (due, next(self._order), connection))
            return False
        data = step.encode()
        verb = connection.session.verb
        if verb == "message" and connection.draft:
            draft, envelope = connection.draft
            connection.draft = None
            if step.code == 250:
                connection.line.stored(draft.name, envelope, draft.start, draft.size)
        connection.line.replied(step, verb, data)
        try:
            count = connection.sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            count = 0
        connection.line.stream.sent(data[:count], len(data))
        if count < len(data):
            connection.left = data[count:]
            self._want(connection, WRITE)
            return False
        return True

    def _go_on_with_kept(self) -> None:
        for connection, reason in self._keeper.kept():
            connection.deadline = time.monotonic() + self.timeout
            if reason:
                connection.session.failed(reason)
            if connection in self.connections:
                self._guarded(connection, self._go_on)

    # -- TLS

    def _secure(self, connection: Connection) -> None:
        assert self.tls is not None  # STARTTLS is not known where there is no context
        self._want(connection, 0)
        connection.sock = self.tls.wrap_socket(
            connection.sock, server_side=True, do_handshake_on_connect=False
        )
        connection.shaking = True
        self._want(connection, READ)
        self._guarded(connection, self._shake)

    def _shake(self, connection: Connection) -> None:
        """The handshake's next step; then the rest of what the session wants."""
        sock = connection.sock
        assert isinstance(sock, ssl.SSLSocket)
        sock.do_handshake()
        connection.shaking = False
        connection.session.secured()
        connection.line.secured(sock)
        self._want(connection, READ)
        self._go_on(connection)

    # -- time

    def _patience(self) -> float:
        if not self._calendar:
            return SWEEP
        return max(0.0, min(SWEEP, self._calendar[0][0] - time.monotonic()))

    def _look_at_the_clock(self) -> None:
        clock = time.monotonic()
        while self._calendar and self._calendar[0][0] <= clock:
            connection = heapq.heappop(self._calendar)[2]
            if connection in self.connections:
                self._guarded(connection, self._go_on)
        if clock - self._swept > SWEEP:
            self._swept = clock
            for connection in [each for each in self.connections if clock > each.deadline]:
                self._overdue(connection)
        if not self._accepts and clock >= self._again and len(self.connections) < self.most:
            self.selector.register(self.listener, READ, self._accept)
            self._accepts = True

    def _overdue(self, connection: Connection) -> None:
        if connection.leaving or connection.left or connection.shaking:
            self._close(connection, connection.leaving or "silent for too long")
        else:
            connection.leaving = "silent for too long"
            self._guarded(connection, lambda c: self._do(c, c.session.timed_out()))

    # -- the end of a connection

    def _leave(self, connection: Connection, step: Drop) -> None:
        """Close: at once where a fault wants it, else in order, reading on a while."""
        connection.steps = None
        connection.session.close()  # what still comes is not read
        if step.fault:
            connection.line.hit(step.fault)
            self._close(connection, "dropped on purpose")
            return
        connection.leaving = connection.leaving or "the server closed it"
        connection.deadline = time.monotonic() + GOODBYE
        with contextlib.suppress(OSError, ValueError):
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.unwrap()  # TLS says goodbye, too; its answer is not waited for
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_WR)
        self._want(connection, READ)

    def _close(self, connection: Connection, reason: str) -> None:
        if connection in self.connections:
            self._want(connection, 0)
            self.connections.remove(connection)
            connection.session.close()
            connection.sock.close()
            connection.line.closed(reason)

    def _want(self, connection: Connection, mask: int) -> None:
        """What the kernel is to tell about this connection; 0: nothing."""
        if mask == connection.mask:
            return
        if not connection.mask:
            self.selector.register(connection.sock, mask, connection)
        elif not mask:
            self.selector.unregister(connection.sock)
        else:
            self.selector.modify(connection.sock, mask, connection)
        connection.mask = mask
