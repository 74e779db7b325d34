"""The supervisor through named histories: a clock and children that do what each history says."""

from __future__ import annotations

from typing import Any

import pytest

from servers.kit.errors import LabError, SettingError
from tests.webui.fakes import Clock, FakeChild, instance
from webui.states import WrongState
from webui.supervisor import Instance, Supervisor, Trouble

ADDRESS = "127.0.0.1:40404"


class History:
    """A supervisor with one instance, told what happens."""

    def __init__(self, jitter: float = 0.5, **settings: Any) -> None:
        self.clock = Clock()
        self.children: list[FakeChild] = []
        self.refuse: Exception | None = None
        self.obeys = True
        self.states: list[str] = []
        self.runs: list[tuple[str, int, str]] = []
        self.supervisor = Supervisor(self.launch, self, clock=self.clock, jitter=lambda: jitter)
        self.it = instance(**settings)
        self.supervisor.add(self.it)

    # -- what the supervisor needs

    def launch(self, it: Instance) -> FakeChild:
        if self.refuse:
            raise self.refuse
        child = FakeChild()
        child.obeys = self.obeys
        self.children.append(child)
        return child

    def changed(self, it: Instance) -> None:
        if not self.states or self.states[-1] != it.state:
            self.states.append(it.state)

    def run_started(self, it: Instance) -> None:
        self.runs.append(("started", it.run, it.address))

    def run_ended(self, it: Instance, reason: str) -> None:
        self.runs.append(("ended", it.run, reason))

    # -- what happens

    @property
    def child(self) -> FakeChild:
        return self.children[-1]

    def passes(self, seconds: float, alive: bool = False) -> None:
        """Time passes, with a tick at least every half second."""
        end = self.clock.now + seconds
        while True:
            self.clock.now = min(end, self.clock.now + 0.5)
            if alive:
                self.supervisor.heard(self.it, self.child)
            self.tick()
            if self.clock.now >= end:
                return

    def tick(self) -> None:
        """Tick, and again while it asks to be woken."""
        self.supervisor.wake.set()
        while self.supervisor.wake.is_set():
            self.supervisor.wake.clear()
            self.supervisor.tick()

    def start(self) -> None:
        self.supervisor.start(self.it)
        self.supervisor.tick()

    def ready(self, address: str = ADDRESS) -> None:
        self.supervisor.listening(self.it, self.child, address, 7)

    def run(self) -> None:
        self.start()
        self.ready()

    def crash(self, code: int = 1) -> None:
        self.child.code = code
        self.supervisor.tick()

    def retry(self) -> None:
        self.clock.now = self.it.retry_at
        self.supervisor.tick()

    @property
    def message(self) -> str:
        return self.it.trouble.message if self.it.trouble else ""


# -- becoming ready


def test_a_spawned_child_is_starting_and_runs_once_it_says_so() -> None:
    h = History()
    h.start()
    assert (h.it.state, len(h.children)) == ("starting", 1)
    h.ready()
    assert (h.it.state, h.it.address, h.it.seed) == ("running", ADDRESS, 7)
    assert h.runs == [("started", 1, ADDRESS)]


def test_a_child_that_says_it_twice_starts_one_run() -> None:
    h = History()
    h.run()
    h.ready("127.0.0.1:2")
    assert h.it.address == ADDRESS
    assert len(h.runs) == 1


def test_not_ready_in_8_seconds_is_a_crash() -> None:
    h = History()
    h.start()
    h.passes(8.0)
    assert (h.it.state, h.child.log) == ("starting", [])
    h.passes(0.5)
    assert h.child.log == ["kill"]
    h.passes(0.1)
    assert h.it.state == "backoff"
    assert "not listening after 8 s" in h.message


def test_a_child_that_cannot_be_launched_fails_with_the_reason() -> None:
    h = History()
    h.refuse = OSError(12, "Cannot allocate memory")
    h.start()
    assert (h.it.state, h.it.child) == ("failed", None)
    assert "Cannot allocate memory" in h.message
    h.refuse = None
    h.run()
    assert (h.it.state, h.it.trouble) == ("running", None)


