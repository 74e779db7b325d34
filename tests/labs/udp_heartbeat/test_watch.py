"""Named histories of a client, replayed with a fake clock: each state, and why."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from servers.udp_heartbeat.protocol import read_line
from servers.udp_heartbeat.watch import Watch

WALL = 1_000_000_000.0


class Story:
    """One client's datagrams at given seconds, and what the watch makes of them."""

    def __init__(self, timeout: float = 5.0, most: int = 1000) -> None:
        self.watch = Watch(timeout, most)
        self.told: list[tuple[float, str]] = []
        self.whys: list[str] = []
        self.kinds: list[str] = []
        self.lates: list[bool] = []

    def beat(self, at: float, seq: int, time: float | str | None = None, peer: str = "a") -> Any:
        text = f"HB {seq} {WALL + at if time is None else time}"
        arrival = self.watch.arrived(peer, read_line(text.encode()), at, WALL + at)
        self._keep(arrival.changes)
        self.kinds.append(arrival.how)
        self.lates.append(arrival.late)
        return arrival

    def until(self, at: float) -> None:
        """Let time pass, as the server does: from one due time to the next."""
        while (due := self.watch.due()) is not None and due <= at:
            self._keep(self.watch.tick(due, WALL + due))

    def _keep(self, changes: list[Any]) -> None:
        for change in changes:
            self.told.append((round(change.since - WALL, 6), f"{change.peer} {change.state}"))
            self.whys.append(change.why)

    @property
    def states(self) -> list[tuple[float, str]]:
        return [(at, words.partition(" ")[2]) for at, words in self.told]

    def tally(self, peer: str = "a") -> tuple[int, int]:
        client = self.watch.clients[peer]
        return client.received, client.numbering.lost


