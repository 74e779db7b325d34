"""What a TCP segment is beside its numbers: sent again, out of order, a duplicate acknowledgement, a probe.

Nobody on the wire says so: it follows from what was seen before in both directions. These are judgements
of whoever captures, with the thresholds that Wireshark uses, so that both say the same. Sequence numbers
wrap at 2**32 (RFC 9293, 3.4). For the states of the two ends see states.py, for the words whys.py.
"""

from __future__ import annotations

from servers.walk.half import SPACE, Half, beyond, end
from servers.walk.packet import ACK, FIN, RST, SYN, Packet
from servers.walk.rows import Mark

FAST = 0.020
"""Seconds after a duplicate acknowledgement in which a segment sent again answers it."""
SWAPPED = 0.003
"""Seconds in which a late segment was overtaken, not sent again; used where no round trip is known."""
DUPLICATES = 2
"""Duplicate acknowledgements before a fast retransmission. TCP waits for three (RFC 5681, 3.2); not all of
them need have been captured."""


class Analysis:
    """Both directions of a connection."""

    def __init__(self) -> None:
        self.halves = (Half(), Half())
        self.round_trip = 0.0

    def feed(self, packet: Packet, way: int) -> tuple[Mark, ...]:
        """What this segment is. ``way`` 0: the client sent it; 1: the server."""
        me, you = self.halves[way], self.halves[1 - way]
        flags, follows = packet.flags, end(packet)
        self._begin(packet, me, you)
        marks: list[Mark] = ["reset"] if flags & RST else []
        marks += _of_window(packet, me, you)
        if "window_probe" not in marks:
            marks += _of_ack(packet, me, you, marks)
        if flags & ACK and packet.ack != me.acked:
            me.duplicates = 0
        if _acknowledges_unseen(packet, you) and "lost_segment" not in marks:
            marks.append("lost_segment")
        if (packet.length or flags & (SYN | FIN)) and "keep_alive" not in marks:
            marks += self._again(packet, me, you)
        if packet.cut:
            marks.append("cut")
        found = tuple(marks)
        _remember(packet, me, found, follows)
        return found

    def _begin(self, packet: Packet, me: Half, you: Half) -> None:
        """First numbers, the scale, the handshake's round trip."""
        flags = packet.flags
        if me.base is None:
            me.base = packet.seq if flags & SYN else (packet.seq - 1) % SPACE
        if you.base is None and flags & ACK:
            you.base = (packet.ack - 1) % SPACE
        me.began = me.began or bool(flags & SYN)
        if flags & SYN and flags & ACK:
            _agree(packet, me, you)
        elif flags & SYN:
            me.syn_t, me.offered = packet.t, packet.scale
            if packet.scale is None:
                me.scale = you.scale = 0  # no scale, whatever the other side says
            elif me.scale is None:
                me.scale = packet.scale
        elif flags & ACK and not self.round_trip:
            began = me.syn_t if me.syn_t is not None else you.syn_t
            self.round_trip = _between(began, packet.t) if began is not None else 0.0

    def _again(self, packet: Packet, me: Half, you: Half) -> list[Mark]:
        """A segment that takes up sequence numbers which were taken up before."""
        if packet.length and you.acked is not None and beyond(packet.seq + packet.length, you.acked) <= 0:
            return ["retransmission"]
        back = me.next is not None and beyond(packet.seq, me.next) < 0
        if not back or (packet.length > 1 and me.next is not None and beyond(me.next, packet.seq) == 1):
            return []  # the second: its first byte had been a probe's
        late = _between(you.acked_t, packet.t)
        if you.duplicates >= DUPLICATES and you.acked == packet.seq and late < FAST:
            return ["fast_retransmission"]
        if _between(me.next_t, packet.t) < (self.round_trip or SWAPPED) and me.next != end(packet):
            return ["out_of_order"]
        return ["syn_again" if packet.flags & SYN else "retransmission"]


def _agree(packet: Packet, me: Half, you: Half) -> None:
    """A SYN+ACK: windows are scaled only if both SYNs have the option (RFC 7323, 2.2)."""
    if packet.scale is None or (you.syn_t is not None and you.offered is None):
        me.scale = you.scale = 0
    else:
        me.scale = packet.scale
        you.scale = you.offered  # None: its SYN was not captured


def _between(start: float, stop: float) -> float:
    """Seconds, to the microsecond: seconds since 1970 have no more in them."""
    return max(0.0, round(stop - start, 6))


def _of_window(packet: Packet, me: Half, you: Half) -> list[Mark]:
    """What it says about windows, its own and the other side's."""
    if packet.length == 1 and packet.seq == me.next and you.window == 0:
        return ["window_probe"]
    marks: list[Mark] = []
    plain = not packet.flags & (SYN | FIN | RST)
    if plain and packet.window == 0:
        marks.append("zero_window")
    if me.next is not None and not packet.flags & RST and beyond(packet.seq, me.next) > 0:
        marks.append("lost_segment")
    if not plain:
        return marks
    if packet.length <= 1 and me.next is not None and beyond(me.next, packet.seq) == 1:
        marks.append("keep_alive")
    if _repeats(packet, me) and packet.window and packet.window != me.window:
        marks.append("window_update")
    if packet.length and you.scale is not None and you.acked is not None and you.window is not None:
        edge = you.acked + (you.window << you.window_shift)
        if beyond(packet.seq + packet.length, edge) == 0:
            marks.append("window_full")
    return marks


def _of_ack(packet: Packet, me: Half, you: Half, marks: list[Mark]) -> list[Mark]:
    """A segment without data that says what the one before it said."""
    if packet.flags & (SYN | FIN | RST) or not _repeats(packet, me) or packet.window != me.window:
        return []
    if not packet.window:
        return []  # the answer to a probe: zero_window says it
    if "keep_alive" in you.last:
        return ["keep_alive_ack"]
    me.duplicates += 1
    return ["duplicate_ack"]


def _repeats(packet: Packet, me: Half) -> bool:
    return not packet.length and packet.seq == me.next and packet.ack == me.acked


def _acknowledges_unseen(packet: Packet, you: Half) -> bool:
    """It acknowledges bytes that were not captured: told once for each hole."""
    if not packet.flags & ACK or you.whole is None or beyond(packet.ack, you.whole) <= 0:
        return False
    you.whole = packet.ack
    return True


def _remember(packet: Packet, me: Half, marks: tuple[Mark, ...], follows: int) -> None:
    probe = "window_probe" in marks
    me.missing = max(0, beyond(packet.seq, me.next)) if me.next is not None else 0
    if not probe and (me.next is None or beyond(follows, me.next) > 0):
        ahead = beyond(follows, me.next) if me.next is not None else packet.length
        me.high += ahead
        me.next, me.next_t = follows, packet.t
    if not probe and (me.whole is None or packet.seq == me.whole):
        me.whole = me.next
    me.window, me.window_shift = packet.window, 0 if packet.flags & SYN else me.scale or 0
    me.acked = packet.ack if packet.flags & ACK else None
    me.acked_t = packet.t
    me.last = marks
