"""Simulated clients with a fake clock: what leaves when, and orders in words."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from servers.kit.errors import SettingError
from servers.udp_heartbeat.byhand import Hand
from servers.udp_heartbeat.crowd import Crowd
from servers.udp_heartbeat.orders import Order, read_order
from servers.udp_heartbeat.protocol import read_line
from servers.udp_heartbeat.request import Request

WALL = 1000.0


def sent_by(crowd: Crowd, until: float) -> list[tuple[float, int, int, bool]]:
    """What leaves until then: when, from which client, SEQ, and whether it really leaves."""
    found: list[tuple[float, int, int, bool]] = []
    while (due := crowd.due()) <= until:
        beats, _ = crowd.take(due, WALL + due)
        found += [(round(due, 6), beat.client.number, beat.seq, beat.left) for beat in beats]
    return found


def test_so_many_leave_at_a_steady_pace() -> None:
    crowd = Crowd(Request(count=3, interval=0.5), 10.0)
    assert sent_by(crowd, 99) == [
        (10.0, 1, 1, True), (10.5, 1, 2, True), (11.0, 1, 3, True),
    ]  # fmt: skip
    assert crowd.due() == math.inf
    assert crowd.clients[0].does == "stopped"


def test_clients_do_not_beat_at_the_same_moment() -> None:
    crowd = Crowd(Request(count=2, interval=1, clients=4), 0.0)
    times = [at for at, *_ in sent_by(crowd, 99)]
    assert times == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]


def test_count_0_goes_on() -> None:
    crowd = Crowd(Request(count=0, interval=1), 0.0)
    assert len(sent_by(crowd, 1000)) == 1001


def test_a_lost_one_keeps_its_number_and_a_seed_loses_the_same_again() -> None:
    runs = [sent_by(Crowd(Request(count=200, interval=0.1, loss=30, seed=5), 0.0), 99) for _ in range(2)]
    assert runs[0] == runs[1]
    assert [seq for _, _, seq, _ in runs[0]] == list(range(1, 201))
    assert 30 < sum(not left for *_, left in runs[0]) < 90


def test_time_is_written_before_it_is_held_back_and_by_the_wrong_clock() -> None:
    crowd = Crowd(Request(count=1, delay=250, clock_offset=-3), 0.0)
    assert crowd.take(0.0, WALL) == ([], [])
    assert crowd.due() == 0.25
    beats, changed = crowd.take(0.25, WALL + 0.25)
    assert read_line(beats[0].datagram).sent == WALL - 3
    assert [client.does for client in changed] == ["stopped"]


def test_jitter_adds_up_to_so_much() -> None:
    crowd = Crowd(Request(count=100, interval=1, jitter=500, seed=1), 0.0)
    held = [at - (seq - 1) for at, _, seq, _ in sent_by(crowd, 999)]
    assert 0 <= min(held) < 0.1
    assert 0.4 < max(held) <= 0.5


def test_copies_are_the_same_bytes() -> None:
    crowd = Crowd(Request(count=2, duplicate=100), 0.0)
    beats, _ = crowd.take(0.0, WALL)
    assert [beat.copy for beat in beats] == [False, True]
    assert beats[0].datagram == beats[1].datagram
    assert crowd.clients[0].sent == 1


def test_one_that_is_held_back_is_overtaken_by_the_next() -> None:
    crowd = Crowd(Request(count=60, interval=1, reorder=20, seed=3), 0.0)
    order = [seq for _, _, seq, _ in sent_by(crowd, 999)]
    assert sorted(order) == list(range(1, 61))
    assert any(a > b for a, b in itertools.pairwise(order))


def test_a_silence_that_was_asked_for_beforehand() -> None:
    crowd = Crowd(Request(count=6, interval=1, silence_at=2.5, silence_for=4), 0.0)
    assert [(at, seq) for at, _, seq, _ in sent_by(crowd, 99)] == [
        (0, 1), (1, 2), (2, 3), (6.5, 4), (7.5, 5), (8.5, 6),
    ]  # fmt: skip


def test_silent_numbers_stand_still_and_unplugged_ones_go_on() -> None:
    crowd = Crowd(Request(interval=1, clients=2, by_hand=True), 0.0)
    sent_by(crowd, 1.9)
    crowd.tell(crowd.clients[0], "silent", 1.9)
    crowd.tell(crowd.clients[1], "unplugged", 1.9)
    assert [entry[1:] for entry in sent_by(crowd, 4.4)] == [(2, 3, False), (2, 4, False)]
    crowd.tell(crowd.clients[0], "sends", 4.4)
    crowd.tell(crowd.clients[1], "sends", 4.4)
    assert sent_by(crowd, 4.6) == [(4.4, 1, 3, True), (4.5, 2, 5, True)]


def test_a_restart_begins_at_1_and_a_new_pace_holds_at_once() -> None:
    crowd = Crowd(Request(interval=10, by_hand=True), 0.0)
    (client,) = crowd.clients
    sent_by(crowd, 10.5)
    crowd.tell(client, "restarted", 10.5)
    crowd.pace(client, 1, 10.5)
    assert sent_by(crowd, 12.5) == [(11.5, 1, 1, True), (12.5, 1, 2, True)]
    crowd.tell(client, "stopped", 12.5)
    assert crowd.due() == math.inf
    crowd.tell(client, "sends", 20)
    assert sent_by(crowd, 20) == [(20, 1, 1, True)]


def test_a_machine_that_was_asleep_does_not_catch_up() -> None:
    crowd = Crowd(Request(count=0, interval=1), 0.0)
    beats, _ = crowd.take(100.0, WALL)
    assert len(beats) <= 2
    assert crowd.due() == 101


@pytest.mark.parametrize(
    ("text", "clients", "order"),
    [
        ("silence 2", 3, Order("silence", (2,))),
        ("  WAKE  all ", 3, Order("wake", (1, 2, 3))),
        ("restart 3", 3, Order("restart", (3,))),
        ("unplug 1", 1, Order("unplug", (1,))),
        ("stop", 1, Order("stop", (1,))),
        ("slow 2 1.5", 3, Order("slow", (2,), 1.5)),
        ("slow all 60", 2, Order("slow", (1, 2), 60.0)),
    ],
)
def test_orders(text: str, clients: int, order: Order) -> None:
    assert read_order(text, clients) == order


@pytest.mark.parametrize(
    ("text", "clients", "message"),
    [
        ("", 1, "There is nothing to do."),
        ("dance 1", 3, "«dance» is no order."),
        ("silence", 3, "Which client?"),
        ("silence 4", 3, "«4» is no client."),
        ("silence 0", 3, "«0» is no client."),
        ("silence -1", 3, "«-1» is no client."),
        ("silence ²", 3, "«²» is no client."),
        ("silence 1 2", 3, "There are more words than silence takes."),
        ("slow 2", 3, "slow needs a client and seconds."),
        ("slow 2 0", 3, "«0» is no interval."),
        ("slow 2 nan", 3, "«nan» is no interval."),
        ("slow 2 x", 3, "«x» is no interval."),
        ("slow 2 61", 3, "«61» is no interval."),
    ],
)
def test_what_is_no_order_is_told(text: str, clients: int, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_order(text, clients)
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"count": 10_000, "interval": 1.0}, "take 10000 s"),
        ({"count": 100_000, "interval": 0.001, "clients": 2}, "200,000 heartbeats in all"),
    ],
)
def test_a_run_that_is_too_long_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError) as caught:
        Request(**given)
    assert words in caught.value.message
    assert caught.value.field == "count"
    Request(**{**given, "by_hand": True})


def test_an_order_after_the_end_does_nothing() -> None:
    told: list[str] = []
    hand = Hand(Crowd(Request(by_hand=True), 0.0), lambda client, does: told.append(does))
    hand.take({"text": "stop 1"})
    hand.over.set()
    with pytest.raises(SettingError, match="over"):
        hand.take({"text": "wake 1"})
    assert [row.does for row in hand.take({}).clients] == told == ["stopped"]
