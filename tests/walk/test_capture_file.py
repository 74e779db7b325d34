"""Capture files: connections and their ends, packets when asked for, files that grow, and bounds."""

from __future__ import annotations

import gzip
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from servers.walk import capture_file
from servers.walk.capture_file import CaptureFile
from servers.walk.packet import ACK, FIN, PSH, RST, SYN, Packet
from servers.walk.rows import Connection
from tests.walk.files import RAW, enhanced, interface, ip_of, option, packet, pcap, section
from tests.walk.recording import Talk, needs, recorded

CLIENT, SERVER = "127.0.0.1:50000", "127.0.0.1:12000"


def up(flags: int = ACK, payload: bytes = b"", **more: Any) -> Packet:
    return packet(flags=flags, payload=payload, **more)


def down(flags: int = ACK, payload: bytes = b"", **more: Any) -> Packet:
    ends = {"source_port": 12000, "target_port": 50000}
    return packet(**{"flags": flags, "payload": payload, **ends, **more})


HANDSHAKE = [up(SYN), down(SYN | ACK), up()]
HELLO = [up(ACK | PSH, b"hello"), down(ACK | PSH, b"HELLO!")]
CLOSE = [up(FIN | ACK), down(FIN | ACK), up()]


def opened(path: Path, packets: list[Packet], **options: Any) -> CaptureFile:
    """A file with these packets, one a second."""
    path.write_bytes(pcap(map(ip_of, packets)))
    return CaptureFile(path, **options)


def listed(path: Path, packets: list[Packet], **options: Any) -> list[Connection]:
    """The connections of these packets."""
    with opened(path, packets, **options) as file:
        assert file.troubles() == []
        return file.connections()


