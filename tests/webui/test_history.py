"""What comes back after the dashboard has ended, however it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.started import TOKEN

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def call(app: Flask, method: str, path: str, body: Any = None) -> Any:
    answer = app.test_client().open("/api/v1" + path, method=method, json=body, headers=HEADERS)
    assert answer.status_code < 400, answer.text
    return answer.json


def test_runs_are_told_with_settings_seed_and_why_they_ended(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    settings = {"port": 0, "loss": 12, "seed": 5}
    made = call(app, "POST", "/instances", {"lab": "udp_ping", "settings": settings})
    path = f"/instances/{made['id']}"
    call(app, "POST", path + "/stop")
    call(app, "PATCH", path, {"settings": {"loss": 13, "seed": None}})
    call(app, "POST", path + "/start")
    second, first = call(app, "GET", path + "/runs")["runs"]
    assert (first["run"], first["seed"], first["settings"]["loss"]) == (1, 5, 12)
    assert first["address"] == made["address"]
    assert first["started"] <= first["ended"] <= second["started"]
    assert first["reason"] == "stopped"
    assert (second["run"], second["settings"]["loss"], second["ended"]) == (2, 13, None)
    assert isinstance(second["seed"], int)


def test_a_teacher_of_an_earlier_start_is_told_what_happened(make_app: Callable[..., Flask]) -> None:
    app = make_app(token="first")
    browser = app.test_client()
    assert browser.get("/?token=first").status_code == 303
    cookie = browser.get_cookie("socket-lab-8000")
    assert cookie
    app.extensions["dashboard"].close()
    again = make_app(token="second").test_client()
    assert "started anew" not in again.get("/join").text
    again.set_cookie("socket-lab-8000", cookie.value)
    assert again.get("/").headers["Location"] == "/join"
    assert "started anew" in again.get("/join").text


def test_a_port_of_our_own_server_is_named_as_such(app: Flask) -> None:
    made = call(app, "POST", "/instances", {"lab": "udp_ping", "settings": {"port": 0}})
    port = int(made["address"].rpartition(":")[2])
    body = {"lab": "udp_ping", "settings": {"port": port}}
    answer = app.test_client().post("/api/v1/instances", json=body, headers=HEADERS)
    assert answer.status_code == 409
    error = (answer.json or {})["error"]
    assert f"pid {made['pid']}" in error["message"]
    assert error["hint"].startswith("That is UDP ping 1 of this dashboard. Stop it, or use ")


def test_a_new_dashboard_tells_the_runs_of_the_one_before(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    made = call(app, "POST", "/instances", {"lab": "udp_ping", "settings": {"port": 0}})
    path = f"/instances/{made['id']}"
    before = call(app, "GET", path + "/runs")["runs"]
    app.extensions["dashboard"].close()
    app = make_app()
    after = call(app, "GET", path + "/runs")["runs"]
    assert [run["seed"] for run in after] == [run["seed"] for run in before] == [made["seed"]]
    assert after[0]["ended"] is not None
    assert call(app, "GET", path)["state"] == "stopped"
    assert call(app, "GET", path + "/export.json")["runs"] == after
