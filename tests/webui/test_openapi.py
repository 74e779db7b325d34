"""The OpenAPI document: valid, complete, and true of what the API does, as schemathesis finds out."""

from __future__ import annotations

import json
import re
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings

from servers.registry import LABS
from tests.started import TOKEN
from webui import openapi
from webui.application import Options, create_app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries that schemathesis imports
    import schemathesis
    from schemathesis import checks
    from schemathesis.specs.openapi import checks as openapi_checks

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(Options(data_dir=tmp_path_factory.mktemp("openapi"), token=TOKEN))
    yield app
    app.extensions["dashboard"].close()


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    found = app.test_client().get("/api/v1/openapi.json", headers=HEADERS)
    assert found.status_code == 200
    assert found.json
    return found.json


def test_the_document_is_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()


def test_the_document_has_every_route_of_the_api(app: Flask, document: dict[str, Any]) -> None:
    routes = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "api.document":
            choice = re.search(r"<any\((.*)\):\w+>", rule.rule)
            words = choice[1].split(", ") if choice else [""]
            for word in words:
                path = rule.rule.replace(choice[0], word) if choice else rule.rule
                path = re.sub(r"<(\w+)>", r"{\1}", path)
                routes |= {(path, method.lower()) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    described = {(path, method) for path, entry in document["paths"].items() for method in entry}
    assert described == routes


def test_every_operation_has_a_summary_and_an_id_of_its_own(document: dict[str, Any]) -> None:
    operations = [operation for entry in document["paths"].values() for operation in entry.values()]
    assert all(operation["summary"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


class Door:
    """What schemathesis calls: the document while tests are collected, the application later."""

    def __init__(self) -> None:
        self.app: Flask | None = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if self.app is None:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(openapi.document(LABS)).encode()]
        return self.app(environ, start_response)


door = Door()
described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", door)


@pytest.fixture(autouse=True)
def quick(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application of this file is behind the door, and ?wait=1 waits less."""
    monkeypatch.setattr(door, "app", app)
    monkeypatch.setattr("webui.api.WAIT_SECONDS", 0.2)


CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.negative_data_rejection,
    openapi_checks.positive_data_acceptance,
    openapi_checks.unsupported_method,
]


@described.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_does_what_its_document_says(app: Flask, case: Any) -> None:
    aim(app, case)
    make_harmless(case)
    case.call_and_validate(checks=CHECKS, headers=HEADERS)


def aim(app: Flask, case: Any) -> None:
    """Every second case names a server or a request that is there: made-up ids would all be 404."""
    board = app.extensions["dashboard"]
    places = case.path_parameters or {}
    if "id" not in places or zlib.crc32(repr(case.body).encode()) % 2:
        return
    call = app.test_client()
    for each in list(board.supervisor.instances)[4:]:
        call.delete(f"/api/v1/instances/{each}", headers=HEADERS)
    instances = list(board.supervisor.instances)
    if not instances:
        body = {"lab": "udp_ping", "settings": {"port": 0}}
        instances = [call.post("/api/v1/instances", json=body, headers=HEADERS).json["id"]]
    if "/requests/" not in case.path:
        places["id"] = instances[0]
    elif board.requests.active:
        places["id"] = next(iter(board.requests.active))


def make_harmless(case: Any) -> None:
    """Nothing is bound but ports of the system's choice on this machine, and no request takes long.

    Only right values are replaced, and by right ones: what is wrong stays wrong.
    """
    body = case.body
    if not isinstance(body, dict):
        return
    small = {"count": 1, "interval": 0.001, "timeout": 0.01}
    for found, values in ((body.get("settings"), {"host": "127.0.0.1", "port": 0}), (body, small)):
        if isinstance(found, dict):
            for name, value in values.items():
                if name in found and right(name, found[name]):
                    found[name] = value


def right(name: str, value: Any) -> bool:
    if name == "host":
        return (
            isinstance(value, str)
            and re.fullmatch(r"[A-Za-z0-9.:%_][A-Za-z0-9.:%_-]{0,254}", value) is not None
        )
    least, most = {"port": (0, 65535), "count": (1, 10000)}.get(name, (0.001, 60))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        return False
    return name in ("interval", "timeout") or value == int(value)
