"""The answer that stored bytes give: whole, a part, or only that the client's own copy holds. No file here.

RFC 9111, 4 and 4.3.2; RFC 9110, 13 (preconditions) and 14 (ranges).
"""

from __future__ import annotations

import msgspec

from servers.caching_proxy.directives import of_response
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.freshness import current_age, date_of
from servers.caching_proxy.partial import etag_of
from servers.kit.http import REASONS, Headers, Request
from servers.kit.http_fields import Validators, precondition, read_date, read_ranges, write_date

READING = frozenset({"GET", "HEAD"})
"""Methods that a stored response answers (RFC 9110, 9.3.1 and 9.3.2)."""
NOT_MODIFIED = frozenset({"age", "cache-control", "content-location", "date", "etag", "expires", "vary"})
"""Fields that a 304 repeats (RFC 9110, 15.4.5)."""
BODYLESS = frozenset({204, 304})


class Answer(msgspec.Struct, frozen=True):
    """An answer's head, and which bytes of the stored representation are its body.

    ``headers`` have Age, Content-Length and Content-Range where due; Connection, Via and
    Cache-Status are the caller's to add. ``end`` is after the last byte; equal to ``start``: no body.
    """

    status: int
    reason: str
    headers: Headers
    start: int = 0
    end: int = 0


def for_origin(request: Request) -> str:
    """The request's precondition that only an origin can judge (RFC 9111, 4.3.2); "": it has none."""
    return next((name for name in ("If-Match", "If-Unmodified-Since") if name in request.headers), "")


def answer(entry: Entry, request: Request, now: float, validated: bool = False) -> Answer | None:
    """What the stored response answers; None: its bytes do not do, the origin must be asked.

    ``validated``: the origin just said that it holds: fields that no-cache="…" names may be sent.
    """
    if request.method not in READING or for_origin(request):
        return None
    fields = sent_fields(entry, now, validated)
    known = Validators(etag_of(fields), _modified(entry, fields))
    ranges = _ranges(entry, request, fields, known)
    if not entry.complete and not (ranges and len(ranges) == 1 and _has(entry, *ranges[0])):
        return None
    if entry.status == 200 and precondition(request.method, request.headers, known, now) == 304:
        drop = {"last-modified"} if known.etag else set()
        kept = (pair for pair in fields if pair[0].lower() in (NOT_MODIFIED | {"last-modified"}) - drop)
        return Answer(304, REASONS[304], Headers(kept))
    if ranges == []:
        return _unsatisfiable(entry, now)
    if ranges and len(ranges) == 1:
        start, end = ranges[0]
        place = ("Content-Range", f"bytes {start}-{end - 1}/{entry.length}")
        return Answer(
            206, REASONS[206], fields.with_(place, ("Content-Length", str(end - start))), start, end
        )
    if entry.status not in BODYLESS:
        fields = fields.with_(("Content-Length", str(entry.length)))
    end = entry.length if request.method == "GET" and entry.status not in BODYLESS else 0
    return Answer(entry.status, entry.reason or REASONS.get(entry.status, ""), fields, 0, end)


def sent_fields(entry: Entry, now: float, validated: bool) -> Headers:
    """The stored fields as they are sent, with the present Age (RFC 9111, 5.1).

    Age says that the origin was not asked: right after it was, there is one only if a cache on
    the way had it.
    """
    fields, age = entry.fields, current_age(entry, now)
    told = of_response(fields)
    hidden = frozenset[str]() if validated else told.private_fields | told.no_cache_fields
    fields = fields.without(hidden | {"age", "content-length", "content-range"})
    return fields if validated and not age else Headers([*fields, ("Age", str(age))])


def _modified(entry: Entry, fields: Headers) -> int:
    """RFC 9111, 4.3.2: without Last-Modified, If-Modified-Since is measured by Date."""
    changed = read_date(fields.get("last-modified"), entry.received)
    return date_of(fields, entry.received) if changed is None else changed


def _ranges(
    entry: Entry, request: Request, fields: Headers, known: Validators
) -> list[tuple[int, int]] | None:
    """The parts asked for: None is the whole, also where If-Range names another version.

    A date in If-Range must be Last-Modified itself, and that must have been over for a while at
    the time of Date.
    """
    if request.method != "GET" or entry.status != 200 or "range" not in request.headers:
        return None
    changed = read_date(fields.get("last-modified"), entry.received)
    exact = Validators(known.etag, changed)
    return read_ranges(request.headers, entry.length, exact, float(date_of(fields, entry.received)))


def _has(entry: Entry, start: int, end: int) -> bool:
    """Whether all bytes from start to end are stored."""
    for segment in entry.segments:
        if segment.start <= start < segment.end:
            start = segment.end
    return start >= end


def _unsatisfiable(entry: Entry, now: float) -> Answer:
    """416 says how long the representation is (RFC 9110, 15.5.17)."""
    headers = Headers([
        ("Date", write_date(int(now))),
        ("Content-Range", f"bytes */{entry.length}"),
        ("Content-Length", "0"),
    ])  # fmt: skip
    return Answer(416, REASONS[416], headers)
