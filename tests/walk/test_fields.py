"""Header fields: every bit belongs to one; cut frames and wrong lengths."""

from __future__ import annotations

import random
import struct

import msgspec
import pytest

from servers.walk.fields import fields
from servers.walk.link import decode
from servers.walk.packet import Frame, Packet
from servers.walk.rows import Field, Row
from tests.walk.talk import Talk, rows_of
from tests.walk.test_tracker import datagram
from tests.walk.tools import frame_of


def frame(packet: Packet, link: int = 1, head: bytes | None = None) -> Frame:
    """The packet in a frame; ``head`` in place of the Ethernet header."""
    data = frame_of(packet)
    data = data if head is None else head + data[14:]
    return Frame(packet.number, packet.t, link, data, len(data))


def described(found: Frame, row: Row | None = None) -> list[Field]:
    return fields(read(found), found, row)


def read(found: Frame) -> Packet:
    packet = decode(found)
    assert packet
    return packet


def syn() -> Packet:
    return Talk().c("S", 0, mss=1460, scale=7, sack_permitted=True, tsval=5, tsecr=0)


HEADS = {
    "Ethernet": (1, None),
    "a VLAN tag": (1, bytes(12) + b"\x81\x00\x60\x2a\x08\x00"),
    "two VLAN tags": (1, bytes(12) + b"\x88\xa8\x00\x01\x81\x00\x60\x2a\x08\x00"),
    "Linux cooked": (113, struct.pack(">HHH8sH", 0, 772, 6, bytes(8), 0x0800)),
    "Linux cooked, version 2": (276, struct.pack(">HHIHBB8s", 0x0800, 0, 1, 772, 4, 6, bytes(8))),
    "loopback, little-endian": (0, b"\2\0\0\0"),
    "loopback, big-endian": (108, b"\0\0\0\2"),
    "raw IP": (101, b""),
}


@pytest.mark.parametrize(("link", "head"), HEADS.values(), ids=HEADS.keys())
def test_every_bit_belongs_to_one_field(link: int, head: bytes | None) -> None:
    for packet in (syn(), Talk().c("P.", 1, 1, b"hello", sack=((1, 2), (3, 4))), datagram(b"Ping")):
        found = frame(packet, link, head)
        bit = 0
        for field in described(found):
            assert field.bit == bit, field
            assert field.value
            assert field.purpose
            assert field.source
            bit += field.bits
        assert bit == len(found.data) * 8


def test_values_are_told_in_words_beside_the_numbers() -> None:
    talk = Talk().opened(scale=7)
    talk.c("P.", 1, 1, b"hello")
    packet, row = talk.packets[-1], talk.rows()[-1]
    found = {field.name: field for field in described(frame(packet), row)}
    assert found["Sequence number"].value == str(packet.seq)
    assert found["Sequence number"].meaning == "relative 1"
    assert found["Acknowledgement number"].meaning == "relative 1"
    assert (found["Window"].value, found["Window"].meaning) == ("1000", "128000 bytes with its scale")
    assert (found["PSH"].value, found["PSH"].meaning) == ("1", "set")
    assert (found["Data offset"].value, found["Data offset"].meaning) == ("5", "20 bytes")
    assert (found["Protocol"].value, found["Protocol"].meaning) == ("6", "TCP")
    assert found["Source address"].value == "10.0.0.1"
    assert found["Payload"].value == "5 bytes"


def test_a_syns_acknowledgement_number_is_not_in_force() -> None:
    packet = syn()
    found = {field.name: field for field in described(frame(packet), rows_of([packet])[0])}
    assert found["Acknowledgement number"].meaning.startswith("not in force")
    assert found["Option: Window scale"].meaning == "multiply by 128"
    assert found["Option: Maximum segment size"].value == "1460"
    assert found["Option: Time stamps, sent"].value == "5"


def test_ipv6_with_extension_headers() -> None:
    packet = msgspec.structs.replace(
        Talk().c("P.", 1, 1, b"hello"), version=6, source="::1", target="fe80::2"
    )
    data = frame_of(packet)
    extensions = bytes((60, 0)) + bytes(6) + bytes((44, 0)) + bytes(6) + struct.pack(">BBHI", 6, 0, 0, 77)
    length = struct.pack(">H", len(data) - 54 + len(extensions))
    whole = data[:18] + length + b"\0" + data[21:54] + extensions + data[54:]
    found = described(Frame(1, 1.0, 1, whole, len(whole)))
    assert [field.layer for field in found if field.name == "Next header"] == [
        "IPv6", "IPv6 hop-by-hop options", "IPv6 destination options", "IPv6 fragment",
    ]  # fmt: skip
    assert sum(field.bits for field in found) == len(whole) * 8
    named = {field.name: field.value for field in found}
    assert (named["Destination address"], named["Identification"]) == ("fe80::2", "0x0000004d")


@pytest.mark.parametrize("seed", range(5))
def test_no_frame_is_too_short_or_too_odd(seed: int) -> None:
    """Whatever the bytes are: no error, no field behind the end, none over another."""
    rng = random.Random(seed)
    for link, head in HEADS.values():
        good = frame(syn() if seed % 2 else datagram(b"Ping" * 9), link, head)
        for _ in range(60):
            data = bytearray(good.data)
            for _ in range(rng.randrange(6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            kept = bytes(data[: rng.randrange(len(data) + 1)])
            odd = Frame(1, 1.0, link, kept, rng.choice((len(data), len(kept), 99999)))
            packet = decode(odd)
            if packet:
                found = fields(packet, odd)
                ends = [field.bit + field.bits for field in found]
                assert all(end <= len(kept) * 8 for end in ends)
                assert all(field.bit >= end for field, end in zip(found[1:], ends, strict=False)), found


def test_options_that_cannot_be_right_are_told_as_bytes_or_left() -> None:
    data = bytearray(frame_of(syn()))
    data[54 + 1] = 5  # a maximum segment size of five bytes
    found = described(Frame(1, 1.0, 1, bytes(data), len(data)))
    assert any("not a length" in field.value for field in found)
    data[54 + 1] = 0
    found = described(Frame(1, 1.0, 1, bytes(data), len(data)))
    assert not any(field.name.startswith("Option") for field in found)
