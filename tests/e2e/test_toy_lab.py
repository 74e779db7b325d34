"""A new lab is a folder and one line: everything the dashboard offers appears for it by itself."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import DEADLINE, eventually
from tests.started import Browser, Started
from tests.toy import NAME, make_toy_tree


@pytest.fixture
def toy(tmp_path: Path, start_dashboard: Callable[..., Started]) -> Started:
    return start_dashboard(root=make_toy_tree(tmp_path))


def say(address: str, words: str) -> str:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), DEADLINE) as sock, sock.makefile("rw") as stream:
        stream.write(words + "\n")
        stream.flush()
        return stream.readline().strip()


def test_a_lab_of_a_few_lines_has_its_form_its_events_its_session_its_action_and_its_query(
    toy: Started,
) -> None:
    # it is listed, with its schemas
    labs = {lab["name"]: lab for lab in toy.api("GET", "/labs")["labs"]}
    lab = labs[NAME]
    assert set(labs) >= {NAME, "udp_ping"}
    assert set(lab["settings"]["properties"]) == {"host", "port", "greeting", "shout"}
    assert lab["settings"]["properties"]["shout"]["x-live"] is True
    assert [a["name"] for a in lab["actions"]] == ["forget"]
    assert [q["name"] for q in lab["queries"]] == ["said"]

    # its page has its forms, lesson and source
    status, page, _ = toy.call("GET", f"/labs/{NAME}")
    assert status == 200
    for shown in ("control-greeting", "control-shout", "control-port", "A toy echo", "source-server.py-1"):
        assert shown in page
    assert "Toy echo" in toy.call("GET", "/")[1]

    # it runs, and its own event and counter arrive at a browser
    made = toy.create(NAME, greeting="ahoy")
    path = f"/instances/{made['id']}"
    page = toy.call("GET", path)[1]
    assert "request-words" in page
    with Browser(toy.port, toy.session()) as browser:
        browser.join(made["id"])
        assert say(made["address"], "hi there") == "ahoy: hi there"
        frame = browser.next("frame", lambda f: any(e["kind"] == "echoed" for e in f["events"]))
        event = next(e for e in frame["events"] if e["kind"] == "echoed")
        assert (event["words"], event["text"].partition(" ")[2]) == ("hi there", "said hi there")
        assert frame["counters"]["lines"] == 1

        # an export of the lab's own
        status, text, headers = toy.call("GET", f"/api/v1{path}/export.txt")
        assert (status, text, headers.get_content_type()) == (200, "hi there\n", "text/plain")

        # a live setting is taken without a restart
        assert toy.api("PATCH", path, {"settings": {"shout": True}})["pid"] == made["pid"]
        assert say(made["address"], "hi") == "AHOY: HI"

        # an ordinary request, and a session with input
        done = toy.api("POST", path + "/requests?wait=1", {"words": "one"})
        assert (done["state"], done["result"]) == ("done", {"answers": ["AHOY: ONE"]})
        session = toy.api("POST", path + "/requests", {"words": "two", "stay": True})
        assert session["session"] is True
        talk = f"/requests/{session['id']}"
        eventually(lambda: "AHOY: TWO" in toy.api("GET", talk)["output"], "the session is open")
        assert toy.api("POST", talk + "/input", {"text": "three"}) == {"value": "AHOY: THREE"}
        toy.api("DELETE", talk)
        ended = toy.api("GET", talk)
        assert ended["state"] == "cancelled"
        assert ended["result"] == {"answers": ["AHOY: TWO", "AHOY: THREE"]}
        assert toy.call("POST", "/api/v1" + talk + "/input", {"text": "four"})[0] == 409

        # its query and its action, while it runs
        assert toy.api("GET", path + "/data/said")["value"] == ["hi there", "hi", "one", "two", "three"]
        assert toy.api("POST", path + "/actions/forget", {"keep": 2}) == {"value": {"forgot": 3}}
        status, error, _ = toy.call("POST", "/api/v1" + path + "/actions/forget", {"keep": -1})
        assert (status, error["error"]["field"]) == (400, "keep")

        # and while it is stopped
        toy.api("POST", path + "/stop")
        assert toy.api("GET", path + "/data/said")["value"] == ["two", "three"]
        assert toy.api("POST", path + "/actions/forget") == {"value": {"forgot": 2}}
        assert toy.api("GET", path + "/data/said")["value"] == []


def test_a_student_may_read_but_not_act(toy: Started) -> None:
    made = toy.create(NAME)
    student = toy.student("Ana")
    path = f"/api/v1/instances/{made['id']}"
    assert toy.call("GET", path + "/data/said", headers=student)[0] == 200
    assert toy.call("POST", path + "/actions/forget", {}, headers=student)[0] == 403
    assert toy.call("POST", path + "/requests?wait=1", {"words": "x"}, headers=student)[1]["person"] == "Ana"


def test_a_second_session_of_a_person_ends_the_first(toy: Started) -> None:
    path = f"/instances/{toy.create(NAME)['id']}/requests"
    first = toy.api("POST", path, {"stay": True})["id"]
    eventually(lambda: toy.api("GET", f"/requests/{first}")["output"], "the first is open")
    second = toy.api("POST", path, {"stay": True})["id"]
    eventually(lambda: toy.api("GET", f"/requests/{first}")["state"] == "cancelled", "the first has ended")
    eventually(lambda: toy.api("GET", f"/requests/{second}")["output"], "the second is open")