def test_a_connection_has_its_ends_bytes_times_and_state(tmp_path: Path) -> None:
    found = listed(tmp_path / "x", [*HANDSHAKE, *HELLO, *CLOSE])
    assert found == [
        Connection(
            id="c1", transport="tcp", client=CLIENT, server=SERVER, started=1_700_000_000.25,
            ended=1_700_000_007.25, packets=8, bytes_up=5, bytes_down=6, state="closed",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("packets", "state"),
    [
        ([up(SYN)], "opening"),
        ([up(SYN), down(SYN | ACK)], "open"),
        (HANDSHAKE, "open"),
        ([up(SYN), down(RST | ACK)], "refused"),
        ([*HANDSHAKE, up(RST)], "reset"),
        ([*HANDSHAKE, up(FIN | ACK), down()], "half closed"),
        ([*HANDSHAKE, *CLOSE], "closed"),
        (HELLO, "open"),
        ([*HELLO, down(RST)], "reset"),
        ([packet(transport="udp")], ""),
    ],
)
def test_how_far_it_has_come(packets: list[Packet], state: str, tmp_path: Path) -> None:
    assert [each.state for each in listed(tmp_path / "x", packets)] == [state]


@pytest.mark.parametrize(
    ("packets", "ports", "client"),
    [
        ([down(SYN), up(SYN | ACK)], {12000}, SERVER),  # a SYN says more than a port
        ([down(SYN | ACK)], set(), CLIENT),
        (HELLO, set(), CLIENT),
        (HELLO[::-1], set(), CLIENT),  # servers' ports are the lower ones, as a rule
        (HELLO, {50000}, SERVER),
        (HELLO, {50000, 12000}, CLIENT),
        ([packet(transport="udp")], set(), CLIENT),
        ([down(transport="udp")], set(), SERVER),  # who sends first
        ([down(transport="udp")], {12000}, CLIENT),
    ],
)
def test_who_is_the_client(packets: list[Packet], ports: set[int], client: str, tmp_path: Path) -> None:
    (found,) = listed(tmp_path / "x", packets, ports=frozenset(ports))
    assert {found.client, found.server} == {CLIENT, SERVER}
    assert found.client == client


@pytest.mark.parametrize(
    ("packets", "counts"),
    [
        ([*HANDSHAKE, *CLOSE, up(SYN, seq=9_000_000), down(SYN | ACK)], [6, 2]),
        ([up(SYN), up(SYN), down(SYN | ACK), up(SYN)], [4]),  # a SYN again
        ([up(SYN), down(SYN), down(SYN | ACK), up(SYN | ACK)], [4]),  # both at once
        ([*HANDSHAKE, down(SYN)], [3, 1]),
        ([*HELLO, up(SYN), down(SYN | ACK)], [2, 2]),
        ([*HELLO, up(SYN, seq=0)], [2, 1]),
        ([up(SYN), down(RST | ACK), up(SYN, seq=5), down(RST | ACK)], [2, 2]),
        ([up(), up(source_port=50001), packet(transport="udp"), packet(version=6), up()], [2, 1, 1, 1]),
    ],
)
def test_where_one_connection_ends_and_the_next_begins(
    packets: list[Packet], counts: list[int], tmp_path: Path
) -> None:
    found = listed(tmp_path / "x", packets)
    assert [each.packets for each in found] == counts
    assert [each.id for each in found] == [f"c{n + 1}" for n in range(len(counts))]


def test_addresses_are_written_as_the_sockets_write_them(tmp_path: Path) -> None:
    ends = {"source": "2001:db8::5", "target": "::ffff:10.1.2.3"}
    (found,) = listed(tmp_path / "x", [packet(version=6, **ends)])
    assert (found.client, found.server) == ("[2001:db8::5]:50000", "[::ffff:10.1.2.3]:12000")


def test_packets_and_frames_when_they_are_asked_for(tmp_path: Path) -> None:
    other = packet(transport="udp", payload=b"ping")
    with opened(tmp_path / "x", [*HANDSHAKE, other, *HELLO, *CLOSE], prefix="u1-") as file:
        packets = file.packets("u1-1")
        assert [each.number for each in packets] == [1, 2, 3, 5, 6, 7, 8, 9]
        assert [each.payload for each in packets if each.length] == [b"hello", b"HELLO!"]
        assert packets[3].t == 1_700_000_004.25
        assert file.packets("u1-1", after=6) == packets[6:]
        assert file.packets("u1-1", after=2, limit=3) == packets[2:5]
        assert file.packets("u1-1", after=100) == file.packets("u1-1", limit=0) == []
        assert file.frame("u1-1", 4).data == ip_of(HELLO[0])
        assert [each.number for each in file.frames("u1-2")] == [4]
        assert [each.number for each in file.all_frames()] == list(range(1, 10))
        assert file.connection("u1-2").packets == 1
        assert [each.id for each in file.connections(most=1)] == ["u1-2"]
        assert file.connections(most=0) == []


@pytest.mark.parametrize("id", ["", "c", "c0", "c2", "c-1", "x1", "1", "c1 ", "c٣", "c99999999999"])
def test_a_connection_that_is_not_there_is_a_key_error(id: str, tmp_path: Path) -> None:
    with opened(tmp_path / "x", HELLO) as file:
        for ask in (file.connection, file.packets, file.frames):
            with pytest.raises(KeyError):
                ask(id)
        for n in (0, 3, -1):
            with pytest.raises(KeyError):
                file.frame("c1", n)


def test_a_file_that_grows_from_nothing(tmp_path: Path) -> None:
    path = tmp_path / "walk.pcap"
    path.touch()
    data = pcap(map(ip_of, [*HANDSHAKE, *HELLO, *CLOSE]))
    with CaptureFile(path) as file:
        assert (file.more(), file.kind, file.connections()) == (0, "", [])
        assert file.troubles() == ["The file is empty."]
        counts = []
        for at in range(0, len(data), 10):
            with path.open("ab") as end:
                end.write(data[at : at + 10])
            file.more()
            counts.append(len(file.packets("c1")) if file.count else 0)
        assert counts == sorted(counts)
        assert (counts[-1], file.kind, file.troubles()) == (8, "pcap", [])


def test_it_can_be_read_bit_by_bit_so_that_others_have_their_turn(tmp_path: Path) -> None:
    with opened(tmp_path / "x", [*HANDSHAKE, *HELLO], now=False) as file:
        assert file.packets_read == 0
        assert [file.more(2), file.more(2), file.more(2), file.more(2)] == [2, 2, 1, 0]
        assert file.connection("c1").packets == 5


def test_what_is_neither_tcp_nor_udp_is_counted_and_numbers_stay_the_captures(tmp_path: Path) -> None:
    path = tmp_path / "x"
    ping = bytearray(ip_of(packet()))
    ping[9] = 1
    path.write_bytes(pcap([bytes(ping), ip_of(packet()), b"", ip_of(packet())]))
    with CaptureFile(path) as file:
        assert (file.packets_read, file.others) == (4, 2)
        assert [each.number for each in file.packets("c1")] == [2, 4]


def test_comments_and_kinds_of_links_are_the_frames_again(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(
        section() + interface(RAW) + interface(0) + enhanced(ip_of(packet()), options=option(1, b"said"))
        + enhanced(b"\2\0\0\0" + ip_of(packet()), 5_000_000, index=1)
    )  # fmt: skip
    with CaptureFile(path) as file:
        assert [(each.comment, each.link, each.t) for each in file.frames("c1")] == [
            ("said", RAW, 0.0),
            ("", 0, 5.0),
        ]
        assert len(file.packets("c1")) == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty."),
        (b"\xd4\xc3", "The file is no capture."),
        (b"%PDF-1.7", "do not begin with 25504446"),
        (gzip.compress(b"x", mtime=0), "gzip"),
    ],
)
def test_what_is_no_capture_says_so(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with CaptureFile(path) as file:
        assert file.kind == ""
        (trouble,) = file.troubles()
        assert words in trouble


def test_a_file_that_lies_keeps_what_was_read_before(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(pcap(map(ip_of, HANDSHAKE)) + b"\xff" * 100)
    with CaptureFile(path) as file:
        assert len(file.packets("c1")) == 3
        assert "4,294,967,295 bytes" in file.trouble
        assert file.troubles() == [file.trouble]
        assert file.more() == 0


def test_a_file_that_ends_too_soon_says_so_once_it_is_known_not_to_grow(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(pcap(map(ip_of, HANDSHAKE))[:-3])
    with CaptureFile(path) as file:
        assert (len(file.packets("c1")), file.trouble) == (2, "")
        assert file.troubles() == ["The file ends in the middle of a record, 53 bytes after byte 136."]


def test_a_file_that_becomes_shorter_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with opened(path, HANDSHAKE) as file:
        path.write_bytes(b"")
        assert file.more() == 0
        assert "shorter" in file.trouble
        assert file.packets("c1") == []


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_file, "CONNECTIONS", 3)
    monkeypatch.setattr(capture_file, "PACKETS", 7)
    monkeypatch.setattr(capture_file, "COMMENTS", 1)
    path = tmp_path / "x"
    data = [ip_of(packet(source_port=50000 + n % 5)) for n in range(10)]
    path.write_bytes(
        section() + interface() + b"".join(enhanced(each, options=option(1, b"said")) for each in data)
    )
    with CaptureFile(path) as file:
        assert [each.packets for each in file.connections()] == [2, 2, 1]
        assert file.packets_read == 7
        words = " ".join(file.troubles())
        assert "7 packets are the most" in words
        assert "more than 3 connections" in words
        assert [each.comment for each in file.all_frames()] == ["said"] + [""] * 4
        assert file.more() == 0


def test_it_follows_a_recording_while_it_is_made(tmp_path: Path) -> None:
    needs("tcpdump")
    path = tmp_path / "lo.pcap"
    command = ("tcpdump", "-i", "lo", "-U", "--immediate-mode")
    with Talk("127.0.0.1") as talk, ExitStack() as stack:
        with recorded(path, [talk.tcp[1]], *command):
            live = stack.enter_context(CaptureFile(path))
            threads = [threading.Thread(target=talk.connect, args=(b"x" * n * 1000,)) for n in range(5)]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                live.more()
            for thread in threads:
                thread.join()
        while live.more(3):
            pass
        whole = stack.enter_context(CaptureFile(path))
        assert whole.troubles() == live.troubles() == []
        assert whole.connections() == live.connections()
        found = [each for each in whole.connections() if each.transport == "tcp"]
    server = f"127.0.0.1:{talk.tcp[1]}"
    assert sorted((each.server, each.bytes_up, each.bytes_down, each.state) for each in found) == [
        (server, n * 1000, n * 1000, "closed") for n in range(5)
    ]
