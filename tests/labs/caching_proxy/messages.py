"""Requests, responses and stored responses for the tables of RFC 9111, made from lines of text."""

from __future__ import annotations

from typing import Any

import msgspec

from servers.caching_proxy.entry import Entry, Segment
from servers.caching_proxy.storing import make_entry
from servers.kit.http import Request, Response, parse_request, parse_response
from servers.kit.http_fields import write_date

NOW = 1_800_000_000
URL = "http://origin.test/page"


def date(after: int = 0) -> str:
    """A date so many seconds after NOW."""
    return write_date(NOW + after)


def ask(*fields: str, method: str = "GET") -> Request:
    """A request with these lines of fields."""
    head = [f"{method} {URL} HTTP/1.1", "Host: origin.test", *fields, "", ""]
    return parse_request("\r\n".join(head).encode("latin-1"))


def reply(
    *fields: str, status: int = 200, method: str = "GET", framing: str = "Content-Length: 10"
) -> Response:
    """A response with these lines of fields, of 10 bytes, made NOW if it does not say otherwise."""
    lines = [*fields, framing] if framing else list(fields)
    if not any(line.lower().startswith("date:") for line in lines):
        lines.append(f"Date: {date()}")
    text = "\r\n".join([f"HTTP/1.1 {status} Fine", *(line for line in lines if line != "Date:"), "", ""])
    return parse_response(text.encode("latin-1"), method)


def stored(*fields: str, request: Request | None = None, status: int = 200, **changes: Any) -> Entry:
    """What is stored, whole, of such a response, received NOW."""
    made = make_entry(URL, request or ask(), reply(*fields, status=status), NOW, NOW, 10)
    whole = {"id": 1, "segments": (Segment(0, 10, "a"),)}
    return msgspec.structs.replace(made, **(whole | changes))
