"""What the page asks of the cache and may do to it: queries, and actions that work on its files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from servers.caching_proxy import catalogue
from servers.caching_proxy.catalogue import Sort
from servers.caching_proxy.drafts import Body, open_body
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.freshness import freshness
from servers.caching_proxy.place import OBJECTS, cache_of
from servers.caching_proxy.preview import TEXT, codings_of, file_name, media_of, preview
from servers.caching_proxy.rules import decide
from servers.caching_proxy.store import Store
from servers.caching_proxy.storing import may_store
from servers.kit.errors import SettingError
from servers.kit.http import NO_BODY, Framing, Headers, Request, Response
from servers.kit.lab import Action, Download, Query

LARGEST = 64 * 1024 * 1024
"""Bytes of a body that can be saved from the page."""


class Search(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which objects."""

    q: Annotated[str, Meta(max_length=400, title="Words", description="All of them are in the URL.")] = ""
    sort: Annotated[Sort, Meta(title="First", description="Last used, largest, oldest, most used.")] = "used"
    offset: Annotated[int, Meta(ge=0, le=1_000_000, title="From the")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000, title="At most")] = 100


class Id(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One object."""

    id: Annotated[int, Meta(ge=1, le=2**62, title="Id", description="Its number in the list.")]


class Which(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One object by its number, or all of a URL."""

    id: Annotated[int, Meta(ge=0, le=2**62, title="Id", description="Its number in the list.")] = 0
    url: Annotated[str, Meta(max_length=65_536, title="URL", description="As it stands in the list.")] = ""


# -- queries


def objects(folder: Path, settings: Any, arguments: Any) -> Any:
    """The list."""
    now = time.time()
    found = catalogue.page(cache_of(folder, settings), **msgspec.structs.asdict(arguments))
    return {"objects": [_summary(row, now) for row in found.rows], "total": found.total, "bytes": found.bytes}


def _summary(row: catalogue.Row, now: float) -> dict[str, Any]:
    """An object's line: sizes in bytes, ages in seconds, times in seconds since 1970."""
    entry = row.entry
    fresh = freshness(entry, now)
    return {
        "id": entry.id, "url": entry.url, "method": entry.method, "status": entry.status,
        "media": media_of(entry), "size": entry.stored, "length": entry.length, "complete": entry.complete,
        "variant": "; ".join(f"{name}: {value or 'none'}" for name, value in entry.vary),
        "age": fresh.age, "ttl": fresh.ttl, "why": fresh.why, "invalid": entry.invalid,
        "hits": row.hits, "used": row.used, "stored": row.kept, "origin": entry.next_hop,
    }  # fmt: skip


def object_(folder: Path, settings: Any, arguments: Any) -> Any:
    """One object, with all that is known of it and the beginning of its text."""
    place, now = cache_of(folder, settings), time.time()
    row = catalogue.row(place, arguments.id)
    entry = row.entry
    head = b""
    if entry.segments and entry.segments[0].start == 0:
        with _body(place, entry) as body:
            head = body.read(0, min(TEXT, entry.segments[0].end))
    shown = preview(entry, head)
    if entry.stored and not head:
        shown = msgspec.structs.replace(shown, text="", note="Its beginning is not stored.")
    return {
        **_summary(row, now),
        "reason": entry.reason,
        "headers": [{"name": name, "value": value} for name, value in entry.headers],
        "vary": [{"name": name, "value": value} for name, value in entry.vary],
        "segments": [{"start": segment.start, "end": segment.end} for segment in entry.segments],
        "requested": entry.requested,
        "received": entry.received,
        "encoding": ", ".join(codings_of(entry)),
        "words": decide(entry, _asked(entry, "GET"), now).reason,
        "storable": _storable(entry),
        "preview": shown,
        "variants": catalogue.variants(place, entry.url),
    }


def _asked(entry: Entry, method: str) -> Request:
    """The request that it answers, as far as the cache knows it."""
    return Request(method, entry.url, "HTTP/1.1", Headers(entry.vary), NO_BODY)


def _storable(entry: Entry) -> str:
    """What allowed to store it, in words."""
    response = Response("HTTP/1.1", entry.status, entry.reason, entry.fields, Framing("length", entry.length))
    return may_store(_asked(entry, entry.method), response, entry.received, entry.url).why


def _body(place: Path, entry: Entry) -> Body:
    body = open_body(place / OBJECTS, entry.segments)
    if body is None:
        raise SettingError(
            "The object was removed from the cache just now, or its file is damaged.", field="id"
        )
    return body


def body(folder: Path, settings: Any, arguments: Any) -> Any:
    """An object's body as it was sent, as a file."""
    place = cache_of(folder, settings)
    entry = catalogue.row(place, arguments.id).entry
    if not entry.complete:
        raise SettingError("Only parts of this object are stored.", field="id")
    if entry.length > LARGEST:
        raise SettingError(
            f"It is too large to be saved from here: {entry.length} bytes, and at most {LARGEST} are given.",
            field="id", hint="Fetch it through the proxy.",
        )  # fmt: skip
    with _body(place, entry) as stored:
        media = "application/octet-stream" if codings_of(entry) else media_of(entry)
        return Download(file_name(entry), media or "application/octet-stream", stored.read(0, entry.length))


# -- actions: the first two are a running server's, the others work on the files of a stopped one


def purge(store: Store, which: Which) -> int:
    """Remove one object, or all of a URL; how many. SettingError if there is none."""
    if not which.id and not which.url:
        raise SettingError("Say which object: its id or its URL.", field="id")
    count = store.remove_id(which.id) if which.id else store.remove(which.url)
    if not count:
        raise SettingError(
            "There is no such object in the cache (any more).", field="id" if which.id else "url"
        )
    return count


def purge_all(store: Store) -> int:
    """Remove everything; how many objects there were."""
    return store.clear()


def purge_files(folder: Path, settings: Any, arguments: Any) -> Any:
    """The same while the server is stopped."""
    place = cache_of(folder, settings)
    if not catalogue.page(place, "", "used", 0, 1).total:
        raise SettingError("The cache is empty.")
    with _stopped(place) as store:
        return purge(store, arguments)


def purge_all_files(folder: Path, settings: Any, arguments: Any) -> Any:
    """The same while the server is stopped."""
    place = cache_of(folder, settings)
    if not place.exists():
        return 0
    with _stopped(place) as store:
        return purge_all(store)


def _stopped(place: Path) -> Store:
    return Store(place, 2**62, sweep=False)  # whatever the limit is: the server keeps to it when it starts


QUERIES = (
    Query(name="objects", title="Objects in the cache", function=objects, arguments=Search),
    Query(name="object", title="An object", function=object_, arguments=Id),
    Query(name="body", title="An object's body", function=body, arguments=Id, help="As a file."),
)
ACTIONS = (
    Action(
        name="purge", title="Purge an object", arguments=Which, offline=purge_files, help="Or all of a URL."
    ),
    Action(name="purge_all", title="Purge everything", offline=purge_all_files),
)
