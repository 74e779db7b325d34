"""Packets of a made-up connection, written with relative numbers as one reads them in a ladder."""

from __future__ import annotations

from typing import Any

import msgspec

from servers.walk.packet import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG, Packet
from servers.walk.rows import Row
from servers.walk.tracker import Tracker

CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 80)
FIRST = (0xFFFFFF00, 5000)
"""The sides' first sequence numbers: the client's wraps soon."""
_FLAGS = {"F": FIN, "S": SYN, "R": RST, "P": PSH, ".": ACK, "U": URG, "E": ECE, "W": CWR}


class Talk:
    """``c`` is what the client sends, ``s`` what the server does: ``talk.c("S", 0)``. tcpdump's letters."""

    def __init__(self, first: tuple[int, int] = FIRST, step: float = 0.001) -> None:
        self.first, self.step = first, step
        self.t = 1_700_000_000.0
        self.packets: list[Packet] = []

    def c(self, flags: str, seq: int, ack: int = 0, data: bytes = b"", **more: Any) -> Packet:
        return self._add(0, flags, seq, ack, data, more)

    def s(self, flags: str, seq: int, ack: int = 0, data: bytes = b"", **more: Any) -> Packet:
        return self._add(1, flags, seq, ack, data, more)

    def _add(self, side: int, flags: str, seq: int, ack: int, data: bytes, more: dict[str, Any]) -> Packet:
        self.t = round(self.t + more.pop("after", self.step), 6)
        source, target = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        number = sum(_FLAGS[flag] for flag in flags)
        kept = more.pop("kept", len(data))
        packet = Packet(
            number=len(self.packets) + 1, t=self.t, version=4, transport="tcp",
            source=source[0], source_port=source[1], target=target[0], target_port=target[1],
            length=len(data), payload=data[:kept], cut=kept < len(data), flags=number,
            seq=(self.first[side] + seq) % 2**32,
            ack=(self.first[1 - side] + ack) % 2**32 if number & ACK else 0,
            window=more.pop("window", 1000),
        )  # fmt: skip
        packet = msgspec.structs.replace(packet, **more)
        self.packets.append(packet)
        return packet

    def opened(self, **more: Any) -> Talk:
        """After the three-way handshake."""
        self.c("S", 0, **more)
        self.s("S.", 0, 1, **more)
        self.c(".", 1, 1)
        return self

    def rows(self, *, masks: bool = True) -> list[Row]:
        """What the tracker makes of it."""
        return rows_of(self.packets, masks=masks)


def rows_of(packets: list[Packet], *, masks: bool = True) -> list[Row]:
    tracker = tracker_of(masks=masks)
    return [tracker.feed(packet) for packet in packets]


def tracker_of(*, masks: bool = True) -> Tracker:
    return Tracker("10.0.0.1:40000", "10.0.0.2:80", masks=masks)
