"""Which answer belongs to which request: dialogues as they are heard by one who stands between."""

from __future__ import annotations

from typing import Any

import pytest

from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.pairing import Pairing
from servers.tcp_replay.unfinished import MOST_CHUNKS, Cut
from tests.labs.tcp_replay import streams

Step = tuple[str, bytes]


def hear(framing: str, *steps: Step | str, keep: int = 10_000, end: bool = True) -> list[Exchange]:
    """The exchanges of a dialogue. C and S say bytes; «quiet», «client» and «server» happen."""
    pairing = Pairing(framing, keep, 50)
    pairing.opened(0.0)
    found: list[Exchange] = []
    for t, step in enumerate(steps, 1):
        if step == "quiet":
            found += pairing.quiet(t) if pairing.gaps else []
        elif isinstance(step, str):
            found += pairing.ended(step, t)  # type: ignore[arg-type]
        else:
            found += (pairing.request if step[0] == "C" else pairing.response)(step[1], t)
    return found + pairing.closed(len(steps) + 1) if end else found


def said(exchanges: list[Exchange]) -> list[tuple[bytes, bytes]]:
    assert [each.number for each in exchanges] == list(range(1, len(exchanges) + 1))
    assert all(each.greeting == (not each.request) for each in exchanges)
    return [(each.request, each.answer) for each in exchanges]


def c(data: bytes) -> Step:
    return "C", data


def s(data: bytes) -> Step:
    return "S", data


GET, HEAD, POST = streams.GET, streams.HEAD, streams.POST
PLAIN, CHUNKED = streams.PLAIN, streams.CHUNKED
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"

