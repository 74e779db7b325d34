"""What browsers hear over Socket.IO, and what bad or slow ones do to the others: nothing."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
import websocket
from flask import Flask
from werkzeug.serving import make_server

from servers.kit.events import ServerError
from tests.programs import eventually
from tests.started import TOKEN, Browser, Started, csrf
from webui import live
from webui.live import queue_length
from webui.supervisor import Instance

# simple-websocket's thread that writes to a browser dies, aloud, with the line that it writes to.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Exception in thread Thread-\d+ \(writer\):pytest.PytestUnhandledThreadExceptionWarning"
)


class Served:
    """An application of this process on a real port, and who has joined it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.board = app.extensions["dashboard"]
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def cookie(self, role: str = "teacher", name: str = "Ana") -> str:
        client = self.app.test_client()
        if role == "teacher":
            answer = client.get(f"/?token={TOKEN}")
        else:
            form = {"csrf_token": csrf(client.get("/join").text), "name": name}
            answer = client.post("/join", data={**form, "code": self.app.extensions["gate"].code})
            assert answer.status_code == 303
        return SimpleCookie(answer.headers["Set-Cookie"]).output(attrs=[], header="").strip()

    def browser(self, role: str = "teacher", name: str = "Ana") -> Browser:
        found = Browser(self.port, self.cookie(role, name))
        assert found.accepted
        return found

    def instance(self) -> Instance:
        """A stopped instance, whose events this test makes."""
        made: Instance = self.board.create(self.board.labs["udp_ping"], {"port": 0}, "Teacher")
        return made

    def publish(self, instance: Instance, *words: str) -> None:
        self.board.hub.publish(instance.id, [ServerError(t=time.time(), message=w, text=w) for w in words])

    def sid(self) -> str:
        """The sid of the only browser."""
        return str(eventually(lambda: next(iter(self.app.extensions["live"]._people), ""), "it is connected"))


@pytest.fixture
def served(app: Flask) -> Iterator[Served]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    found = Served(app)
    yield found
    found.server.shutdown()
    found.server.server_close()


# -- who may


@pytest.mark.parametrize("cookie", ["", "socket-lab-8000=nonsense", "socket-lab-8000=.eJw.x.y"])
def test_nobody_is_refused(served: Served, cookie: str) -> None:
    with Browser(served.port, cookie) as nobody:
        assert not nobody.accepted
        it = served.instance()
        with contextlib.suppress(OSError, websocket.WebSocketException):
            for _ in range(3):
                nobody.emit("join", {"instance": it.id})
                nobody.emit("overview", {})
        with served.browser() as teacher:
            teacher.join(it.id)
            served.publish(it, "unheard")
            teacher.next("frame")
        with contextlib.suppress(OSError, websocket.WebSocketException):
            while True:
                nobody.receive(0.2)
        assert nobody.heard == []


def test_a_student_may_watch(served: Served) -> None:
    it = served.instance()
    with served.browser("student") as student:
        snapshot = student.join(it.id)
        assert snapshot["instance"] == it.id
        assert snapshot["people"] == {}


def test_a_foreign_page_is_refused_at_the_handshake(served: Served) -> None:
    for origin, host in (("http://evil.example", None), (None, "evil.example")):
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            websocket.create_connection(
                f"ws://127.0.0.1:{served.port}/socket.io/?EIO=4&transport=websocket",
                header=[f"Cookie: {served.cookie()}"], timeout=5, origin=origin, host=host,
                suppress_origin=origin is None,
            )  # fmt: skip
        assert caught.value.status_code == 403


def test_polling_is_not_offered(served: Served) -> None:
    answer = served.app.test_client().get("/socket.io/?EIO=4&transport=polling")
    assert answer.status_code == 400


# -- what is heard


def test_a_snapshot_has_all_that_a_page_needs(served: Served) -> None:
    it = served.instance()
    served.publish(it, "one", "two")
    with served.browser() as page:
        snapshot = page.join(it.id)
    assert set(snapshot) == {
        "instance", "state", "counters", "dropped", "n", "resumed", "events", "series", "requests", "people",
    }  # fmt: skip
    assert (snapshot["n"], snapshot["resumed"], snapshot["dropped"]) == (2, False, 0)
    assert [(e["n"], e["kind"], e["text"]) for e in snapshot["events"]] == [
        (1, "server_error", "one"),
        (2, "server_error", "two"),
    ]
    assert set(snapshot["series"]) == {"marks", "seconds"}
    assert snapshot["state"]["id"] == it.id
    assert snapshot["state"]["state"] == "stopped"


