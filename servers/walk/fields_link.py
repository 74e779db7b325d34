"""The fields of a frame's link header: what the network beneath IP adds, or the capture in its place.

Ethernet (IEEE 802.3) with VLAN tags (802.1Q), and what a capture writes where there is no such header: Linux
cooked (SLL, SLL2), the loopback's four bytes, nothing at all. https://www.tcpdump.org/linktypes.html
"""

from __future__ import annotations

from servers.walk.bits import Bits
from servers.walk.link import ETHERNET, LINUX_SLL, LINUX_SLL2, LOOP, NULL, TAGS, family
from servers.walk.packet import Frame

TYPES = {0x0800: "IPv4", 0x86DD: "IPv6", 0x8100: "VLAN tag", 0x88A8: "service VLAN tag", 0x9100: "VLAN tag"}
KINDS = {
    0: "to this machine", 1: "broadcast", 2: "multicast", 3: "to another machine", 4: "sent by this machine",
}  # fmt: skip
_SLL = "tcpdump.org, LINKTYPE_LINUX_SLL"
_SLL2 = "tcpdump.org, LINKTYPE_LINUX_SLL2"


def link(bits: Bits, frame: Frame, start: int) -> None:
    """The fields before the IP header, which begins at byte ``start``."""
    if frame.link == ETHERNET and start >= 14:
        _ethernet(bits, start)
    elif frame.link == LINUX_SLL and start >= 16:
        _cooked(bits, start)
    elif frame.link == LINUX_SLL2 and start >= 20:
        _cooked_2(bits, start)
    elif frame.link in (NULL, LOOP) and start == 4:
        number, version = family(bits.data)
        bits.add(
            "Loopback", "Address family", 0, 32, str(number), f"IPv{version}",
            "Takes the place of a link header on a loopback interface of BSD and macOS.",
            "tcpdump.org, LINKTYPE_NULL",
        )  # fmt: skip


def _ethernet(bits: Bits, start: int) -> None:
    to, by = _mac(bits, 0), _mac(bits, 48)
    loopback = "all zero: a loopback interface has no hardware address" if to == by == _ZERO else ""
    target = "everyone on this network (broadcast)" if to == "ff:ff:ff:ff:ff:ff" else loopback
    bits.add("Ethernet", "Destination", 0, 48, to, target, _PURPOSE["to"], "IEEE 802.3, 3.2.3")
    bits.add("Ethernet", "Source", 48, 48, by, loopback, _PURPOSE["from"], "IEEE 802.3, 3.2.3")
    _types(bits, "Ethernet", 96, start * 8, "IEEE 802.3, 3.2.6")


def _types(bits: Bits, layer: str, bit: int, end: int, source: str) -> None:
    """The type of what follows, and the VLAN tags that stand before it."""
    kind = bits.number(bit, 16)
    bits.add(layer, "Type", bit, 16, f"0x{kind:04x}", TYPES.get(kind, ""), _PURPOSE["type"], source)
    bit = end - 32 * ((end - bit - 16) // 32)
    while kind in TAGS and bit + 32 <= end and bits.has(bit, 32):
        tag = "IEEE 802.1Q, 9.6"
        bits.add("VLAN", "Priority", bit, 3, str(bits.number(bit, 3)), "", _PURPOSE["pcp"], tag)
        drop = bits.number(bit + 3, 1)
        bits.add(
            "VLAN", "May be dropped", bit + 3, 1, str(drop), "yes" if drop else "no", _PURPOSE["dei"], tag
        )
        number = str(bits.number(bit + 4, 12))
        bits.add("VLAN", "Network", bit + 4, 12, number, "", _PURPOSE["vid"], tag)
        kind = bits.number(bit + 16, 16)
        bits.add("VLAN", "Type", bit + 16, 16, f"0x{kind:04x}", TYPES.get(kind, ""), _PURPOSE["type"], tag)
        bit += 32


def _cooked(bits: Bits, start: int) -> None:
    layer = "Linux cooked"
    kind, size = bits.number(0, 16), min(8, bits.number(32, 16))
    bits.add(layer, "Packet type", 0, 16, str(kind), KINDS.get(kind, ""), _PURPOSE["kind"], _SLL)
    bits.add(layer, "Hardware type", 16, 16, *_hardware(bits.number(16, 16)), _PURPOSE["arphrd"], _SLL)
    bits.add(layer, "Address length", 32, 16, f"{bits.number(32, 16)} bytes", "", _PURPOSE["size"], _SLL)
    bits.add(layer, "Sender's address", 48, 64, _mac(bits, 48, size) or "none", "", _PURPOSE["from"], _SLL)
    _types(bits, layer, 112, start * 8, _SLL)


def _cooked_2(bits: Bits, start: int) -> None:
    layer = "Linux cooked"
    kind, size = bits.number(80, 8), min(8, bits.number(88, 8))
    protocol = bits.number(0, 16)
    bits.add(layer, "Type", 0, 16, f"0x{protocol:04x}", TYPES.get(protocol, ""), _PURPOSE["type"], _SLL2)
    bits.add(layer, "Reserved", 16, 16, str(bits.number(16, 16)), "", "Not used: zero.", _SLL2)
    interface = str(bits.number(32, 32))
    bits.add(layer, "Interface", 32, 32, interface, "", "Which of the machine's interfaces it was.", _SLL2)
    bits.add(layer, "Hardware type", 64, 16, *_hardware(bits.number(64, 16)), _PURPOSE["arphrd"], _SLL2)
    bits.add(layer, "Packet type", 80, 8, str(kind), KINDS.get(kind, ""), _PURPOSE["kind"], _SLL2)
    bits.add(layer, "Address length", 88, 8, f"{bits.number(88, 8)} bytes", "", _PURPOSE["size"], _SLL2)
    bits.add(layer, "Sender's address", 96, 64, _mac(bits, 96, size) or "none", "", _PURPOSE["from"], _SLL2)


def _hardware(number: int) -> tuple[str, str]:
    return str(number), {1: "Ethernet", 772: "loopback", 801: "Wi-Fi", 65534: "none"}.get(number, "")


def _mac(bits: Bits, bit: int, size: int = 6) -> str:
    return bits.data[bit // 8 : bit // 8 + size].hex(":")


_ZERO = "00:00:00:00:00:00"
_PURPOSE = {
    "to": "The network card that is to take the frame; a switch sends it there.",
    "from": "The network card that sent the frame.",
    "type": "Which protocol's header follows.",
    "pcp": "How urgent the frame is, from 0 to 7.",
    "dei": "Whether it may go first where there is too much traffic.",
    "vid": "Which of several networks on one cable the frame belongs to.",
    "kind": "How the packet came by: added by the capture, it was not on the wire.",
    "arphrd": "What kind of interface it was captured on.",
    "size": "How many bytes of the address that follows count.",
}
