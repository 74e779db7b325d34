"""Chart: what an update of the ping lab's chart costs a page that holds 10,000 pings.

A real Chromium has the instance's page open; the pings are real, at one a millisecond. What
the page itself measures around each update (``performance.measure``) is the script's time on
the main thread. Chromium runs without a graphics card here and draws in software afterwards,
partly on the same thread: that is in the second figure, with all else that the page does.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from tests.bench.browser import browsing
from tests.bench.figures import Figure, median
from tests.bench.running import eventually

POINTS = 10_000
HELD = "window.socketLab ? window.socketLab.points().length : 0"
DURATIONS = "performance.getEntriesByName('chart-update').map(entry => entry.duration)"


def run(quick: bool) -> list[Figure]:
    """Fill the chart, then send pings at leisure and read what each update took."""
    pings = 60 if quick else 300
    with browsing() as (board, page):
        made = board.create(loss=0)
        page.goto(f"http://{board.address}/instances/{made['id']}")
        requests = f"/instances/{made['id']}/requests?wait=1"
        board.api("POST", requests, {"count": POINTS, "interval": 0.001})
        eventually(lambda: page.evaluate(HELD) >= POINTS, f"{POINTS} points on the chart")
        tasks = page.context.new_cdp_session(page)
        tasks.send("Performance.enable")
        first, busy, began = len(page.evaluate(DURATIONS)), task_seconds(tasks), time.monotonic()
        board.api("POST", requests, {"count": pings, "interval": 0.05})
        busy, wall = task_seconds(tasks) - busy, time.monotonic() - began
        updates = page.evaluate(DURATIONS)[first:]
        held = page.evaluate(HELD)
    if held < POINTS:
        raise RuntimeError(f"the chart had {held} points only")
    return [
        median(f"chart: an update with {held:,} points", updates, "ms", at_most=5),
        Figure(
            name="… the page's main thread in all, per update", unit="ms", value=1000 * busy / len(updates)
        ),
        Figure(name="… updates a second", value=len(updates) / wall, unit="/s"),
        Figure(name="… mean of an update", value=statistics.mean(updates), unit="ms"),
    ]


def task_seconds(session: Any) -> float:
    """The time that the page's main thread has been busy."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(entry["value"] for entry in metrics if entry["name"] == "TaskDuration"))
