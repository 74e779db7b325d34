"""What a run of the client found, as it is shown and stored. No socket, no clock."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.caching_proxy.explain import field_meaning
from servers.kit.http import Headers
from servers.kit.http_events import shown


class FieldShown(msgspec.Struct, frozen=True):
    """A header field, explained; "" where it has nothing to do with proxies or caches."""

    name: str
    value: str
    meaning: str


class FieldChanged(msgspec.Struct, frozen=True):
    """A header field that came with another value through the proxy than directly."""

    name: str
    direct: str
    proxy: str
    meaning: str


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer. Times are ms since the connection was asked for; null: not reached.

    ``verdict`` is one of the proxy's (HIT, MISS, …), "" if the answer does not say it; ``reason`` is why,
    in words, ``meaning`` what the verdict means. ``error`` is empty when the answer came whole.
    """

    way: Literal["proxy", "direct"]
    number: Annotated[int, Meta(description="which of the fetches through the proxy, from 1; direct: 0")]
    address: Annotated[str, Meta(description="what was connected to")]
    request: Annotated[str, Meta(description="the request's head as it was sent, secrets masked")]
    status: int | None = None
    phrase: str = ""
    version: str = ""
    headers: list[FieldShown] = []
    verdict: str = ""
    meaning: str = ""
    reason: str = ""
    cache_status: str = ""
    via: str = ""
    age: Annotated[int | None, Meta(description="seconds; null: there is no Age")] = None
    size: Annotated[int, Meta(description="bytes of the body")] = 0
    sha256: Annotated[str, Meta(description="of the body, in hex; empty: it did not come whole")] = ""
    framing: Annotated[str, Meta(description="how the end of the body is known, in words")] = ""
    connect_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    faults: list[str] = []
    message: Annotated[str, Meta(description="of a status from 400: the start of its text")] = ""
    error: str = ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The last answer through the proxy beside the direct one."""

    same_status: bool
    same_bytes: bool
    times_faster: Annotated[
        float | None, Meta(description="the direct time divided by that through the proxy")
    ] = None
    added: Annotated[list[FieldShown], Meta(description="fields that only the proxy's answer has")] = []
    removed: Annotated[list[FieldShown], Meta(description="fields that only the direct answer has")] = []
    changed: list[FieldChanged] = []
    notes: Annotated[list[str], Meta(description="why answers differ, where that can be said")] = []


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A run: the fetches through the proxy, the direct one, and what came of it in a sentence.

    ``no_direct`` says why there is no direct fetch though one was asked for; ``curl`` is the same
    request as a command line; ``error`` is that of the last fetch through the proxy.
    """

    summary: str
    url: str
    proxy: str
    fetches: list[Fetch]
    direct: Fetch | None = None
    no_direct: str = ""
    comparison: Comparison | None = None
    curl: str = ""
    error: str = ""


def fields_shown(headers: Headers) -> list[FieldShown]:
    """Header fields with their meanings, secrets masked."""
    return [
        FieldShown(name, value.encode("latin-1").decode("utf-8", "replace"), field_meaning(name))
        for name, value in shown(headers)
    ]
