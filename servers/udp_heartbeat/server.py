"""The UDP heartbeat server: hears who lives, and says who does not. It never answers.

Protocol: a heartbeat is one datagram, `WORD SEQ TIME` or `SEQ TIME`. There is no reply and no connection
(UDP, RFC 768): that a client has stopped can only be seen in that nothing comes for a while. What was lost
is seen in the gaps of SEQ (one-way loss, RFC 7680), how long a heartbeat was on its way in arrival less
TIME, as far as the two clocks agree (one-way delay, RFC 7679).

Run it alone:   python -m servers.udp_heartbeat.server --port 12003 --timeout 5
Then, in another terminal:   python -m servers.udp_heartbeat.client 127.0.0.1 12003
"""

from __future__ import annotations

import random
import socket
import time
from typing import Any

from servers.kit.addresses import resolve
from servers.kit.command import run_server
from servers.kit.errors import ProtocolError
from servers.kit.report import Report, now
from servers.kit.sockets import Socket
from servers.udp_heartbeat.book import Book
from servers.udp_heartbeat.lab import LAB
from servers.udp_heartbeat.loss import Loss
from servers.udp_heartbeat.protocol import read_line
from servers.udp_heartbeat.settings import Settings
from servers.udp_heartbeat.watch import Watch

RECEIVE = 65535
"""More than any datagram."""
LONGEST_S = 0.5
"""Seconds to wait at the most: then a new setting is looked for."""
SHORTEST_S = 0.001


def serve(settings: Settings, report: Report) -> None:
    """Watch over clients until the program is told to stop."""
    seed = random.randrange(2**32) if settings.seed is None else settings.seed
    family, address = resolve(settings.host, settings.port, socket.SOCK_DGRAM)
    with Socket(report, family, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        server = HeartbeatServer(sock, settings, report, Loss(seed, alike=settings.seed is not None))
        report.on_change(server.apply)
        report.listening(sock.getsockname(), seed)
        server.run()


class HeartbeatServer:
    """The server's socket, who is watched, and the book."""

    def __init__(self, sock: Socket, settings: Settings, report: Report, loss: Loss) -> None:
        self.sock, self.settings, self.loss = sock, settings, loss
        self.watch = Watch(settings.timeout)
        self.book = Book(report, self.watch)

    def apply(self, settings: Settings) -> None:
        """Take new settings, from another thread: ``run`` looks at them with each turn."""
        self.settings = settings

    def run(self) -> None:
        """Wait for a heartbeat or for the next time that one is missed, again and again."""
        while True:
            self._look_at_the_clock()
            self.sock.settimeout(self._patience())
            try:
                datagram, peer = self.sock.recvfrom(RECEIVE)
            except TimeoutError:
                continue
            self._take(datagram, peer)

    def _look_at_the_clock(self) -> None:
        """Tell who is late or dead by now."""
        if self.watch.timeout != self.settings.timeout:
            self.watch.timeout = self.settings.timeout
        at, wall = time.monotonic(), now()
        by = self.watch.clock_set(at, wall)
        if by:
            self.book.our_clock_was_set(by, wall)
        changes = self.watch.tick(at, wall)
        if changes:
            self.book.changed(changes, wall)

    def _patience(self) -> float:
        """Seconds until somebody's state changes if nothing comes."""
        due = self.watch.due()
        left = LONGEST_S if due is None else due - time.monotonic()
        return min(LONGEST_S, max(SHORTEST_S, left))

    def _take(self, datagram: bytes, peer: Any) -> None:
        """A datagram: lost on purpose, no heartbeat, or a sign of life."""
        at, wall = time.monotonic(), now()
        lost = self.loss.loses(peer, self.settings.loss)
        self.book.came(datagram, peer, wall, lost)
        if lost:
            return
        try:
            line = read_line(datagram)
        except ProtocolError as error:
            self.book.malformed(peer, wall, error)
        else:
            self.book.arrived(line, wall, self.watch.arrived(peer, line, at, wall))


if __name__ == "__main__":
    run_server(LAB, serve)
