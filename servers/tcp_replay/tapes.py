"""What may be done to a tape from the page, while the server runs or is stopped. Queries: ``shown.py``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.escapes import unescaped
from servers.kit.lab import Action, Nothing
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.place import tape_of
from servers.tcp_replay.shown import QUERIES, Id

__all__ = ["ACTIONS", "QUERIES", "actions_of"]

LARGEST = 20_000_000
"""Bytes of a tape that is uploaded."""


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another response for an exchange."""

    id: Annotated[int, Meta(ge=1, le=2**53, title="Exchange", description="Its number on the tape.")]
    response: Annotated[str, Meta(max_length=250_000, title="Response")]
    escape: Annotated[
        bool, Meta(title="Escapes", description="\\r, \\n, \\t, \\\\ and \\xNN stand for bytes.")
    ] = True


class Upload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of a file; with the last one the file takes the tape's place."""

    data: Annotated[str, Meta(max_length=200_000, title="Bytes", description="Base64, 150 KB at the most.")]
    at: Annotated[int, Meta(ge=0, le=LARGEST, title="Offset")] = 0
    last: Annotated[bool, Meta(title="Last piece")] = True


def actions_of(deck: Deck) -> dict[str, Callable[[Any], Any]]:
    """What a running server does when it is asked, by name. Arguments as JSON has them; SettingError."""
    return {name: _doing(deck, function, kind) for name, (function, kind) in DOING.items()}


def _doing(
    deck: Deck, function: Callable[[Deck, Any], Any], kind: type[msgspec.Struct]
) -> Callable[[Any], Any]:
    return lambda arguments: function(deck, msgspec.convert(arguments or {}, kind))


def _offline(name: str) -> Callable[[Path, Any, Any], Any]:
    """The same on the file, while no server uses it."""

    def act(folder: Path, settings: Any, arguments: Any) -> Any:
        with _opened(tape_of(folder, settings), settings) as deck:
            return DOING[name][0](deck, arguments)

    return act


@contextmanager
def _opened(path: Path, settings: Any) -> Iterator[Deck]:
    deck = Deck(path, settings)
    try:
        yield deck
    finally:
        deck.close()


def edit(deck: Deck, wanted: Edit) -> int:
    """Another response; its size in bytes."""
    data = unescaped(wanted.response) if wanted.escape else wanted.response.encode("utf-8", "replace")
    deck.edit(wanted.id, data)
    return len(data)


def remove(deck: Deck, which: Id) -> int:
    """One exchange less; how many are left."""
    deck.remove(which.id)
    return deck.count


def clear(deck: Deck, _: Nothing) -> int:
    """No exchange is left; how many there were."""
    count = deck.count
    deck.clear()
    return count


def rewind(deck: Deck, _: Nothing) -> int:
    """Replay from the beginning; how many exchanges there are."""
    deck.rewind()
    return deck.count


def upload(deck: Deck, piece: Upload) -> Any:
    """A piece of a file beside the tape; the last one makes it the tape."""
    part = deck.path.with_name(deck.path.name + ".part")
    try:
        data = base64.b64decode(piece.data, validate=True)
    except (binascii.Error, ValueError):
        raise SettingError("The piece is not base64.", field="data") from None
    have = part.stat().st_size if piece.at and part.exists() else 0
    if piece.at != have:
        raise SettingError(f"{have} bytes came so far, so the next piece is not at {piece.at}.", field="at")
    if have + len(data) > LARGEST:
        part.unlink(missing_ok=True)
        raise SettingError(f"A tape of more than {LARGEST:,} bytes cannot be uploaded.", field="data")
    with open(part, "ab" if piece.at else "wb") as kept:
        kept.write(data)
    if not piece.last:
        return {"size": have + len(data)}
    whole = part.read_bytes()
    part.unlink()
    damaged = deck.put(whole)
    return {
        "size": len(whole), "exchanges": deck.count, "damaged": damaged[:20], "damaged_count": len(damaged)
    }  # fmt: skip


DOING: dict[str, tuple[Callable[[Deck, Any], Any], type[msgspec.Struct]]] = {
    "edit": (edit, Edit), "remove": (remove, Id), "clear": (clear, Nothing), "rewind": (rewind, Nothing),
    "upload": (upload, Upload),
}  # fmt: skip

ACTIONS = (
    Action(name="edit", title="Edit a response", arguments=Edit, offline=_offline("edit")),
    Action(name="remove", title="Remove an exchange", arguments=Id, offline=_offline("remove")),
    Action(name="clear", title="Clear the tape", offline=_offline("clear")),
    Action(name="upload", title="Upload a tape", arguments=Upload, offline=_offline("upload")),
    Action(name="rewind", title="Replay from the beginning"),
)
