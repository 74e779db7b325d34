from __future__ import annotations

import typing
from typing import Any

import msgspec
import pytest

from servers.kit.events import PREVIEW, SHARED, Bytes, Event, ServerListening, preview, printable, snake
from servers.registry import LABS

KINDS = tuple(dict.fromkeys(kind for lab in LABS.values() for kind in lab.kinds))


def example(kind: type[Event]) -> Event:
    """An event of that kind with a value in every field."""
    hints = typing.get_type_hints(kind)
    return kind(**{info.name: _value(hints[info.name]) for info in msgspec.structs.fields(kind)})


def _value(hint: Any) -> Any:
    values: dict[Any, Any] = {
        float: 1.5, int: 7, str: "word", bool: True, Bytes: preview(b"hello"), dict[str, str]: {"a": "b"},
    }  # fmt: skip
    if hint in values:
        return values[hint]
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)[0]
    if typing.get_origin(hint) is tuple:
        parts = [part for part in typing.get_args(hint) if part is not ...]
        return tuple(_value(part) for part in parts)
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        return (
            (_value(item),)
            if typing.get_args(hint)[1:] == (...,)
            else tuple(map(_value, typing.get_args(hint)))
        )
    inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
    assert inner, f"no example for {hint}"
    return _value(inner[0])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_says_itself_in_words(kind: type[Event]) -> None:
    line = example(kind).line()
    assert line
    assert "\n" not in line
    assert line != kind.__name__
    assert "line" in vars(kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_survives_the_tagged_union(kind: type[Event]) -> None:
    union: Any = typing.Union[KINDS]  # noqa: UP007  (from a tuple)
    event = example(kind)
    encoded = msgspec.json.encode(event)
    assert msgspec.json.decode(encoded)["kind"] == snake(kind.__name__)
    assert msgspec.json.decode(encoded, type=union) == event


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_documented(kind: type[Event]) -> None:
    assert kind.__doc__
    assert kind.__doc__ != Event.__doc__


def test_kinds_of_a_lab_have_names_of_their_own() -> None:
    for lab in LABS.values():
        names = [snake(kind.__name__) for kind in lab.kinds]
        assert len(names) == len(set(names))
        assert set(SHARED) <= set(lab.kinds)


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(TypeError):
        ServerListening(t=0.0, adress="x", pid=1)  # type: ignore[call-arg]


def test_defaults_are_not_sent() -> None:
    assert set(msgspec.json.decode(msgspec.json.encode(ServerListening(t=1.0, address="a", pid=2)))) == {
        "kind", "t", "address", "pid",
    }  # fmt: skip


@pytest.mark.parametrize("size", [0, 1, PREVIEW - 1, PREVIEW, PREVIEW + 1, 65507])
def test_a_preview_is_cut_and_says_the_true_size(size: int) -> None:
    data = bytes(i % 256 for i in range(size))
    shown = preview(data)
    assert shown == Bytes(data[:PREVIEW], size)
    assert (len(shown.head) < shown.size) == (size > PREVIEW)


def test_a_preview_does_not_keep_the_buffer() -> None:
    buffer = bytearray(b"abc")
    shown = preview(buffer)
    buffer[0] = 0
    assert shown.head == b"abc"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"Ping 1", "Ping 1"),
        (b"a\r\n\tb", "a\\r\\n\\tb"),
        (b"\x00\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f"),
        ("é".encode(), "\\xc3\\xa9"),
        (b"x" * 60, "x" * 60),
        (b"x" * 61, "x" * 60 + "…"),
        (b"", ""),
    ],
)
def test_bytes_are_shown_on_one_harmless_line(data: bytes, shown: str) -> None:
    assert printable(data) == shown


@pytest.mark.parametrize(("name", "words"), [("DatagramReceived", "datagram_received"), ("Ping", "ping")])
def test_kinds_are_named_in_snake_case(name: str, words: str) -> None:
    assert snake(name) == words
