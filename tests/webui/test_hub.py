"""The hub: numbers, what is kept, snapshots and frames, rates, and numbers after a crash."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.kit.events import Event, ServerError
from servers.udp_ping.events import PingOutcome
from tests.webui.fakes import LAB
from webui import hub as hub_module
from webui.hub import Hub


def errors(*words: str) -> list[Event]:
    return [ServerError(t=1.0, message=word) for word in words]


def outcomes(*numbers: int) -> list[Event]:
    return [PingOutcome(t=float(seq), peer="p", seq=seq, status="reply", rtt_ms=1.0) for seq in numbers]


@pytest.fixture
def hub() -> Hub:
    found = Hub()
    found.open("a", LAB)
    return found


# -- numbers


def test_events_are_numbered_from_1_without_a_gap(hub: Hub) -> None:
    assert hub.publish("a", errors("x", "y")) == 1
    assert hub.publish("a", errors("z")) == 3
    assert [(e.n, e.message) for e in hub.events("a", 0)["events"]] == [(1, "x"), (2, "y"), (3, "z")]


def test_each_instance_has_its_own_numbers(hub: Hub) -> None:
    hub.open("b", LAB)
    hub.publish("a", errors("x"))
    assert hub.publish("b", errors("y")) == 1


def test_a_number_that_the_child_gave_is_not_taken(hub: Hub) -> None:
    hub.publish("a", [ServerError(t=1.0, n=99, message="x")])
    assert hub.events("a", 0)["events"][0].n == 1


def test_events_of_a_request_name_it(hub: Hub) -> None:
    hub.publish("a", errors("x"), request="r7")
    assert hub.events("a", 0)["events"][0].request == "r7"


def test_an_instance_that_is_gone_takes_nothing(hub: Hub) -> None:
    hub.close("a")
    assert hub.publish("a", errors("x")) is None
    assert hub.decode("a", [msgspec.Raw(b"{}")]) == []
    hub.count("a", {"received": 1}, 1, 0)
    assert hub.frames() == []


def test_an_event_that_is_none_is_an_error_of_the_child(hub: Hub) -> None:
    for raw in (b"{}", b'{"kind":"nonsense","t":1}', b"[]", b'{"kind":"server_error","t":"x"}'):
        with pytest.raises(msgspec.DecodeError):
            hub.decode("a", [msgspec.Raw(raw)])


# -- what is kept


def test_the_newest_10_000_events_are_kept(hub: Hub) -> None:
    hub.publish("a", errors(*map(str, range(10_500))))
    kept = hub.events("a", 0)
    assert (kept["n"], len(kept["events"]), kept["events"][0].n) == (10_500, 10_000, 501)


def test_marks_survive_a_flood_of_other_events(hub: Hub) -> None:
    hub.publish("a", outcomes(1, 2, 3))
    for _ in range(3):
        hub.publish("a", errors(*map(str, range(6000))))
    snapshot = hub.snapshot("a")
    assert [mark.seq for mark in snapshot["series"].marks] == [1, 2, 3]
    assert snapshot["events"][0].n > 3


def test_marks_are_kept_to_the_newest_10_000_of_each_kind(hub: Hub) -> None:
    hub.publish("a", outcomes(*range(10_001)))
    marks = hub.snapshot("a")["series"].marks
    assert (len(marks), marks[0].seq) == (10_000, 1)


def test_marks_are_handed_to_the_store() -> None:
    kept: list[Any] = []
    hub = Hub(keep_marks=lambda instance, marks: kept.extend((instance, m.n) for m in marks))
    hub.open("a", LAB)
    hub.publish("a", [*errors("x"), *outcomes(1), *errors("y"), *outcomes(2)])
    assert kept == [("a", 2), ("a", 4)]


# -- counters


def test_what_each_child_left_out_is_added_up(hub: Hub) -> None:
    hub.count("a", {}, 100, 5)
    hub.count("a", {}, 200, 3)
    hub.count("a", {}, 100, 7)
    hub.count("a", {}, 100, 7)
    assert hub.snapshot("a")["dropped"] == 10


def test_counters_are_the_childs_and_begin_at_0_with_each_run(hub: Hub) -> None:
    hub.count("a", {"received": 5, "replied": 4}, 1, 0)
    assert hub.frames()[0].counters["received"] == 5
    hub.reset("a")
    counters = hub.frames()[0].counters
    assert counters["received"] == 0
    assert set(counters) == set(LAB.counters.__struct_fields__)


def test_counters_that_stand_still_make_no_frame(hub: Hub) -> None:
    hub.count("a", {"received": 5}, 1, 0)
    assert len(hub.frames()) == 1
    hub.count("a", {"received": 5}, 1, 0)
    hub.count("a", {}, 1, 0)
    assert hub.frames() == []
    assert not hub.ready.is_set()


def test_the_rate_is_the_spark_counters_rise_per_second(hub: Hub) -> None:
    hub.second(10.0)
    hub.count("a", {"received": 30}, 1, 0)
    hub.second(12.0)
    assert hub.topics["a"].rate == 15.0
    hub.second(13.0)
    assert hub.topics["a"].rate == 0.0
    hub.reset("a")
    hub.second(14.0)
    assert hub.topics["a"].rate == 0.0


def test_seconds_without_traffic_are_not_kept(hub: Hub) -> None:
    kept: list[Any] = []
    hub = Hub(keep_second=lambda instance, t, counters: kept.append((t, counters["received"])))
    hub.open("a", LAB)
    for t, received in ((1.0, 0), (2.0, 4), (3.0, 4), (4.0, 9)):
        hub.count("a", {"received": received}, 1, 0)
        hub.second(t)
    assert kept == [(2.0, 4), (4.0, 9)]
    assert [(t, c["received"]) for t, c in hub.snapshot("a")["series"].seconds] == kept


# -- snapshots and frames


def test_a_snapshot_after_a_known_number_has_only_what_came_since(hub: Hub) -> None:
    hub.publish("a", [*outcomes(1, 2), *errors("x")])
    snapshot = hub.snapshot("a", 1)
    assert snapshot["resumed"] is True
    assert [e.n for e in snapshot["events"]] == [2, 3]
    assert [m.n for m in snapshot["series"].marks] == [2]


@pytest.mark.parametrize(
    ("after", "resumed"),
    [(None, False), (0, False), (500, True), (499, False), (10_500, True), (10_501, False)],
)
def test_a_snapshot_resumes_only_where_nothing_is_missing(hub: Hub, after: int | None, resumed: bool) -> None:
    hub.publish("a", errors(*map(str, range(10_500))))
    snapshot = hub.snapshot("a", after)
    assert snapshot["resumed"] is resumed
    assert len(snapshot["events"]) == (10_500 - (after or 0) if resumed else 10_000)


def test_after_0_resumes_where_all_is_there(hub: Hub) -> None:
    hub.publish("a", errors("x"))
    assert hub.snapshot("a", 0)["resumed"] is True


class Page:
    """A browser, as the contract says: a frame before the snapshot waits; known numbers are skipped."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.last = -1

    def snapshot(self, found: dict[str, Any]) -> None:
        numbers = [e.n for e in found["events"]]
        self.seen = [*self.seen, *numbers] if found["resumed"] else numbers
        self.last = found["n"]

    def frame(self, numbers: list[int]) -> None:
        if self.last >= 0:
            fresh = [n for n in numbers if n > self.last]
            self.seen += fresh
            self.last = max([self.last, *fresh])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 12)),
        st.tuples(st.just("frames"), st.just(0)),
        st.tuples(st.just("join"), st.just(0)),
        st.tuples(st.just("leave"), st.just(0)),
        st.tuples(st.just("resume"), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(STEPS)
def test_a_snapshot_and_the_frames_after_it_are_all_events_once(steps: list[tuple[str, int]]) -> None:
    hub = Hub()
    topic = hub.open("a", LAB)
    topic.events = type(topic.events)(maxlen=20)  # so that the ring forgets, too
    page = Page()
    joined = False
    for what, count in [*steps, ("frames", 0)]:
        if what == "publish":
            hub.publish("a", errors(*["x"] * count))
        elif what == "frames":
            for frame in hub.frames():
                numbers = [e.n for e in frame.events]
                assert frame.n == (numbers[-1] if numbers else frame.n)
                if joined:
                    page.frame(numbers)
        elif what == "leave":
            joined = False
        else:
            joined = True
            page.snapshot(hub.snapshot("a", page.last if what == "resume" and page.last >= 0 else None))
        if joined and what == "frames":
            assert page.last == topic.n
        assert page.seen == list(range(page.seen[0], page.seen[0] + len(page.seen))) if page.seen else True
    if joined:
        assert page.last == topic.n


# -- after an end


def test_numbers_are_reserved_before_the_first_is_given() -> None:
    stored: list[int] = []
    hub = Hub(reserve=lambda instance, n, dropped: stored.append(n))
    hub.open("a", LAB)
    assert stored == [hub_module.RESERVE]
    for _ in range(50):
        hub.publish("a", errors(*["x"] * 1000))
        assert stored[-1] - hub.topics["a"].n >= hub_module.RESERVE // 2
    assert len(stored) <= 7


def test_after_a_crash_no_number_is_given_twice() -> None:
    stored = {"n": 0}
    highest = 0
    for _ in range(3):
        hub = Hub(reserve=lambda instance, n, dropped: stored.update(n=n))
        hub.open("a", LAB, stored["n"])
        first = hub.publish("a", errors(*["x"] * 700))
        assert first is not None
        assert first > highest
        highest = hub.topics["a"].n


def test_after_an_end_in_order_numbers_go_on_without_a_gap() -> None:
    stored = {"n": 0, "dropped": 0}
    hub = Hub(reserve=lambda instance, n, dropped: stored.update(n=n, dropped=dropped))
    hub.open("a", LAB)
    hub.publish("a", errors("x", "y"))
    hub.count("a", {}, 1, 9)
    hub.keep_numbers()
    assert stored == {"n": 2, "dropped": 9}
    assert hub.open("a", LAB, stored["n"], stored["dropped"]).dropped == 9
    assert hub.publish("a", errors("z")) == 3


def test_what_was_stored_comes_back(hub: Hub) -> None:
    marks = outcomes(4, 5)
    for n, mark in enumerate(marks, 11):
        msgspec.structs.force_setattr(mark, "n", n)
    hub.open("a", LAB, 20)
    hub.restore("a", [*marks, *errors("no mark")], [(1.0, {"received": 3}), (2.0, {"received": 8})])
    snapshot = hub.snapshot("a")
    assert [m.seq for m in snapshot["series"].marks] == [4, 5]
    assert (snapshot["n"], snapshot["events"], snapshot["counters"]["received"]) == (20, [], 8)
    assert [t for t, _ in snapshot["series"].seconds] == [1.0, 2.0]


def test_a_browser_from_before_the_crash_does_not_resume(hub: Hub) -> None:
    hub.open("a", LAB, 20_000)
    assert hub.snapshot("a", 57)["resumed"] is False
    assert hub.snapshot("a", 20_000)["resumed"] is True
