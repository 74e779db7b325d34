"""The fields of IPv4 (RFC 791) and IPv6 headers (RFC 8200), with options and extension headers."""

from __future__ import annotations

from servers.walk.bits import Bits
from servers.walk.ip import EXTENSIONS, FRAGMENT, MOST_EXTENSIONS, TCP, UDP, address, extension_size
from servers.walk.ip_words import V4, V6

PROTOCOLS = {TCP: "TCP", UDP: "UDP", **EXTENSIONS}
ECN = ("not able to", "able to (1)", "able to (0)", "congestion was met")
_OPTIONS = {0: "end of options", 1: "no operation", 7: "record route", 68: "time stamps", 148: "router alert"}


def ip(bits: Bits, start: int) -> int | None:
    """The fields of the IP header at byte ``start``; where the next header begins, None: not captured."""
    if not bits.has(start * 8, 160):
        return None
    return _ipv4(bits, start) if bits.number(start * 8, 4) == 4 else _ipv6(bits, start)


def _ipv4(bits: Bits, start: int) -> int:
    zero = start * 8
    words = bits.number(zero + 4, 4)
    fragment = bits.number(zero + 51, 13)
    protocol = bits.number(zero + 72, 8)
    for name, bit, width, value, meaning in (
        ("Version", 0, 4, "4", "IPv4"),
        ("Header length", 4, 4, str(words), f"{words * 4} bytes"),
        ("DSCP", 8, 6, str(bits.number(zero + 8, 6)), "ordinary" if not bits.number(zero + 8, 6) else ""),
        ("ECN", 14, 2, str(bits.number(zero + 14, 2)), ECN[bits.number(zero + 14, 2)]),
        ("Total length", 16, 16, f"{bits.number(zero + 16, 16)} bytes", ""),
        ("Identification", 32, 16, f"0x{bits.number(zero + 32, 16):04x}", str(bits.number(zero + 32, 16))),
        ("Reserved bit", 48, 1, str(bits.number(zero + 48, 1)), ""),
        ("Don't fragment", 49, 1, *_yes(bits.number(zero + 49, 1))),
        ("More fragments", 50, 1, *_yes(bits.number(zero + 50, 1))),
        ("Fragment offset", 51, 13, str(fragment), f"{fragment * 8} bytes"),
        ("Time to live", 64, 8, str(bits.number(zero + 64, 8)), "hops"),
        ("Protocol", 72, 8, str(protocol), PROTOCOLS.get(protocol, "")),
        ("Header checksum", 80, 16, f"0x{bits.number(zero + 80, 16):04x}", "not checked here"),
        ("Source address", 96, 32, address(bits.data[start + 12 : start + 16]), ""),
        ("Destination address", 128, 32, address(bits.data[start + 16 : start + 20]), ""),
    ):
        purpose, source = V4[name]
        bits.add("IPv4", name, zero + bit, width, value, meaning, purpose, source)
    end = start + max(20, words * 4)
    if end <= len(bits.data):
        _ipv4_options(bits, start + 20, end)
    return end


def _ipv4_options(bits: Bits, place: int, end: int) -> None:
    while place < end:
        kind = bits.data[place]
        size = 1 if kind < 2 else bits.data[place + 1] if place + 1 < end else 0
        if size < 1 or place + size > end or (kind > 1 and size < 2):
            return
        name = _OPTIONS.get(kind, f"option {kind}")
        value = bits.data[place + 2 : place + size].hex(" ") or str(kind)
        purpose = "What the standard header does not say; seldom used."
        bits.add("IPv4", f"Option: {name}", place * 8, size * 8, value, "", purpose, "RFC 791, 3.1")
        if kind == 0:
            return
        place += size


def _ipv6(bits: Bits, start: int) -> int | None:
    zero = start * 8
    following = bits.number(zero + 48, 8)
    for name, bit, width, value, meaning in (
        ("Version", 0, 4, "6", "IPv6"),
        ("DSCP", 4, 6, str(bits.number(zero + 4, 6)), "ordinary" if not bits.number(zero + 4, 6) else ""),
        ("ECN", 10, 2, str(bits.number(zero + 10, 2)), ECN[bits.number(zero + 10, 2)]),
        ("Flow label", 12, 20, f"0x{bits.number(zero + 12, 20):05x}", ""),
        ("Payload length", 32, 16, f"{bits.number(zero + 32, 16)} bytes", ""),
        ("Next header", 48, 8, str(following), PROTOCOLS.get(following, "")),
        ("Hop limit", 56, 8, str(bits.number(zero + 56, 8)), "hops"),
        ("Source address", 64, 128, address(bits.data[start + 8 : start + 24]), ""),
        ("Destination address", 192, 128, address(bits.data[start + 24 : start + 40]), ""),
    ):
        purpose, source = V6[name]
        if bits.has(zero + bit, width):
            bits.add("IPv6", name, zero + bit, width, value, meaning, purpose, source)
    return _extensions(bits, start + 40, following)


def _extensions(bits: Bits, place: int, kind: int) -> int | None:
    for _ in range(MOST_EXTENSIONS):
        if kind not in EXTENSIONS:
            return place
        if not bits.has(place * 8, 64):
            return None
        layer, following, units = f"IPv6 {EXTENSIONS[kind]}", bits.data[place], bits.data[place + 1]
        size = extension_size(kind, units)
        purpose = "Which header follows this one."
        name = PROTOCOLS.get(following, "")
        bits.add(layer, "Next header", place * 8, 8, str(following), name, purpose, "RFC 8200, 4")
        if kind == FRAGMENT:
            _fragment(bits, layer, place * 8)
        else:
            purpose = "How long this header is: 8 bytes more than this many times 8."
            bits.add(layer, "Length", place * 8 + 8, 8, str(units), f"{size} bytes", purpose, "RFC 8200, 4")
            rest = bits.data[place + 2 : place + size].hex(" ")
            purpose = "What only some packets need; most have no such header."
            bits.add(layer, "Contents", place * 8 + 16, size * 8 - 16, rest, "", purpose, "RFC 8200, 4")
        kind, place = following, place + size
    return None


def _fragment(bits: Bits, layer: str, zero: int) -> None:
    source = "RFC 8200, 4.5"
    offset = bits.number(zero + 16, 13)
    bits.add(layer, "Reserved", zero + 8, 8, str(bits.number(zero + 8, 8)), "", "Not used: zero.", source)
    place = str(offset), f"{offset * 8} bytes", V4["Fragment offset"][0]
    bits.add(layer, "Fragment offset", zero + 16, 13, *place, source)
    bits.add(layer, "Reserved", zero + 29, 2, str(bits.number(zero + 29, 2)), "", "Not used: zero.", source)
    more = _yes(bits.number(zero + 31, 1))
    bits.add(layer, "More fragments", zero + 31, 1, *more, V4["More fragments"][0], source)
    number = bits.number(zero + 32, 32)
    bits.add(layer, "Identification", zero + 32, 32, f"0x{number:08x}", "", V4["Identification"][0], source)


def _yes(bit: int) -> tuple[str, str]:
    return str(bit), "yes" if bit else "no"
