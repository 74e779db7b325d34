"""The race: real servers under a small load. Who is faster is asserted, never how fast anybody is."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.http_web.race import make_room
from servers.http_web.race_load import Lane, Latencies
from servers.http_web.race_settings import MODELS, RaceRequest, Row
from servers.http_web.race_words import ranked, verdict
from servers.kit.errors import SettingError
from servers.kit.settings import arguments, parse
from tests.programs import DEADLINE, Dashboard, Program, eventually

RACE = "servers.http_web.race"


def run(*words: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A race in a process of its own: its result, and all its events."""
    with Program(RACE, *words, "--json") as program:
        code = program.wait()
        assert program.errors == []
        events = program.events()
    assert code == (0 if any(row["done"] for row in events[-1]["rows"]) else 1)
    assert events[-1]["kind"] == "result"
    return events[-1], events[:-1]


def rows_of(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in result["rows"]}


@pytest.fixture(scope="module")
def delayed() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Eight clients, one request each, 0.2 s of work: 1.6 s for one after the other."""
    return run("--clients", "8", "--requests", "1", "--delay", "0.2", "--seconds", "60")


def test_one_after_the_other_takes_several_times_as_long(delayed: Any) -> None:
    rows = rows_of(delayed[0])
    assert {row["done"] for row in rows.values()} == {8}
    assert {row["failed"] for row in rows.values()} == {0}
    for model in ("threads", "select"):
        assert rows["iterative"]["seconds"] > 2.5 * rows[model]["seconds"]
    assert rows["iterative"]["seconds"] > 1.5 * rows["processes"]["seconds"]
    assert rows["iterative"]["seconds"] >= 8 * 0.2


def test_who_stands_in_line_is_told(delayed: Any) -> None:
    rows = rows_of(delayed[0])
    assert rows["iterative"]["most_in_line"] == 7
    assert rows["iterative"]["at_once"] == 1
    assert rows["processes"]["at_once"] <= 4
    assert rows["iterative"]["max_ms"] > 2 * rows["select"]["max_ms"]


def test_the_events_tell_the_race_from_start_to_end(delayed: Any) -> None:
    result, events = delayed
    kinds = [event["kind"] for event in events]
    assert (kinds[0], kinds[-1]) == ("race_started", "race_finished")
    assert set(kinds[1:-1]) == {"race_tick"}
    assert events[0]["models"] == list(MODELS)
    assert (events[0]["clients"], events[0]["requests"], events[0]["workers"]) == (8, 1, 4)
    assert events[-1]["verdict"] == result["verdict"]
    assert events[-1]["reason"] == result["reason"] == "all have finished"
    for row in result["rows"]:
        ticks = [event for event in events if event.get("model") == row["model"]]
        assert [tick.get("finished", False) for tick in ticks] == [False] * (len(ticks) - 1) + [True]
        assert (ticks[-1]["done"], ticks[-1]["waiting"]) == (8, 0)
        assert [tick["done"] for tick in ticks] == sorted(tick["done"] for tick in ticks)
    iterative = [e for e in events if e.get("model") == "iterative"]
    assert len(iterative) >= 5
    assert iterative[1]["in_line"] >= 4


def test_a_slow_client_stops_the_iterative_server_and_no_loop() -> None:
    result, _ = run(
        "--models", "iterative,select", "--slow", "1", "--clients", "4", "--requests", "2", "--delay", "0.01",
        "--seconds", "3",
    )  # fmt: skip
    rows = rows_of(result)
    assert (rows["iterative"]["done"], rows["iterative"]["finished"]) == (0, False)
    assert (rows["iterative"]["most_in_line"], rows["iterative"]["p50_ms"]) == (4, None)
    assert (rows["select"]["done"], rows["select"]["finished"]) == (8, True)
    assert result["reason"] == "the time was over"
    assert "Select came in first" in result["verdict"]
    assert "the slow client had all its places" in result["verdict"]


def test_slow_clients_take_the_workers_of_a_pool_and_no_thread_of_others() -> None:
    result, _ = run(
        "--models", "processes,threads", "--slow", "5", "--clients", "3", "--requests", "2",
        "--delay", "0.01", "--seconds", "3",
    )  # fmt: skip
    rows = rows_of(result)
    assert (rows["processes"]["done"], rows["processes"]["finished"]) == (0, False)
    assert (rows["threads"]["done"], rows["threads"]["finished"]) == (6, True)


@pytest.mark.parametrize("model", MODELS)
def test_kept_connections_are_answered_too(model: str) -> None:
    result, _ = run(
        "--models", model, "--keep-alive", "--clients", "6", "--requests", "30", "--delay", "0",
        "--seconds", "60",
    )  # fmt: skip
    assert [(row["done"], row["failed"]) for row in result["rows"]] == [(180, 0)]


def test_a_server_that_dies_fails_requests_and_the_race_ends() -> None:
    words = ("--models", "threads", "--clients", "3", "--requests", "50", "--delay", "0.1", "--seconds", "60")
    with Program(RACE, *words, "--json") as program:
        eventually(lambda: [e for e in program.events("race_tick") if e["done"]], "answers")
        for pid in children(program.process.pid):
            os.kill(pid, signal.SIGKILL)
        program.wait()
        row = program.events("result")[0]["rows"][0]
    assert row["failed"] > 0
    assert row["done"] + row["failed"] == 150


def children(pid: int) -> list[int]:
    """The processes that one has started, from any of its threads."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text(encoding="ascii").split()]


