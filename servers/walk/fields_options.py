"""The fields of TCP options: RFC 9293 (3.2), RFC 7323 (window scale, time stamps), RFC 2018 (SACK)."""

from __future__ import annotations

from servers.walk.bits import Bits

NAMES = {
    0: "End of options", 1: "No operation", 2: "Maximum segment size", 3: "Window scale", 4: "SACK permitted",
    5: "SACK", 8: "Time stamps", 19: "MD5 signature", 28: "User time-out", 29: "Authentication",
    30: "Multipath TCP", 34: "Fast Open cookie", 172: "Accurate ECN", 174: "Accurate ECN",
    253: "Experiment", 254: "Experiment",
}  # fmt: skip
_PURPOSE = {
    0: ("Here the options end; the rest is padding.", "RFC 9293, 3.2"),
    1: ("Padding, so that what follows begins at a word.", "RFC 9293, 3.2"),
    2: ("The largest segment that this side wants to get, without headers.", "RFC 9293, 3.7.1"),
    3: ("This side's windows are to be multiplied by this: 65,535 bytes are too few today.", "RFC 7323, 2"),
    4: ("This side understands SACK.", "RFC 2018, 2"),
    5: ("Bytes that arrived behind a hole: they need not be sent again.", "RFC 2018, 3"),
    8: ("For measuring round trips, and for telling old segments from new ones.", "RFC 7323, 3"),
    34: ("Lets a client send data with its next SYN.", "RFC 7413, 4.1.1"),
}
_LENGTHS = {2: (4,), 3: (3,), 4: (2,), 8: (10,), 5: (10, 18, 26, 34)}
_OTHER = ("An option of its own; see the registry of TCP options.", "IANA, TCP option kinds")


def options(bits: Bits, place: int, end: int) -> None:
    """The options between these bytes; stops at one that cannot be right."""
    while place < end:
        kind = bits.data[place]
        name = f"Option: {NAMES.get(kind, f'kind {kind}')}"
        purpose, source = _PURPOSE.get(kind, _OTHER)
        if kind < 2:
            bits.add("TCP", name, place * 8, 8, str(kind), "", purpose, source)
            if kind == 0:
                return
            place += 1
            continue
        size = bits.data[place + 1] if place + 1 < end else 0
        if size < 2 or place + size > end:
            return
        right = kind not in _LENGTHS or size in _LENGTHS[kind]
        bits.add("TCP", f"{name}, kind", place * 8, 8, str(kind), "", "Which option this is.", source)
        length = f"{size} bytes" if right else f"{size} bytes: not a length that this option has"
        words = "How long it is, with kind and length."
        bits.add("TCP", f"{name}, length", place * 8 + 8, 8, length, "", words, source)
        if size > 2:
            _value(bits, kind if right else -1, name, place * 8 + 16, size - 2, purpose, source)
        place += size


def _value(bits: Bits, kind: int, name: str, bit: int, size: int, purpose: str, source: str) -> None:
    if kind == 2:
        value = str(bits.number(bit, 16))
        bits.add("TCP", name, bit, 16, value, "bytes", purpose, source)
    elif kind == 3:
        shift = bits.number(bit, 8)
        meaning = f"multiply by {1 << min(shift, 14)}" + (" (14 is the most)" if shift > 14 else "")
        bits.add("TCP", name, bit, 8, str(shift), meaning, purpose, source)
    elif kind == 5:
        for edge in range(0, size, 8):
            left, right = bits.number(bit + edge * 8, 32), bits.number(bit + edge * 8 + 32, 32)
            bits.add("TCP", name, bit + edge * 8, 64, f"{left}–{right}", "", purpose, source)
    elif kind == 8:
        sent, echo = bits.number(bit, 32), bits.number(bit + 32, 32)
        bits.add("TCP", f"{name}, sent", bit, 32, str(sent), "this side's clock", purpose, source)
        words = "the other side's last one" if echo else "none yet"
        bits.add("TCP", f"{name}, echo", bit + 32, 32, str(echo), words, purpose, source)
    else:
        value = bits.data[bit // 8 : bit // 8 + size].hex(" ")
        bits.add("TCP", name, bit, size * 8, value, "", purpose, source)
