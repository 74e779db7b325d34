"""The API under /api/v1. Every route checks who asks, and says in its spec what it takes and gives."""

from __future__ import annotations

import csv
import io
import time
from typing import Any
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, current_app, request

from servers.kit.errors import SettingError
from servers.kit.events import Bytes, Event
from servers.kit.lab import Download, Export, Lab, Tool
from servers.kit.settings import RequestSettings, parse
from webui import openapi
from webui.auth import allow, person, student, teacher
from webui.dashboard import Dashboard, NotFound
from webui.door import network
from webui.openapi import route
from webui.states import WrongState
from webui.supervisor import Instance, not_running
from webui.views import light

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

WAIT_SECONDS = 60


def dashboard() -> Dashboard:
    """The application's dashboard."""
    found: Dashboard = current_app.extensions["dashboard"]
    return found


def to_json(value: Any, status: int = 200) -> Response:
    """A JSON answer, structs and all."""
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def body() -> dict[str, Any]:
    """The request's body, a JSON object; {} for none. Raises SettingError."""
    data = request.get_data()
    if not data.strip():
        return {}
    try:
        found = _whole(msgspec.json.decode(data))
    except (ValueError, RecursionError) as error:  # DecodeError and UnicodeDecodeError are ValueErrors
        raise SettingError(f"The body is not JSON: {error}.", hint="Send a JSON object.") from None
    if not isinstance(found, dict):
        raise SettingError("The body is not a JSON object.", hint='Send something like {"loss": 30}.')
    return found


def _whole(found: Any) -> Any:
    """5.0 is an integer in JSON (JSON Schema 2020-12, 4.2.3): make it one, however deep."""
    if isinstance(found, float) and found.is_integer() and abs(found) < 2**53:
        return int(found)
    if isinstance(found, dict):
        return {key: _whole(value) for key, value in found.items()}
    return found


