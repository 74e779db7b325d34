"""Requests that two programs could read in two ways: 400, the connection ends, the origin sees none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.labs.caching_proxy.rig import Origin, Proxy, ok, read_answer, request, status_of
from tests.programs import eventually


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with Proxy(tmp_path_factory.mktemp("proxy") / "cache") as started:
        yield started


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(ok(b"answer", "Cache-Control: no-store")) as made:
        yield made


HIDDEN = "GET {u}/hidden HTTP/1.1\r\nHost: x\r\n\r\n"
POST = "POST {u}/p HTTP/1.1\r\nHost: {o}\r\n"
GET = "GET {u}/g HTTP/1.1\r\nHost: {o}\r\n"
CHUNKS = "5\r\nhello\r\n0\r\n\r\n"

AT_ONCE = {
    "CL.TE": POST + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "TE.CL": POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + HIDDEN,
    "CL.TE in small letters": POST + "content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE.TE": POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" + CHUNKS,
    "TE.TE, other order": POST + "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "TE twice": POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "TE xchunked": POST + "Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "TE identity": POST + "Transfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "TE with a tab": POST + "Transfer-Encoding:\tchunked, identity\r\n\r\n" + CHUNKS,
    "TE with VT": POST + "Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "TE in quotes": POST + 'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKS,
    "TE with a parameter": POST + "Transfer-Encoding: chunked;q=1\r\n\r\n" + CHUNKS,
    "TE in HTTP/1.0": "POST {u}/p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "blank before TE's colon": POST + "Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "blank before CL's colon": POST + "Content-Length : 5\r\n\r\nhello",
    "tab before the colon": POST + "Content-Length\t: 5\r\n\r\nhello",
    "TE folded": POST + "Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKS,
    "X folded": GET + "X: a\r\n Transfer-Encoding: chunked\r\n\r\n",
    "first field folded": "GET {u}/g HTTP/1.1\r\n Host: x\r\n\r\n",
    "two lengths": POST + "Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello" + HIDDEN,
    "two lengths in one field": POST + "Content-Length: 5, 0\r\n\r\nhello",
    "length with a sign": POST + "Content-Length: +5\r\n\r\nhello",
    "negative length": POST + "Content-Length: -1\r\n\r\nhello",
    "length in hex": POST + "Content-Length: 0x5\r\n\r\nhello",
    "length with a point": POST + "Content-Length: 5.0\r\n\r\nhello",
    "length with letters": POST + "Content-Length: 5 GET\r\n\r\nhello",
    "no length": POST + "Content-Length: \r\n\r\nhello",
    "length too long": POST + "Content-Length: 99999999999999999999\r\n\r\nhello",
    "LF among CRLF": GET + "A: b\nContent-Length: 5\r\n\r\nhello",
    "CRLF among LF": "POST {u}/p HTTP/1.1\nHost: x\nContent-Length: 5\r\n\nhello",
    "CR in a value": GET + "A: b\rContent-Length: 40\r\n\r\n" + HIDDEN,
    "CR ends a line": GET + "A: b\r\r\nC: d\r\n\r\n",
    "CR CR": "GET {u}/g HTTP/1.1\r\rHost: x\r\r\r\n\r\n",
    "NUL in a value": GET + "A: b\0c\r\n\r\n",
    "NUL in a name": GET + "A\0: b\r\n\r\n",
    "CR in the target": "GET {u}/g\rX: y HTTP/1.1\r\nHost: x\r\n\r\n",
    "LF in the target": "GET {u}/g\nX: y HTTP/1.1\r\nHost: x\r\n\r\n",
    "CRLF in the target": "GET {u}/g HTTP/1.1\r\nX: y HTTP/1.1\r\nHost x\r\n\r\n",
    "blank in the target": "GET {u}/g HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "two hosts": "GET {u}/g HTTP/1.1\r\nHost: {o}\r\nHost: x\r\n\r\n",
    "no host": "GET {u}/g HTTP/1.1\r\n\r\n",
    "host with a blank": "GET {u}/g HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host with a path": "GET {u}/g HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "no colon": GET + "Transfer-Encoding chunked\r\n\r\n",
    "empty name": GET + ": chunked\r\n\r\n",
    "name with a bracket": GET + "Transfer-Encoding]: chunked\r\n\r\n",
    "method with a blank": " GET {u}/g HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": "POST {u}/g\r\n\r\n",
    "version of a kind": "GET {u}/g HTTP/1.1x\r\nHost: x\r\n\r\n",
}
"""Known as wrong before anything is sent to the origin."""
IN_THE_BODY = {
    "size with a sign": "+5\r\nhello\r\n0\r\n\r\n",
    "size in 0x": "0x5\r\nhello\r\n0\r\n\r\n",
    "size with _": "1_0\r\n" + "x" * 16 + "\r\n0\r\n\r\n",
    "size with a blank first": " 5\r\nhello\r\n0\r\n\r\n",
    "size with a blank after it": "5 \r\nhello\r\n0\r\n\r\n",
    "size too large": "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "no size": "\r\nhello\r\n0\r\n\r\n",
    "LF after the size": "5\nhello\r\n0\r\n\r\n",
    "LF after the data": "5\r\nhello\n0\r\n\r\n",
    "CR after the size": "5\rhello\r\n0\r\n\r\n",
    "bytes after the data": "5\r\nhelloXX0\r\n\r\n",
    "LF in an extension": "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "CR in an extension": "5;a=\rb\r\nhello\r\n0\r\n\r\n",
    "LF ends the last": "5\r\nhello\r\n0\r\n\n",
    "length in the trailers": "5\r\nhello\r\n0\r\nContent-Length: 0\r\n\r\n",
    "TE in the trailers": "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "folded trailer": "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
    "endless extension": "5;" + "x" * 5000,
}
"""Known as wrong when the origin has a part already: it must see that it is cut short."""


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_can_be_read_in_two_ways_reaches_nobody(proxy: Proxy, origin: Origin, name: str) -> None:
    before = len(origin.asked)
    data = (AT_ONCE[name] + HIDDEN).format(u=origin.url, o=origin.authority)
    answer = proxy.raw(data.encode("latin-1"))
    assert len(re.findall(rb"(?m)^HTTP/1\.1 \d\d\d ", answer)) == 1, answer
    assert status_of(answer) in (400, 501), answer
    assert b"\r\nConnection: close\r\n" in answer
    assert b"Proxy-Status: socketlab; error=http_request_error" in answer
    assert len(origin.asked) == before


@pytest.mark.parametrize("name", IN_THE_BODY)
def test_chunks_that_can_be_read_in_two_ways_end_both_connections(proxy: Proxy, name: str) -> None:
    with Origin(ok(b"answer")) as origin:
        head = POST + "Transfer-Encoding: chunked\r\n\r\n"
        data = (head + IN_THE_BODY[name] + HIDDEN).format(u=origin.url, o=origin.authority)
        answer = proxy.raw(data.encode("latin-1"))
        assert len(re.findall(rb"(?m)^HTTP/1\.1 \d\d\d ", answer)) == 1, answer
        assert status_of(answer) == 400
        assert b"\r\nConnection: close\r\n" in answer
        eventually(lambda: origin.ended == origin.connections, "the origin's connection closed")
        assert origin.asked == [], "no whole request came"


@pytest.mark.parametrize(
    ("fields", "body", "got"),
    [
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello", "Content-Length: 5"),
        ("Content-Length: 05\r\n", "hello", "Content-Length: 5"),
        ("Content-Length: 5, 5\r\n", "hello", "Content-Length: 5"),
        ("Transfer-Encoding:   CHUNKED  \r\n", CHUNKS, "Transfer-Encoding: chunked"),
        ("transfer-encoding: , chunked ,\r\n", CHUNKS, "Transfer-Encoding: chunked"),
        (
            "Transfer-Encoding: chunked\r\n",
            '5 ;x="y\\"z" ; k\r\nhello\r\n000\r\n\r\n',
            "Transfer-Encoding: chunked",
        ),
    ],
)
def test_what_is_odd_but_clear_leaves_in_one_form(proxy: Proxy, fields: str, body: str, got: str) -> None:
    with Origin(ok(b"answer")) as origin:
        data = (POST + fields + "\r\n" + body + GET + "Connection: close\r\n\r\n").format(
            u=origin.url, o=origin.authority
        )
        answer = proxy.raw(data.encode())
        assert answer.count(b"answer") == 2
        assert [asked.line.split()[0] for asked in origin.asked] == ["POST", "GET"]
        framing = re.findall(rb"(?im)^((?:content-length|transfer-encoding): .*)\r$", origin.asked[0].head)
        assert framing == [got.encode()]
        assert origin.asked[0].body.replace(b"5\r\nhello", b"hello").startswith(b"hello")


def test_the_good_before_the_bad_is_answered_and_nothing_after_it(proxy: Proxy) -> None:
    with Origin(ok(b"answer")) as origin:
        good = request(f"{origin.url}/good")
        bad = f"GET {origin.url}/bad HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".encode()
        answer = proxy.raw(good + bad + good)
        assert answer.count(b"answer") == 1
        assert answer.count(b"HTTP/1.1 400 ") == 1
        assert len(origin.asked) == 1


@pytest.mark.parametrize("path", ["/a%0d%0aX:%20y", "/%00", "/a%20b", "/ä", "/\x7f"])
def test_what_is_encoded_in_a_path_stays_encoded(proxy: Proxy, path: str) -> None:
    with Origin(ok(b"answer")) as origin:
        data = f"GET {origin.url}{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        answer = proxy.raw(data)
        if "\x7f" in path:
            assert status_of(answer) == 400
        else:
            assert status_of(answer) == 200
            assert origin.asked[0].head.split(b" ")[1] == path.encode()


def test_a_request_in_pieces_of_one_byte_is_the_same_request(proxy: Proxy) -> None:
    with Origin(ok(b"answer")) as origin, proxy.connect() as sock:
        for byte in request(f"{origin.url}/slow", method="POST", body=b"hello"):
            sock.sendall(bytes([byte]))
        assert read_answer(sock).body == b"answer"
        assert origin.asked[0].body == b"hello"


def test_one_host_cannot_put_its_answer_into_anothers_place(proxy: Proxy) -> None:
    """The cache's key is the target URI, whatever Host, X-Forwarded-Host or fragments say."""
    with (
        Origin(ok(b"good", "Cache-Control: max-age=60")) as good,
        Origin(ok(b"evil", "Cache-Control: max-age=60")) as evil,
    ):
        for url, host in ((evil.url, good.authority), (f"{evil.url}/", good.authority)):
            data = (
                f"GET {url}/x HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {host}\r\nX-Original-URL: /x\r\n"
                f"Connection: close\r\n\r\n"
            )
            assert proxy.raw(data.encode()).endswith(b"evil")
        assert proxy.ask(f"{good.url}/x").body == b"good"
        assert proxy.ask(f"{good.url}//x").body == b"good"
        assert proxy.ask(f"{evil.url}/x").body == b"evil"