HISTORIES: dict[str, tuple[list[Any], list[tuple[float, str]], tuple[int, int]]] = {
    # name: [(at, seq) or (at, seq, TIME) ...] and a last moment; states; received and lost
    "a steady client is alive": ([(0, 1), (1, 2), (2, 3), (3, 4), 3.4], [(0, "alive")], (4, 0)),
    "before three heartbeats nobody is late": ([(0, 1), (1, 2), 5.9], [(0, "alive")], (2, 0)),
    "late after one and a half intervals": (
        [(0, 1), (1, 2), (2, 3), 3.6], [(0, "alive"), (3.5, "late")], (3, 0),
    ),
    "late, then alive": (
        [(0, 1), (1, 2), (2, 3), (3.7, 4)], [(0, "alive"), (3.5, "late"), (3.7, "alive")], (4, 0),
    ),
    "late, then dead": (
        [(0, 1), (1, 2), (2, 3), 7.1], [(0, "alive"), (3.5, "late"), (7, "dead")], (3, 0),
    ),
    "dead before an interval is known": ([(0, 1), 5.1], [(0, "alive"), (5, "dead")], (1, 0)),
    "dead, back, alive": (
        [(0, 1), (1, 2), (2, 3), (9, 4), (10, 5)],
        [(0, "alive"), (3.5, "late"), (7, "dead"), (9, "back"), (10, "alive")], (5, 0),
    ),
    "back with a gap: the network lost them": (
        [(0, 1), (1, 2), (2, 3), (9, 10), (10, 11)],
        [(0, "alive"), (3.5, "late"), (7, "dead"), (9, "back"), (10, "alive")], (5, 6),
    ),
    "dead a second time": (
        [(0, 1), (6, 2), 11.1], [(0, "alive"), (5, "dead"), (6, "back"), (11, "dead")], (2, 0),
    ),
    "a gap is lost, the next one alive": (
        [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6)],
        [(0, "alive"), (3.5, "late"), (4, "lost"), (5, "alive")], (5, 1),
    ),
    "two gaps are told twice": (
        [(0, 1), (0.2, 3), (0.4, 6)], [(0, "alive"), (0.2, "lost"), (0.4, "lost")], (3, 3),
    ),
    "the first number may be any": ([(0, 57), (1, 58)], [(0, "alive")], (2, 0)),
    "a copy counts for nothing": (
        [(0, 1), (1, 2), (1.1, 2, WALL + 1), (2, 3)], [(0, "alive")], (3, 0),
    ),
    "a copy is no sign of life": (
        [(0, 1), (4.9, 1, WALL), 5.1], [(0, "alive"), (5, "dead")], (1, 0),
    ),
    "an overtaken one is lost for a moment": (
        [(0, 1), (1, 2), (2, 4), (2.1, 3, WALL + 1.5), (3, 5)],
        [(0, "alive"), (2, "lost"), (2.1, "alive")], (5, 0),
    ),
    "one of two missing comes after all": (
        [(0, 1), (1, 4), (1.1, 2, WALL + 0.3), (2, 5)], [(0, "alive"), (1, "lost"), (2, "alive")], (4, 1),
    ),
    "what came after all and comes again is a copy": (
        [(0, 1), (1, 3), (1.1, 2, WALL + 0.5), (1.2, 2, WALL + 0.5)],
        [(0, "alive"), (1, "lost"), (1.1, "alive")], (3, 0),
    ),
    "one sent before the first that came": (
        [(0, 2), (0.1, 1, WALL - 1), (1, 3)], [(0, "alive")], (3, 0),
    ),
    "a restart begins at 1": (
        [(0, 1), (1, 2), (2, 3), (3, 1), (4, 2)], [(0, "alive"), (3, "alive")], (5, 0),
    ),
    "a restart after death": (
        [(0, 1), (1, 2), (2, 3), (9, 1), (10, 2)],
        [(0, "alive"), (3.5, "late"), (7, "dead"), (9, "back"), (10, "alive")], (5, 0),
    ),
    "a restart of which the first is lost, into the missing numbers": (
        [(0, 1), (1, 2), (2, 10), (3, 5), (4, 6)],
        [(0, "alive"), (2, "lost"), (3, "alive")], (5, 7),
    ),
    "a restart whose TIME cannot be read": (
        [(0, 1, "Mon"), (1, 2, "Tue"), (2, 1, "Wed"), (3, 2, "Thu")], [(0, "alive"), (2, "alive")], (4, 0),
    ),
    "overtaken, with a TIME that cannot be read": (
        [(0, 1, "Mon"), (1, 3, "Mon"), (1.1, 2, "Mon")], [(0, "alive"), (1, "lost"), (1.1, "alive")], (3, 0),
    ),
    "a restart with a clock that was set back": (
        [(0, 300, WALL), (1, 301, WALL + 1), (2, 1, 5), (3, 2, 6), (4, 3, 7), (5, 4, 8)],
        [(0, "alive"), (4, "alive")], (6, 0),
    ),
    "a jump is no loss": (
        [(0, 1), (1, 2), (2, 500_000), (3, 500_001)], [(0, "alive"), (2, "alive")], (4, 0),
    ),
    "ten thousand missing are still loss": ([(0, 1), (1, 10_002)], [(0, "alive"), (1, "lost")], (2, 10_000)),
    "a client that slows down is learnt": (
        [*((n / 10, n) for n in range(5)), *((0.4 + n - 4, n) for n in range(5, 13))],
        [(0, "alive"), *itertools.chain(*(((0.55 + n, "late"), (1.4 + n, "alive")) for n in range(4)))],
        (13, 0),
    ),
    "a pause does not spoil the interval": (
        [(0, 1), (1, 2), (2, 3), (3, 4), (7, 5), (8, 6), 9.6],
        [(0, "alive"), (4.5, "late"), (7, "alive"), (9.5, "late")], (6, 0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_history(name: str) -> None:
    steps, states, tally = HISTORIES[name]
    story = Story()
    for step in steps:
        at = step[0] if isinstance(step, tuple) else step
        story.until(at)
        if isinstance(step, tuple):
            story.beat(*step)
    assert story.states == [(pytest.approx(at), state) for at, state in states]
    assert story.tally() == tally


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([(0, 4)], "the first heartbeat, SEQ 4"),
        ([(0, 1), (1, 2), (2, 3), 3.6], "nothing for 1.5 s; one is due every 1 s"),
        ([(0, 1), (1, 2), (2, 3), (3.7, 4)], "SEQ 4 came after 1.7 s"),
        ([(0, 1), (1, 3)], "SEQ went from 1 to 3: 1 is missing"),
        ([(0, 1), (1, 4)], "SEQ went from 1 to 4: 2 are missing"),
        ([(0, 1), (1, 3), (2, 4)], "SEQ goes on with 4"),
        ([(0, 1), (1, 3), (1.1, 2, WALL)], "all that was missing has come after all"),
        ([(0, 1), 5.1], "nothing for 5 s, the time-out is 5 s: the client has stopped"),
        ([(0, 1), 5.1, (7, 2)], "away for 7 s; no number is missing: the client itself was silent"),
        ([(0, 1), 5.1, (7, 8)], "away for 7 s; 6 missing: it sent on, and the network lost them"),
        ([(0, 9), 5.1, (7, 1)], "away for 7 s; SEQ began again: the client was restarted"),
        ([(0, 9), (7, 1)], "away for 7 s; SEQ began again: the client was restarted"),
        ([(0, 9), (1, 1)], "SEQ began again at 1 after 9: the client was restarted"),
        ([(0, 9), (1, 20_000)], "SEQ jumped from 9 to 20000: too far to be loss, so it counts anew"),
    ],
)
def test_the_reason_of_a_state_in_words(steps: list[Any], why: str) -> None:
    story = Story()
    for step in steps:
        story.until(step[0] if isinstance(step, tuple) else step)
        if isinstance(step, tuple):
            story.beat(*step)
    assert story.whys[-1] == why


