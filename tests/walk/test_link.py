"""From frames to segments and datagrams: every kind of link, both versions of IP, and what is no packet."""

from __future__ import annotations

import struct
from itertools import product
from typing import Any

import pytest

from servers.walk import raw
from servers.walk.link import LINKS, decode, why_not
from servers.walk.packet import SYN, Frame, Packet
from servers.walk.segment import options
from servers.walk.tracker import Tracker
from tests.walk.files import (
    ETHERNET,
    IPV4,
    IPV6,
    LOOP,
    NULL,
    RAW,
    SLL,
    SLL2,
    headers,
    ip_of,
    packet,
)  # fmt: skip

ANY = [
    (link, version)
    for link, version in product(LINKS, (4, 6))
    if (link, version) not in ((IPV4, 6), (IPV6, 4))
]


def frame(data: bytes, link: int = RAW, size: int | None = None) -> Frame:
    return Frame(1, 1_700_000_000.5, link, data, len(data) if size is None else size)


def moved(wanted: Packet, start: int) -> Packet:
    return Packet(**{name: getattr(wanted, name) for name in wanted.__struct_fields__} | {"start": start})


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("link", "version"), ANY)
def test_every_kind_of_link_gives_the_same_packet(link: int, version: int, transport: str) -> None:
    wanted = packet(version=version, transport=transport)
    for header in headers(link, version):
        data = header + ip_of(wanted)
        assert decode(frame(data, link)) == moved(wanted, len(header)), header.hex()
        assert decode(frame(data + bytes(18), link)) == moved(wanted, len(header)), "a padded frame"
        assert why_not(frame(data, link)) == ""


@pytest.mark.parametrize("version", [4, 6])
def test_tcp_options(version: int) -> None:
    said: dict[str, Any] = {
        "mss": 1460,
        "scale": 7,
        "sack_permitted": True,
        "tsval": 10,
        "tsecr": 4_000_000_000,
    }
    for names in ([], ["mss"], ["tsval", "tsecr"], list(said)):
        wanted = packet(version=version, flags=SYN, payload=b"", **{name: said[name] for name in names})
        assert decode(frame(ip_of(wanted))) == wanted
    wanted = packet(version=version, sack=((1, 2), (3, 4), (5, 2**32 - 1)), tsval=1, tsecr=2)
    assert decode(frame(ip_of(wanted))) == wanted


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", {}),
        ("0101010100000000020405b4", {}),  # nothing behind the end of the list counts
        ("020405b4", {"mss": 1460}),
        ("020305b4", {}),  # an MSS of one byte is none
        ("020405", {}),
        ("02", {}),
        ("0200020405b4", {}),  # a length of 0 would never come to an end
        ("0201020405b4", {}),
        ("1c0401ff020405b4", {"mss": 1460}),  # user time-out, not read
        ("0303ff", {"scale": 14}),
        ("05020402", {"sack_permitted": True}),
        ("0509010203040506070402", {"sack_permitted": True}),
        ("080a0000000100000002", {"tsval": 1, "tsecr": 2}),
        ("0101080a0000000100000002", {"tsval": 1, "tsecr": 2}),
    ],
)
def test_tcp_options_that_make_no_sense_are_left_out(data: str, said: dict[str, Any]) -> None:
    found = options(bytes.fromhex(data))
    assert {name: value for name, value in found._asdict().items() if value not in (None, False, ())} == said


def test_the_length_is_the_ip_headers_and_what_was_not_captured_is_cut() -> None:
    data = ip_of(packet(payload=b"0123456789"))
    found = decode(frame(data[:-4], size=len(data)))
    assert found
    assert (found.length, found.payload, found.cut) == (10, b"012345", True)
    found = decode(frame(data[:36], size=len(data)))
    assert found, "16 bytes of a TCP header hold all but checksum and urgent pointer"
    assert (found.length, found.payload, found.cut, found.window) == (10, b"", True, 512)
    data = ip_of(packet(transport="udp", payload=b"0123456789"))
    found = decode(frame(data[:-4], size=len(data)))
    assert found
    assert (found.length, found.payload, found.cut) == (10, b"012345", True)


@pytest.mark.parametrize("version", [4, 6])
def test_a_length_of_zero_was_left_to_the_network_card_and_is_the_frames(version: int) -> None:
    data = bytearray(ip_of(packet(version=version)))
    at = 2 if version == 4 else 4
    data[at : at + 2] = b"\0\0"
    found = decode(frame(bytes(data)))
    assert found
    assert found.payload == b"hello"


def test_a_udp_length_of_zero_is_that_of_a_jumbogram() -> None:
    data = bytearray(ip_of(packet(transport="udp")))
    data[24:26] = b"\0\0"
    assert decode(frame(bytes(data))) == packet(transport="udp")


def test_ipv4_options_are_stepped_over() -> None:
    data = bytearray(ip_of(packet()))
    data[0] = 0x46
    data[2:4] = (len(data) + 4).to_bytes(2, "big")
    found = decode(frame(bytes(data[:20]) + b"\x94\x04\0\0" + bytes(data[20:])))
    assert found == packet()


def extended(*chain: tuple[int, bytes], payload: bytes = b"hello") -> bytes:
    """An IPv6 packet whose extension headers are of these types; each has its bytes behind the first."""
    bare = ip_of(packet(version=6, payload=payload))
    kinds = [kind for kind, _ in chain] + [6]
    body = (
        b"".join(bytes([after]) + rest for after, (_, rest) in zip(kinds[1:], chain, strict=True)) + bare[40:]
    )
    return bare[:4] + struct.pack(">HB", len(body), kinds[0]) + bare[7:40] + body


