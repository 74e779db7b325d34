"""What a client sends, and what the origin gets of it; what the origin sends, and what the client gets."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.labs.caching_proxy.rig import (
    AGAIN,
    ASK,
    CLOSE,
    HEAD,
    STAY,
    TIMEOUT,
    Origin,
    Proxy,
    ok,
    read_all,
    read_answer,
    request,
    status_of,
)
from tests.programs import DEADLINE, eventually


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with Proxy(tmp_path_factory.mktemp("proxy") / "cache") as started:
        yield started


def fields_of(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


# -- where to


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("http://{o}/a/b?c=d&e", "GET /a/b?c=d&e HTTP/1.1"),
        ("http://{o}", "GET / HTTP/1.1"),
        ("http://{o}?q", "GET /?q HTTP/1.1"),
        ("http://{o}/a#part", "GET /a HTTP/1.1"),
        ("HTTP://{o}/A", "GET /A HTTP/1.1"),
        ("http://{o}/%41%2f../b/./c//d", "GET /%41%2f../b/./c//d HTTP/1.1"),
        ("/{o}/a?b", "GET /a?b HTTP/1.1"),
        ("/{o}", "GET / HTTP/1.1"),
        ("/{o}/", "GET / HTTP/1.1"),
        ("/{o}?x", "GET /?x HTTP/1.1"),
    ],
)
def test_the_origin_is_asked_in_origin_form(proxy: Proxy, target: str, line: str) -> None:
    with Origin(ok()) as origin:
        answer = proxy.raw(request(target.format(o=origin.authority), "Connection: close"))
        assert status_of(answer) == 200
        assert [asked.line for asked in origin.asked] == [line]
        assert origin.asked[0].fields("host") == [origin.authority]


def test_a_pages_relative_links_are_found_by_their_referer(proxy: Proxy) -> None:
    with Origin(ok()) as origin:
        own = f"127.0.0.1:{proxy.own_port}"
        page = f"Referer: http://{own}/{origin.authority}/dir/page.html"
        for path in ("/style.css", "/img/cat", "/dir/x.png?y=1"):
            data = f"GET {path} HTTP/1.1\r\nHost: {own}\r\n{page}\r\nConnection: close\r\n\r\n"
            assert status_of(proxy.raw(data.encode())) == 200
        assert [asked.line.split()[1] for asked in origin.asked] == [
            "/style.css",
            "/img/cat",
            "/dir/x.png?y=1",
        ]
        for path in ("/style.css", "/favicon.ico", "/img/cat"):
            lost = proxy.raw(f"GET {path} HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n".encode())
            assert status_of(lost) == 404, path
            assert b"Referer" in lost


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("GET https://127.0.0.1/ HTTP/1.1", 501, b"CONNECT"),
        ("GET ftp://127.0.0.1/ HTTP/1.1", 400, b"ftp"),
        ("GET http://u:p@127.0.0.1/ HTTP/1.1", 400, b"password"),
        ("GET http:///x HTTP/1.1", 400, b"no host"),
        ("GET http://127.0.0.1:0/ HTTP/1.1", 400, b"no host"),
        ("GET http://127.0.0.1:65536/ HTTP/1.1", 400, b"no host"),
        ("GET http://127.0.0.1:8x/ HTTP/1.1", 400, b"no host"),
        ("GET http://[::1/ HTTP/1.1", 400, b"no host"),
        ("GET http://[fe80::1%25eth0]/ HTTP/1.1", 400, b"no host"),
        ("GET http://a%20b/ HTTP/1.1", 400, b"no host"),
        ("GET 127.0.0.1/a HTTP/1.1", 400, b"no URL"),
        ("GET * HTTP/1.1", 400, b"itself"),
        ("GET / HTTP/1.1", 404, b"This is a proxy"),
        ("GET /favicon HTTP/1.1", 404, b"no host"),
        ("GET /http://127.0.0.1/ HTTP/1.1", 404, b"Leave http:// out"),
        ("GET /HTTPS://127.0.0.1/ HTTP/1.1", 404, b"Leave HTTPS:// out"),
        ("CONNECT 127.0.0.1 HTTP/1.1", 400, b"host:port"),
        ("CONNECT 127.0.0.1:443/ HTTP/1.1", 400, b"host:port"),
        ("CONNECT http://127.0.0.1:443 HTTP/1.1", 400, b"host:port"),
        ("CONNECT u@127.0.0.1:443 HTTP/1.1", 400, b"password"),
        ("OPTIONS * HTTP/1.1", 400, b"itself"),
        ("GET http://127.0.0.1/ HTTP/2.0", 505, b"HTTP/2.0"),
    ],
)
def test_what_leads_nowhere_is_explained(proxy: Proxy, line: str, status: int, words: bytes) -> None:
    answer = proxy.raw(f"{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    assert status_of(answer) == status
    assert words in answer
    assert b"\r\nProxy-Status: socketlab; error=" in answer
    assert b"\r\nDate: " in answer


def test_an_origin_at_an_ipv6_address(proxy: Proxy) -> None:
    with Origin(ok(), host="::1") as origin:
        assert proxy.ask(f"{origin.url}/six").body == b"hello"
        assert origin.asked[0].fields("host") == [f"[::1]:{origin.port}"]
        assert proxy.raw(request(f"/{origin.authority}/p", "Connection: close")).endswith(b"hello")


# -- methods and bodies


@pytest.mark.parametrize(
    "method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "MKCOL", "x-Y"]
)
def test_any_method_goes_to_the_origin(proxy: Proxy, method: str) -> None:
    with Origin(ok(b"" if method == "HEAD" else b"done")) as origin:
        answer = proxy.ask(f"{origin.url}/m", method=method)
        assert answer.status == 200
        assert answer.body == (b"" if method == "HEAD" else b"done")
        assert origin.asked[0].line == f"{method} /m HTTP/1.1"
        wanted = ["0"] if method in ("POST", "PUT", "PATCH") else []
        assert origin.asked[0].fields("content-length") == wanted


CHUNKS = b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET", "OPTIONS"])
def test_a_body_with_content_length_goes_through(proxy: Proxy, method: str) -> None:
    with Origin(ok()) as origin:
        assert proxy.ask(f"{origin.url}/b", method=method, body=b"x" * 100_000).status == 200
        assert origin.asked[0].body == b"x" * 100_000
        assert origin.asked[0].fields("content-length") == ["100000"]
        assert proxy.verdict(f"{origin.url}/b")["verdict"] == "BYPASS"


def test_a_chunked_body_goes_through_with_its_trailers(proxy: Proxy) -> None:
    with Origin(ok()) as origin, proxy.connect() as sock:
        head = request(f"{origin.url}/c", "Transfer-Encoding: chunked", "Trailer: X-Sum", method="POST")
        for place in range(0, len(head + CHUNKS), 13):
            sock.sendall((head + CHUNKS)[place : place + 13])
        assert read_answer(sock).status == 200
        assert origin.asked[0].fields("transfer-encoding") == ["chunked"]
        assert origin.asked[0].fields("trailer") == ["X-Sum"]
        assert origin.asked[0].fields("content-length") == []
        body = origin.asked[0].body
        assert b"".join(re.findall(rb"\r\n([hello wrd]+)(?=\r\n)", b"\r\n" + body)) == b"hello world"
        assert body.endswith(b"\r\n0\r\nX-Sum: 1\r\n\r\n")
        sock.sendall(request(f"{origin.url}/c", "Connection: close"))  # the connection goes on
        assert read_answer(sock).status == 200


def test_the_bodys_beginning_is_there_before_its_end(proxy: Proxy) -> None:
    """Streamed both ways: each side waits for what the other says."""

    def patient(origin: Origin, sock: socket.socket) -> None:
        sock.settimeout(DEADLINE)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        sock.sendall(b"3\r\none\r\n")
        eventually(lambda: origin.over.is_set() or read.is_set(), "the first piece read")
        sock.sendall(b"3\r\ntwo\r\n0\r\n\r\n")

    read = threading.Event()
    with Origin((ASK, patient)) as origin, proxy.connect() as sock:
        sock.sendall(request(f"{origin.url}/stream"))
        data = b""
        while b"one" not in data:
            data += sock.recv(65536)
        assert b"two" not in data
        read.set()
        while not data.endswith(b"0\r\n\r\n"):
            data += sock.recv(65536)
        assert b"two" in data


@pytest.mark.parametrize(
    ("sent", "body", "framing"),
    [
        (b"Content-Length: 5\r\n\r\nhello", b"hello", "Content-Length: 5"),
        (b"Content-Length: 5, 5\r\n\r\nhello", b"hello", "Content-Length: 5"),
        (b"Content-Length: 0\r\n\r\n", b"", "Content-Length: 0"),
        (b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, b"hello world", "Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", b"", "Transfer-Encoding: chunked"),
        (b"Connection: close\r\n\r\nto the end", b"to the end", "Transfer-Encoding: chunked"),
        (b"\r\nto the end", b"to the end", "Transfer-Encoding: chunked"),
    ],
)
@pytest.mark.parametrize("store", [b"Cache-Control: no-store\r\n", b"Cache-Control: max-age=60\r\n"])
def test_an_answers_body_is_framed_anew(
    proxy: Proxy, sent: bytes, body: bytes, framing: str, store: bytes
) -> None:
    with Origin((ASK, b"HTTP/1.1 200 Fine\r\n" + store + sent)) as origin:
        with proxy.connect() as sock:
            sock.sendall(request(f"{origin.url}/f"))
            answer = read_answer(sock)
            assert (answer.status, answer.reason, answer.body) == (200, "Fine", body)
            name, value = framing.split(": ")
            assert answer.headers.get_all(name) == [value]
            other = {"Content-Length": "Transfer-Encoding"}.get(name, "Content-Length")
            assert other not in answer.headers
            assert "connection" not in answer.headers
            assert not re.search(r"socketlab.*socketlab", answer.get("via"))
            assert re.fullmatch(r"1\.1 socketlab-\w{4}", answer.get("via"))
            assert answer.get("date")
            assert answer.get("cache-status").startswith("socketlab")
        kept = b"max-age" in store and b"end" not in sent  # a close says not whether it was the end
        assert proxy.verdict(f"{origin.url}/f").get("stored", False) == kept
        if kept:
            again = proxy.ask(f"{origin.url}/f")
            assert again.body == body
            assert again.get("content-length") == str(len(body))
            assert "; hit" in again.get("cache-status")
            assert len(origin.asked) == 1


def test_trailers_reach_the_client(proxy: Proxy) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
    with Origin(answer) as origin:
        for _ in range(2):
            data = proxy.raw(request(f"{origin.url}/t", "Connection: close", "TE: trailers"))
            assert data.endswith(b"0\r\nX-Sum: 1\r\n\r\n")
            assert b"\r\nTrailer: X-Sum\r\n" in data
        assert origin.asked[0].fields("te") == ["trailers"]
        assert origin.asked[0].fields("connection") == ["TE"]


# -- fields


def test_fields_for_this_hop_only_go_no_further(proxy: Proxy) -> None:
    answer = ok(
        b"x", "Connection: X-Here, keep-alive", "X-Here: 1", "Keep-Alive: timeout=5",
        "Proxy-Connection: close",
        "Proxy-Authenticate: Basic", "Upgrade: h2c", "X-End: 2", "Set-Cookie: a=1", "Set-Cookie: b=2",
    )  # fmt: skip
    with Origin(answer) as origin:
        found = proxy.ask(
            f"{origin.url}/h", "Connection: X-Mine, Upgrade,close, keep-alive", "X-Mine: 1", "Keep-Alive: 5",
            "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eA==", "TE: gzip, deflate",
            "Upgrade: websocket", "HTTP2-Settings: AAA", "X-End: 2", "X-End: 3", "Cookie: c",
        )  # fmt: skip
        got = origin.asked[0]
        assert list(fields_of(got.head)) == ["host", "x-end", "cookie", "via"]
        assert got.fields("x-end") == ["2", "3"]
        assert found.headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert found.get("x-end") == "2"
        assert found.get("connection") == "close"
        for name in ("x-here", "keep-alive", "proxy-connection", "proxy-authenticate", "upgrade"):
            assert name not in found.headers


def test_connection_cannot_take_away_what_the_message_needs(proxy: Proxy) -> None:
    answer = ok(b"x", "Connection: Cache-Control, Age, Content-Length", "Cache-Control: no-store", "Age: 7")
    with Origin(answer) as origin:
        for _ in range(2):
            found = proxy.ask(
                f"{origin.url}/h",
                "Connection: host, content-length, via",
                "Via: 1.0 other",
                method="POST",
                body=b"abc",
            )
            assert origin.asked[-1].body == b"abc"
            assert origin.asked[-1].fields("host") == [origin.authority]
            assert re.fullmatch(r"1\.0 other, 1\.1 socketlab-\w+", origin.asked[-1].fields("via")[0])
            assert found.get("cache-control") == "no-store"
            assert found.get("age") == "7"
        assert len(origin.asked) == 2


def test_the_request_uri_is_where_it_goes_whatever_host_says(proxy: Proxy) -> None:
    with Origin(ok()) as origin, Origin(ok(b"wrong")) as other:
        data = f"GET {origin.url}/x HTTP/1.1\r\nHost: {other.authority}\r\nConnection: close\r\n\r\n"
        assert proxy.raw(data.encode()).endswith(b"hello")
        assert origin.asked[0].fields("host") == [origin.authority]
        assert not other.asked


def test_via_names_the_version_that_was_spoken(proxy: Proxy) -> None:
    with Origin((ASK, b"HTTP/1.0 200 OK\r\nVia: 1.0 fred\r\n\r\nx")) as origin:
        answer = proxy.raw(request(f"{origin.url}/v", version="1.0"))
        assert re.search(rb"\r\nVia: 1\.0 fred, 1\.0 socketlab-", answer)
        assert origin.asked[0].fields("via")[0].startswith("1.0 socketlab-")
        assert origin.asked[0].line.endswith("HTTP/1.1")


def test_a_request_that_came_through_before_is_a_loop(proxy: Proxy) -> None:
    with Origin(ok()) as origin:
        proxy.ask(f"{origin.url}/")
        name = origin.asked[0].fields("via")[0]
        answer = proxy.ask(f"{origin.url}/2", f"Via: 1.1 other, {name}")
        assert answer.status == 508
        assert "proxy_loop_detected" in answer.get("proxy-status")
        assert len(origin.asked) == 1


# -- interim answers


EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"


def test_interim_answers_are_passed_on(proxy: Proxy) -> None:
    hints = EARLY.replace(
        b"\r\n\r\n", b"\r\nConnection: X-Hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with Origin((ASK, hints, 0.05, EARLY, b"HTTP/1.1 199 \r\n\r\n", ok(), AGAIN)) as origin:
        data = proxy.raw(request(f"{origin.url}/i", "Connection: close"))
        heads = data.split(b"\r\n\r\n")
        assert [head.partition(b"\r\n")[0] for head in heads[:4]] == [
            b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 199 ", b"HTTP/1.1 200 OK"
        ]  # fmt: skip
        assert b"Link: </s.css>; rel=preload" in heads[0]
        assert b"X-Hop" not in heads[0]
        assert b"Transfer-Encoding" not in heads[0], "1xx have no body"
        assert data.endswith(b"hello")


def test_an_old_client_gets_no_interim_answer(proxy: Proxy) -> None:
    with Origin((ASK, EARLY, ok(), AGAIN)) as origin:
        assert proxy.raw(request(f"{origin.url}/i", version="1.0")).startswith(b"HTTP/1.1 200 OK\r\n")


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_expect_is_answered_by_the_origin(proxy: Proxy, framing: str) -> None:
    body = b"x" * 50 if framing == "length" else CHUNKS
    field = "Content-Length: 50" if framing == "length" else "Transfer-Encoding: chunked"

    def rest(origin: Origin, sock: socket.socket) -> None:
        got = b""
        sock.settimeout(DEADLINE)
        while not got.endswith(body[-7:]):
            got += sock.recv(1000)

    with Origin((HEAD, CONTINUE, rest, ok())) as origin, proxy.connect() as sock:
        sock.sendall(request(f"{origin.url}/e", field, "Expect: 100-continue", method="PUT"))
        assert sock.recv(1000) == CONTINUE
        assert origin.asked[0].fields("expect") == ["100-continue"]
        sock.sendall(body)
        assert read_answer(sock).body == b"hello"


@pytest.mark.parametrize("unread", [0, 3_000_000])
def test_an_answer_that_comes_before_the_body_is_passed_on(proxy: Proxy, unread: int) -> None:
    """413 while the body is still to come: the client need not send it, and the connection ends."""
    with (
        Origin((HEAD, ok(b"too much", status="413 Content Too Large"), STAY)) as origin,
        proxy.connect() as sock,
    ):
        sock.sendall(
            request(f"{origin.url}/e", "Content-Length: 10000000", "Expect: 100-continue", method="PUT")
        )
        if unread:
            threading.Thread(target=_pour, args=(sock, unread)).start()
        answer = read_answer(sock)
        assert (answer.status, answer.body) == (413, b"too much")
        assert answer.get("connection") == "close"
        assert read_all(sock) == b""


def _pour(sock: socket.socket, size: int) -> None:
    with contextlib.suppress(OSError):
        sock.sendall(bytes(size))


def test_an_answer_before_the_body_is_passed_on_also_if_the_origin_then_closes(proxy: Proxy) -> None:
    with Origin((HEAD, ok(b"no", status="403 Forbidden"), CLOSE)) as origin, proxy.connect() as sock:
        sock.sendall(request(f"{origin.url}/e", "Content-Length: 3000000", method="POST"))
        thread = threading.Thread(target=_pour, args=(sock, 3_000_000))
        thread.start()
        answer = read_answer(sock)
        assert (answer.status, answer.body) == (403, b"no")
        thread.join()


def test_a_refusal_does_not_wait_for_a_body_that_is_held_back(proxy: Proxy) -> None:
    data = request("http://169.254.169.254/", "Content-Length: 5", "Expect: 100-continue", method="PUT")
    answer = proxy.raw(data)
    assert status_of(answer) == 403
    assert b"\r\nConnection: close\r\n" in answer


# -- old clients, old origins


def test_an_http_1_0_client(proxy: Proxy) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
    with Origin(chunked) as origin:
        answer = proxy.raw(f"GET {origin.url}/ HTTP/1.0\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        assert body == b"hello world"
        assert b"chunked" not in head.lower()
        assert b"Connection: close" in head


def test_an_http_1_0_client_keeps_its_connection_where_the_length_is_known(proxy: Proxy) -> None:
    with Origin(ok(b"hi", "Cache-Control: max-age=60")) as origin, proxy.connect() as sock:
        for _ in range(3):
            sock.sendall(f"GET {origin.url}/k HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n".encode())
            answer = read_answer(sock)
            assert answer.body == b"hi"
            assert answer.get("connection") == "keep-alive"
        sock.sendall(f"GET {origin.url}/k HTTP/1.0\r\n\r\n".encode())
        assert read_all(sock).endswith(b"hi")


def test_an_http_0_9_client_gets_the_bare_body(proxy: Proxy) -> None:
    with Origin(ok(b"bare", "Cache-Control: max-age=60")) as origin:
        for _ in range(2):
            assert proxy.raw(f"GET /{origin.authority}/old\r\n".encode()) == b"bare"
        assert len(origin.asked) == 1
    answer = proxy.raw(b"GET /169.254.169.254/\r\n")
    assert b"HTTP/1.1" not in answer
    assert b"169.254.169.254" in answer


def test_an_origin_of_http_1_0_ends_its_body_by_closing(proxy: Proxy) -> None:
    script = (ASK, b"HTTP/1.0 200 OK\r\nCache-Control: max-age=60\r\n\r\n" + b"x" * 100_000, CLOSE)
    with Origin(script) as origin:
        for _ in range(2):
            answer = proxy.ask(f"{origin.url}/ten")
            assert answer.whole
            assert answer.body == b"x" * 100_000
        assert len(origin.asked) == 2, "nobody knows whether it was whole: it was not kept"


# -- connections


def test_both_sides_keep_their_connections(proxy: Proxy) -> None:
    empty = ok().removesuffix(b"hello")
    with Origin((*(ASK, ok()) * 5, ASK, empty, ASK, ok())) as origin, proxy.connect() as sock:
        for number in range(5):
            sock.sendall(request(f"{origin.url}/{number}"))
            assert read_answer(sock).body == b"hello"
        sock.sendall(request(f"{origin.url}/h", method="HEAD"))
        assert read_answer(sock, "HEAD").get("content-length") == "5"
        assert origin.connections == 1
        assert proxy.ask(f"{origin.url}/other").body == b"hello"  # another client: the same connection
        assert origin.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"x", "Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        ok(b"x", "Connection: X, CLOSE", status="404 Not Found"),
    ],
)
def test_a_connection_that_the_origin_ends_is_not_used_again(proxy: Proxy, answer: bytes) -> None:
    with Origin(answer) as origin:
        for number in range(2):
            assert proxy.ask(f"{origin.url}/{number}").body == b"x"
        assert origin.connections == 2


@pytest.mark.parametrize(("method", "retried"), [("GET", True), ("DELETE", True), ("POST", False)])
def test_a_kept_connection_that_dies_unseen_is_tried_again_where_that_is_safe(
    proxy: Proxy, method: str, retried: bool
) -> None:
    """The origin takes the second request, and closes without a word."""
    with Origin((ASK, ok(), HEAD, CLOSE), ok(b"again")) as origin:
        assert proxy.ask(f"{origin.url}/1").body == b"hello"
        answer = proxy.ask(f"{origin.url}/2", method=method)
        assert answer.status == (200 if retried else 502)
        assert origin.connections == (2 if retried else 1)
        if not retried:
            assert b"without an answer" in answer.body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(proxy: Proxy, method: str) -> None:
    with Origin((ASK, ok(), CLOSE), ok(b"new")) as origin:
        assert proxy.ask(f"{origin.url}/1").body == b"hello"
        eventually(lambda: origin.ended, "closed")
        answer = proxy.ask(f"{origin.url}/2", method=method, body=b"b" if method == "POST" else b"")
        assert answer.body == b"new"


def test_a_new_connection_that_dies_is_not_tried_again(proxy: Proxy) -> None:
    with Origin((ASK, CLOSE)) as origin:
        assert proxy.ask(f"{origin.url}/1").status == 502
        assert origin.connections == 1


def test_pipelined_requests_are_answered_in_order(proxy: Proxy) -> None:
    slow = (ASK, 0.1, ok(b"one", "Cache-Control: max-age=60"), ASK, ok(b"two"), ASK, ok(b"three"))
    with Origin(slow) as origin:
        urls = [f"{origin.url}/{number}" for number in (1, 2, 1, 3)]
        data = b"".join(request(url) for url in urls) + request(f"{origin.url}/1", "Connection: close")
        answer = proxy.raw(data)
        assert re.findall(rb"\r\n\r\n(one|two|three)", answer) == [b"one", b"two", b"one", b"three", b"one"]
        assert len(origin.asked) == 3


def test_pipelined_with_bodies(proxy: Proxy) -> None:
    with Origin(ok(b"done")) as origin:
        post = request(f"{origin.url}/p", method="POST", body=b"GET /x HTTP/1.1\r\n\r\n")
        chunked = request(f"{origin.url}/q", "Transfer-Encoding: chunked", method="POST") + CHUNKS
        answer = proxy.raw(post + chunked + post + request(f"{origin.url}/r", "Connection: close"))
        assert answer.count(b"done") == 4
        assert [asked.line.split()[1] for asked in origin.asked] == ["/p", "/q", "/p", "/r"]


# -- upgrades, Max-Forwards


def test_an_upgrade_is_not_passed_on(proxy: Proxy) -> None:
    with Origin(ok(b"plain", status="426 Upgrade Required")) as origin:
        answer = proxy.ask(
            f"{origin.url}/ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )  # fmt: skip
        assert (answer.status, answer.body) == (426, b"plain")
        assert origin.asked[0].fields("upgrade") == []
        assert origin.asked[0].fields("connection") == []


def test_options_for_the_whole_server(proxy: Proxy) -> None:
    with Origin(ok(b"")) as origin:
        assert proxy.ask(origin.url, method="OPTIONS").status == 200
        assert origin.asked[0].line == "OPTIONS * HTTP/1.1"
        assert origin.asked[0].fields("host") == [origin.authority]


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_max_forwards_counts_down(proxy: Proxy, method: str) -> None:
    with Origin(ok(b"")) as origin:
        proxy.ask(f"{origin.url}/", "Max-Forwards: 2", method=method)
        assert origin.asked[0].fields("max-forwards") == ["1"]
        answer = proxy.ask(f"{origin.url}/", "Max-Forwards: 0", method=method)
        assert len(origin.asked) == 1
        assert answer.status == (200 if method == "OPTIONS" else 405)
        if method == "OPTIONS":
            assert f'next-hop="127.0.0.1:{origin.port}"' in answer.get("proxy-status")
            assert "CONNECT" in answer.get("allow")


def test_two_proxies_in_a_row(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Proxy(tmp_path_factory.mktemp("second") / "cache") as second, Origin(ok()) as origin:
        url = f"/127.0.0.1:{second.own_port}/{origin.authority}/a"
        assert proxy.raw(request(url, "Connection: close")).endswith(b"hello")
        assert len(origin.asked[0].fields("via")[0].split(", ")) == 2


# -- the figures of the whole


def test_the_timeout_of_these_tests_is_short() -> None:
    assert TIMEOUT <= 1
