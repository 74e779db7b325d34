"""IPv4 and IPv6 headers: who sends to whom, what is carried, and where it begins and ends.

RFC 791 (IPv4), RFC 8200 (IPv6 and its extension headers), RFC 4302 (AH). No fragment is put together, no
checksum is judged: on a loopback interface they are never worked out.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from struct import Struct
from typing import Literal, NamedTuple

from servers.kit.errors import ProtocolError

TCP, UDP = 6, 17
_PORTS = (TCP, UDP)
_V4 = Struct(">BxHHHBB2x4s4s").unpack_from
_V6 = Struct(">IHBB16s16s").unpack_from
_fragment = Struct(">BxHI").unpack_from

FRAGMENT, AUTHENTICATION = 44, 51
EXTENSIONS = {
    0: "hop-by-hop options", 43: "routing", FRAGMENT: "fragment", AUTHENTICATION: "authentication",
    60: "destination options", 135: "mobility", 139: "HIP", 140: "Shim6",
}  # fmt: skip
"""IPv6 headers that may stand before the transport's."""
MOST_EXTENSIONS = 16
"""More of them are no packet that anyone meant to send."""
PROTOCOLS = {1: "ICMP", 2: "IGMP", 47: "GRE", 50: "ESP (encrypted)", 58: "ICMPv6", 59: "nothing", 132: "SCTP"}


class Carried(NamedTuple):
    """What an IP packet carries. ``begin`` and ``end`` are byte offsets in the frame; ``end`` is worked out
    from the IP header and may lie behind what was captured. ``more``: fragments follow."""

    version: Literal[4, 6]
    protocol: int
    source: bytes
    target: bytes
    begin: int
    end: int
    ttl: int
    identification: int | None
    more: bool


def carried(data: bytes, start: int, size: int) -> Carried:
    """The IP packet that begins at ``start`` of a frame whose true length is ``size``.

    Raises ProtocolError, with why it carries no TCP or UDP header that can be read, in words.
    """
    if start >= len(data):
        raise ProtocolError("nothing was captured of its IP header")
    version = data[start] >> 4
    if version == 4:
        return _ipv4(data, start, size)
    if version == 6:
        return _ipv6(data, start, size)
    raise ProtocolError(f"its IP header says version {version}; there are 4 and 6")


def _ipv4(data: bytes, start: int, size: int) -> Carried:
    if len(data) < start + 20:
        raise ProtocolError(f"{len(data) - start} bytes of its IPv4 header were captured, of 20")
    first, total, identification, fragment, ttl, protocol, source, target = _V4(data, start)
    header = (first & 15) * 4
    if not total:  # the network card splits it later, and writes the length then
        total = size - start
    if header < 20 or total < header:
        raise ProtocolError(f"its IPv4 header says {header} bytes of header in a packet of {total}")
    if fragment & 0x1FFF:
        raise ProtocolError("it is a later fragment of an IPv4 datagram: the ports are in the first one")
    return Carried(
        4,
        protocol,
        source,
        target,
        start + header,
        start + total,
        ttl,
        identification,
        bool(fragment & 0x2000),
    )


def _ipv6(data: bytes, start: int, size: int) -> Carried:
    if len(data) < start + 40:
        raise ProtocolError(f"{len(data) - start} bytes of its IPv6 header were captured, of 40")
    _, length, protocol, ttl, source, target = _V6(data, start)
    begin = start + 40
    end = begin + length if length else max(size, begin)  # 0: a jumbogram, or split later by the network card
    if protocol in _PORTS:
        return Carried(6, protocol, source, target, begin, end, ttl, None, False)
    identification, more = None, False
    for _ in range(MOST_EXTENSIONS):
        if protocol not in EXTENSIONS:
            return Carried(6, protocol, source, target, begin, end, ttl, identification, more)
        if len(data) < begin + 8 or end < begin + 8:
            raise ProtocolError("its IPv6 extension headers are cut off")
        following, taken = data[begin], extension_size(protocol, data[begin + 1])
        if protocol == FRAGMENT:
            _, fragment, identification = _fragment(data, begin)
            more = bool(fragment & 1)
            if fragment & 0xFFF8:
                raise ProtocolError(
                    "it is a later fragment of an IPv6 packet: the ports are in the first one"
                )
        begin += taken
        protocol = following
        if begin > end:
            raise ProtocolError("its IPv6 extension headers are longer than the packet")
    raise ProtocolError(f"it has more than {MOST_EXTENSIONS} IPv6 extension headers")


def extension_size(kind: int, units: int) -> int:
    """Bytes of an IPv6 extension header, whose second byte says ``units`` (RFC 8200, 4; RFC 4302, 2.2)."""
    if kind == FRAGMENT:
        return 8
    return (units + 2) * 4 if kind == AUTHENTICATION else (units + 1) * 8


@lru_cache(maxsize=4096)
def address(packed: bytes) -> str:
    """4 or 16 bytes as the sockets write them: ``127.0.0.1``, ``::1``, ``::ffff:127.0.0.1``."""
    if len(packed) == 4:
        return ".".join(map(str, packed))
    if packed[:12] == b"\0" * 10 + b"\xff\xff":
        return f"::ffff:{address(packed[12:])}"
    return str(ipaddress.IPv6Address(packed))


def packed(text: str) -> bytes:
    """The 4 or 16 bytes of an address; without the zone of ``fe80::1%eth0``. Raises ValueError."""
    return ipaddress.ip_address(text.partition("%")[0]).packed
