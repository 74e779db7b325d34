"""Whether a response may be stored, and what is kept of it (RFC 9111, 3). No file, no clock."""

from __future__ import annotations

import msgspec

from servers.caching_proxy.directives import ResponseDirectives, of_request, of_response
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.freshness import HEURISTIC, is_explicit, lifetime_of
from servers.caching_proxy.invalidation import resolve
from servers.caching_proxy.partial import etag_of, has_strong_validator, part_of
from servers.caching_proxy.protocol import HOP_BY_HOP
from servers.caching_proxy.vary import vary_of
from servers.kit.http import REASONS, Headers, Request, Response, short
from servers.kit.http_fields import read_date, write_date

NEVER = {
    304: "it says only that what somebody has still holds",
    401: "it depends on the credentials of one request",
    407: "it depends on the credentials of one request",
    412: "it depends on the conditions of one request",
    416: "it depends on the range of one request",
    417: "it depends on what one request expects",
    421: "it depends on the connection",
    425: "it depends on when one request came",
    428: "RFC 6585 forbids it",
    429: "RFC 6585 forbids it: it is about one client",
    431: "RFC 6585 forbids it: it is about one request's fields",
    511: "RFC 6585 forbids it: it is about one client's network",
}
"""Statuses that answer one request and nobody else, and why."""
NEEDED = frozenset({
    "age", "cache-control", "content-encoding", "date", "etag", "expires", "last-modified", "vary",
})  # fmt: skip
"""Fields that the rules here read: Connection cannot take them out of what is stored (RFC 9110, 7.6.1)."""


class Storing(msgspec.Struct, frozen=True):
    """Whether it may be stored, and why, in words."""

    yes: bool
    why: str


def may_store(request: Request, response: Response, now: float, url: str = "") -> Storing:
    """Whether a shared cache may store the response (RFC 9111, 3). ``url`` is the request's, for POST."""
    directives = of_response(response.headers)
    no = (
        _asked(request)
        or _status(response, directives)
        or _forbidden(request, response, directives)
        or _lasting(request, response, directives, now)
        or (_post(response, directives, url) if request.method == "POST" else "")
        or (_part(request, response, now) if response.status == 206 else "")
        or _whole(response)
    )
    if no:
        return Storing(False, no)
    return Storing(True, _why(response, directives, now))


def _asked(request: Request) -> str:
    """Why the request keeps its response out of the cache; "": it does not."""
    if request.method not in ("GET", "POST"):
        return f"the response to {request.method} is not for a cache"
    if of_request(request.headers).no_store:
        return "the request says no-store"
    if request.method == "GET" and request.framing.kind != "none":
        return "the request has a body, which is no part of the cache's key"
    return ""


def _status(response: Response, directives: ResponseDirectives) -> str:
    status = response.status
    if status < 200:
        return f"{status} is not the final response"
    if status in NEVER:
        return f"{status} is never stored: {NEVER[status]}"
    if directives.must_understand and status not in REASONS:
        return f"must-understand, and this cache does not know the status {status}"
    return ""


def _forbidden(request: Request, response: Response, directives: ResponseDirectives) -> str:
    if directives.no_store and not directives.must_understand:
        return "no-store"
    if directives.private:
        return "private: for one client's own cache, and this one is shared"
    if own := (directives.private_fields | directives.no_cache_fields) & NEEDED:
        return f"{sorted(own)[0]} may not be stored, and the cache cannot do without it"
    allowed = directives.public or directives.must_revalidate or directives.s_maxage is not None
    if "authorization" in request.headers and not allowed:
        return "the request has Authorization, and no public, s-maxage or must-revalidate allows sharing"
    if vary_of(request, response) is None:
        return f"Vary: {short(response.headers.get('vary'))} matches no other request"
    return ""


def _lasting(request: Request, response: Response, directives: ResponseDirectives, now: float) -> str:
    """Why it could not be used again; with Set-Cookie it is for one client unless a lifetime is said."""
    fields, status = response.headers, response.status
    validated = bool(etag_of(fields)) or read_date(fields.get("last-modified"), now) is not None
    if directives.no_cache and not validated:
        return "no-cache, and there is no ETag or Last-Modified to validate it with"
    if is_explicit(fields, directives):
        return ""
    if status not in HEURISTIC and not directives.public:
        return f"{status} is stored only with max-age, s-maxage, Expires or public"
    if "set-cookie" in fields:
        return "Set-Cookie, and nothing says how long it is fresh"
    if not validated:
        return "nothing says how long it is fresh, and there is no ETag or Last-Modified to validate it with"
    return ""


def _post(response: Response, directives: ResponseDirectives, url: str) -> str:
    """RFC 9110, 9.3.3: a POST's response can be what a later GET would get, if it says so."""
    if response.status != 200 or not is_explicit(response.headers, directives):
        return "the response to a POST is stored only if it is a 200 with max-age, s-maxage or Expires"
    where = response.headers.all("content-location")
    if not url or len(where) != 1 or resolve(url, where[0]) != url:
        return "the response to a POST is stored only if its Content-Location is the POST's own URL"
    return ""


def _part(request: Request, response: Response, now: float) -> str:
    if "range" not in request.headers or "content-range" not in response.headers:
        return "a 206 is stored only as the answer to Range, with Content-Range"
    if part_of(response) is None:
        return "its Content-Range is not one part of a known length"
    if not has_strong_validator(response.headers, now):
        return "a part without a strong validator could not be told from another version's"
    return ""


def _whole(response: Response) -> str:
    """RFC 9112, 8: a body that ends with the connection may have been cut."""
    if response.framing.kind == "close":
        return "neither Content-Length nor chunks say where it ends: it may be cut short"
    return ""


def _why(response: Response, directives: ResponseDirectives, now: float) -> str:
    if directives.no_cache:
        return "no-cache: the origin is asked before each use"
    lifetime, why = lifetime_of(response.status, response.headers, now)
    return why if lifetime else f"not used unasked: {why}"


# -- what is stored


def make_entry(
    url: str,
    request: Request,
    response: Response,
    requested: float,
    received: float,
    length: int,
    next_hop: str = "",
) -> Entry:
    """What is stored of a response that may be. ``length`` are the bytes of the whole representation.

    A 206 becomes the 200 that it is a part of (RFC 9111, 3.3).
    """
    part = response.status == 206
    return Entry(
        url=url,
        method=request.method,
        status=200 if part else response.status,
        reason="OK" if part else response.reason,
        headers=stored_fields(response.headers, received).pairs,
        vary=vary_of(request, response) or (),
        requested=requested,
        received=received,
        length=length,
        next_hop=next_hop,
    )


def stored_fields(headers: Headers, received: float) -> Headers:
    """The fields that are stored (RFC 9111, 3.1), with a valid Date (RFC 9110, 6.6.1).

    Not those for one hop, nor those that private="…" or no-cache="…" names, nor those that
    frame the body: the entry knows its length.
    """
    directives = of_response(headers)
    kept = passed_on(headers).without(directives.private_fields | directives.no_cache_fields)
    if len(kept.all("date")) == 1 and read_date(kept.get("date"), received) is not None:
        return kept
    return kept.with_(("Date", write_date(int(received))))


def passed_on(headers: Headers) -> Headers:
    """The fields that are for more than this hop, and do not frame the body."""
    named = frozenset(headers.tokens("connection")) - NEEDED
    return headers.without(HOP_BY_HOP | named | {"content-length", "content-range", "trailer"})
