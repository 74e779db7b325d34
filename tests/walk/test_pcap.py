"""pcap: either byte order, microseconds and nanoseconds, files that grow, files that lie."""

from __future__ import annotations

import io
import struct

import pytest

from servers.walk.packet import Frame
from servers.walk.pcap import PcapReader
from servers.walk.reading import KEPT, WINDOW
from tests.walk.files import ETHERNET, pcap, until_trouble

DATA = [b"first", b"", b"the third frame"]


def all_of(data: bytes) -> list[Frame]:
    return [frame for _, frame in PcapReader(io.BytesIO(data)).read()]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
def test_either_byte_order_and_unit(order: str, magic: int) -> None:
    found = all_of(pcap(DATA, ETHERNET, order=order, magic=magic))
    assert found == [
        Frame(n + 1, 1_700_000_000.25 + n, ETHERNET, data, len(data)) for n, data in enumerate(DATA)
    ]


def test_a_frame_may_have_been_longer_than_what_was_kept() -> None:
    assert [frame.size for frame in all_of(pcap(DATA, size=1500))] == [1500] * 3
    assert [frame.size for frame in all_of(pcap(DATA, size=1))] == [5, 1, 15], "never less than what is there"


def test_the_checksum_bits_above_the_link_type_are_no_part_of_it() -> None:
    data = bytearray(pcap(DATA, ETHERNET))
    data[20:24] = struct.pack("<I", 0x14000001)
    assert {frame.link for frame in all_of(bytes(data))} == {ETHERNET}


def test_each_frame_comes_with_the_place_of_its_data() -> None:
    data = pcap(DATA)
    for place, frame in PcapReader(io.BytesIO(data)).read():
        assert data[place : place + len(frame.data)] == frame.data


def test_a_file_that_grows_byte_by_byte_gives_each_frame_once_and_as_soon_as_it_is_there() -> None:
    data, file = pcap(DATA), io.BytesIO()
    reader, found = PcapReader(file), []
    for byte in range(len(data)):
        file.seek(0, 2)
        file.write(data[byte : byte + 1])
        found += [(byte + 1, frame.data) for _, frame in reader.read()]
        assert bool(reader.rest()) == (byte + 1 not in (24, 45, 61, 92))
    assert found == [(45, b"first"), (61, b""), (92, b"the third frame")]


def test_one_may_stop_and_go_on() -> None:
    reader = PcapReader(io.BytesIO(pcap(DATA)))
    assert [next(iter(reader.read()))[1].data for _ in DATA] == DATA
    assert list(reader.read()) == []


def test_records_larger_than_what_is_read_at_once() -> None:
    frames = [bytes([n]) * KEPT for n in range(10)] + [b"x"] * 100_000
    assert len(frames[0]) * 10 > 2 * WINDOW
    assert [frame.data for frame in all_of(pcap(frames[:10]) + pcap(frames[10:])[24:])] == frames


MOST = struct.pack("<IIII", 1, 2, KEPT + 1, 9)


@pytest.mark.parametrize(
    ("data", "words", "before"),
    [
        (
            b"\xd4\xc3\xb2\xa1\1\0\0\0" + bytes(16),
            "At byte 0 of the file: it is pcap version 1; there is 2.",
            0,
        ),
        (b"nota" + bytes(20), "At byte 0 of the file: a pcap file does not begin with 6e6f7461.", 0),
        (pcap(DATA) + MOST, "At byte 92 of the file: a packet says that 262,145 bytes of it were kept;", 3),
        (pcap(DATA) + b"\xff" * 16, "At byte 92 of the file: a packet says that 4,294,967,295 bytes", 3),
    ],
)
def test_a_file_that_lies_says_where_and_what_was_read_before_stays(
    data: bytes, words: str, before: int
) -> None:
    reader = PcapReader(io.BytesIO(data))
    found, trouble = until_trouble(reader)
    assert (len(found), trouble[: len(words)]) == (before, words)
    assert until_trouble(reader) == ([], trouble), "it is for good"


def test_a_file_cut_anywhere_gives_what_is_whole() -> None:
    data = pcap(DATA)
    for size in range(len(data)):
        reader = PcapReader(io.BytesIO(data[:size]))
        assert len(list(reader.read())) == (size >= 45) + (size >= 61)
        assert ("middle of a record" in reader.rest()) == (size not in (0, 24, 45, 61))