def member(data: dict[str, Any], name: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    """The object ``name`` in ``data``, whose other members are ``allowed``."""
    for key in data:
        if key not in (name, *allowed):
            known = ", ".join((*allowed, name))
            raise SettingError(
                f"There is no member «{key[:60]}» here.", field=key[:60], hint=f"Known are: {known}."
            )
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise SettingError(f"«{name}» is not a JSON object.", field=name)
    return found


# -- labs


@route(blueprint, "GET", "/labs", gives=openapi.LABS)
@student
def labs() -> Response:
    """The labs, with the schemas of their settings and requests."""
    return to_json({"labs": [openapi.lab_json(lab) for lab in dashboard().labs.values()]})


# -- instances


@route(blueprint, "GET", "/instances", gives=openapi.INSTANCES)
@student
def instances() -> Response:
    """All instances."""
    board = dashboard()
    found = [_shown(i) for i in list(board.supervisor.instances.values())]
    return to_json({"instances": found})


@route(blueprint, "POST", "/instances", takes=openapi.create_schema, gives=openapi.INSTANCE, status=201,
       errors=(400, 403, 409, 503))  # fmt: skip
@teacher
def create() -> Response:
    """Make an instance and start it. Answers once it runs; if it cannot, it is kept, failed."""
    data = body()
    settings = member(data, "settings", ("lab",))
    if "lab" not in data:
        raise SettingError("The lab is missing.", field="lab", hint="Give the name of a lab.")
    board = dashboard()
    instance = board.create(board.lab(data["lab"]), settings, person().name)
    started = board.start(instance)
    return to_json(_shown(instance), 201) if started else trouble(instance)


@route(blueprint, "GET", "/instances/<id>", gives=openapi.INSTANCE, errors=(404,))
@student
def instance(id: str) -> Response:
    """One instance."""
    return to_json(_shown(dashboard().instance(id)))


@route(blueprint, "PATCH", "/instances/<id>", takes=openapi.change_schema, gives=openapi.INSTANCE,
       errors=(400, 403, 404, 409, 503))  # fmt: skip
@teacher
def change(id: str) -> Response:
    """Change settings, all or none: live where that is possible, else by a restart on the same port."""
    board = dashboard()
    found = board.instance(id)
    runs = board.change(found, member(body(), "settings", ()))
    return to_json(_shown(found)) if runs else trouble(found)


@route(blueprint, "DELETE", "/instances/<id>", status=204, errors=(403, 404, 409))
@teacher
def delete(id: str) -> Response:
    """Stop an instance and forget it with its history."""
    board = dashboard()
    found = board.instance(id)
    if found.state not in ("stopped", "failed"):
        board.stop(found)
    board.delete(found)
    return Response(status=204)


@route(blueprint, "POST", "/instances/<id>/<any(start, stop, restart):verb>", gives=openapi.INSTANCE,
       errors=(403, 404, 409, 503))  # fmt: skip
@teacher
def switch(id: str, verb: str) -> Response:
    """Start, stop or restart an instance; answers when that is done."""
    board = dashboard()
    found = board.instance(id)
    if verb == "stop":
        board.stop(found)
    elif not (board.start(found) if verb == "start" else board.restart(found)):
        return trouble(found)
    return to_json(_shown(found))


def _shown(instance: Instance) -> dict[str, Any]:
    """The instance as this person may see it: secrets are the teacher's."""
    return dashboard().instance_json(instance, clear=person().teaches)


def trouble(instance: Instance) -> Response:
    """The answer when a server does not run: what happened, and the instance as it is kept."""
    what = instance.trouble
    message = what.message if what else f"{instance.title} is {instance.state}."
    error = {"message": message}
    if what and what.field:
        error["field"] = what.field
    if what and what.hint:
        error["hint"] = what.hint
    return to_json({"error": error, "instance": _shown(instance)}, 409)


@route(blueprint, "GET", "/instances/<id>/runs", gives=openapi.RUNS, errors=(404,))
@student
def runs(id: str) -> Response:
    """The runs of an instance, the newest first: settings, seed, address, from when to when, why it ended."""
    board = dashboard()
    return to_json({"runs": board.history.runs(board.instance(id).id)})


# -- test requests


@route(blueprint, "POST", "/instances/<id>/requests", takes=openapi.request_schema, gives=openapi.REQUEST,
       status=202, errors=(400, 404, 409, 429),
       query={"wait": {"type": "string", "enum": ["0", "1"]}})  # fmt: skip
@student
def submit(id: str) -> Response:
    """Fire a test request at a running server. With ?wait=1 the answer is 200 and its result, within 60 s."""
    found = dashboard().instance(id)
    return _submit(found, found.lab.request, None)


@route(blueprint, "POST", "/instances/<id>/tools/<name>", takes=openapi.tool_schema, gives=openapi.REQUEST,
       status=202, errors=(400, 403, 404, 409, 429),
       query={"wait": {"type": "string", "enum": ["0", "1"]}})  # fmt: skip
@student
def run_tool(id: str, name: str) -> Response:
    """Run one of the lab's tools: a request like others, by another program. See GET /labs."""
    found = dashboard().instance(id)
    tool = _named(found.lab.tool, name)
    allow(tool.role)
    return _submit(found, tool.request, tool)


def _submit(found: Instance, kind: type[RequestSettings], tool: Tool | None) -> Response:
    board, who = dashboard(), person()
    wait = choice("wait", "0", "1") == "1"
    wanted = parse(kind, body())
    address = "" if who.teaches else network(request.remote_addr or "")
    made = board.requests.submit(found, wanted, who.name, who.id, address, tool)
    if wait and board.requests.wait(made, WAIT_SECONDS):
        return to_json(mine(board.request_json(made)))
    return to_json(mine(board.request_json(made)), 202)


def choice(name: str, *words: str) -> str:
    """The query's parameter of that name, the first word if it is not given. Raises SettingError."""
    given = request.args.getlist(name) or [words[0]]
    if given[0] not in words or len(given) > 1:
        raise SettingError(
            f"{name} must be {' or '.join(words)}, but «{given[-1][:40]}» was given.", field=name
        )
    return given[0]


@route(blueprint, "GET", "/instances/<id>/requests", gives=openapi.REQUESTS, errors=(404,))
@student
def requests_of(id: str) -> Response:
    """The newest requests at an instance."""
    board = dashboard()
    found = board.requests_of(board.instance(id).id)
    return to_json({"requests": [mine(light(each)) for each in found]})


@route(blueprint, "GET", "/requests/<id>", gives=openapi.REQUEST, errors=(404,))
@student
def test_request(id: str) -> Response:
    """One request."""
    return to_json(mine(dashboard().request_by_id(id)))


@route(blueprint, "DELETE", "/requests/<id>", gives=openapi.REQUEST, errors=(403, 404, 409))
@student
def cancel(id: str) -> Response:
    """Cancel a request of one's own; the teacher cancels any."""
    board = dashboard()
    found = _own(id)
    board.requests.cancel(found)
    board.requests.wait(found, 5)
    return to_json(mine(board.request_json(found)))


@route(blueprint, "POST", "/requests/<id>/input", takes=openapi.ANY_OBJECT, gives=openapi.VALUE,
       errors=(400, 403, 404, 409, 503))  # fmt: skip
@student
def send_input(id: str) -> Response:
    """Send input to a session of one's own."""
    return to_json({"value": dashboard().requests.input(_own(id), body())})


def mine(found: dict[str, Any]) -> dict[str, Any]:
    """A request with ``mine``: whether it belongs to the one who asks."""
    return {**found, "mine": found["person_id"] == person().id}


def _own(id: str) -> Any:
    board = dashboard()
    found = board.requests.get(id)
    if found is None:
        state = board.request_by_id(id)["state"]  # NotFound, or else it has ended long ago
        raise WrongState(f"The request is {state} already.")
    if found.person_id != person().id:
        allow("teacher")
    return found


# -- actions and data


@route(blueprint, "POST", "/instances/<id>/actions/<name>", takes=openapi.ANY_OBJECT, gives=openapi.VALUE,
       errors=(400, 403, 404, 409, 503))  # fmt: skip
@student
def act(id: str, name: str) -> Response:
    """Do one of the lab's actions."""
    board = dashboard()
    found = board.instance(id)
    action = _named(found.lab.action, name)
    allow(action.role)
    arguments = parse(action.arguments, body())
    if found.state == "running" and found.child:
        value = found.child.call(name, msgspec.to_builtins(arguments))
    elif action.offline:
        value = board.run_blocking(action.offline, board.data(found), found.settings, arguments)
    else:
        raise not_running(found)
    return to_json({"value": value})


@route(blueprint, "GET", "/instances/<id>/data/<name>", gives=openapi.VALUE, errors=(400, 403, 404),
       free_query=True)  # fmt: skip
@student
def data(id: str, name: str) -> Response:
    """Read some of the lab's data."""
    board = dashboard()
    found = board.instance(id)
    query = _named(found.lab.query, name)
    allow(query.role)
    arguments = parse(query.arguments, request.args.to_dict(), text=True)
    value = board.run_blocking(query.function, board.data(found), found.settings, arguments)
    return saved(value) if isinstance(value, Download) else to_json({"value": value})


def saved(file: Download) -> Response:
    """A stranger's file: to be saved, and if a browser shows it after all, without rights."""
    answer = Response(file.content, mimetype=file.media)
    answer.headers.set("Content-Disposition", "attachment", **_names(file.name))
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def _names(name: str) -> dict[str, str]:
    """The name in ASCII, and where that is not all in UTF-8 as well (RFC 6266, 4.3)."""
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in name)
    return {"filename": plain} if plain == name else {"filename": plain, "filename*": f"UTF-8''{quote(name)}"}


