"""Heads of messages: tables of bytes in, values or statuses out."""

from __future__ import annotations

import random
import re

import pytest

from servers.kit.http import (
    MAX_FIELDS,
    MAX_LINE,
    MAX_METHOD,
    Framing,
    Headers,
    HttpError,
    find_head,
    parse_request,
    parse_response,
    short,
    write_request,
    write_response,
)

HOST = "Host: a\r\n"


def head(line: str = "GET / HTTP/1.1", fields: str = HOST) -> bytes:
    return f"{line}\r\n{fields}\r\n".encode("latin-1")


def refused(data: bytes) -> int:
    """The status that a request's head is refused with; 0: it is not, or it is not whole."""
    try:
        if find_head(data) == len(data):
            parse_request(data)
    except HttpError as error:
        return error.status
    return 0


# -- request lines


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET / HTTP/1.1", 0),
        ("GET / HTTP/1.0", 0),
        ("GET / HTTP/1.2", 0),
        ("GET / HTTP/1.9", 0),
        ("BREW /pot HTTP/1.1", 0),
        ("M!#$%&'*+-.^_`|~1 / HTTP/1.1", 0),
        ("OPTIONS * HTTP/1.1", 0),
        ("CONNECT a:443 HTTP/1.1", 0),
        ("GET http://a/b?c HTTP/1.1", 0),
        ("GET /\xfc HTTP/1.1", 0),
        ("GET / HTTP/2.0", 505),
        ("PRI * HTTP/2.0", 505),
        ("GET / HTTP/0.9", 505),
        ("GET / HTTP/3.0", 505),
        ("GET / http/1.1", 400),
        ("GET / HTTP/1", 400),
        ("GET / HTTP/1.", 400),
        ("GET / HTTP/1.10", 400),
        ("GET / HTTP/01.1", 400),
        ("GET / HTTP/1,1", 400),
        ("GET / HTTP/1.\xb2", 400),
        ("GET / HTTPS/1.1", 400),
        ("GET / ", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET /  HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        (" GET / HTTP/1.1", 400),
        ("GET\t/\tHTTP/1.1", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET HTTP/1.1", 400),
        ("GET", 400),
        ("/ HTTP/1.1", 400),
        ("G(T / HTTP/1.1", 400),
        ("G\xe9T / HTTP/1.1", 400),
        ("G\0T / HTTP/1.1", 400),
        ("GET /\0 HTTP/1.1", 400),
        ("GET /\x0b HTTP/1.1", 400),
        ("GET /\x7f HTTP/1.1", 400),
        ("GET /\t HTTP/1.1", 400),
        ("GET /\r HTTP/1.1", 400),
        ("GET / HTTP/1.1\r", 400),
        ("POST /", 400),
        ("GET index.html", 400),
        ("x" * MAX_METHOD + " / HTTP/1.1", 0),
        ("x" * (MAX_METHOD + 1) + " / HTTP/1.1", 501),
        ("GET /" + "x" * (MAX_LINE - 14) + " HTTP/1.1", 0),
        ("GET /" + "x" * (MAX_LINE - 13) + " HTTP/1.1", 414),
    ],
)
def test_request_lines(line: str, status: int) -> None:
    assert refused(head(line)) == status


def test_what_a_request_line_says() -> None:
    request = parse_request(head("PUT /a?b=%20 HTTP/1.0"))
    assert (request.method, request.target, request.version) == ("PUT", "/a?b=%20", "HTTP/1.0")
    assert parse_request(head("GET / HTTP/1.7")).version == "HTTP/1.1"


def test_a_simple_request_is_http_0_9() -> None:
    request = parse_request(b"GET /a\r\n\r\n")
    assert (request.version, request.target, len(request.headers)) == ("HTTP/0.9", "/a", 0)
    assert (request.raw, request.framing.kind, request.keep_alive) == (b"GET /a\r\n", "none", False)


@pytest.mark.parametrize(
    "data", [b"GET /a\nb\r\n\r\n", b"GET /\x01\r\n\r\n", b"GET /x\nAb\r\n\r\n\n\n", b"GET /\r\r\n\r\n"]
)
def test_a_simple_request_is_one_line(data: bytes) -> None:
    assert refused(data) == 400


