"""The queue of test requests through named histories: a clock and clients that do what each says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from servers.kit.errors import SettingError
from tests.webui.fakes import LAB, Clock, FakeChild, instance
from webui.requests import Request, RequestQueue, TooMany, target
from webui.states import WrongState

SESSION_LAB = msgspec.structs.replace(LAB, session=lambda wanted: wanted.count == 1)


class Class:
    """A queue, one running server, and people who press the button."""

    def __init__(self, *, holds: bool = False) -> None:
        self.clock = Clock()
        self.children: dict[str, FakeChild] = {}
        self.refuse: Exception | None = None
        self.obeys = True
        self.log: list[tuple[str, str]] = []
        self.holds = holds
        self.held: list[Callable[[], None]] = []
        self.wake = threading.Event()
        self.queue = RequestQueue(self.launch, self, self.wake, clock=self.clock)
        self.server = instance()
        self.server.lab = SESSION_LAB
        self.server.state, self.server.address = "running", "127.0.0.1:40404"

    def launch(self, request: Request) -> FakeChild:
        if self.refuse:
            raise self.refuse
        child = self.children[request.id] = FakeChild()
        child.obeys = self.obeys
        return child

    def request_changed(self, request: Request) -> None:
        self.log.append((request.id, request.state))

    def request_ended(self, request: Request, state: str, announce: Callable[[], None]) -> None:
        self.log.append((request.id, f"stored {state}"))
        if self.holds:
            self.held.append(announce)
        else:
            announce()

    def press(self, person: str = "ana", count: int = 5) -> Request:
        return self.queue.submit(self.server, LAB.request(count=count), person.title(), person)

    def session(self, person: str = "ana") -> Request:
        return self.press(person, count=1)

    def passes(self, seconds: float = 0.0, alive: bool = True) -> None:
        end = self.clock.now + seconds
        while True:
            self.clock.now = min(end, self.clock.now + 0.5)
            for request in self.queue.active.values():
                if alive and request.state == "running":
                    self.queue.heard(request)
            self.queue.tick()
            if self.clock.now >= end:
                return

    def child(self, request: Request) -> FakeChild:
        return self.children[request.id]

    def ends(self, request: Request, result: Any = None, code: int = 0) -> None:
        if result is not None:
            self.queue.has_result(request, msgspec.Raw(msgspec.json.encode(result)))
        self.child(request).code = code
        self.queue.tick()

    def running(self) -> list[str]:
        return [r.id for r in self.queue.active.values() if r.state == "running"]


# -- running and ending


def test_a_request_is_queued_runs_and_is_done() -> None:
    c = Class()
    request = c.press()
    assert (request.state, c.wake.is_set()) == ("queued", True)
    c.passes()
    assert request.state == "running"
    c.ends(request, {"lost": 0})
    assert request.state == "done"
    assert request.result == msgspec.Raw(b'{"lost":0}')
    assert c.queue.get(request.id) is request
    assert c.queue.active == {}


def test_the_client_is_aimed_at_the_server_it_was_fired_at() -> None:
    c = Class()
    request = c.press(count=7)
    assert request.arguments == ["127.0.0.1", "40404", "--count", "7"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:5", ("127.0.0.1", 5)),
        ("0.0.0.0:5", ("127.0.0.1", 5)),
        ("[::]:5", ("::1", 5)),
        ("[::1]:5", ("::1", 5)),
        ("192.0.2.7:5", ("192.0.2.7", 5)),
    ],
)
def test_a_server_on_every_address_is_reached_on_this_machine(
    address: str, expected: tuple[str, int]
) -> None:
    server = instance()
    server.address = address
    assert target(server) == expected


def test_the_result_is_stored_before_it_is_announced() -> None:
    c = Class(holds=True)
    request = c.press()
    c.passes()
    c.ends(request, {})
    assert (request.state, c.queue.wait(request, 0)) == ("running", False)
    assert c.log[-1] == (request.id, "stored done")
    c.held.pop()()
    assert (request.state, c.queue.wait(request, 0)) == ("done", True)
    assert c.log[-1] == (request.id, "done")


def test_what_is_being_stored_is_not_ended_twice() -> None:
    c = Class(holds=True)
    request = c.press()
    c.queue.cancel(request)
    c.queue.cancel(request)
    c.queue.cancel_all(c.server.id, "stopped")
    c.passes(10)
    assert len(c.held) == 1
    assert c.children == {}


def test_a_client_that_ends_without_a_result_has_failed_with_its_last_line() -> None:
    c = Class()
    request = c.press()
    c.passes()
    c.child(request).words = "Traceback\nOSError: no"
    c.ends(request, code=1)
    assert (request.state, request.error) == ("failed", "The client ended without a result. OSError: no")
    assert request.output == "Traceback\nOSError: no"


def test_what_is_printed_is_there_before_anything_is_told() -> None:
    c = Class()
    request = c.press()
    assert request.printed == ""
    c.passes()
    c.child(request).words = "hello\n"
    assert request.printed == "hello\n"


def test_fatal_is_what_failed_says() -> None:
    c = Class()
    request = c.press()
    c.passes()
    c.queue.fatal(request, "The host has no address.")
    c.ends(request, code=2)
    assert (request.state, request.error) == ("failed", "The host has no address.")


def test_an_end_waits_for_the_clients_last_words() -> None:
    c = Class()
    request = c.press()
    c.passes()
    c.child(request).silent = False
    c.ends(request)
    assert request.state == "running"
    c.child(request).silent = True
    c.ends(request, {"lost": 0})
    assert request.state == "done"


def test_a_client_that_cannot_be_started_has_failed() -> None:
    c = Class()
    c.refuse = OSError(11, "Resource temporarily unavailable")
    request = c.press()
    c.passes()
    assert request.state == "failed"
    assert "Resource temporarily unavailable" in request.error


def test_a_silent_client_is_killed() -> None:
    c = Class()
    request = c.press()
    c.passes()
    c.passes(5, alive=False)
    assert c.child(request).log == []
    c.passes(0.5, alive=False)
    assert c.child(request).log == ["kill"]
    c.passes()
    assert request.state == "failed"
    assert "no sign of life for 5 s" in request.error


def test_a_dashboard_that_was_paused_kills_no_client() -> None:
    c = Class()
    request = c.press()
    c.passes()
    c.clock.now += 1000
    c.queue.tick()
    assert (request.state, c.child(request).log) == ("running", [])


def test_only_a_running_server_takes_requests() -> None:
    c = Class()
    for state in ("stopped", "starting", "backoff", "failed", "stopping"):
        c.server.state = state
        with pytest.raises(WrongState, match=f"is {state}"):
            c.press()
    assert c.queue.active == {}


# -- the queue


def test_16_run_at_once_and_the_rest_wait() -> None:
    c = Class()
    pressed = [c.press(f"p{i}") for i in range(30)]
    c.passes()
    assert c.running() == [r.id for r in pressed[:16]]
    assert [c.queue.position(r) for r in pressed[16:]] == list(range(1, 15))
    c.ends(pressed[3], {})
    assert len(c.running()) == 16
    assert pressed[16].state == "running"
    assert c.queue.position(pressed[17]) == 1


def test_of_one_person_one_runs_at_a_time() -> None:
    c = Class()
    first, second = c.press(), c.press()
    c.passes(1)
    assert (first.state, second.state) == ("running", "queued")
    c.ends(first, {})
    assert second.state == "running"


def test_two_of_one_name_are_two_people() -> None:
    c = Class()
    one = c.queue.submit(c.server, LAB.request(), "Ana", "id-1")
    two = c.queue.submit(c.server, LAB.request(), "Ana", "id-2")
    c.passes()
    assert [one.state, two.state] == ["running", "running"]


def test_nobody_waits_behind_another_persons_second() -> None:
    c = Class()
    greedy = [c.press("greedy") for _ in range(10)]
    others = [c.press(f"p{i}") for i in range(20)]
    c.passes()
    assert greedy[0].state == "running"
    assert [r.state for r in others[:15]] == ["running"] * 15
    assert [c.queue.position(r) for r in others[15:]] == [1, 2, 3, 4, 5]
    assert c.queue.position(greedy[1]) == 6


def test_who_was_served_longest_ago_comes_first() -> None:
    c = Class()
    early = [c.press(f"p{i}") for i in range(16)]
    c.passes()
    again = c.press("p0")
    fresh = c.press("new")
    assert c.queue.position(fresh) == 1
    assert c.queue.position(again) == 2
    c.ends(early[0], {})
    assert (fresh.state, again.state) == ("running", "queued")


def test_everyone_is_served_in_the_end() -> None:
    c = Class()
    pressed = [c.press(f"p{i}") for i in range(30) for _ in range(3)]
    for _ in range(90):
        c.passes()
        for id in c.running()[:1]:
            c.ends(c.queue.active[id], {})
    assert {r.state for r in pressed} == {"done"}


def test_ten_of_one_person_may_wait_and_no_more() -> None:
    c = Class()
    c.press()
    c.passes()
    waiting = [c.press() for _ in range(10)]
    with pytest.raises(TooMany, match="10 requests waiting"):
        c.press()
    c.press("ben")
    c.queue.cancel(waiting[0])
    c.press()


def test_the_others_are_told_when_the_queue_moves() -> None:
    c = Class()
    pressed = [c.press(f"p{i}") for i in range(18)]
    c.passes()
    c.log.clear()
    c.ends(pressed[0], {})
    assert (pressed[17].id, "queued") in c.log


# -- cancelling


def test_what_waits_is_cancelled_at_once() -> None:
    c = Class()
    c.press()
    second = c.press()
    c.passes()
    c.queue.cancel(second)
    assert second.state == "cancelled"
    assert second.id not in c.children


def test_what_runs_is_cancelled_in_order_and_keeps_its_partial_result() -> None:
    c = Class()
    request = c.press()
    c.passes()
    c.queue.cancel(request)
    assert (request.state, c.child(request).log) == ("running", ["stop"])
    c.ends(request, {"lost": 1})
    assert (request.state, request.result) == ("cancelled", msgspec.Raw(b'{"lost":1}'))


def test_what_does_not_end_is_killed_after_3_seconds() -> None:
    c = Class()
    c.obeys = False
    request = c.press()
    c.passes()
    c.queue.cancel(request)
    c.passes(3)
    assert c.child(request).log == ["stop"]
    c.passes(0.5)
    assert c.child(request).log == ["stop", "kill"]
    c.passes()
    assert request.state == "cancelled"


def test_cancelling_twice_stops_once() -> None:
    c = Class()
    c.obeys = False
    request = c.press()
    c.passes()
    c.queue.cancel(request)
    c.queue.cancel(request)
    assert c.child(request).log == ["stop"]


def test_what_has_ended_cannot_be_cancelled() -> None:
    c = Class()
    request = c.press()
    c.passes()
    c.ends(request, {})
    with pytest.raises(WrongState, match="done already"):
        c.queue.cancel(request)


def test_a_server_that_stops_cancels_its_requests_and_no_others() -> None:
    c = Class()
    runs, waits = c.press("ana"), c.press("ana")
    c.passes()
    c.server.id = "other"
    other = c.press("ben")
    c.passes()
    c.queue.cancel_all("udp_ping-1", "UDP ping 1 is stopping.")
    c.passes()
    assert [r.state for r in (runs, waits, other)] == ["cancelled", "cancelled", "running"]
    assert runs.error == waits.error == "UDP ping 1 is stopping."


def test_an_argument_that_no_program_takes_fails_the_request_and_frees_its_place() -> None:
    c = Class()
    c.refuse = ValueError("embedded null byte")
    request = c.press()
    c.passes()
    assert (request.state, request.error) == (
        "failed",
        "The client could not be started: embedded null byte.",
    )
    assert c.running() == []


# -- sessions


def test_sessions_do_not_queue() -> None:
    c = Class()
    for i in range(16):
        c.press(f"p{i}")
    sessions = [c.session(f"s{i}") for i in range(20)]
    c.passes()
    assert {s.state for s in sessions} == {"running"}
    assert {c.queue.position(s) for s in sessions} == {None}


def test_a_person_may_have_a_session_and_a_request() -> None:
    c = Class()
    session, request = c.session(), c.press()
    c.passes()
    assert (session.state, request.state) == ("running", "running")


def test_a_persons_new_session_ends_the_old_one() -> None:
    c = Class()
    old = c.session()
    c.passes()
    new = c.session()
    c.passes()
    c.passes()
    assert (old.state, new.state) == ("cancelled", "running")


def test_at_most_64_sessions_are_open() -> None:
    c = Class()
    for i in range(64):
        c.session(f"s{i}")
    with pytest.raises(TooMany, match="64 sessions"):
        c.session("late")


def test_who_gets_no_new_session_keeps_the_old_one() -> None:
    c = Class()
    old, *_ = [c.session(f"s{i}") for i in range(64)]
    c.passes()
    with pytest.raises(TooMany, match="64 sessions"):
        c.session("s0")
    assert (old.state, old.stopping) == ("running", 0)


def test_five_idle_minutes_end_a_session() -> None:
    c = Class()
    session = c.session()
    c.passes()
    c.passes(300)
    assert c.child(session).log == []
    c.passes(1)
    assert c.child(session).log == ["stop"]
    c.passes()
    assert session.state == "cancelled"
    assert "no input for 5 minutes" in session.error


def test_input_keeps_a_session_open_and_reaches_the_client() -> None:
    c = Class()
    session = c.session()
    c.passes()
    c.child(session).answer = "250 OK"
    for _ in range(3):
        c.passes(200)
        assert c.queue.input(session, {"text": "NOOP"}) == "250 OK"
    assert c.child(session).log == [("input", {"text": "NOOP"})] * 3
    assert session.state == "running"


def test_an_ordinary_request_is_not_idle() -> None:
    c = Class()
    request = c.press()
    c.passes()
    c.passes(400)
    assert (request.state, c.child(request).log) == ("running", [])


def test_input_where_none_is_taken_is_refused() -> None:
    c = Class()
    request, session = c.press("ana"), c.session("ben")
    with pytest.raises(WrongState, match="no session"):
        c.queue.input(request, {})
    with pytest.raises(WrongState, match="is queued"):
        c.queue.input(session, {})
    c.passes()
    c.ends(session, {})
    with pytest.raises(WrongState, match="is done"):
        c.queue.input(session, {})


def test_input_that_the_client_refuses_is_told() -> None:
    c = Class()
    session = c.session()
    c.passes()
    c.child(session).answer = SettingError("no such verb", field="text")
    with pytest.raises(SettingError, match="no such verb"):
        c.queue.input(session, {"text": "X"})