@pytest.fixture
def racing() -> Iterator[Program]:
    with Program(
        RACE, "--models", "iterative,processes", "--clients", "8", "--delay", "1", "--json"
    ) as program:
        eventually(lambda: len(program.events("race_tick")) >= 2, "ticks")
        yield program


def test_a_race_that_is_stopped_tells_how_far_it_came(racing: Program) -> None:
    servers = children(racing.process.pid)
    workers = [each for server in servers for each in children(server)]
    assert (len(servers), len(workers)) == (2, 4)
    racing.stop()
    result = racing.events("result")[0]
    assert result["reason"] == "stopped"
    for row in result["rows"]:
        last = [tick for tick in racing.events("race_tick") if tick["model"] == row["model"]][-1]
        assert (last["done"], last["seconds"]) == (row["done"], row["seconds"])
    eventually(lambda: not any(alive(pid) for pid in servers + workers), "all servers have ended")


def test_its_servers_end_with_it_when_it_is_killed(racing: Program) -> None:
    servers = children(racing.process.pid)
    workers = [each for server in servers for each in children(server)]
    racing.stop(signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in servers + workers), "all servers have ended")


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_dashboard_gets_events_and_result() -> None:
    with Dashboard() as dashboard:
        words = ("--models", "select", "--clients", "2", "--requests", "1", "--delay", "0")
        with Program(RACE, *words, env=dashboard.env, stdin=-1) as program:
            dashboard.accept()
            assert program.wait() == 0
        kinds = [event["kind"] for event in dashboard.events()]
    assert (kinds[0], kinds[-1]) == ("race_started", "race_finished")
    assert all(not key.startswith("SOCKET_LAB") for key in os.environ)


def test_a_terminal_shows_a_live_table_and_the_result() -> None:
    words = ("--models", "iterative,threads", "--clients", "4", "--requests", "2", "--delay", "0.2")
    with Program(RACE, *words) as program:
        assert program.wait() == 0
        lines = program.lines
    assert lines[1].split() == ["seconds", "iterative", "threads"]
    assert lines[2].split()[0].startswith("1.")
    assert "of 8" in lines[2]
    assert "in line" in lines[2]
    assert lines[-1].startswith("Threads came in first, after")
    table = [line.split() for line in lines if line.startswith(("iterative ", "threads "))]
    assert [row[:3] for row in table] == [["threads", "8", "0"], ["iterative", "8", "0"]]


# -- the load, against servers that do as a test says


class Peer:
    """A server with one thread a connection: ``answer(number)`` says what the number-th request gets."""

    def __init__(self, answer: Callable[[int], tuple[bytes, bool]]) -> None:
        self.answer = answer
        self.requests = 0
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                self.threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
                self.threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            while sock.recv(4096):
                with self.lock:
                    self.requests += 1
                    data, stays = self.answer(self.requests)
                sock.sendall(data)
                if not stays:
                    return