# -- line ends


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", 0),
        (b"GET / HTTP/1.1", 0),
        (b"GET / HTTP/1.1\r\n", 0),
        (b"GET / HTTP/1.1\r\n\r", 0),
        (b"GET / HTTP/1.1\r\n\r\n", 18),
        (b"GET / HTTP/1.1\r\n\r\nrest\n\n", 18),
        (b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest", 24),
        (b"GET / HTTP/1.1\n\n", 16),
        (b"GET / HTTP/1.1\nA: b\n\nrest\r\n\r\n", 21),
        (b"GET / HTTP/1.1\nA: b\n", 0),
    ],
)
def test_where_a_head_ends(data: bytes, end: int) -> None:
    assert find_head(data) == end
    assert find_head(data, strict=False) == end


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\r\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\nGET /b HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\nHost: a\nB: c\r\n\n",
    ],
)
def test_line_ends_are_not_mixed(data: bytes) -> None:
    with pytest.raises(HttpError):
        find_head(data)


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\n\nbody\r\n\r\n", 23),
        (b"HTTP/1.1 200 OK\nA: b\r\n\r\nbody\n\n", 24),
        (b"HTTP/1.1 200 OK\nA: b\n\r\nbody", 23),
        (b"HTTP/1.1 200 OK\r\nA: b\n", 0),
    ],
)
def test_a_sloppy_head_ends_at_its_first_empty_line(data: bytes, end: int) -> None:
    assert find_head(data, strict=False) == end


@pytest.mark.parametrize("strict", [True, False])
def test_looking_on_finds_what_looking_anew_finds(strict: bool) -> None:
    chance = random.Random(9112)

    def look(data: bytes, start: int = 0) -> int | None:
        try:
            return find_head(data, strict, start)
        except HttpError:
            return None

    for _ in range(4000):
        data = b"".join(chance.choices([b"\r\n", b"\n", b"\r", b"a", b"bc"], [6, 2, 1, 4, 4], k=12))
        if strict and data[:1] in b"\r\n":
            continue
        looked = 0
        for size in range(1, len(data) + 1):
            found = look(data[:size], looked)
            assert found == look(data[:size]), (data, size)
            if found != 0:
                break
            looked = size


# -- header fields


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (HOST, 0),
        ("Host:a\r\n", 0),
        ("Host:\r\n", 0),
        ("Host: \t a \t \r\n", 0),
        ("HOST: a:80\r\n", 0),
        ("Host: [::1]:80\r\n", 0),
        ("Host: a,b\r\n", 0),
        ("", 400),
        (HOST + HOST, 400),
        ("Host: a\r\nhost: b\r\n", 400),
        ("Host: a, b\r\n", 400),
        ("Host: a b\r\n", 400),
        ("Host: a/b\r\n", 400),
        ("Host: u@a\r\n", 400),
        ("Host: a:b\r\n", 400),
        ("Host: a:123456\r\n", 400),
        ("Host: [::1\r\n", 400),
        ("Host: \xe4\r\n", 400),
        ("Host : a\r\n", 400),
        ("Host\t: a\r\n", 400),
        (" Host: a\r\n", 400),
        (HOST + "A: b\r\n c\r\n", 400),
        (HOST + "A: b\r\n\tc\r\n", 400),
        (HOST + "\tA: b\r\n", 400),
        (HOST + "A\r\n", 400),
        (HOST + ": b\r\n", 400),
        (HOST + "A B: c\r\n", 400),
        (HOST + "A\0: c\r\n", 400),
        (HOST + "\x01A: c\r\n", 400),
        (HOST + "A\xe4: c\r\n", 400),
        (HOST + "A: \0\r\n", 400),
        (HOST + "A: b\rC: d\r\n", 400),
        (HOST + "A: b\x0bc\r\n", 400),
        (HOST + "A: \x7f\r\n", 400),
        (HOST + "A: b\tc\xff\r\n", 0),
        (HOST + "".join(f"A{n}: b\r\n" for n in range(MAX_FIELDS - 1)), 0),
        (HOST + "".join(f"A{n}: b\r\n" for n in range(MAX_FIELDS)), 431),
    ],
)
def test_header_fields(fields: str, status: int) -> None:
    assert refused(head(fields=fields)) == status


