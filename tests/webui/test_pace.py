"""How often frames go."""

from __future__ import annotations

import pytest

from webui.live import FRAME_SECONDS, GAP_SECONDS, SPARE, Pace


def play(arrivals: list[float]) -> list[tuple[float, float]]:
    """(when a batch arrived, when the frame with it went) for batches that arrive in order."""
    pace, clock, told, waiting = Pace(), 0.0, [], []
    for place, arrival in enumerate(arrivals):
        waiting.append(arrival)
        clock = max(clock, arrival)
        goes = clock + pace.wait(clock)
        if place + 1 < len(arrivals) and arrivals[place + 1] < goes:
            continue  # the next one comes along
        pace.went(goes)
        told += [(each, goes) for each in waiting]
        clock, waiting = goes, []
    return told


def test_a_frame_goes_at_once_after_a_quiet_time() -> None:
    pace = Pace()
    assert pace.wait(100.0) == 0
    pace.went(100.0)
    assert pace.wait(100.0) == pytest.approx(GAP_SECONDS)
    assert pace.wait(101.0) == 0


def test_a_steady_server_is_not_kept_waiting() -> None:
    told = play([100 + k * FRAME_SECONDS for k in range(1000)])
    assert max(goes - came for came, goes in told) < 1e-6


def test_a_hiccup_is_over_after_half_a_second() -> None:
    steady = [100 + k * FRAME_SECONDS for k in range(400)]
    late = [max(t, 105.23) if 105 <= t < 105.23 else t for t in steady]
    told = play(late)
    assert max(goes - came for came, goes in told if came > 105.8) < 1e-6


def test_a_flood_gets_twenty_frames_a_second_over_time() -> None:
    told = play([100 + k / 1000 for k in range(10_000)])
    assert len({goes for _, goes in told}) <= 10 * 20 + SPARE + 1
