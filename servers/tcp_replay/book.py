"""The replay server's book: what it counts, exactly, and what it tells as far as there is room."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Literal

from servers.kit.events import (
    PREVIEW,
    Bytes,
    ConnectionClosed,
    ConnectionOpened,
    DatagramReceived,
    DatagramSent,
    DataReceived,
    DataSent,
    ServerError,
    Way,
    preview,
)
from servers.kit.report import Report, now
from servers.tcp_replay.events import Exchanged, Outcome, TapeChanged, ToxicHit
from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.settings import Counters
from servers.tcp_replay.unfinished import Cut

COUNTED: dict[Outcome, str] = {"recorded": "recorded", "hit": "hits", "miss": "misses"}


class Book:
    """Counts and tells. One loop uses it; ``tape`` and ``trouble`` may be called from other threads."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.counters: Counters = report.counters
        self._numbers = itertools.count(1)

    def opened(self, peer: str, own: str = "") -> str:
        """A client's connection was accepted (at ``own``), or its first datagram came; its name."""
        conn = f"c{next(self._numbers)}"
        self.counters.connections += 1
        self.counters.open += 1
        self.report.emit(ConnectionOpened(t=now(), conn=conn, peer=peer, own=own))
        return conn

    def closed(self, conn: str, peer: str, up: int, down: int, seconds: float, reason: str) -> None:
        """A client's connection ended; ``up`` and ``down`` are the bytes that passed."""
        self.counters.open -= 1
        self.report.emit(
            ConnectionClosed(
                t=now(), conn=conn, peer=peer, bytes_in=up, bytes_out=down, seconds=round(seconds, 6),
                reason=reason,
            )
        )  # fmt: skip

    def received(self, conn: str, peer: str, way: Way, data: bytes, *, asked: int, offset: int) -> None:
        """A ``recv(asked)`` returned bytes of one side; ``offset`` of them came before."""
        if way == "to_server":
            self.counters.bytes_up += len(data)
        else:
            self.counters.bytes_down += len(data)
        if self.report.room:
            self.report.emit(
                DataReceived(
                    t=now(), conn=conn, peer=peer, way=way, data=preview(data), asked=asked, offset=offset
                )
            )
        else:
            self.report.missed += 1

    def played(self, data: bytes) -> None:
        """Bytes of the tape are on their way to a client."""
        self.counters.bytes_down += len(data)

    def sent(self, conn: str, peer: str, data: memoryview, asked: int, offset: int) -> None:
        """A ``send()`` to a client took ``data``; it was given ``asked`` bytes, ``offset`` left before.

        It repeats what came from the target or stands on the tape, so that gets half of the room for itself.
        Sends to the target are not told: there this program is the client.
        """
        if len(self.report.queue) < self.report.waiting // 2:
            self.report.emit(
                DataSent(
                    t=now(), conn=conn, peer=peer, way="to_client", data=preview(data), asked=asked,
                    offset=offset,
                )
            )  # fmt: skip
        else:
            self.report.missed += 1

    def datagram(self, peer: str, way: Way, data: bytes, sent: bool = False) -> None:
        """A datagram came from one side; ``sent``: one of the tape left to a client."""
        if way == "to_server":
            self.counters.bytes_up += len(data)
        else:
            self.counters.bytes_down += len(data)
        kind = DatagramSent if sent else DatagramReceived
        self.report.emit(kind(t=now(), peer=peer, way=way, data=preview(data)))

    def exchanged(
        self, exchange: Exchange, outcome: Outcome, ms: float, *, tape: int = 0, turn: str = "",
        near: int = 0, differs_at: int | None = None, reason: str = "",
    ) -> None:  # fmt: skip
        """A request, and what came of it."""
        self.counters.exchanges += 1
        if name := COUNTED.get(outcome):
            setattr(self.counters, name, getattr(self.counters, name) + 1)
        if not self.report.room:
            self.report.missed += 1
            return
        asked = exchange.request_size if isinstance(exchange, Cut) else len(exchange.request)
        answered = exchange.response_size if isinstance(exchange, Cut) else _size(exchange)
        self.report.emit(
            Exchanged(
                t=now(), conn=exchange.conn, peer=exchange.peer, number=exchange.number, outcome=outcome,
                greeting=exchange.greeting, sent=Bytes(exchange.request[:PREVIEW], asked),
                received=Bytes(_head(exchange), answered), chunks=len(exchange.response), ms=round(ms, 3),
                tape=tape, turn=turn, near=near, differs_at=differs_at, reason=reason,
            )
        )  # fmt: skip

    def fault(self, conn: str, peer: str, way: Way, fault: Literal["reset_peer", "timeout"]) -> None:
        """A fault struck."""
        self.report.emit(ToxicHit(t=now(), conn=conn, peer=peer, way=way, fault=fault))

    def tape(
        self, path: Path, count: int, why: Literal["opened", "edited", "cleared", "chosen"],
        damaged: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """The tape is another, or has changed other than by recording."""
        self.counters.on_tape = count
        self.report.emit(TapeChanged(t=now(), path=path.name, exchanges=count, why=why, damaged=damaged[:20]))

    def trouble(self, message: str, hint: str = "") -> None:
        """Something went wrong that ends nothing."""
        self.report.emit(ServerError(t=now(), message=message, hint=hint))


def _size(exchange: Exchange) -> int:
    return sum(len(chunk.data) for chunk in exchange.response)


def _head(exchange: Exchange) -> bytes:
    """The answer's first bytes; it may be large, and come a thousand times a second."""
    head = b""
    for chunk in exchange.response:
        head += chunk.data[: PREVIEW - len(head)]
        if len(head) == PREVIEW:
            break
    return head
