"""One-way delay with two clocks: what is said, and what is not."""

from __future__ import annotations

import pytest

from servers.udp_heartbeat.delays import Delays

W = 1_000_000_000.0


def all_of(pairs: list[tuple[float | None, float]]) -> list[tuple[float | None, float | None, float]]:
    """Delay, excess and step of (TIME, arrival) in turn, in ms and whole."""
    delays, found = Delays(), []
    for sent, wall in pairs:
        m = delays.take(sent, wall)
        found.append(
            (
                None if m.delay is None else round(1000 * m.delay),
                None if m.above is None else round(1000 * m.above),
                round(1000 * m.step),
            )
        )
    return found


def beats(*ms: float) -> list[tuple[float | None, float]]:
    """One heartbeat a second with these raw delays."""
    return [(W + n, W + n + each / 1000) for n, each in enumerate(ms)]


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        (beats(20, 30, 10, 15), [(20, 0, 0), (30, 10, 0), (10, 0, 0), (15, 5, 0)]),
        (beats(-3000, -2990, -3005), [(-3000, 0, 0), (-2990, 10, 0), (-3005, 0, 0)]),
        ([(None, W), *beats(5)], [(None, None, 0), (5, 0, 0)]),
        (beats(10, -990, -980), [(10, 0, 0), (-990, 0, -1000), (-980, 10, 0)]),
        (
            beats(10, 2010, 2020, 2015, 2012, 2011, 2030),
            [
                (10, 0, 0), (2010, 2000, 0), (2020, 2010, 0), (2015, 2005, 0), (2012, 2002, 0),
                (2011, 1, 2000),
                (2030, 20, 0),
            ],
        ),
        (  # a queue that fills is no step
            beats(10, 600, 800, 1000, 1200, 1400),
            [(10, 0, 0), (600, 590, 0), (800, 790, 0), (1000, 990, 0), (1200, 1190, 0), (1400, 1390, 0)],
        ),
        (  # perf_counter: only the variation
            [(7.0, W), (8.0, W + 1.02), (9.0, W + 2.01)],
            [(None, None, 0), (None, 20, 0), (None, 10, 0)],
        ),
        (  # milliseconds, and a clock that stands still: nothing
            [(1000 * W, W), (1000 * W + 1000, W + 1), (5, W + 2), (5, W + 3)],
            [(None, None, 0)] * 4,
        ),
    ],
    ids=["same", "behind", "unreadable", "set back", "set ahead", "queue", "another clock", "no clock"],
)  # fmt: skip
def test_delays(pairs, found) -> None:
    assert all_of(pairs) == found
