"""From a captured frame to the TCP segment or UDP datagram in it.

A frame begins with a header of its link, and each kind of link has its own: the numbers are those of
https://www.tcpdump.org/linktypes.html. What is not understood is told in words; nothing here raises.
"""

from __future__ import annotations

from struct import Struct

from servers.kit.errors import ProtocolError
from servers.walk.ip import PROTOCOLS, TCP, UDP, Carried, address, carried
from servers.walk.packet import Frame, Packet
from servers.walk.segment import options, tcp, udp

NULL, ETHERNET, RAW, LOOP, LINUX_SLL, IPV4, IPV6, LINUX_SLL2 = 0, 1, 101, 108, 113, 228, 229, 276
LINKS = {
    NULL: "BSD loopback", ETHERNET: "Ethernet", 12: "raw IP", 14: "raw IP", RAW: "raw IP",
    LOOP: "OpenBSD loopback", LINUX_SLL: "Linux cooked", IPV4: "raw IPv4", IPV6: "raw IPv6",
    LINUX_SLL2: "Linux cooked, version 2",
}  # fmt: skip
"""The kinds of link that are read."""

_BARE = {12, 14, RAW, IPV4, IPV6}
_TYPE_AT = {ETHERNET: 12, LINUX_SLL: 14, LINUX_SLL2: 0}
_HEADER = {ETHERNET: 14, LINUX_SLL: 16, LINUX_SLL2: 20}
_FAMILIES = {2: 4, 10: 6, 23: 6, 24: 6, 28: 6, 30: 6}
"""The address family in a loopback header; IPv6 has another number on each system."""
_IP = {0x0800, 0x86DD}
TAGS = {0x8100, 0x88A8, 0x9100}
"""VLAN tags (802.1Q, 802.1ad)."""
MOST_TAGS = 4
"""Of them that are stepped over."""
_TYPES = {0x0806: "ARP", 0x88CC: "LLDP", 0x8863: "PPPoE", 0x8864: "PPPoE", 0x8847: "MPLS", 0x888E: "802.1X"}
_short = Struct(">H").unpack_from


def decode(frame: Frame) -> Packet | None:
    """The TCP segment or UDP datagram in a frame; None: there is none that can be read, see ``why_not``."""
    try:
        return _decode(frame)
    except ProtocolError:
        return None


def why_not(frame: Frame) -> str:
    """Why ``decode`` gives None, in words: ``it carries ICMP``. Empty where it does not."""
    try:
        _decode(frame)
    except ProtocolError as why:
        return str(why)
    return ""


def network(link: int, data: bytes) -> int:
    """Where the IP header begins in a frame. Raises ProtocolError where there is none."""
    if link in _BARE:
        return 0
    if link in (NULL, LOOP):
        family(data)
        return 4
    if link not in _HEADER:
        raise ProtocolError(f"link type {link} is not one that is read here")
    at, start = _TYPE_AT[link], _HEADER[link]
    if len(data) < start:
        raise ProtocolError(f"{len(data)} bytes of its {LINKS[link]} header were captured, of {start}")
    kind: int = _short(data, at)[0]
    for _ in range(MOST_TAGS):
        if kind not in TAGS:
            break
        if len(data) < start + 4:
            raise ProtocolError("its VLAN tag is cut off")
        kind, start = _short(data, start + 2)[0], start + 4
    if kind in _IP:
        return start
    raise ProtocolError(f"it carries {_TYPES.get(kind, f'type 0x{kind:04x}')}, not IP")


def family(data: bytes) -> tuple[int, int]:
    """The address family in a loopback header, and the version of IP that it stands for.

    It is in the byte order of the machine that captured. Raises ProtocolError.
    """
    if len(data) < 4:
        raise ProtocolError("its loopback header is cut off")
    for order in ("little", "big"):
        number = int.from_bytes(data[:4], order)
        if number in _FAMILIES:
            return number, _FAMILIES[number]
    raise ProtocolError(f"its loopback header says family {data[:4].hex()}, not IPv4 or IPv6")


def transport(data: bytes, start: int, size: int) -> Carried:
    """The IP packet with TCP or UDP that begins at ``start``. Raises ProtocolError where there is none."""
    found = carried(data, start, size)
    if found.protocol != TCP and found.protocol != UDP:
        name = PROTOCOLS.get(found.protocol, f"IP protocol {found.protocol}")
        raise ProtocolError(f"it carries {name}, not TCP or UDP")
    return found


def _decode(frame: Frame) -> Packet:
    data, start = frame.data, network(frame.link, frame.data)
    ip = transport(data, start, frame.size)
    if ip.protocol == UDP:
        head = udp(data, ip)
        payload = data[ip.begin + 8 : ip.begin + 8 + min(head.length, ip.end - ip.begin - 8)]
        return Packet(
            number=frame.number, t=frame.t, version=ip.version, transport="udp",
            source=address(ip.source), source_port=head.source, target=address(ip.target),
            target_port=head.target, length=head.length, payload=payload, cut=len(payload) < head.length,
            fragmented=ip.more, ttl=ip.ttl, identification=ip.identification, start=start,
        )  # fmt: skip
    segment = tcp(data, ip)
    payload = data[segment.begin : segment.begin + segment.length]
    more = options(data[ip.begin + 20 : segment.begin])
    return Packet(
        number=frame.number, t=frame.t, version=ip.version, transport="tcp",
        source=address(ip.source), source_port=segment.source, target=address(ip.target),
        target_port=segment.target, length=segment.length, payload=payload,
        cut=len(data) < segment.begin + segment.length, fragmented=ip.more,
        flags=segment.flags, seq=segment.seq, ack=segment.ack, window=segment.window, mss=more.mss,
        scale=more.scale, sack_permitted=more.sack_permitted, sack=more.sack, tsval=more.tsval,
        tsecr=more.tsecr, ttl=ip.ttl, identification=ip.identification, start=start,
    )  # fmt: skip
