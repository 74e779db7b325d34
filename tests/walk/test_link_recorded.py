"""Real traffic of this machine, recorded with tcpdump and dumpcap: field by field as tshark reads it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from servers.walk.capture_file import CaptureFile
from servers.walk.packet import Packet
from tests.walk.files import ETHERNET, SLL, SLL2
from tests.walk.recording import Talk, needs, recorded, tshark

COLUMNS = (
    "frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.ttl", "ipv6.hlim",
    "ip.id", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.len", "udp.length", "tcp.flags",
    "tcp.seq_raw", "tcp.ack_raw", "tcp.window_size_value", "tcp.options.mss_val", "tcp.options.wscale.shift",
    "tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr", "tcp.stream", "udp.stream",
    "tcp.options.sack_perm",
)  # fmt: skip


def as_tshark_says(found: Packet) -> tuple[str, ...]:
    """A packet's numbers in tshark's columns, but for times and streams."""
    four, tcp = found.version == 4, found.transport == "tcp"

    def shown(condition: bool, value: object) -> str:
        return str(value) if condition and value is not None else ""

    return (
        str(found.number), shown(four, found.source), shown(four, found.target),
        shown(not four, found.source), shown(not four, found.target), shown(four, found.ttl),
        shown(not four, found.ttl),
        shown(four, f"0x{found.identification or 0:04x}"), shown(tcp, found.source_port),
        shown(tcp, found.target_port), shown(not tcp, found.source_port), shown(not tcp, found.target_port),
        shown(tcp, found.length), shown(not tcp, found.length + 8), shown(tcp, f"0x{found.flags:04x}"),
        shown(tcp, found.seq), shown(tcp, found.ack), shown(tcp, found.window), shown(tcp, found.mss),
        shown(tcp, found.scale), shown(tcp, found.tsval), shown(tcp, found.tsecr),
        shown(tcp and found.sack_permitted, "0402"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "link"),
    [
        (("tcpdump", "-i", "lo", "-U", "--immediate-mode"), ETHERNET),
        (("tcpdump", "-i", "any", "-U", "--immediate-mode", "-y", "LINUX_SLL"), SLL),
        (("tcpdump", "-i", "any", "-U", "--immediate-mode", "-y", "LINUX_SLL2"), SLL2),
        (("dumpcap", "-q", "-i", "lo"), ETHERNET),
    ],
)
def test_field_by_field_as_tshark_reads_it(command: tuple[str, ...], link: int, tmp_path: Path) -> None:
    needs(command[0], "tshark")
    path = tmp_path / "lo.pcap"
    with Talk("127.0.0.1") as four, Talk("::1") as six:
        ports = [address[1] for talk in (four, six) for address in (talk.tcp, talk.udp)]
        with recorded(path, ports, *command):
            for talk in (four, six):
                assert talk.connect(b"hello " * 20_000) == b"HELLO " * 20_000
                assert talk.ask(b"ping") == b"PING"
            with socket.socket() as refused:
                refused.connect_ex(("127.0.0.1", four.udp[1]))
    with CaptureFile(path, ports=frozenset(ports)) as file:
        assert file.troubles() == []
        found = {
            p.number: (p, int(c.id[1:]), c.transport) for c in file.connections() for p in file.packets(c.id)
        }
        assert {frame.link for frame in file.all_frames()} == {link}
    rows = tshark(path, *COLUMNS)
    assert len(rows) == len(found) > 20
    streams: dict[tuple[str, str], str] = {}
    for row in rows:
        p, id, transport = found[int(row[0])]
        assert float(row[1]) == pytest.approx(p.t, abs=1e-6)
        assert (row[0], *row[2:23], row[25]) == as_tshark_says(p)
        stream = row[23] if transport == "tcp" else row[24]
        assert streams.setdefault((transport, stream), id) == id
    assert len(streams) == len(set(streams.values()))