def _named(find: Any, name: str) -> Any:
    try:
        return find(name)
    except SettingError as error:
        raise NotFound(f"{error.message} {error.hint}") from None


# -- events and exports


@route(blueprint, "GET", "/instances/<id>/events", gives=openapi.EVENTS, errors=(400, 404),
       query={"after": {"type": "integer", "minimum": 0}})  # fmt: skip
@student
def events(id: str) -> Response:
    """The events kept with a number above ``after``."""
    board = dashboard()
    found = board.instance(id)
    text = request.args.get("after", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise SettingError(
            f"after must be a whole number from 0, but «{text[:40]}» was given.", field="after"
        )
    return to_json(board.hub.events(found.id, int(text)))


@route(blueprint, "GET", "/instances/<id>/export.<format>", gives=openapi.FILE, errors=(404,))
@student
def export(id: str, format: str) -> Response:
    """All that is kept of an instance, as a file: csv, json, or a format of the lab's own."""
    board = dashboard()
    found = board.instance(id)
    kept = board.hub.events(found.id, 0)
    if format == "json":
        answer = to_json(
            {
                "instance": board.instance_json(found),
                "exported": time.time(),
                **kept,
                "seconds": board.hub.snapshot(found.id)["series"].seconds,
                "runs": board.history.runs(found.id),
                "requests": board.requests_of(found.id, 1000),
            }
        )
    elif format == "csv":
        table = board.run_blocking(_csv, found.lab, kept["events"])  # ten thousand lines take a while
        answer = Response(table, mimetype="text/csv")
    else:
        own = _own_export(found.lab, format)
        data = board.run_blocking(own.function, board.data(found), found.settings, kept["events"])
        answer = Response(data, mimetype=own.media)
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.id}.{format}"'
    return answer


def _own_export(lab: Lab, name: str) -> Export:
    try:
        return lab.export(name)
    except SettingError:
        known = ", ".join(["csv", "json", *(own.name for own in lab.exports)])
        raise NotFound(f"There is no export as «{name[:20]}». There are: {known}.") from None


COLUMNS = ("n", "t", "kind", "request", "peer", "conn", "way", "text", "size", "kept", "data")


def _csv(lab: Lab, found: list[Event]) -> str:
    """One line per event: the shared columns, then each field that only some kinds have."""
    own = dict.fromkeys(name for kind in lab.kinds for name in kind.__struct_fields__ if name not in COLUMNS)
    out = io.StringIO()
    table = csv.DictWriter(out, [*COLUMNS, *own], restval="", lineterminator="\r\n")
    table.writeheader()
    for event in found:
        row = {"kind": event.__struct_config__.tag, **msgspec.structs.asdict(event)}
        bytes_ = row.pop("data", None)
        if isinstance(bytes_, Bytes):
            row |= {"size": bytes_.size, "kept": len(bytes_.head), "data": bytes_.head.hex()}
        table.writerow({key: _cell(value) for key, value in row.items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    if isinstance(value, (dict, list, tuple)):
        return msgspec.json.encode(value).decode()
    return "" if value is None else value


@route(blueprint, "GET", "/instances/<id>/log", gives=openapi.TEXT, errors=(404,))
@teacher
def log(id: str) -> Response:
    """What the instance's program printed, the newest part."""
    board = dashboard()
    return Response(board.run_blocking(board.log, board.instance(id)), mimetype="text/plain")


@blueprint.route("/openapi.json")
@student
def document() -> Response:
    """The OpenAPI document."""
    return to_json(openapi.document(dashboard().labs))