@pytest.mark.parametrize(
    "chain",
    [
        [(0, bytes(7))],
        [(43, bytes(7)), (60, b"\1" + bytes(14)), (135, bytes(7))],
        [(51, b"\4" + bytes(22))],
        [(0, bytes(7))] * 15,
    ],
)
def test_ipv6_extension_headers_are_stepped_over(chain: list[tuple[int, bytes]]) -> None:
    assert decode(frame(extended(*chain))) == packet(version=6)


def test_fragments() -> None:
    whole = packet(transport="udp", payload=b"x" * 100)
    data = bytearray(ip_of(whole))
    data[2:4] = (20 + 8 + 60).to_bytes(2, "big")
    data[6:8] = b"\x20\x00"
    found = decode(frame(bytes(data[:88])))
    assert found, "the first fragment has the ports, and UDP's length that of all"
    assert (found.length, len(found.payload), found.cut, found.fragmented) == (100, 60, True, True)
    row = Tracker("", "").feed(found)
    assert row.why.startswith("Only 60 of its 100 bytes are in it. IP has cut this packet")
    assert "RFC 791, 3.2" in row.why
    data[6:8] = b"\x00\x08"
    assert "fragment" in why_not(frame(bytes(data)))
    first, later = (44, b"\0\0\1\0\0\0\x2a"), (44, b"\0\0\x09\0\0\0\x2a")
    found = decode(frame(extended(first)))
    assert found
    assert found.identification == 42
    assert "RFC 8200, 4.5" in Tracker("", "").feed(found).why
    assert "fragment" in why_not(frame(extended(later)))


def patched(data: bytes, at: int, value: str) -> bytes:
    change = bytes.fromhex(value)
    return data[:at] + change + data[at + len(change) :]


V4, V6, DATAGRAM = ip_of(packet()), ip_of(packet(version=6)), ip_of(packet(transport="udp"))


@pytest.mark.parametrize(
    ("link", "data", "words"),
    [
        (RAW, b"", "nothing was captured"),
        (RAW, V4[:19], "19 bytes of its IPv4 header"),
        (RAW, V6[:39], "39 bytes of its IPv6 header"),
        (RAW, V4[:35], "15 bytes of its TCP header"),
        (RAW, V4[:20], "0 bytes of its TCP header"),
        (RAW, DATAGRAM[:25], "5 bytes of its UDP header"),
        (RAW, patched(V4, 0, "55"), "version 5"),
        (RAW, patched(V4, 0, "44"), "16 bytes of header"),
        (RAW, patched(V4, 2, "0013"), "in a packet of 19"),
        (RAW, patched(V4, 9, "01"), "ICMP"),
        (RAW, patched(V4, 9, "fe"), "IP protocol 254"),
        (RAW, patched(V6, 6, "3a"), "ICMPv6"),
        (RAW, patched(V6, 6, "32"), "encrypted"),
        (RAW, patched(V4, 32, "40"), "16 bytes of header"),
        (RAW, patched(V4, 32, "f0"), "60 bytes of header in 25"),
        (RAW, patched(DATAGRAM, 24, "0007"), "7 bytes"),
        (RAW, extended(*[(0, bytes(7))] * 17), "more than 16"),
        (RAW, extended((0, b"\xff" + bytes(6))), "longer than the packet"),
        (RAW, extended((0, bytes(7)))[:44], "cut off"),
        (ETHERNET, bytes(13), "13 bytes of its Ethernet header"),
        (ETHERNET, bytes(12) + b"\x08\x06" + bytes(28), "ARP"),
        (ETHERNET, bytes(12) + b"\x12\x34", "0x1234"),
        (ETHERNET, bytes(12) + b"\x81\x00\0", "VLAN tag is cut off"),
        (ETHERNET, bytes(12) + b"\x81\x00\0\1" * 5 + b"\x08\0" + V4, "0x8100"),
        (SLL, bytes(15), "of 16"),
        (SLL2, bytes(19), "of 20"),
        (NULL, b"\2\0\0", "cut off"),
        (LOOP, b"\1\0\0\0" + V4, "family 01000000"),
        (147, V4, "link type 147"),
    ],
)
def test_what_is_no_packet_says_why(link: int, data: bytes, words: str) -> None:
    assert decode(frame(data, link)) is None
    assert words in why_not(frame(data, link))


def test_any_beginning_of_a_frame_is_a_packet_or_says_why() -> None:
    for whole in (V4, V6, DATAGRAM, extended((0, bytes(7)), (44, bytes(7)), (51, b"\4" + bytes(22)))):
        for size in range(len(whole)):
            found = decode(frame(whole[:size], size=len(whole)))
            assert (found is None) == bool(why_not(frame(whole[:size], size=len(whole))))
            assert found is None or found.cut


def test_a_packet_longer_than_an_ip_packet_is_several_segments() -> None:
    wanted = packet(payload=bytes(150_000), seq=2**32 - 10)
    found = [decode(each) for each in raw.frames(wanted)]
    assert [(p.seq, p.length, p.flags) for p in found if p] == [
        (2**32 - 10, 65_000, 16), (64_990, 65_000, 16), (129_990, 20_000, 24),
    ]  # fmt: skip
