"""Streams of messages: whole, byte by byte, in pieces, several at once, and junk."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable

import pytest

from servers.kit.http import KEPT, MAX_HEAD, MAX_LINE, Framing, Headers, HttpError, Request, Response
from servers.kit.http_stream import (
    MAX_CHUNK_LINE,
    MAX_EMPTY,
    BodyReader,
    Data,
    End,
    RequestReader,
    ResponseReader,
    one_request,
    write_chunk,
    write_last_chunk,
)

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"


def heard(pieces: Iterable[bytes]) -> list[object]:
    """The requests with their bodies and trailers; at the end the word «refused», «waits» or «over»."""
    reader, found = RequestReader(), []
    try:
        for piece in pieces:
            reader.feed(piece)
            while (thing := reader.next()) is not None:
                if isinstance(thing, Request):
                    found += [(thing.method, thing.target, thing.version, thing.headers, thing.raw), b""]
                elif isinstance(thing, Data):
                    assert thing.data
                    found[-1] += thing.data
                else:
                    found.append(thing.trailers)
    except HttpError:
        return [*found, "refused"]
    return [*found, "over" if reader.state == "idle" else "waits"]


def told(pieces: Iterable[bytes], sloppy: bool, ended: bool, *methods: str) -> list[object]:
    """The same for responses."""
    reader, found = ResponseReader(sloppy), []
    for method in methods:
        reader.expect(method)

    def listen() -> None:
        while (thing := reader.next()) is not None:
            if isinstance(thing, Response):
                found.extend([(thing.status, thing.headers, thing.faults), b""])
            elif isinstance(thing, Data):
                found[-1] += thing.data
            else:
                found.append(thing.trailers)

    try:
        for piece in pieces:
            reader.feed(piece)
            listen()
        if ended:
            reader.eof()
            listen()
    except HttpError as error:
        return [*found, "refused" if error.status == 502 else error]
    return [*found, "waits"]


def single(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


def split(data: bytes, chance: random.Random) -> list[bytes]:
    places = sorted(chance.choices(range(len(data) + 1), k=chance.randint(0, 8)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


# -- whole, and in pieces

STREAMS = {
    "one": (GET % 1, 1, "over"),
    "three": (GET % 1 + GET % 2 + GET % 3, 3, "over"),
    "empty lines before": (b"\r\n\n\r\n" + GET % 1 + b"\r\n" + GET % 2, 2, "over"),
    "empty lines alone": (b"\r\n" * MAX_EMPTY, 0, "over"),
    "too many empty lines": (b"\r\n" * (MAX_EMPTY + 1), 0, "refused"),
    "a CR alone, before": (b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, "refused"),
    "half a head": ((GET % 1)[:-1], 0, "waits"),
    "LF": (b"GET / HTTP/1.0\nA: b\n\n" + GET % 2, 2, "over"),
    "mixed": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 0, "refused"),
    "mixed the other way": (b"GET / HTTP/1.1\r\nHost: a\n\n", 0, "refused"),
    "a simple request": (b"GET /\r\n" + GET % 2, 1, "over"),
    "a simple request in LF": (b"GET /\nHost: a\r\n\r\n", 1, "over"),
    "a simple request with a CR": (b"GET /\r\r\n\r\n", 0, "refused"),
    "a simple request with a control": (b"GET /\x01\r\n\r\n", 0, "refused"),
    "a length": (POST + b"Content-Length: 5\r\n\r\nhello" + GET % 2, 2, "over"),
    "less than the length": (POST + b"Content-Length: 5\r\n\r\nhell", 1, "waits"),
    "chunks": (CHUNKED + b"5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n" + GET % 2, 2, "over"),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 5\r\nX: y\r\n\r\n" + GET % 2, 2, "over"),
    "CL and TE": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "refused"),
    "good, then bad": (GET % 1 + b"GET  / HTTP/1.1\r\n\r\n" + GET % 3, 1, "refused"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0, "refused"),
    "NUL": (b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 0, "refused"),
    "the longest line": (b"GET /" + b"x" * (MAX_LINE - 14) + b" HTTP/1.1\r\nHost: a\r\n\r\n", 1, "over"),
    "a longer line": (b"GET /" + b"x" * (MAX_LINE - 13) + b" HTTP/1.1\r\nHost: a\r\n\r\n", 0, "refused"),
    "the longest chunk line": (CHUNKED + b"5;" + b"x" * (MAX_CHUNK_LINE - 2) + b"\r\nhello\r\n", 1, "waits"),
    "a longer chunk line": (CHUNKED + b"5;" + b"x" * (MAX_CHUNK_LINE - 1) + b"\r\nhello\r\n", 1, "refused"),
    "the longest head": (
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * (MAX_HEAD - 32) + b"\r\n\r\n" + GET % 2,
        2,
        "over",
    ),
    "a longer head": (
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * (MAX_HEAD - 31) + b"\r\n\r\n",
        0,
        "refused",
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_requests_are_the_same_however_they_come(name: str) -> None:
    data, count, end = STREAMS[name]
    whole = heard([data])
    assert sum(isinstance(thing, tuple) for thing in whole) == count
    assert whole[-1] == end
    assert heard(single(data)) == whole
    chance = random.Random(name)
    for _ in range(50):
        assert heard(split(data, chance)) == whole


def test_what_was_read() -> None:
    first, body, trailers, second, *_ = heard([STREAMS["trailers"][0]])
    assert (first[:3], body) == (("POST", "/", "HTTP/1.1"), b"hello")
    assert trailers == Headers([("X-Sum", "5"), ("X", "y")])
    assert second[1] == "/2"


CHUNKS = {
    b"0\r\n\r\n": b"",
    b"000\r\n\r\n": b"",
    b"5\r\nhello\r\n0\r\n\r\n": b"hello",
    b"A\r\n0123456789\r\n0\r\n\r\n": b"0123456789",
    b"a\r\n0123456789\r\n0\r\n\r\n": b"0123456789",
    b"000000000000005\r\nhello\r\n0\r\n\r\n": b"hello",
    b'5;a;b=c;d="e\\"f;"\r\nhello\r\n0;z\r\n\r\n': b"hello",
    b"5 ; a = b\r\nhello\r\n0\r\n\r\n": b"hello",
    b"2\r\n\r\n\r\n0\r\n\r\n": b"\r\n",
    b"5\nhello\r\n0\r\n\r\n": None,
    b"5\r\nhello\n0\r\n\r\n": None,
    b"5\r\nhello\r\n0\n\r\n": None,
    b"5\r\nhello\r\n0\r\n\n": None,
    b"5\rhello\r\n0\r\n\r\n": None,
    b"5\r\r\nhello\r\n0\r\n\r\n": None,
    b"5\r\nhello0\r\n\r\n": None,
    b"5\r\nhello!\r\n0\r\n\r\n": None,
    b"5\r\nhell\r\n0\r\n\r\n": None,
    b"0x5\r\nhello\r\n0\r\n\r\n": None,
    b"+5\r\nhello\r\n0\r\n\r\n": None,
    b"-5\r\nhello\r\n0\r\n\r\n": None,
    b"-0\r\n\r\n": None,
    b"5_0\r\n": None,
    b" 5\r\nhello\r\n0\r\n\r\n": None,
    b"5 \r\nhello\r\n0\r\n\r\n": None,
    b"\t5\r\nhello\r\n0\r\n\r\n": None,
    b"\x0b5\r\nhello\r\n0\r\n\r\n": None,
    b"\xb2\r\nhello\r\n0\r\n\r\n": None,
    b"5,5\r\nhello\r\n0\r\n\r\n": None,
    b"5.0\r\nhello\r\n0\r\n\r\n": None,
    b"g\r\n": None,
    b"\r\n": None,
    b";a\r\n": None,
    b"1000000000000000\r\n": None,
    b"ffffffffffffffffffff\r\n": None,
    b"5;a\nb\r\nhello\r\n0\r\n\r\n": None,
    b"5;a\rb\r\nhello\r\n0\r\n\r\n": None,
    b"5;a\0\r\nhello\r\n0\r\n\r\n": None,
    b"5;=b\r\nhello\r\n0\r\n\r\n": None,
    b"5;a=\r\nhello\r\n0\r\n\r\n": None,
    b'5;a="b\r\nhello\r\n0\r\n\r\n': None,
    b"5;;a\r\nhello\r\n0\r\n\r\n": None,
    b"0\r\nA: b\nC: d\r\n\r\n": None,
    b"0\r\nA: b\rC: d\r\n\r\n": None,
    b"0\r\nA : b\r\n\r\n": None,
    b"0\r\n A: b\r\n\r\n": None,
    b"0\r\nA: b\r\n c\r\n\r\n": None,
    b"0\r\nA\r\n\r\n": None,
    b"0\r\nA: \0\r\n\r\n": None,
    b"0\r\nContent-Length: 5\r\n\r\n": None,
    b"0\r\ntransfer-encoding: chunked\r\n\r\n": None,
    b"0\r\nHost: b\r\n\r\n": None,
    b"0\r\nAuthorization: b\r\n\r\n": None,
    b"0\r\n" + b"A: b\r\n" * 101 + b"\r\n": None,
    b"0\r\nA: " + b"x" * MAX_HEAD + b"\r\n\r\n": None,
}


@pytest.mark.parametrize("data", CHUNKS, ids=lambda data: repr(data[:30]))
def test_chunks(data: bytes) -> None:
    for pieces in ([CHUNKED + data], [CHUNKED, *single(data)]):
        found = heard(pieces)
        if CHUNKS[data] is None:
            assert found[-1] == "refused"
        else:
            assert found[1:] == [CHUNKS[data], Headers(), "over"]


def test_a_refusal_is_final() -> None:
    reader = RequestReader()
    reader.feed(b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n" + GET % 2)
    for _ in range(3):
        with pytest.raises(HttpError, match="is not METHOD"):
            reader.next()
        reader.feed(GET % 3)
        assert not reader.buffer


def test_what_is_awaited() -> None:
    reader = RequestReader()
    assert (reader.state, reader.next()) == ("idle", None)
    reader.feed(POST)
    assert (reader.next(), reader.state) == (None, "head")
    with pytest.raises(HttpError, match="in the middle"):
        reader.eof()
    reader.feed(b"Content-Length: 1\r\n\r\n")
    assert isinstance(reader.next(), Request)
    assert reader.state == "body"
    with pytest.raises(HttpError, match="in the middle"):
        reader.eof()
    reader.feed(b"x")
    assert (reader.next(), reader.next(), reader.state) == (Data(b"x"), End(), "idle")
    reader.eof()


# -- one_request: never another reading than the reader's


@pytest.mark.parametrize(
    "data",
    [
        (GET % 1) * 2,
        GET % 1 + b"\r\n",
        POST + b"Content-Length: 4\r\n\r\n\r\n\r\n",
        CHUNKED,
        b"\r\n" + GET % 1,
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * KEPT + b"\r\n\r\n",
        GET % 1 + b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_only_one_plain_request_is_one(data: bytes) -> None:
    assert one_request(data) is None


def test_one_request_reads_what_the_reader_reads() -> None:
    assert one_request(GET % 1) is one_request(GET % 1)
    chance = random.Random(8)
    bits = [
        b"GET",
        b"POST",
        b" ",
        b" / ",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"Host: a\r\n",
        b"\r\n\r\n",
        b"Content-Length: 2\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"GET / HTTP/1.1\r\n",
        b"GET /\r\n",
        b"A: b\r\n",
        b"\t",
        b"\0",
        b"0\r\n\r\n",
    ]
    ones = 0
    for _ in range(60000):
        data = b"".join(chance.choices(bits, k=chance.randint(0, 6))) + chance.choice([b"\r\n\r\n", b"\r\n"])
        request = one_request(data)
        if request is not None:
            ones += 1
            made = (request.method, request.target, request.version, request.headers, request.raw)
            assert heard([data]) == [made, b"", Headers(), "over"], data
    assert ones > 500


# -- responses

OK = b"HTTP/1.1 200 OK\r\n"
OK_LF = b"HTTP/1.1 200 OK\n"
NOT_FOUND = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
ANSWERS = {
    "length": (OK + b"Content-Length: 5\r\n\r\nhello", False, ("GET",), "waits", 1),
    "two": (OK + b"Content-Length: 2\r\n\r\nhi" + NOT_FOUND, False, ("GET", "GET"), "waits", 2),
    "HEAD, then GET": (
        OK + b"Content-Length: 2\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi",
        False,
        ("HEAD", "GET"),
        "waits",
        2,
    ),
    "interim": (
        b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 H\r\nLink: x\r\n\r\n" + NOT_FOUND,
        False,
        ("GET",),
        "waits",
        3,
    ),
    "chunks": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n",
        False,
        ("GET",),
        "waits",
        1,
    ),
    "close": (b"HTTP/1.0 200 OK\r\n\r\nhello", True, ("GET",), "waits", 1),
    "cut length": (OK + b"Content-Length: 5\r\n\r\nhell", True, ("GET",), "refused", 1),
    "cut chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhi", True, ("GET",), "refused", 1),
    "cut head": (OK + b"Conte", True, ("GET",), "refused", 0),
    "nothing": (b"", True, ("GET",), "refused", 0),
    "CL and TE": (
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        False,
        ("GET",),
        "refused",
        0,
    ),
    "no HTTP": (b"hello there\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", False, ("GET",), "refused", 0),
    "long head": (OK + b"A: " + b"x" * MAX_HEAD, False, ("GET",), "refused", 0),
}
SLOPPY = {
    "LF": (OK_LF + b"Content-Length: 2\n\nhi", False, ("GET",), "waits", 1),
    "mixed, with an empty line in the body": (OK + b"A: b\n\nbody\r\n\r\nmore", True, ("GET",), "waits", 1),
    "mixed the other way": (OK_LF + b"A: b\r\n\r\nbody\n\nmore", True, ("GET",), "waits", 1),
    "a blank before": (b" HTTP/1.1 200 OK\n\nhi", True, ("GET",), "waits", 1),
    "a line and the end": (OK, True, ("GET",), "waits", 1),
    "not even a line": (b"HTTP/1.1 200 OK", True, ("GET",), "waits", 1),
    "no HTTP": (b"hello\n\nHTTP/1.1 200 OK\n\n", True, ("GET",), "refused", 0),
}


@pytest.mark.parametrize(
    ("name", "sloppy"), [*((name, False) for name in ANSWERS), *((name, True) for name in SLOPPY)]
)
def test_responses_are_the_same_however_they_come(name: str, sloppy: bool) -> None:
    data, ended, methods, end, count = (SLOPPY if sloppy else ANSWERS)[name]
    whole = told([data], sloppy, ended, *methods)
    assert whole[-1] == end
    assert sum(isinstance(thing, tuple) for thing in whole) == count
    assert told(single(data), sloppy, ended, *methods) == whole
    chance = random.Random(name)
    for _ in range(50):
        assert told(split(data, chance), sloppy, ended, *methods) == whole


def test_a_body_is_not_read_as_another_answer() -> None:
    reader = ResponseReader()
    reader.expect("GET")
    reader.feed(OK + b"Content-Length: 3, 40\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    for _ in range(2):
        with pytest.raises(HttpError, match="two different"):
            reader.next()
        reader.feed(OK + b"\r\n")


def test_where_a_sloppy_head_ends() -> None:
    (status, headers, faults), body, *_ = told(
        [SLOPPY["mixed, with an empty line in the body"][0]], True, True, "GET"
    )
    assert (status, headers.pairs, body) == (200, (("A", "b"),), b"body\r\n\r\nmore")
    assert faults == ("Lines end in LF, not in CRLF.",)


# -- bodies


def test_chunks_are_written_as_they_are_read() -> None:
    body = write_chunk(b"hello") + write_chunk(b"") + write_chunk(b"x" * 300) + write_last_chunk([("A", "b")])
    reader, buffer, data = BodyReader(Framing("chunked")), bytearray(body + b"rest"), b""
    while isinstance(found := reader.take(buffer), Data):
        data += found.data
    assert found == End(Headers([("A", "b")]))
    assert (data, buffer) == (b"hello" + b"x" * 300, b"rest")
    assert reader.take(buffer) == End(Headers())


# -- junk


def fuzz(chance: random.Random) -> bytes:
    base = bytearray(chance.choice([*STREAMS.values(), *ANSWERS.values(), *SLOPPY.values()])[0][:3000])
    for _ in range(chance.randint(0, 6)):
        place = chance.randint(0, len(base))
        odd = chance.choice(
            [b"\r", b"\n", b"\0", b" ", b":", b"\r\n", b"\r\n\r\n", b"\xff", b"0", b",", b";", b"\t"]
        )
        base[place : place + chance.choice([0, 0, 1, 5])] = odd
    return bytes(base)


def test_junk_is_read_the_same_however_it_comes() -> None:
    chance = random.Random(7230)
    for _ in range(3000):
        data = fuzz(chance)
        for whole, again in (
            (heard([data]), heard(split(data, chance))),
            (told([data], False, True, "GET"), told(split(data, chance), False, True, "GET")),
            (told([data], True, True, "GET"), told(split(data, chance), True, True, "GET")),
        ):
            if whole[-1] == again[-1] == "refused":  # a piece of a refused body may have been given, or not
                things = [[t for t in found[:-1] if isinstance(t, tuple)] for found in (whole, again)]
                assert things[0] == things[1], data
            else:
                assert whole == again, data


DRIPS = {
    "a head": b"GET / HTTP/1.1\r\nA: " + b"x" * 2**20,
    "a head in LF": b"GET / HTTP/1.1\n" + b"a:b\n" * 2**18,
    "a line": b"GET /" + b"x" * 2**20,
    "empty lines": b"\r\n" * 2**19,
    "small chunks": CHUNKED + b"1\r\nx\r\n" * 150_000,
    "trailers": CHUNKED + b"0\r\n" + b"a:b\r\n" * 2**18,
    "an extension": CHUNKED + b"5;" + b"x" * 2**20,
    "a length": POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 10**6,
}


@pytest.mark.parametrize("name", DRIPS)
def test_a_megabyte_byte_by_byte_costs_little(name: str) -> None:
    reader, began = RequestReader(), time.process_time()
    most = 0
    try:
        for number, byte in enumerate(single(DRIPS[name])):
            reader.feed(byte)
            while reader.next() is not None:
                pass
            most = max(most, len(reader.buffer)) if number % 64 == 0 else most
    except HttpError:
        pass
    assert time.process_time() - began < 15  # about 1 s; what looks at all of a megabyte again takes minutes
    assert most <= MAX_HEAD + 2


def test_a_dripping_head_costs_about_what_a_quick_one_does() -> None:
    data = single(b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 6000)
    began = time.process_time()
    reader = RequestReader()
    for byte in data:
        reader.feed(byte)
        assert reader.next() is None
    assert time.process_time() - began < 0.25  # 0.03 s; 0.6 s where each byte looks at all before it


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"S", "begins with «S»"),
        (b"220 mail ESMTP", "begins with «220 mail ESMTP»"),
        (b"HTTQ", "begins with «HTTQ»"),
        (b" H", "begins with a blank"),
        (b"\r\nHTTP/1.1 200 OK", "begins with"),
        (b"\x15\x03\x03\0\x02\x02", "TLS"),
        (b"\x16\x03", "TLS"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "It says HTTP/2.0"),
        (
            b"HTTP/1.1 200 OK\r\n<html>\r\n\r\n",
            "No empty line stands between the head and the body: «<html>»",
        ),
        (b"HTTP/1.1 200 OK\n<html>\n\n", "No empty line"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n<p>\nz", "No empty line"),
    ],
)
def test_what_is_no_response_is_known_at_once_and_named(start: bytes, words: str) -> None:
    reader = ResponseReader()
    reader.expect("GET")
    reader.feed(start)
    with pytest.raises(HttpError, match=re.escape(words)) as caught:
        reader.next()
    assert caught.value.status == 502


@pytest.mark.parametrize("start", [b"H", b"HTTP/", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: <\r\n"])
def test_what_may_become_a_response_is_waited_for(start: bytes) -> None:
    reader = ResponseReader()
    reader.expect("GET")
    for place in range(len(start)):
        reader.feed(start[place : place + 1])
        assert reader.next() is None


def test_html_without_the_empty_line_is_named_at_the_connections_end() -> None:
    reader = ResponseReader()
    reader.expect("GET")
    reader.feed(b"HTTP/1.1 200 OK\r\n<html>hello</html>")
    assert reader.next() is None
    reader.eof()
    with pytest.raises(
        HttpError, match="No empty line stands between the head and the body: «<html>hello</html>»"
    ):
        reader.next()
