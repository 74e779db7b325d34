"""What a segment's marks mean here, in words with this segment's numbers."""

from __future__ import annotations

from collections.abc import Iterator

from servers.walk.half import Half
from servers.walk.packet import ACK, SYN, Packet
from servers.walk.rows import Mark

FRAGMENTED = (
    "IP has cut this packet into fragments. Only the first, which is this one, has the ports ({source}), so "
    "what the others carry is not shown."
)


def why(marks: tuple[Mark, ...], packet: Packet, me: Half, you: Half) -> str:
    """Sentences, one for each mark, and for a fragment; "" where there is none."""
    said = [_sentence(mark, packet, me, you) for mark in marks if mark != "cut"]
    return " ".join([*said, *incomplete(packet)])


def incomplete(packet: Packet) -> Iterator[str]:
    """Sentences on what is not here of a packet's bytes."""
    if len(packet.payload) < packet.length:
        where = "are in it" if packet.fragmented else "were captured"
        yield f"Only {len(packet.payload)} of its {packet.length} bytes {where}."
    if packet.fragmented:
        yield FRAGMENTED.format(source="RFC 791, 3.2" if packet.version == 4 else "RFC 8200, 4.5")


def _sentence(mark: Mark, packet: Packet, me: Half, you: Half) -> str:
    if mark == "reset":
        return _reset(packet, me, you)
    if mark == "lost_segment":
        return _unseen(packet, me, you)
    words = _PROBES if mark == "keep_alive" and you.window == 0 else _WORDS[mark]
    return words.format(
        bytes=_bytes(packet, me), ack=you.relative(packet.ack), last=me.relative(packet.seq),
        window=packet.window << me.window_shift, count=me.duplicates, size=packet.length,
    )  # fmt: skip


_PROBES = (
    "Asks whether there is room again: the other side has said window 0. Linux asks so with what looks like "
    "a keep-alive, whose sequence number {last} is one before the next (RFC 9293, 3.8.6.1)."
)
_WORDS: dict[Mark, str] = {
    "retransmission": "Sent again: {bytes}. No acknowledgement had come in time, or it was on its way.",
    "fast_retransmission": (
        "Sent again before the timer ran out: {bytes}. Duplicate acknowledgements told that "
        "they were missing (RFC 5681, 3.2)."
    ),
    "out_of_order": "Overtaken by a later segment: {bytes}. TCP puts them in order by the sequence number.",
    "duplicate_ack": (
        "Says again what was said: {ack} is the next byte wanted (duplicate number {count}). "
        "Something behind it arrived, or arrived twice."
    ),
    "keep_alive": (
        "Asks whether the other side is still there: its sequence number {last} is one before the next, "
        "so that it must be answered (RFC 9293, 3.8.4)."
    ),
    "keep_alive_ack": "The answer to a keep-alive: still there.",
    "zero_window": (
        "No room: the receive buffer is full. Nothing more may be sent until a window update comes."
    ),
    "window_update": "No news but room: {window} bytes may be sent now.",
    "window_probe": (
        "One byte into a window of 0, to learn whether there is room again: a window update "
        "could have been lost (RFC 9293, 3.8.6.1)."
    ),
    "window_full": "These {size} bytes fill the other side's window: the sender must wait now.",
    "syn_again": "The SYN once more: nothing came back. Packets are lost, or the server's queue is full.",
    "lost": "The lab threw this datagram away, as a bad network would.",
}


def _bytes(packet: Packet, me: Half) -> str:
    first = me.relative(packet.seq)
    if not packet.length:
        return "its SYN" if packet.flags & SYN else "its FIN"
    return f"bytes {first} to {first + packet.length - 1}" if packet.length > 1 else f"byte {first}"


def _reset(packet: Packet, me: Half, you: Half) -> str:
    if packet.flags & ACK and you.began and not me.began and you.relative(packet.ack) == 1:
        return "Refused: nothing listens on this port, or nobody is wanted there."
    return (
        "The connection ends here, without a farewell: its sender has no such connection (any more), "
        "or closed it with bytes unread, or with SO_LINGER 0. What was on its way is lost."
    )


def _unseen(packet: Packet, me: Half, you: Half) -> str:
    if me.missing:
        return f"{me.missing} bytes before it were not captured; they may have arrived all the same."
    return f"It acknowledges up to {you.relative(packet.ack)}, more than was captured of the other side."
