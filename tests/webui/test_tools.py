"""A lab's tools: run over the API as requests are, by those who may; pages for those who watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.programs import eventually
from tests.started import TOKEN
from tests.webui.test_auth import browser
from tests.webui.tool_program import LAB, MODULE
from webui.application import Options, create_app

TEACHER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(Options(data_dir=tmp_path_factory.mktemp("tools"), token=TOKEN))
    board = app.extensions["dashboard"]
    board.labs = {LAB.name: LAB}
    yield app
    board.close()


@pytest.fixture(scope="module")
def running(app: Flask) -> str:
    return make(app)


def make(app: Flask, stopped: bool = False) -> str:
    """An instance of the lab with tools."""
    made = call(app, "POST", "/instances", {"lab": LAB.name, "settings": {"port": 0}})
    if stopped:
        call(app, "POST", f"/instances/{made['id']}/stop")
    return made["id"]


def call(app: Flask, method: str, path: str, body: Any = None) -> Any:
    answer = app.test_client().open("/api/v1" + path, method=method, json=body, headers=TEACHER)
    assert answer.status_code < 300, answer.text
    return answer.json


def status(app: Flask, path: str, body: Any = None) -> tuple[int, Any]:
    answer = app.test_client().post("/api/v1" + path, json=body or {}, headers=TEACHER)
    return answer.status_code, answer.json


def test_labs_tell_of_their_tools(app: Flask) -> None:
    (lab,) = call(app, "GET", "/labs")["labs"]
    drill, aimed = lab["tools"]
    assert (drill["name"], drill["title"], drill["role"], drill["needs_server"]) == (
        "drill", "Drill", "teacher", False,
    )  # fmt: skip
    assert (aimed["role"], aimed["needs_server"]) == ("student", True)
    assert drill["request"]["properties"]["top"]["maximum"] == 1000


def test_a_run_is_a_request_with_its_tools_name(app: Flask, running: str) -> None:
    made = call(app, "POST", f"/instances/{running}/tools/drill?wait=1", {"top": 4})
    assert (made["tool"], made["state"], made["result"]) == ("drill", "done", {"sum": 10, "aim": ""})
    assert made["command"] == f"python -m {MODULE} --top 4"
    assert call(app, "GET", f"/requests/{made['id']}")["tool"] == "drill"
    assert made["id"] in [r["id"] for r in call(app, "GET", f"/instances/{running}/requests")["requests"]]


def test_a_test_request_has_no_tools_name(app: Flask, running: str) -> None:
    made = call(app, "POST", f"/instances/{running}/requests?wait=1", {"count": 1, "interval": 0.001})
    assert made["tool"] == ""
    assert "servers.udp_ping.client" in made["command"]


def test_a_tool_that_needs_the_server_is_aimed_at_it(app: Flask, running: str) -> None:
    address = call(app, "GET", f"/instances/{running}")["address"]
    made = call(app, "POST", f"/instances/{running}/tools/aimed?wait=1", {})
    assert made["result"] == {"sum": 6, "aim": address}


def test_its_events_are_numbered_in_the_instances_sequence_and_kept_as_marks(
    app: Flask, running: str
) -> None:
    made = call(app, "POST", f"/instances/{running}/tools/drill?wait=1", {"top": 3})
    after = made["first"] - 1
    found = call(app, "GET", f"/instances/{running}/events?after={after}")["events"]
    counted = [e for e in found if e["kind"] == "counted" and e["request"] == made["id"]]
    assert [e["number"] for e in counted] == [1, 2, 3]
    assert [e["n"] for e in counted] == [after + 1, after + 2, after + 3]
    marks = app.extensions["dashboard"].hub.snapshot(running)["series"].marks
    assert [m.number for m in marks if m.request == made["id"]] == [1, 2, 3]


def test_without_a_server_runs_only_what_needs_none(app: Flask) -> None:
    id = make(app, stopped=True)
    assert call(app, "POST", f"/instances/{id}/tools/drill?wait=1", {})["result"]["sum"] == 6
    code, body = status(app, f"/instances/{id}/tools/aimed")
    assert (code, "is stopped" in body["error"]["message"]) == (409, True)


def test_a_server_that_stops_cancels_what_needs_it_and_nothing_else(app: Flask) -> None:
    id = make(app)
    path = f"/instances/{id}/tools"
    drill = call(app, "POST", f"{path}/drill", {"top": 1000, "pause": 0.05})
    client, headers = browser(app, "student")
    aimed = client.post(f"/api/v1{path}/aimed", json={"top": 1000, "pause": 0.05}, headers=headers).json

    def state(run: Any) -> str:
        return str(call(app, "GET", f"/requests/{run['id']}")["state"])

    eventually(lambda: (state(drill), state(aimed)) == ("running", "running"), "both run")
    call(app, "POST", f"/instances/{id}/stop")
    eventually(lambda: state(aimed) == "cancelled", "what needs the server is cancelled")
    assert state(drill) == "running"
    ended = call(app, "DELETE", f"/requests/{drill['id']}")
    assert (ended["state"], ended["result"]["aim"]) == ("cancelled", "")
    assert ended["result"]["sum"] > 0


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("drill", {"top": 0}, 400, "from 1 to 1,000"),
        ("drill", {"tops": 1}, 400, "tops"),
        ("drill?wait=2", {}, 400, "wait must be"),
        ("gone", {}, 404, "It has: drill, aimed"),
    ],
)
def test_what_is_wrong_is_said(
    app: Flask, running: str, path: str, body: dict[str, Any], code: int, words: str
) -> None:
    answered, said = status(app, f"/instances/{running}/tools/{path}", body)
    assert answered == code
    assert words in f"{said['error']['message']} {said['error'].get('hint', '')}"


def test_a_student_runs_what_students_may_and_no_teachers_tool(app: Flask, running: str) -> None:
    client, headers = browser(app, "student")
    path = f"/api/v1/instances/{running}/tools"
    refused = client.post(f"{path}/drill", json={}, headers=headers)
    assert (refused.status_code, refused.json["error"]["message"]) == (403, "Only the teacher may do that.")
    assert client.post(f"{path}/aimed?wait=1", json={}, headers=headers).json["state"] == "done"


@pytest.mark.parametrize(("role", "may"), [("teacher", True), ("student", False)])
def test_all_may_watch_a_teachers_tool_and_the_teacher_has_its_form(
    app: Flask, running: str, role: str, may: bool
) -> None:
    client, _ = browser(app, role)
    page = client.get(f"/instances/{running}/tools/drill")
    assert page.status_code == 200
    assert ('id="request"' in page.text) == may
    assert f'href="/instances/{running}"' in page.text
    assert "Drill" in page.text


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_the_instances_page_links_to_each_tool(app: Flask, running: str, role: str) -> None:
    client, _ = browser(app, role)
    page = client.get(f"/instances/{running}").text
    assert f'href="/instances/{running}/tools/drill"' in page
    assert f'href="/instances/{running}/tools/aimed"' in page
    assert ("<small>watch</small>" in page) == (role == "student")


def test_a_tool_that_is_not_there_has_no_page(app: Flask, running: str) -> None:
    client, _ = browser(app, "teacher")
    assert client.get(f"/instances/{running}/tools/gone").status_code == 404


def test_what_a_tool_tells_is_there_after_a_restart(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.extensions["dashboard"].labs = {LAB.name: LAB}
    id = make(app)
    made = call(app, "POST", f"/instances/{id}/tools/drill?wait=1", {"top": 2})
    app.extensions["dashboard"].close()
    again = make_app()
    assert call(again, "GET", f"/requests/{made['id']}")["tool"] == "drill"
