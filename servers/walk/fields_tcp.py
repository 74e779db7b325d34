"""The fields of TCP headers (RFC 9293, 3.1) and UDP headers (RFC 768). For options see fields_options.py."""

from __future__ import annotations

from servers.walk.bits import Bits
from servers.walk.fields_options import options
from servers.walk.rows import Row

_TCP = "RFC 9293, 3.1"
_FLAGS = (
    ("CWR", "The sender has slowed down after an ECE.", "RFC 3168, 6.1"),
    ("ECE", "A packet met congestion on its way here (in a SYN: this side can do ECN).", "RFC 3168, 6.1"),
    ("URG", "The urgent pointer counts; hardly used today.", "RFC 9293, 3.8.5"),
    ("ACK", "The acknowledgement number counts: set in all but a connection's first segment.", _TCP),
    ("PSH", "Hand the data to the application at once; it marks no message's end.", "RFC 9293, 3.9.1.2"),
    ("RST", "The connection ends at once: something is wrong, or nobody listens.", "RFC 9293, 3.5.2"),
    ("SYN", "Begins the connection: says where this side's sequence numbers start.", "RFC 9293, 3.5"),
    ("FIN", "This side will send no more data; it can still receive.", "RFC 9293, 3.6"),
)


def tcp(bits: Bits, begin: int, row: Row | None) -> int:
    """The fields of the TCP header at byte ``begin``; where the payload begins."""
    zero = begin * 8
    _ports(bits, "TCP", zero, _TCP)
    seq, ack = bits.number(zero + 32, 32), bits.number(zero + 64, 32)
    relative = f"relative {row.seq}" if row else ""
    bits.add("TCP", "Sequence number", zero + 32, 32, str(seq), relative, _PURPOSE["seq"], "RFC 9293, 3.4")
    if not bits.number(zero + 107, 1):
        words = "not in force: the ACK flag is not set"
    else:
        words = f"relative {row.ack}" if row and row.ack is not None else ""
    bits.add(
        "TCP", "Acknowledgement number", zero + 64, 32, str(ack), words, _PURPOSE["ack"], "RFC 9293, 3.4"
    )
    length = bits.number(zero + 96, 4)
    bits.add("TCP", "Data offset", zero + 96, 4, str(length), f"{length * 4} bytes", _PURPOSE["offset"], _TCP)
    bits.add("TCP", "Reserved", zero + 100, 3, str(bits.number(zero + 100, 3)), "", "Not used: zero.", _TCP)
    accurate = bits.number(zero + 103, 1)
    bits.add("TCP", "AE", zero + 103, 1, str(accurate), _set(accurate), _PURPOSE["ae"], "RFC 9768, 3.1")
    for place, (name, purpose, source) in enumerate(_FLAGS):
        flag = bits.number(zero + 104 + place, 1)
        bits.add("TCP", name, zero + 104 + place, 1, str(flag), _set(flag), purpose, source)
    window = bits.number(zero + 112, 16)
    scaled = f"{row.window} bytes with its scale" if row and row.window not in (None, window) else "bytes"
    bits.add("TCP", "Window", zero + 112, 16, str(window), scaled, _PURPOSE["window"], "RFC 9293, 3.8.6")
    checksum = f"0x{bits.number(zero + 128, 16):04x}"
    bits.add("TCP", "Checksum", zero + 128, 16, checksum, "not checked here", _PURPOSE["checksum"], _TCP)
    urgent = str(bits.number(zero + 144, 16))
    bits.add("TCP", "Urgent pointer", zero + 144, 16, urgent, "", _PURPOSE["urgent"], "RFC 9293, 3.8.5")
    end = begin + max(20, length * 4)
    options(bits, begin + 20, min(end, len(bits.data)))
    return end


def udp(bits: Bits, begin: int) -> int:
    """The fields of the UDP header at byte ``begin``; where the payload begins."""
    zero = begin * 8
    _ports(bits, "UDP", zero, "RFC 768")
    length = f"{bits.number(zero + 32, 16)} bytes"
    bits.add(
        "UDP", "Length", zero + 32, 16, length, "", "This header's 8 bytes and the datagram's.", "RFC 768"
    )
    checksum = f"0x{bits.number(zero + 48, 16):04x}"
    meaning = "not used" if checksum == "0x0000" else "not checked here"
    bits.add("UDP", "Checksum", zero + 48, 16, checksum, meaning, _PURPOSE["checksum"], "RFC 768")
    return begin + 8


def _ports(bits: Bits, layer: str, zero: int, source: str) -> None:
    ports = str(bits.number(zero, 16)), str(bits.number(zero + 16, 16))
    bits.add(layer, "Source port", zero, 16, ports[0], "", "Which program on the sending machine.", source)
    bits.add(layer, "Destination port", zero + 16, 16, ports[1], "", _PURPOSE["port"], source)


def _set(flag: int) -> str:
    return "set" if flag else "not set"


_PURPOSE = {
    "port": "Which program on the receiving machine: a server listens on a port that is known.",
    "seq": "The number of the first byte in this segment; SYN and FIN count as a byte each.",
    "ack": "The next byte that the sender of this wants: all before it has arrived.",
    "offset": "How long the header is, in words of 4 bytes: where the data begin.",
    "ae": "For a finer report of congestion; an old experiment (NS) had the bit before.",
    "window": "How many bytes more the sender of this has room for (flow control).",
    "checksum": "Finds damage on the way; network cards fill it in late, so captures may show a wrong one.",
    "urgent": "Where urgent data end, if URG is set.",
}