def test_http_1_0_needs_no_host() -> None:
    assert refused(head("GET / HTTP/1.0", "")) == 0
    assert refused(head("GET / HTTP/1.0", HOST + HOST)) == 400


def test_headers_match_in_any_case_and_keep_their_order() -> None:
    headers = parse_request(head(fields=HOST + "X-A: 1\r\nx-a:  2 \r\nB: c\r\n")).headers
    assert headers.pairs == (("Host", "a"), ("X-A", "1"), ("x-a", "2"), ("B", "c"))
    assert (headers.get("x-A"), headers.all("X-a"), headers.get("none", "-")) == ("1, 2", ["1", "2"], "-")
    assert "b" in headers
    assert "c" not in headers
    assert headers.without(["x-a", "host"]) == Headers([("B", "c")])
    assert headers.with_(("b", "d")).pairs[-1] == ("b", "d")
    assert Headers([("A", " , B ,,c")]).tokens("a") == ["b", "c"]


# -- framing


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("", Framing("none")),
        ("Content-Length: 0\r\n", Framing("none")),
        ("Content-Length: 5\r\n", Framing("length", 5)),
        ("Content-Length: 005\r\n", Framing("length", 5)),
        ("Content-Length: 5, 5\r\n", Framing("length", 5)),
        ("Content-Length: 5\r\nCONTENT-LENGTH: 5\r\n", Framing("length", 5)),
        ("Content-Length: 999999999999999999\r\n", Framing("length", 10**18 - 1)),
        ("Transfer-Encoding: chunked\r\n", Framing("chunked")),
        ("Transfer-Encoding: CHUNKED\r\n", Framing("chunked")),
        ("transfer-encoding:\tchunked\t\r\n", Framing("chunked")),
        ("X-Content-Length: 5\r\n", Framing("none")),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        ("Content-Length: 5, 6\r\n", 400),
        ("Content-Length: 5, 05\r\n", 400),
        ("Content-Length: 5,\r\n", 400),
        ("Content-Length:\r\n", 400),
        ("Content-Length: -0\r\n", 400),
        ("Content-Length: -5\r\n", 400),
        ("Content-Length: +5\r\n", 400),
        ("Content-Length: 5.0\r\n", 400),
        ("Content-Length: 5e1\r\n", 400),
        ("Content-Length: 0x5\r\n", 400),
        ("Content-Length: 5_0\r\n", 400),
        ("Content-Length: 5 0\r\n", 400),
        ('Content-Length: "5"\r\n', 400),
        ("Content-Length: 5;\r\n", 400),
        ("Content-Length: \xb2\r\n", 400),
        ("Content-Length: 12345678901234567890\r\n", 400),
        ("Content-Length : 5\r\n", 400),
        ("Content_Length: 5\r\n", Framing("none")),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400),
        ("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", 400),
        ("Transfer-Encoding:\r\nContent-Length: 5\r\n", 400),
        ("Transfer-Encoding:\r\n", 400),
        ("Transfer-Encoding: identity\r\n", 400),
        ("Transfer-Encoding: gzip\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: chunked, gzip\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n", 400),
        ("Transfer-Encoding: chunkedx\r\n", 400),
        ("Transfer-Encoding: chunked;q=1\r\n", 400),
        ('Transfer-Encoding: "chunked"\r\n', 400),
        ("Transfer-Encoding: \x0bchunked\r\n", 400),
        ("Transfer-Encoding: chunked\x00\r\n", 400),
        ("Transfer-Encoding: \xa0chunked\r\n", 400),
        ("Transfer-Encoding : chunked\r\n", 400),
        ("Transfer-Encoding\t: chunked\r\n", 400),
        (" Transfer-Encoding: chunked\r\n", 400),
        ("X: y\rTransfer-Encoding: chunked\r\n", 400),
        ("X: y\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding:\r\n chunked\r\n", 400),
        ("Transfer_Encoding: chunked\r\n", Framing("none")),
    ],
)
def test_how_a_requests_body_ends(fields: str, found: Framing | int) -> None:
    data = head("POST / HTTP/1.1", HOST + fields)
    if isinstance(found, int):
        assert refused(data) == found
    else:
        assert parse_request(data).framing == found


