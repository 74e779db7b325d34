"""Who may do what: every route for nobody, a student and the teacher; tokens, codes, cookies, forms."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.started import TOKEN, csrf
from webui import auth
from webui.application import Options, create_app

Role = str


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application with one running server, for tests that change nothing."""
    app = create_app(Options(data_dir=tmp_path_factory.mktemp("auth"), token=TOKEN))
    body = {"lab": "udp_ping", "settings": {"port": 0}}
    made = app.test_client().post(
        "/api/v1/instances", json=body, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert made.status_code == 201
    yield app
    app.extensions["dashboard"].close()


def browser(app: Flask, role: Role) -> tuple[FlaskClient, dict[str, str]]:
    """A browser in which somebody of that role has joined, and the header its pages send."""
    client = app.test_client()
    if role == "teacher":
        client.get(f"/?token={TOKEN}")
    elif role == "student":
        join(client, app.extensions["gate"].code)
    page = client.get("/" if role != "nobody" else "/join").text
    return client, {"X-CSRFToken": csrf(page)}


def join(client: FlaskClient, code: str, name: str = "Ana", **more: str) -> Any:
    token = csrf(client.get("/join").text)
    return client.post("/join", data={"csrf_token": token, "code": code, "name": name, **more})


# -- every route for everyone

ALL, JOINED, TEACHER = ("nobody", "student", "teacher"), ("student", "teacher"), ("teacher",)

ROUTES: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", "/"): JOINED,
    ("GET", "/labs/<name>"): JOINED,
    ("GET", "/labs/<name>/skeleton.py"): JOINED,
    ("GET", "/instances/<id>"): JOINED,
    ("GET", "/instances/<id>/tools/<name>"): JOINED,
    ("GET", "/instances/<id>/packets"): JOINED,
    ("GET", "/join"): ALL,
    ("POST", "/join"): ALL,
    ("POST", "/login"): ALL,
    ("POST", "/leave"): ALL,
    ("GET", "/class"): TEACHER,
    ("GET", "/class/qr.svg"): TEACHER,
    ("GET", "/pygments.css"): ALL,
    ("GET", "/healthz"): ALL,
    ("GET", "/static/<path:filename>"): ALL,
    ("GET", "/api/v1/labs"): JOINED,
    ("GET", "/api/v1/openapi.json"): JOINED,
    ("GET", "/api/v1/instances"): JOINED,
    ("POST", "/api/v1/instances"): TEACHER,
    ("GET", "/api/v1/instances/<id>"): JOINED,
    ("PATCH", "/api/v1/instances/<id>"): TEACHER,
    ("DELETE", "/api/v1/instances/<id>"): TEACHER,
    ("POST", "/api/v1/instances/<id>/<any(start, stop, restart):verb>"): TEACHER,
    ("GET", "/api/v1/instances/<id>/runs"): JOINED,
    ("POST", "/api/v1/instances/<id>/requests"): JOINED,
    ("POST", "/api/v1/instances/<id>/tools/<name>"): JOINED,
    ("GET", "/api/v1/instances/<id>/requests"): JOINED,
    ("GET", "/api/v1/requests/<id>"): JOINED,
    ("DELETE", "/api/v1/requests/<id>"): JOINED,
    ("POST", "/api/v1/requests/<id>/input"): JOINED,
    ("POST", "/api/v1/instances/<id>/actions/<name>"): JOINED,
    ("GET", "/api/v1/instances/<id>/data/<name>"): JOINED,
    ("GET", "/api/v1/instances/<id>/events"): JOINED,
    ("GET", "/api/v1/instances/<id>/export.<format>"): JOINED,
    ("GET", "/api/v1/instances/<id>/export.pcapng"): TEACHER,
    ("GET", "/api/v1/instances/<id>/packets"): JOINED,
    ("DELETE", "/api/v1/instances/<id>/packets"): TEACHER,
    ("GET", "/api/v1/instances/<id>/packets.json"): JOINED,
    ("POST", "/api/v1/instances/<id>/packets/capture"): TEACHER,
    ("POST", "/api/v1/instances/<id>/packets/upload"): TEACHER,
    ("DELETE", "/api/v1/instances/<id>/packets/uploads/<upload>"): TEACHER,
    ("GET", "/api/v1/instances/<id>/packets/<connection>"): JOINED,
    ("GET", "/api/v1/instances/<id>/packets/<connection>/rows/<number>"): JOINED,
    ("GET", "/api/v1/instances/<id>/packets/<connection>/stream"): JOINED,
    ("GET", "/api/v1/instances/<id>/log"): TEACHER,
}
"""Who is let in. An instance's or a request's id here is one that is not there: 404 is «let in»."""


