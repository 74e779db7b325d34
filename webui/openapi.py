"""The API's OpenAPI document, put together from what each route says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

from apispec import APISpec
from flask import Blueprint

from servers.kit.lab import Lab
from servers.kit.settings import fields, schema

F = TypeVar("F", bound=Callable[..., Any])
Schema = dict[str, Any]

VERSION = "1.0.0"

# -- the shapes that answers have


def _object(required: str = "", **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required.split()}


STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
ANY_OBJECT: Schema = {"type": "object"}


def _or_null(kind: Schema) -> Schema:
    return {"anyOf": [kind, {"type": "null"}]}


def _list(kind: Schema) -> Schema:
    return {"type": "array", "items": kind}


ERROR = _object("message", message=STRING, field=STRING, hint=STRING)
PROBLEM = _object("error", error=ERROR, errors=_list(ERROR), instance=ANY_OBJECT)
COUNTERS: Schema = {"type": "object", "additionalProperties": INTEGER}
INSTANCE = _object(
    "id lab title state settings address pid uptime started run owner counters dropped n command last_error",
    id=STRING, lab=STRING, title=STRING,
    state={"type": "string", "enum": ["stopped", "starting", "running", "backoff", "failed", "stopping"]},
    settings=ANY_OBJECT, address=STRING, pid=_or_null(INTEGER), uptime=_or_null(NUMBER),
    started=_or_null(NUMBER), run=INTEGER, owner=STRING, seed=_or_null(INTEGER), counters=COUNTERS,
    dropped=INTEGER, n=INTEGER, command=STRING, client_command=STRING, last_error=_or_null(ANY_OBJECT),
    retry_in=_or_null(NUMBER),
)  # fmt: skip
INSTANCES = _object("instances", instances=_list(INSTANCE))
REQUEST = _object(
    "id instance person state arguments command result error output",
    id=STRING, instance=STRING, person=STRING, person_id=STRING, mine=BOOLEAN,
    state={"type": "string", "enum": ["queued", "running", "done", "failed", "cancelled"]},
    position=_or_null(INTEGER), session=BOOLEAN, tool=STRING, arguments=ANY_OBJECT,
    command=STRING, created=NUMBER, started=_or_null(NUMBER), ended=_or_null(NUMBER),
    result=_or_null(ANY_OBJECT), error=STRING, output=STRING, first=_or_null(INTEGER), cut=ANY_OBJECT,
)  # fmt: skip
RUNS = _object(
    "runs",
    runs=_list(
        _object(
            "run started ended settings seed address reason",
            run=INTEGER, started=NUMBER, ended=_or_null(NUMBER), settings=ANY_OBJECT,
            seed=_or_null(INTEGER), address=STRING, reason=STRING,
        )
    ),
)  # fmt: skip
REQUESTS = _object("requests", requests=_list(REQUEST))
EVENTS = _object("n events dropped", n=INTEGER, events=_list(ANY_OBJECT), dropped=INTEGER)
VALUE = _object("value", value={})
LABS = _object(
    "labs",
    labs=_list(
        _object(
            "name title settings request actions queries tools",
            name=STRING, title=STRING, summary=STRING, settings=ANY_OBJECT, request=ANY_OBJECT,
            actions=_list(ANY_OBJECT), queries=_list(ANY_OBJECT), tools=_list(ANY_OBJECT),
        )
    ),
)  # fmt: skip
CONNECTION = _object(
    "id source transport client server person started ended packets bytes_up bytes_down state note",
    id=STRING, source={"type": "string", "enum": ["capture", "upload", "events"]}, transport=STRING,
    client=STRING, server=STRING, person=STRING, started=NUMBER, ended=NUMBER, packets=INTEGER,
    bytes_up=INTEGER, bytes_down=INTEGER, state=STRING, note=STRING,
)  # fmt: skip
PACKETS = _object(
    "capturing running possible words trouble ways packets bytes dropped full reading n uploads connections",
    capturing=BOOLEAN, running=BOOLEAN, possible=BOOLEAN, words=STRING, trouble=STRING,
    ways=_list(_object("name works words better caveat", name=STRING, works=BOOLEAN, words=STRING,
                       better=STRING, caveat=STRING)),
    packets=INTEGER, bytes=INTEGER, dropped=INTEGER, full=BOOLEAN, reading=BOOLEAN, n=INTEGER,
    uploads=_list(_object("id name packets others troubles", id=STRING, name=STRING, packets=INTEGER,
                          others=INTEGER, troubles=_list(STRING))),
    connections=_list(CONNECTION),
)  # fmt: skip
LADDER = _object(
    "connection rows calls rebuilt words more given anew",
    connection=CONNECTION, rows=_list(ANY_OBJECT), calls=_list(ANY_OBJECT), rebuilt=BOOLEAN, words=STRING,
    more=BOOLEAN, given=STRING, anew=BOOLEAN,
)  # fmt: skip
PACKET = _object("row fields data", row=ANY_OBJECT, fields=_list(ANY_OBJECT), data=STRING)
STREAM = _object("pieces cut", pieces=_list(ANY_OBJECT), cut=BOOLEAN)
CAPTURE: Schema = {**_object("on", on=BOOLEAN), "additionalProperties": False}
CAPTURE_FILE: Schema = {"x-media": "application/octet-stream", "type": "string", "format": "binary"}
PCAPNG: Schema = {"x-media": "application/x-pcapng"}
TEXT: Schema = {"x-media": "text/plain"}
FILE: Schema = {"x-media": "file"}

# -- the shapes that requests have


def create_schema(labs: dict[str, Lab]) -> Schema:
    """The body of POST /instances: one shape per lab."""
    shapes = [
        {
            "type": "object",
            "properties": {"lab": {"const": lab.name, "type": "string"}, "settings": schema(lab.settings)},
            "required": ["lab"],
            "additionalProperties": False,
        }
        for lab in labs.values()
    ]
    return shapes[0] if len(shapes) == 1 else {"oneOf": shapes}


def change_schema(labs: dict[str, Lab]) -> Schema:
    """The body of PATCH /instances/ID: some of a lab's settings."""
    return {
        "type": "object",
        "properties": {"settings": _either([schema(lab.settings) for lab in labs.values()])},
        "additionalProperties": False,
    }


