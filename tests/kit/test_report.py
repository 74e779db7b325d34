"""When a program's events are written: at once after a quiet time, in batches else, and rarely when idle."""

from __future__ import annotations

import threading
import time
from typing import Annotated, Any

import pytest
from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.events import ConnectionOpened, Event
from servers.kit.report import ALIVE, ChannelOutput, Report
from servers.kit.settings import ServerSettings, ui
from tests.programs import eventually


class Kept(ChannelOutput):
    """Keeps what would be sent."""

    size = 10

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.looks = 0

    def write(self, events: list[Event], counters: dict[str, int], dropped: int) -> None:
        self.looks += 1
        if events:
            self.batches.append(len(events))


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def report(kept: Kept):
    made = Report(output=kept)
    made._ready = True
    eventually(lambda: made._idle, "the writer rests")
    yield made
    made.close()


def opened() -> Event:
    return ConnectionOpened(t=0.0, conn="1", peer="127.0.0.1:50000")


def test_a_program_to_which_nothing_happens_sleeps(report: Report, kept: Kept) -> None:
    before = kept.looks
    time.sleep(1.5 * ALIVE)
    assert kept.looks - before <= 3


def test_what_comes_together_after_a_quiet_time_is_one_batch_soon(report: Report, kept: Kept) -> None:
    for _ in range(3):
        report.emit(opened())
    eventually(lambda: kept.batches, "a batch", deadline=ALIVE / 2)
    assert kept.batches == [3]


def test_no_event_is_left_lying_when_many_threads_tell_and_rest_in_turn(report: Report, kept: Kept) -> None:
    def tell() -> None:
        for turn in range(40):
            report.emit(opened())
            time.sleep(0.001 * (turn % 7) * 10)

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: sum(kept.batches) == 160, "all events", deadline=ALIVE / 2)
    eventually(lambda: report._idle, "the writer rests again")


def test_input_waits_for_a_session_that_only_just_began(report: Report) -> None:
    """The page may send a line before the program has come so far as to take one."""
    taken: list[Any] = []
    early = threading.Thread(target=report._do, args=("input", {"text": "early"}))
    early.start()
    report.on_input(taken.append)
    early.join(5)
    assert taken == [{"text": "early"}]


def test_flush_waits_for_what_the_thread_is_just_writing() -> None:
    """A client's result comes after all its events."""
    began, finished = threading.Event(), threading.Event()

    class Slow(Kept):
        def write(self, events: list[Event], counters: dict[str, int], dropped: int) -> None:
            if events:
                began.set()
                time.sleep(0.3)
                finished.set()

    report = Report(output=Slow(), ready=True)
    try:
        report.emit(opened())
        assert began.wait(5)
        report.flush()
        assert finished.is_set()
    finally:
        report.close()


def test_a_clock_that_is_set_back_does_not_stop_the_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wire:
        def __init__(self) -> None:
            self.sent: list[Any] = []

        def send(self, message: Any) -> None:
            self.sent.append(message)

    channel: Any = Wire()
    output = ChannelOutput(channel)
    output.write([], {}, 0)
    monkeypatch.setattr("servers.kit.report.now", lambda: time.time() - 3600)
    time.sleep(ALIVE)
    output.write([], {}, 0)
    assert len(channel.sent) == 2


def test_settings_that_could_not_be_applied_are_not_kept() -> None:
    class Knobs(ServerSettings, frozen=True, kw_only=True):
        loss: Annotated[int, Meta(ge=0, le=100, extra=ui(live=True))] = 0
        delay: Annotated[int, Meta(ge=0, le=100, extra=ui(live=True))] = 0

    applied: list[Any] = []

    def apply(knobs: Any) -> None:
        if knobs.loss == 50:
            raise SettingError("Not 50.", field="loss")
        applied.append(knobs)

    report = Report(output=Kept(), settings=Knobs())
    try:
        report.on_change(apply)
        with pytest.raises(SettingError):
            report._do("settings", {"loss": 50})
        report._do("settings", {"delay": 7})
        assert [(knobs.loss, knobs.delay) for knobs in applied] == [(0, 7)]
    finally:
        report.close()