def test_a_server_that_was_busy_tells_what_was_due_before_the_heartbeat() -> None:
    story = Story()
    for at in range(3):
        story.beat(at, at + 1)
    story.beat(9, 4)
    assert story.states == [(0, "alive"), (3.5, "late"), (7, "dead"), (9, "back")]


def test_a_late_heartbeat_is_named_and_one_after_a_lost_one_is_not() -> None:
    story = Story()
    for at, seq in ((0, 1), (1, 2), (2, 3), (3.6, 4), (4, 5), (6, 7), (8.1, 8)):
        story.beat(at, seq)
    assert story.lates == [False, False, False, True, False, False, True]


def test_each_client_has_its_own_clock() -> None:
    story = Story(timeout=3)
    for at in range(10):
        story.until(at)
        story.beat(at, at + 1, peer="lives")
        if at < 3:
            story.beat(at, at + 1, peer="dies")
    assert story.told == [
        (0, "lives alive"), (0, "dies alive"), (3.5, "dies late"), (5, "dies dead"),
    ]  # fmt: skip
    assert (story.watch.alive, story.watch.dead) == (1, 1)


def test_a_new_time_out_holds_at_once() -> None:
    story = Story(timeout=100)
    story.beat(0, 1)
    assert story.watch.due() == 100
    story.watch.timeout = 2
    assert story.watch.due() == 2
    story.until(3)
    assert story.states[-1] == (2, "dead")
    assert story.watch.due() is None
    story.beat(4, 2)
    story.watch.timeout = 7
    assert story.watch.due() == 11


def test_it_is_not_woken_more_often_than_heartbeats_come() -> None:
    story = Story(timeout=5)
    wakes = 0
    for beat in range(200):
        at = beat / 10
        while (due := story.watch.due()) is not None and due <= at:
            story.watch.tick(due, WALL + due)
            wakes += 1
        story.beat(at, beat)
    assert wakes <= 200


def test_the_longest_dead_is_forgotten_first() -> None:
    story = Story(timeout=2, most=3)
    for at, peer in ((0, "a"), (0.5, "b"), (1.0, "c")):
        story.beat(at, 1, peer=peer)
    story.until(2.6)
    story.beat(2.7, 2, peer="a")
    story.beat(2.8, 1, peer="d")
    assert story.told[-2:] == [(2.8, "b forgotten"), (2.8, "d alive")]
    assert set(story.watch.clients) == {"a", "c", "d"}
    story.until(10)
    assert (story.watch.alive, story.watch.dead) == (0, 3)


def test_a_flood_of_strangers_forgets_strangers_only_and_costs_no_memory() -> None:
    story = Story(timeout=1000, most=50)
    for n in range(3):
        story.beat(n, n + 1, peer="true")
    for n in range(5000):
        story.watch.arrived(f"forged {n}", read_line(b"HB 1 5"), 3 + n / 1e6, WALL)
    assert len(story.watch.clients) == 50
    assert story.watch.alive + story.watch.dead == 50
    assert "true" in story.watch.clients
    assert len(story.watch._heap) <= 2 * 50 + 1


def test_endless_restarts_cost_no_memory() -> None:
    story = Story(timeout=3600, most=20)
    for n in range(3000):
        story.beat(n / 1000, n % 4 + 1)
    assert len(story.watch._heap) <= 2 * 20 + 1
    client = story.watch.clients["a"]
    assert client.numbering.restarts == 749
    assert client.received == 3000


def test_our_own_clock_that_is_set_does_not_move_the_delays_above_the_smallest() -> None:
    watch = Watch(5)
    assert watch.clock_set(10, WALL + 10) == 0
    watch.arrived("a", read_line(b"HB 1 %.6f" % (WALL + 9.9)), 10, WALL + 10)
    assert watch.clock_set(11, WALL + 11.01) == 0  # running fast is no step
    assert watch.clock_set(12, WALL + 72.01) == pytest.approx(60)
    arrival = watch.arrived("a", read_line(b"HB 2 %.6f" % (WALL + 11.9)), 12, WALL + 72)
    assert arrival.delay == pytest.approx(60.1)
    assert arrival.above == pytest.approx(0, abs=0.02)
    assert arrival.step == 0
