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

import msgspec

from servers.kit.addresses import resolve, show
from servers.kit.command import run_server
from servers.kit.errors import ProtocolError
from servers.kit.events import (
    DatagramDelayed,
    DatagramDropped,
    DatagramDuplicated,
    DatagramReceived,
    DatagramSent,
    ServerError,
    preview,
)
from servers.kit.report import Report, now
from servers.kit.sockets import Socket, in_words
from servers.udp_ping.events import PingFate, Word
from servers.udp_ping.lab import LAB, Counters, Settings
from servers.udp_ping.loss import Fate, Network, Path, corrupt
from servers.udp_ping.outbox import Item, Outbox
from servers.udp_ping.protocol import BUFFER, answer, read_seq

RECEIVE = 65535
"""More than any datagram: of a shorter buffer's datagram the rest would be lost unseen."""
EVENTS = 3
"""Events told of a ping that is simply answered: received, fate, sent."""


def serve(settings: Settings, report: Report) -> None:
    """Answer pings until the program is told to stop."""
    seed = random.randrange(2**32) if settings.seed is None else settings.seed
    family, address = resolve(settings.host, settings.port, socket.SOCK_DGRAM)
    with Socket(report, family, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        server = PingServer(sock, Network(settings, seed), report)
        report.on_change(server.network.apply)
        report.listening(sock.getsockname(), seed)
        server.run()


class Plain:
    """What was answered without a detail told: counted apart, because here each nanosecond counts.

    ``bytes`` came in and went out again, but for those ``unsent`` in replies that ``failed``.
    """

    __slots__ = ("bytes", "count", "failed", "unsent")

    def __init__(self) -> None:
        self.count = self.bytes = self.failed = self.unsent = 0


class PingServer:
    """The server's socket, the network before it, and the replies that are held back."""

    def __init__(self, sock: Socket, network: Network, report: Report) -> None:
        self.sock, self.network, self.report = sock, network, report
        self.counters: Counters = report.counters
        self._outbox = Outbox()
        self._number = 0  # of the datagrams that met the network
        self._plain = Plain()
        report.count_by(self.totals)

    def run(self) -> None:
        """Receive, answer, receive, answer, until the program is told to stop."""
        recvfrom, sendto = self.sock.recvfrom, self.sock.sendto
        network, paths, plain = self.network, self.network.paths, self._plain
        waiting = self._outbox.heap
        report, queue = self.report, self.report.queue
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
                    plain.failed += 1
                    plain.unsent += size
                    self._not_sent(peer, error)
            else:
                self._answer(datagram, peer, path)

    def totals(self) -> tuple[dict[str, int], int]:
        """The counters, exact, and how many events were left out."""
        counters, plain = msgspec.structs.asdict(self.counters), self._plain
        counters["received"] += plain.count
        counters["replied"] += plain.count - plain.failed
        counters["bytes_in"] += plain.bytes
        counters["bytes_out"] += plain.bytes - plain.unsent
        return counters, self.report.missed + EVENTS * plain.count

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
        self._number += 1
        self._count(datagram, path, fate)
        reply = answer(datagram)
        lost = fate.lost_to_server or fate.lost_to_client
        if self.report.room:
            self._tell(datagram, reply, peer, path, fate)
        else:
            path.last = datagram[:BUFFER]
            self.report.missed += 2 + (lost or fate.copies > 1)  # as many as _tell() tells
        if lost:
            return
        if fate.corrupt >= 0:
            reply = corrupt(reply, fate.corrupt)
        for _ in range(fate.copies):
            self._reply(reply, peer, fate)

    def _count(self, datagram: bytes, path: Path, fate: Fate) -> None:
        """Keep the tallies: the server's, and the peer's own."""
        counters = self.counters
        counters.received += 1
        counters.bytes_in += len(datagram)
        counters.lost_to_server += fate.lost_to_server
        counters.lost_to_client += fate.lost_to_client
        counters.corrupted += fate.corrupt >= 0
        counters.duplicated += fate.copies > 1
        path.lost_to_server += fate.lost_to_server
        path.lost_to_client += fate.lost_to_client

    def _tell(self, datagram: bytes, reply: bytes, peer: Any, path: Path, fate: Fate) -> None:
        """Tell what arrived and what becomes of it."""
        emit, t, name = self.report.emit, now(), show(peer)
        emit(DatagramReceived(t=t, peer=name, way="to_server", data=preview(datagram)))
        seq = _seq(datagram)
        known = [n for n in (seq, _seq(path.last), path.highest, path.lowest) if n]
        path.lowest, path.highest = min(known, default=0), max(known, default=0)
        path.last = b""
        word: Word = "answered"
        if fate.lost_to_server or fate.lost_to_client:
            word = "lost_to_server" if fate.lost_to_server else "lost_to_client"
        emit(
            PingFate(
                t=t, peer=name, seq=seq, fate=word, arrived=path.arrived,
                lost_to_server=path.lost_to_server, lost_to_client=path.lost_to_client,
                gaps=max(0, path.highest - path.lowest + 1 - path.arrived),
            )
        )  # fmt: skip
        if fate.lost_to_server:
            emit(DatagramDropped(t=t, peer=name, way="to_server", data=preview(datagram)))
        elif fate.lost_to_client:
            emit(DatagramDropped(t=t, peer=name, way="to_client", data=preview(reply)))
        elif fate.copies > 1:
            emit(DatagramDuplicated(t=t, peer=name, way="to_client"))

    def _reply(self, reply: bytes, peer: Any, fate: Fate) -> None:
        """Send a reply now, or put it where replies wait."""
        if self._outbox.full or not (fate.held or fate.delay > 0):
            self._send(reply, peer, self._number)
            return
        item = Item(time.monotonic() + fate.delay, self._number, reply, peer)
        if fate.delay > 0:
            self.counters.delayed += 1
            self._tell_delay(peer, 1000 * fate.delay)
        if fate.held:
            self.counters.reordered += 1
            self._outbox.hold(item)
        else:
            self._outbox.delay(item)

    def _tell_delay(self, peer: Any, ms: float) -> None:
        if self.report.room:
            self.report.emit(DatagramDelayed(t=now(), peer=show(peer), way="to_client", ms=ms))
        else:
            self.report.missed += 1

    def _send(self, reply: bytes, peer: Any, number: int) -> None:
        """Send a reply, and after it those that it overtook."""
        self._send_one(reply, peer)
        if not self._outbox.heap:
            return
        for item in self._outbox.overtake(peer, number, time.monotonic()):
            self._send_one(item.reply, peer)

    def _send_one(self, reply: bytes, peer: Any) -> None:
        self.counters.replied += 1
        self.counters.bytes_out += len(reply)
        try:
            self.sock.sendto(reply, peer)
        except OSError as error:
            self.counters.replied -= 1
            self.counters.bytes_out -= len(reply)
            self._not_sent(peer, error)
            return
        if self.report.room:
            event = DatagramSent(t=now(), peer=show(peer), way="to_client", data=preview(reply))
            self.report.emit(event)
        else:
            self.report.missed += 1

    def _not_sent(self, peer: Any, error: OSError) -> None:
        """A peer that cannot be reached does not end the server."""
        message = f"The reply to {show(peer)} was not sent: {in_words(error)}."
        self.report.emit(ServerError(t=now(), message=message))


def _seq(datagram: bytes) -> int | None:
    try:
        return read_seq(datagram)
    except ProtocolError:
        return None


if __name__ == "__main__":
    run_server(LAB, serve)
