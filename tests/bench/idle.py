"""Idle: what a dashboard with four servers takes while nothing happens.

Memory is the proportional set size: what a process has to itself, and its share of what
it has in common with others (libraries, mostly), so that the sum over processes is true.
"""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from tests.bench.figures import Figure, median
from tests.bench.running import Dashboard, Missing, cpu_seconds

SETTLED = 5.0
"""Seconds before the measurement."""


def run(quick: bool) -> list[Figure]:
    """Start four servers, wait, and look several times at what all of it takes."""
    windows, seconds = (2, 5.0) if quick else (4, 10.0)
    shares: list[float] = []
    own: list[float] = []
    with Dashboard() as board:
        for _ in range(4):
            board.create()
        time.sleep(SETTLED)
        processes = board.processes()
        if len(processes) != 5:
            raise RuntimeError(f"there are {len(processes)} processes, not 5")
        for _ in range(windows):
            before, began = [cpu_seconds(each) for each in processes], time.monotonic()
            time.sleep(seconds)
            wall = time.monotonic() - began
            spent = [cpu_seconds(each) - then for each, then in zip(processes, before, strict=True)]
            shares.append(100 * sum(spent) / wall)
            own.append(100 * spent[0] / wall)
        sizes = [megabytes(each) for each in processes]
    return [
        median("idle, four servers: processor", shares, "% of a core", at_most=2),
        median("… of that the dashboard's process", own, "% of a core"),
        Figure(name="idle, four servers: memory (PSS)", value=sum(sizes), unit="MB", at_most=120),
        Figure(name="… of that the dashboard's process", value=sizes[0], unit="MB"),
    ]


def megabytes(process: psutil.Process) -> float:
    """A process's proportional set size."""
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:
        raise Missing("memory is measured with /proc/PID/smaps_rollup, which only Linux has") from None
    size = next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:"))
    return int(size) * 1024 / 1e6