DIALOGUES: list[tuple[str, str, list[Any], list[tuple[bytes, bytes]]]] = [
    (
        "SMTP: the server speaks first, and each line is answered",
        "line",
        [
            s(b"220 hi\r\n"), c(b"EHLO x\r\n"), s(b"250-a\r\n"), s(b"250 b\r\n"), c(b"QUIT\r\n"),
            s(b"221 bye\r\n"), "server",
        ],
        [(b"", b"220 hi\r\n"), (b"EHLO x\r\n", b"250-a\r\n250 b\r\n"), (b"QUIT\r\n", b"221 bye\r\n")],
    ),
    (
        "lines that nobody answers",
        "line",
        [c(b"DATA\r\n"), s(b"354 go\r\n"), c(b"one\r\ntwo\r\n.\r"), c(b"\n"), s(b"250 ok\r\n")],
        [(b"DATA\r\n", b"354 go\r\n"), (b"one\r\n", b""), (b"two\r\n", b""), (b".\r\n", b"250 ok\r\n")],
    ),
    (
        "the server goes on after a pause",
        "line",
        [c(b"slow\n"), "quiet", s(b"1\n"), "quiet", s(b"2\n"), "quiet", c(b"next\n"), s(b"3\n")],
        [(b"slow\n", b"1\n"), (b"", b"2\n"), (b"next\n", b"3\n")],
    ),
    (
        "both speak at once: an answer belongs to what was whole before it",
        "line",
        [c(b"a\nb"), s(b"A1"), c(b"bb\n"), s(b"B1"), c(b"c"), s(b"B2"), c(b"\n"), s(b"C")],
        [(b"a\n", b"A1"), (b"bbb\n", b"B1B2"), (b"c\n", b"C")],
    ),
    (
        "the client ends its side and is answered all the same",
        "line",
        [c(b"sum\n"), c(b"rest"), "client", s(b"42"), "server"],
        [(b"sum\n", b""), (b"rest", b"42")],
    ),
    (
        "binary, with lengths",
        "length2",
        [c(b"\0\3\r\n\xff\0"), s(b"\0\1x"), c(b"\1z"), s(b"\0\0")],
        [(b"\0\3\r\n\xff", b"\0\1x"), (b"\0\1z", b"\0\0")],
    ),
    (
        "a pause ends a request, and so does its answer",
        "pause",
        [c(b"he"), c(b"llo"), s(b"HELLO"), c(b"again"), "quiet", s(b"AGAIN"), "quiet"],
        [(b"hello", b"HELLO"), (b"again", b"AGAIN")],
    ),
    (
        "the whole connection",
        "connection",
        [s(b"hi"), c(b"a\n"), c(b"b\n"), "quiet", s(b"A"), "client", s(b"B"), "server"],
        [(b"a\nb\n", b"hiAB")],
    ),
    ("a connection on which only the server speaks", "connection", [s(b"12:30")], [(b"", b"12:30")]),
    (
        "an empty line ends a request",
        "crlfcrlf",
        [c(streams.ARTICLE + GET), s(PLAIN)],
        [(streams.ARTICLE, b""), (GET, PLAIN)],
    ),
    (
        "HTTP, one after the other",
        "http",
        [c(GET), s(PLAIN), c(POST[:20]), c(POST[20:]), s(CHUNKED[:50]), s(CHUNKED[50:])],
        [(GET, PLAIN), (POST, CHUNKED)],
    ),
    (
        "HTTP, pipelined",
        "http",
        [c(GET + HEAD + POST), s(CHUNKED + streams.HEADED + PLAIN[:9]), s(PLAIN[9:])],
        [(GET, CHUNKED), (HEAD, streams.HEADED), (POST, PLAIN)],
    ),
    (
        "HTTP: 100 comes before the request is whole",
        "http",
        [c(POST[:-7]), s(streams.CONTINUE), c(POST[-7:]), s(PLAIN)],
        [(POST, streams.CONTINUE + PLAIN)],
    ),
    (
        "HTTP: the answer comes before the request is whole",
        "http",
        [c(POST[:-7]), s(PLAIN), c(POST[-7:]), c(GET), s(CHUNKED)],
        [(POST, PLAIN), (GET, CHUNKED)],
    ),
    (
        "HTTP: an answer until the connection ends",
        "http",
        [c(GET), s(streams.UNTIL_CLOSE), "server"],
        [(GET, streams.UNTIL_CLOSE)],
    ),
    ("HTTP: no answer", "http", [c(GET + HEAD), s(PLAIN), "server"], [(GET, PLAIN), (HEAD, b"")]),
    ("HTTP: a request that nobody asked for an answer to", "http", [s(PLAIN)], [(b"", PLAIN)]),
    ("HTTP: half a request", "http", [c(POST[:-3])], [(POST[:-3], b"")]),
    (
        "no HTTP at all, under HTTP's framing",
        "http",
        [
            s(b"220 hi\r\n"), "quiet", c(b"EHLO x\r\n"), "quiet", s(b"250 ok\r\n"), "quiet",
            c(b"QUIT\r\n"), s(b"221 bye\r\n"),
        ],
        [(b"", b"220 hi\r\n"), (b"EHLO x\r\n", b"250 ok\r\n"), (b"QUIT\r\n", b"221 bye\r\n")],
    ),
    (
        "a request that is no HTTP, and a response that is",
        "http",
        [c(b"GET /a b HTTP/1.1\r\n\r\n"), s(PLAIN), c(b"GET /c d HTTP/1.1\r\n\r\n"), "quiet", s(CHUNKED)],
        [(b"GET /a b HTTP/1.1\r\n\r\n", PLAIN), (b"GET /c d HTTP/1.1\r\n\r\n", CHUNKED)],
    ),
    (
        "HTTP that turns into another protocol",
        "http",
        [c(GET), s(UPGRADE + b"\x81\1a"), "quiet", c(b"\x81\1b"), s(b"\x81\1c")],
        [(GET, UPGRADE), (b"", b"\x81\1a"), (b"\x81\1b", b"\x81\1c")],
    ),
    (
        "HTTP/0.9, with one line",
        "http",
        [c(b"GET /\r\n"), "quiet", s(b"<html>"), "server"],
        [(b"GET /\r\n", b"<html>")],
    ),
    ("the article's request", "http", [c(streams.ARTICLE), s(PLAIN)], [(streams.ARTICLE, PLAIN)]),
]  # fmt: skip
DIALOGUE = pytest.mark.parametrize(
    ("framing", "steps", "expected"), [row[1:] for row in DIALOGUES], ids=[row[0] for row in DIALOGUES]
)


@DIALOGUE
def test_each_answer_belongs_to_its_request(
    framing: str, steps: list[Any], expected: list[tuple[bytes, bytes]]
) -> None:
    assert said(hear(framing, *steps)) == expected


@DIALOGUE
def test_cutting_what_each_says_byte_by_byte_changes_no_exchange(
    framing: str, steps: list[Any], expected: list[tuple[bytes, bytes]]
) -> None:
    pieces: list[Any] = []
    for step in steps:
        pieces += (
            [step]
            if isinstance(step, str)
            else [(step[0], step[1][at : at + 1]) for at in range(len(step[1]))]
        )
    assert said(hear(framing, *pieces)) == expected


@pytest.mark.parametrize("framing", ["http", "line", "length4", "crlfcrlf", "pause", "connection"])
def test_a_connection_on_which_nobody_speaks_has_no_exchange(framing: str) -> None:
    assert hear(framing, "client", "server") == []
    assert hear(framing) == []


