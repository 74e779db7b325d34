"""Marks: what a segment is beside its numbers, and the words for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.walk.talk import Talk


def retransmission(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x" * 100)
    talk.c("P.", 1, 1, b"x" * 100, after=0.3)


def retransmission_of_what_was_acknowledged(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x" * 100)
    talk.s(".", 1, 101)
    talk.c("P.", 1, 1, b"x" * 100)


def fast_retransmission(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x" * 100)
    talk.s(".", 1, 101)
    for n in (2, 3, 4):
        talk.c("P.", 1 + n * 100, 1, b"x" * 100)
        talk.s(".", 1, 101)
    talk.c("P.", 101, 1, b"x" * 100)


def out_of_order(talk: Talk) -> None:
    talk.c("P.", 101, 1, b"x" * 100)
    talk.c("P.", 1, 1, b"x" * 100, after=0.0001)


def duplicate_ack(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x" * 100)
    talk.s(".", 1, 101)
    talk.s(".", 1, 101)


def keep_alive(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x")
    talk.s(".", 1, 2)
    talk.c(".", 1, 1, after=60)


def keep_alive_ack(talk: Talk) -> None:
    keep_alive(talk)
    talk.s(".", 1, 2)


def keep_alive_into_a_window_of_0(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x")
    talk.s(".", 1, 2, window=0)
    talk.c(".", 1, 1, after=0.2)


def zero_window(talk: Talk) -> None:
    talk.s(".", 1, 1, window=0)


def window_update(talk: Talk) -> None:
    zero_window(talk)
    talk.s(".", 1, 1, window=500)


def window_probe(talk: Talk) -> None:
    zero_window(talk)
    talk.c(".", 1, 1, b"x", after=0.2)


def window_full(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x" * 1000)


def reset(talk: Talk) -> None:
    talk.s("R.", 1, 1)


def lost_segment(talk: Talk) -> None:
    talk.c("P.", 101, 1, b"x" * 100)


def acknowledged_but_not_captured(talk: Talk) -> None:
    talk.s(".", 1, 501)


def cut(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x" * 100, kept=4)


def plain(talk: Talk) -> None:
    talk.c("P.", 1, 1, b"x" * 100)
    talk.s(".", 1, 101)
    talk.s("P.", 1, 101, b"y" * 10)


CASES: list[tuple[Callable[[Talk], None], str, str]] = [
    (retransmission, "retransmission", "bytes 1 to 100"),
    (retransmission_of_what_was_acknowledged, "retransmission", "bytes 1 to 100"),
    (fast_retransmission, "fast_retransmission", "bytes 101 to 200"),
    (out_of_order, "out_of_order", "bytes 1 to 100"),
    (duplicate_ack, "duplicate_ack", "101 is the next byte wanted (duplicate number 1)"),
    (keep_alive, "keep_alive", "one before the next"),
    (keep_alive_ack, "keep_alive_ack", "still there"),
    (keep_alive_into_a_window_of_0, "keep_alive", "whether there is room again"),
    (zero_window, "zero_window", "No room"),
    (window_update, "window_update", "500 bytes"),
    (window_probe, "window_probe", "One byte"),
    (window_full, "window_full", "These 1000 bytes"),
    (reset, "reset", "without a farewell"),
    (lost_segment, "lost_segment", "100 bytes before it were not captured"),
    (acknowledged_but_not_captured, "lost_segment", "acknowledges up to 501"),
    (cut, "cut", "4 of its 100 bytes"),
    (plain, "", ""),
]


@pytest.mark.parametrize(("say", "mark", "words"), CASES, ids=[case[0].__name__ for case in CASES])
def test_the_last_segments_mark_and_its_words(say: Callable[[Talk], None], mark: str, words: str) -> None:
    talk = Talk().opened()
    say(talk)
    row = talk.rows()[-1]
    assert row.marks == ((mark,) if mark else ())
    assert words in row.why


def test_a_syn_sent_again_and_a_refused_one() -> None:
    talk = Talk()
    talk.c("S", 0)
    talk.c("S", 0, after=1)
    talk.s("R.", 0, 1)
    rows = talk.rows()
    assert [row.marks for row in rows] == [(), ("syn_again",), ("reset",)]
    assert "nothing came back" in rows[1].why
    assert rows[2].why.startswith("Refused")


def test_a_hole_in_the_capture_is_told_once() -> None:
    talk = Talk().opened()
    for _ in range(3):
        talk.s("P.", 1, 501, b"")
    marks = [row.marks for row in talk.rows()[3:]]
    assert marks == [("lost_segment",), ("duplicate_ack",), ("duplicate_ack",)]


def test_late_is_out_of_order_within_a_round_trip_and_sent_again_after_it() -> None:
    for after, mark in ((0.001, "out_of_order"), (0.05, "retransmission")):
        talk = Talk(step=0.01).opened()  # a round trip of 20 ms
        talk.c("P.", 101, 1, b"x" * 100)
        talk.c("P.", 1, 1, b"x" * 100, after=after)
        assert talk.rows()[-1].marks == (mark,)


def test_every_mark_has_words() -> None:
    for say, mark, _ in CASES:
        talk = Talk().opened()
        say(talk)
        assert all(bool(row.why) == bool(row.marks) for row in talk.rows()), mark
        assert not any("{" in row.why for row in talk.rows())
