"""Connections made up by chance, with losses, repeats and swaps: every mark and number as tshark's.

Two differences are meant. A retransmission after acknowledgements of what was not captured is a fast one to
tshark 4.0, whose counter of duplicates wraps there; and acknowledgements of bytes that were not captured it
tells by rules of its own (judged.py).
"""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from servers.walk.packet import ACK, FIN, PSH, RST, SYN, Packet
from servers.walk.tracker import Tracker
from tests.walk import judged
from tests.walk.tools import frame_of, needs, packets_of, read_pcap, write_pcap

CONNECTIONS = 300
FIRST_PORT = 10_000


class Chance:
    """A connection in which anything may happen, and a capture that does not see all of it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.port = FIRST_PORT + seed % 50_000
        first = self.rng.choice((0xFFFFFFF0, 1000, self.rng.randrange(1 << 32)))
        self.seq = [first, self.rng.randrange(1 << 32)]
        self.window = [65535, 65535]
        self.t = 1000.0
        self.sent: list[Packet] = []

    def packets(self) -> list[Packet]:
        rng = self.rng
        if rng.random() < 0.85:
            self._open()
        for _ in range(rng.randrange(3, 25)):
            self._anything(rng.randrange(2))
        if rng.random() < 0.7:
            side = rng.randrange(2)
            for flags, who in ((FIN | ACK, side), (FIN | ACK, 1 - side), (ACK, side)):
                self._send(who, flags)
                self.seq[who] += bool(flags & FIN)
        elif rng.random() < 0.5:
            self._send(0, RST | ACK)
        return self._captured()

    def _open(self) -> None:
        scale = self.rng.choice((None, 0, 7))
        self._send(0, SYN, mss=1460, scale=scale)
        self.seq[0] += 1
        agreed = scale if self.rng.random() < 0.8 else None
        self._send(1, SYN | ACK, mss=1460, scale=agreed)
        self.seq[1] += 1
        self._send(0, ACK)

    def _anything(self, side: int) -> None:
        rng = self.rng
        what = rng.choices(
            ("data", "ack", "window", "alive", "probe", "again", "many"), (9, 4, 2, 2, 1, 3, 1)
        )[0]
        if what == "data":
            size = rng.choice((1, 1, 10, 100, 1448, 1448))
            self._send(side, ACK | PSH, size)
            self.seq[side] += size
        elif what == "alive":
            self._send(side, ACK, rng.choice((0, 1)), back=1)
        elif what == "probe":
            self._send(side, ACK, 1)
        elif what == "again" and len(self.sent) > 3:
            self.t += rng.choice((0.0001, 0.004, 0.03))
            self.sent.append(msgspec.structs.replace(rng.choice(self.sent[3:][-6:]), t=round(self.t, 6)))
        else:
            if what == "window":
                self.window[side] = rng.choice((0, 0, 1448, 65535, 3000, 100))
            for _ in range(rng.randrange(2, 5) if what == "many" else 1):
                self._send(side, ACK)

    def _send(self, side: int, flags: int, size: int = 0, back: int = 0, **options: int | None) -> None:
        self.t += self.rng.choice((0.0001, 0.001, 0.01, 0.3)) if self.rng.random() < 0.5 else 0.0002
        ends = (("10.0.0.1", self.port), ("10.0.0.2", 80))
        source, target = ends[side], ends[1 - side]
        packet = Packet(
            number=0, t=round(self.t, 6), version=4, transport="tcp", source=source[0],
            source_port=source[1], target=target[0], target_port=target[1], length=size,
            payload=b"x" * size, flags=flags, seq=(self.seq[side] - back) % (1 << 32),
            ack=self.seq[1 - side] % (1 << 32) if flags & ACK else 0, window=self.window[side],
        )  # fmt: skip
        self.sent.append(msgspec.structs.replace(packet, **options))

    def _captured(self) -> list[Packet]:
        found = [packet for packet in self.sent if self.rng.random() > 0.08]
        for place in range(3, len(found) - 1):  # a SYN that comes late makes tshark forget the scale
            if self.rng.random() < 0.07:
                a, b = found[place], found[place + 1]
                found[place : place + 2] = [
                    msgspec.structs.replace(b, t=a.t),
                    msgspec.structs.replace(a, t=b.t),
                ]
        return found


@pytest.mark.parametrize("seed", [1, 2000])
def test_every_mark_and_number_is_tsharks(seed: int, tmp_path: Path) -> None:
    needs("tshark")
    made = [packet for n in range(CONNECTIONS) for packet in Chance(seed + n).packets()]
    path = write_pcap(tmp_path / "chance.pcap", [(packet.t, frame_of(packet)) for packet in made])
    trackers: dict[int, Tracker] = {}
    differ, odd = [], 0
    for packet, said in zip(packets_of(read_pcap(path)), judged.segments(path), strict=True):
        port = max(packet.source_port, packet.target_port)
        tracker = trackers.setdefault(port, Tracker(f"10.0.0.1:{port}", "10.0.0.2:80"))
        row = tracker.feed(packet)
        ours, theirs = judged.numbers(row, said)
        if "fast_retransmission" in judged.marks(said) and "fast_retransmission" not in row.marks:
            odd += 1
        elif ours != theirs or row.flags != judged.flags(said) or not judged.agree(row, said):
            differ.append((row, sorted(judged.marks(said))))
    assert not differ, (len(differ), differ[:3])
    assert odd < len(made) // 50
    assert len(trackers) == CONNECTIONS
