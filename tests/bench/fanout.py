"""Fan-out: 200 browsers watch a server that reports 20 batches of 50 events a second.

A delay runs from the moment when the server writes a batch to the moment when a browser's
socket has the frame whole. Ordinary servers write what waits every 50 ms, so that an event
is up to 50 ms older. The browsers are simulated in a process of their own (watchers.py).
Then 20 of them stop reading, as one does whose Wi-Fi is gone.
"""

from __future__ import annotations

import time

import psutil

from tests.bench.figures import Figure, median
from tests.bench.running import Dashboard, cpu_seconds

BROWSERS, STALLED = 200, 20
FULL = 12.0
"""Seconds until the dashboard keeps as many events as it ever does (10,000)."""
PATIENCE = 25.0
"""Seconds over which memory is watched: longer than the dashboard waits for a stalled browser."""


def run(quick: bool) -> list[Figure]:
    """Several windows with all browsers reading, then one with some stalled."""
    windows, seconds = (2, 5.0) if quick else (6, 10.0)
    p50, p99, shares, rates = [], [], [], []
    with Dashboard(start=("-m", "tests.bench.flood.app")) as board:
        made = board.create("flood")
        with board.browsers(made["id"], BROWSERS) as browsers:
            time.sleep(FULL)
            process = psutil.Process(board.pid)
            for _ in range(windows):
                browsers.ask("begin")
                used, began = cpu_seconds(process), time.monotonic()
                time.sleep(seconds)
                wall = time.monotonic() - began
                shares.append(100 * (cpu_seconds(process) - used) / wall)
                seen = browsers.ask("report")
                p50.append(seen["p50"])
                p99.append(seen["p99"])
                rates.append(seen["frames"] / BROWSERS / wall)
                if seen["holes"] or seen["closed"]:
                    raise RuntimeError(f"browsers missed frames: {seen}")
            before = process.memory_info().rss
            browsers.ask(f"stall {STALLED}")
            grown = []
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                time.sleep(0.2)
                grown.append((process.memory_info().rss - before) / 1e6)
            seen = browsers.ask("report")
            if seen["holes"] or seen["closed"]:
                raise RuntimeError(f"browsers that read missed frames: {seen}")
    return [
        median(f"fan-out to {BROWSERS}, 20 × 50 events/s: p99 from the server's write to the browser",
               p99, "ms", at_most=50),
        median("… p50", p50, "ms"),
        median("… frames a second at each browser", rates, "/s"),
        median("… processor of the dashboard", shares, "% of a core", at_most=30),
        Figure(name=f"{STALLED} of them stalled: most memory gained", value=max(0.0, *grown), unit="MB",
               at_most=20),
    ]  # fmt: skip
