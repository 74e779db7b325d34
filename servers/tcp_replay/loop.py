"""Between clients and the server over TCP: one loop, all connections.

For each client that connects, a connection to the target is made, before anybody says a word:
some servers speak first. What comes from one side goes to the other as it comes; a Pairing only
looks on, and says when an exchange is whole. In replay there is no target: a Player answers.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import time
from functools import partial
from typing import Any

from msgspec.structs import replace

from servers.kit.addresses import show
from servers.kit.sockets import in_words
from servers.tcp_replay.book import Book
from servers.tcp_replay.clockwork import TICK, Clockwork
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.link import HELD, Pipe, reset
from servers.tcp_replay.pairing import Pairing
from servers.tcp_replay.player import Player
from servers.tcp_replay.recording import keep
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.target import Target

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RECEIVE = 1024 * 1024
HEAR = 64 * 1024
"""In replay so much is read at once: it may be thousands of requests, and others wait for their turn."""
ACCEPT = 64
CONNECT = 10.0
"""Seconds that the target may take to be reached."""
LINGER = 1.0
"""Seconds in which a closed connection's last bytes are read, so that a reset does not take ours away."""


class Link:
    """A client, its connection to the target or its player, and what is between them."""

    def __init__(self, client: socket.socket, target: socket.socket | None, conn: str, peer: str) -> None:
        self.client, self.target, self.conn, self.peer = client, target, conn, peer
        self.up = Pipe("to_server", client, target)
        self.down = Pipe("to_client", target, client)
        self.pairing: Pairing | None = None
        self.player: Player | None = None
        self.opened = time.monotonic()
        self.connected = target is None
        self.number = 0
        self.masks: dict[socket.socket, int] = {}
        self.quiet_at = 0.0  # when a pause ends a message
        self.ends_at = 0.0  # when it is closed, whatever is left
        self.reason = ""
        self.dead = False


