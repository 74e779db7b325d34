"""Files and frames that nobody meant to write: nothing but words comes of them, in bounded reading.

Short by default; ``SOCKET_LAB_FUZZ=50`` tries fifty times as much.
"""

from __future__ import annotations

import io
import os
import random
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.kit.errors import ProtocolError
from servers.walk import raw
from servers.walk.capture_file import CaptureFile
from servers.walk.ip import address
from servers.walk.link import LINKS, decode, why_not
from servers.walk.opening import reader_of
from servers.walk.packet import ACK, FIN, SYN, Frame, Packet
from servers.walk.reading import WINDOW
from servers.walk.write import pcapng
from tests.walk.files import (
    RAW,
    block,
    enhanced,
    headers,
    interface,
    ip_of,
    option,
    packet,
    pcap,
    section,
)
from tests.walk.recording import Talk, needs, recorded

TIMES = int(os.environ.get("SOCKET_LAB_FUZZ", "1"))
TRIED = settings(max_examples=100 * TIMES, deadline=None, database=None)
EXTREMES = [
    0,
    1,
    2,
    3,
    11,
    12,
    13,
    2**15,
    2**16 - 1,
    2**18,
    2**18 + 1,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 4,
    2**32 - 1,
]


class Counted(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


def check_readers(data: bytes) -> None:
    """Only ProtocolError comes of it; frames are where they are said to be; nothing is read over and over."""
    file = Counted(data)
    with suppress(ProtocolError):
        reader = reader_of(file)
        for place, frame in reader.read() if reader else ():
            assert data[place : place + len(frame.data)] == frame.data
            assert frame.size >= len(frame.data)
            assert 0 <= frame.t < 1e12
            check_decoding(frame)
    assert file.taken <= 4 * len(data) + 2 * WINDOW


def check_decoding(frame: Frame) -> None:
    """A packet whose numbers fit together, or words."""
    found, words = decode(frame), why_not(frame)
    assert (found is None) == bool(words)
    if found:
        assert len(found.payload) <= found.length
        assert found.cut or len(found.payload) == found.length, "cut may be an option of the header, too"
        assert frame.data.find(found.payload, found.start) >= 0
        assert found.scale is None or found.scale <= 14
        assert 0 <= found.start < len(frame.data)


def check_file(path: Path, data: bytes) -> None:
    """All at once or bit by bit, the same is found; every packet can be asked for."""
    path.write_bytes(data)
    with CaptureFile(path) as file, CaptureFile(path, now=False) as slow:
        while slow.more(3):
            pass
        assert slow.troubles() == file.troubles()
        assert slow.connections() == file.connections()
        assert all(isinstance(words, str) for words in file.troubles())
        kept = 0
        for connection in file.connections():
            packets = file.packets(connection.id)
            assert len(packets) == connection.packets
            assert connection.bytes_up + connection.bytes_down == sum(each.length for each in packets)
            kept += len(packets)
        assert kept == file.packets_read - file.others


LADDER = [
    packet(flags=SYN, payload=b"", mss=1460, scale=7, sack_permitted=True, tsval=1, tsecr=0),
    packet(source_port=12000, target_port=50000, flags=SYN | ACK, payload=b""),
    packet(payload=b"GET / HTTP/1.1\r\n\r\n"),
    packet(version=6, payload=b"hello", sack=((1, 2), (3, 4))),
    packet(transport="udp", payload=b"ping"),
    packet(flags=FIN | ACK, payload=b""),
]
MIXED = section("<", option(1, b"said")) + interface(RAW, options=option(2, b"lo") + option(9, b"\x09"))
MIXED += b"".join(
    enhanced(ip_of(each), n * 10**9, options=option(1, b"of it")) for n, each in enumerate(LADDER)
)
MIXED += block(4, bytes(20)) + section(">") + interface(1, ">", option(14, bytes(8), ">"))
MIXED += enhanced(headers(1)[2] + ip_of(LADDER[0]), order=">")
MIXED += block(2, struct.pack(">HHIIII", 0, 1, 2, 3, 4, 4) + b"abcd", ">") + block(
    3, struct.pack(">I", 1) + b"x", ">"
)
WHOLE = {
    "pcap": pcap(map(ip_of, LADDER)),
    "pcap, big-endian": pcap(
        (headers(1)[1] + ip_of(each) for each in LADDER), 1, order=">", magic=0xA1B23C4D
    ),
    "pcapng": MIXED,
}


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The same with a few accidents: bytes, numbers, pieces left out, doubled or moved, an end too soon."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found) or 1)
        match chance.randrange(7):
            case 0:
                found[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                found[at : at + 1] = bytes([found[at] ^ 1 << chance.randrange(8)]) if found else b""
            case 2 | 3:
                at -= at % 4
                found[at : at + 4] = struct.pack(chance.choice("<>") + "I", chance.choice(EXTREMES))
            case 4:
                del found[at : at + chance.randint(1, 64)]
            case 5:
                found[at:at] = found[at : at + chance.randint(1, 256)]
            case 6:
                del found[at:]
    return bytes(found)


@pytest.mark.parametrize("name", WHOLE)
def test_captures_with_accidents(name: str, tmp_path: Path) -> None:
    check_file(tmp_path / "x", WHOLE[name])
    for seed in range(400 * TIMES):
        data = mutated(WHOLE[name], random.Random(seed))
        check_readers(data)
        if seed % 4 == 0:
            check_file(tmp_path / "x", data)


def test_a_recording_with_accidents(tmp_path: Path) -> None:
    needs("tcpdump")
    path = tmp_path / "lo.pcap"
    command = ("tcpdump", "-i", "lo", "-U", "--immediate-mode")
    with Talk("127.0.0.1") as talk, recorded(path, [talk.tcp[1], talk.udp[1]], *command):
        talk.connect(b"hello " * 200)
        talk.ask(b"ping")
    data = path.read_bytes()
    for seed in range(50 * TIMES):
        check_file(path, mutated(data, random.Random(seed)))


@TRIED
@given(st.sampled_from([data[:4] for data in WHOLE.values()]), st.binary(max_size=300))
def test_any_bytes_behind_a_magic_number(magic: bytes, data: bytes) -> None:
    check_readers(magic + data)
    check_readers(WHOLE["pcapng"][:72] + data)
    check_readers(WHOLE["pcap"][:24] + data)


BLOCKS = st.one_of(
    st.builds(block, st.sampled_from([1, 2, 3, 4, 5, 6, 0x0A0D0D0A, 0xBAD]), st.binary(max_size=80)),
    st.builds(
        lambda head, data: block(6, struct.pack("<IIIII", *head) + data),
        st.tuples(*[st.sampled_from([0, 1, 2, 5, 8, *EXTREMES])] * 5), st.binary(max_size=60),
    ),
    st.builds(
        lambda said: interface(options=b"".join(struct.pack("<HH", *head) + text for *head, text in said)),
        st.lists(st.tuples(st.integers(0, 15), st.sampled_from([0, 1, 4, 8, 65535]), st.binary(max_size=8))),
    ),
    st.just(section()), st.just(section(">")), st.just(interface()),
)  # fmt: skip


@TRIED
@given(st.lists(BLOCKS, max_size=8))
def test_blocks_in_any_order(blocks: list[bytes]) -> None:
    check_readers(section() + interface() + b"".join(blocks))


@TRIED
@given(st.sampled_from([*LINKS, 147]), st.binary(max_size=120), st.integers(0, 2**32 - 1))
def test_any_bytes_as_a_frame(link: int, data: bytes, size: int) -> None:
    check_decoding(Frame(1, 0.0, link, data, max(size, len(data))))


@TRIED
@given(st.sampled_from(LADDER), st.lists(st.tuples(st.integers(0, 79), st.integers(0, 255)), max_size=4))
def test_packets_with_accidents(wanted: Packet, changes: list[tuple[int, int]]) -> None:
    data = bytearray(ip_of(wanted))
    for at, value in changes:
        data[at % len(data)] = value
    check_decoding(Frame(1, 0.0, RAW, bytes(data), len(data)))


PORTS, NUMBERS = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)


def of_version(version: int) -> st.SearchStrategy[Packet]:
    """Any segment that can be, of this version of IP."""
    ends = st.ip_addresses(v=version).map(lambda ip: address(ip.packed))
    return st.builds(
        packet, version=st.just(version), source=ends, target=ends, source_port=PORTS, target_port=PORTS,
        payload=st.binary(max_size=100), flags=st.integers(0, 255), seq=NUMBERS, ack=NUMBERS, window=PORTS,
        mss=st.none() | PORTS, scale=st.none() | st.integers(0, 14), sack_permitted=st.booleans(),
        sack=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=2).map(tuple),
    )  # fmt: skip


@TRIED
@given(of_version(4) | of_version(6))
def test_any_segment_survives_being_written_and_read(wanted: Packet) -> None:
    data = b"".join(pcapng(raw.frames(wanted), name="x"))
    reader = reader_of(io.BytesIO(data))
    assert reader
    ((_, frame),) = reader.read()
    found = decode(frame)
    assert found
    assert found == wanted
