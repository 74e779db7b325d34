"""How long a capture file of 20 MB takes to open, and how much memory, against tshark.

The file has small packets, as a chat makes them: what counts is how many there are, not how long. Each
opening is a process of its own. The peer lists the same file's TCP connections (``tshark -q -z conv,tcp``).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import Any

from servers.walk import raw
from servers.walk.packet import ACK, PSH, SYN, Frame, Packet
from servers.walk.write import pcapng
from tests.bench.figures import Figure, median
from tests.bench.running import DEADLINE, ROOT

SIZE = 20_000_000
LONG = 10_000
"""Packets of the first connection; the others have a hundred each."""
SHORT = 100


def run(quick: bool) -> list[Figure]:
    """Open files of both formats, and have tshark open the same, in turn."""
    turns = 3 if quick else 7
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder, "walk.pcap"), Path(folder, "walk.pcapng")
        write_pcap(old)
        new.write_bytes(b"".join(pcapng(frames(150_000), name="lo")))
        return [*measured(old, turns), *measured(new, turns)]


def frames(count: int) -> Iterator[Frame]:
    """So many packets over connections of which each side speaks in turn."""
    for n in range(count):
        connection, place = (0, n) if n < LONG else ((n - LONG) // SHORT + 1, (n - LONG) % SHORT)
        ports = (20_000 + connection % 40_000, 12_000)
        if place % 2:
            ports = ports[::-1]
        flags = (SYN, SYN | ACK)[place] if place < 2 else ACK | PSH
        payload = b"" if place < 2 else b"twenty-four bytes of it."
        yield raw.frames(
            Packet(
                number=n + 1, t=1_700_000_000 + n / 10_000, version=4, transport="tcp", source="127.0.0.1",
                source_port=ports[0], target="127.0.0.1", target_port=ports[1], length=len(payload),
                payload=payload, flags=flags, seq=1 + 12 * place, ack=1 + 12 * place, window=512,
                tsval=n, tsecr=n,
            )
        )[0]  # fmt: skip


def write_pcap(path: Path) -> None:
    """As many packets as 20 MB hold, in the older format, which has most of them."""
    with path.open("wb") as file:
        file.write(pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, raw.RAW))
        for frame in frames(SIZE):
            head = pack("<IIII", int(frame.t), int(frame.t % 1 * 1e6), len(frame.data), frame.size)
            file.write(head + frame.data)
            if file.tell() >= SIZE:
                return


def measured(path: Path, turns: int) -> list[Figure]:
    """Seconds and memory of opening a file, and how many times as fast as tshark the whole process is."""
    told: list[dict[str, Any]] = []
    ours: list[float] = []
    peers: list[float] = []
    tshark = shutil.which("tshark")
    for _ in range(turns):
        began = time.perf_counter()
        said = output(sys.executable, "-m", "tests.bench.pcap_open", str(path))
        ours.append(time.perf_counter() - began)
        told.append(json.loads(said))
        if tshark:
            began = time.perf_counter()
            output(tshark, "-n", "-q", "-r", str(path), "-z", "conv,tcp")
            peers.append(time.perf_counter() - began)
    megabytes = path.stat().st_size / 1e6
    name = f"{path.suffix[1:]} of {megabytes:.0f} MB, {told[0]['packets']:,} packets"
    found = [
        median(f"{name}, opens in", [each["seconds"] for each in told], "s", at_most=3),
        median("… in a process of", [each["memory"] / 1e6 for each in told], "MB", at_most=150),
        median(
            "… a packet of its longest ladder is read again in", [each["microseconds"] for each in told], "µs"
        ),
    ]
    if not tshark:
        return [*found, Figure(name="… against tshark", missing="there is no tshark here")]
    pairs = tuple(theirs / own for own, theirs in zip(ours, peers, strict=True))
    value = sorted(pairs)[len(pairs) // 2]
    return [*found, Figure(name="… tshark's seconds over ours, whole processes", value=value, values=pairs)]


def output(*command: str) -> str:
    """What a program prints."""
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=2 * DEADLINE
    ).stdout
