"""The raw client in one go: all sends with their pauses, while it listens, then listening to the end."""

from __future__ import annotations

import selectors
import time
from collections import deque

from servers.tcp_replay.request import Request
from servers.tcp_replay.wire import Wire


class Conversation:
    """Sends and receives at the same time: who only sends, to one who only sends, blocks for ever."""

    def __init__(self, wire: Wire, parts: tuple[bytes, ...], request: Request) -> None:
        self.wire, self.request = wire, request
        self._parts = deque(memoryview(part) for part in parts)
        self._next = 0.0
        self._moved = time.monotonic()
        self._ended = False

    def run(self) -> None:
        """All of it. How it ended is said by the wire."""
        self.wire.sock.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.wire.sock, selectors.EVENT_READ)
            while not self.wire.over:
                self._skip()
                self._end_our_side()
                until = self._until()
                if until is None:
                    self._silence()
                    return
                writes = self._due()
                selector.modify(
                    self.wire.sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if writes else 0)
                )
                for _, ready in selector.select(max(0.0, until - time.monotonic())):
                    self._move(ready)
        if self.wire.ended_by == "server":
            self._whole()

    def _skip(self) -> None:
        """Over TCP nothing is nothing: an empty part is its pause alone, as before a first word."""
        while self._due() and not self._parts[0] and not self.request.udp:
            self._gone()

    def _gone(self) -> None:
        """The next part has left; the one after it waits for the pause."""
        self._parts.popleft()
        self._moved = time.monotonic()
        self._next = self._moved + self.request.pause / 1000 if self._parts else 0.0

    def _due(self) -> bool:
        """Whether a part is to leave now."""
        return bool(self._parts) and time.monotonic() >= self._next

    def _until(self) -> float | None:
        """When to look again at the latest; None: nothing moved for too long."""
        clock = time.monotonic()
        if self._parts and clock < self._next:
            return self._next
        end = max(self._moved, self._next) + self.request.wait
        return end if clock < end else None

    def _move(self, ready: int) -> None:
        if ready & selectors.EVENT_READ:
            if self.wire.receive():
                self._moved = time.monotonic()
            if self.wire.over:
                return
        if ready & selectors.EVENT_WRITE and self._due():
            self._send()

    def _send(self) -> None:
        _, taken = self.wire.send(self._parts[0])
        if not taken and len(self._parts[0]):
            return
        if taken < len(self._parts[0]):
            self._moved = time.monotonic()
            self._parts[0] = self._parts[0][taken:]
            return
        self._gone()

    def _end_our_side(self) -> None:
        if not self._parts and not self._ended and not self.request.keep_open:
            self._ended = True
            self.wire.end_our_side()

    def _silence(self) -> None:
        """Nothing moved for as long as we listen."""
        wire = self.wire
        wire.ended_by = "timeout"
        if self._parts:
            wire.error = f"The server took no more bytes for {self.request.wait:g} s: it does not read."
        elif not wire.received.calls:
            wire.error = f"Nothing came within {self.request.wait:g} s."
            wire.hint = self._why()

    def _whole(self) -> None:
        """The server ended it: had we said all, and did it say anything?"""
        wire = self.wire
        if self._parts:
            left = sum(len(part) for part in self._parts)
            wire.error = f"The server ended the connection before all was sent: {left:,} bytes are left."
        elif not wire.received.calls:
            wire.error = "The server ended the connection without a byte."

    def _why(self) -> str:
        """What a student could have forgotten."""
        if self.request.udp:
            return "Datagrams get lost, and a server need not answer. Is this a UDP server?"
        if not self.wire.sent.calls:
            return "Not every server speaks first. Send a text."
        last = self.wire.sent.pieces[-1].hex
        if last and not last.endswith("0a") and not self.request.hex:
            return "What was sent does not end with a line end: many servers wait for one."
        if self.request.keep_open:
            return "Perhaps it waits for an empty line, or for our side's end: keep open holds that back."
        return "Perhaps it is slow, or waits for something else."
