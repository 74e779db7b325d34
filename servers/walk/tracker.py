"""A connection's ladder: packets in, rows out. TCP segments with their numbers, marks and states; datagrams.

Feed it the connection's packets in the order in which they were captured. What a row says follows from that
packet and those before it; nothing is changed afterwards, so rows can be shown while packets still come.
"""

from __future__ import annotations

from servers.walk.analysis import Analysis
from servers.walk.half import end
from servers.walk.masking import Masking
from servers.walk.messages import Messages
from servers.walk.names import show
from servers.walk.packet import ACK, SYN, Packet
from servers.walk.rows import Row, Way
from servers.walk.states import States
from servers.walk.whys import incomplete, why

FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
"""Bit 0 first (RFC 9293, 3.1)."""
_NAMES = tuple(tuple(name for bit, name in enumerate(FLAGS) if flags >> bit & 1) for flags in range(256))


class Tracker:
    """One connection between two addresses as ``show()`` writes them.

    ``masks``: secrets become stars in messages and in ``shown``, the payload of the packet that was fed last.
    """

    def __init__(self, client: str, server: str, *, masks: bool = True) -> None:
        self.client, self.server = client, server
        self.n = 0
        self.shown = b""
        self._first = 0.0
        self._masks = masks
        self._begin()

    def _begin(self) -> None:
        self._analysis, self._states, self._messages = Analysis(), States(), Messages()
        self._masking = Masking()

    def way(self, packet: Packet) -> Way:
        """Which way a packet went."""
        return "to_server" if show(packet.source, packet.source_port) == self.client else "to_client"

    def feed(self, packet: Packet) -> Row:
        """The next packet's row."""
        way = self.way(packet)
        self.n += 1
        self._first = self._first or packet.t
        if packet.transport == "udp":
            return self._datagram(packet, way)
        return self._segment(packet, way)

    def _datagram(self, packet: Packet, way: Way) -> Row:
        self.shown = packet.payload
        return Row(
            n=self.n, number=packet.number, t=packet.t, after=packet.t - self._first, way=way,
            transport="udp", length=packet.length, message=self._messages.datagram(self.shown, packet.length),
            marks=("cut",) if len(self.shown) < packet.length else (), why=" ".join(incomplete(packet)),
        )  # fmt: skip

    def _segment(self, packet: Packet, way: Way) -> Row:
        side = 0 if way == "to_server" else 1
        again = self._is_another(packet, side)
        if again:
            self._begin()
        me, you = self._analysis.halves[side], self._analysis.halves[1 - side]
        offset = me.offset(packet)
        marks = self._analysis.feed(packet, side)
        self._states.feed(packet, side)
        seq = me.relative(packet.seq)
        message = self._message(packet, way, offset)
        words = why(marks, packet, me, you)
        if again:
            words = f"A new connection between the same two ports begins. {words}".rstrip()
        return Row(
            n=self.n, number=packet.number, t=packet.t, after=packet.t - self._first, way=way,
            flags=_NAMES[packet.flags & 255], seq=seq,
            ack=you.relative(packet.ack) if packet.flags & ACK else None,
            next_seq=me.relative(end(packet)), raw_seq=packet.seq, raw_ack=packet.ack,
            window=packet.window << me.window_shift, length=packet.length, options=options(packet),
            message=message, marks=marks, why=words,
            client_state=self._states.client, server_state=self._states.server,
        )  # fmt: skip

    def _message(self, packet: Packet, way: Way, offset: int) -> str:
        """What the payload says; remembers it as it may be shown."""
        self.shown = packet.payload
        if not packet.length:
            return ""
        if not self._analysis.halves[0 if way == "to_server" else 1].began:
            self._masking.begins_later(way)
        masked = self._masking.feed(way, offset, packet.payload, packet.length)
        self.shown = masked if self._masks else packet.payload
        return self._messages.segment(way, offset, self.shown, packet.length)

    def _is_another(self, packet: Packet, side: int) -> bool:
        """Whether a SYN begins another connection: both ends had used these ports before."""
        base = self._analysis.halves[side].base
        return packet.flags & (SYN | ACK) == SYN and base is not None and packet.seq != base


def options(packet: Packet) -> str:
    """The TCP options of a segment, in words."""
    words = []
    if packet.mss is not None:
        words.append(f"MSS {packet.mss}")
    if packet.sack_permitted:
        words.append("SACK permitted")
    if packet.scale is not None:
        words.append(f"window scale ×{1 << min(packet.scale, 14)}")
    if packet.tsval is not None:
        words.append(f"time stamps {packet.tsval}, {packet.tsecr}")
    if packet.sack:
        words.append("SACK " + ", ".join(f"{left}–{right}" for left, right in packet.sack))
    return "; ".join(words)
