"""Follow stream: what both sides said, each direction's bytes put in order by their sequence numbers.

Bytes that came twice stand here once, those that came early wait for those before them. Where bytes were not
captured the next piece says how many are missing. Bounded: what goes beyond is left out, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from servers.walk.half import Half, beyond, end
from servers.walk.masking import Masking
from servers.walk.names import show
from servers.walk.packet import ACK, SYN, Packet
from servers.walk.rows import Piece, Way

MOST = 2 * 1024 * 1024
"""Bytes of both directions that are given at the most."""
PIECES = 20_000
EARLY = 1000
"""Segments of a direction that wait for those before them at the most."""
JOINED = 16 * 1024
"""Bytes that pieces of one side are joined up to, where nothing of the other is between."""


def follow(
    packets: Iterable[Packet], client: str, *, masks: bool = True, most: int = MOST
) -> tuple[list[Piece], bool]:
    """A connection's pieces in the order in which they were whole, and whether some were left out.

    ``client`` is its address as ``show()`` writes it; ``masks``: secrets become stars.
    """
    stream = Stream(client, masks=masks, most=most)
    for packet in packets:
        stream.feed(packet)
    return stream.pieces()


class Stream:
    """The same, packet by packet."""

    def __init__(self, client: str, *, masks: bool = True, most: int = MOST) -> None:
        self._client, self._most = client, most
        self._masking = Masking() if masks else None
        self._found: list[Piece] = []
        self._size = 0
        self._cut = False
        self._begin()

    def _begin(self) -> None:
        self._ways: dict[Way, _Direction] = {
            "to_server": _Direction(self, "to_server"),
            "to_client": _Direction(self, "to_client"),
        }

    def feed(self, packet: Packet) -> None:
        """The next packet as it was captured."""
        way: Way = "to_server" if show(packet.source, packet.source_port) == self._client else "to_client"
        back: Way = "to_client" if way == "to_server" else "to_server"
        if packet.transport == "udp":
            missing = packet.length - len(packet.payload)
            self.add(way, packet.t, self._ways[way].taken, packet.payload, 0, join=False)
            self._ways[way].taken += packet.length
            self._cut = self._cut or missing > 0
            return
        if packet.flags & (SYN | ACK) == SYN and self._ways[way].is_another(packet):
            for direction in self._ways.values():
                direction.give_up()
            self._masking = Masking() if self._masking else None
            self._begin()
        if packet.flags & ACK:
            self._ways[back].acknowledged(packet.ack)
        self._ways[way].feed(packet)

    def pieces(self) -> tuple[list[Piece], bool]:
        """What there is; what waits for bytes that never came is given with its gap."""
        for direction in self._ways.values():
            direction.give_up()
        return self._found, self._cut

    def add(self, way: Way, t: float, offset: int, data: bytes, gap: int, *, join: bool = True) -> None:
        """Bytes that are next in their direction."""
        if self._size + len(data) > self._most or len(self._found) >= PIECES:
            self._cut = True
            return
        self._size += len(data)
        if self._masking and join:
            if not self._ways[way].began:
                self._masking.begins_later(way)
            data = self._masking.feed(way, offset, data)
        last = self._found[-1] if self._found else None
        joins = join and last and last.way == way and not gap and last.offset + len(last.data) == offset
        if joins and last and len(last.data) + len(data) <= JOINED:
            whole = Piece(way=way, t=last.t, offset=last.offset, data=last.data + data, gap=last.gap)
            self._found[-1] = whole
        else:
            self._found.append(Piece(way=way, t=t, offset=offset, data=data, gap=gap))


class _Direction:
    """``taken`` counts the bytes that were given or are known to be missing."""

    def __init__(self, stream: Stream, way: Way) -> None:
        self._stream, self._way = stream, way
        self._half = Half()
        self._base: int | None = None
        self._early: list[tuple[int, bytes, float]] = []
        self.taken = 0
        self._gap = 0

    @property
    def began(self) -> bool:
        """Whether its SYN was captured."""
        return self._base is not None

    def is_another(self, packet: Packet) -> bool:
        """Whether this SYN begins a new connection between the same ports."""
        return self._base is not None and packet.seq != self._base

    def feed(self, packet: Packet) -> None:
        if self._half.next is None:
            self._half.next, self._base = packet.seq, packet.seq if packet.flags & SYN else None
            self._half.next = (packet.seq + bool(packet.flags & SYN)) % (1 << 32)
        offset = self._half.offset(packet)
        ahead = beyond(end(packet), self._half.next)
        if ahead > 0:
            self._half.high += ahead
            self._half.next = end(packet)
        if packet.length and offset + packet.length > self.taken:
            if offset <= self.taken:
                self._take(offset, packet.payload, packet.t)
                self._catch_up()
            elif len(self._early) < EARLY:
                heappush(self._early, (offset, packet.payload, packet.t))
            else:
                self.give_up()
                self._take(offset, packet.payload, packet.t)
            if len(packet.payload) < packet.length and offset <= self.taken:
                self._skip(offset + packet.length)

    def acknowledged(self, ack: int) -> None:
        """The other side has these bytes: whatever of them is missing was not captured."""
        if self._half.next is None or not self._early:
            return
        reached = self._half.high + beyond(ack, self._half.next)
        while self._early and self._early[0][0] < reached:
            self._skip(self._early[0][0])
            self._catch_up()

    def give_up(self) -> None:
        """Take what waits, with gaps."""
        while self._early:
            self._skip(self._early[0][0])
            self._catch_up()

    def _catch_up(self) -> None:
        while self._early and self._early[0][0] <= self.taken:
            self._take(*heappop(self._early))

    def _take(self, offset: int, payload: bytes, t: float) -> None:
        new = payload[max(0, self.taken - offset) :]
        if new and offset + len(payload) > self.taken:
            self._stream.add(self._way, t, self.taken, new, self._gap)
            self._gap = 0
            self.taken += len(new)

    def _skip(self, offset: int) -> None:
        self._gap += max(0, offset - self.taken)
        self.taken = max(self.taken, offset)