def load(answer: Callable[[int], tuple[bytes, bool]], clients: int, requests: int, *, kept: bool) -> Lane:
    """A lane's clients against such a server, run to the end."""
    peer = Peer(answer)
    with peer.listener, selectors.DefaultSelector() as selector:
        lane = Lane("threads", peer.listener.getsockname(), selector, kept)
        lane.start(clients, requests)
        deadline = time.monotonic() + DEADLINE
        while lane.finished is None and time.monotonic() < deadline:
            for key, mask in selector.select(0 if lane.next else 0.05):
                key.data.ready(mask, time.monotonic())
            lane.turn(time.monotonic())
        assert lane.finished is not None, (lane.done, lane.failed)
        assert lane.waiting == 0
        for _ in range(5):  # what comes afterwards is no answer
            for key, mask in selector.select(0.01):
                key.data.ready(mask, time.monotonic())
        lane.close()
        peer.listener.shutdown(socket.SHUT_RDWR)
        peer.threads[0].join()
    return lane


KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


@pytest.mark.parametrize(
    ("answer", "kept", "done", "failed"),
    [
        (lambda number: (KEPT, True), True, 20, 0),
        (lambda number: (KEPT, True), False, 20, 0),
        (lambda number: (LAST, False), False, 20, 0),
        (lambda number: (LAST, False), True, 20, 0),
        (lambda number: (KEPT, number % 3 > 0), True, 20, 0),  # closes idle connections
        (lambda number: (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", True), True, 0, 20),
        (lambda number: (KEPT[:-1], False), False, 0, 20),  # cut short
        (lambda number: (b"HTTP/1.1 200", False), False, 0, 20),
        (lambda number: (b"", False), False, 0, 20),
    ],
)
def test_each_request_is_counted_once(
    answer: Callable[[int], tuple[bytes, bool]], kept: bool, done: int, failed: int
) -> None:
    lane = load(answer, 4, 5, kept=kept)
    assert (lane.done, lane.failed, lane.latencies.count) == (done, failed, done)


def test_an_answer_in_small_pieces_is_one_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, selectors.DefaultSelector() as selector:
        lane = Lane("select", listener.getsockname(), selector, keep_alive=True)
        lane.start(1, 1)
        lane.turn(time.monotonic())
        sock, _ = listener.accept()
        with sock:
            sent = 0
            while lane.finished is None and sent < 1000:
                for key, mask in selector.select(0.01):
                    key.data.ready(mask, time.monotonic())
                lane.turn(time.monotonic())
                sock.sendall(KEPT[sent : sent + 1])
                sent += 1
        lane.close()
    assert (lane.done, lane.failed) == (1, 0)


def test_nobody_who_listens_fails_all_requests_and_ends() -> None:
    with socket.socket() as taken, selectors.DefaultSelector() as selector:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening: refused
        lane = Lane("select", taken.getsockname(), selector, keep_alive=False)
        lane.start(3, 4)
        eventually(lambda: _turn(lane, selector), "the end")
        lane.close()
    assert (lane.done, lane.failed) == (0, 12)


def _turn(lane: Lane, selector: selectors.BaseSelector) -> bool:
    for key, mask in selector.select(0):
        key.data.ready(mask, time.monotonic())
    lane.turn(time.monotonic())
    return lane.finished is not None


# -- words, numbers and settings


def row(model: str, seconds: float, done: int = 60, *, finished: bool = True, **more: Any) -> Row:
    values = {"failed": 0, "requests_per_second": 1.0, "p50_ms": 1.0, "p95_ms": 1.0, "max_ms": 1.0,
              "most_in_line": 0, "at_once": 12}  # fmt: skip
    return Row(model=model, finished=finished, done=done, seconds=seconds, **{**values, **more})


@pytest.mark.parametrize(
    ("request_", "rows", "says"),
    [
        (
            RaceRequest(),
            [row("iterative", 12.1, at_once=1, most_in_line=11), row("threads", 1.0), row("select", 1.05)],
            "Threads and select came in first together, after 1.0 s: up to 12 of 12 clients were served at "
            "once. Iterative took 12.1 s, 12.1 times as long: it served one at a time, and up to 11 clients "
            "stood in line.",
        ),
        (
            RaceRequest(slow=2),
            [row("iterative", 20, 0, finished=False, at_once=0, most_in_line=12), row("select", 1.0)],
            "Select came in first, after 1.0 s: up to 12 of 12 clients were served at once. "
            "Iterative answered 0 of 60 in 20.0 s: the slow clients had all its places, and up "
            "to 12 clients stood in line.",
        ),
        (
            RaceRequest(),
            [row("iterative", 5, 20, finished=False, at_once=1, most_in_line=11),
             row("processes", 5, 50, finished=False, at_once=4, most_in_line=8)],
            "Processes answered 50 of 60 in 5.0 s: it served up to 4 at a time, and up to 8 clients stood in "
            "line. Iterative answered 20 of 60 in 5.0 s: it served one at a time, and up to 11 clients stood "
            "in line.",
        ),
        (
            RaceRequest(delay=0),
            [row("threads", 0.2), row("select", 0.4)],
            "Threads came in first, after 0.2 s: without a delay nobody waits long, and what counts is the "
            "work for each request. Select took 0.4 s, 2.0 times as long: it served up to 12 at a time.",
        ),
        (
            RaceRequest(clients=1),
            [row("select", 1.0, 5, at_once=1)],
            "Select came in first, after 1.0 s: with one client there is nobody to wait for.",
        ),
        (
            RaceRequest(),
            [row("threads", 0.1, 10, failed=50)],
            "Threads answered 10 of 60 in 0.1 s, and 50 failed: it served up to 12 at a time.",
        ),
    ],
)  # fmt: skip
def test_the_verdict_is_true_to_the_numbers(request_: RaceRequest, rows: list[Row], says: str) -> None:
    assert verdict(request_, rows) == says


def test_who_failed_does_not_win_by_being_quick() -> None:
    assert [r.model for r in ranked([row("threads", 0.1, 10, failed=50), row("iterative", 12.0)])] == [
        "iterative", "threads",
    ]  # fmt: skip


def test_percentiles_are_right_within_one_percent() -> None:
    times = Latencies()
    assert times.percentile(0.5) is None
    for number in range(1, 1001):
        times.add(number / 1000)
    assert times.percentile(0.5) == pytest.approx(500, rel=0.01)
    assert times.percentile(0.95) == pytest.approx(950, rel=0.01)
    assert times.percentile(1.0) == pytest.approx(1000, rel=0.01)
    assert times.longest == 1.0


def test_no_percentile_is_above_the_longest() -> None:
    times = Latencies()
    times.add(0.2012)
    found = times.percentile(0.5)
    assert found is not None
    assert 199 < found <= 201.2


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("select", ("select",)),
        ("select,iterative", ("iterative", "select")),
        ("threads,threads", ("threads",)),
    ],
)
def test_models_are_words_with_commas(text: str, models: tuple[str, ...]) -> None:
    assert parse(RaceRequest, {"models": text}).chosen == models


@pytest.mark.parametrize("text", ["", "fast", "select,", "select;threads", "select, threads"])
def test_what_is_no_model_is_refused_and_those_there_are_named(text: str) -> None:
    with pytest.raises(SettingError, match="one or more of iterative, threads, processes, select") as refused:
        parse(RaceRequest, {"models": text})
    assert refused.value.field == "models"


def test_all_models_race_unless_some_are_chosen() -> None:
    assert RaceRequest().chosen == MODELS
    assert arguments(RaceRequest()) == []


@pytest.mark.parametrize(("hard", "becomes"), [(500, 300), (resource.RLIM_INFINITY, 300)])
def test_the_limit_of_open_files_is_raised_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, hard: int, becomes: int
) -> None:
    now = [(100, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda which: now[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: now.append(limits))
    make_room(300)
    assert now[-1] == (becomes, hard)
    make_room(200)
    assert len(now) == 2


def test_a_race_too_large_for_the_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 200))
    with pytest.raises(SettingError, match="200 files open, and the race needs 300") as refused:
        make_room(300)
    assert refused.value.field == "clients"
