"""The API: what each route gives, and what it says to wrong input."""

from __future__ import annotations

import csv
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.programs import DEADLINE, eventually
from tests.started import TOKEN
from webui.application import Options, create_app

TEACHER = {"Authorization": f"Bearer {TOKEN}"}


class Api:
    """The teacher's calls."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        data = json.dumps(body) if body is not None else None
        given = {"data": data, "headers": TEACHER, **more}
        return self.app.test_client().open("/api/v1" + path, method=method, **given)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.call(method, path, body)
        assert answer.status_code < 400, answer.text
        return answer.json if answer.status_code != 204 else None

    def error(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, dict[str, str]]:
        answer = self.call(method, path, body, **more)
        assert answer.status_code >= 400, answer.text
        assert answer.json
        assert answer.json["error"]["message"]
        return answer.status_code, answer.json["error"]

    def create(self, **settings: Any) -> dict[str, Any]:
        made: dict[str, Any] = self(
            "POST", "/instances", {"lab": "udp_ping", "settings": {"port": 0, **settings}}
        )
        return made


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    app = create_app(Options(data_dir=tmp_path_factory.mktemp("api"), token=TOKEN))
    yield Api(app)
    app.extensions["dashboard"].close()


@pytest.fixture(scope="module")
def running(api: Api) -> dict[str, Any]:
    """A ping server without loss that all tests of this file share, and none changes."""
    return api.create(loss=0)


@pytest.fixture
def mine(api: Api) -> Iterator[Callable[..., dict[str, Any]]]:
    """Make instances for one test; deleted at the end."""
    made: list[str] = []

    def make(**settings: Any) -> dict[str, Any]:
        found = api.create(**settings)
        made.append(found["id"])
        return found

    yield make
    for id in made:
        api.call("DELETE", f"/instances/{id}")


def ping(address: str, words: bytes = b"Ping 1 0.5") -> bytes:
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET6 if "[" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(DEADLINE)
        sock.sendto(words, (host.strip("[]"), int(port)))
        return sock.recv(65535)


# -- labs


def test_labs_tell_name_title_schemas_actions_and_queries(api: Api) -> None:
    lab = next(lab for lab in api("GET", "/labs")["labs"] if lab["name"] == "udp_ping")
    assert lab["title"] == "UDP ping"
    assert lab["settings"]["properties"]["loss"]["maximum"] == 100
    assert lab["settings"]["properties"]["loss"]["x-unit"] == "%"
    assert lab["request"]["properties"]["count"]["minimum"] == 1
    assert [query["name"] for query in lab["queries"]] == ["expected"]
    assert lab["actions"] == []


# -- making and looking at instances


def test_creating_answers_once_it_runs(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    made = mine(loss=0, seed=7)
    assert (made["lab"], made["state"], made["seed"]) == ("udp_ping", "running", 7)
    assert made["address"].startswith("127.0.0.1:")
    assert isinstance(made["pid"], int)
    assert made["settings"]["loss"] == 0
    assert made["settings"]["host"] == "127.0.0.1"
    assert ping(made["address"]) == b"PING 1 0.5"


def test_creating_answers_201(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    answer = api.call("POST", "/instances", {"lab": "udp_ping", "settings": {"port": 0}})
    assert answer.status_code == 201
    assert answer.json
    api("DELETE", f"/instances/{answer.json['id']}")


def test_an_ipv6_server_shows_its_address_in_brackets(mine: Callable[..., dict[str, Any]]) -> None:
    made = mine(host="::1", loss=0)
    assert made["address"].startswith("[::1]:")
    assert ping(made["address"]) == b"PING 1 0.5"


def test_an_instance_tells_how_it_fares(api: Api, running: dict[str, Any]) -> None:
    ping(running["address"])
    path = f"/instances/{running['id']}"
    found = eventually(
        lambda: (now := api("GET", path))["counters"]["received"] >= 1 and now, "the counters arrive"
    )
    assert found["uptime"] > 0
    assert found["last_error"] is None
    assert found["command"] == "python -m servers.udp_ping.server --port 0 --loss 0"
    host, port = running["address"].split(":")
    assert found["client_command"] == f"python -m servers.udp_ping.client {host} {port}"
    assert found["id"] in [each["id"] for each in api("GET", "/instances")["instances"]]


def test_ids_are_not_given_again(api: Api) -> None:
    first = api.create()
    api("DELETE", f"/instances/{first['id']}")
    second = api.create()
    assert second["id"] != first["id"]
    api("DELETE", f"/instances/{second['id']}")


def test_two_instances_of_a_lab_run_at_once(mine: Callable[..., dict[str, Any]]) -> None:
    one, two = mine(loss=0), mine(loss=0)
    assert one["address"] != two["address"]
    assert ping(one["address"]) == ping(two["address"]) == b"PING 1 0.5"


WRONG_SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"loss": 130}, "loss"),
    ({"loss": -0.1}, "loss"),
    ({"loss": "many"}, "loss"),
    ({"loss": "30"}, "loss"),
    ({"loss": None}, "loss"),
    ({"loss": True}, "loss"),
    ({"loss": [1]}, "loss"),
    ({"loss": {"a": 1}}, "loss"),
    ({"port": 70000}, "port"),
    ({"port": -1}, "port"),
    ({"port": 1.5}, "port"),
    ({"port": "x"}, "port"),
    ({"port": 10**40}, "port"),
    ({"delay": 10**400}, "delay"),
    ({"host": ""}, "host"),
    ({"host": "--help"}, "host"),
    ({"host": "a b"}, "host"),
    ({"host": "127.0.0.1\n"}, "host"),
    ({"host": "x" * 300}, "host"),
    ({"host": 5}, "host"),
    ({"loss_model": "sometimes"}, "loss_model"),
    ({"seed": -1}, "seed"),
    ({"seed": 2**32}, "seed"),
    ({"nonsense": 1}, "nonsense"),
    ({"": 1}, ""),
]


@pytest.mark.parametrize(("settings", "field"), WRONG_SETTINGS, ids=[str(s)[:40] for s, _ in WRONG_SETTINGS])
def test_a_wrong_setting_is_400_and_names_its_field(api: Api, settings: dict[str, Any], field: str) -> None:
    before = api("GET", "/instances")
    status, error = api.error("POST", "/instances", {"lab": "udp_ping", "settings": {"port": 0, **settings}})
    assert (status, error.get("field", "")) == (400, field)
    assert len(api("GET", "/instances")["instances"]) == len(before["instances"])


def test_all_wrong_settings_are_told_at_once(api: Api) -> None:
    body = {"lab": "udp_ping", "settings": {"loss": 130, "port": 70000}}
    found = api.call("POST", "/instances", body).json
    assert found
    assert sorted(each["field"] for each in found["errors"]) == ["loss", "port"]
    assert "a number from 0 to 100 %, but 130 was given" in str(found["errors"])


@pytest.mark.parametrize("lab", ["nonsense", "", None, 5, ["udp_ping"], {"a": 1}, "../udp_ping", "x" * 5000])
def test_an_unknown_lab_is_400(api: Api, lab: Any) -> None:
    status, error = api.error("POST", "/instances", {"lab": lab, "settings": {}})
    assert (status, error["field"]) == (400, "lab")
    assert "udp_ping" in error["hint"]


def test_a_missing_lab_is_400(api: Api) -> None:
    assert api.error("POST", "/instances", {"settings": {}})[1]["field"] == "lab"
    assert api.error("POST", "/instances")[1]["field"] == "lab"


@pytest.mark.parametrize("settings", [5, [], "x", None, True])
def test_settings_that_are_no_object_are_400(api: Api, settings: Any) -> None:
    status, error = api.error("POST", "/instances", {"lab": "udp_ping", "settings": settings})
    assert (status, error["field"]) == (400, "settings")


def test_an_unknown_member_is_400(api: Api) -> None:
    status, error = api.error("POST", "/instances", {"lab": "udp_ping", "setings": {}})
    assert (status, error["field"]) == (400, "setings")


# -- bodies that are none

BODIES = {
    "no JSON": b"loss=30",
    "half a JSON": b'{"lab": ',
    "a number": b"5",
    "a list": b"[]",
    "null": b"null",
    "NaN": b'{"lab": "udp_ping", "settings": {"loss": NaN}}',
    "Infinity": b'{"lab": "udp_ping", "settings": {"loss": Infinity}}',
    "1e999": b'{"lab": "udp_ping", "settings": {"loss": 1e999}}',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "deep settings": b'{"lab": "udp_ping", "settings": {"loss": ' + b"[" * 100_000,
    "deep and whole": b'{"lab":"udp_ping","settings":{"loss":' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
    "no UTF-8": b'{"lab": "\xff"}',
    "a lone surrogate": b'{"lab": "\\ud800"}',
    "zeros": b"\0" * 100,
    "two objects": b"{}{}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/instances"), ("PATCH", "/instances/{id}"), ("POST", "/instances/{id}/requests")],
)
def test_a_body_that_is_no_json_object_is_400(
    api: Api, running: dict[str, Any], method: str, path: str, body: bytes
) -> None:
    status, _ = api.error(method, path.format(id=running["id"]), data=body)
    assert status == 400


def test_a_huge_body_is_413(api: Api) -> None:
    status, _ = api.error("POST", "/instances", data=b'{"lab": "' + b"x" * 300_000 + b'"}')
    assert status == 413


def test_the_kind_of_content_does_not_matter(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    answer = api.call(
        "POST", "/instances", data=b'{"lab": "udp_ping", "settings": {"port": 0}}', content_type="x/y"
    )
    assert answer.status_code == 201
    assert answer.json
    api("DELETE", f"/instances/{answer.json['id']}")


# -- ports in use


def test_a_port_in_use_is_409_names_the_holder_and_a_free_port_and_keeps_the_instance(api: Api) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        answer = api.call("POST", "/instances", {"lab": "udp_ping", "settings": {"port": port}})
        found = answer.json
        assert found
        assert answer.status_code == 409
        assert found["error"]["field"] == "port"
        assert found["error"]["message"].startswith(f"Port {port} is in use by pid ")
        kept = found["instance"]
        free = kept["last_error"]["port"]
        assert f"{free}" in found["error"]["hint"]
        assert (kept["state"], kept["settings"]["port"]) == ("failed", port)
        path = f"/instances/{kept['id']}"
        assert api("GET", path)["state"] == "failed"
        assert api.error("POST", path + "/start")[0] == 409
    assert api("POST", path + "/start")["state"] == "running"
    api("DELETE", path)


def test_a_change_to_a_port_in_use_is_409(
    api: Api, mine: Callable[..., dict[str, Any]], running: dict[str, Any]
) -> None:
    taken = int(running["address"].rpartition(":")[2])
    path = f"/instances/{mine()['id']}"
    status, error = api.error("PATCH", path, {"settings": {"port": taken}})
    assert (status, error["field"]) == (409, "port")
    free = api("GET", path)["last_error"]["port"]
    assert free != taken
    api("PATCH", path, {"settings": {"port": 0}})
    assert api("POST", path + "/start")["state"] == "running"


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.name.invalid"])
def test_a_host_that_is_not_this_machine_fails_with_its_field(api: Api, host: str) -> None:
    answer = api.call("POST", "/instances", {"lab": "udp_ping", "settings": {"port": 0, "host": host}})
    assert answer.status_code == 409
    assert answer.json
    assert answer.json["error"]["field"] == "host"
    api("DELETE", f"/instances/{answer.json['instance']['id']}")


# -- changes


def test_a_live_change_keeps_the_process(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    made = mine(loss=0)
    found = api("PATCH", f"/instances/{made['id']}", {"settings": {"loss": 100}})
    assert (found["pid"], found["run"], found["settings"]["loss"]) == (made["pid"], made["run"], 100)
    result = api(
        "POST", f"/instances/{made['id']}/requests?wait=1", {"count": 2, "interval": 0.01, "timeout": 0.1}
    )
    assert result["result"]["lost"] == 2


def test_what_is_not_live_restarts_on_the_same_port(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    made = mine(loss=0)
    found = api("PATCH", f"/instances/{made['id']}", {"settings": {"seed": 3}})
    assert found["state"] == "running"
    assert found["pid"] != made["pid"]
    assert (found["address"], found["run"], found["seed"]) == (made["address"], made["run"] + 1, 3)
    assert ping(found["address"]) == b"PING 1 0.5"


def test_a_change_is_taken_whole_or_not_at_all(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    made = mine(loss=0)
    path = f"/instances/{made['id']}"
    status, error = api.error("PATCH", path, {"settings": {"loss": 50, "delay": -1}})
    assert (status, error["field"]) == (400, "delay")
    now = api("GET", path)
    assert (now["settings"], now["pid"], now["state"]) == (made["settings"], made["pid"], "running")


def test_a_change_while_stopped_is_stored_and_used_at_the_next_start(
    api: Api, mine: Callable[..., dict[str, Any]]
) -> None:
    path = f"/instances/{mine()['id']}"
    api("POST", path + "/stop")
    found = api("PATCH", path, {"settings": {"loss": 12.5, "seed": 9}})
    assert (found["state"], found["settings"]["loss"]) == ("stopped", 12.5)
    assert api("POST", path + "/start")["seed"] == 9


def test_a_change_without_settings_changes_nothing(api: Api, running: dict[str, Any]) -> None:
    for body in ({}, {"settings": {}}, None):
        assert api("PATCH", f"/instances/{running['id']}", body)["settings"] == running["settings"]


# -- starting and stopping


def test_stop_start_restart(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    made = mine(loss=0)
    path = f"/instances/{made['id']}"
    stopped = api("POST", path + "/stop")
    assert (stopped["state"], stopped["pid"], stopped["address"], stopped["uptime"]) == (
        "stopped",
        None,
        "",
        None,
    )
    started = api("POST", path + "/start")
    assert (started["state"], started["run"]) == ("running", 2)
    again = api("POST", path + "/restart")
    assert (again["address"], again["run"]) == (started["address"], 3)
    assert again["pid"] != started["pid"]


def test_what_cannot_be_done_now_is_409(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    path = f"/instances/{mine()['id']}"
    assert api.error("POST", path + "/start")[0] == 409
    api("POST", path + "/stop")
    assert api.error("POST", path + "/stop")[0] == 409
    status, error = api.error("POST", path + "/requests", {})
    assert status == 409
    assert "stopped" in error["message"]


def test_deleting_stops_and_forgets(api: Api) -> None:
    made = api.create(loss=0)
    path = f"/instances/{made['id']}"
    made_request = api("POST", path + "/requests?wait=1", {"count": 1})
    assert api.call("DELETE", path).status_code == 204
    for each in ("", "/events", "/export.csv", "/log", "/data/expected", "/requests"):
        assert api.error("GET", path + each)[0] == 404
    assert api.error("DELETE", path)[0] == 404
    assert api("GET", f"/requests/{made_request['id']}")["state"] == "done"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", int(made["address"].rpartition(":")[2])))


UNKNOWN = [
    ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop"), ("POST", "/restart"),
    ("POST", "/requests"), ("GET", "/requests"), ("POST", "/actions/x"), ("GET", "/data/expected"),
    ("GET", "/events"), ("GET", "/export.csv"), ("GET", "/export.json"), ("GET", "/log"),
]  # fmt: skip


@pytest.mark.parametrize("id", ["udp_ping-999", "%00", "..", "x" * 3000, "%F0%9F%98%80", "1'--"])
@pytest.mark.parametrize(("method", "rest"), UNKNOWN)
def test_an_unknown_instance_is_404(api: Api, method: str, rest: str, id: str) -> None:
    assert api.error(method, f"/instances/{id}{rest}")[0] == 404


# -- test requests


def test_a_request_is_202_then_runs_and_is_done(api: Api, running: dict[str, Any]) -> None:
    answer = api.call("POST", f"/instances/{running['id']}/requests", {"count": 3, "interval": 0.01})
    assert answer.status_code == 202
    assert answer.json
    assert answer.json["state"] in ("queued", "running")
    path = f"/requests/{answer.json['id']}"
    done = eventually(lambda: (r := api("GET", path))["state"] == "done" and r, "the request is done")
    result = done["result"]
    assert (result["transmitted"], result["received"], result["lost"], result["loss_percent"]) == (3, 3, 0, 0)
    assert result["rtt_min_ms"] <= result["rtt_avg_ms"] <= result["rtt_max_ms"]
    assert [(p["seq"], p["status"]) for p in result["probes"]] == [(1, "reply"), (2, "reply"), (3, "reply")]
    assert done["mine"] is True
    assert done["created"] <= done["started"] <= done["ended"]


def test_wait_answers_with_the_result(api: Api, running: dict[str, Any]) -> None:
    answer = api.call("POST", f"/instances/{running['id']}/requests?wait=1", {"count": 2, "interval": 0.01})
    assert answer.status_code == 200
    assert answer.json
    assert answer.json["state"] == "done"
    assert answer.json["result"]["received"] == 2


@pytest.mark.parametrize("wait", ["2", "", "true", "1&wait=0"])
def test_a_wrong_wait_is_400(api: Api, running: dict[str, Any], wait: str) -> None:
    status, error = api.error("POST", f"/instances/{running['id']}/requests?wait={wait}", {})
    assert (status, error["field"]) == (400, "wait")


def test_a_whole_number_may_be_written_with_a_point(api: Api, running: dict[str, Any]) -> None:
    body = b'{"count": 2.0, "interval": 0.01}'
    made = api.call("POST", f"/instances/{running['id']}/requests?wait=1", data=body).json
    assert made
    assert made["result"]["transmitted"] == 2


def test_a_request_names_its_first_event_and_its_events_name_it(api: Api, running: dict[str, Any]) -> None:
    path = f"/instances/{running['id']}"
    made = api("POST", path + "/requests?wait=1", {"count": 2, "interval": 0.01})
    found = api("GET", f"{path}/events?after={made['first'] - 1}")["events"]
    assert found[0]["n"] == made["first"]
    own = [e for e in found if e.get("request") == made["id"]]
    assert [e["seq"] for e in own if e["kind"] == "ping_outcome"] == [1, 2]
    assert "ping_started" in [e["kind"] for e in own]


def test_requests_are_listed_the_newest_first(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    path = f"/instances/{mine(loss=0)['id']}/requests"
    ids = [api("POST", path + "?wait=1", {"count": 1})["id"] for _ in range(3)]
    assert [each["id"] for each in api("GET", path)["requests"]] == ids[::-1]


WRONG_REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"count": 1_000_000}, "count"),
    ({"count": 0}, "count"),
    ({"count": "ten"}, "count"),
    ({"count": 1.5}, "count"),
    ({"count": None}, "count"),
    ({"count": 10**30}, "count"),
    ({"interval": 0}, "interval"),
    ({"interval": "fast"}, "interval"),
    ({"timeout": -1}, "timeout"),
    ({"size": 10**6}, "size"),
    ({"count": 10000, "interval": 60}, "count"),
    ({"pings": 3}, "pings"),
    ({"host": "192.0.2.1"}, "host"),
]


@pytest.mark.parametrize(("body", "field"), WRONG_REQUESTS, ids=[str(b) for b, _ in WRONG_REQUESTS])
def test_a_wrong_request_is_400_and_names_its_field(
    api: Api, running: dict[str, Any], body: dict[str, Any], field: str
) -> None:
    status, error = api.error("POST", f"/instances/{running['id']}/requests", body)
    assert (status, error["field"]) == (400, field)


def test_a_request_without_a_body_uses_the_defaults(api: Api, running: dict[str, Any]) -> None:
    made = api("POST", f"/instances/{running['id']}/requests")
    assert made["arguments"]["count"] == 10
    assert api("DELETE", f"/requests/{made['id']}")["state"] == "cancelled"


def test_a_running_request_is_cancelled_in_order(api: Api, running: dict[str, Any]) -> None:
    made = api("POST", f"/instances/{running['id']}/requests", {"count": 500})
    path = f"/requests/{made['id']}"
    eventually(lambda: api("GET", path)["output"], "the client has begun")
    assert api("DELETE", path)["state"] == "cancelled"
    status, error = api.error("DELETE", path)
    assert status == 409
    assert "cancelled already" in error["message"]


def test_a_persons_second_request_waits_and_is_cancelled_there(api: Api, running: dict[str, Any]) -> None:
    path = f"/instances/{running['id']}/requests"
    first, second, third = (api("POST", path, {"count": 500}) for _ in range(3))
    eventually(lambda: api("GET", f"/requests/{first['id']}")["state"] == "running", "the first runs")
    places = [api("GET", f"/requests/{each['id']}")["position"] for each in (first, second, third)]
    assert places == [None, 1, 2]
    assert api("DELETE", f"/requests/{second['id']}")["state"] == "cancelled"
    assert api("GET", f"/requests/{third['id']}")["position"] == 1
    api("DELETE", f"/requests/{third['id']}")
    api("DELETE", f"/requests/{first['id']}")


def test_too_many_waiting_requests_are_429(api: Api, running: dict[str, Any]) -> None:
    path = f"/instances/{running['id']}/requests"
    made = [api("POST", path, {"count": 500})["id"]]
    eventually(lambda: api("GET", f"/requests/{made[0]}")["state"] == "running", "the first runs")
    made += [api("POST", path, {"count": 500})["id"] for _ in range(10)]
    status, _ = api.error("POST", path, {"count": 1})
    assert status == 429
    for id in reversed(made):
        api("DELETE", f"/requests/{id}")


def test_stopping_the_server_cancels_its_requests(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    path = f"/instances/{mine(loss=0)['id']}"
    one, two = (api("POST", path + "/requests", {"count": 500})["id"] for _ in range(2))
    eventually(lambda: api("GET", f"/requests/{one}")["output"], "the first has begun")
    api("POST", path + "/stop")
    for id in (one, two):
        ended = eventually(lambda id=id: (r := api("GET", f"/requests/{id}"))["ended"] and r, "it has ended")
        assert ended["state"] == "cancelled"
        assert "UDP ping" in ended["error"]


@pytest.mark.parametrize("id", ["r99999", "x", "%00", "r1%20or%201=1", "r" * 3000])
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "/input")])
def test_an_unknown_request_is_404(api: Api, method: str, rest: str, id: str) -> None:
    assert api.error(method, f"/requests/{id}{rest}")[0] == 404


def test_input_to_what_is_no_open_session_is_409(api: Api, running: dict[str, Any]) -> None:
    made = api("POST", f"/instances/{running['id']}/requests", {"count": 500})
    path = f"/requests/{made['id']}"
    assert api.error("POST", path + "/input", {"text": "x"})[0] == 409
    api("DELETE", path)
    assert api.error("POST", path + "/input", {"text": "x"})[0] == 409


# -- data and actions


def test_the_losses_to_expect(api: Api, running: dict[str, Any]) -> None:
    found = api("GET", f"/instances/{running['id']}/data/expected?count=20")["value"]
    assert found["count"] == 20
    assert found["low"] == found["high"] == found["percent"] == 0


@pytest.mark.parametrize("query", ["count=0", "count=x", "count=1000000", "cout=5", "count=1.5", "count="])
def test_a_wrong_query_is_400(api: Api, running: dict[str, Any], query: str) -> None:
    status, error = api.error("GET", f"/instances/{running['id']}/data/expected?{query}")
    assert (status, error["field"]) == (400, query.partition("=")[0])


def test_unknown_data_and_actions_are_404(api: Api, running: dict[str, Any]) -> None:
    path = f"/instances/{running['id']}"
    assert api.error("GET", path + "/data/nonsense")[0] == 404
    for name in ("nonsense", "settings", "input"):
        assert api.error("POST", f"{path}/actions/{name}", {})[0] == 404


# -- events


def test_events_after_a_number_are_all_those_above_it(api: Api, running: dict[str, Any]) -> None:
    path = f"/instances/{running['id']}/events"
    ping(running["address"])
    everything = eventually(lambda: (e := api("GET", path))["n"] > 4 and e, "events")
    numbers = [event["n"] for event in everything["events"]]
    assert numbers == list(range(1, everything["n"] + 1))
    rest = api("GET", f"{path}?after={numbers[2]}")["events"]
    assert rest[: len(numbers) - 3] == everything["events"][3:]
    assert api("GET", f"{path}?after={10**17}")["events"] == []
    assert everything["dropped"] == 0


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "", "%C2%B2", "9" * 30, "1%00"])
def test_a_wrong_after_is_400(api: Api, running: dict[str, Any], after: str) -> None:
    status, error = api.error("GET", f"/instances/{running['id']}/events?after={after}")
    assert (status, error["field"]) == (400, "after")


# -- exports


def test_the_csv_has_a_row_per_event_and_keeps_its_values(
    api: Api, mine: Callable[..., dict[str, Any]]
) -> None:
    made = mine(loss=0)
    ping(made["address"], b'Ping 1 "0,5"\r\n;\xff=')
    path = f"/instances/{made['id']}"
    eventually(lambda: api("GET", path)["counters"]["replied"] and api("GET", path)["n"] >= 6, "the events")
    answer = api.call("GET", path + "/export.csv")
    assert answer.mimetype == "text/csv"
    assert f'filename="{made["id"]}.csv"' in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    events = api("GET", path + "/events")["events"]
    assert [int(row["n"]) for row in rows] == [event["n"] for event in events]
    for row, event in zip(rows, events, strict=True):
        assert (row["kind"], float(row["t"]), row["text"]) == (event["kind"], event["t"], event["text"])
    received = next(row for row in rows if row["kind"] == "datagram_received")
    assert bytes.fromhex(received["data"]) == b'Ping 1 "0,5"\r\n;\xff='
    assert (received["size"], received["kept"]) == ("17", "17")


def test_the_csv_tells_what_was_cut(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    made = mine(loss=0)
    ping(made["address"], b"x" * 900)
    path = f"/instances/{made['id']}"
    eventually(lambda: api("GET", path)["n"] >= 6, "the events")
    rows = csv.DictReader(io.StringIO(api.call("GET", path + "/export.csv").text, newline=""))
    received = next(row for row in rows if row["kind"] == "datagram_received")
    assert (received["size"], received["kept"], len(received["data"])) == ("900", "512", 1024)


def test_no_cell_of_the_csv_is_a_formula(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    from servers.kit.events import ServerError

    made = mine(loss=0)
    hub = api.app.extensions["dashboard"].hub
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "fine"):
        hub.publish(made["id"], [ServerError(t=1.5, message=text, text=text)])
    rows = csv.DictReader(
        io.StringIO(api.call("GET", f"/instances/{made['id']}/export.csv").text, newline="")
    )
    texts = [row["text"] for row in rows if row["kind"] == "server_error"]
    assert texts == ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "fine"]


def test_a_field_with_several_values_is_json_in_the_csv(
    api: Api, mine: Callable[..., dict[str, Any]]
) -> None:
    made = mine(loss=0)
    path = f"/instances/{made['id']}"
    api("PATCH", path, {"settings": {"loss": 1}})
    eventually(lambda: "settings_changed" in str(api("GET", path + "/events")), "the event")
    rows = csv.DictReader(io.StringIO(api.call("GET", path + "/export.csv").text, newline=""))
    changed = next(row for row in rows if row["kind"] == "settings_changed")
    assert json.loads(changed["changes"]) == {"Loss to the server": "1.0 %"}


def test_the_json_export_holds_everything(api: Api, mine: Callable[..., dict[str, Any]]) -> None:
    path = f"/instances/{mine(loss=0)['id']}"
    request = api("POST", path + "/requests?wait=1", {"count": 2, "interval": 0.01})
    found = api("GET", path + "/export.json")
    assert found["instance"]["settings"]["loss"] == 0
    assert [each["id"] for each in found["requests"]] == [request["id"]]
    assert [e["n"] for e in found["events"]] == list(range(1, found["n"] + 1))
    assert found["dropped"] == 0
    assert isinstance(found["seconds"], list)


def test_an_unknown_format_is_404(api: Api, running: dict[str, Any]) -> None:
    status, error = api.error("GET", f"/instances/{running['id']}/export.docx")
    assert status == 404
    assert "csv, json" in error["message"]


def test_the_log_is_what_the_program_printed(api: Api) -> None:
    answer = api.call("POST", "/instances", {"lab": "udp_ping", "settings": {"port": 0, "host": "192.0.2.1"}})
    assert answer.json
    path = f"/instances/{answer.json['instance']['id']}"
    log = api.call("GET", path + "/log")
    assert (log.status_code, log.mimetype) == (200, "text/plain")
    api("DELETE", path)


# -- methods


def test_head_is_get_without_a_body(api: Api, running: dict[str, Any]) -> None:
    for path in ("/labs", "/instances", f"/instances/{running['id']}"):
        answer = api.call("HEAD", path)
        assert (answer.status_code, answer.data) == (200, b"")


def test_options_tells_the_methods(api: Api) -> None:
    answer = api.call("OPTIONS", "/instances")
    assert answer.status_code == 200
    assert answer.allow == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/labs"), ("DELETE", "/instances"), ("POST", "/openapi.json"), ("GET", "/requests/r1/input")],
)
def test_a_wrong_method_is_405_and_tells_the_right_ones(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path)
    assert answer.status_code == 405
    assert answer.json
    assert answer.json["error"]["message"]
    assert answer.allow


@pytest.mark.parametrize("path", ["", "/", "/nonsense", "/instances/", "/instances/a/b/c", "/%2e%2e/healthz"])
def test_what_is_not_there_is_404_as_json(api: Api, path: str) -> None:
    assert api.error("GET", path)[0] == 404


def test_healthz_needs_nobody(api: Api) -> None:
    answer = api.app.test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


# -- all at once


def test_many_who_press_at_once_leave_each_instance_in_one_state(
    api: Api, mine: Callable[..., dict[str, Any]]
) -> None:
    path = f"/instances/{mine(loss=0)['id']}"
    seen: list[int] = []

    def press(verb: str) -> None:
        for _ in range(3):
            seen.append(api.call("POST", f"{path}/{verb}").status_code)

    threads = [threading.Thread(target=press, args=(verb,)) for verb in ("stop", "start", "restart") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) <= {200, 409}
    settled = eventually(
        lambda: (s := api("GET", path))["state"] in ("running", "stopped", "failed") and s, "it settles"
    )
    if settled["state"] != "running":
        api("POST", path + "/start")
    assert ping(api("GET", path)["address"]) == b"PING 1 0.5"


def test_at_most_64_instances(api: Api) -> None:
    board = api.app.extensions["dashboard"]
    lab = board.labs["udp_ping"]
    made = []
    while len(board.supervisor.instances) < 64:
        made.append(board.create(lab, {"port": 0}, "t"))
    status, error = api.error("POST", "/instances", {"lab": "udp_ping", "settings": {"port": 0}})
    assert status == 409
    assert "64" in error["message"]
    for each in made:
        board.delete(each)


def test_a_long_result_goes_to_all_browsers_cut_and_is_whole_where_it_is_asked_for() -> None:
    from webui.views import LIGHT, light

    request = {"id": "r1", "result": {"lost": 1, "probes": list(range(LIGHT + 1)), "few": [1]}}
    cut = light(request)
    assert cut["result"] == {"lost": 1, "probes": list(range(LIGHT)), "few": [1]}
    assert cut["cut"] == {"probes": LIGHT + 1}
    assert len(request["result"]["probes"]) == LIGHT + 1  # type: ignore[index, arg-type]
    for small in ({"id": "r2", "result": None}, {"id": "r3", "result": {"probes": [1]}}):
        assert light(small) is small