def request_schema(labs: dict[str, Lab]) -> Schema:
    """The body of a test request: a lab's request."""
    return _either([schema(lab.request) for lab in labs.values()])


def tool_schema(labs: dict[str, Lab]) -> Schema:
    """The body of a tool's run: the request of one of the labs' tools."""
    return _either([schema(tool.request) for lab in labs.values() for tool in lab.tools] or [ANY_OBJECT])


def _either(shapes: list[Schema]) -> Schema:
    return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}


def lab_json(lab: Lab) -> dict[str, Any]:
    """A lab as GET /labs gives it."""
    return {
        "name": lab.name,
        "title": lab.title,
        "summary": lab.view.summary,
        "settings": schema(lab.settings),
        "request": schema(lab.request),
        "presets": lab.view.presets,
        "actions": [
            {
                "name": a.name,
                "title": a.title,
                "help": a.help,
                "role": a.role,
                "arguments": schema(a.arguments),
            }
            for a in lab.actions
        ],
        "queries": [
            {
                "name": q.name,
                "title": q.title,
                "help": q.help,
                "role": q.role,
                "arguments": schema(q.arguments),
            }
            for q in lab.queries
        ],
        "tools": [
            {
                "name": t.name,
                "title": t.title,
                "help": t.help,
                "role": t.role,
                "needs_server": t.needs_server,
                "request": schema(t.request),
            }
            for t in lab.tools
        ],
    }


# -- routes and the document


class Entry:
    """What one route says of itself."""

    def __init__(self, method: str, path: str, view: Callable[..., Any], **said: Any) -> None:
        self.method, self.path, self.view, self.said = method, path, view, said


ENTRIES: list[Entry] = []

