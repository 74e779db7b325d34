"""Asking the origin whether a stored response still holds; what its answer changes (RFC 9111, 3.2, 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from servers.caching_proxy.directives import of_request, of_response
from servers.caching_proxy.entry import Entry, Pairs
from servers.caching_proxy.freshness import date_of, is_explicit
from servers.caching_proxy.partial import etag_of
from servers.caching_proxy.storing import passed_on, stored_fields
from servers.caching_proxy.vary import vary_names
from servers.kit.http import Headers, HttpError, Request, Response, content_length
from servers.kit.http_fields import read_date, same_strongly, same_weakly, write_date

UNCHANGED = frozenset({"content-encoding", "content-md5", "content-type"})
"""Fields that describe the stored bytes: a 304, which has no bytes, does not change them (RFC 9111, 3.2)."""
MAX_TAGS = 20
"""Entity tags in one question at the most: a request's head has a limit."""


def validation_headers(entries: Sequence[Entry], selected: Entry) -> Pairs:
    """The fields that make a request ask whether what is stored still holds (RFC 9111, 4.3.1).

    They replace the request's own If-None-Match and If-Modified-Since. None at all: nothing
    stored can be asked about, and the request is an ordinary one.
    """
    nominated = _nominated(entries, selected)
    tags = list(dict.fromkeys(tag for entry in nominated if (tag := etag_of(entry.fields))))
    pairs = [("If-None-Match", ", ".join(tags))] if tags else []
    changed = selected.fields.get("last-modified")
    if len(tags) <= 1 and read_date(changed, selected.received) is not None:
        pairs.append(("If-Modified-Since", changed))
    return tuple(pairs)


def _nominated(entries: Sequence[Entry], selected: Entry) -> list[Entry]:
    """The stored responses that the origin may choose from: the selected one first.

    Of other variants those that are whole, known by a strong entity tag, and answered with 200.
    """
    others = [
        entry
        for entry in entries
        if entry.id != selected.id and entry.complete and entry.status == 200
        and etag_of(entry.fields) and not etag_of(entry.fields).startswith("W/")
    ]  # fmt: skip
    newest = sorted(others, key=lambda entry: date_of(entry.fields, entry.received), reverse=True)
    return [selected, *newest[: MAX_TAGS - 1]] if etag_of(selected.fields) else [selected]


def validated_by(entries: Sequence[Entry], selected: Entry, response: Response) -> Entry | None:
    """The stored response that a 304 means (RFC 9111, 4.3.4); None: none for sure, fetch it anew.

    A 304 without any validator, as simple servers send it, means the only one that was asked about.
    Where nothing could be asked about, it is the answer to another question.
    """
    if not validation_headers(entries, selected):
        return None
    nominated, tag = _nominated(entries, selected), etag_of(response.headers)
    changed = response.headers.get("last-modified")
    if tag and not etag_of(selected.fields):
        return selected if changed and changed == selected.fields.get("last-modified") else None
    if tag:
        same = same_weakly if tag.startswith("W/") else same_strongly
        return next((entry for entry in nominated if same(tag, etag_of(entry.fields))), None)
    if len({etag_of(entry.fields) for entry in nominated}) > 1:
        return None
    return selected if changed in ("", selected.fields.get("last-modified")) else None


def freshened(
    entry: Entry, response: Response, requested: float, received: float, to_store: bool = True
) -> Entry:
    """The entry with the fields of a 304, of a HEAD's 200 or of a part (RFC 9111, 3.2), valid again.

    Each field replaces the stored ones of its name. Date and Age are always the new response's: an
    old Age beside a new Date would count twice. ``to_store`` False: as the client that asked may
    see it, with the new response's Set-Cookie and the fields that private="…" or no-cache="…" names.
    """
    headers = stored_fields(response.headers, received) if to_store else passed_on(response.headers)
    headers = headers.without(UNCHANGED)
    told = of_response(headers if "cache-control" in headers else entry.fields)
    if to_store:
        lasting = Headers([*headers, *entry.fields])
        cookie = frozenset() if is_explicit(lasting, told) else frozenset({"set-cookie"})
        headers = headers.without(cookie | told.private_fields | told.no_cache_fields)
    if read_date(headers.get("date"), received) is None:
        headers = headers.with_(("Date", write_date(int(received))))
    names = {name.lower() for name, _ in headers} | {"age"}
    if to_store:
        names |= told.private_fields | told.no_cache_fields
    merged = Headers([*entry.fields.without(names), *headers])
    return msgspec.structs.replace(
        entry, headers=merged.pairs, requested=requested, received=received, invalid=False
    )


def keeping(entry: Entry, request: Request, response: Response) -> Literal["update", "leave", "remove"]:
    """What a 304 or a HEAD's 200 does to the stored entry that it is about.

    update    it is replaced by ``freshened(…)``
    leave     it stays as it is: the response is for this client alone
    remove    the origin does not want it in a shared cache any longer, or Vary is another now
    """
    told, fields = of_response(response.headers), response.headers
    if told.private or (told.no_store and not told.must_understand):
        return "remove"
    if "vary" in fields and vary_names(fields) != vary_names(entry.fields):
        return "remove"
    if of_request(request.headers).no_store:
        return "leave"
    both = of_response(fields if "cache-control" in fields else entry.fields)
    shared = both.public or both.must_revalidate or both.s_maxage is not None
    return "leave" if "authorization" in request.headers and not shared else "update"


def after_head(entry: Entry, response: Response, requested: float, received: float) -> Entry:
    """A stored GET response after a HEAD's answer (RFC 9111, 4.3.5).

    A 200 whose validators and length are the stored ones freshens it; another one makes it
    invalid. Other statuses say nothing about it, nor does one without validators about what was
    invalidated.
    """
    known = "etag" in response.headers or "last-modified" in response.headers
    if response.status != 200 or entry.status != 200 or (entry.invalid and not known):
        return entry
    if _agrees(entry, response.headers, received):
        return freshened(entry, response, requested, received)
    return msgspec.structs.replace(entry, invalid=True)


def _agrees(entry: Entry, fields: Headers, received: float) -> bool:
    if "etag" in fields and not same_weakly(etag_of(fields), etag_of(entry.fields)):
        return False
    if "last-modified" in fields and fields.get("last-modified") != entry.fields.get("last-modified"):
        return False
    try:
        return "content-length" not in fields or content_length(fields) == entry.length
    except HttpError:
        return False
