"""Writes the table of all event kinds from the structs: python -m servers.docs > docs/events.md"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from servers.kit.events import PREVIEW, SHARED, Event, snake
from servers.registry import LABS

HEAD = f"""# Events

Made from the structs by `python -m servers.docs > docs/events.md`; do not edit.

An event is a JSON object. Its `kind` says which of these it is. Fields at their default are left out.
Bytes travel as `{{"head": BASE64, "size": N}}`: the first {PREVIEW} bytes at the most, and how many there
were in all.

## Fields of every event
"""


def events_page() -> str:
    """The whole page, in Markdown."""
    lines = [HEAD, *_table(Event, of_all=True), "", "## Kinds that every lab has", ""]
    for kind in SHARED:
        lines += _section(kind)
    for lab in LABS.values():
        own = lab.kinds[len(SHARED) :]
        if own:
            lines += [f"## Kinds of the lab {lab.title}", ""]
            for kind in own:
                lines += _section(kind)
    return "\n".join(lines).rstrip() + "\n"


def _section(kind: type[Event]) -> Iterator[str]:
    yield f"### {snake(kind.__name__)}"
    yield ""
    yield " ".join((kind.__doc__ or "").replace("``", "`").split())
    yield ""
    rows = list(_table(kind))
    if len(rows) > 2:
        yield from rows
        yield ""


def _table(kind: type[Event], of_all: bool = False) -> Iterator[str]:
    yield "| field | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    if of_all:
        yield "| `kind` | text |  | which kind it is |"
    common = {info.name for info in msgspec.structs.fields(Event)}
    hints = get_type_hints(kind, include_extras=True)
    for info in msgspec.structs.fields(kind):
        if of_all or info.name not in common:
            words, meaning = _words(hints[info.name])
            default = "" if info.required else f"`{msgspec.json.encode(info.default).decode()}`"
            yield f"| `{info.name}` | {words} | {default} | {meaning} |"


def _words(hint: Any) -> tuple[str, str]:
    """A type in words, and the field's description."""
    if get_origin(hint) is Annotated:
        inner, meta = get_args(hint)[:2]
        return _words(inner)[0], meta.description or ""
    if get_origin(hint) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(hint)), ""
    if get_origin(hint) in (list, tuple):
        parts = dict.fromkeys(_words(part)[0] for part in get_args(hint) if part is not ...)
        return "list of " + " and ".join(f"({part})" if "list" in part else part for part in parts), ""
    if get_args(hint) and get_origin(hint) is not dict:
        return " or ".join(_words(part)[0] for part in get_args(hint)), ""
    names = {int: "integer", float: "number", str: "text", bool: "true or false", type(None): "null"}
    if get_origin(hint) is dict:
        return "object of texts", ""
    return names.get(hint, hint.__name__.lower()), ""


if __name__ == "__main__":
    sys.stdout.write(events_page())
