"""The numbers at the end, against iputils' lines and against simulation."""

from __future__ import annotations

import itertools
import random
import statistics
from typing import Any

import pytest

from servers.udp_ping.lab import Settings
from servers.udp_ping.loss import Network, gilbert_elliott
from servers.udp_ping.stats import (
    EXACT,
    Probe,
    binomial,
    bursts,
    ending,
    expected_range,
    likeliest,
    summarize,
)


def timeouts(count: int) -> list[Probe]:
    return [Probe(100_000 + seq, "timeout", None) for seq in range(count)]


def replies(*times: float) -> list[Probe]:
    return [Probe(seq, "reply", ms) for seq, ms in enumerate(times, 1)]


def test_the_ending_is_iputils() -> None:
    probes = [*replies(0.031, 0.045, 0.071, 0.04, 0.04, 0.04, 0.04), *timeouts(3)]
    lines = ending(summarize(probes, 2013.4))
    assert lines[0] == "10 packets transmitted, 7 received, 30% packet loss, time 2013ms"
    assert lines[1].startswith("rtt min/avg/max/mdev = 0.031/0.044/0.071/0.0")
    assert lines[1].endswith(" ms")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("transmitted", "received", "shown"),
    [(3, 2, "33.3333%"), (3, 1, "66.6667%"), (10, 10, "0%"), (10, 0, "100%"), (1000, 999, "0.1%")],
)
def test_loss_is_written_as_iputils_writes_it(transmitted: int, received: int, shown: str) -> None:
    line = ending(summarize([*replies(*[1.0] * received), *timeouts(transmitted - received)], 0))[0]
    assert f"{transmitted} packets transmitted, {received} received, {shown} packet loss" in line


def test_duplicates_and_corrupted_are_named_in_the_ending() -> None:
    probes = [*replies(1.0), Probe(1, "duplicate", 2.0), Probe(2, "corrupt", 3.0)]
    assert ending(summarize(probes, 5))[0] == (
        "2 packets transmitted, 1 received, +1 duplicates, +1 corrupted, 50% packet loss, time 5ms"
    )


def test_without_a_reply_there_is_no_rtt() -> None:
    result = summarize([Probe(1, "timeout", None), Probe(2, "late", 1500.0), Probe(3, "corrupt", 1.0)], 10)
    assert (result.transmitted, result.received, result.lost, result.loss_percent) == (3, 0, 3, 100.0)
    assert result.rtt_min_ms is result.rtt_avg_ms is result.rtt_max_ms is result.rtt_mdev_ms is None
    assert len(ending(result)) == 1


def test_nothing_sent_is_no_loss() -> None:
    result = summarize([], 0)
    assert (result.transmitted, result.loss_percent) == (0, 0.0)


def test_mdev_is_the_standard_deviation_of_the_population() -> None:
    times = [1.0, 2.5, 4.0, 4.5, 10.0]
    result = summarize(replies(*times), 0)
    assert result.rtt_mdev_ms == pytest.approx(statistics.pstdev(times))
    assert result.rtt_avg_ms == pytest.approx(statistics.mean(times))
    assert (result.rtt_min_ms, result.rtt_max_ms) == (1.0, 10.0)
    assert summarize(replies(0.1, 0.1, 0.1), 0).rtt_mdev_ms == pytest.approx(0, abs=1e-6)


def test_late_and_duplicate_replies_count_in_no_average() -> None:
    probes = [*replies(1.0, 3.0), Probe(1, "duplicate", 100.0), Probe(3, "late", 1500.0)]
    result = summarize(probes, 0)
    assert (result.rtt_avg_ms, result.rtt_max_ms) == (2.0, 3.0)
    assert (result.transmitted, result.received, result.lost) == (3, 2, 1)
    assert (result.duplicates, result.late) == (1, 1)


# -- the losses to expect


def test_ten_pings_at_30_percent_lose_1_to_6() -> None:
    found = expected_range(Settings(loss=30.0), 10)
    assert (found.low, found.high, found.percent) == (1, 6, 30.0)


def test_both_ways_together_are_what_a_client_sees() -> None:
    assert expected_range(Settings(loss=50.0, reply_loss=50.0), 10).percent == pytest.approx(75.0)


@pytest.mark.parametrize("model", ["random", "burst"])
@pytest.mark.parametrize(("loss", "both"), [(0.0, 0), (100.0, 10)])
def test_none_and_all_are_certain(loss: float, both: int, model: Any) -> None:
    found = expected_range(Settings(loss=loss, loss_model=model), 10)
    assert (found.low, found.high) == (both, both)


@pytest.mark.parametrize("count", [1, 2, 10, 200, 10_000])
@pytest.mark.parametrize("loss", [1e-6, 0.01, 0.3, 0.999999])
def test_the_binomial_sums_to_one(count: int, loss: float) -> None:
    chances = binomial(count, loss)
    assert sum(chances) == pytest.approx(1)
    assert len(chances) == count + 1
    assert sum(k * c for k, c in enumerate(chances)) == pytest.approx(count * loss, rel=1e-6)


