"""Between clients and the server over UDP: one datagram in, and the datagrams that come back within a time.

Each client gets a socket of its own towards the target, so that the server's answers find their way
back. In replay the tape answers. The faults delay and drop datagrams; they never cut one.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from random import Random
from typing import Any

from servers.kit.addresses import show
from servers.kit.escapes import unescaped
from servers.kit.events import Way
from servers.kit.sockets import in_words
from servers.tcp_replay.book import Book
from servers.tcp_replay.clockwork import Clockwork
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.echoed import echoed
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.faults import Shaper
from servers.tcp_replay.matching import Hit
from servers.tcp_replay.recording import keep
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.target import Target

LARGEST = 65535
IDLE = 60.0
"""Seconds after which a client that sends nothing is forgotten."""
BATCH = 64


class Peer:
    """A client, and the exchange that is open."""

    def __init__(self, address: Any, conn: str) -> None:
        self.address, self.conn = address, conn
        self.name = show(address)
        self.sock: socket.socket | None = None
        self.opened = self.last = time.monotonic()
        self.number = self.up = self.down = 0
        self.request: bytes | None = None  # of the open exchange
        self.asked = 0.0
        self.answers: list[Chunk] = []
        self.shapers = {"to_server": Shaper(Random()), "to_client": Shaper(Random())}


class Datagrams(Clockwork):
    """All clients, and the calendar of what leaves later."""

    def __init__(
        self, server: socket.socket, settings: Settings, deck: Deck, book: Book, target: Target
    ) -> None:
        super().__init__(server, settings, deck)
        self.book, self.target = book, target
        self.peers: dict[Any, Peer] = {}

    def ready(self, owner: Any, sock: Any, mask: int) -> None:
        """The target said something to one of them."""
        self._from_target(owner)

    def end_all(self, reason: str) -> None:
        """Forget all clients."""
        for peer in list(self.peers.values()):
            self._forget(peer, reason)

    # -- what comes

    def arrived(self) -> None:
        """Datagrams of clients."""
        for _ in range(BATCH):
            try:
                data, address = self.server.recvfrom(LARGEST)
            except BlockingIOError:
                return
            except ConnectionError:  # an earlier answer found nobody there
                continue
            peer = self.peers.pop(address, None) or self._meet(address)
            self.peers[address] = peer  # who spoke last stands last
            peer.up += len(data)
            peer.last = time.monotonic()
            self.book.datagram(peer.name, "to_server", data)
            self._asked(peer, data, peer.last)

    def _meet(self, address: Any) -> Peer:
        """A new client. Nobody says good-bye over UDP: where there are too many, the most silent one goes."""
        while len(self.peers) >= self.settings.max_connections:
            self._forget(next(iter(self.peers.values())), "another client came, and there are too many")
        return Peer(address, self.book.opened(show(address)))

    def _asked(self, peer: Peer, data: bytes, now: float) -> None:
        if self.settings.mode == "replay":
            self._held_up(peer, data, now)
            return
        self._whole(peer)
        if self.faults["to_server"].timeout < 0:  # what the server never hears is no request
            peer.request, peer.asked, peer.answers = data, now, []
            self._at(now + self._wait(), peer, None, b"")
        self._send(peer, "to_server", data, now)

    def _from_target(self, peer: Peer) -> None:
        if self.peers.get(peer.address) is not peer or peer.sock is None:
            return  # forgotten a moment ago
        for _ in range(BATCH):
            try:
                data = peer.sock.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error: nobody listens there
                self._unanswered(peer, in_words(error))
                return
            now = time.monotonic()
            self.book.datagram(peer.name, "to_client", data)
            if peer.request is not None:
                peer.answers.append(Chunk(1000 * (now - peer.asked), data))
            self._send(peer, "to_client", data, now)

    # -- what leaves

    def _send(self, peer: Peer, way: Way, data: bytes, at: float) -> None:
        """Now, or when the faults let it; a timeout loses it."""
        faults = self.faults[way]
        if faults.timeout >= 0:
            self.book.fault(peer.conn, peer.name, way, "timeout")
            return
        if not faults.shapes and at <= time.monotonic():
            self._leave(peer, way, data)
            return
        for due, piece in peer.shapers[way].take(data, at, faults, cut=False):
            self._at(due, peer, way, piece)

    def _leave(self, peer: Peer, way: Way, data: bytes) -> None:
        if way == "to_server" and self.settings.mode == "replay":
            self._play(peer, data, time.monotonic())
            return
        with contextlib.suppress(BlockingIOError):  # a full buffer loses it, as a network would
            try:
                if way == "to_client":
                    peer.down += len(data)
                    self.server.sendto(data, peer.address)
                else:
                    self._towards(peer).send(data)
            except BlockingIOError:
                raise
            except OSError as error:
                if way == "to_server":
                    self._unanswered(peer, in_words(error))

    def _towards(self, peer: Peer) -> socket.socket:
        """The socket of this client towards the target. OSError."""
        if peer.sock is None:
            family, address = self.target.address(self.settings.target)
            sock = socket.socket(family, socket.SOCK_DGRAM)
            try:
                sock.setblocking(False)
                sock.connect(address)  # so that errors and answers of others are told apart
            except OSError:
                sock.close()
                raise
            peer.sock = sock
            self.selector.register(sock, selectors.EVENT_READ, peer)
        return peer.sock

    # -- exchanges

    def _exchange(self, peer: Peer, request: bytes, answers: tuple[Chunk, ...], at: float) -> Exchange:
        peer.number += 1
        return Exchange(
            at=self.wall + at, conn=peer.conn, number=peer.number, peer=peer.name,
            target=self.settings.target, transport="udp", request=request, response=answers,
        )  # fmt: skip

    def _whole(self, peer: Peer) -> None:
        """The time for answers is over, or the next datagram came."""
        if peer.request is None:
            return
        exchange = self._exchange(peer, peer.request, tuple(peer.answers), peer.asked)
        peer.request, peer.answers = None, []
        keep(exchange, self.settings, self.deck, self.book)

    def _unanswered(self, peer: Peer, why: str) -> None:
        if peer.request is not None:
            exchange = self._exchange(peer, peer.request, (), peer.asked)
            peer.request = None
            reason = f"{self.settings.target} could not be reached ({why})."
            self.book.exchanged(exchange, "unanswered", 0.0, reason=reason)

    def _wait(self) -> float:
        """Seconds in which answers come: the pause, and what the faults delay the question by."""
        faults = self.faults["to_server"]
        return (self.settings.pause + faults.latency + faults.jitter) / 1000

    def _held_up(self, peer: Peer, data: bytes, now: float) -> None:
        """In replay: play it now, or when the faults let it through."""
        faults = self.faults["to_server"]
        if faults.timeout >= 0 or faults.shapes:
            self._send(peer, "to_server", data, now)
        else:
            self._play(peer, data, now)

    def _play(self, peer: Peer, data: bytes, now: float) -> None:
        found = self.deck.find(data)
        if isinstance(found, Hit):
            played = echoed(found.exchange, data) if self.settings.match == "numbers" else found.exchange
            for chunk in played.response:
                self.book.datagram(peer.name, "to_client", chunk.data, sent=True)
                self._send(peer, "to_client", chunk.data, now + self._later(chunk) / 1000)
            told = self._exchange(peer, data, played.response, now)
            turn = f"{found.n_of} of {found.of}" if found.of > 1 else ""
            last = self._later(played.response[-1]) if played.response else 0.0
            self.book.exchanged(told, "hit", last, tape=played.id, turn=turn)
            return
        text = unescaped(self.settings.miss_text) if self.settings.miss == "text" else b""
        if text:
            self.book.datagram(peer.name, "to_client", text, sent=True)
            self._send(peer, "to_client", text, now)
        told = self._exchange(peer, data, (Chunk(0.0, text),) if text else (), now)
        near = found.near.id if found.near else 0
        self.book.exchanged(told, "miss", 0.0, near=near, differs_at=found.differs_at, reason=found.why)

    def _later(self, chunk: Chunk) -> float:
        timing = self.settings.timing
        return 0.0 if timing == "at_once" else chunk.ms / (self.settings.speed if timing == "scaled" else 1.0)

    # -- time

    def _at(self, when: float, peer: Peer, way: Way | None, data: bytes) -> None:
        self.at(when, lambda now: self._due(peer, way, data, now))

    def _due(self, peer: Peer, way: Way | None, data: bytes, now: float) -> None:
        if peer.address not in self.peers:
            return
        if way is not None:
            self._leave(peer, way, data)
        elif peer.request is not None and now >= peer.asked + self._wait():
            self._whole(peer)

    def tick(self, now: float) -> None:
        """Forget who sends no more."""
        while self.peers and now - (peer := next(iter(self.peers.values()))).last > IDLE:
            self._forget(peer, "it sends no more")

    def _forget(self, peer: Peer, reason: str) -> None:
        self._whole(peer)
        del self.peers[peer.address]
        if peer.sock is not None:
            self.selector.unregister(peer.sock)
            peer.sock.close()
        seconds = time.monotonic() - peer.opened
        self.book.closed(peer.conn, peer.name, peer.up, peer.down, seconds, reason)
