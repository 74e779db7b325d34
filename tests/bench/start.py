"""Start: from POST /instances to its 201, which comes when the server listens."""

from __future__ import annotations

import time

from tests.bench.figures import Figure, median
from tests.bench.running import Dashboard


def run(quick: bool) -> list[Figure]:
    """Start a server again and again, each time a new one."""
    times = []
    with Dashboard() as board:
        for _ in range(1 + (5 if quick else 20)):
            began = time.perf_counter()
            made = board.create()
            times.append(1000 * (time.perf_counter() - began))
            board.api("DELETE", f"/instances/{made['id']}")
    return [median("start of a server", times[1:], "ms", at_most=150)]  # the first filled caches