def test_frames_follow_the_snapshot_without_a_gap(served: Served) -> None:
    it = served.instance()
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            served.publish(it, "x", "y", "z")
            time.sleep(0.002)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        with served.browser() as page:
            snapshot = page.join(it.id)
            numbers = [e["n"] for e in snapshot["events"]]
            frames = 0
            early = [f for name, f in page.heard if name == "frame"]
            while frames < 8:
                frame = early.pop(0) if early else page.next("frame")
                assert set(frame) == {"instance", "n", "events", "counters", "dropped", "t"}
                assert frame["n"] == frame["events"][-1]["n"]
                numbers += [e["n"] for e in frame["events"] if e["n"] > numbers[-1]]
                frames += 1
    finally:
        stop.set()
        thread.join()
    assert numbers == list(range(1, len(numbers) + 1))


def test_frames_come_at_most_20_times_a_second(served: Served) -> None:
    it = served.instance()
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            served.publish(it, "x")
            time.sleep(0.001)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        with served.browser() as page:
            page.join(it.id)
            page.next("frame")
            began = time.monotonic()
            for _ in range(40):
                page.next("frame")
            assert time.monotonic() - began > (39 - live.SPARE) / 20 - 0.1
    finally:
        stop.set()
        thread.join()


def test_a_page_that_comes_back_gets_only_what_is_new(served: Served) -> None:
    it = served.instance()
    served.publish(it, "one", "two", "three")
    with served.browser() as page:
        snapshot = page.join(it.id, after=1)
        assert snapshot["resumed"] is True
        assert [e["n"] for e in snapshot["events"]] == [2, 3]
        assert page.join(it.id, after=50)["resumed"] is False


def test_states_requests_and_the_end_of_an_instance_are_told(served: Served) -> None:
    it = served.instance()
    with served.browser("student") as page:
        page.join(it.id)
        served.board.supervisor.start(it)
        state = page.next("state", lambda s: s["state"] == "running", 20)
        assert (state["instance"], state["id"]) == (it.id, it.id)
        assert state["address"]
        lab = served.board.labs["udp_ping"]
        request = served.board.requests.submit(it, lab.request(count=1), "Ana", "p1")
        told = page.next("request", lambda r: r["state"] in ("done", "failed"), 20)
        assert (told["id"], told["person_id"], told["instance"]) == (request.id, "p1", it.id)
        served.board.stop(it)
        page.next("state", lambda s: s["state"] == "stopped")
        served.board.delete(it)
        assert page.next("gone") == {"instance": it.id}


def test_the_overview_is_told_at_once_and_on_change(served: Served) -> None:
    it = served.instance()
    with served.browser("student") as page:
        page.emit("overview", {})
        cards = page.next("overview")["instances"]
        assert set(cards[0]) == {"id", "lab", "title", "state", "address", "rate", "last_error"}
        assert (cards[0]["id"], cards[0]["state"]) == (it.id, "stopped")
        other = served.instance()
        page.next("overview", lambda o: [c["id"] for c in o["instances"]] == [it.id, other.id])


def test_who_left_hears_no_more(served: Served) -> None:
    one, two = served.instance(), served.instance()
    with served.browser() as page:
        page.join(one.id)
        page.join(two.id)
        page.emit("leave", {"instance": one.id})
        page.join(two.id)  # answered after the leaving
        page.heard.clear()
        served.publish(one, "unheard")
        served.publish(two, "heard")
        page.next("frame", lambda f: f["instance"] == two.id)
        served.publish(two, "again")
        page.next("frame", lambda f: f["instance"] == two.id)
        assert not [d for n, d in page.heard if n == "frame" and d["instance"] == one.id]


def test_who_joins_one_hears_nothing_of_another(served: Served) -> None:
    one, two = served.instance(), served.instance()
    with served.browser() as page:
        page.join(one.id)
        served.publish(two, "unheard")
        served.publish(one, "heard")
        page.next("frame")
        assert {d["instance"] for n, d in page.heard if n == "frame"} == {one.id}


# -- what browsers say


