"""Simulated browsers: Socket.IO clients that join an instance and note when each frame came.

``python -m tests.bench.watchers PORT COOKIE INSTANCE COUNT`` says «joined», then obeys lines:
``begin`` forgets what was noted, ``report`` prints it as JSON, ``stall N`` has N clients stop
reading. It speaks the protocol itself (RFC 6455, Engine.IO 4, Socket.IO 5), so that 200 of
them cost little: it reads a frame's first event time and numbers, and nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
import sys
import time

from tests.bench.figures import percentile

FRAME = b'42["frame",'
CLOSED = 8


class Watcher(asyncio.Protocol):
    """One client."""

    def __init__(self, port: int, cookie: str, instance: str) -> None:
        self._port, self._cookie, self._instance = port, cookie, instance
        self._buffer = bytearray()
        self._upgraded = False
        self.transport: asyncio.Transport | None = None
        self.joined = asyncio.get_running_loop().create_future()
        self.delays: list[float] = []
        self.n = self.holes = self.closed = self.snapshots = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nCookie: {self._cookie}\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed += 1
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("the dashboard hung up"))

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self._buffer += data
        if not self._upgraded:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.joined.set_exception(ConnectionError(head.decode("latin-1")))
                return
            self._upgraded, self._buffer = True, bytearray(rest)
        while (message := self._message()) is not None:
            self._take(message, now)

    def _message(self) -> bytes | None:
        """The next whole WebSocket message; a server does not mask, and this one does not fragment."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < max(start, start + size):
            return None
        message = bytes(buffer[start : start + size])
        closed = buffer[0] & 15 == CLOSED
        del buffer[: start + size]
        return b"" if closed else message

    def _take(self, message: bytes, now: float) -> None:
        if message.startswith(FRAME):
            first = _number(message, b'"events":[{"kind"', b'"n":')
            if first is not None:
                self.delays.append(now - (_number(message, b'"events":[{"kind"', b'"t":') or 0))
                self.holes += first != self.n + 1
            self.n = int(_number(message, FRAME, b'"n":') or 0)
        elif message.startswith(b'42["snapshot"'):
            self.n = json.loads(message[2:])[1]["n"]
            self.snapshots += 1
            if not self.joined.done():
                self.joined.set_result(None)
        elif message.startswith(b"0"):
            self._say("40")
        elif message.startswith(b"40"):
            self._say("42" + json.dumps(["join", {"instance": self._instance}]))
        elif message == b"2":
            self._say("3")

    def _say(self, text: str) -> None:
        """Send a text message, masked with zeros as a client's must be masked with something."""
        data = text.encode()
        assert self.transport
        assert len(data) < 126, "longer ones have a longer header"
        self.transport.write(struct.pack("!BBI", 0x81, 0x80 | len(data), 0) + data)


def _number(message: bytes, after: bytes, name: bytes) -> float | None:
    """The number that stands behind ``name``, looked for from ``after`` on."""
    place = message.find(after)
    start = message.find(name, place)
    if place < 0 or start < 0:
        return None
    start += len(name)
    end = start
    while message[end : end + 1] in b"0123456789.e+-" and end < len(message):
        end += 1
    return float(message[start:end])


def report(watchers: list[Watcher]) -> dict[str, float]:
    """What was noted since «begin»: delays in ms over all clients, frames, holes."""
    delays = [1000 * delay for each in watchers for delay in each.delays]
    counts = [len(each.delays) for each in watchers]
    return {
        "clients": len(watchers),
        "frames": sum(counts),
        "fewest": min(counts, default=0),
        "p50": percentile(delays, 0.5) if delays else 0,
        "p99": percentile(delays, 0.99) if delays else 0,
        "most": max(delays, default=0),
        "holes": sum(each.holes for each in watchers),
        "closed": sum(each.closed for each in watchers),
        "snapshots": sum(each.snapshots for each in watchers),
        "n": max((each.n for each in watchers), default=0),
        "processor": time.process_time(),
    }


def begin(watchers: list[Watcher]) -> None:
    """Forget what was noted."""
    for each in watchers:
        each.delays.clear()
        each.holes = 0


async def main() -> None:
    """Connect all, then obey."""
    port, cookie, instance, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    loop = asyncio.get_running_loop()
    watchers: list[Watcher] = []
    stalled: list[Watcher] = []
    for _ in range(count):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        _, watcher = await loop.create_connection(lambda: Watcher(port, cookie, instance), sock=sock)
        await watcher.joined
        watchers.append(watcher)
    print("joined", flush=True)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().split():
        if line[0] == "begin":
            begin(watchers)
            print(json.dumps(report(watchers)), flush=True)
        elif line[0] == "stall":
            for _ in range(int(line[1])):
                stalled.append(watchers.pop())
                assert stalled[-1].transport
                stalled[-1].transport.pause_reading()
            print(json.dumps({"stalled": len(stalled)}), flush=True)
        else:
            print(json.dumps(report(watchers)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