def test_http_1_0_has_no_chunks() -> None:
    assert refused(head("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n")) == 400


@pytest.mark.parametrize(
    ("version", "connection", "stays"),
    [
        ("1.1", "", True),
        ("1.1", "close", False),
        ("1.1", "Close", False),
        ("1.1", "keep-alive, close", False),
        ("1.1", "upgrade", True),
        ("1.0", "", False),
        ("1.0", "keep-alive", True),
        ("1.0", "Keep-Alive, close", False),
    ],
)
def test_whether_the_connection_stays(version: str, connection: str, stays: bool) -> None:
    fields = HOST + (f"Connection: {connection}\r\n" if connection else "")
    assert parse_request(head(f"GET / HTTP/{version}", fields)).keep_alive is stays


def test_the_same_short_head_is_read_once() -> None:
    assert parse_request(head()) is parse_request(head())
    long = head(fields=HOST + "A: " + "x" * 5000 + "\r\n")
    assert parse_request(long) is not parse_request(long)


# -- responses


@pytest.mark.parametrize(
    ("line", "fields", "method", "found"),
    [
        ("HTTP/1.1 200 OK", "", "GET", Framing("close")),
        ("HTTP/1.1 200 ", "Content-Length: 3\r\n", "GET", Framing("length", 3)),
        ("HTTP/1.1 200 OK", "Content-Length: 3\r\n", "HEAD", Framing("none")),
        ("HTTP/1.1 200 OK", "Content-Length: 0\r\n", "GET", Framing("length", 0)),
        ("HTTP/1.1 204 No", "Content-Length: 3\r\n", "GET", Framing("none")),
        ("HTTP/1.1 304 No", "Transfer-Encoding: chunked\r\n", "GET", Framing("none")),
        ("HTTP/1.1 100 Go", "", "GET", Framing("none")),
        ("HTTP/1.1 200 OK", "Transfer-Encoding: Chunked\r\n", "GET", Framing("chunked")),
        ("HTTP/1.1 200 OK", "Content-Length: 3\r\n", "CONNECT", Framing("none")),
        ("HTTP/1.1 403 No", "Content-Length: 3\r\n", "CONNECT", Framing("length", 3)),
        ("HTTP/1.1 200 OK", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "GET", None),
        ("HTTP/1.1 200 OK", "Content-Length: 3, 4\r\n", "GET", None),
        ("HTTP/1.1 200 OK", "Content-Length: x\r\n", "GET", None),
        ("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked\r\n", "GET", None),
        ("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n", "GET", None),
        ("HTTP/2.0 200 OK", "", "GET", None),
        ("HTTP/1.1  200 OK", "", "GET", None),
        ("HTTP/1.1 20 OK", "", "GET", None),
        ("HTTP/1.1 2000 OK", "", "GET", None),
        ("HTTP/1.1 099 OK", "", "GET", None),
        ("HTTP/1.1 600 OK", "", "GET", None),
        ("HTTP/1.1 \xb2\xb2\xb2 OK", "", "GET", None),
        ("HTTP/1.1 200 O\0K", "", "GET", None),
        (" HTTP/1.1 200 OK", "", "GET", None),
        ("ICY 200 OK", "", "GET", None),
        ("", "", "GET", None),
        ("HTTP/1.1 200 OK", "A : b\r\n", "GET", None),
        ("HTTP/1.1 200 OK", "A: b\r\n c\r\n", "GET", None),
    ],
)
def test_responses(line: str, fields: str, method: str, found: Framing | None) -> None:
    data = head(line, fields)
    if found is None:
        with pytest.raises(HttpError) as caught:
            parse_response(data, method)
        assert caught.value.status == 502
    else:
        assert parse_response(data, method).framing == found


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", []),
        (b" HTTP/1.1 200 OK\nA: b\n\n", ["begins with a blank", "Lines end in LF"]),
        (b"HTTP/1.1 200 OK\r\nA: b\n\n", ["Lines end in LF"]),
        (b"HTTP/1.1 200\r\nA: b\r\n\r\n", ["no blank after the status"]),
    ],
)
def test_a_sloppy_response_is_read_and_its_faults_are_named(data: bytes, faults: list[str]) -> None:
    response = parse_response(data, sloppy=True)
    assert (response.status, response.headers.get("a")) == (200, "b")
    assert len(response.faults) == len(faults)
    assert all(fault in named for fault, named in zip(faults, response.faults, strict=True))


