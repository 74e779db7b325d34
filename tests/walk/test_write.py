"""pcapng that is written: read back the same, by our reader, and by tshark without complaint."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from servers.walk import raw
from servers.walk.capture_file import CaptureFile
from servers.walk.link import decode
from servers.walk.packet import FIN, SYN, Frame, Packet
from servers.walk.pcapng import PcapngReader
from servers.walk.write import interface, packet, pcapng, section
from tests.walk import files
from tests.walk.files import ETHERNET, RAW, SLL2, headers, ip_of
from tests.walk.recording import Talk, needs, recorded, tshark

FRAMES = [
    Frame(1, 1_700_000_000.25, RAW, ip_of(files.packet()), 45, "für Ada\nzwei"),
    Frame(2, 1_700_000_001.5, ETHERNET, headers(ETHERNET)[0] + ip_of(files.packet()), 59),
    Frame(3, 1_700_000_001.5, RAW, b"cut", 1500),
    Frame(4, 1_700_000_002.0, RAW, b"", 0),
    Frame(5, 0.0, SLL2, headers(SLL2)[0] + ip_of(files.packet(transport="udp")), 53, "😀" * 500),
]


def read(data: bytes) -> tuple[PcapngReader, list[Frame]]:
    reader = PcapngReader(io.BytesIO(data))
    found = [frame for _, frame in reader.read()]
    assert reader.rest() == ""
    return reader, found


def test_what_is_written_is_read_back_the_same() -> None:
    reader, found = read(b"".join(pcapng(FRAMES, name="coin game #3", comment="worked out from events")))
    assert found == FRAMES
    assert reader.comments == ["worked out from events"]
    assert [(each.name, each.link) for each in reader.interfaces] == [
        ("coin game #3", RAW), ("coin game #3", ETHERNET), ("coin game #3", SLL2),
    ]  # fmt: skip


def test_a_file_without_packets_is_whole() -> None:
    reader, found = read(b"".join(pcapng([], name="coin game #3")))
    assert (found, [each.name for each in reader.interfaces]) == ([], ["coin game #3"])


def test_sections_interfaces_and_further_comments() -> None:
    data = section("one") + interface(RAW, "a", "said of a") + interface(ETHERNET, "b") + packet(FRAMES[1], 1)
    data += section("two") + interface(RAW, "c") + packet(FRAMES[0], comments=["more", "", "and more"])
    reader, found = read(data)
    assert [(each.link, each.comment) for each in found] == [
        (ETHERNET, ""), (RAW, "für Ada\nzwei\nmore\nand more"),
    ]  # fmt: skip
    assert reader.comments == ["one", "two"]


@pytest.mark.parametrize(
    ("t", "read_back"), [(-5.0, 0.0), (1e30, 18_446_744_073.0), (1.000000001, 1.000000001)]
)
def test_times_are_in_nanoseconds_and_have_bounds(t: float, read_back: float) -> None:
    _, (found,) = read(section() + interface(RAW, "") + packet(Frame(1, t, RAW, b"", 0)))
    assert found.t == read_back


def test_text_is_bounded_and_may_be_anything() -> None:
    reader, (found,) = read(
        section("x" * 100_000) + interface(RAW, "\ud800") + packet(Frame(1, 0, RAW, b"", 0, "ü" * 100_000))
    )
    assert (reader.comments, reader.interfaces[0].name) == (["x" * 2000], "?")
    assert set(found.comment) == {"ü"}


PACKETS = [
    files.packet(flags=SYN, payload=b"", mss=65495, scale=7, sack_permitted=True, tsval=1, tsecr=0),
    files.packet(version=6, payload=b"hello!", sack=((1, 2), (3, 4), (5, 6)), tsval=1, tsecr=0),
    files.packet(transport="udp", payload=b"ping"),
    files.packet(transport="udp", version=6, payload=b""),
    files.packet(payload=bytes(65_000)),
    files.packet(payload=b"\xff" * 33, seq=2**32 - 1, ack=2**32 - 1, window=65535),
]


@pytest.mark.parametrize("wanted", PACKETS)
def test_a_packet_that_was_worked_out_is_the_same_in_its_frame(wanted: Packet) -> None:
    (frame,) = raw.frames(wanted, "worked out")
    assert decode(frame) == wanted
    assert (frame.comment, frame.size) == ("worked out", len(frame.data))


def test_options_that_do_not_fit_the_header_are_left_out() -> None:
    edges = tuple((n, n + 1) for n in range(4))
    (frame,) = raw.frames(files.packet(tsval=1, tsecr=2, sack=edges))
    found = decode(frame)
    assert found
    assert (found.sack, found.tsval, found.payload) == (edges[:3], 1, b"hello")


def test_a_udp_checksum_of_zero_would_mean_that_there_is_none() -> None:
    checksum = ip_of(files.packet(transport="udp", payload=b"\0\0"))[26:28]
    assert ip_of(files.packet(transport="udp", payload=checksum))[26:28] == b"\xff\xff"


def test_what_is_not_known_of_a_payload_is_left_out_of_the_frame() -> None:
    wanted = files.packet(payload=b"head", length=5000, cut=True)
    (frame,) = raw.frames(wanted)
    assert (frame.size, len(frame.data)) == (5040, 44)
    assert decode(frame) == wanted


def test_more_than_an_ip_packet_takes_is_several_segments() -> None:
    found = [
        decode(each) for each in raw.frames(files.packet(payload=bytes(150_000), seq=2**32 - 10, flags=25))
    ]
    assert [(each.seq, each.length, each.flags) for each in found if each] == [
        (2**32 - 10, 65_000, 16), (64_990, 65_000, 16), (129_990, 20_000, 16 | 8 | FIN),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        files.packet(transport="udp", payload=b"", length=65_508),
        files.packet(source="unix:/tmp/x"),
        files.packet(source="::1"),
    ],
)
def test_what_cannot_be_a_frame_is_refused(wrong: Packet) -> None:
    with pytest.raises(ValueError, match=r"65,507|unix|versions"):
        raw.frames(wrong)


STRICT = [
    word
    for protocol in ("ip", "tcp", "udp")
    for word in ("-o", f"{protocol}.check_checksum:TRUE")
]  # fmt: skip


def test_tshark_reads_it_without_complaint_and_with_right_checksums(tmp_path: Path) -> None:
    needs("tshark")
    path = tmp_path / "out.pcapng"
    frames = [frame for each in PACKETS for frame in raw.frames(each, "worked out")]
    path.write_bytes(b"".join(pcapng(frames, name="coin game #3", comment="of two\nlines")))
    columns = (
        "ip.checksum.status",
        "tcp.checksum.status",
        "udp.checksum.status",
        "_ws.malformed",
        "frame.comment",
    )
    rows = tshark(path, *columns, "frame.interface_name", "frame.time_epoch", words=STRICT)
    assert [row[:4] for row in rows] == [
        ("1", "1", "", ""), ("", "1", "", ""), ("1", "", "1", ""), ("", "", "1", ""), ("1", "1", "", ""),
        ("1", "1", "", ""),
    ]  # fmt: skip
    assert {row[4:6] for row in rows} == {("worked out", "coin game #3")}
    assert {float(row[6]) for row in rows} == {1_700_000_000.5}
    whole = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-V"], capture_output=True, text=True, check=True, timeout=60
    )
    complaints = [line for line in whole.stderr.splitlines() if "Running as user" not in line]
    assert complaints == []
    assert "Malformed" not in whole.stdout


@pytest.mark.parametrize(
    "command", [("tcpdump", "-i", "lo", "-U", "--immediate-mode"), ("dumpcap", "-q", "-i", "lo")]
)
def test_a_recording_written_again_is_the_same_to_tshark(command: tuple[str, ...], tmp_path: Path) -> None:
    needs(command[0], "tshark")
    path, again = tmp_path / "lo.pcap", tmp_path / "again.pcapng"
    with Talk("::1") as talk, recorded(path, [talk.tcp[1], talk.udp[1]], *command):
        talk.connect(b"hello " * 10_000)
        talk.ask(b"ping")
    with CaptureFile(path) as file:
        again.write_bytes(b"".join(pcapng(file.all_frames(), name="lo")))
    columns = ("frame.len", "frame.cap_len", "ipv6.src", "tcp.seq_raw", "tcp.payload", "udp.payload")
    rows = tshark(again, *columns)
    assert rows == tshark(path, *columns)
    assert len(rows) > 10
    times, wanted = ([float(row[0]) for row in tshark(each, "frame.time_epoch")] for each in (again, path))
    assert times == pytest.approx(wanted, abs=1e-6, rel=0)
