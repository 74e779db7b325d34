"""What a static server answers, without a file: targets, types, parts, and the answer's bytes."""

from __future__ import annotations

import email
import re
from email.message import Message

import pytest

from servers.http_web.answer import Answer, FilePart, text
from servers.http_web.protocol import (
    Found,
    check_method,
    decode_path,
    file_answer,
    media_type,
    refusal,
    segments,
    target_of,
    write_answer,
)
from servers.kit.http import HttpError, Request, parse_request, parse_response
from servers.kit.http_fields import write_date
from servers.kit.http_stream import Data, ResponseReader

NOW = 1_800_000_000.0
FILE = Found(file=9, name="a.txt", size=100, modified_ns=10**18 + 5, inode=255)


def request(line: str = "GET / HTTP/1.1", *fields: str) -> Request:
    return parse_request("\r\n".join([line, "Host: a", *fields, "", ""]).encode("latin-1"))


def field(answer: Answer, name: str) -> str:
    return dict(answer.fields).get(name, "")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("GET / HTTP/1.1", ("/", "")),
        ("GET /a?b?c HTTP/1.1", ("/a", "b?c")),
        ("GET /gr%C3%BC%c3%9fe HTTP/1.1", ("/grüße", "")),
        ("GET /grüße HTTP/1.1", 400),
        ("GET /gr\xc3\xbc HTTP/1.1", ("/grü", "")),
        ("GET http://b HTTP/1.1", ("/", "")),
        ("GET HTTP://b:80/a?c HTTP/1.1", ("/a", "c")),
        ("GET https://b?c HTTP/1.1", ("/", "c")),
        ("OPTIONS * HTTP/1.1", ("*", "")),
        ("CONNECT a:443 HTTP/1.1", ("a:443", "")),
        ("GET * HTTP/1.1", 400),
        ("GET a HTTP/1.1", 400),
        ("GET a:443 HTTP/1.1", 400),
        ("GET ftp://b/ HTTP/1.1", 400),
        ("GET http:///a HTTP/1.1", 400),
        ("GET http://u@b/ HTTP/1.1", 400),
        ("GET http://[::1/ HTTP/1.1", 400),
        ("GET /#a HTTP/1.1", 400),
        ("GET /% HTTP/1.1", 400),
        ("GET /%zz HTTP/1.1", 400),
        ("GET /%0a HTTP/1.1", 400),
        ("GET /%7f HTTP/1.1", 400),
        ("GET /%c0%ae HTTP/1.1", 400),
        ("GET /%ed%a0%80 HTTP/1.1", 400),
        ("GET /%252e%252e/ HTTP/1.1", ("/%2e%2e/", "")),
        ("GET /a%2Fb HTTP/1.1", 404),
        ("GET /..%2Fb HTTP/1.1", 403),
    ],
)
def test_targets(line: str, found: tuple[str, str] | int) -> None:
    if isinstance(found, int):
        with pytest.raises(HttpError) as caught:
            target_of(request(line))
        assert caught.value.status == found
    else:
        assert target_of(request(line)) == found


def test_paths_are_decoded_once() -> None:
    assert decode_path("/%2525") == "/%25"
    assert segments("/a/b/") == ["a", "b", ""]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.HTML", "text/html; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.tar.png", "image/png"),
        ("a", "application/octet-stream"),
        (".html", "text/html; charset=utf-8"),
        ("a.", "application/octet-stream"),
    ],
)
def test_media_types(name: str, kind: str) -> None:
    assert media_type(name) == kind


@pytest.mark.parametrize(
    ("method", "allowed", "status"),
    [("GET", ("GET",), 0), ("PUT", ("GET",), 405), ("get", ("GET",), 501), ("BREW", ("GET",), 501)],
)
def test_methods(method: str, allowed: tuple[str, ...], status: int) -> None:
    if not status:
        check_method(method, allowed)
        return
    with pytest.raises(HttpError) as caught:
        check_method(method, allowed)
    assert caught.value.status == status
    assert field(refusal(caught.value), "Allow") == ("GET" if status == 405 else "")


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ([], 200, (0, 100)),
        (["Range: bytes=0-9"], 206, (0, 10)),
        (["Range: bytes=-1"], 206, (99, 1)),
        (["Range: bytes=0-50,40-"], 206, (0, 100)),
        (["Range: bytes=100-"], 416, None),
        (["Range: bytes=x"], 200, (0, 100)),
        (["Range: bytes=0-9", f"If-Range: {FILE.etag}"], 206, (0, 10)),
        (["Range: bytes=0-9", 'If-Range: "x"'], 200, (0, 100)),
        (["Range: bytes=0-9", f"If-None-Match: {FILE.etag}"], 304, None),
        (["Range: bytes=0-9", 'If-Match: "x"'], 412, None),
        (["Range: bytes=100-", 'If-Match: "x"'], 412, None),
        ([f"If-Modified-Since: {write_date(10**9)}"], 304, None),
        ([f"If-Modified-Since: {write_date(10**9 - 1)}"], 200, (0, 100)),
    ],
)
def test_files(fields: list[str], status: int, part: tuple[int, int] | None) -> None:
    answer = file_answer(request("GET / HTTP/1.1", *fields), FILE, NOW)
    assert answer.status == status
    assert [(p.start, p.size) for p in answer.body if isinstance(p, FilePart)] == ([part] if part else [])
    if status in (200, 206, 304):
        assert field(answer, "ETag") == FILE.etag
    if status == 206:
        assert part
        assert field(answer, "Content-Range") == f"bytes {part[0]}-{sum(part) - 1}/100"
        assert answer.size == part[1]
    if status == 416:
        assert field(answer, "Content-Range") == "bytes */100"