def test_an_exchange_is_told_as_soon_as_it_is_whole() -> None:
    assert said(hear("http", c(GET), s(PLAIN), end=False)) == [(GET, PLAIN)]
    assert said(hear("line", c(b"a\n"), s(b"A"), "quiet", end=False)) == [(b"a\n", b"A")]
    assert said(hear("line", c(b"a\n"), "quiet", end=False)) == []  # it may still be answered
    assert said(hear("line", c(b"a\n"), s(b"A"), c(b"b\n"), end=False)) == [(b"a\n", b"A")]
    assert said(hear("connection", c(b"a"), s(b"A"), "server", "client", end=False)) == [(b"a", b"A")]


def test_times_count_from_the_whole_request() -> None:
    both = PLAIN[20:] + CHUNKED[:9]
    one, two = hear("http", c(GET[:5]), c(GET[5:]), s(PLAIN[:20]), s(both), c(POST), s(CHUNKED[9:]))
    assert one.at == 2
    assert [(chunk.ms, chunk.data) for chunk in one.response] == [(1000, PLAIN[:20]), (2000, PLAIN[20:])]
    assert two.at == 5
    assert [(chunk.ms, chunk.data) for chunk in two.response] == [(0, CHUNKED[:9]), (1000, CHUNKED[9:])]


def test_a_greeting_counts_from_the_opening_and_a_later_word_from_itself() -> None:
    first, second = hear("line", s(b"hi\n"), "quiet", s(b"still there?\n"))
    assert (first.at, [chunk.ms for chunk in first.response]) == (0.0, [1000])
    assert (second.at, [chunk.ms for chunk in second.response]) == (3.0, [0])


def test_a_request_that_a_pause_ended_counts_from_its_last_byte() -> None:
    (only,) = hear("pause", c(b"a"), c(b"b"), s(b"AB"))
    assert (only.at, only.response[0].ms) == (2, 1000)


def test_ends_are_noted() -> None:
    sum_, rest = hear("line", c(b"sum\nrest"), "client", s(b"42"), "server")
    assert (sum_.client_end, sum_.server_end) == (False, False)
    assert (rest.client_end, rest.server_end) == (True, True)
    closes = PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    assert [each.server_end for each in hear("http", c(GET + GET), s(PLAIN + closes))] == [False, True]
    assert [each.server_end for each in hear("http", c(GET), s(PLAIN), "server")] == [False]
    assert [each.server_end for each in hear("http", c(GET), "server")] == [True]
    assert [each.client_end for each in hear("http", c(GET), "client", s(PLAIN))] == [True]


@pytest.mark.parametrize("framing", ["http", "line", "connection", "pause"])
def test_what_is_too_large_is_counted_and_told_as_cut(framing: str) -> None:
    end = b"\n" if framing == "line" else b""
    ask = b"POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" if framing == "http" else b""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" if framing == "http" else b""
    (large,) = hear(framing, c(ask + 5000 * b"q" + end), s(head), *[s(10 * b"a")] * 900, keep=100)
    assert isinstance(large, Cut)
    assert large.request_size == len(ask) + 5000 + len(end)
    assert large.response_size == len(head) + 9000
    assert len(large.request) == len(large.answer) == 100
    (fits,) = hear(framing, c(ask + 5000 * b"q" + end), s(head), *[s(10 * b"a")] * 900, keep=9100)
    assert type(fits) is Exchange
    assert len(fits.answer) == len(head) + 9000


@pytest.mark.parametrize("framing", ["http", "line"])
def test_an_answer_that_drips_has_a_bounded_number_of_chunks(framing: str) -> None:
    head = b"HTTP/1.0 200 OK\r\n\r\n"
    (one,) = hear(framing, c(GET if framing == "http" else b"a\n"), s(head), *[s(b"x")] * 12_000, keep=50_000)
    assert len(one.response) == MOST_CHUNKS
    assert one.answer == head + 12_000 * b"x"


def test_the_pairing_says_when_it_must_be_told_of_pauses_and_what_does_not_fit() -> None:
    pairing = Pairing("http", 1000, 50)
    pairing.request(GET, 1)
    pairing.response(PLAIN[:30], 2)
    assert not pairing.gaps
    assert pairing.fault == ""
    pairing.response(PLAIN[30:] + b"and more", 3)
    assert pairing.gaps
    assert "and more" in pairing.fault


def test_a_server_that_only_follows_its_client_is_not_said_to_end() -> None:
    (left,) = hear("line", c(b"a\n"), s(b"A\n"), "client", "server")
    assert (left.client_end, left.server_end) == (True, False)
    (asked,) = hear("line", c(b"a\n"), "client", s(b"A\n"), "server")  # it had ended before the answer
    assert (asked.client_end, asked.server_end) == (True, True)
    (ended,) = hear("line", c(b"a\n"), s(b"A\n"), "server", "client")
    assert (ended.client_end, ended.server_end) == (False, True)
