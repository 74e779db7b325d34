"""A secret is the teacher's to see: masked in every answer to others, in what is kept, and in ps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from servers.kit.settings import MASK
from tests.programs import eventually
from tests.started import TOKEN
from tests.webui.test_auth import browser

SECRET = "geheim-4711"
TEACHER = {"Authorization": f"Bearer {TOKEN}"}


class School:
    """A running server with a secret in its settings, the teacher, and a student."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.board = app.extensions["dashboard"]
        made = self.teacher(
            "POST", "/instances", {"lab": "smtp_sink", "settings": {"port": 0, "accounts": f"ana:{SECRET}"}}
        )
        self.made = json.loads(made)
        self.path = f"/instances/{self.made['id']}"
        self.student_client, self.student_headers = browser(app, "student")

    def teacher(self, method: str, path: str, body: Any = None) -> str:
        return self._call(self.app.test_client(), method, path, body, TEACHER)

    def student(self, method: str, path: str, body: Any = None) -> str:
        return self._call(self.student_client, method, path, body, self.student_headers)

    def _call(self, client: FlaskClient, method: str, path: str, body: Any, headers: dict[str, str]) -> str:
        where = path if path.startswith("//") else "/api/v1" + path
        answer = client.open(where.replace("//", "/"), method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.text


@pytest.fixture
def school(make_app: Callable[..., Flask]) -> School:
    return School(make_app())


def words_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_the_teacher_sees_a_servers_secret_and_nobody_else(school: School) -> None:
    assert school.made["settings"]["accounts"] == f"ana:{SECRET}"
    assert MASK in school.made["command"]
    assert SECRET not in school.made["command"]
    assert SECRET in school.teacher("GET", school.path)
    shown = json.loads(school.student("GET", school.path))
    assert shown["settings"]["accounts"] == MASK
    assert MASK in shown["command"]
    of_it = [f"{school.path}/{name}" for name in ("runs", "events", "export.json", "export.csv")]
    for path in ("/instances", school.path, *of_it, f"/{school.path}"):
        text = school.student("GET", path)
        assert SECRET not in text, path
    assert MASK in school.student("GET", f"{school.path}/runs")


@pytest.mark.parametrize("word", ["any", "none"])
def test_a_plain_word_hides_nothing(school: School, word: str) -> None:
    school.teacher("PATCH", school.path, {"settings": {"accounts": word}})
    shown = json.loads(school.student("GET", school.path))
    assert shown["settings"]["accounts"] == word
    assert MASK not in shown["command"]


def test_files_to_pass_on_have_no_secret_whoever_saves_them(school: School) -> None:
    for name in ("export.json", "export.csv", "runs"):
        assert SECRET not in school.teacher("GET", f"{school.path}/{name}")


def test_the_program_has_the_secret_and_its_command_line_has_not(school: School) -> None:
    assert SECRET not in words_of(school.made["pid"])
    for password, good in ((SECRET, True), ("falsch", False)):
        body = {"auth": f"ana:{password}"}
        text = school.student("POST", f"{school.path}/requests?wait=1", body)
        assert bool(json.loads(text)["result"]["accepted"]) is good, text
        assert SECRET not in text


def test_a_requests_secret_is_shown_to_nobody(school: School) -> None:
    body = {"auth": f"ana:{SECRET}", "step": True}
    made = json.loads(school.student("POST", f"{school.path}/requests", body))
    request = eventually(
        lambda: (r := school.board.requests.get(made["id"])) and r.child and r, "its program"
    )
    assert SECRET not in words_of(request.child.pid)
    answers = [json.dumps(made), school.student("POST", f"/requests/{made['id']}/input", {})]
    for who in (school.student, school.teacher):
        answers += [who("GET", f"/requests/{made['id']}"), who("GET", f"{school.path}/requests")]
    school.student("DELETE", f"/requests/{made['id']}")
    eventually(lambda: made["id"] not in school.board.requests.active, "the end of the session")
    answers += [
        school.teacher("GET", f"/requests/{made['id']}"),
        school.teacher("GET", f"{school.path}/export.json"),
    ]
    assert [text for text in answers if SECRET in text] == []
    assert made["arguments"]["auth"] == MASK
    assert f"--auth '{MASK}'" in made["command"]


def test_live_news_have_the_secret_for_the_teacher_only(school: School) -> None:
    io = school.app.extensions["socketio"]
    header = {"Authorization": f"Bearer {TOKEN}"}
    teachers_client = school.app.test_client()
    teachers_client.get(f"/?token={TOKEN}")
    teacher = io.test_client(school.app, flask_test_client=teachers_client, headers=header)
    student = io.test_client(school.app, flask_test_client=school.student_client)
    for each in (teacher, student):
        each.emit("join", {"instance": school.made["id"]})
    school.teacher("PATCH", school.path, {"settings": {"accounts": f"bo:{SECRET}"}})

    def settings(page: Any, seen: list[str]) -> list[str]:
        for message in page.get_received():
            if message["name"] == "state":
                seen.append(message["args"][0]["settings"]["accounts"])
            if message["name"] == "snapshot":
                seen.append(message["args"][0]["state"]["settings"]["accounts"])
        return seen

    teachers: list[str] = []
    eventually(lambda: f"bo:{SECRET}" in settings(teacher, teachers), "the news")
    assert set(teachers) == {f"ana:{SECRET}", f"bo:{SECRET}"}
    assert set(settings(student, [])) == {MASK}


def test_it_is_still_known_after_a_new_start(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    school = School(make_app(tmp_path / "kept"))
    school.board.close()
    again = make_app(tmp_path / "kept").extensions["dashboard"]
    assert again.instance(school.made["id"]).settings.accounts == f"ana:{SECRET}"
