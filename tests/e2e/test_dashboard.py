"""``python app.py`` as a person runs it: from its link to its end, however that comes."""

from __future__ import annotations

import http.client
import random
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.programs import DEADLINE, eventually
from tests.started import Browser, Started


def ping(address: str, words: bytes = b"Ping 1 0.5") -> bytes:
    """What a student's own program gets back."""
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(DEADLINE)
        sock.sendto(words, (host, int(port)))
        return sock.recv(65535)


def children(dashboard: Started) -> list[psutil.Process]:
    return psutil.Process(dashboard.process.pid).children(recursive=True)


def gone(processes: list[psutil.Process], seconds: float) -> None:
    """All of them end within that time."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert alive == []


def busy(dashboard: Started) -> tuple[dict[str, Any], list[psutil.Process]]:
    """A server and two clients at work; the instance and all child processes."""
    made = dashboard.create(loss=0)
    dashboard.api("POST", f"/instances/{made['id']}/requests", {"count": 1000, "interval": 0.01})
    student = dashboard.student("Ana")
    path = f"/api/v1/instances/{made['id']}/requests"
    assert dashboard.call("POST", path, {"count": 1000, "interval": 0.01}, headers=student)[0] == 202
    eventually(lambda: dashboard.state(made["id"])["counters"]["received"] > 10, "the clients ping")
    found = eventually(lambda: (c := children(dashboard)) and len(c) >= 3 and c, "three children")
    return made, found


# -- from start to end


def test_what_an_independent_client_does_arrives_at_a_browser(dashboard_process: Started) -> None:
    made = dashboard_process.create(loss=0)
    with Browser(dashboard_process.port, dashboard_process.session()) as browser:
        snapshot = browser.join(made["id"])
        assert ping(made["address"], b"Ping 7 1.25") == b"PING 7 1.25"
        seen: list[dict[str, Any]] = []
        while not any(event["kind"] == "datagram_sent" for event in seen):
            frame = browser.next("frame")
            seen += [event for event in frame["events"] if event["n"] > snapshot["n"]]
        assert [e["kind"] for e in seen] == ["datagram_received", "ping_fate", "datagram_sent"]
        assert [e["n"] for e in seen] == [snapshot["n"] + 1 + i for i in range(3)]
        assert frame["counters"]["received"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_in_order(dashboard_process: Started, number: int) -> None:
    made, running = busy(dashboard_process)
    with Browser(dashboard_process.port, dashboard_process.session()) as browser:
        browser.join(made["id"])
        dashboard_process.signal(number)
        assert dashboard_process.wait() == 0
    gone(running, 0.5)
    assert not [line for line in dashboard_process.lines if "Traceback" in line or "Error" in line]


def test_a_second_signal_does_no_harm(start_dashboard: Callable[..., Started]) -> None:
    dashboard = start_dashboard()
    _, running = busy(dashboard)
    for _ in range(5):
        dashboard.signal(signal.SIGINT)
    assert dashboard.wait() == 0
    gone(running, 0.5)


def test_what_ran_is_stored_as_ended_in_order(
    start_dashboard: Callable[..., Started], tmp_path: Path
) -> None:
    dashboard = start_dashboard()
    made, _ = busy(dashboard)
    dashboard.signal(signal.SIGTERM)
    dashboard.wait()
    again = start_dashboard()
    found = again.state(made["id"])
    assert (found["state"], found["settings"]) == ("stopped", made["settings"])
    with closing(sqlite3.connect(tmp_path / "data" / "socket-lab.db")) as file:
        assert file.execute("select reason from runs").fetchall() == [("stopped",)]
    ended = again.api("GET", f"/instances/{made['id']}/requests")["requests"]
    assert [each["state"] for each in ended] == ["cancelled", "cancelled"]


def test_killing_the_dashboard_leaves_no_child(dashboard_process: Started) -> None:
    _, running = busy(dashboard_process)
    dashboard_process.signal(signal.SIGKILL)
    gone(running, 3)


# -- after a crash


def test_nothing_that_was_told_is_lost_when_the_dashboard_is_killed(
    start_dashboard: Callable[..., Started], tmp_path: Path
) -> None:
    told: dict[str, dict[str, Any]] = {}
    numbers: list[int] = []
    seeds: set[tuple[int, int]] = set()
    seconds: set[float] = set()
    id = ""
    for turn in range(4):
        dashboard = start_dashboard(mode=("eventlet", "threading")[turn % 2])
        if not id:
            id = dashboard.create(loss=0, delay=1)["id"]
        else:
            found = dashboard.state(id)
            assert (found["state"], found["settings"]["delay"]) == ("stopped", turn)
            for request, known in told.items():
                now = dashboard.api("GET", f"/requests/{request}")
                assert (now["state"], now["result"], now["first"]) == (
                    "done",
                    known["result"],
                    known["first"],
                )
            listed = {each["id"] for each in dashboard.api("GET", f"/instances/{id}/requests")["requests"]}
            assert set(list(told)[-20:]) <= listed
            dashboard.api("POST", f"/instances/{id}/start")
        dashboard.api("PATCH", f"/instances/{id}", {"settings": {"delay": turn + 1}})
        found = dashboard.state(id)
        seeds.add((found["run"], found["seed"]))

        def load(dashboard: Started = dashboard, id: str = id) -> None:
            while True:
                try:
                    body = {"count": 20, "interval": 0.005, "timeout": 0.5}
                    done = dashboard.api("POST", f"/instances/{id}/requests?wait=1", body)
                except (OSError, ValueError, AssertionError, http.client.HTTPException):
                    return
                told[done["id"]] = done

        thread = threading.Thread(target=load)
        thread.start()
        with Browser(dashboard.port, dashboard.session()) as browser:
            snapshot = browser.join(id)
            assert min([e["n"] for e in snapshot["events"]], default=10**9) > max(numbers, default=0)
            assert {t for t, _ in snapshot["series"]["seconds"]} >= {t for t in seconds if t}
            last, count = snapshot["n"], len(told)
            eventually(lambda count=count: len(told) > count, "a request is done")
            moment = time.monotonic() + random.uniform(0, 1)
            while time.monotonic() < moment:
                said = browser.receive(1)
                if said and said[0] == "frame":
                    fresh = [e["n"] for e in said[1]["events"] if e["n"] > last]
                    assert fresh == list(range(last + 1, last + 1 + len(fresh)))
                    last = max([last, *fresh])
            numbers.append(last)
            dashboard.signal(signal.SIGKILL)
        dashboard.wait()
        thread.join()
        with closing(sqlite3.connect(tmp_path / "data" / "socket-lab.db")) as file:
            seconds |= {t for (t,) in file.execute("select t from seconds where instance = ?", (id,))}
            stored = set(file.execute("select run, seed from runs where instance = ?", (id,)))
        assert seeds <= stored
    assert len(told) >= 4
    assert len(seeds) == 4


def test_a_crash_right_after_the_first_event_gives_no_number_twice(
    start_dashboard: Callable[..., Started],
) -> None:
    highest = 0
    for _ in range(2):
        dashboard = start_dashboard()
        known = dashboard.api("GET", "/instances")["instances"]
        if known:
            dashboard.api("POST", f"/instances/{known[0]['id']}/start")
        else:
            dashboard.create(loss=0)
        id = dashboard.api("GET", "/instances")["instances"][0]["id"]
        numbers = [e["n"] for e in dashboard.api("GET", f"/instances/{id}/events")["events"]]
        dashboard.signal(signal.SIGKILL)
        dashboard.wait()
        assert min(numbers) > highest
        highest = max(numbers)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_resume_starts_what_ran_and_nothing_else(start_dashboard: Callable[..., Started], end: int) -> None:
    first = start_dashboard()
    ran, stopped = first.create(loss=0), first.create()
    first.api("POST", f"/instances/{stopped['id']}/stop")
    first.signal(end)
    first.wait()
    again = start_dashboard("--resume")
    eventually(lambda: again.state(ran["id"])["state"] == "running", "it runs again")
    assert again.state(stopped["id"])["state"] == "stopped"
    assert ping(again.state(ran["id"])["address"]) == b"PING 1 0.5"


# -- processes that are stopped


def test_a_stopped_server_is_killed_and_started_again(start_dashboard: Callable[..., Started]) -> None:
    dashboard = start_dashboard()
    made = dashboard.create(loss=0)
    psutil.Process(made["pid"]).suspend()
    began = time.monotonic()

    def restarted() -> Any:
        found = dashboard.state(made["id"])
        return found["state"] == "running" and found["pid"] != made["pid"] and found

    found = eventually(restarted, "another process runs", 15)
    assert 4 < time.monotonic() - began < 10
    assert found["address"] == made["address"]
    assert ping(found["address"]) == b"PING 1 0.5"


@pytest.mark.slow
def test_a_dashboard_that_was_stopped_for_7_seconds_kills_no_child(dashboard_process: Started) -> None:
    made = dashboard_process.create(loss=0)
    path = f"/instances/{made['id']}"
    request = dashboard_process.api("POST", path + "/requests", {"count": 1000, "interval": 0.05})["id"]
    eventually(lambda: dashboard_process.api("GET", f"/requests/{request}")["output"], "the client has begun")
    dashboard_process.signal(signal.SIGSTOP)
    time.sleep(7)  # what is tested is that this much passes
    assert ping(made["address"]) == b"PING 1 0.5"
    dashboard_process.signal(signal.SIGCONT)
    awake = time.monotonic()
    while time.monotonic() < awake + 1.5:
        found = dashboard_process.state(made["id"])
        assert (found["state"], found["pid"], found["run"]) == ("running", made["pid"], 1)
        assert dashboard_process.api("GET", f"/requests/{request}")["state"] == "running"
    eventually(lambda: dashboard_process.state(made["id"])["counters"]["received"] > 100, "all is counted")


# -- a class


def test_thirty_students_who_press_together_are_all_answered_within_a_minute(
    dashboard_process: Started,
) -> None:
    made = dashboard_process.create(loss=0)
    path = f"/api/v1/instances/{made['id']}/requests"
    students = [dashboard_process.student(f"Student{i}") for i in range(30)]
    answers: list[tuple[int, Any]] = []
    positions: set[int] = set()

    def press(student: dict[str, str]) -> None:
        status, found, _ = dashboard_process.call("POST", path + "?wait=1", {"count": 10}, headers=student)
        answers.append((status, found))

    threads = [threading.Thread(target=press, args=(student,)) for student in students]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        now = dashboard_process.call("GET", path)[1]["requests"]
        running = [each for each in now if each["state"] == "running"]
        assert len(running) <= 16
        positions |= {each["position"] for each in now if each["position"]}
        time.sleep(0.2)
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 60
    assert [status for status, _ in answers] == [200] * 30
    assert all(found["state"] == "done" and found["result"]["received"] == 10 for _, found in answers)
    assert {found["person"] for _, found in answers} == {f"Student{i}" for i in range(30)}
    assert positions >= {1, 2, 3}