def test_the_table_has_every_route(shared: Flask) -> None:
    routes = {
        (method, rule.rule)
        for rule in shared.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(ROUTES)


@pytest.fixture(scope="module")
def browsers(shared: Flask) -> dict[Role, tuple[FlaskClient, dict[str, str]]]:
    return {role: browser(shared, role) for role in ALL}


@pytest.mark.parametrize("role", ALL)
@pytest.mark.parametrize(("method", "rule"), ROUTES, ids=[" ".join(key) for key in ROUTES])
def test_a_route_lets_in_who_it_should(
    browsers: dict[Role, tuple[FlaskClient, dict[str, str]]], method: str, rule: str, role: Role
) -> None:
    path = rule.replace("<any(start, stop, restart):verb>", "start").replace("<path:filename>", "icon.svg")
    path = path.replace("<format>", "csv").replace("/labs/<name>", "/labs/udp_ping")
    path = re.sub(r"<\w+>", "not-there", path)
    client, headers = browsers[role]
    if path == "/leave":
        client, headers = browser(client.application, role)
    answer = client.open(path, method=method, headers=headers, buffered=True)
    if role in ROUTES[method, rule]:
        assert answer.status_code in (200, 201, 202, 204, 303, 400, 401, 404), answer.text
        if answer.status_code in (400, 401):  # wrong forms: nothing was filled in
            assert path in ("/join", "/login") or "lab is missing" in answer.text
    elif role == "nobody" and method == "GET" and not path.startswith("/api/"):
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/join")
    else:
        assert answer.status_code == (401 if role == "nobody" else 403), answer.text
        if path.startswith("/api/"):
            assert answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("method", "rule"), [key for key in ROUTES if key[0] != "GET"], ids=lambda value: str(value)
)
@pytest.mark.parametrize("role", ["student", "teacher"])
@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_a_browser_changes_nothing_without_the_csrf_token(
    browsers: dict[Role, tuple[FlaskClient, dict[str, str]]],
    method: str,
    rule: str,
    role: Role,
    token: str | None,
) -> None:
    path = re.sub(r"<\w+>", "not-there", rule.replace("<any(start, stop, restart):verb>", "start"))
    headers = {} if token is None else {"X-CSRFToken": token}
    answer = browsers[role][0].open(path, method=method, headers=headers)
    assert answer.status_code == 400
    assert "CSRF" in answer.text


def test_another_browsers_csrf_token_is_none(
    browsers: dict[Role, tuple[FlaskClient, dict[str, str]]],
) -> None:
    answer = browsers["teacher"][0].post("/api/v1/instances", headers=browsers["student"][1])
    assert (answer.status_code, "CSRF" in answer.text) == (400, True)


def test_what_is_not_there_is_not_told_to_nobody(shared: Flask) -> None:
    client = shared.test_client()
    for path in ("/api/v1/nonsense", "/api/v1/labs/x", "/api/v1/instances/udp_ping-1"):
        assert client.get(path).status_code == 401
    assert client.put("/api/v1/labs").status_code == 401


# -- tokens


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "Bearer ", "Bearer", "Basic dDp0", "t", "Bearer tt", "Bearer \xff", f"Digest {TOKEN}"],
)
def test_a_wrong_token_is_401_even_with_a_session(app: Flask, header: str) -> None:
    client, _ = browser(app, "teacher")
    answer = client.get("/api/v1/labs", headers={"Authorization": header})
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_the_kind_of_authorization_has_no_case(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/api/v1/labs", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200


def test_the_token_link_leads_at_once_to_an_address_without_the_token(app: Flask) -> None:
    client = app.test_client()
    answer = client.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.location) == (303, "/")
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/class").status_code == 200


