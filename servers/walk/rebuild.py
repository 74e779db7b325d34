"""A ladder without a capture: packets worked out from what the programs told of their socket calls.

Certain are the SYNs, which bytes went which way with which sequence numbers, and the FINs. Not certain: where
TCP cut the bytes into segments (each send() is drawn as one), and the times (of the calls, not of the wire).
Not known at all: segments with nothing but an acknowledgement, windows, options, retransmissions.
Whoever shows this says so: ``Rebuilt.words``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from servers.kit.events import Event
from servers.walk.datagrams import datagrams
from servers.walk.names import split
from servers.walk.packet import ACK, FIN, SYN, Packet
from servers.walk.rows import Connection, Mark, Row
from servers.walk.steps import Step, steps
from servers.walk.told import Gathering, Told
from servers.walk.tracker import Tracker

WINDOW = 65535

WORDS = (
    "Reconstructed from socket events, not captured: the SYNs, the data and the FINs with their relative "
    "sequence numbers. Segments with nothing but an acknowledgement cannot be derived, nor windows, options "
    "and retransmissions. Each send() is one arrow, whatever segments TCP made of it; where TLS is spoken, "
    "its bytes are those before they were encrypted. Times are when a program told of a call, so of two FINs "
    "at nearly the same moment the other may have been first."
)
ONE_SIDED = " Only {side} told of its calls, so the other side's bytes are drawn as recv() took them."
LEFT_OUT = " Some calls were not told; their bytes are drawn as one."
DATAGRAMS = (
    "Reconstructed from what the server told of its datagrams, not captured. Datagrams that never reached "
    "it are not here; those that it threw away on purpose are marked as lost."
)
_KEPT: tuple[Mark, ...] = ("reset", "cut")
"""Marks that can be known here: the others are judgements on what the wire carried."""


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """One connection as it follows from events. ``words`` says what it is, and what it is not.

    ``packets`` are those that were on the wire, numbered from 1, with sequence numbers from 0; a row's
    ``number`` is its packet's, 0 for a datagram that a lab threw away before it left.
    """

    connection: Connection
    packets: list[Packet]
    rows: list[Row]
    words: str


def rebuild(events: Iterable[Event], server: str = "") -> list[Rebuilt]:
    """What the events tell, per connection, in the order in which they began.

    ``server``: the address where the server listens, where no event says it. TCP's connections and, for
    servers that speak UDP, the datagrams of each client.
    """
    known = list(events)
    gathering = Gathering(server)
    gathering.feed(known)
    found = [_segments(told, steps(told)) for told in gathering.connections()]
    for client, address, packets, rows in datagrams(known, server):
        found.append(_result(client, address, packets, rows, "udp", "", DATAGRAMS))
    return [
        msgspec.structs.replace(each, connection=msgspec.structs.replace(each.connection, id=f"e{n}"))
        for n, each in enumerate(found, 1)
    ]


def _segments(told: Told, walk: list[Step]) -> Rebuilt:
    packets, rows = [], []
    tracker = Tracker(told.client, told.server)
    ends = (split(told.client), split(told.server))
    reached = [0, 0]  # each side's next sequence number
    for number, step in enumerate(walk, 1):
        acknowledges = not (step.flags & SYN and not step.flags & ACK)
        seq = 1 + step.offset if step.size else reached[step.side]
        packet = Packet(
            number=number, t=step.t, version=6 if ":" in ends[step.side][0] else 4, transport="tcp",
            source=ends[step.side][0], source_port=ends[step.side][1],
            target=ends[1 - step.side][0], target_port=ends[1 - step.side][1],
            length=step.size, payload=step.head, cut=len(step.head) < step.size,
            flags=step.flags | (ACK if acknowledges else 0), seq=seq % (1 << 32),
            ack=reached[1 - step.side] % (1 << 32) if acknowledges else 0, window=WINDOW,
        )  # fmt: skip
        reached[step.side] = max(reached[step.side], seq + step.size + bool(step.flags & (SYN | FIN)))
        packets.append(packet)
        rows.append(_known(tracker.feed(packet), number))
        if step.flags & SYN and step.flags & ACK:
            tracker.feed(_third(packet))  # there must have been one: the states follow from it
    return _result(told.client, told.server, packets, rows, "tcp", _state(rows), _words(told))


def _third(packet: Packet) -> Packet:
    """The acknowledgement that ends the handshake."""
    return msgspec.structs.replace(
        packet, source=packet.target, source_port=packet.target_port, target=packet.source,
        target_port=packet.source_port, flags=ACK, seq=packet.ack, ack=packet.seq + 1,
    )  # fmt: skip


def _known(row: Row, number: int) -> Row:
    """The row without what nobody told."""
    marks = tuple(mark for mark in row.marks if mark in _KEPT)
    why = row.why if marks == row.marks and marks == ("reset",) else ""
    if "cut" in marks:
        why = "Its event keeps only the first bytes of it."
    return msgspec.structs.replace(row, n=number, window=None, marks=marks, why=why)


def _words(told: Told) -> str:
    words = WORDS
    untold = [
        name for name, side in zip(("client", "server"), told.sides, strict=True) if side.opened is None
    ]
    if untold:
        words += ONE_SIDED.format(side="the server" if untold[0] == "client" else "the client")
    return words + LEFT_OUT if told.missed else words


def _state(rows: list[Row]) -> str:
    return f"client {rows[-1].client_state}, server {rows[-1].server_state}" if rows else ""


def _result(
    client: str, server: str, packets: list[Packet], rows: list[Row], transport: Literal["tcp", "udp"],
    state: str, words: str,
) -> Rebuilt:  # fmt: skip
    sizes = {way: sum(row.length for row in rows if row.way == way) for way in ("to_server", "to_client")}
    connection = Connection(
        id="", transport=transport, client=client, server=server, started=rows[0].t, ended=rows[-1].t,
        packets=len(packets), bytes_up=sizes["to_server"], bytes_down=sizes["to_client"], state=state,
    )  # fmt: skip
    return Rebuilt(connection=connection, packets=packets, rows=rows, words=words)