@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize("loss", [0.1, 0.5])
def test_the_binomial_is_what_counting_all_outcomes_gives(count: int, loss: float) -> None:
    counted = [0.0] * (count + 1)
    for outcome in itertools.product((0, 1), repeat=count):
        chance = 1.0
        for gone in outcome:
            chance *= loss if gone else 1 - loss
        counted[sum(outcome)] += chance
    assert binomial(count, loss) == pytest.approx(counted)


@pytest.mark.parametrize(
    ("loss", "reply_loss", "length"),
    [(30.0, 0.0, 3.0), (20.0, 30.0, 4.0), (0.0, 10.0, 2.0), (60.0, 5.0, 1.0)],
)
def test_the_chances_of_bursts_are_what_counting_all_outcomes_gives(
    loss: float, reply_loss: float, length: float
) -> None:
    count = 5
    settings = Settings(loss=loss, reply_loss=reply_loss, loss_model="burst", burst_length=length)
    counted = [0.0] * (count + 1)
    for there in itertools.product((0, 1), repeat=count):
        for back in itertools.product((0, 1), repeat=count):
            chance = chain(there, loss, length) * chain(back, reply_loss, length)
            counted[sum(a | b for a, b in zip(there, back, strict=True))] += chance
    assert bursts(count, settings) == pytest.approx(counted)


def chain(states: tuple[int, ...], percent: float, length: float) -> float:
    """The chance of one run through the Gilbert-Elliott model's states, 1 for bad."""
    if percent == 0:
        return float(not any(states))
    p, r = gilbert_elliott(percent, length)
    chance = percent / 100 if states[0] else 1 - percent / 100
    for old, new in itertools.pairwise(states):
        leave = r if old else p
        chance *= leave if old != new else 1 - leave
    return chance


@pytest.mark.parametrize("reply_loss", [0.0, 10.0])
def test_the_chances_of_bursts_agree_with_the_simulated_network(reply_loss: float) -> None:
    settings = Settings(loss=30.0, reply_loss=reply_loss, loss_model="burst", burst_length=3.0)
    runs, count = 4000, 10
    seen = [0] * (count + 1)
    for seed in range(runs):
        network, gone = Network(settings, seed), 0
        path = network.path("p")
        for _ in range(count):
            path.arrived += 1
            fate = network.fate(path)
            gone += fate.lost_to_server or fate.lost_to_client
        seen[gone] += 1
    for chance, number in zip(bursts(count, settings), seen, strict=True):
        assert abs(number / runs - chance) < 4 * (chance * (1 - chance) / runs) ** 0.5 + 0.001


@pytest.mark.parametrize("model", ["random", "burst"])
@pytest.mark.parametrize(("loss", "count"), [(30.0, 10), (30.0, 100), (5.0, 50), (36.4, 10), (80.0, 20)])
def test_95_of_100_runs_fall_in_the_range(loss: float, count: int, model: Any) -> None:
    settings = Settings(loss=loss, loss_model=model)
    found = expected_range(settings, count)
    inside, runs = 0, 1000
    for seed in range(runs):
        network = Network(settings, seed)
        path = network.path("p")
        gone = 0
        for _ in range(count):
            path.arrived += 1
            gone += network.fate(path).lost_to_server
        inside += found.low <= gone <= found.high
    assert 0.925 <= inside / runs <= 1.0


def test_the_range_is_as_narrow_as_95_percent_allows() -> None:
    chances = binomial(10, 0.3)
    low, high = likeliest(chances)
    assert sum(chances[low : high + 1]) >= 0.95
    assert sum(chances[low + 1 : high + 1]) < 0.95
    assert sum(chances[low:high]) < 0.95


def test_bursts_widen_the_range() -> None:
    one = expected_range(Settings(loss=30.0), 100)
    many = expected_range(Settings(loss=30.0, loss_model="burst", burst_length=10.0), 100)
    assert many.high - many.low > one.high - one.low


@pytest.mark.parametrize("reply_loss", [0.0, 10.0])
def test_beyond_the_exact_count_the_normal_curve_takes_over_smoothly(reply_loss: float) -> None:
    settings = Settings(loss=30.0, reply_loss=reply_loss, loss_model="burst", burst_length=3.0)
    before, after = expected_range(settings, EXACT), expected_range(settings, EXACT + 1)
    assert abs(before.low - after.low) <= 2
    assert abs(before.high - after.high) <= 2


def test_the_range_of_the_largest_run_is_found_in_time() -> None:
    settings = Settings(loss=8.0, reply_loss=4.0, loss_model="burst", burst_length=3.0)
    found = expected_range(settings, 10_000)
    assert 900 < found.low < 1168 < found.high < 1450


def test_simulated_runs_are_not_all_alike() -> None:
    """The range would be idle if each seed lost as many."""
    settings = Settings(loss=30.0)
    numbers = set()
    for seed in random.Random(1).sample(range(10_000), 50):
        network = Network(settings, seed)
        path = network.path("p")
        gone = 0
        for _ in range(10):
            path.arrived += 1
            gone += network.fate(path).lost_to_server
        numbers.add(gone)
    assert len(numbers) >= 5
