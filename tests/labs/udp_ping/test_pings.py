"""What a client makes of replies, told as dialogues without a socket or a clock."""

from __future__ import annotations

import pytest

from servers.udp_ping.pings import Pings
from servers.udp_ping.stats import Probe


class Run:
    """Pings 0.2 s apart from second 100 on, with a time-out of 1 s, and what was told of them."""

    def __init__(self, count: int) -> None:
        self.told: list[tuple[int, str]] = []
        self.pings = Pings(100.0, 1.0, 0, self._tell)
        self.messages = {
            seq: self.pings.leaves(seq, 99.8 + 0.2 * seq, 5000.0 + seq) for seq in range(1, count + 1)
        }

    def _tell(self, probe: Probe, reply: bytes) -> None:
        self.told.append((probe.seq, probe.status))

    def reply(self, seq: int, at: float) -> None:
        assert self.pings.take(self.messages[seq].upper(), at)


def test_each_reply_is_its_own_ping_s_whatever_the_order() -> None:
    run = Run(3)
    run.reply(3, 100.5)
    run.reply(1, 100.6)
    run.reply(2, 100.7)
    assert run.told == [(3, "reply"), (1, "reply"), (2, "reply")]
    first, second, third = run.pings.probes
    assert [probe.rtt_ms for probe in (first, second, third)] == pytest.approx([100, 600, 500])
    assert [probe.reordered for probe in (first, second, third)] == [False, True, True]
    assert [probe.sent for probe in (first, second, third)] == [0.4, 0.0, 0.2]


def test_the_oldest_expires_first_and_only_once() -> None:
    run = Run(2)
    assert run.pings.next_expiry() == pytest.approx(101.0)
    run.pings.expire(100.9)
    assert run.told == []
    run.pings.expire(101.1)
    run.pings.expire(101.1)
    assert run.told == [(1, "timeout")]
    assert run.pings.next_expiry() == pytest.approx(101.2)
    run.pings.expire(200.0)
    assert run.pings.next_expiry() is None


def test_a_late_reply_takes_the_time_out_s_place() -> None:
    run = Run(1)
    run.pings.expire(101.5)
    run.reply(1, 102.0)
    assert run.told == [(1, "timeout"), (1, "late")]
    assert [probe.status for probe in run.pings.probes] == ["late"]
    assert run.pings.slowest == pytest.approx(2.0)


def test_a_second_reply_is_a_duplicate_also_of_a_late_one() -> None:
    run = Run(1)
    run.reply(1, 101.5)
    run.reply(1, 101.6)
    assert run.told == [(1, "late"), (1, "duplicate")]
    assert len(run.pings.probes) == 2


def test_a_reply_to_a_ping_that_was_never_sent_is_none_of_ours() -> None:
    run = Run(1)
    assert not run.pings.take(b"PING 2 5002.000000 and more than one bit else", 100.1)
    assert not run.pings.take(b"", 100.1)
    assert run.told == []


def test_who_gives_up_loses_what_still_waits() -> None:
    run = Run(3)
    run.reply(2, 100.3)
    run.pings.give_up()
    assert run.told == [(2, "reply"), (1, "timeout"), (3, "timeout")]
    assert run.pings.has("timeout")
    assert not run.pings.has("late")
