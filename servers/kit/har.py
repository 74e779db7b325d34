"""HTTP events as a HAR 1.2 archive, which browsers' network panels open. Pure.

The format is http://www.softwareishard.com/blog/har-12-spec/. Events carry the first 512
bytes of a message only: a comment says where a body is cut.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from servers.kit.events import Event
from servers.kit.http import Headers
from servers.kit.http_events import HttpRequest, HttpResponse
from servers.kit.http_fields import split_list

CREATOR = {"name": "Socket Lab", "version": "1"}


def har(events: Iterable[Event], origin: str = "unknown") -> bytes:
    """The archive of all exchanges in ``events``, as JSON.

    ``origin`` is the ``host:port`` to put into the URL of a request without Host. A
    connection's name may come again in a later run: a response belongs to the newest
    request of its connection and number.
    """
    entries = [_entry(request, response, origin) for request, response in _pairs(events)]
    entries.sort(key=lambda entry: entry["startedDateTime"])
    return msgspec.json.encode({"log": {"version": "1.2", "creator": CREATOR, "entries": entries}})


def _pairs(events: Iterable[Event]) -> list[tuple[HttpRequest | None, HttpResponse | None]]:
    found: list[list[Any]] = []
    latest: dict[tuple[str, str, int], list[Any]] = {}
    for event in events:
        if not isinstance(event, HttpRequest | HttpResponse):
            continue
        key = (event.conn, event.peer, event.number)
        place = 0 if isinstance(event, HttpRequest) else 1
        pair = latest.get(key)
        if pair is None or pair[place] is not None or place == 0:
            pair = latest[key] = [None, None]
            found.append(pair)
        pair[place] = event
    return [(request, response) for request, response in found]


def _entry(request: HttpRequest | None, response: HttpResponse | None, origin: str) -> dict[str, Any]:
    either = request or response
    assert either is not None  # for the type checker: a pair has at least one
    ms = response.ms if response else 0.0
    begun = request.t if request else either.t - ms / 1000
    comments = [
        request.error if request else "The request's own event was not kept.",
        "" if response else "No response was kept.",
    ]
    entry = {
        "startedDateTime": datetime.fromtimestamp(begun, timezone.utc).isoformat(timespec="milliseconds"),
        "time": ms,
        "request": _request(request, either, origin),
        "response": _response(response),
        "cache": {},
        "timings": {"send": 0, "wait": ms, "receive": 0},
        "connection": either.conn,
        "comment": " ".join(filter(None, comments)),
    }
    return entry if entry["comment"] else {k: v for k, v in entry.items() if k != "comment"}


def _request(request: HttpRequest | None, either: HttpRequest | HttpResponse, origin: str) -> dict[str, Any]:
    headers = Headers(request.headers if request else ())
    url = _url(either.target, headers.get("host") or origin)
    found: dict[str, Any] = {
        "method": either.method,
        "url": url,
        "httpVersion": either.version if request else "",
        "cookies": [_cookie(word) for word in headers.get("cookie").split(";") if word.strip()],
        "headers": _headers(headers),
        "queryString": [
            {"name": n, "value": v} for n, v in parse_qsl(url.partition("?")[2], keep_blank_values=True)
        ],
        "headersSize": _head_size(request),
        "bodySize": request.size if request else -1,
    }
    if request and request.size:
        text, comment = _text(_body(request)), _cut(request)
        kind = headers.get("content-type")
        found["postData"] = {"mimeType": kind, "params": [], "text": text or "", **comment}
        if text is None:
            found["postData"]["comment"] = " ".join(
                ["The body is no text.", comment.get("comment", "")]
            ).strip()
    return found


def _response(response: HttpResponse | None) -> dict[str, Any]:
    headers = Headers(response.headers if response else ())
    content: dict[str, Any] = {
        "size": response.size if response else 0,
        "mimeType": headers.get("content-type") or "x-unknown",
    }
    if response and (body := _body(response)):
        text = _text(body)
        content |= {"text": base64.b64encode(body).decode(), "encoding": "base64"} if text is None else {}
        content |= {"text": text} if text is not None else {}
    if response:
        content |= _cut(response)
    return {
        "status": response.status if response else 0,
        "statusText": response.reason if response else "",
        "httpVersion": response.version if response else "",
        "cookies": [_cookie(line.partition(";")[0]) for line in headers.all("set-cookie")],
        "headers": _headers(headers),
        "content": content,
        "redirectURL": headers.get("location"),
        "headersSize": _head_size(response),
        "bodySize": response.size if response else -1,
    }


def _url(target: str, host: str) -> str:
    """An absolute URL: HAR wants one of every request."""
    try:
        if urlsplit(target).scheme in ("http", "https"):
            return target
    except ValueError:
        pass
    return f"http://{host}{target if target.startswith('/') else '/' + target}"


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _cookie(text: str) -> dict[str, str]:
    name, _, value = text.strip().partition("=")
    return {"name": name, "value": value}


def _split(event: HttpRequest | HttpResponse) -> int:
    """Where the body begins in what the event carries; 0: the head itself is cut."""
    found = re.search(rb"\r?\n\r?\n", event.data.head)
    return found.end() if found else 0


def _head_size(event: HttpRequest | HttpResponse | None) -> int:
    return (_split(event) or -1) if event else -1


def _body(event: HttpRequest | HttpResponse) -> bytes:
    """The start of the body, without the chunks' sizes where these can be told apart."""
    place = _split(event)
    body = event.data.head[place:] if place else b""
    codings = [*split_list(Headers(event.headers).get("transfer-encoding").lower())]
    return b"" if "chunked" in codings else body[: event.size]


def _cut(event: HttpRequest | HttpResponse) -> dict[str, str]:
    kept = len(_body(event))
    return {"comment": f"cut: {kept} of {event.size} bytes"} if kept < event.size else {}


def _text(data: bytes) -> str | None:
    """Bytes as text, half a character at the end left out; None if they are none."""
    if b"\0" in data:
        return None
    for end in range(len(data), max(-1, len(data) - 4), -1):
        try:
            return data[:end].decode()
        except UnicodeDecodeError:
            continue
    return None
