"""The simulated network: chance that can be repeated."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

import pytest

from servers.udp_ping.lab import Settings
from servers.udp_ping.loss import MAX_PEERS, Draws, Fate, Network, corrupt, gilbert_elliott


def run(network: Network, peer: object, count: int) -> list[Fate]:
    fates = []
    for _ in range(count):
        path = network.path(peer)
        path.arrived += 1
        fates.append(network.fate(path))
    return fates


def fates(count: int, seed: int = 1, **settings: Any) -> list[Fate]:
    return run(Network(Settings(**{"loss": 0.0, **settings}), seed), "peer", count)


def lost(found: list[Fate]) -> list[bool]:
    return [fate.lost_to_server for fate in found]


# -- the numbers


def test_the_draws_are_these_for_ever() -> None:
    """A seed written on a worksheet must lose the same pings next year."""
    draws = Draws(42, "to_server")
    assert [round(draws.at(k), 6) for k in (0, 1, 2, 999_999)] == [0.202608, 0.99371, 0.096645, 0.89833]


def test_the_first_losses_of_seed_1_at_30_percent_are_these_for_ever() -> None:
    gone = lost(fates(20, seed=1, loss=30.0))
    assert [k + 1 for k in range(20) if gone[k]] == [7, 8, 13, 15, 17, 19, 20]


def test_splitmix64_is_the_published_one() -> None:
    """The reference generator's first outputs for the state 0 (Steele, Lea, Flood, 2014; Vigna's C)."""
    draws = Draws(0, "x")
    draws._start = 0
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [draws.at(k) for k in range(3)] == [value / 2**64 for value in expected]


def test_draws_are_evenly_spread() -> None:
    count, bins = 100_000, 20
    draws = Draws(7, "jitter")
    values = [draws.at(k) for k in range(count)]
    assert all(0 <= value < 1 for value in values)
    sizes = Counter(int(value * bins) for value in values)
    chi_square = sum((sizes[b] - count / bins) ** 2 / (count / bins) for b in range(bins))
    assert chi_square < 43.8, "19 degrees of freedom, p = 0.001"


@pytest.mark.parametrize("lag", [1, 2, 10])
def test_draws_do_not_follow_from_the_one_before(lag: int) -> None:
    draws = Draws(7, "to_server")
    count = 50_000
    products = sum((draws.at(k) - 0.5) * (draws.at(k + lag) - 0.5) for k in range(count))
    assert abs(products / count * 12) < 0.02


def test_effects_draw_independently_of_each_other() -> None:
    a, b = Draws(7, "to_server"), Draws(7, "to_client")
    count = 50_000
    products = sum((a.at(k) - 0.5) * (b.at(k) - 0.5) for k in range(count))
    assert abs(products / count * 12) < 0.02


def test_neighbouring_seeds_differ() -> None:
    one, two = lost(fates(1000, 1, loss=50.0)), lost(fates(1000, 2, loss=50.0))
    same = sum(x == y for x, y in zip(one, two, strict=True))
    assert 400 < same < 600


# -- loss


def test_full_loss_drops_every_ping() -> None:
    assert all(lost(fates(1000, loss=100.0)))
    assert all(lost(fates(1000, loss=100.0, loss_model="burst")))
    assert all(fate.lost_to_client for fate in fates(1000, reply_loss=100.0))


def test_zero_loss_drops_none() -> None:
    assert set(fates(1000)) == {Fate()}
    assert set(fates(1000, loss_model="burst")) == {Fate()}


@pytest.mark.parametrize("percent", [0.1, 5.0, 30.0, 36.4, 99.0])
@pytest.mark.parametrize("way", ["loss", "reply_loss"])
def test_random_loss_keeps_its_rate(percent: float, way: str) -> None:
    count = 40_000
    found = fates(count, **{way: percent})
    gone = sum(fate.lost_to_server if way == "loss" else fate.lost_to_client for fate in found)
    spread = (count * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(gone - count * percent / 100) < 4 * spread


@pytest.mark.parametrize(
    ("percent", "length"), [(5.0, 3.0), (30.0, 1.0), (30.0, 3.0), (30.0, 10.0), (60.0, 5.0)]
)
def test_burst_loss_keeps_its_long_run_rate_and_mean_length(percent: float, length: float) -> None:
    gone = lost(fates(200_000, loss=percent, loss_model="burst", burst_length=length))
    bursts = [len(list(group)) for bad, group in groupby(gone) if bad]
    assert 100 * sum(gone) / len(gone) == pytest.approx(percent, rel=0.06)
    assert sum(bursts) / len(bursts) == pytest.approx(length, rel=0.06)


@pytest.mark.parametrize(
    ("percent", "length", "p", "r"),
    [(50, 2, 0.5, 0.5), (20, 4, 0.0625, 0.25), (100, 5, 1.0, 0.0), (90, 2, 1.0, 1 / 9), (50, 1, 1.0, 1.0)],
)
def test_gilbert_elliott_names_its_chances_as_tc_netem_does(
    percent: float, length: float, p: float, r: float
) -> None:
    assert gilbert_elliott(percent, length) == pytest.approx((p, r))


def test_where_bursts_leave_no_room_the_loss_holds() -> None:
    gone = lost(fates(100_000, loss=90.0, loss_model="burst", burst_length=2.0))
    assert sum(gone) / len(gone) == pytest.approx(0.9, abs=0.01)


def test_the_first_ping_of_a_burst_is_as_likely_lost_as_any() -> None:
    settings = Settings(loss=30.0, loss_model="burst", burst_length=10.0)
    first = [run(Network(settings, seed), "p", 1)[0].lost_to_server for seed in range(2000)]
    assert sum(first) / len(first) == pytest.approx(0.3, abs=0.05)


def test_a_ping_that_is_lost_there_is_not_lost_again_on_the_way_back() -> None:
    found = fates(1000, loss=100.0, reply_loss=100.0)
    assert {(fate.lost_to_server, fate.lost_to_client) for fate in found} == {(True, False)}


# -- repeatability


ALL = {
    "loss": 20.0, "reply_loss": 10.0, "delay": 20.0, "jitter": 10.0, "duplicate": 20.0, "reorder": 20.0,
    "corrupt": 20.0,
}  # fmt: skip


@pytest.mark.parametrize("model", ["random", "burst"])
def test_the_same_seed_gives_every_peer_the_same_fate(model: str) -> None:
    network = Network(Settings(**ALL, loss_model=model), 5)  # type: ignore[arg-type]
    mixed: dict[str, list[Fate]] = {"a": [], "b": []}
    for k in range(500):
        for peer in ("a", "b") if k % 3 else ("b", "a"):
            mixed[peer] += run(network, peer, 1)
    assert mixed["a"] == mixed["b"]
    assert mixed["a"] == run(Network(Settings(**ALL, loss_model=model), 5), "c", 500)  # type: ignore[arg-type]


def test_without_a_chosen_seed_each_peer_has_losses_of_its_own() -> None:
    network = Network(Settings(loss=30.0), 5, alike=False)
    tens = [sum(fate.lost for fate in run(network, peer, 10)) for peer in range(1000)]
    assert 2.8 < sum(tens) / len(tens) < 3.2
    assert 930 <= sum(1 <= ten <= 6 for ten in tens) <= 985  # 96.1 % of the binomial distribution
    again = Network(Settings(loss=30.0), 5, alike=False)
    assert run(again, "first", 10) == run(Network(Settings(loss=30.0), 5), "any", 10)


@pytest.mark.parametrize("model", ["random", "burst"])
@pytest.mark.parametrize(
    "effect", ["jitter", "delay", "duplicate", "reorder", "corrupt", "reply_loss"]
)
def test_turning_an_effect_on_moves_no_loss(effect: str, model: str) -> None:
    base: Any = {"loss": 30.0, "loss_model": model}
    assert lost(fates(2000, **base, **{effect: 50.0})) == lost(fates(2000, **base))


def test_turning_loss_on_moves_no_jitter_of_those_that_come_through() -> None:
    without = fates(1000, jitter=10.0, delay=20.0)
    with_loss = fates(1000, jitter=10.0, delay=20.0, loss=40.0)
    kept = [(a, b) for a, b in zip(without, with_loss, strict=True) if not b.lost_to_server]
    assert 500 < len(kept) < 700
    assert all(a == b for a, b in kept)


def test_turning_an_effect_on_midway_moves_no_loss() -> None:
    network = Network(Settings(loss=30.0), 3)
    first = run(network, "p", 500)
    network.apply(Settings(loss=30.0, jitter=10.0, duplicate=10.0))
    assert lost(first + run(network, "p", 500)) == lost(fates(1000, seed=3, loss=30.0))


def test_a_live_change_of_loss_holds_at_once() -> None:
    network = Network(Settings(loss=0.0), 3)
    assert network.plain
    assert not any(lost(run(network, "p", 100)))
    network.apply(Settings(loss=100.0))
    assert not network.plain
    assert all(lost(run(network, "p", 100)))
    network.apply(Settings(loss=0.0))
    assert not any(lost(run(network, "p", 100)))


def test_a_higher_rate_loses_what_the_lower_lost_and_more() -> None:
    low, high = lost(fates(2000, loss=20.0)), lost(fates(2000, loss=40.0))
    assert all(more for less, more in zip(low, high, strict=True) if less)


# -- the other effects


def test_delay_strays_evenly_to_either_side_and_never_below_zero() -> None:
    delays = [fate.delay * 1000 for fate in fates(20_000, delay=50.0, jitter=20.0)]
    assert min(delays) == pytest.approx(30, abs=0.1)
    assert max(delays) == pytest.approx(70, abs=0.1)
    assert sum(delays) / len(delays) == pytest.approx(50, abs=0.5)
    assert min(fate.delay for fate in fates(1000, delay=1.0, jitter=50.0)) == 0.0


@pytest.mark.parametrize("percent", [0.0, 10.0, 100.0])
def test_duplicates_reordering_and_corruption_keep_their_rates(percent: float) -> None:
    found = fates(20_000, duplicate=percent, reorder=percent, corrupt=percent)
    share = percent / 100
    assert sum(f.copies == 2 for f in found) / 20_000 == pytest.approx(share, abs=0.01)
    assert sum(f.held for f in found) / 20_000 == pytest.approx(share, abs=0.01)
    assert sum(f.corrupt >= 0 for f in found) / 20_000 == pytest.approx(share, abs=0.01)


def test_corruption_falls_on_every_place_of_the_reply() -> None:
    reply = b"PING 1 0.5"
    places = set()
    for fate in fates(5000, corrupt=10.0):
        if fate.corrupt >= 0:
            garbled = corrupt(reply, fate.corrupt)
            places |= {k for k in range(len(reply)) if garbled[k] != reply[k]}
    assert places == set(range(len(reply)))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999999, 1.0])
@pytest.mark.parametrize("reply", [b"P", b"PING 1", bytes(1024)])
def test_corruption_flips_one_bit(reply: bytes, share: float) -> None:
    garbled = corrupt(reply, share)
    assert len(garbled) == len(reply)
    assert sum((a ^ b).bit_count() for a, b in zip(garbled, reply, strict=True)) == 1


def test_an_empty_reply_cannot_be_garbled() -> None:
    assert corrupt(b"", 0.5) == b""


# -- peers


def test_peers_are_bounded() -> None:
    network = Network(Settings(), 1)
    for k in range(3 * MAX_PEERS):
        run(network, ("127.0.0.1", k), 1)
        assert len(network.paths) <= MAX_PEERS
    assert ("127.0.0.1", 3 * MAX_PEERS - 1) in network.paths


def test_a_peer_that_is_heard_again_and_again_is_not_forgotten_for_silent_ones() -> None:
    network = Network(Settings(), 1)
    for k in range(MAX_PEERS // 2):
        run(network, ("silent", k), 1)
    for _ in range(2):
        run(network, "busy", 1)
    for k in range(6 * MAX_PEERS):
        run(network, "busy", 1)
        run(network, ("once", k), 1)
    assert network.paths["busy"].arrived > 5 * MAX_PEERS