def test_a_retry_that_cannot_be_launched_fails_too() -> None:
    h = History()
    h.run()
    h.crash()
    h.refuse = OSError(24, "Too many open files")
    h.retry()
    assert h.it.state == "failed"


def test_an_argument_that_no_program_takes_fails_it_at_once() -> None:
    h = History()
    h.refuse = ValueError("embedded null byte")
    h.start()
    assert (h.it.state, h.message) == ("failed", "The program could not be started: embedded null byte.")


def test_a_fault_in_one_instance_leaves_the_others_looked_after() -> None:
    h = History()
    other = instance("udp_ping-2")
    h.supervisor.add(other)
    h.supervisor.start(h.it)
    h.supervisor.start(other)
    launch = h.supervisor._launch

    def faulty(it: Instance) -> Any:
        if it is h.it:
            raise RuntimeError("a fault of ours")
        return launch(it)

    h.supervisor._launch = faulty
    h.supervisor.tick()
    assert other.child is h.child


# -- crashes


def test_a_crash_says_how_it_ended_and_its_last_line() -> None:
    h = History()
    h.run()
    h.child.words = "Traceback\nValueError: no"
    h.crash(1)
    assert h.message == "It ended by itself (exit code 1). ValueError: no"
    h.retry()
    h.ready()
    h.crash(-11)
    assert h.message == "It ended by itself (signal 11)."
    assert h.runs[1] == ("ended", 1, "It ended by itself (exit code 1). ValueError: no")


def test_a_crash_waits_for_the_childs_last_words() -> None:
    h = History()
    h.run()
    h.child.silent = False
    h.crash()
    assert h.it.state == "running"
    h.child.words = "the reason"
    h.child.silent = True
    h.supervisor.tick()
    assert "the reason" in h.message


def test_backoff_doubles_from_half_a_second_to_15() -> None:
    h = History()
    h.start()
    waits = []
    for _ in range(9):
        h.ready()
        h.clock.now += 16  # so that no five fall into a minute
        h.supervisor.heard(h.it, h.child)
        h.supervisor._last_tick = h.clock.now
        h.crash()
        assert h.it.state == "backoff"
        waits.append(round(h.it.retry_at - h.clock.now, 6))
        h.retry()
        assert h.it.state == "starting"
    assert waits == [0.5, 1, 2, 4, 8, 15, 15, 15, 15]


