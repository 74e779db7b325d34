"""The UDP ping server: every datagram comes back in upper case, unless the network loses it.

Protocol: a ping is one datagram, `Ping SEQ TIME`; the answer is the same line in upper
case. UDP has no connections and no acknowledgements (RFC 768): a datagram that is lost is
gone, and nobody is told. Here a simulated network (loss.py) stands in front of the server
and loses, delays, doubles, reorders and garbles on purpose.

Run it alone:   python -m servers.udp_ping.server --port 12000 --loss 30
Then, in another terminal:   python -m servers.udp_ping.client 127.0.0.1 12000
"""

from __future__ import annotations

import random
import select
import socket
import time
from typing import Any

from servers.kit.addresses import resolve
from servers.kit.command import run_server
from servers.kit.report import Report
from servers.kit.sockets import Socket
from servers.udp_ping.book import Book
from servers.udp_ping.lab import LAB
from servers.udp_ping.loss import Fate, Network, Path, corrupt
from servers.udp_ping.outbox import Item, Outbox
from servers.udp_ping.protocol import BUFFER, answer
from servers.udp_ping.settings import Settings

RECEIVE = 65535
"""More than any datagram: of a shorter buffer's datagram the rest would be lost unseen."""


def serve(settings: Settings, report: Report) -> None:
    """Answer pings until the program is told to stop."""
    seed = random.randrange(2**32) if settings.seed is None else settings.seed
    family, address = resolve(settings.host, settings.port, socket.SOCK_DGRAM)
    with Socket(report, family, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        server = PingServer(sock, Network(settings, seed, alike=settings.seed is not None), Book(report))
        report.on_change(server.network.apply)
        report.listening(sock.getsockname(), seed)
        server.run()


class PingServer:
    """The server's socket, the network before it, the book, and the replies that are held back."""

    def __init__(self, sock: Socket, network: Network, book: Book) -> None:
        self.sock, self.network, self.book = sock, network, book
        self._outbox = Outbox()
        self._number = 0  # of the datagrams that met the network

    def run(self) -> None:
        """Receive, answer, receive, answer, until the program is told to stop."""
        recvfrom, sendto = self.sock.recvfrom, self.sock.sendto
        network, paths, plain = self.network, self.network.paths, self.book.plain
        report, queue, waiting = self.book.report, self.book.report.queue, self._outbox.heap
        while True:
            if waiting:
                self._wait()
            try:
                datagram, peer = recvfrom(RECEIVE)
            except ConnectionResetError:  # Windows: an earlier reply found nobody
                continue
            path = paths.get(peer)
            if path is None:
                path = network.path(peer)
            path.arrived += 1
            size = len(datagram)
            if network.plain and size <= BUFFER and len(queue) >= report.waiting:
                # Nothing to simulate, and no room to tell more: this is the whole server.
                # Counted before it is sent: whoever has the reply finds it in the counters.
                path.last = datagram
                plain.count += 1
                plain.bytes += size
                try:
                    sendto(datagram.upper(), peer)
                except OSError as error:
                    self.book.did_not_leave(datagram, peer, error)
            else:
                self._answer(datagram, peer, path)

    def _wait(self) -> None:
        """Sleep until a datagram is there; meanwhile send the held-back replies when due."""
        while self._outbox.heap:
            due = self._outbox.next - time.monotonic()
            if due > 0 and select.select([self.sock], [], [], due)[0]:
                return
            for item in self._outbox.take(time.monotonic()):
                self._send(item.reply, item.peer, item.number)

    def _answer(self, datagram: bytes, peer: Any, path: Path) -> None:
        """Meet the network, and answer if the datagram comes through."""
        fate = self.network.fate(path)
        reply = answer(datagram)
        self._number += 1
        self.book.arrived(datagram, reply, peer, path, fate)
        if fate.lost:
            return
        if fate.corrupt >= 0:
            reply = corrupt(reply, fate.corrupt)
        for _ in range(fate.copies):
            self._reply(reply, peer, fate)

    def _reply(self, reply: bytes, peer: Any, fate: Fate) -> None:
        """Send a reply now, or put it where replies wait."""
        if self._outbox.full or not (fate.held or fate.delay > 0):
            self._send(reply, peer, self._number)
            return
        self.book.held_back(peer, fate)
        item = Item(time.monotonic() + fate.delay, self._number, reply, peer)
        (self._outbox.hold if fate.held else self._outbox.delay)(item)

    def _send(self, reply: bytes, peer: Any, number: int) -> None:
        """Send a reply, and after it those that it overtook."""
        self._send_one(reply, peer)
        for item in self._outbox.overtake(peer, number, time.monotonic()):
            self._send_one(item.reply, peer)

    def _send_one(self, reply: bytes, peer: Any) -> None:
        self.book.leaves(reply)
        try:
            self.sock.sendto(reply, peer)
        except OSError as error:
            self.book.did_not_leave(reply, peer, error)
        else:
            self.book.left(reply, peer)


if __name__ == "__main__":
    run_server(LAB, serve)
