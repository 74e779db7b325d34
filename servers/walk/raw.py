"""From a segment or datagram back to a frame: IP and TCP or UDP headers, with checksums. Link type raw IP.

For what never was on a wire in this shape: packets that were worked out from socket events.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

import msgspec

from servers.walk.ip import TCP, UDP, packed
from servers.walk.link import RAW
from servers.walk.packet import FIN, PSH, Frame, Packet

MOST = 65_000
"""Bytes of payload in a frame: an IP packet has 65,535 at the most, with its headers."""
TTL = 64
_v4 = Struct(">BBHHHBBH4s4s").pack
_v6 = Struct(">IHBB16s16s").pack
_tcp = Struct(">HHIIBBHHH").pack
_udp = Struct(">HHHH").pack
_DO_NOT_FRAGMENT = 0x4000


def frames(packet: Packet, comment: str = "") -> list[Frame]:
    """The frames that carry a packet: one, or more where it has more payload than an IP packet takes.

    Raises ValueError where its addresses are none of IP, or a datagram is longer than any can be.
    """
    if packet.transport == "udp" and packet.length > 65_507:
        raise ValueError(f"a UDP datagram has 65,507 bytes of payload at the most, not {packet.length:,}")
    return [_frame(piece, comment) for piece in _pieces(packet)]


def _pieces(packet: Packet) -> Iterator[Packet]:
    """TCP: the same bytes in several segments. What closes or pushes goes with the last."""
    if packet.transport == "udp" or packet.length <= MOST:
        yield packet
        return
    for at in range(0, packet.length, MOST):
        left = packet.length - at
        yield msgspec.structs.replace(
            packet, seq=(packet.seq + at) % 2**32, length=min(left, MOST),
            payload=packet.payload[at : at + MOST],
            flags=packet.flags if left <= MOST else packet.flags & ~(FIN | PSH),
        )  # fmt: skip


def _frame(packet: Packet, comment: str) -> Frame:
    source, target = packed(packet.source), packed(packet.target)
    if len(source) != len(target):
        raise ValueError(f"{packet.source} and {packet.target} are of different IP versions")
    make, protocol = (_segment, TCP) if packet.transport == "tcp" else (_datagram, UDP)
    rest = packet.length - len(packet.payload)
    bare = make(packet, 0)
    size = len(bare) + rest
    if not rest:  # else there is none to be worked out
        pseudo = source + target + size.to_bytes(4, "big") + protocol.to_bytes(4, "big")
        checksum = _sum(pseudo + bare)
        bare = make(packet, checksum or 0xFFFF if protocol == UDP else checksum)  # 0 means none: RFC 768
    head = _ipv4(packet, protocol, size, source, target) if len(source) == 4 else b""
    head = head or _v6(6 << 28, size, protocol, packet.ttl or TTL, source, target)
    return Frame(packet.number, packet.t, RAW, head + bare, len(head) + size, comment)


def _ipv4(packet: Packet, protocol: int, size: int, source: bytes, target: bytes) -> bytes:
    identification, ttl = packet.identification or 0, packet.ttl or TTL
    fields = (0x45, 0, 20 + size, identification, _DO_NOT_FRAGMENT, ttl, protocol)
    return _v4(*fields, _sum(_v4(*fields, 0, source, target)), source, target)


def _segment(packet: Packet, checksum: int) -> bytes:
    options = _options(packet)
    offset = (20 + len(options)) // 4 << 4
    return _tcp(
        packet.source_port, packet.target_port, packet.seq, packet.ack, offset, packet.flags & 0xFF,
        packet.window, checksum, 0,
    ) + options + packet.payload  # fmt: skip


def _datagram(packet: Packet, checksum: int) -> bytes:
    return _udp(packet.source_port, packet.target_port, 8 + packet.length, checksum) + packet.payload


def _options(packet: Packet) -> bytes:
    """The TCP options, filled up with «no operation» to words of four bytes."""
    said = b""
    if packet.mss is not None:
        said += b"\x02\x04" + packet.mss.to_bytes(2, "big")
    if packet.sack_permitted:
        said += b"\x04\x02"
    if packet.tsval is not None:
        said += b"\x08\x0a" + packet.tsval.to_bytes(4, "big") + (packet.tsecr or 0).to_bytes(4, "big")
    if packet.scale is not None:
        said += b"\x03\x03" + packet.scale.to_bytes(1, "big")
    edges = packet.sack[: (38 - len(said)) // 8]
    if edges:
        said += b"\x05" + (2 + 8 * len(edges)).to_bytes(1, "big")
        said += b"".join(edge.to_bytes(4, "big") for pair in edges for edge in pair)
    return b"\x01" * (-len(said) % 4) + said


def _sum(data: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    return 0xFFFF - (int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF or 0xFFFF)
