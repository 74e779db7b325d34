"""The OpenAPI document: valid, complete, and true of what the API does, as schemathesis finds out."""

from __future__ import annotations

import json
import re
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings

from servers.kit.errors import SettingError
from servers.kit.lab import Lab
from servers.kit.settings import Field, fields, parse
from servers.registry import LABS
from servers.walk.packet import Frame
from servers.walk.write import pcapng
from tests.started import TOKEN
from webui import openapi
from webui.api import _whole
from webui.application import Options, create_app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries that schemathesis imports
    import schemathesis
    from schemathesis import checks
    from schemathesis.specs.openapi import checks as openapi_checks

TRIED = {name: LABS[name] for name in ("udp_ping", "http_web", "smtp_sink")}
"""Labs that requests are made up for: with and without tools, sessions, actions, queries and secrets. The
dashboard treats all labs alike, and what can be set on each is tried by its own tests."""
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
            return [json.dumps(openapi.document(TRIED)).encode()]
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
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_does_what_its_document_says(app: Flask, case: Any) -> None:
    aim(app, case, make_harmless(case))
    case.call_and_validate(checks=CHECKS, headers=HEADERS)


SAFE = {
    "host": "127.0.0.1", "port": 0, "root": "", "allow_put": False, "count": 1, "interval": 0.001,
    "timeout": 0.1, "path": "/", "method": "GET", "headers": "", "raw": "", "times": 1, "models": "select",
    "clients": 1, "requests": 1, "delay": 0.0, "slow": 0, "seconds": 1.0, "mailbox": "", "accounts": "any",
    "sender": "a@example.org", "recipients": "b@example.org", "subject": "Hello", "auth": "", "image": "",
    "step": False, "allow_target": "127.0.0.1", "allow_client": "127.0.0.1", "connect_ports": "443",
    "cache": "", "url": "http://127.0.0.1:9/", "cache_control": "", "target": "127.0.0.1:9", "tape": "",
    "match_headers": "", "ignore": "Date", "by_hand": False, "wait": 0.05, "text": "hello", "hex": False,
    "pause": 1.0, "rounds": 3, "gap": 0.0, "family": "ipv4", "silence_for": 0.0, "jitter": 0.0,
    "slice": 0, "connections": 1, "hold": 0.0, "before": 0.0, "experiment": "names",
}  # fmt: skip
"""Only ports of the system's choice on this machine are bound, no file is written, no request takes long."""


CAPTURE = b"".join(pcapng([Frame(1, 0.0, 101, b"", 0)], name="lo"))


def make_harmless(case: Any) -> Lab:
    """Replace what might do harm; the lab that the body is right for, if there is one.

    Only right values are replaced, and by right ones: what is wrong stays wrong.
    """
    if case.path.endswith("/packets/upload"):
        case.body = CAPTURE  # any bytes are of the right type, but few are packets
    body = case.body if isinstance(case.body, dict) else {}
    labs = list(TRIED.values())
    if "/tools/" in case.path:
        labs = [lab for lab in labs if lab.tools]
    if case.path.endswith("/instances"):
        labs = [lab for lab in labs if lab.name == body.get("lab")] or labs
    for lab in labs:
        values = body.get("settings") if "requests" not in case.path and "tools" not in case.path else body
        if not isinstance(values, dict):
            break
        safe = values | {
            field.name: SAFE[field.name]
            for field in fields(struct_of(lab, case.path))
            if field.name in values and field.name in SAFE and right(field, values[field.name])
        }
        if fits(struct_of(lab, case.path), safe):
            values.update(safe)
            return lab
    return labs[0]


def struct_of(lab: Lab, path: str) -> Any:
    """What a body is that goes to this path of an instance of the lab."""
    if "/tools/" in path:
        return lab.tools[0].request
    return lab.request if "/requests" in path else lab.settings


def right(field: Field, value: Any) -> bool:
    """Whether the value alone may be given."""
    try:
        msgspec.convert(_whole(value), field.annotation)
    except (msgspec.ValidationError, OverflowError):
        return False
    return True


def fits(struct: Any, values: dict[str, Any]) -> bool:
    """Whether the values together may be given."""
    try:
        parse(struct, _whole(values))
    except SettingError:
        return False
    return True


def aim(app: Flask, case: Any, lab: Lab) -> None:
    """Every second case names a server or a request that is there: made-up ids would all be 404."""
    board = app.extensions["dashboard"]
    places = case.path_parameters or {}
    if "id" not in places or zlib.crc32(repr(case.body).encode()) % 2:
        return
    call = app.test_client()
    for each in list(board.supervisor.instances)[4:]:
        call.delete(f"/api/v1/instances/{each}", headers=HEADERS)
    instances = [i.id for i in board.supervisor.instances.values() if i.lab.name == lab.name]
    if not instances:
        body = {"lab": lab.name, "settings": {"port": 0}}
        instances = [call.post("/api/v1/instances", json=body, headers=HEADERS).json["id"]]
    if "/tools/" in case.path:
        places["name"] = lab.tools[0].name
    if "/requests/" not in case.path:
        places["id"] = instances[0]
    elif board.requests.active:
        places["id"] = next(iter(board.requests.active))