WORDS = {
    400: "a value is wrong", 401: "not joined, or a wrong token", 403: "only the teacher may",
    404: "there is no such thing", 409: "wrong state, or the port is in use", 413: "the body is too long",
    429: "too many requests", 503: "the program did not answer",
}  # fmt: skip


def route(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    gives: Schema | None = None,
    takes: Schema | Callable[[dict[str, Lab]], Schema] | None = None,
    status: int = 200,
    errors: tuple[int, ...] = (),
    query: dict[str, Schema] | None = None,
    free_query: bool = False,
) -> Callable[[F], F]:
    """Register a view at ``path`` and in the document; its docstring is the description."""

    def register(view: F) -> F:
        blueprint.add_url_rule(path, view_func=view, methods=[method])
        ENTRIES.append(
            Entry(
                method, path, view, gives=gives, takes=takes, status=status, errors=errors,
                query=query or {}, free_query=free_query,
            )
        )  # fmt: skip
        return view

    return register


def document(labs: dict[str, Lab]) -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    spec = APISpec(
        title="Socket Lab",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": "Start, change and stop lab servers, fire test requests, read what happened."},
        security=[{"token": []}, {"session": []}],
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme("session", {"type": "apiKey", "in": "cookie", "name": "session"})
    spec.components.schema("Problem", PROBLEM)
    for entry in ENTRIES:
        for path, fixed in _paths(entry.path):
            operation = {entry.method.lower(): _operation(entry, path, fixed, labs)}
            spec.path(path="/api/v1" + path, operations=operation)
    return spec.to_dict()


def _paths(path: str) -> list[tuple[str, str]]:
    """Flask's path as OpenAPI's; a choice of words becomes a path each."""
    choice = re.search(r"<any\(([^)]*)\):(\w+)>", path)
    words = [word.strip() for word in choice[1].split(",")] if choice else [""]
    plain = [path.replace(choice[0], word) if choice else path for word in words]
    return [(re.sub(r"<(\w+)>", r"{\1}", each), word) for each, word in zip(plain, words, strict=True)]


def _operation(entry: Entry, path: str, fixed: str, labs: dict[str, Lab]) -> dict[str, Any]:
    said = entry.said
    responses: dict[str, Any] = {str(said["status"]): _response(said["gives"])}
    if said["status"] == 202:
        responses["200"] = _response(said["gives"])
    for code in sorted({401, *said["errors"], *((413,) if said["takes"] else ())}):
        responses[str(code)] = {
            "description": WORDS[code],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": STRING}
        for name in re.findall(r"{(\w+)}", path)
    ]
    parameters += [
        {"name": name, "in": "query", "schema": kind, "required": False}
        for name, kind in said["query"].items()
    ]
    if said["free_query"]:
        arguments = {f.name for lab in labs.values() for q in lab.queries for f in fields(q.arguments)}
        parameters += [
            {"name": name, "in": "query", "schema": STRING, "required": False} for name in sorted(arguments)
        ]
    words = " ".join((entry.view.__doc__ or "").split())
    operation: dict[str, Any] = {
        "operationId": entry.view.__name__ + ("_" + fixed if fixed else ""),
        "summary": words,
        "parameters": parameters,
        "responses": responses,
    }
    if said["takes"]:
        shape: Schema = dict(said["takes"](labs) if callable(said["takes"]) else said["takes"])
        media = shape.pop("x-media", "application/json")
        choices: list[Schema] = shape.get("oneOf") or shape.get("anyOf") or [shape]
        needed = media != "application/json" or all(each.get("required") for each in choices)
        operation["requestBody"] = {
            "required": needed,
            "content": {media: {"schema": deepcopy(shape)}},
        }
    return operation


def _response(gives: Schema | None) -> dict[str, Any]:
    if gives is None:
        return {"description": "done"}
    media = gives.get("x-media")
    if media == "file":
        kinds = ("application/json", "text/csv")
        return {"description": "the file", "content": {kind: {"schema": {}} for kind in kinds}}
    if media:
        return {"description": "the text", "content": {media: {"schema": STRING}}}
    return {"description": "the answer", "content": {"application/json": {"schema": gives}}}
