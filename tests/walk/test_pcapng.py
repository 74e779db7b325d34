"""pcapng: sections, interfaces, every packet block, times, comments, files that grow, files that lie."""

from __future__ import annotations

import io
import struct

import pytest

from servers.kit.errors import ProtocolError
from servers.walk import pcapng
from servers.walk.packet import Frame
from servers.walk.pcapng import INTERFACES, PcapngReader
from servers.walk.reading import BLOCK, KEPT, LATEST
from tests.walk.files import ETHERNET, RAW, block, enhanced, interface, option, section, until_trouble

TICKS = 1_700_000_000_250_000
"""Microseconds."""


def all_of(data: bytes) -> list[Frame]:
    return [frame for _, frame in PcapngReader(io.BytesIO(data)).read()]


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_three_kinds_of_packets(order: str) -> None:
    head = struct.pack(order + "HHIIII", 1, 65535, TICKS >> 32, TICKS & 0xFFFFFFFF, 5, 1500)
    found = all_of(
        section(order) + interface(RAW, order, kept=4) + interface(ETHERNET, order)
        + enhanced(b"first", TICKS, order, index=1, size=99)
        + block(2, head + b"older\0\0\0", order)
        + block(3, struct.pack(order + "I", 9) + b"simp", order)
    )  # fmt: skip
    assert found == [
        Frame(1, 1_700_000_000.25, ETHERNET, b"first", 99),
        Frame(2, 1_700_000_000.25, ETHERNET, b"older", 1500),
        Frame(3, 1_700_000_000.25, RAW, b"simp", 9),  # four bytes are kept; it has no time: the last one's
    ]


def test_a_simple_packet_that_was_kept_whole_ends_before_its_padding() -> None:
    data = section() + interface() + block(3, struct.pack("<I", 5) + b"hello")
    assert [frame.data for frame in all_of(data)] == [b"hello"]


def test_a_section_has_a_byte_order_and_interfaces_of_its_own() -> None:
    first = section("<", option(1, b"one")) + interface(RAW) + enhanced(b"a")
    second = section(">", option(1, b"two", ">") + option(4, b"dumpcap", ">")) + interface(ETHERNET, ">")
    reader = PcapngReader(io.BytesIO(first + second + enhanced(b"b", order=">") + first))
    assert [(frame.link, frame.data) for _, frame in reader.read()] == [
        (RAW, b"a"),
        (ETHERNET, b"b"),
        (RAW, b"a"),
    ]
    assert reader.comments == ["one", "two", "one"]
    with pytest.raises(ProtocolError, match="interface 1, of which nothing was said"):
        all_of(first + interface(RAW) + section() + interface() + enhanced(b"c", index=1))


@pytest.mark.parametrize(
    ("options", "ticks", "t"),
    [
        (b"", 1_500_000, 1.5),
        (option(9, b"\x09"), 1_500_000_000, 1.5),
        (option(9, b"\x03"), 1500, 1.5),
        (option(9, b"\x00"), 7, 7.0),
        (option(9, b"\x82"), 6, 1.5),
        (option(9, b"\x7f"), 2**64 - 1, 0.0),
        (option(9, b"\xff"), 2**64 - 1, 0.0),
        (option(14, struct.pack("<q", 100)), 1_500_000, 101.5),
        (option(14, struct.pack("<q", -100)), 1_500_000, 0.0),
        (option(14, struct.pack("<q", 2**63 - 1)), 1_500_000, LATEST),
        (option(9, b"\x00"), 2**64 - 1, LATEST),
        (option(9, b""), 1_500_000, 1.5),
    ],
)
def test_times(options: bytes, ticks: int, t: float) -> None:
    found = all_of(section() + interface(options=options) + enhanced(b"x", ticks))
    assert [frame.t for frame in found] == pytest.approx([t])


def test_names_and_comments() -> None:
    said = option(2, b"eth0") + option(1, "für Ada".encode()) + option(0, b"") + option(2, b"not this")
    comments = option(1, b"one") + option(4, b"x") + option(1, b"two \xff") + option(0, b"")
    reader = PcapngReader(
        io.BytesIO(section() + interface(options=said) + enhanced(b"abc", options=comments))
    )
    assert [frame.comment for _, frame in reader.read()] == ["one\ntwo \N{REPLACEMENT CHARACTER}"]
    assert [each.name for each in reader.interfaces] == ["eth0"]


def test_other_blocks_are_stepped_over() -> None:
    others = block(4, bytes(8)) + block(5, bytes(20)) + block(0xBAD, b"own") + block(0x0A, bytes(100_000))
    assert [frame.data for frame in all_of(section() + others + interface() + others + enhanced(b"x"))] == [
        b"x"
    ]


