"""The messages, as tables of bytes."""

from __future__ import annotations

import pytest

from servers.udp_upper.protocol import judge, messages, place_of
from servers.udp_upper.results import Row, outcome, text_of


@pytest.mark.parametrize(
    ("sent", "reply", "verdict"),
    [
        (b"hello", b"HELLO", "whole"),
        (b"", b"", "whole"),
        (b"hello", b"HEL", "cut"),
        ("für".encode(), b"F\xc3", "cut"),
        ("straße".encode(), b"STRAS", "cut"),
        ("ŉŉ".encode(), "ʼN".encode(), "cut"),
        (b"hello", b"hello", "different"),
        (b"hello", b"", "different"),
        (b"hello", b"HELLO!", "different"),
    ],
)
def test_a_reply_is_judged(sent: bytes, reply: bytes, verdict: str) -> None:
    assert judge(sent, reply) == verdict


def test_one_datagram_is_the_text_and_several_have_numbers_in_front() -> None:
    assert messages("hi", 1, 0) == [b"hi"]
    assert messages("hi", 2, 0) == [b"1 hi", b"2 hi"]


@pytest.mark.parametrize(("text", "size"), [("hi", 12), ("ß", 7), ("", 5), ("hello", 3), ("a b", 65508)])
def test_a_size_is_filled_up_and_stays_utf8(text: str, size: int) -> None:
    (message,) = messages(text, 1, size)
    assert len(message) == max(size, len(text.encode()))
    assert message.decode().startswith(text)


@pytest.mark.parametrize(
    ("reply", "count", "place"),
    [
        (b"anything", 1, 0),
        (b"1 HI", 3, 0),
        (b"3 HI", 3, 2),
        (b"4 HI", 3, None),
        (b"0 HI", 3, None),
        (b"12", 20, None),
        (b"HI", 3, None),
        (b"\xb2 HI", 3, None),
        (b"", 3, None),
    ],
)
def test_a_reply_finds_its_datagram(reply: bytes, count: int, place: int | None) -> None:
    assert place_of(reply, count) == place


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"HI", "HI"),
        ("GRÖSSE".encode(), "GRÖSSE"),
        (b"\xff", "\\xff"),
        (b"a\x1bb", "a\\x1bb"),
        (b"x" * 60, "x" * 60),
        (b"x" * 61, "x" * 60 + "…"),
        ("ö".encode() * 5000, "ö" * 60 + "…"),
    ],
)
def test_bytes_are_shown_as_text_where_they_are_text(data: bytes, shown: str) -> None:
    assert text_of(data) == shown


def test_the_summary_says_what_became_of_them() -> None:
    rows = [Row(1, "reply", 4, 4), Row(2, "cut", 4, 2, 2), Row(3, "cut", 4, 3), Row(4, "no reply", 4)]
    rows.append(Row(5, "different", 4, 4))
    found = outcome(rows, 0, "", connected=False)
    assert (found.sent, found.replies, found.no_reply, found.bytes_lost, found.matches) == (5, 4, 1, 2, False)
    assert found.summary == (
        "5 of 5 sent, 4 answered. Of 1 reply the rest had no room in the client's buffer: 2 bytes are lost. "
        "1 reply answers only the head: the server's buffer cut. "
        "1 reply is not what was sent, in upper case. "
        "Of what was lost, UDP says nothing. With connect() a closed port would be told."
    )