def test_several_parts_are_a_multipart_that_others_can_read() -> None:
    answer = file_answer(request("GET / HTTP/1.1", "Range: bytes=0-1,50-52,-1"), FILE, NOW)
    assert (answer.status, field(answer, "Content-Range")) == (206, "")
    body = b"".join(p if isinstance(p, bytes) else b"x" * p.size for p in answer.body)
    assert answer.size == len(body)
    message: Message = email.message_from_bytes(
        b"Content-Type: " + field(answer, "Content-Type").encode() + b"\r\n\r\n" + body
    )
    parts = message.get_payload()
    assert [(p["Content-Range"], p.get_payload()) for p in parts] == [  # type: ignore[union-attr]
        ("bytes 0-1/100", "xx"),
        ("bytes 50-52/100", "xxx"),
        ("bytes 99-99/100", "x"),
    ]


@pytest.mark.parametrize("modified_ns", [-(10**20), -1, 10**28])
def test_odd_times_of_change_are_dates_all_the_same(modified_ns: int) -> None:
    found = Found(9, "a", 1, modified_ns, 1)
    date = field(file_answer(request(), found, NOW), "Last-Modified")
    assert date in (write_date(0), write_date(int(NOW)))


@pytest.mark.parametrize(
    ("line", "fields", "answer", "close", "framing"),
    [
        ("GET / HTTP/1.1", [], text(200, "hi"), False, "length"),
        ("GET / HTTP/1.0", [], text(200, "hi"), True, "length"),
        ("GET / HTTP/1.0", ["Connection: keep-alive"], text(200, "hi"), False, "length"),
        ("GET / HTTP/1.1", ["Connection: close"], text(200, "hi"), True, "length"),
        ("GET / HTTP/1.1", [], Answer(200, body=(b"h", b"i"), size=None), False, "chunked"),
        ("GET / HTTP/1.0", [], Answer(200, body=(b"h", b"i"), size=None), True, "close"),
        ("GET / HTTP/1.0", ["Connection: keep-alive"], Answer(200, body=(b"hi",), size=None), True, "close"),
        ("HEAD / HTTP/1.1", [], text(200, "hi"), False, "none"),
        ("HEAD / HTTP/1.1", [], Answer(200, body=(b"hi",), size=None), False, "none"),
        ("GET / HTTP/1.1", [], Answer(204), False, "none"),
        ("GET / HTTP/1.1", [], Answer(304), False, "none"),
        ("GET / HTTP/1.1", [], Answer(205), False, "length"),
    ],
)
def test_an_answer_is_read_as_it_was_meant(
    line: str, fields: list[str], answer: Answer, close: bool, framing: str
) -> None:
    asked = request(line, *fields)
    written = write_answer(answer, asked, NOW)
    assert written.close is close
    response = parse_response(written.head, asked.method)
    assert (response.status, response.framing.kind) == (answer.status, framing)
    assert response.headers.get("date") == write_date(int(NOW))
    assert response.keep_alive is not close
    if answer.status in (204, 304):
        assert not {"content-length", "transfer-encoding"} & {name.lower() for name, _ in response.headers}
    reader, body = ResponseReader(), b""
    reader.expect(asked.method)
    reader.feed(written.head + b"".join(p for p in written.body if isinstance(p, bytes)))
    reader.eof()
    while (found := reader.next()) is not None:
        body += found.data if isinstance(found, Data) else b""
    assert body == (b"hi" if answer.status == 200 and asked.method == "GET" else b"")


def test_http_0_9_gets_the_bare_body_and_its_file_is_closed() -> None:
    answer = Answer(200, body=(b"hi",), size=2, file=9)
    written = write_answer(answer, parse_request(b"GET /\r\n\r\n"), NOW)
    assert (written.head, b"".join(p for p in written.body if isinstance(p, bytes))) == (b"", b"hi")
    assert (written.close, written.file) == (True, 9)


def test_a_refusal_shows_no_markup_of_the_wire() -> None:
    page = b"".join(p for p in refusal(HttpError(400, "<script>")).body if isinstance(p, bytes))
    assert b"<script>" not in page
    assert re.search(rb"&lt;script&gt;", page)
