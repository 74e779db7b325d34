"""What the page asks of a tape, whether the server runs or not: its exchanges, one of them, the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.escapes import escaped
from servers.kit.http_events import masked
from servers.kit.lab import Download, Query
from servers.tcp_replay import framing
from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.har_out import final, to_har
from servers.tcp_replay.http_framing import RESPONSE
from servers.tcp_replay.place import tape_of
from servers.tcp_replay.tape import Tape, load, write_tape
from servers.tcp_replay.text import is_text

PREVIEW = 120
"""Bytes of a message that the list shows."""
SHOWN = 64 * 1024
"""Bytes of a message that are shown; more can be downloaded."""
ENDINGS = (".jsonl", ".log")


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which exchanges."""

    q: Annotated[str, Meta(max_length=400, title="Words", description="In request or response.")] = ""
    offset: Annotated[int, Meta(ge=0, le=10_000_000, title="From the")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000, title="At most")] = 100


class Id(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One exchange."""

    id: Annotated[int, Meta(ge=1, le=2**53, title="Exchange", description="Its number on the tape.")]


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which form."""

    format: Annotated[Literal["jsonl", "log", "har"], Meta(title="Format")] = "jsonl"


def _read(folder: Path, settings: Any) -> tuple[Path, Tape]:
    """The tape, as it is now; an empty one if there is none yet."""
    path = tape_of(folder, settings)
    try:
        return path, load(path.read_bytes())
    except FileNotFoundError:
        return path, Tape("jsonl", [])
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror or error}.", field="tape") from error


def tape(folder: Path, settings: Any, arguments: Any) -> Any:
    """A page of the tape's exchanges."""
    path, read = _read(folder, settings)
    found = read.exchanges
    if arguments.q:
        word = arguments.q.encode().lower()
        found = [each for each in found if word in each.request.lower() or word in each.answer.lower()]
    page = found[arguments.offset : arguments.offset + arguments.limit]
    return {
        "path": path.name, "form": read.form, "count": len(read.exchanges), "found": len(found),
        "damaged": read.words[:20], "damaged_count": len(read.faults),
        "exchanges": [_row(each) for each in page],
    }  # fmt: skip


def _row(exchange: Exchange) -> dict[str, Any]:
    """A line of the list: sizes in bytes, times in seconds since 1970, ms from request to last byte."""
    answer = exchange.answer
    status = RESPONSE.match(final(answer)) if answer.startswith(b"HTTP/") else None
    return {
        "id": exchange.id, "at": exchange.at, "conn": exchange.conn, "number": exchange.number,
        "peer": exchange.peer, "target": exchange.target, "transport": exchange.transport,
        "framing": exchange.framing, "greeting": exchange.greeting,
        "request": _preview(exchange.request), "request_size": len(exchange.request),
        "response": _preview(answer), "response_size": len(answer), "chunks": len(exchange.response),
        "ms": exchange.response[-1].ms if exchange.response else 0.0,
        "status": int(status[2]) if status else None,
        "client_end": exchange.client_end, "server_end": exchange.server_end,
    }  # fmt: skip


def _preview(data: bytes) -> str:
    return escaped(masked(data[: 4 * PREVIEW])[:PREVIEW]) + ("…" if len(data) > PREVIEW else "")


def exchange(folder: Path, settings: Any, arguments: Any) -> Any:
    """All of an exchange, and where each framing would end messages in what its client said."""
    exchanges = _read(folder, settings)[1].exchanges
    one = next((each for each in exchanges if each.id == arguments.id), None)
    if one is None:
        raise SettingError(f"There is no exchange {arguments.id} on the tape (any more).", field="id")
    said = [each.request for each in exchanges if (each.conn, each.peer) == (one.conn, one.peer)]
    stream = b"".join(said if one.conn else [one.request])[:SHOWN]
    return {
        **_row(one),
        "request": _shown(one.request),
        "response": {
            **_shown(one.answer),
            "chunks": [{"ms": each.ms, "size": len(each.data)} for each in one.response[:1000]],
        },
        "cuts": _cuts(one.request),
        "stream": {**_shown(stream), "cuts": _cuts(stream)},
    }


def _cuts(data: bytes) -> dict[str, list[int]]:
    return {name: framing.cuts(name, data[:SHOWN])[:1000] for name in framing.NAMES}


def _shown(data: bytes) -> dict[str, Any]:
    """Bytes as text, as text with escapes, and as hex; secrets of HTTP masked."""
    head = masked(data[:SHOWN])
    return {
        "text": head.decode("utf-8", "replace"), "escaped": escaped(head), "hex": head.hex(),
        "is_text": is_text(head), "size": len(data), "whole": len(data) <= SHOWN,
        "masked": head != data[:SHOWN],
    }  # fmt: skip


def file(folder: Path, settings: Any, arguments: Any) -> Any:
    """The tape as a file."""
    path, read = _read(folder, settings)
    if arguments.format == "har":
        return Download(f"{path.stem}.har", "application/json", to_har(read.exchanges))
    media = "application/jsonl" if arguments.format == "jsonl" else "text/plain; charset=us-ascii"
    kept = [each for each in read.exchanges if arguments.format == "jsonl" or not each.greeting]
    return Download(f"{path.stem}.{arguments.format}", media, write_tape(kept, arguments.format))


def tapes(folder: Path, settings: Any, arguments: Any) -> Any:
    """The tapes beside the one in use, and the instance's own: sizes in bytes, times since 1970."""
    used = tape_of(folder, settings)
    found: dict[Path, dict[str, Any]] = {}
    for place in dict.fromkeys((folder, used.parent)):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.suffix in ENDINGS and path.is_file():
                told = path.stat()
                found[path] = {
                    "path": str(path), "name": path.name, "size": told.st_size, "changed": told.st_mtime,
                    "used": path == used, "own": path.parent == folder,
                }  # fmt: skip
    return {"path": str(used), "tapes": list(found.values())[:1000]}


QUERIES = (
    Query(name="tape", title="The tape's exchanges", function=tape, arguments=Page),
    Query(name="exchange", title="An exchange", function=exchange, arguments=Id),
    Query(
        name="file", title="The tape as a file", function=file, arguments=Form, role="teacher",
        help="As it was recorded, with any password in it.",
    ),
    Query(name="tapes", title="The tapes", function=tapes, role="teacher"),
)  # fmt: skip
