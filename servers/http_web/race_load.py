"""The race's load: one loop that is many clients of several servers, and keeps time.

One thread with a selector, as the model with select is one: it costs so little for each request
that the servers are measured and not the load. It knows just enough of HTTP for
the answers that it gets: where a head ends, the status, Content-Length and Connection.
"""

from __future__ import annotations

import contextlib
import errno
import math
import re
import selectors
import socket
from collections import Counter

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
TARGET = "/HelloWorld.html"
SLOW = b"GET / HTTP/1.1\r\nHost: slow\r\nX-Slow: "
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.I)
CLOSES = re.compile(rb"\r\nconnection: *close", re.I)


class Latencies:
    """Waiting times in classes of 1 %: the percentiles of a million cost as little as those of ten."""

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self.count, self.longest = 0, 0.0

    def add(self, seconds: float) -> None:
        """One answer took so long."""
        self._classes[round(math.log(max(seconds, 1e-6), 1.01))] += 1
        self.count += 1
        self.longest = max(self.longest, seconds)

    def percentile(self, share: float) -> float | None:
        """Within how many milliseconds that share of the answers came; None without any."""
        rank = math.ceil(share * self.count)
        for place in sorted(self._classes):
            rank -= self._classes[place]
            if rank <= 0:
                return round(min(1.01**place, self.longest) * 1000, 2)
        return None


class Client:
    """One client: its requests one after the other, each on a connection of its own unless it is kept."""

    __slots__ = ("asks", "began", "data", "good", "lane", "left", "sock", "used")

    def __init__(self, lane: Lane, requests: int) -> None:
        self.lane, self.left = lane, requests
        self.sock: socket.socket | None = None
        self.data = b""
        self.asks = False  # a request is under way
        self.good = False  # its answer is whole, and 200
        self.used = False  # the connection has served a request before
        self.began = 0.0

    def begin(self, clock: float) -> None:
        """Ask for the next: connect, or go on with the connection there is."""
        self.began, self.data, self.asks, self.good = clock, b"", True, False
        try:
            if self.sock is None:
                self._connect()
            else:
                self._ask()
        except OSError:
            self._broken(clock)

    def ready(self, mask: int, clock: float) -> None:
        """The kernel says that its socket is ready."""
        try:
            if not self.asks:  # nothing is to come but the end of an idle connection
                self.close()
            elif mask & WRITE:
                self._ask()
            else:
                self._receive(clock)
        except OSError:
            self._broken(clock)

    def close(self) -> None:
        """Let go of the connection."""
        if self.sock is not None:
            with contextlib.suppress(KeyError):
                self.lane.selector.unregister(self.sock)
            self.sock.close()
            self.sock = None

    def _connect(self) -> None:
        self.sock = _connecting(self.lane.address)
        self.used = False
        self.lane.selector.register(self.sock, WRITE, self)

    def _ask(self) -> None:
        assert self.sock is not None  # for the type checker
        self.sock.send(self.lane.request)  # some 100 bytes: they fit into any buffer
        self.lane.selector.modify(self.sock, READ, self)

    def _receive(self, clock: float) -> None:
        assert self.sock is not None  # for the type checker
        data = self.sock.recv(262144)
        if not data and not self.data:
            raise ConnectionAbortedError("closed without an answer")
        self.data += data
        end = self.data.find(b"\r\n\r\n")
        head = self.data[: max(0, end + 2)]
        length = LENGTH.search(head)
        whole = length is not None and len(self.data) >= end + 4 + int(length[1])
        self.good = whole and head[9:12] == b"200"
        if not data:
            self._over(self.good, clock)
        elif whole and not CLOSES.search(head):
            self._over(self.good, clock, keep=self.lane.keep_alive)

    def _broken(self, clock: float) -> None:
        """The connection is gone. A kept one may have been closed as idle: ask again (RFC 9112, 9.3)."""
        again = self.used and not self.data
        self.close()
        self.used = False
        if again:
            with contextlib.suppress(OSError):
                self._connect()
                return
        self._over(self.good, clock)

    def _over(self, good: bool, clock: float, keep: bool = False) -> None:
        """The request is answered, or has failed."""
        self.asks = False
        self.left -= 1
        if not keep or self.left == 0:
            self.close()
        self.used = keep
        self.lane.ended(self, good, clock - self.began)


class Lane:
    """One model's server, and its clients."""

    def __init__(
        self, model: str, address: tuple[str, int], selector: selectors.BaseSelector, keep_alive: bool
    ) -> None:
        self.model, self.address, self.selector, self.keep_alive = model, address, selector, keep_alive
        kept = "" if keep_alive else "Connection: close\r\n"
        self.request = f"GET {TARGET} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n{kept}\r\n".encode()
        self.clients: list[Client] = []
        self.drips: dict[socket.socket, bytes] = {}  # each with what it sends next
        self.next: list[Client] = []
        self.latencies = Latencies()
        self.done = self.failed = 0
        self.finished: float | None = None  # when, by the race's clock

    @property
    def waiting(self) -> int:
        """Clients that wait for an answer."""
        return sum(client.left > 0 for client in self.clients)

    def start(self, clients: int, requests: int) -> None:
        """Let so many clients begin."""
        self.clients = [Client(self, requests) for _ in range(clients)]
        self.next = list(self.clients)

    def ended(self, client: Client, good: bool, seconds: float) -> None:
        """A client's request has ended."""
        if good:
            self.done += 1
            self.latencies.add(seconds)
        else:
            self.failed += 1
        if client.left:
            self.next.append(client)  # in the next turn, so that a server that is gone is no deep recursion

    def turn(self, clock: float) -> None:
        """Let those begin anew whose turn it is, and see whether all have finished."""
        ready, self.next = self.next, []
        for client in ready:
            client.begin(clock)
        if self.finished is None and self.clients and not any(client.left for client in self.clients):
            self.finished = clock

    def slow(self, count: int) -> None:
        """Let so many slow clients connect and begin a request."""
        for _ in range(count):
            self.drips[_connecting(self.address)] = SLOW

    def drip(self) -> None:
        """One more byte from each slow client; the first time the start of a request."""
        for sock, data in self.drips.items():
            with contextlib.suppress(OSError):  # not connected yet, or sent away
                sock.send(data)
                self.drips[sock] = b"a"

    def close(self) -> None:
        """End all clients."""
        for client in self.clients:
            client.close()
        for sock in self.drips:
            sock.close()


def _connecting(address: tuple[str, int]) -> socket.socket:
    """A socket on its way to the server."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    found = sock.connect_ex(address)
    if found not in (0, errno.EINPROGRESS):
        sock.close()
        raise OSError(found, "connect")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