def test_each_frame_comes_with_the_place_of_its_data() -> None:
    data = (
        section() + interface() + enhanced(b"first") + block(3, struct.pack("<I", 6) + b"second") + section()
    )
    for place, frame in PcapngReader(io.BytesIO(data)).read():
        assert data[place : place + len(frame.data)] == frame.data


def test_a_file_that_grows_byte_by_byte_gives_each_frame_once() -> None:
    data = section(">") + interface(order=">") + enhanced(b"first", order=">") + section() + interface()
    data += block(4, bytes(100)) + enhanced(b"second", options=option(1, b"said"))
    file = io.BytesIO()
    reader, found = PcapngReader(file), []
    for byte in range(len(data)):
        file.seek(0, 2)
        file.write(data[byte : byte + 1])
        found += [(frame.number, frame.data, frame.comment) for _, frame in reader.read()]
    assert found == [(1, b"first", ""), (2, b"second", "said")]
    assert reader.rest() == ""


START = section() + interface() + enhanced(b"good")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (struct.pack("<II", 6, 0), "says 0 bytes"),  # would never come to an end
        (struct.pack("<II", 77, 0), "says 0 bytes; it has 12"),
        (struct.pack("<II", 77, 11), "says 11 bytes"),
        (struct.pack("<II", 77, 13), "in fours"),
        (struct.pack("<II", 6, 28), "it has 32"),
        (struct.pack("<II", 1, 16), "it has 20"),
        (struct.pack("<II", 77, BLOCK + 4), "16,777,220 bytes; 16,777,216 is the most"),
        (struct.pack("<II", 6, 0xFFFFFFFC), "4,294,967,292 bytes"),
        (struct.pack("<III", 77, 16, 0) + struct.pack("<I", 12), "something else at its end"),
        (b"\x0a\x0d\x0d\x0a" + struct.pack("<I", 28) + b"\0" * 20, "neither byte order"),
        (enhanced(b"x", index=1), "interface 1"),
        (enhanced(b"x", index=2**32 - 1), "interface 4294967295"),
        (section() + enhanced(b"x"), "interface 0"),
        (section() + block(3, struct.pack("<I", 1) + b"x"), "interface 0"),
        (
            block(6, struct.pack("<IIIII", 0, 0, 0, 9, 9) + b"12345678"),
            "9 bytes of it were kept; its block has 8",
        ),
        (block(6, struct.pack("<IIIII", 0, 0, 0, KEPT + 1, 9)), "262,144 is the most"),
        (enhanced(b"x", options=struct.pack("<HH", 1, 40)), "option 1 of a block says 40 bytes; 0 are left"),
        (interface() * INTERFACES, "more than 1,000 interfaces"),
    ],
)
def test_a_file_that_lies_says_where_and_what_was_read_before_stays(data: bytes, words: str) -> None:
    reader = PcapngReader(io.BytesIO(START + data + bytes(64)))
    found, trouble = until_trouble(reader)
    assert [frame.data for frame in found] == [b"good"]
    assert words in trouble
    assert trouble.startswith(f"At byte {reader.position:,} of the file: ")
    assert until_trouble(reader) == ([], trouble), "it is for good"


def test_a_pcapng_file_begins_with_a_section() -> None:
    with pytest.raises(ProtocolError, match="At byte 0 of the file: a pcapng file begins"):
        all_of(interface() + enhanced(b"x"))


def test_a_file_cut_anywhere_gives_what_is_whole() -> None:
    data = START + enhanced(b"second") + section()
    for size in range(len(data)):
        reader = PcapngReader(io.BytesIO(data[:size]))
        assert len(list(reader.read())) == (size >= len(START)) + (size >= len(START) + 40)
        assert bool(reader.rest()) == (size not in (0, 28, 48, len(START), len(START) + 40))


@pytest.mark.parametrize("other", [section(), block(77, b""), interface() + section() + interface()])
def test_blocks_without_a_packet_have_a_bound(other: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcapng, "OTHERS", 20)
    reader = PcapngReader(io.BytesIO(START + other * 30 + START))
    found, trouble = until_trouble(reader)
    assert [frame.data for frame in found] == [b"good"]
    assert "20 blocks before this one hold no packet" in trouble
    assert until_trouble(reader) == ([], trouble), "it is for good"


def test_what_is_said_is_bounded() -> None:
    many = b"".join(option(1, b"%0100d" % n) for n in range(5000))
    reader = PcapngReader(io.BytesIO((section("<", many) + interface() + enhanced(b"x", options=many)) * 3))
    assert [len(frame.comment) for _, frame in reader.read()] == [2000] * 3
    assert len(reader.comments) == 100
    short = section() + interface() + enhanced(b"x", options=option(1, b"s") * 1000)
    assert [frame.comment for _, frame in PcapngReader(io.BytesIO(short)).read()] == ["\n".join("s" * 50)]