BAD = [None, 5, -1, 1.5, True, "x", "", [], {}, [1, 2], {"instance": None}, {"instance": 5},
       {"instance": ["a"]},
       {"instance": "../x"}, {"instance": "x" * 5000}, {"instance": {"a": 1}}, {"instances": "udp_ping-1"},
       {"instance": "udp_ping-1", "after": "x"}, {"instance": "udp_ping-1", "after": -5},
       {"instance": "udp_ping-1", "after": 10**30}, {"instance": "udp_ping-1", "after": True},
       {"instance": "udp_ping-1", "after": None}, {"instance": "udp_ping-1", "after": [1]}]  # fmt: skip


def test_who_says_disconnect_is_out_and_harms_nobody(served: Served) -> None:
    it = served.instance()
    with served.browser("student") as page, served.browser() as other:
        other.join(it.id)
        for data in BAD:
            page.emit("disconnect", data)
        page.emit("disconnect", 1, 2, 3)
        served.publish(it, "still here")
        other.next("frame")


@pytest.mark.parametrize("name", ["join", "leave", "overview", "nonsense", "connect", "frame"])
def test_bad_words_kill_nothing(served: Served, name: str) -> None:
    it = served.instance()
    with served.browser("student") as page, served.browser() as other:
        other.join(it.id)
        for data in BAD:
            page.emit(name, data)
        page.emit(name)
        page.emit(name, {"instance": it.id}, 2, 3)
        assert page.join(it.id)["instance"] == it.id
        served.publish(it, "still here")
        for each in (page, other):
            each.next("frame", lambda f: f["events"])


def test_an_unknown_instance_is_refused_in_words(served: Served) -> None:
    with served.browser() as page:
        page.emit("join", {"instance": "udp_ping-9"})
        assert "udp_ping-9" in page.next("refused")["message"]


PACKETS = [
    "",
    "4",
    "42",
    "42[",
    "42{}",
    "42[]",
    '42["join"',
    "42[5]",
    "42[null,{}]",
    "45",
    '451-["join"]',
    "46-",
    "43[]",
    "41",
    "9",
    "\x00",
    "42" + "[" * 5000,
    '42["join",' + "[" * 3000 + "]" * 3000 + "]",
    "420[]",
    "3",
    "6",
]


@pytest.mark.parametrize("packet", PACKETS, ids=[p[:14] for p in PACKETS])
def test_broken_packets_harm_only_their_sender(served: Served, packet: str) -> None:
    it = served.instance()
    with served.browser() as bad, served.browser() as good:
        good.join(it.id)
        bad.socket.send(packet)
        served.publish(it, "x")
        good.next("frame")
        with served.browser() as another:
            assert another.join(it.id)["n"] == 1


def test_a_message_of_megabytes_harms_only_its_sender(served: Served) -> None:
    it = served.instance()
    with served.browser() as bad, served.browser() as good:
        good.join(it.id)
        with contextlib.suppress(OSError):
            bad.socket.send('42["join",{"instance":"' + "x" * 3_000_000 + '"}]')
        served.publish(it, "x")
        good.next("frame")


# -- those who cannot keep up


def test_the_attributes_that_shedding_uses_are_where_they_were(served: Served) -> None:
    """Not documented by python-socketio and python-engineio: if this fails, mend queue_length and _drop."""
    it = served.instance()
    socketio = served.app.extensions["socketio"]
    with served.browser() as page:
        page.join(it.id)
        sid = served.sid()
        assert queue_length(socketio, sid) == 0
        sock = live._engine_socket(socketio, sid)
        assert {"queue", "close"} <= set(dir(sock))
        served.app.extensions["live"]._drop(sid)
    eventually(lambda: queue_length(socketio, sid) is None, "it is forgotten")
    assert queue_length(socketio, "nonsense") is None


def stall(served: Served, it: Instance, page: Browser) -> str:
    """Let the browser not read until its queue grows; its sid."""
    page.join(it.id)
    sid = served.sid()
    words = "x" * 400_000

    def behind() -> bool:
        served.publish(it, words)
        time.sleep(live.FRAME_SECONDS)
        return sid in served.app.extensions["live"]._behind

    eventually(behind, "it is behind", 30)
    return sid


