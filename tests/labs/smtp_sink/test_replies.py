"""Replies off a stream, as tables of bytes."""

from __future__ import annotations

import pytest

from servers.kit.errors import ProtocolError
from servers.smtp_sink.replies import MAX_WAITING, Reply, ReplyReader

LF = "The line ends in LF alone; CR LF ends it."


def read(data: bytes) -> list[Reply]:
    reader = ReplyReader()
    reader.feed(data)
    found = []
    while reply := reader.reply():
        found.append(reply)
    return found


@pytest.mark.parametrize(
    ("data", "code", "lines", "faults"),
    [
        (b"220 hi there\r\n", 220, ("hi there",), ()),
        (b"250\r\n", 250, ("",), ()),
        (b"250 \r\n", 250, ("",), ()),
        (b"250-one\r\n250-two\r\n250 three\r\n", 250, ("one", "two", "three"), ()),
        (b"250-one\r\n250\r\n", 250, ("one", ""), ()),
        (b"354 go\n", 354, ("go",), (LF,)),
        (b"250OK\r\n", 250, ("OK",), ("There is neither a space nor a hyphen after the code 250.",)),
        (
            b"250-one\r\n251 two\r\n", 251, ("one", "two"),
            ("The lines of one reply have different codes: 250, 251",),
        ),
        (b"250 gr\xc3\xbc\xc3\x9fe \xff\r\n", 250, ("grüße \ufffd",), ()),
    ],
)  # fmt: skip
def test_a_reply(data: bytes, code: int, lines: tuple[str, ...], faults: tuple[str, ...]) -> None:
    assert read(data) == [Reply(code=code, lines=lines, faults=faults)]
    reader = ReplyReader()  # the same, byte by byte
    found = []
    for byte in data:
        reader.feed(bytes((byte,)))
        if reply := reader.reply():
            found.append(reply)
    assert found == [Reply(code=code, lines=lines, faults=faults)]
    assert reader.clean


def test_several_replies_in_one_piece_keep_their_faults_apart() -> None:
    found = read(b"250 one\n550-no\r\n550 never\r\n221 bye\r\n")
    assert [(r.code, r.faults) for r in found] == [(250, (LF,)), (550, ()), (221, ())]
    assert found[1].shown() == ["550-no", "550 never"]


@pytest.mark.parametrize(
    "data", [b"hello\r\n", b"25 x\r\n", b"199 x\r\n", b"600 x\r\n", b"\r\n", b"250-a\r\nb\r\n"]
)
def test_what_is_no_reply_is_the_servers_fault(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="reply code"):
        read(data)


def test_a_line_of_more_than_512_bytes_is_a_fault_and_one_without_an_end_an_error() -> None:
    assert not read(b"250 " + 506 * b"x" + b"\r\n")[0].faults
    assert "513 bytes" in read(b"250 " + 507 * b"x" + b"\r\n")[0].faults[0]
    with pytest.raises(ProtocolError):
        read(b"250 " + MAX_WAITING * b"x")
    with pytest.raises(ProtocolError):
        read(b"250-x\r\n" * MAX_WAITING)


def test_a_last_line_without_an_end_is_taken_when_no_more_comes() -> None:
    reader = ReplyReader()
    reader.feed(b"220 hi")
    assert reader.reply() is None
    assert reader.rest() == Reply(code=220, lines=("hi",), faults=("The line has no end: CR LF is missing.",))
    reader.feed(b"nonsense")
    assert reader.rest() is None


def test_the_enhanced_code() -> None:
    assert read(b"550 5.1.1 No such one\r\n")[0].enhanced == "5.1.1"
    assert read(b"550 5.1 No\r\n")[0].enhanced == ""