# -- writing


def test_what_is_written_is_read_as_it_was_meant() -> None:
    chance = random.Random(9110)
    token = "!#$%&'*+-.^_`|~09azAZ"
    value = "".join(map(chr, [*range(0x21, 0x7F), *range(0x80, 0x100)]))

    def words(letters: str, most: int) -> str:
        return "".join(chance.choices(letters, k=chance.randint(1, most)))

    for _ in range(500):
        fields = [("X-" + words(token, 10), (words(value, 9) + " " + words(value, 9))) for _ in range(5)]
        fields.append(("Host", "a"))
        method, target = words(token, MAX_METHOD), "/" + words(value, 30)
        request = parse_request(write_request(method, target, fields))
        assert (request.method, request.target, list(request.headers)) == (method, target, fields)
        status, reason = chance.randint(200, 599), words(value, 9)
        response = parse_response(write_response(status, fields, reason=reason))
        assert (response.status, response.reason, list(response.headers)) == (status, reason, fields)


@pytest.mark.parametrize(
    ("method", "target", "name", "value"),
    [
        ("G T", "/", "A", "b"),
        ("", "/", "A", "b"),
        ("GET\r\n", "/", "A", "b"),
        ("GET", "", "A", "b"),
        ("GET", "/ /", "A", "b"),
        ("GET", "/\r\n", "A", "b"),
        ("GET", "/\u20ac", "A", "b"),
        ("GET", "/", "A:", "b"),
        ("GET", "/", "", "b"),
        ("GET", "/", "A\n", "b"),
        ("GET", "/", "A", "b\r\nC: d"),
        ("GET", "/", "A", "b\n"),
        ("GET", "/", "A", "\0"),
        ("GET", "/", "A", "\u20ac"),
    ],
)
def test_nothing_is_written_that_would_be_read_otherwise(
    method: str, target: str, name: str, value: str
) -> None:
    with pytest.raises(ValueError, match=r"cannot be sent|is no header field"):
        write_request(method, target, [(name, value)])


def test_a_reason_phrase_is_one_line() -> None:
    with pytest.raises(ValueError, match="no reason phrase"):
        write_response(200, (), reason="OK\r\nA: b")


def test_words_from_the_wire_are_cut_and_escaped() -> None:
    assert short("a\0\x1b" + "x" * 50) == "a\\x00\\x1b" + "x" * 31 + "…"


def test_any_bytes_are_read_or_refused() -> None:
    chance = random.Random(2616)
    bits = [
        b"GET",
        b" ",
        b" / ",
        b"HTTP/1.1",
        b"HTTP/",
        b"1.1 200 OK",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b":",
        b"Host: a",
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        b"\xff",
        b",",
        b"\t",
        b"\r\n\r\n",
        b"200",
    ]
    for _ in range(20000):
        data = b"".join(chance.choices(bits, k=chance.randint(0, 12)))
        readers = (
            parse_request,
            parse_response,
            lambda head: parse_response(head, sloppy=True),
        )
        for read in readers:
            error = None
            try:
                read(data)
            except HttpError as caught:
                error = caught
            assert error is None or re.fullmatch(r"[^\x00-\x1f\x7f]+", error.message)