def test_a_stalled_browser_is_taken_out_and_gets_a_snapshot_when_it_reads_again(served: Served) -> None:
    it = served.instance()
    with served.browser() as page:
        sid = stall(served, it, page)
        room = served.app.extensions["socketio"].server.manager.rooms["/"].get(f"instance/{it.id}", {})
        assert sid not in room
        length = queue_length(served.app.extensions["socketio"], sid) or 0
        for _ in range(20):
            served.publish(it, "y" * 20_000)
        assert (queue_length(served.app.extensions["socketio"], sid) or 0) <= length
        page.heard.clear()
        snapshot = page.next("snapshot", seconds=20)
        assert snapshot["n"] == served.board.hub.topics[it.id].n
        assert snapshot["resumed"]  # what it has is not sent once more
        had = [e["n"] for name, frame in page.heard if name == "frame" for e in frame["events"]]
        assert snapshot["events"][0]["n"] <= had[-1] + 1
        assert len(snapshot["events"]) < 40
        served.publish(it, "again")
        page.next("frame", lambda f: f["events"][-1]["text"] == "again")


def test_who_joins_while_its_queue_is_long_is_taken_out_of_all_rooms(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = served.instance(), served.instance()
    served.publish(two, "old", "new")
    live_, manager = served.app.extensions["live"], served.app.extensions["socketio"].server.manager
    with served.browser() as page:
        page.join(one.id)
        sid = served.sid()
        with monkeypatch.context() as patch:
            patch.setattr(live_, "_shed", lambda: None)  # the join comes before it is looked at
            patch.setattr(live, "queue_length", lambda *_: live.BEHIND + 1)
            page.emit("join", {"instance": two.id, "after": 1})
            eventually(lambda: sid in live_._behind, "it is behind")
            assert sid not in manager.rooms["/"].get(f"instance/{one.id}", {})
        snapshot = page.next("snapshot", lambda s: s["instance"] == two.id)
        assert (snapshot["resumed"], [e["text"] for e in snapshot["events"]]) == (True, ["new"])
        served.publish(one, "again")
        page.next("frame", lambda f: f["events"][-1]["text"] == "again")


def test_a_browser_that_stays_behind_is_dropped(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE_SECONDS", 0.3)
    it = served.instance()
    with served.browser() as page:
        sid = stall(served, it, page)
        eventually(lambda: queue_length(served.app.extensions["socketio"], sid) is None, "it is dropped")
        with served.browser() as another:
            assert another.join(it.id)["instance"] == it.id


def test_who_waits_for_the_overview_only_is_looked_after_too(served: Served) -> None:
    with served.browser() as page:
        page.emit("overview", {})
        page.next("overview")
        sid = served.sid()
        live_ = served.app.extensions["live"]
        live_._behind[sid] = time.monotonic()
        eventually(lambda: sid not in live_._behind, "its queue is empty: it is taken in again")


def test_a_stalled_browser_keeps_nobody_waiting(start_dashboard: Callable[..., Started]) -> None:
    dashboard = start_dashboard()
    made = dashboard.create(loss=0)
    cookie = dashboard.session()
    body = {"count": 3000, "interval": 0.003, "size": 1000, "timeout": 0.2}
    with Browser(dashboard.port, cookie) as stalled, Browser(dashboard.port, cookie) as reader:
        stalled.join(made["id"])
        last = reader.join(made["id"])["n"]
        dashboard.api("POST", f"/instances/{made['id']}/requests", body)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            frame = reader.next("frame", seconds=2)
            fresh = [e["n"] for e in frame["events"] if e["n"] > last]
            assert fresh == list(range(last + 1, last + 1 + len(fresh)))
            last = max([last, *fresh])


def test_what_happens_while_a_browser_joins_is_neither_lost_nor_told_before_its_snapshot(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = served.instance()
    found = served.board.requests_of

    def slow(*words: Any) -> Any:
        served.publish(instance, "while it joins")
        time.sleep(0.5)
        return found(*words)

    with served.browser() as browser:
        monkeypatch.setattr(served.board, "requests_of", slow)
        snapshot = browser.join(instance.id)
        served.publish(instance, "after it joined")
        numbers = [event["n"] for event in snapshot["events"]]
        while len(numbers) < 2:
            said = browser.receive(5)
            assert said, numbers
            if said[0] == "frame":
                numbers += [event["n"] for event in said[1]["events"] if event["n"] > snapshot["n"]]
    assert numbers == [1, 2]