@pytest.mark.parametrize(("jitter", "factor"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_jitter_spreads_the_backoff_by_a_fifth(jitter: float, factor: float) -> None:
    h = History(jitter)
    h.run()
    h.crash()
    assert h.it.retry_at - h.clock.now == pytest.approx(0.5 * factor)


def test_backoff_ends_no_sooner_than_due() -> None:
    h = History()
    h.run()
    h.crash()
    h.passes(0.45)
    assert (h.it.state, len(h.children)) == ("backoff", 1)
    h.passes(0.1)
    assert (h.it.state, len(h.children)) == ("starting", 2)


def test_five_crashes_in_a_minute_is_failed() -> None:
    h = History()
    h.start()
    for _ in range(4):
        h.ready()
        h.crash()
        assert h.it.state == "backoff"
        h.retry()
    h.ready()
    h.crash()
    assert h.it.state == "failed"
    assert h.it.trouble
    assert "crashed 5 times in 60 s" in h.it.trouble.hint
    h.passes(60)
    assert len(h.children) == 5


def test_crashes_that_are_far_apart_never_fail() -> None:
    h = History()
    h.start()
    for _ in range(12):
        h.ready()
        h.passes(16, alive=True)
        h.crash()
        assert h.it.state == "backoff"
        h.retry()


def test_20_seconds_of_health_forgive_earlier_crashes() -> None:
    h = History()
    h.start()
    for _ in range(4):
        h.ready()
        h.crash()
        h.retry()
    h.ready()
    h.passes(20.5, alive=True)
    assert h.it.retries == 0
    h.crash()
    assert h.it.state == "backoff"
    assert h.it.retry_at - h.clock.now == pytest.approx(0.5)


def test_starting_by_hand_forgives_too() -> None:
    h = History()
    h.start()
    for _ in range(4):
        h.ready()
        h.crash()
        h.retry()
    h.ready()
    h.crash()
    assert h.it.state == "failed"
    h.run()
    h.crash()
    assert h.it.state == "backoff"
    assert h.it.retry_at - h.clock.now == pytest.approx(0.5)


# -- fatal


def test_fatal_fails_at_once_without_retries() -> None:
    h = History(port=12000)
    h.start()
    why = Trouble("Port 12000 is in use.", "Use 12001.", "port", 12001)
    h.supervisor.fatal(h.it, h.child, why)
    h.crash()
    assert (h.it.state, h.it.trouble) == ("failed", why)
    h.passes(60)
    assert len(h.children) == 1


def test_fatal_without_an_end_is_ended_when_its_time_is_up() -> None:
    h = History()
    h.start()
    h.supervisor.fatal(h.it, h.child, Trouble("no"))
    h.passes(9)
    assert (h.child.log, h.it.state, h.message) == (["kill"], "failed", "no")


def test_fatal_in_a_running_server_fails_too() -> None:
    h = History()
    h.run()
    h.supervisor.fatal(h.it, h.child, Trouble("the disk is full"))
    h.crash()
    assert (h.it.state, h.message) == ("failed", "the disk is full")


def test_a_fatal_of_an_earlier_run_is_forgotten() -> None:
    h = History()
    h.start()
    h.supervisor.fatal(h.it, h.child, Trouble("no"))
    h.crash()
    h.run()
    h.crash()
    assert h.it.state == "backoff"


# -- silence


def test_5_silent_seconds_are_killed_and_started_again() -> None:
    h = History()
    h.run()
    h.passes(5)
    assert (h.it.state, h.child.log) == ("running", [])
    h.passes(0.5)
    assert h.child.log == ["kill"]
    h.passes(0.1)
    assert h.it.state == "backoff"
    assert "no sign of life for 5 s" in h.message
    h.retry()
    assert (h.it.state, len(h.children)) == ("starting", 2)


def test_signs_of_life_keep_it_running() -> None:
    h = History()
    h.run()
    h.passes(120, alive=True)
    assert (h.it.state, h.child.log) == ("running", [])


def test_a_dashboard_that_was_paused_kills_nobody() -> None:
    h = History()
    h.run()
    h.clock.now += 3600
    h.supervisor.tick()
    h.passes(4.5)
    assert (h.it.state, h.child.log) == ("running", [])
    h.passes(1)
    assert h.child.log == ["kill"]


def test_a_pause_gives_a_starting_child_its_8_seconds_again() -> None:
    h = History()
    h.start()
    h.passes(7)
    h.clock.now += 100
    h.supervisor.tick()
    h.passes(7.5)
    assert (h.it.state, h.child.log) == ("starting", [])


def test_a_pause_gives_a_stopping_child_its_3_seconds_again() -> None:
    h = History()
    h.obeys = False
    h.run()
    h.supervisor.stop(h.it)
    h.clock.now += 100
    h.supervisor.tick()
    assert h.child.log == ["stop"]


# -- stopping


def test_stop_asks_waits_3_seconds_then_kills() -> None:
    h = History()
    h.obeys = False
    h.run()
    h.supervisor.stop(h.it)
    assert (h.it.state, h.child.log) == ("stopping", ["stop"])
    h.passes(3)
    assert h.child.log == ["stop"]
    h.passes(0.5)
    assert h.child.log == ["stop", "kill"]
    h.passes(0.1)
    assert (h.it.state, h.it.child, h.it.address, h.it.trouble) == ("stopped", None, "", None)
    assert h.runs[-1] == ("ended", 1, "stopped")


def test_a_child_that_obeys_is_not_killed() -> None:
    h = History()
    h.run()
    h.supervisor.stop(h.it)
    h.supervisor.tick()
    assert (h.it.state, h.child.log) == ("stopped", ["stop"])


def test_stopping_while_starting_ends_the_child() -> None:
    h = History()
    h.start()
    h.supervisor.stop(h.it)
    h.ready()
    assert h.it.state == "stopping"
    h.supervisor.tick()
    assert h.it.state == "stopped"
    assert h.runs == []


def test_stopping_before_the_child_was_launched_launches_none() -> None:
    h = History()
    h.supervisor.start(h.it)
    h.supervisor.stop(h.it)
    h.passes(1)
    assert (h.it.state, h.children) == ("stopped", [])


def test_stopping_in_backoff_starts_no_more() -> None:
    h = History()
    h.run()
    h.crash()
    h.supervisor.stop(h.it)
    assert h.it.state == "stopped"
    h.passes(30)
    assert len(h.children) == 1


def test_a_crash_while_stopping_is_just_its_end() -> None:
    h = History()
    h.obeys = False
    h.run()
    h.supervisor.stop(h.it)
    h.crash(1)
    assert (h.it.state, h.it.trouble, list(h.it.crashes)) == ("stopped", None, [])


@pytest.mark.parametrize("verb", ["stop", "start"])
def test_what_cannot_be_done_now_is_refused(verb: str) -> None:
    h = History()
    if verb == "start":
        h.run()
    before = h.it.state
    with pytest.raises(WrongState, match="already"):
        getattr(h.supervisor, verb)(h.it)
    assert h.it.state == before
    h.passes(1, alive=verb == "start")
    assert h.it.state == before


# -- restarting


def test_restart_is_an_end_and_a_new_run() -> None:
    h = History()
    h.run()
    h.supervisor.restart(h.it)
    assert h.it.state == "stopping"
    h.passes(0.5)
    assert (h.it.state, len(h.children), h.it.run) == ("starting", 2, 2)
    h.ready()
    assert h.states == ["stopped", "starting", "running", "stopping", "stopped", "starting", "running"]


def test_a_restart_of_a_child_that_does_not_end_kills_it() -> None:
    h = History()
    h.obeys = False
    h.run()
    h.supervisor.restart(h.it)
    h.passes(4)
    assert h.children[0].log == ["stop", "kill"]
    assert len(h.children) == 2


def test_restarting_while_starting_launches_a_new_child() -> None:
    h = History()
    h.start()
    h.supervisor.restart(h.it)
    h.passes(0.5)
    assert (h.it.state, len(h.children)) == ("starting", 2)


@pytest.mark.parametrize("state", ["stopped", "failed", "backoff"])
def test_restarting_what_does_not_run_starts_it(state: str) -> None:
    h = History()
    if state == "backoff":
        h.run()
        h.crash()
    if state == "failed":
        h.refuse = OSError(1, "no")
        h.start()
        h.refuse = None
    assert h.it.state == state
    h.supervisor.restart(h.it)
    assert h.it.state == "starting"


def test_stop_after_restart_stays_stopped() -> None:
    h = History()
    h.obeys = False
    h.run()
    h.supervisor.restart(h.it)
    h.supervisor.stop(h.it)
    h.passes(10)
    assert (h.it.state, len(h.children)) == ("stopped", 1)


def test_starting_in_backoff_does_not_wait() -> None:
    h = History()
    h.run()
    h.crash()
    h.start()
    assert (h.it.state, len(h.children)) == ("starting", 2)


def test_a_port_of_the_systems_choice_is_kept_over_a_restart() -> None:
    h = History(port=0)
    h.run()
    h.supervisor.restart(h.it)
    h.passes(0.5)
    assert h.it.settings.port == 40404
    assert "--port" in h.it.arguments


def test_a_port_of_the_systems_choice_is_kept_over_a_crash() -> None:
    h = History(port=0)
    h.run()
    h.crash()
    assert h.it.settings.port == 40404


def test_a_port_of_the_systems_choice_is_chosen_anew_after_a_stop() -> None:
    h = History(port=0)
    h.run()
    h.supervisor.stop(h.it)
    h.supervisor.tick()
    assert h.it.settings.port == 0


# -- changes


def test_a_live_change_goes_to_the_child_without_a_restart() -> None:
    h = History()
    h.run()
    assert h.supervisor.change(h.it, {"loss": 50}) is False
    assert (h.child.log, h.it.settings.loss) == ([("settings", {"loss": 50.0})], 50.0)
    assert h.it.state == "running"


def test_what_is_not_live_restarts_on_the_same_port() -> None:
    h = History()
    h.run()
    assert h.supervisor.change(h.it, {"seed": 5, "loss": 1}) is True
    h.passes(0.5)
    assert (h.it.run, h.it.settings.seed, h.it.settings.loss, h.it.settings.port) == (2, 5, 1.0, 40404)
    assert h.children[0].log == ["stop"]


def test_a_changed_port_is_taken() -> None:
    h = History()
    h.run()
    assert h.supervisor.change(h.it, {"port": 40505}) is True
    h.passes(0.5)
    assert h.it.settings.port == 40505


def test_a_change_to_port_0_chooses_a_new_port() -> None:
    h = History(port=40404)
    h.run()
    assert h.supervisor.change(h.it, {"port": 0}) is True
    h.passes(0.5)
    assert h.it.settings.port == 0


@pytest.mark.parametrize("state", ["stopped", "backoff", "failed"])
def test_a_change_of_what_does_not_run_is_stored(state: str) -> None:
    h = History()
    if state != "stopped":
        h.run()
        h.supervisor.fatal(h.it, h.child, Trouble("no")) if state == "failed" else None
        h.crash()
    assert h.supervisor.change(h.it, {"seed": 9}) is False
    assert (h.it.state, h.it.settings.seed) == (state, 9)


def test_a_change_while_starting_starts_again_with_it() -> None:
    h = History()
    h.start()
    assert h.supervisor.change(h.it, {"loss": 5}) is True
    h.passes(0.5)
    assert (len(h.children), h.it.settings.loss) == (2, 5.0)


def test_what_changes_nothing_does_nothing() -> None:
    h = History()
    h.run()
    assert h.supervisor.change(h.it, {"loss": 30.0, "seed": None}) is False
    assert h.child.log == []


def test_a_change_is_taken_whole_or_not_at_all() -> None:
    h = History()
    h.run()
    with pytest.raises(SettingError) as caught:
        h.supervisor.change(h.it, {"loss": 50, "delay": -1, "nonsense": 1})
    assert {caught.value.field, *(e.field for e in caught.value.others)} == {"delay", "nonsense"}
    assert (h.it.settings.loss, h.child.log) == (30.0, [])


@pytest.mark.parametrize("answer", [SettingError("no", field="loss"), LabError("no answer")])
def test_a_change_that_the_child_refuses_is_not_kept(answer: Exception) -> None:
    h = History()
    h.run()
    h.child.answer = answer
    with pytest.raises(type(answer)):
        h.supervisor.change(h.it, {"loss": 50})
    assert h.it.settings.loss == 30.0


# -- removing


def test_only_what_does_not_run_is_removed() -> None:
    h = History()
    h.start()
    for reach in (lambda: None, h.ready, h.crash):
        reach()
        with pytest.raises(WrongState, match="Stop it first"):
            h.supervisor.remove(h.it)
    h.supervisor.stop(h.it)
    h.supervisor.remove(h.it)
    assert h.supervisor.instances == {}


def test_a_failed_instance_is_removed() -> None:
    h = History()
    h.refuse = OSError(1, "no")
    h.start()
    h.supervisor.remove(h.it)
    assert h.supervisor.instances == {}


# -- an earlier run's child


def test_what_an_old_child_says_is_ignored() -> None:
    h = History()
    h.run()
    old = h.child
    h.crash()
    h.retry()
    h.supervisor.listening(h.it, old, "127.0.0.1:1", 0)
    assert h.it.state == "starting"
    h.supervisor.fatal(h.it, old, Trouble("old"))
    h.ready()
    assert (h.it.state, h.it.fatal) == ("running", None)
    for _ in range(11):
        h.clock.now += 0.5
        h.supervisor.heard(h.it, old)
        h.supervisor.tick()
    assert h.child.log == ["kill"]


def test_two_instances_do_not_touch_each_other() -> None:
    h = History()
    other = instance("udp_ping-2")
    h.supervisor.add(other)
    h.run()
    h.supervisor.start(other)
    h.supervisor.tick()
    h.supervisor.listening(other, h.children[1], "127.0.0.1:2", 1)
    h.children[0].code = 1
    h.supervisor.tick()
    assert (h.it.state, other.state) == ("backoff", "running")


def test_waiting_ends_when_it_came_true_or_time_is_up() -> None:
    h = History()
    assert h.supervisor.wait(h.it, lambda i: i.state == "stopped", 0) is True
    assert h.supervisor.wait(h.it, lambda i: i.state == "running", 0) is False
