"""Origins that fail in every way there is: 502 or 504 in time, with words; nothing kept, the proxy well."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.labs.caching_proxy.rig import (
    AGAIN,
    ASK,
    CLOSE,
    HEAD,
    RESET,
    STAY,
    Origin,
    Proxy,
    Script,
    ok,
    read_all,
    read_answer,
    request,
    status_of,
)
from tests.programs import eventually

TIMEOUT = 0.3
LATE = TIMEOUT + 2.0
"""Seconds in which an answer must be there: the time-out, and what a busy machine may add."""
FRESH = b"Cache-Control: max-age=60\r\n"
START = b"HTTP/1.1 200 OK\r\n" + FRESH


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with Proxy(tmp_path_factory.mktemp("proxy") / "cache", "--allow-target", "*", timeout=TIMEOUT) as started:
        yield started


def drip(data: bytes, pause: float = 0.1) -> list[bytes | float]:
    return [piece for at in range(len(data)) for piece in (data[at : at + 1], pause)]


WRONG, CUT, SLOW = "http_protocol_error", "http_response_incomplete", "http_response_timeout"
"""RFC 9209's words."""
HEADS: dict[str, tuple[Script, int, str, str]] = {
    "closes at once": ((CLOSE,), 502, "", ""),
    "closes without an answer": ((ASK, CLOSE), 502, "without an answer", CUT),
    "resets": ((ASK, RESET), 502, "ECONNRESET", "connection_terminated"),
    "is silent": ((ASK, STAY), 504, "sent no whole head", SLOW),
    "never reads": ((STAY,), 504, "sent no whole head", SLOW),
    "falls silent in the head": ((ASK, START, STAY), 504, "sent no whole head", SLOW),
    "drips its head": ((ASK, *drip(START * 9)), 504, "sent no whole head", SLOW),
    "closes in the head": ((ASK, START, CLOSE), 502, "before the head was whole", CUT),
    "garbage": ((ASK, bytes(range(256)), STAY), 502, "begins with", WRONG),
    "another protocol": ((b"220 mail ESMTP ready\r\n", STAY), 502, "«220 mail ESMTP read", WRONG),
    "TLS": ((ASK, b"\x15\x03\x01\x00\x02\x02\x0a", STAY), 502, "TLS", WRONG),
    "HTTP/2": ((ASK, b"\0\0\x12\x04\0\0\0\0\0", STAY), 502, "begins with", WRONG),
    "HTTP/0.9": ((ASK, b"<html>hello</html>"), 502, "begins with «<html>", WRONG),
    "another version": ((ASK, b"HTTP/2.0 200 OK\r\n\r\n"), 502, "HTTP/2.0", WRONG),
    "no status": ((ASK, b"HTTP/1.1 OK\r\n\r\n"), 502, "no status line", WRONG),
    "status of four digits": ((ASK, b"HTTP/1.1 2000 OK\r\n\r\n"), 502, "no status line", WRONG),
    "a head without end": ((ASK, START + b"X: y\r\n" * 20_000, STAY), 502, "longer than", WRONG),
    "a line without end": ((ASK, START + b"X: " + b"y" * 100_000, STAY), 502, "longer than", WRONG),
    "too many fields": ((ASK, START + b"X: y\r\n" * 200 + b"\r\n"), 502, "more than", WRONG),
    "two lengths": (
        (ASK, START + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), 502, "Content-Length",
        WRONG,
    ),
    "length and chunks": (
        (ASK, START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 502,
        "contradict", WRONG,
    ),
    "length no number": ((ASK, START + b"Content-Length: +5\r\n\r\nhello"), 502, "no length", WRONG),
    "negative length": ((ASK, START + b"Content-Length: -5\r\n\r\nhello"), 502, "no length", WRONG),
    "unknown coding": ((ASK, START + b"Transfer-Encoding: gzip\r\n\r\n"), 502, "not known", WRONG),
    "chunked twice": (
        (ASK, START + b"Transfer-Encoding: chunked, chunked\r\n\r\n"), 502, "not known", WRONG
    ),
    "chunks in HTTP/1.0": (
        (ASK, b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 502, "not known",
        WRONG,
    ),
    "a changed protocol": (
        (ASK, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", STAY), 502,
        "changed the protocol", "http_upgrade_failed",
    ),
    "1xx without end": ((ASK, b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, STAY), 502, "1xx", WRONG),
    "1xx and silence": ((ASK, *drip(b"HTTP/1.1 103 E\r\n\r\n" * 9)), 504, "sent no whole head", ""),
    "folded line": ((ASK, START + b"X: a\r\n b\r\n\r\n"), 502, "folded", WRONG),
    "blank before the colon": ((ASK, START + b"Content-Length : 5\r\n\r\n"), 502, "colon", WRONG),
    "bare CR in a field": ((ASK, START + b"X: a\rSet-Cookie: b\r\n\r\n"), 502, "CR", WRONG),
    "CR in the reason": (
        (ASK, b"HTTP/1.1 200 OK\rSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"), 502, "CR", WRONG
    ),
    "LF in the reason": (
        (ASK, b"HTTP/1.1 200 OK\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"), 502, "", WRONG
    ),
    "NUL in the reason": ((ASK, b"HTTP/1.1 200 O\0K\r\n\r\n"), 502, "no status line", WRONG),
    "NUL in a field": ((ASK, START + b"X: a\0b\r\n\r\n"), 502, "control", WRONG),
    "a blank first": (
        (ASK, b" HTTP/1.1 200 OK\r\n\r\nhello"), 502, "status line begins with a blank", WRONG
    ),
    "line ends mixed": ((ASK, b"HTTP/1.1 200 OK\r\nA: b\n\r\nx"), 502, "LF alone", WRONG),
    "no empty line": (
        (ASK, b"HTTP/1.1 200 OK\r\n<html>hello</html>"), 502, "No empty line stands between", CUT
    ),
    "no empty line, then one": (
        (ASK, b"HTTP/1.1 200 OK\r\n<html>\r\n\r\nhello"), 502, "No empty line stands between", WRONG
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_what_is_no_head_is_a_bad_gateway(proxy: Proxy, name: str) -> None:
    script, status, words, error = HEADS[name]
    with Origin(script, ok(b"next", "Cache-Control: no-store")) as origin, proxy.connect() as sock:
        sock.sendall(request(f"{origin.url}/x"))
        began = time.monotonic()
        data = b""
        while b"(from the proxy)" not in data:
            more = sock.recv(65536)
            assert more, data
            data += more
        assert time.monotonic() - began < LATE
        answer = proxy_answer(data)
        assert answer.startswith(f"HTTP/1.1 {status} "), answer
        assert words in answer
        assert f"\r\nProxy-Status: socketlab; error={error}" in answer
        assert f"The origin {origin.authority} " in answer, "the page names the origin, once"
        assert "Set-Cookie" not in answer.partition("\r\n\r\n")[0]
        sock.sendall(request(f"{origin.url}/x"))  # the client's connection goes on; nothing was stored
        rest = b""
        while not rest.endswith(b"next"):
            more = sock.recv(65536)
            assert more, rest
            rest += more
        assert proxy.verdict(f"{origin.url}/x", 2)["verdict"] == "MISS"
        assert proxy.verdicts(f"{origin.url}/x")[0]["verdict"] == "FAILED"
        assert origin.connections == 2


def proxy_answer(data: bytes) -> str:
    """The final answer in these bytes."""
    text = data.decode("utf-8", "replace")
    while text.startswith("HTTP/1.1 1"):
        text = text.partition("\r\n\r\n")[2]
    return text


def test_a_port_without_a_program(proxy: Proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    answer = proxy.ask(f"http://127.0.0.1:{port}/")
    assert answer.status == 502
    assert answer.get("proxy-status") == "socketlab; error=connection_refused"
    assert (
        f"\r\n127.0.0.1:{port} refused the connection: no program listens on that port.".encode()
        in answer.body
    )
    assert b"the server behind it that failed" in answer.body


def test_a_name_that_nobody_knows(proxy: Proxy) -> None:
    began = time.monotonic()
    answer = proxy.ask("http://no-such-host.invalid/")
    assert answer.status in (502, 504)
    assert answer.get("proxy-status").startswith("socketlab; error=dns_")
    assert b"no-such-host.invalid" in answer.body
    assert b"Is the name spelt right?" in answer.body
    assert b"the server behind it" not in answer.body  # none was reached
    assert time.monotonic() - began < LATE


def test_a_host_whose_backlog_is_full(proxy: Proxy) -> None:
    """A connection that is never completed: on Linux, one more than the backlog holds."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = listener.getsockname()[1]
        for _ in range(3):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        began = time.monotonic()
        answer = proxy.ask(f"http://127.0.0.1:{port}/")
        assert answer.status == 504
        assert "connection_timeout" in answer.get("proxy-status")
        assert time.monotonic() - began < LATE


# -- bodies

CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = START + b"Content-Length: 10\r\n\r\n"
PIECE = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
BODIES: dict[str, Script] = {
    "shorter than its length": (ASK, LENGTH + b"hello", CLOSE),
    "shorter, and reset": (ASK, LENGTH + b"hello", 0.05, RESET),
    "shorter, and silence": (ASK, LENGTH + b"hello", STAY),
    "length, and nothing": (ASK, LENGTH, STAY),
    "length, and the end": (ASK, LENGTH, CLOSE),
    "chunks without the last": (ASK, CHUNKED + b"5\r\nhello\r\n", CLOSE),
    "chunks, and reset": (ASK, CHUNKED + b"5\r\nhello\r\n", 0.05, RESET),
    "chunks, and silence": (ASK, CHUNKED + b"5\r\nhello\r\n", STAY),
    "closes in a chunk": (ASK, CHUNKED + b"50\r\nhello", CLOSE),
    "closes in a size": (ASK, CHUNKED + b"5\r\nhello\r\n5", CLOSE),
    "closes in the trailers": (ASK, CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n", CLOSE),
    "closes before the last empty line": (ASK, CHUNKED + b"5\r\nhello\r\n0\r\n", CLOSE),
    "no size": (ASK, CHUNKED + b"5\r\nhello\r\nxyz\r\nhello\r\n0\r\n\r\n", STAY),
    "size 0x": (ASK, CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", STAY),
    "size with a sign": (ASK, CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", STAY),
    "size too large": (ASK, CHUNKED + b"ffffffffffffffff5\r\nhello\r\n0\r\n\r\n", STAY),
    "a chunk longer than its size": (ASK, CHUNKED + b"5\r\nhello!!\r\n0\r\n\r\n", STAY),
    "bare LF in chunks": (ASK, CHUNKED + b"5\nhello\n0\n\n", STAY),
    "a trailer without colon": (ASK, CHUNKED + b"5\r\nhello\r\n0\r\nX\r\n\r\n", STAY),
    "a trailer that frames": (ASK, CHUNKED + b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", STAY),
    "dies after a while": (ASK, CHUNKED + PIECE * 4, 0.2, PIECE, RESET),
    "to the end, and reset": (ASK, START + b"\r\nhello", 0.05, RESET),
    "to the end, and silence": (ASK, START + b"\r\nhello", STAY),
}


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_breaks_off_is_seen_to_and_not_kept(proxy: Proxy, name: str, version: str) -> None:
    with Origin(BODIES[name], ok(b"next", "Cache-Control: no-store")) as origin:
        began = time.monotonic()
        with proxy.connect() as sock:
            sock.sendall(request(f"{origin.url}/x", version=version))
            answer = read_answer(sock)
        assert time.monotonic() - began < LATE
        assert answer.status in (200, 502, 504)
        assert not answer.whole or answer.status != 200
        assert proxy.verdict(f"{origin.url}/x")["verdict"] == "FAILED"
        again = proxy.ask(f"{origin.url}/x")
        assert again.body == b"next"
        assert "hit" not in again.get("cache-status")
        assert origin.connections == 2


@pytest.mark.parametrize("store", [FRESH, b"Cache-Control: no-store\r\n"])
def test_what_follows_a_body_is_never_the_next_answer(proxy: Proxy, store: bytes) -> None:
    """Response splitting: an origin, or who speaks through it, sends a second answer unasked."""
    poison = b"HTTP/1.1 200 OK\r\n" + FRESH + b"Content-Length: 6\r\n\r\npoison"
    first = b"HTTP/1.1 200 OK\r\n" + store + b"Content-Length: 5\r\n\r\nhello"
    for script in ((ASK, first + poison, STAY), (ASK, first, 0.05, poison, STAY)):
        with Origin(script, ok(b"clean")) as origin:
            assert proxy.ask(f"{origin.url}/a").body == b"hello"
            time.sleep(0.1)
            assert proxy.ask(f"{origin.url}/b").body == b"clean"
            assert origin.connections == 2


@pytest.mark.parametrize(
    ("head", "method", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 50\r\n\r\n", "GET", 204),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", 204),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "POST", 204),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", "GET", 304),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "GET", 304),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", "HEAD", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", 200),
        (b"HTTP/1.1 200 OK\r\n\r\n", "HEAD", 200),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "HEAD", 404),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "GET", 404),
    ],
)
def test_what_has_no_body_does_not_hang_whatever_it_says(
    proxy: Proxy, head: bytes, method: str, status: int
) -> None:
    with Origin((ASK, head, STAY)) as origin:
        answer = proxy.raw(request(f"{origin.url}/n", "Connection: close", method=method))
        assert proxy.verdict(f"{origin.url}/n")["verdict"] in ("MISS", "BYPASS"), "it waited for a body"
        assert status_of(answer) == status
        assert answer.endswith(b"\r\n\r\n")
        assert b"chunked" not in answer
        assert (b"Content-Length" in answer) == (status != 204 and b"Content-Length" in head), answer


def test_a_404_without_body_or_length_on_an_open_connection_ends_with_the_time_out(proxy: Proxy) -> None:
    with Origin((ASK, b"HTTP/1.1 404 Not Found\r\n\r\n", STAY)) as origin:
        began = time.monotonic()
        answer = proxy.raw(request(f"{origin.url}/n"))
        assert status_of(answer) == 404
        assert time.monotonic() - began < LATE
        assert proxy.verdict(f"{origin.url}/n")["verdict"] == "FAILED"


def test_a_404_without_body_whose_connection_ends_is_whole(proxy: Proxy) -> None:
    with Origin((ASK, b"HTTP/1.1 404 Not Found\r\n\r\n")) as origin:
        answer = proxy.ask(f"{origin.url}/n")
        assert (answer.status, answer.body, answer.whole) == (404, b"", True)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_sheets_server_is_understood(proxy: Proxy, end: bytes) -> None:
    """RFC 9112, 2.2: line ends of LF alone are taken where all are such; what leaves has CRLF."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: text/html", b"", b"<h1>Hello</h1>"]
    with Origin((ASK, end.join(lines))) as origin:
        answer = proxy.raw(request(f"{origin.url}/s", "Connection: close"))
        assert status_of(answer) == 200
        head = answer.partition(b"\r\n\r\n")[0]
        assert head.count(b"\n") == head.count(b"\r\n")
        assert b"<h1>Hello</h1>" in answer


def test_an_origin_that_reads_no_body_is_given_up(proxy: Proxy) -> None:

    def wait(origin: Origin, sock: socket.socket) -> None:
        origin.over.wait(5)

    with Origin((HEAD, wait)) as origin, proxy.connect() as sock:
        began = time.monotonic()
        sock.sendall(request(f"{origin.url}/p", "Content-Length: 50000000", method="POST"))
        with contextlib.suppress(OSError):
            for _ in range(500):
                sock.sendall(bytes(100_000))
        assert status_of(read_all(sock)) == 504
        assert time.monotonic() - began < LATE + 3


def test_a_slow_body_that_goes_on_is_no_silence(proxy: Proxy) -> None:
    """The time-out is for each piece, not for the whole."""
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", *drip(b"abcdefgh", TIMEOUT / 4)]
    with Origin((ASK, *pieces)) as origin:
        assert proxy.ask(f"{origin.url}/slow").body == b"abcdefgh"


def test_connections_that_failed_are_closed(proxy: Proxy) -> None:
    for name in ("garbage", "two lengths", "a changed protocol", "1xx without end"):
        with Origin(HEADS[name][0]) as origin:
            proxy.ask(f"{origin.url}/x")
            eventually(lambda origin=origin: origin.ended == 1, name)
    for name in ("no size", "shorter, and silence", "chunks, and silence", "to the end, and silence"):
        with Origin(BODIES[name]) as origin:
            proxy.ask(f"{origin.url}/x")
            eventually(lambda origin=origin: origin.ended == 1, name)


def test_an_origin_that_is_well_again_is_asked_again(proxy: Proxy) -> None:
    with Origin((ASK, RESET), (ASK, ok(b"well"), AGAIN)) as origin:
        assert proxy.ask(f"{origin.url}/w").status == 502
        assert proxy.ask(f"{origin.url}/w").body == b"well"
