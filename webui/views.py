"""Instances and requests as the API and the page see them."""

from __future__ import annotations

import shlex
import time
from typing import Any

import msgspec

from servers.kit.settings import arguments, masked
from webui.hub import Topic
from webui.requests import Request, aimed, target
from webui.supervisor import Instance

LIGHT = 500
"""Entries of a list in a result that every browser gets."""


def instance_json(instance: Instance, topic: Topic | None, *, clear: bool = False) -> dict[str, Any]:
    """An instance: its state, its settings, how it fares. ``clear``, for the teacher: secrets unmasked."""
    child = instance.child
    running = instance.started is not None and instance.state == "running"
    retry = instance.retry_at - time.monotonic() if instance.state == "backoff" else None
    return {
        "id": instance.id,
        "lab": instance.lab.name,
        "title": instance.title,
        "state": instance.state,
        "settings": msgspec.to_builtins(instance.settings) if clear else masked(instance.settings),
        "address": instance.address,
        "pid": child.pid if child else None,
        "uptime": round(time.time() - (instance.started or 0), 3) if running else None,
        "started": instance.started if running else None,
        "run": instance.run,
        "owner": instance.owner,
        "seed": instance.seed if running else None,
        "counters": topic.counters if topic else {},
        "dropped": topic.dropped if topic else 0,
        "n": topic.n if topic else 0,
        "command": server_command(instance),
        "client_command": client_command(instance) if running else "",
        "last_error": msgspec.to_builtins(instance.trouble) if instance.trouble else None,
        "retry_in": None if retry is None else round(max(0.0, retry), 1),
    }


def request_json(request: Request, position: int | None) -> dict[str, Any]:
    """A request: where it stands, what it was asked (secrets masked), what came of it."""
    state = request.state  # once: it may change meanwhile
    return {
        "id": request.id,
        "instance": request.instance_id,
        "person": request.person,
        "person_id": request.person_id,
        "state": state,
        "position": position if state == "queued" else None,
        "session": request.session,
        "tool": request.tool.name if request.tool else "",
        "arguments": masked(request.wanted),
        "command": "python -m " + shlex.join([request.module, *request.shown]),
        "created": request.created,
        "started": request.started or None,
        "ended": request.ended if state not in ("queued", "running") else None,
        "result": msgspec.json.decode(request.result) if request.result is not None else None,
        "error": request.error,
        "output": request.printed,
        "first": request.first,
    }


def light(request: dict[str, Any]) -> dict[str, Any]:
    """A request for lists and for all browsers: long lists in its result are cut to LIGHT entries.

    ``cut`` names them with their true lengths; GET /requests/ID has them whole.
    """
    result = request["result"]
    if not isinstance(result, dict):
        return request
    lists = {key: len(value) for key, value in result.items() if isinstance(value, list)}
    long = {key: length for key, length in lists.items() if length > LIGHT}
    if not long:
        return request
    short = {key: value[:LIGHT] if key in long else value for key, value in result.items()}
    return {**request, "result": short, "cut": long}


def server_command(instance: Instance) -> str:
    """The command line that starts the same server in a terminal; secrets are masked for everyone."""
    words = [instance.lab.server, *arguments(instance.settings, secrets="masked")]
    if "--port" not in words:
        words += ["--port", str(instance.settings.port)]
    return "python -m " + shlex.join(words)


def client_command(instance: Instance) -> str:
    """The command line that starts the lab's client against the instance."""
    return "python -m " + shlex.join([instance.lab.client, *aimed(target(instance))])