class Loop(Clockwork):
    """All connections, and the calendar of what leaves later."""

    def __init__(
        self, listener: socket.socket, settings: Settings, deck: Deck, book: Book, target: Target
    ) -> None:
        self._silent: dict[str, float] = {}  # since when a direction has its timeout
        super().__init__(listener, settings, deck)
        self.book, self.target = book, target
        self.links: set[Link] = set()
        self._accepts = True
        self._again = 0.0

    def end_all(self, reason: str) -> None:
        """End all connections."""
        for link in list(self.links):
            self._close(link, reason)

    def adopted(self) -> None:
        """Faults and timing hold for connections that are open, too."""
        for link in list(self.links):
            if link.player:
                link.player.settings = self.settings
            self._faults_of_time(link)
            self._guarded(link)

    def _read_faults(self) -> None:
        before = self.faults
        super()._read_faults()
        for way, faults in self.faults.items():
            if way not in before or before[way].timeout != faults.timeout:
                self._silent[way] = time.monotonic()

    # -- connections

    def arrived(self) -> None:
        """Clients connect."""
        for _ in range(ACCEPT):
            if len(self.links) >= self.settings.max_connections:
                self._rest(0.0)  # further clients wait in the backlog
                return
            try:
                sock, peer = self.server.accept()
            except BlockingIOError:
                return
            except OSError:  # no file is left: try again in a while
                self._rest(time.monotonic() + TICK)
                return
            self._begin(sock, show(peer))

    def _rest(self, until: float) -> None:
        self.selector.unregister(self.server)
        self._accepts, self._again = False, until

    def _begin(self, sock: socket.socket, peer: str) -> None:
        sock.setblocking(False)
        _at_once(sock)
        conn = self.book.opened(peer, show(sock.getsockname()))
        link = Link(sock, None, conn, peer)
        link.down.tell = partial(self.book.sent, conn, peer)
        if self.settings.mode == "replay":
            link.player = Player(self.settings, self.deck, self.book, conn, peer, self.wall)
            self.links.add(link)
            link.player.opened(link.down, time.monotonic(), self.faults["to_client"])
        else:
            self.links.add(link)
            try:
                self._reach(link)
            except OSError as error:
                self._unreachable(link, in_words(error))
                return
        self._faults_of_time(link)
        self._guarded(link)

    def _reach(self, link: Link) -> None:
        """Begin to connect to the target. OSError if that fails at once."""
        family, address = self.target.address(self.settings.target)
        sock = socket.socket(family, socket.SOCK_STREAM)
        link.target = link.up.sink = link.down.source = sock
        link.connected = False
        sock.setblocking(False)
        _at_once(sock)
        code = sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))
        link.pairing = Pairing(self.settings.framing, self.settings.largest, self.settings.pause)
        link.ends_at = link.opened + CONNECT
        self._remember(link, link.ends_at)

    def _established(self, link: Link) -> None:
        """The connection to the target is made, or is not."""
        assert link.target is not None
        assert link.pairing is not None
        code = link.target.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._unreachable(link, in_words(OSError(code, os.strerror(code))))
            return
        link.connected = True
        link.ends_at = 0.0
        link.pairing.opened(self.wall + time.monotonic())

    def _unreachable(self, link: Link, why: str) -> None:
        reason = f"{self.settings.target} could not be reached ({why})."
        told = Exchange(at=time.time(), conn=link.conn, number=1, peer=link.peer)
        self.book.exchanged(told, "unanswered", 0.0, reason=reason)
        self._close(link, "the target could not be reached")

    def _faults_of_time(self, link: Link) -> None:
        """reset_peer counts from the opening, timeout from when it is silent."""
        for way, faults in self.faults.items():
            if faults.reset_peer >= 0:
                self._remember(link, link.opened + faults.reset_peer / 1000)
            if faults.timeout > 0:
                self._remember(link, max(link.opened, self._silent[way]) + faults.timeout / 1000)

    # -- what the kernel says is ready

    def ready(self, owner: Any, sock: Any, mask: int) -> None:
        """One side of a link can go on."""
        link: Link = owner
        now = time.monotonic()
        if link.dead:
            return
        try:
            if not link.connected:
                if mask & WRITE:
                    self._established(link)
            elif mask & READ:
                self._read(link, link.up if sock is link.client else link.down, now)
            if not link.dead:
                self._settle(link, now)
        except OSError as error:
            who = "the client" if sock is link.client else "the server"
            self._close(link, f"{who}: {in_words(error)}", resets=isinstance(error, ConnectionError))

    def _read(self, link: Link, pipe: Pipe, now: float) -> None:
        assert pipe.source is not None
        asked = HEAR if link.player else RECEIVE
        try:
            data = pipe.source.recv(asked)
        except BlockingIOError:
            return
        if link.ends_at and link.reason:  # it lingers
            if not data:
                self._close(link, link.reason)
            return
        if not data:
            pipe.ended = True
        else:
            self.book.received(link.conn, link.peer, pipe.way, data, asked=asked, offset=pipe.came)
            pipe.came += len(data)
        faults = self.faults[pipe.way]
        if link.player:
            self._played(link, data, now)
        else:
            if data and faults.timeout < 0:
                pipe.put(data, now, faults)
            if (
                not data or faults.timeout < 0 or pipe is link.down
            ):  # what the server never heard is no request
                self._watched(link, pipe, data, now)

    def _played(self, link: Link, data: bytes, now: float) -> None:
        """Bytes of the client, or its end, in replay: they are heard now, or when the faults let them."""
        faults = self.faults["to_server"]
        link.up.count += len(data)
        if data and faults.timeout >= 0:
            return
        if data and (faults.shapes or link.up.queue):
            link.up.put(data, now, faults)
        elif not link.up.queue:
            self._heard(link, data, now)

    def _delayed(self, link: Link, now: float) -> None:
        """In replay: what the faults held back is due, or its end is."""
        assert link.player is not None
        while (piece := link.up.take(now)) is not None:
            self._heard(link, piece, now)
        if link.up.ended and not link.up.queue and not link.player.over:
            self._heard(link, b"", now)

    def _heard(self, link: Link, data: bytes | memoryview, now: float) -> None:
        player = link.player
        assert player is not None
        player.heard(data, link.down, now, self.faults["to_client"])
        if self.faults["to_client"].timeout >= 0:
            link.down.drop()
        if not data and not player.over:
            player.over = "the client closed it"
        self._expect_quiet(link, player.framer.gaps and bool(player.framer.waiting), now)

    def _watched(self, link: Link, pipe: Pipe, data: bytes, now: float) -> None:
        pairing, wall = link.pairing, self.wall + now
        assert pairing is not None
        if not data:
            whole = pairing.ended("client" if pipe.way == "to_server" else "server", wall)
        elif pipe.way == "to_server":
            whole = pairing.request(data, wall)
        else:
            whole = pairing.response(data, wall)
        self._tell(link, whole)
        self._expect_quiet(link, pairing.gaps, now)

    def _expect_quiet(self, link: Link, gaps: bool, now: float) -> None:
        link.quiet_at = now + self.settings.pause / 1000 if gaps else 0.0
        if gaps:
            self._remember(link, link.quiet_at)

    # -- exchanges

    def _tell(self, link: Link, whole: list[Exchange], broken: bool = False) -> None:
        """``broken``: the connection ended, and the server had not ended it."""
        settings = self.settings
        for exchange in whole:
            named = replace(exchange, conn=link.conn, peer=link.peer, target=settings.target)
            keep(named, settings, self.deck, self.book, broken and self._lacks(link, exchange))

    def _lacks(self, link: Link, exchange: Exchange) -> bool:
        """Whether some of a broken exchange is missing, as far as one can know."""
        assert link.pairing is not None
        knows_ends = exchange.framing in ("http", "connection") and not link.pairing.fault
        return knows_ends or not exchange.response

    # -- what is next for a connection

    def _guarded(self, link: Link) -> None:
        try:
            self._settle(link, time.monotonic())
        except OSError as error:
            self._close(link, in_words(error))

    def _settle(self, link: Link, now: float) -> None:
        """Send what is due, pass ends on, and say what is waited for."""
        if link.player and (link.up.queue or link.up.ended):
            self._delayed(link, now)
        silent = self.faults["to_client"].timeout >= 0 and not link.up.ended
        for pipe in (link.up, link.down):
            pipe.flush(now)
            if pipe is link.up or not silent:
                pipe.finish()
            if pipe.due is not None and pipe.due > now:
                self._remember(link, pipe.due)
        over = link.player.over if link.player else ""
        if over and not link.down.queue and not link.reason and not silent:
            self._linger(link, over, now)
        elif link.up.finished and link.down.finished:
            self._close(link, "both sides ended")
        if not link.dead:
            self._watch(link)

    def _watch(self, link: Link) -> None:
        """Tell the kernel what is waited for."""
        client = READ if not link.up.ended and link.up.held < HELD and link.connected else 0
        client |= WRITE if link.down.blocked else 0
        if link.player and link.down.held > HELD:
            client &= ~READ  # who does not read its answers need not ask for more
        self._want(link, link.client, client)
        if link.target is not None:
            target = READ if not link.down.ended and link.down.held < HELD else 0
            target |= WRITE if link.up.blocked else 0
            self._want(link, link.target, target if link.connected else WRITE)

    def _want(self, link: Link, sock: socket.socket, mask: int) -> None:
        before = link.masks.get(sock, 0)
        if mask == before:
            return
        if not before:
            self.selector.register(sock, mask, link)
        elif not mask:
            self.selector.unregister(sock)
        else:
            self.selector.modify(sock, mask, link)
        link.masks[sock] = mask

    # -- time

    def _remember(self, link: Link, when: float) -> None:
        self.at(when, lambda now: self._due(link, now))

    def _due(self, link: Link, now: float) -> None:
        if not link.dead:
            try:
                self._on_time(link, now)
            except OSError as error:
                self._close(link, in_words(error))

    def tick(self, now: float) -> None:
        """Is there room for clients again?"""
        if not self._accepts and now >= self._again and len(self.links) < self.settings.max_connections:
            self.selector.register(self.server, READ, None)
            self._accepts = True

    def _on_time(self, link: Link, now: float) -> None:
        """Something was to happen to this connection about now."""
        if link.ends_at and now >= link.ends_at:
            if link.reason:
                self._close(link, link.reason)
            else:
                self._unreachable(link, f"not within {CONNECT:g} s")
            return
        for pipe in (link.up, link.down):
            faults, since = self.faults[pipe.way], max(link.opened, self._silent[pipe.way])
            if 0 <= faults.reset_peer <= 1000 * (now - link.opened):
                self.book.fault(link.conn, link.peer, pipe.way, "reset_peer")
                self._close(link, "reset on purpose", resets=True)
                return
            if 0 < faults.timeout <= 1000 * (now - since):
                self.book.fault(link.conn, link.peer, pipe.way, "timeout")
                self._close(link, "silenced and closed on purpose")
                return
        if link.quiet_at and now >= link.quiet_at:
            self._quiet(link, now)
        self._settle(link, now)

    def _quiet(self, link: Link, now: float) -> None:
        link.quiet_at = 0.0
        if link.player:
            link.player.said(link.player.framer.quiet(), link.down, now, self.faults["to_client"])
        elif link.pairing:
            self._tell(link, link.pairing.quiet(self.wall + now))

    # -- the end of a connection

    def _linger(self, link: Link, reason: str, now: float) -> None:
        """All is said: say so, and read on for a moment."""
        link.reason = reason
        link.ends_at = now + LINGER
        self._remember(link, link.ends_at)
        with contextlib.suppress(OSError):
            link.client.shutdown(socket.SHUT_WR)
        if link.up.ended:
            self._close(link, reason)

    def _close(self, link: Link, reason: str, resets: bool = False) -> None:
        """Close both sides; ``resets``: so that they see a reset."""
        if link.dead:
            return
        link.dead = True
        self.links.discard(link)
        if link.pairing and link.connected:
            left = link.pairing.closed(self.wall + time.monotonic())
            self._tell(link, left, broken=not link.down.ended)
        for sock in filter(None, (link.client, link.target)):
            if resets:
                reset(sock)
            if link.masks.get(sock):
                self.selector.unregister(sock)
            sock.close()
        seconds = time.monotonic() - link.opened
        self.book.closed(link.conn, link.peer, link.up.count, link.down.count, seconds, reason)


def _at_once(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
