"""Replies that wait, with a clock that the test sets."""

from __future__ import annotations

import pytest

from servers.udp_ping.outbox import REORDER_S, Item, Outbox


def item(due: float, number: int, peer: str = "p") -> Item:
    return Item(due, number, b"%d" % number, peer)


def taken(box: Outbox, clock: float) -> list[int]:
    """The numbers that leave at ``clock``, those that they let go included."""
    numbers = []
    for each in box.take(clock):
        numbers.append(each.number)
        numbers += [more.number for more in box.overtake(each.peer, each.number, clock)]
    return numbers


def test_replies_leave_when_due_and_in_that_order() -> None:
    box = Outbox()
    for due, number in ((3.0, 1), (1.0, 2), (2.0, 3)):
        box.delay(item(due, number))
    assert box.next == 1.0
    assert taken(box, 0.9) == []
    assert taken(box, 2.0) == [2, 3]
    assert taken(box, 9.0) == [1]
    assert not box.heap


def test_replies_due_at_once_leave_as_they_came() -> None:
    box = Outbox()
    for number in range(5):
        box.delay(item(1.0, number))
    assert taken(box, 1.0) == [0, 1, 2, 3, 4]


def test_a_held_reply_leaves_after_the_next_one() -> None:
    box = Outbox()
    box.hold(item(0.0, 1))
    assert taken(box, 0.1) == []
    assert [each.number for each in box.overtake("p", 2, 0.1)] == [1]
    assert taken(box, 99.0) == []


def test_an_earlier_reply_does_not_let_a_held_one_go() -> None:
    box = Outbox()
    box.delay(item(1.0, 1))
    box.hold(item(1.1, 2))
    box.delay(item(1.2, 3))
    assert taken(box, 1.15) == [1]
    assert taken(box, 1.25) == [3, 2]


def test_its_own_copy_does_not_let_a_held_reply_go() -> None:
    box = Outbox()
    box.hold(item(0.0, 1))
    box.hold(item(0.0, 1))
    assert box.overtake("p", 1, 0.1) == []
    assert [each.number for each in box.overtake("p", 2, 0.2)] == [1, 1]


def test_a_held_reply_that_was_overtaken_still_waits_for_its_own_delay() -> None:
    box = Outbox()
    box.hold(item(5.0, 1))
    assert box.overtake("p", 2, 1.0) == []
    assert taken(box, 4.9) == []
    assert taken(box, 5.0) == [1]
    assert taken(box, 99.0) == []


def test_a_reply_that_nothing_overtakes_leaves_in_the_end() -> None:
    box = Outbox()
    box.hold(item(1.0, 1))
    assert taken(box, 1.0 + REORDER_S - 0.01) == []
    assert taken(box, 1.0 + REORDER_S) == [1]
    assert box._held == {}


def test_another_peers_reply_lets_nothing_go() -> None:
    box = Outbox()
    box.hold(item(0.0, 1, "a"))
    assert box.overtake("b", 2, 1.0) == []


def test_what_waits_is_bounded() -> None:
    box = Outbox(limit=3)
    for number in range(2):
        box.hold(item(1.0, number))
    assert not box.full
    box.delay(item(1.0, 3))
    assert box.full
    assert taken(box, 9.0) == [3, 0, 1] or len(box.heap) == 0
    assert not box.full


@pytest.mark.parametrize("hold", [True, False])
def test_nothing_is_lost_and_nothing_leaves_twice(hold: bool) -> None:
    box = Outbox()
    left: list[int] = []
    for number in range(200):
        each = item(number * 0.01 + (number * 7919 % 13) / 100, number, "ab"[number % 2])
        (box.hold if hold and number % 3 else box.delay)(each)
        left += taken(box, number * 0.01)
    left += taken(box, 99.0)
    assert sorted(left) == list(range(200))
    assert not box._held
