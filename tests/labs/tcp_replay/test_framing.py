"""Where messages end: tables of streams, each cut in every manner."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest

from servers.kit.http import MAX_HEAD
from servers.tcp_replay.framing import NAMES, cuts, framer
from servers.tcp_replay.http_framing import Http
from tests.labs.tcp_replay import streams
from tests.labs.tcp_replay.streams import cuttings, heard

BINARY = bytes(range(256))

ENDS = [
    ("crlfcrlf", [b"GET /\r\n\r\n", b"\r\n\r\n", b"a\r\n\n\r\n\r\r\n\r\n", b"\r\r\n\r\n"], b"rest\r\n\r"),
    ("crlfcrlf", [b"a\r\n\r\n", b"\r\n\r\n"], b"\r\n\r"),
    ("line", [b"EHLO x\r\n", b"\n", b"\r\n", b"a\rb\n", BINARY[:11]], BINARY[11:]),
    ("length1", [b"\0", b"\1a", b"\xff" + 255 * b"x"], b"\5ab"),
    ("length2", [b"\0\0", b"\0\1a", b"\1\0" + BINARY], b"\0"),
    ("length4", [b"\0\0\0\0", b"\0\0\1\0" + BINARY], b"\xff\xff\xff\xff\0"),
    ("connection", [], b"a\r\n\r\nb\n"),
    ("pause", [], b"a\r\n\r\nb\n"),
]


@pytest.mark.parametrize(("name", "messages", "rest"), ENDS)
def test_a_stream_has_the_same_messages_however_it_is_cut(
    name: str, messages: list[bytes], rest: bytes
) -> None:
    data = b"".join(messages)
    for pieces in cuttings(data + rest):
        told = framer(name, "request", 1000)
        assert heard(told, pieces, end=False) == messages
        assert told.waiting == len(rest)
        assert [message.data for message in told.end()] == [rest]
        assert told.waiting == 0
        assert told.end() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_without_bytes_has_no_message(name: str) -> None:
    told = framer(name, "request", 10)
    assert told.feed(b"") == told.quiet() == told.end() == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("pause", "http")])
def test_pauses_end_nothing_where_the_bytes_tell(name: str) -> None:
    told = framer(name, "request", 10)
    told.feed(b"\5ab")
    assert not told.gaps
    assert told.quiet() == []
    assert told.waiting == 3


def test_a_pause_ends_a_message() -> None:
    told = framer("pause", "request", 10)
    assert told.gaps
    assert told.feed(b"ab") == told.feed(memoryview(b"cd")) == []
    assert [message.data for message in told.quiet()] == [b"abcd"]
    assert told.quiet() == []


@pytest.mark.parametrize("name", ["line", "crlfcrlf", "length4", "pause", "connection"])
def test_what_is_larger_than_is_kept_is_counted_and_ends_where_it_ends(name: str) -> None:
    body = 5000 * b"x"
    large = {"line": body + b"\n", "crlfcrlf": body + b"\r\n\r\n", "length4": b"\0\0\x13\x88" + body}.get(
        name, body
    )
    for pieces in cuttings(large):
        told = framer(name, "request", 100)
        found = [message for piece in pieces for message in told.feed(piece)] + told.end()
        assert [(message.data, message.size, message.cut) for message in found] == [
            (large[:100], len(large), True)
        ]


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("line", "request"),
        ("length4", "request"),
        ("http", "request"),
        ("http", "response"),
        ("pause", "request"),
    ],
)
def test_a_message_of_200_mb_does_not_stay_in_memory(name: str, side: str) -> None:
    piece = 256 * 1024 * b"x"
    size = 800 * len(piece)
    start = {
        "request": b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size,
        "response": b"HTTP/1.1 200 OK\r\n\r\n",
    }[side]
    told = framer(name, side, 1000)  # type: ignore[arg-type]
    told.feed({"http": start, "length4": size.to_bytes(4, "big")}.get(name, b""))
    tracemalloc.start()
    found = [message for _ in range(800) for message in told.feed(piece)] + told.end()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
    assert len(found) == 1
    assert (len(found[0].data), found[0].cut) == (1000, True)
    assert found[0].size >= size


# -- HTTP


REQUESTS = [
    [streams.GET, streams.GET],
    [streams.HEAD, streams.POST, streams.UPLOAD, streams.GET],
    [streams.SLOPPY, streams.ARTICLE, streams.GET],
    [b"\r\n" + streams.GET, b"\n\r\n" + streams.POST],
    [b"OPTIONS * HTTP/1.1\r\n\r\n", b"CONNECT a:443 HTTP/1.1\r\n\r\n"],
]


@pytest.mark.parametrize("messages", REQUESTS)
def test_requests_end_where_their_heads_say(messages: list[bytes]) -> None:
    for pieces in cuttings(b"".join(messages)):
        told = Http("request", 10_000)
        assert heard(told, pieces, end=False) == messages
        assert (told.fault, told.waiting, told.end()) == ("", 0, [])


RESPONSES = [
    ([], [streams.PLAIN, streams.CHUNKED, streams.PLAIN]),
    (["HEAD", "GET"], [streams.HEADED, streams.PLAIN]),
    (["GET", "GET", "GET"], [streams.NO_CONTENT, streams.NOT_MODIFIED, streams.EMPTY]),
    (["POST", "GET"], [streams.CONTINUE + streams.PLAIN, streams.HINTS + streams.HINTS + streams.CHUNKED]),
    (["HEAD"], [streams.CONTINUE + streams.HEADED]),
]


@pytest.mark.parametrize(("methods", "messages"), RESPONSES)
def test_responses_end_where_heads_and_methods_say(methods: list[str], messages: list[bytes]) -> None:
    for pieces in cuttings(b"".join(messages)):
        told = Http("response", 10_000)
        for method in methods:
            told.expect(method)
        assert heard(told, pieces, end=False) == messages
        assert (told.fault, told.waiting) == ("", 0)


def test_a_response_without_a_length_ends_with_the_connection() -> None:
    for pieces in cuttings(streams.PLAIN + streams.UNTIL_CLOSE):
        told = Http("response", 10_000)
        found = [message for piece in pieces for message in told.feed(piece)]
        assert [message.data for message in found] == [streams.PLAIN]
        assert not told.gaps
        assert told.quiet() == []
        last = told.end()
        assert [message.data for message in last] == [streams.UNTIL_CLOSE]
        assert last[0].closes


@pytest.mark.parametrize(
    ("response", "closes"),
    [
        (streams.PLAIN, False),
        (streams.PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1), True),
        (streams.PLAIN.replace(b"1.1", b"1.0"), True),
        (
            streams.PLAIN.replace(b"1.1", b"1.0").replace(
                b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n", 1
            ),
            False,
        ),
    ],
)
def test_a_response_says_whether_it_is_the_last(response: bytes, closes: bool) -> None:
    assert [message.closes for message in Http("response", 1000).feed(response)] == [closes]


GARBAGE = [
    ("request", b"", b"\x16\x03\x01\x02\0\x01 binary \r\n\r\n more", "is no request line"),
    ("request", streams.GET, b"EHLO me\r\nQUIT\r\n", "is no request line"),
    ("request", b"", b"GET /a b HTTP/1.1\r\n\r\n", "is no request line"),
    ("request", b"", b"GET / HTTP/2.0\r\n\r\n", "is no request line"),
    ("request", b"", b"P / HTTP/1.1\r\nContent-Length: x\r\n\r\nabc", "is no length"),
    (
        "request",
        b"",
        b"P / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        "contradict",
    ),
    ("request", streams.UPLOAD, streams.UPLOAD.replace(b"3\r\n", b"3 and more\r\n"), "is no size of a chunk"),
    ("request", b"", b"GET / HTTP/1.1\r\n" + MAX_HEAD * b"x", "longer than"),
    ("response", b"", b"220 mail.example ESMTP\r\n", "is no status line"),
    ("response", streams.PLAIN, b"<html>\n", "is no status line"),
    ("response", streams.CHUNKED, b"HTTP/1.1 2000 OK\r\n\r\n", "is no status line"),
]


@pytest.mark.parametrize(("side", "before", "garbage", "why"), GARBAGE)
def test_what_is_no_http_raises_nothing_and_is_ended_by_pauses(
    side: str, before: bytes, garbage: bytes, why: str
) -> None:
    for pieces in cuttings(before + garbage):
        told = framer("http", side, 100_000)  # type: ignore[arg-type]
        assert isinstance(told, Http)
        assert heard(told, pieces, end=False) == ([before] if before else [])
        assert why in told.fault
        assert told.gaps
        assert [message.data for message in told.quiet()] == [garbage]
        assert told.feed(streams.GET) == []  # it does not begin anew
        assert [message.data for message in told.end()] == [streams.GET]


def test_a_request_line_without_a_version_may_be_ended_by_a_pause() -> None:
    told = Http("request", 1000)
    assert told.feed(b"GET /old\r\n") == []
    assert told.gaps
    assert [message.data for message in told.quiet()] == [b"GET /old\r\n"]
    assert not told.fault
    assert not told.gaps


def test_empty_lines_at_the_end_are_no_message() -> None:
    told = Http("request", 1000)
    assert heard(told, [streams.POST, b"\r\n", b"\r\n"]) == [streams.POST]


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("GET", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        ("CONNECT", b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)
def test_a_tunnel_is_no_http_from_there_on(method: str, head: bytes) -> None:
    for pieces in cuttings(head + BINARY):
        told = Http("response", 1000)
        told.expect(method)
        assert heard(told, pieces) == [head, BINARY]
        assert "another protocol" in told.fault


@pytest.mark.parametrize("name", NAMES)
def test_cuts_are_where_the_framer_ends_messages(name: str) -> None:
    data = streams.GET + streams.POST + b"\0\0\0\1x"
    ends = cuts(name, data)
    assert ends == sorted(set(ends))
    at = [0, *ends]
    whole = [data[a:b] for a, b in pairwise(at)]
    assert heard(framer(name, "request", 10_000), [data], end=False) == whole


def test_the_cuts_of_a_stream_differ_with_the_framing() -> None:
    data = streams.POST + streams.GET
    assert cuts("http", data) == [len(streams.POST), len(data)]
    assert cuts("crlfcrlf", data)[0] == len(streams.POST) - 7
    assert cuts("line", data)[0] == data.index(b"\n") + 1
    assert cuts("pause", data) == cuts("connection", data) == []