def test_a_wrong_token_link_is_401_and_lets_nobody_in(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/?token=wrong")
    assert answer.status_code == 401
    assert "The token is wrong" in answer.text
    assert client.get("/class").status_code == 303


def test_the_token_may_be_typed_in(app: Flask) -> None:
    client, headers = browser(app, "nobody")
    assert client.post("/login", data={"token": "wrong"}, headers=headers).status_code == 401
    answer = client.post("/login", data={"token": TOKEN}, headers=headers)
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/class").status_code == 200


def test_the_token_is_on_no_page(app: Flask) -> None:
    secret = "a-token-that-stands-out"
    app.extensions["gate"].token = secret
    client = app.test_client()
    client.get(f"/?token={secret}")
    for path in ("/", "/class", "/labs/udp_ping"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert secret not in answer.text


def test_an_old_teachers_session_ends_with_the_token(make_app: Callable[..., Flask]) -> None:
    first = make_app()
    teacher, _ = browser(first, "teacher")
    student, _ = browser(first, "student")
    first.extensions["dashboard"].close()
    second = make_app(token="another")
    for client in (teacher, student):
        client.application = second
    assert teacher.get("/class").status_code == 303
    assert student.get("/").status_code == 200


def test_a_student_with_an_old_class_code_is_out(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    first = make_app()
    student, _ = browser(first, "student")
    assert student.get("/").status_code == 200
    first.extensions["dashboard"].close()
    (tmp_path / "data" / "class-code").unlink()
    student.application = make_app()
    assert student.get("/").status_code == 303


def test_a_session_of_another_dashboard_is_none(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    student, _ = browser(make_app(), "student")
    student.application = make_app(tmp_path / "other")
    assert student.get("/").status_code == 303


# -- joining


@pytest.mark.parametrize("change", [str, str.upper, lambda code: f" {code[:4]}-{code[4:]} "])
def test_a_student_joins_by_the_code_however_it_is_typed(app: Flask, change: Callable[[str], str]) -> None:
    client = app.test_client()
    answer = join(client, change(app.extensions["gate"].code))
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Ana" in client.get("/").text


@pytest.mark.parametrize(
    ("code", "name", "status"),
    [("wrong", "Ana", 401), ("", "Ana", 401), (None, "", 400), (None, " \x00\n ", 400)],
)
def test_a_wrong_code_or_an_empty_name_joins_nobody(
    app: Flask, code: str | None, name: str, status: int
) -> None:
    client = app.test_client()
    answer = join(client, app.extensions["gate"].code if code is None else code, name)
    assert answer.status_code == status
    assert client.get("/").status_code == 303


def test_a_name_is_shortened_and_cannot_be_markup(app: Flask) -> None:
    client = app.test_client()
    join(client, app.extensions["gate"].code, "<script>alert(1)</script>" + "x" * 100)
    page = client.get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "x" * 40 not in page


@pytest.mark.parametrize("onward", ["/instances/udp_ping-1", "/labs/udp_ping?tab=source"])
def test_joining_leads_back_to_where_one_came_from(app: Flask, onward: str) -> None:
    client = app.test_client()
    first = client.get(onward)
    assert first.location.startswith("/join?next=")
    assert join(client, app.extensions["gate"].code, next=onward).location == onward


FOREIGN = [
    "http://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example",
    "javascript:alert(1)", "///evil.example", "/\t/evil.example", "/x\r\nSet-Cookie: a=b", "evil.example",
    "/?token=x", "http:///evil.example", " //evil.example", "//[", "/\t/[",
]  # fmt: skip


@pytest.mark.parametrize("onward", FOREIGN)
def test_joining_leads_to_no_other_site(app: Flask, onward: str) -> None:
    answer = join(app.test_client(), app.extensions["gate"].code, next=onward)
    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize("path", ["/leave", "/join", "/login"])
def test_a_form_needs_its_csrf_token_whatever_authorization_comes_along(app: Flask, path: str) -> None:
    client, _ = browser(app, "student")
    answer = client.post(path, headers={"Authorization": "Basic eDp5"})
    assert (answer.status_code, "CSRF" in answer.text) == (400, True)
    assert client.get("/").status_code == 200


def test_leaving_forgets_who_one_is(app: Flask) -> None:
    client, headers = browser(app, "student")
    assert client.post("/leave", headers=headers).location == "/join"
    assert client.get("/").status_code == 303


def test_wrong_codes_are_slowed_down_per_address(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(auth.time, "monotonic", lambda: now[0])
    gate = app.extensions["gate"]

    def status(address: str, code: str = "wrong") -> int:
        try:
            gate.join(code, "Ana", address)
        except auth.Refused as error:
            return error.status
        return 200

    assert [status("192.0.2.1") for _ in range(25)] == [401] * 20 + [429] * 5
    assert status("192.0.2.2") == 401
    assert status("192.0.2.1", gate.code) == 200
    now[0] += 61
    assert status("192.0.2.1") == 401


def test_tokens_are_slowed_down_too(app: Flask) -> None:
    client = app.test_client()
    seen = [client.get("/api/v1/labs", headers={"Authorization": "Bearer x"}).status_code for _ in range(25)]
    assert seen == [401] * 20 + [429] * 5


# -- whose request it is


def test_a_student_ends_own_requests_only_and_the_teacher_any(shared: Flask) -> None:
    ana, ben = browser(shared, "student"), browser(shared, "student")
    teacher = browser(shared, "teacher")
    path = "/api/v1/instances/udp_ping-1/requests"

    def fire(who: tuple[FlaskClient, dict[str, str]]) -> str:
        answer = who[0].post(path, json={"count": 500}, headers=who[1])
        assert answer.status_code == 202
        return f"/api/v1/requests/{answer.json['id']}"

    own, other = fire(ana), fire(ben)
    assert ana[0].get(own).json["mine"] is True
    assert ana[0].get(other).json["mine"] is False
    assert ana[0].delete(other, headers=ana[1]).status_code == 403
    assert ana[0].post(other + "/input", json={}, headers=ana[1]).status_code == 403
    assert ana[0].delete(own, headers=ana[1]).status_code == 200
    assert teacher[0].delete(other, headers=teacher[1]).status_code == 200


def test_people_are_named_by_address_only_where_that_is_certain(app: Flask) -> None:
    gate = app.extensions["gate"]
    for address, name in (("192.0.2.1", "Ana"), ("192.0.2.2", "Ben"), ("192.0.2.2", "Cem")):
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        join(client, gate.code, name)
        client.get("/")
    assert gate.people() == {"192.0.2.1": "Ana"}


# -- cookies, headers, files


def test_the_cookie_is_for_this_site_and_no_script(app: Flask) -> None:
    answer = app.test_client().get(f"/?token={TOKEN}")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize(
    "path", ["/", "/join", "/class", "/labs/udp_ping", "/instances/udp_ping-1", "/nonsense"]
)
def test_every_page_forbids_inline_scripts_and_has_none(shared: Flask, path: str) -> None:
    client, _ = browser(shared, "teacher")
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for tag in re.findall(r"<script[^>]*>", answer.text):
        assert "src=" in tag or 'type="application/json"' in tag
    assert not re.search(r"<[^>]+\s(on\w+|style)=", answer.text)
    assert "<style" not in answer.text
    assert not re.search(r'(src|href)="(https?:)?//', re.sub(r"<a [^>]*>", "", answer.text))


def test_secrets_are_readable_by_their_owner_only(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    make_app().extensions["dashboard"].close()
    for name in ("secret", "class-code"):
        path = tmp_path / "data" / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
    make_app()
    for name in ("secret", "class-code"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600


def test_a_new_token_is_made_at_each_start(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    tokens = {make_app(tmp_path / str(i), token="").extensions["gate"].token for i in range(3)}
    assert len(tokens) == 3
    assert min(map(len, tokens)) >= 32


def test_the_class_link_and_its_code_are_the_teachers(shared: Flask) -> None:
    code = shared.extensions["gate"].code
    teacher, _ = browser(shared, "teacher")
    student, _ = browser(shared, "student")
    assert f"/join?code={code}" in teacher.get("/class").text
    assert teacher.get("/class/qr.svg").mimetype == "image/svg+xml"
    for path in ("/", "/labs/udp_ping", "/instances/udp_ping-1"):
        assert code not in student.get(path).text
