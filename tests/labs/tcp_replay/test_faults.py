"""Faults on the way: when each piece leaves, and how it is cut. The clock and the dice are given."""

from __future__ import annotations

from random import Random

import pytest

from servers.tcp_replay.faults import Shaper, Toxics, toxics
from servers.tcp_replay.settings import Settings

DATA = bytes(range(256)) * 10


def pieces(faults: Toxics, *at: float, data: bytes = DATA, cut: bool = True) -> list[tuple[float, bytes]]:
    shaper = Shaper(Random(7))
    return [piece for when in at for piece in shaper.take(data, when, faults, cut)]


@pytest.mark.parametrize(
    "faults",
    [
        Toxics(),
        Toxics(latency=100),
        Toxics(latency=100, jitter=90),
        Toxics(rate=50),
        Toxics(average_size=100, size_variation=99, delay=3),
        Toxics(latency=10, jitter=10, rate=1, average_size=7, size_variation=3, delay=1),
    ],
)
def test_no_byte_is_lost_or_overtakes_another(faults: Toxics) -> None:
    found = pieces(faults, 0.0, 0.01, 5.0)
    assert b"".join(piece for _, piece in found) == 3 * DATA
    times = [when for when, _ in found]
    assert times == sorted(times)
    assert all(piece for _, piece in found)


def test_latency_moves_every_piece_by_as_much() -> None:
    assert [when for when, _ in pieces(Toxics(latency=250), 1.0, 2.0)] == [1.25, 2.25]


def test_jitter_stays_within_its_bounds_and_varies() -> None:
    faults = Toxics(latency=100, jitter=40)
    shaper = Shaper(Random(1))
    waits = [next(iter(shaper.take(b"x", float(at), faults)))[0] - at for at in range(200)]
    assert all(0.0599 <= wait <= 0.1401 for wait in waits)
    assert max(waits) - min(waits) > 0.06


def test_a_rate_lets_so_many_bytes_through_in_a_second() -> None:
    found = pieces(Toxics(rate=10), 0.0, data=bytes(50_000))
    assert found[-1][0] == pytest.approx(5.0)
    by_second = [sum(len(piece) for when, piece in found if when < second + 0.001) for second in range(1, 6)]
    assert by_second == [10_000, 20_000, 30_000, 40_000, 50_000]


def test_an_idle_line_saves_no_bandwidth_up() -> None:
    found = pieces(Toxics(rate=10), 0.0, 100.0, data=bytes(10_000))
    assert found[-1][0] == pytest.approx(101.0)


def test_the_slicer_cuts_to_about_the_size_with_gaps_between() -> None:
    found = pieces(Toxics(average_size=100, size_variation=20, delay=5), 0.0)
    sizes = [len(piece) for _, piece in found[:-1]]
    assert all(80 <= size <= 120 for size in sizes)
    assert len(set(sizes)) > 5
    assert [round(when * 1000) for when, _ in found] == [5 * n for n in range(len(found))]


def test_a_datagram_is_never_cut() -> None:
    assert [piece for _, piece in pieces(Toxics(average_size=3, rate=1), 0.0, cut=False)] == [DATA]


def test_each_direction_has_settings_of_its_own() -> None:
    settings = Settings(upstream_latency=5, downstream_rate=7, downstream_reset_peer=0, upstream_timeout=9)
    assert toxics(settings, "upstream") == Toxics(latency=5, timeout=9)
    assert toxics(settings, "downstream") == Toxics(rate=7, reset_peer=0)
    assert toxics(settings, "upstream").shapes
    assert not toxics(Settings(), "downstream").shapes
