"""What it costs to capture 100,000 packets a second on loopback, and how many are lost, against tcpdump.

Our program and the peer capture the same load in turn, each into a file. Processor time is from when they
said that they capture. What the kernel had no room for is what they tell at their end.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from servers.walk.capture_file import CaptureFile
from tests.bench.figures import Figure, median
from tests.bench.running import DEADLINE, ROOT, Missing, cpu_seconds, eventually

RATE = 100_000


class Run(NamedTuple):
    """One run: what was sent, what is in the file, what the kernel dropped, and the share of a core."""

    sent: int
    kept: int
    dropped: int
    share: float


def run(quick: bool) -> list[Figure]:
    """Both, in turn."""
    turns, seconds = (2, 2.0) if quick else (5, 5.0)
    if not hasattr(socket, "AF_PACKET"):
        raise Missing("packet sockets are Linux's")
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
    except PermissionError:
        raise Missing("a packet socket needs CAP_NET_RAW") from None
    tcpdump = shutil.which("tcpdump")
    ours: list[Run] = []
    peers: list[Run] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        for _ in range(turns):
            words = (
                "-m",
                "servers.walk.capture",
                "--ports",
                str(port),
                "--transport",
                "udp",
                "--way",
                "ring",
            )
            ours.append(measured(port, seconds, [sys.executable, *words, "--write"]))
            if tcpdump:
                words = ("-i", "lo", "-n", "-B", "16384", "-Z", "root", "-U", "--immediate-mode", "-s", "200")
                peers.append(measured(port, seconds, [tcpdump, *words, f"udp port {port}", "-w"]))
    return [*figures(ours), *against(ours, peers)]


def figures(ours: Sequence[Run]) -> list[Figure]:
    """What is asked of us."""
    return [
        median(f"datagrams sent in a run, {RATE:,} a second", [each.sent for each in ours]),
        median("capture: share of a core", [100 * each.share for each in ours], "%", at_most=30),
        most("… packets that the kernel dropped, in the worst run", [each.dropped for each in ours]),
        most(
            "… packets that are not in the file, in the worst run", [each.sent - each.kept for each in ours]
        ),
    ]


def most(name: str, values: Sequence[float]) -> Figure:
    """The largest of them; none is asked for."""
    return Figure(name=name, value=max(values), values=tuple(values), at_most=0)


def against(ours: Sequence[Run], peers: Sequence[Run]) -> list[Figure]:
    """The peer's figures, of which nothing is asked."""
    if not peers:
        return [Figure(name="… against tcpdump", missing="there is no tcpdump here")]
    pairs = tuple(theirs.share / own.share for own, theirs in zip(ours, peers, strict=True))
    return [
        median("tcpdump (immediate mode): share of a core", [100 * each.share for each in peers], "%"),
        median("… packets that are not in its file", [each.sent - each.kept for each in peers]),
        Figure(name="… tcpdump's share over ours", value=sorted(pairs)[len(pairs) // 2], values=pairs),
    ]


def measured(port: int, seconds: float, command: Sequence[str]) -> Run:
    """One capture of one load. ``command`` gets the file as its last word."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "walk")
        process = subprocess.Popen(
            [*command, str(path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert process.stdout
            first = process.stdout.readline()
            if not re.search("capturing|listening", first):
                raise Missing(first.strip() or "it did not begin")
            used = cpu_seconds(psutil.Process(process.pid))
            sent = load(port, seconds)
            eventually(lambda: settled(path), "the file grows no more")
            share = (cpu_seconds(psutil.Process(process.pid)) - used) / seconds
            process.terminate()
            said = first + process.communicate(timeout=DEADLINE)[0]
        finally:
            process.kill()
            process.wait()
        with CaptureFile(path) as file:
            kept = file.packets_read
    dropped = re.search(r"no room for ([\d,]+)|(\d+) packets? dropped by kernel", said)
    if not dropped:
        raise RuntimeError(f"it did not say what was dropped: {said}")
    return Run(sent, kept, int((dropped[1] or dropped[2]).replace(",", "")), share)


def load(port: int, seconds: float) -> int:
    """Send at the rate, in a process of its own; how many were sent."""
    words = ("-m", "tests.bench.capture_load", str(port), str(RATE), str(seconds))
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    return int(done.stdout)


def settled(path: Path) -> bool:
    """Whether the file has stopped growing."""
    before = path.stat().st_size
    time.sleep(0.2)
    return path.stat().st_size == before
