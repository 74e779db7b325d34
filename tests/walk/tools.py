"""What the walk's tests are made with: frames and captures by hand, tcpdump, and what tshark says."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.walk.link import decode
from servers.walk.packet import Frame, Packet
from tests.programs import DEADLINE, eventually

ETHERNET = 1


def needs(*programs: str) -> None:
    """Skip where one of these is missing; not where CI is to have them."""
    missing = [name for name in programs if not shutil.which(name)]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    if "tcpdump" in programs and os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("capturing needs root")


def frame_of(packet: Packet) -> bytes:
    """An Ethernet frame with this packet, without checksums."""
    payload = packet.payload + bytes(packet.length - len(packet.payload))
    if packet.transport == "tcp":
        options = _options(packet)
        offset = (5 + len(options) // 4) << 4
        segment = struct.pack(
            ">HHIIBBHHH", packet.source_port, packet.target_port, packet.seq, packet.ack, offset,
            packet.flags, packet.window, 0, 0,
        ) + options + payload  # fmt: skip
    else:
        segment = struct.pack(">HHHH", packet.source_port, packet.target_port, 8 + len(payload), 0) + payload
    protocol = 6 if packet.transport == "tcp" else 17
    if packet.version == 4:
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), packet.number & 0xFFFF, 0x4000, 64, protocol, 0,
            socket.inet_aton(packet.source), socket.inet_aton(packet.target),
        )  # fmt: skip
    else:
        ends = (socket.inet_pton(socket.AF_INET6, end) for end in (packet.source, packet.target))
        ip = struct.pack(">IHBB16s16s", 6 << 28, len(segment), protocol, 64, *ends)
    return bytes(12) + (b"\x08\x00" if packet.version == 4 else b"\x86\xdd") + ip + segment


def _options(packet: Packet) -> bytes:
    found = b""
    if packet.mss is not None:
        found += struct.pack(">BBH", 2, 4, packet.mss)
    if packet.sack_permitted:
        found += b"\4\2"
    if packet.tsval is not None:
        found += struct.pack(">BBII", 8, 10, packet.tsval, packet.tsecr or 0)
    if packet.scale is not None:
        found += bytes((3, 3, packet.scale))
    if packet.sack:
        found += bytes((5, 2 + 8 * len(packet.sack))) + b"".join(struct.pack(">II", *s) for s in packet.sack)
    return found + b"\1" * (-len(found) % 4)


def write_pcap(path: Path, frames: list[tuple[float, bytes]], link: int = ETHERNET) -> Path:
    """A pcap with nanoseconds (0xa1b23c4d)."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link))
        for t, data in frames:
            nanoseconds = round(t * 1e9)
            file.write(struct.pack("<IIII", *divmod(nanoseconds, 10**9), len(data), len(data)) + data)
    return path


def read_pcap(path: Path) -> list[Frame]:
    """The frames of a pcap that tcpdump or ``write_pcap`` has written here."""
    data = path.read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    unit = 1e9 if magic == 0xA1B23C4D else 1e6
    found, place = [], 24
    while place + 16 <= len(data):
        seconds, part, kept, size = struct.unpack_from("<IIII", data, place)
        body = data[place + 16 : place + 16 + kept]
        if len(body) == kept:
            found.append(Frame(len(found) + 1, seconds + part / unit, link, body, size))
        place += 16 + kept
    return found


def packets_of(frames: list[Frame]) -> list[Packet]:
    """The packets in these frames."""
    return [packet for packet in map(decode, frames) if packet is not None]


def tshark(path: Path, *fields: str) -> list[dict[str, str]]:
    """These fields of every packet, as tshark prints them."""
    done = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]
        + ["-o", "tcp.analyze_sequence_numbers:TRUE", "-o", "tcp.relative_sequence_numbers:TRUE"]
        + [word for field in fields for word in ("-e", field)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return [dict(zip(fields, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


@contextmanager
def captured(path: Path, expression: str) -> Iterator[Path]:
    """What lo carries meanwhile, of what the expression says; the file is whole after the ``with``."""
    command = [
        "tcpdump",
        "-i",
        "lo",
        "--immediate-mode",
        "-U",
        "-n",
        "-B",
        "16384",
        "-w",
        str(path),
        *expression.split(),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        line = process.stderr.readline()
        assert "listening on" in line, line + process.stderr.read()
        yield path
    finally:
        process.terminate()
        process.wait(DEADLINE)
        process.stderr.close()


def settled(path: Path, enough: Any, what: str) -> list[Packet]:
    """The packets in a capture that grows, once ``enough(packets)``."""

    def found() -> list[Packet] | None:
        packets = packets_of(read_pcap(path)) if path.exists() and path.stat().st_size >= 24 else []
        return packets if enough(packets) else None

    return eventually(found, what)


def events_of(lines: list[str]) -> list[dict[str, Any]]:
    """The JSON lines of a program run with --json."""
    return [msgspec.json.decode(line) for line in lines if line.startswith("{")]
