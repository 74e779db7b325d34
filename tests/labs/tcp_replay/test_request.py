"""What the raw client is asked for: the bytes of each send, and what is wrong with a text."""

from __future__ import annotations

from typing import Any

import pytest

from servers.kit.errors import SettingError
from servers.kit.settings import arguments, parse
from servers.tcp_replay.printing import is_text, lines_of, readable
from servers.tcp_replay.request import Request
from servers.tcp_replay.sending import parts_of


def sends(text: str, **given: Any) -> tuple[bytes, ...]:
    request = parse(Request, {"text": text, **given})
    return parts_of(request.text, hex=request.hex, escapes=request.escapes, eol=request.ending)


@pytest.mark.parametrize(
    ("text", "given", "wanted"),
    [
        ("", {}, ()),
        ("HELO me", {}, (b"HELO me\r\n",)),
        ("HELO me\n", {}, (b"HELO me\r\n",)),
        ("GET / HTTP/1.0\n\n", {}, (b"GET / HTTP/1.0\r\n\r\n",)),
        ("GET / HTTP/1.0\r\n\r\n", {}, (b"GET / HTTP/1.0\r\n\r\n",)),
        ("a\r\nb", {"eol": "lf"}, (b"a\nb\n",)),
        ("a\r\nb", {"eol": "none"}, (b"a\r\nb",)),
        ("a\n", {"eol": "none"}, (b"a\n",)),
        ("Ping 1 2", {"udp": True}, (b"Ping 1 2",)),
        ("Ping 1 2", {"udp": True, "eol": "lf"}, (b"Ping 1 2\n",)),
        ("a\n---\nb", {}, (b"a\r\n", b"b\r\n")),
        ("a\r\n---\r\nb", {"eol": "none"}, (b"a\r", b"b")),
        ("a\n---\nb", {"eol": "none"}, (b"a", b"b")),
        ("a\n---\n", {"eol": "none"}, (b"a", b"")),
        ("a ---\n----\n--- b", {}, (b"a ---\r\n----\r\n--- b\r\n",)),
        (r"a\r\n\x00\xfF\t\\n\0", {"escapes": True}, (b"a\r\n\x00\xff\t\\n\x00",)),
        (r"a\r", {}, (b"a\\r\r\n",)),
        (r"a\x41", {"escapes": True, "eol": "crlf"}, (b"aA\r\n",)),
        ("48 65:6c\n6C,0x6f", {"hex": True}, (b"Hello",)),
        ("00\n---\nff", {"hex": True}, (b"\x00", b"\xff")),
        ("ä…", {"eol": "none"}, ("ä…".encode(),)),
        ("caf\udce9", {"eol": "none"}, (b"caf\xe9",)),
    ],
)
def test_the_bytes_of_each_send(text: str, given: dict[str, Any], wanted: tuple[bytes, ...]) -> None:
    assert sends(text, **given) == wanted


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        ("41 4g", {"hex": True}, "«g» in line 1, place 5"),
        ("41\n4142 x", {"hex": True}, "«x» in line 2, place 6"),
        ("0x41 x", {"hex": True}, "«x» in line 1, place 6"),
        ("41\n---\n\n4z", {"hex": True}, "«z» in line 4, place 2"),
        ("41 414", {"hex": True}, "«414» has an odd number"),
        (r"a\q", {"escapes": True}, r"«\q» in line 1"),
        ("a\n\\x4", {"escapes": True}, r"«\x» in line 2"),
        ("a\\", {"escapes": True}, r"«\» in line 1"),
        ("a\0b", {}, "NUL"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError) as raised:
        sends(text, **given)
    assert words in raised.value.message
    assert raised.value.field == "text"
    assert raised.value.hint or "odd number" in words


def test_a_request_goes_through_a_command_line() -> None:
    given = parse(Request, {"text": "-a\n---\nb\\r", "eol": "lf", "udp": True, "wait": 0.5})
    words = arguments(given)
    assert words == ["--text=-a\n---\nb\\r", "--eol", "lf", "--udp", "--wait", "0.5"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", True), (b"abc\r\n\t", True), ("ä€".encode(), True), (b"\0abc", False), (b"a\x1b[2J", False),
        ("ä€".encode()[1:], True), ("ä€".encode()[:-1], True), (b"caf\xe9 au lait", False),
        (b"\x80\x81\x82", False), (b"\x7f", False),
    ],
)  # fmt: skip
def test_what_is_text(data: bytes, text: bool) -> None:
    assert is_text(data) is text


def test_text_shows_its_line_ends_and_commands_no_terminal() -> None:
    assert readable(b"a\r\nb\n") == "a\\r\\n\nb\\n\n"
    assert list(lines_of(b"a\r\n\r\nb")) == ["a\\r\\n", "\\r\\n", "b"]
    assert list(lines_of("ok \u202e reversed".encode())) == ["ok \\u202e reversed"]
    assert readable(b"\x1b[2J\x9b") == "\\x1b[2J\\x9b"


def test_what_is_no_text_is_dumped() -> None:
    assert list(lines_of(bytes(range(17)))) == [
        "0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  |................|",
        "0010  10                                               |.|",
    ]
