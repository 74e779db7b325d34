"""The web client against servers that are not ours: scripted ones, those of the sheet, http.server."""

from __future__ import annotations

import functools
import http.server
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.http_web.exchange import Result
from servers.kit import channel as wire
from tests.programs import DEADLINE, ROOT, Dashboard, Program

CLIENT = "servers.http_web.client"

Script = Callable[[socket.socket], None]
"""What is done with one connection; it is closed afterwards."""


class FakeServer:
    """Does with the first connection what the first script says, and so on; the last one again and again."""

    def __init__(self, *scripts: Script, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.listener.settimeout(0.05)
        self.port = self.listener.getsockname()[1]
        self.scripts = scripts
        self.connections = 0
        self.heard: list[bytes] = []
        self.failed: BaseException | None = None
        self._stop = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop:
            try:
                sock, _ = self.listener.accept()
            except TimeoutError:
                continue
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            sock.settimeout(DEADLINE)
            with sock:
                try:
                    script(sock)
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(65536):  # unread bytes at a close would reset what is under way
                        pass
                except OSError:
                    pass
                except BaseException as error:  # an assertion: told to the test
                    self.failed = error

    def request(self, sock: socket.socket, body: int = 0) -> bytes:
        """A request off the connection, with so many bytes of a body."""
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < body:
            more = sock.recv(65536)
            if not more:
                break
            data += more
        self.heard.append(data)
        return data

    def close(self) -> None:
        self._stop = True
        self._thread.join()
        self.listener.close()
        if self.failed:
            raise self.failed


@contextmanager
def serving(*answers: Any, host: str = "127.0.0.1") -> Iterator[FakeServer]:
    """A server whose connections each get bytes after one request, or a script's doings."""
    holder: list[FakeServer] = []

    def script(answer: Any, sock: socket.socket) -> None:
        if callable(answer):
            answer(holder[0], sock)
        else:
            holder[0].request(sock)
            sock.sendall(answer)

    server = FakeServer(*(functools.partial(script, answer) for answer in answers), host=host)
    holder.append(server)
    try:
        yield server
    finally:
        server.close()


def run(port: int, *words: str, host: str = "127.0.0.1") -> tuple[int, bytes, str]:
    """The exit code, stdout's bytes, and stderr's text."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", CLIENT, host, str(port), *words],
        cwd=ROOT, capture_output=True, timeout=DEADLINE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr.decode()


def ask(port: int, *words: str, host: str = "127.0.0.1") -> tuple[int, Result]:
    """The exit code and the result of a run with --json."""
    code, out, error = run(port, *words, "--json", host=host)
    last = msgspec.json.decode(out.splitlines()[-1]) if out else {}
    assert last.get("kind") == "result", (out, error)
    return code, msgspec.convert({k: v for k, v in last.items() if k != "kind"}, Result)


def one(port: int, *words: str) -> tuple[int, Any]:
    """The exit code and the only exchange."""
    code, result = ask(port, *words)
    (exchange,) = result.exchanges
    return code, exchange


GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nhello\n"


def test_it_prints_the_answer_as_it_came():
    with serving(GOOD) as server:
        code, out, error = run(server.port, "HelloWorld.html")
    assert (code, out) == (0, GOOD)
    assert "Fault" not in error
    assert "200 OK: a body of 6 bytes" in error
    assert server.heard[0].startswith(b"GET /HelloWorld.html HTTP/1.1\r\nHost: 127.0.0.1:")


def test_the_result_has_request_response_and_times():
    with serving(GOOD) as server:
        code, result = ask(server.port, "x", "--headers", "X-A: b")
    (exchange,) = result.exchanges
    request, response, timing = exchange.request, exchange.response, exchange.timing
    assert code == 0
    assert result.curl == f"curl -i -H 'X-A: b' http://127.0.0.1:{server.port}/x"
    assert request.start_line == "GET /x HTTP/1.1"
    assert request.bytes.encode() == server.heard[0]
    assert request.size == len(server.heard[0])
    assert [field.name for field in request.headers] == ["Host", "User-Agent", "Accept", "Connection", "X-A"]
    assert response is not None
    assert (response.version, response.status, response.reason) == ("HTTP/1.1", 200, "OK")
    assert [(f.name, f.value) for f in response.headers] == [
        ("Content-Type", "text/html"),
        ("Content-Length", "6"),
    ]
    assert "6 bytes" in response.headers[1].meaning
    assert (response.body_text, response.body_size, response.body_cut) == ("hello\n", 6, False)
    assert response.raw == "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n"
    assert response.faults == []
    moments = [timing.connect_ms, timing.sent_ms, timing.first_byte_ms, timing.total_ms]
    assert moments == sorted(moments)
    assert moments[0] > 0


def test_over_ipv6():
    with serving(GOOD, host="::1") as server:
        assert run(server.port, host="::1")[:2] == (0, GOOD)
    assert f"Host: [::1]:{server.port}\r\n".encode() in server.heard[0]


# -- servers written to the sheet


@pytest.mark.parametrize(
    ("answer", "body", "faults"),
    [
        (
            b" HTTP/1.1 200 OK\n\n<p>hello</p>",
            "<p>hello</p>",
            ["begins with a blank", "LF", "no Content-Type"],
        ),
        (b" HTTP/1.1 200 OK\r\n\r\n", "", ["begins with a blank"]),
        (b"HTTP/1.1 200 OK\nContent-Type: text/html\n\nhi", "hi", ["LF"]),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\n\nhi", "hi", ["LF"]),
        (b"HTTP/1.1 404 Not Found\r\n", "", ["No empty line"]),
        (b"HTTP/1.1 404 Not Found", "", ["No empty line"]),
        (b"HTTP/1.1 200\r\n\r\n", "", ["no blank after the status"]),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi!",
            "hi",
            ["1 more bytes"],
        ),
    ],
)
def test_each_fault_is_named_and_the_answer_shown(answer, body, faults):
    with serving(answer) as server:
        code, exchange = one(server.port)
        printed = run(server.port)
    assert code == 0, exchange.error
    assert exchange.response.body_text == body
    assert len(exchange.response.faults) == len(faults), exchange.response.faults
    for fault, words in zip(exchange.response.faults, faults, strict=True):
        assert words in fault
        assert f"Fault: {fault}" in printed[2]
    assert printed[:2] == (0, answer[: len(printed[1])])
    assert len(printed[1]) == len(exchange.response.raw.encode()) + len(body)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"<html>hello</html>", "This is no HTTP: an answer begins with HTTP/1.1"),
        (b"220 mail ESMTP\r\n", "with «220 mail ESMTP»"),
        (b"\x16\x03\x01\x00\x02\x01\x00", "This is no HTTP"),
        (b"a\n\nb", "with «a»"),
        (b"HTTP/1.1 abc\r\n\r\n", "is no status line"),
        (b"HTTP/1.1 200 OK\r\n<html>\r\n\r\n", "has no colon"),
        (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "blank stands between"),
    ],
)
def test_what_is_no_http_is_shown_raw_with_the_reason(answer, why):
    with serving(answer) as server:
        code, exchange = one(server.port)
        printed = run(server.port)
    assert code == 1
    assert why in exchange.error
    assert exchange.response.status is None
    assert exchange.response.raw == answer.decode("utf-8", "backslashreplace")
    assert printed[:2] == (1, answer)
    assert why in printed[2]


def test_no_answer_at_all():
    with serving(b"") as server:
        code, exchange = one(server.port)
    assert code == 1
    assert exchange.response is None
    assert "without an answer" in exchange.error


# -- framing


def test_chunks_are_put_together():
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\nX-End: 1\r\n\r\n"
    )
    with serving(answer) as server:
        code, exchange = one(server.port)
        assert run(server.port)[1].endswith(b"\r\n\r\nhello world")
    assert (code, exchange.response.body_text) == (0, "hello world")
    assert "chunks" in exchange.response.framing


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        (b"Content-Length: 10\r\n\r\nshort", "in the middle of the body"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "in the middle of the body"),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "is no size of a chunk"),
    ],
)
def test_a_body_that_is_not_whole(tail, why):
    with serving(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + tail) as server:
        code, exchange = one(server.port)
    assert code == 1
    assert why in exchange.error
    assert exchange.response.status == 200


def test_the_answer_to_head_has_no_body_whatever_its_length_says():
    def script(server, sock):
        server.request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        assert sock.recv(1) == b""  # the client hangs up first

    with serving(script) as server:
        code, exchange = one(server.port, "x", "--method", "HEAD")
    assert (code, exchange.error, exchange.response.body_size) == (0, "", 0)
    assert server.heard[0].startswith(b"HEAD /x ")


def test_304_has_no_body():
    with serving(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n') as server:
        code, exchange = one(server.port, "--headers", 'If-None-Match: "a"')
    assert (code, exchange.response.status, exchange.response.body_size) == (0, 304, 0)


def test_interim_answers_are_told_and_the_body_waits_for_the_go_ahead():
    def script(server, sock):
        server.request(sock)
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):  # nothing of the body before the 100
            sock.recv(10)
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.settimeout(DEADLINE)
        assert sock.recv(10) == b"the body"
        sock.sendall(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
        )

    with serving(script) as server:
        words = ("--method", "PUT", "--body", "the body", "--headers", "Expect: 100-continue")
        code, exchange = one(server.port, *words)
    assert (code, exchange.response.status) == (0, 201)
    assert [words[:3] for words in exchange.response.interim] == ["100", "103"]


def test_a_refusal_keeps_the_body_here():
    def script(server, sock):
        server.request(sock)
        sock.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        server.heard.append(sock.recv(10))

    with serving(script) as server:
        words = ("--method", "PUT", "--body", "the body", "--headers", "Expect: 100-continue")
        code, exchange = one(server.port, *words)
    assert (code, exchange.response.status) == (0, 417)
    assert server.heard[1] == b""


def test_binary_goes_out_as_it_is_and_into_the_result_in_hex():
    image = bytes(range(256)) * 40
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(image)
    with serving(head + image) as server:
        assert run(server.port)[:2] == (0, head + image)
        _, exchange = one(server.port)
    assert exchange.response.body_text == ""
    assert bytes.fromhex(exchange.response.body_hex) == image[:4096]
    assert (exchange.response.body_size, exchange.response.body_cut) == (len(image), True)


def test_a_charset_is_read():
    with serving(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ngr\xfcn") as server:
        assert one(server.port)[1].response.body_text == "grün"


def test_http_0_9_by_hand_gets_a_bare_body():
    with serving(b"<p>just a body</p>") as server:
        code, exchange = one(server.port, "--raw", "GET /\n\n")
    assert (code, exchange.error) == (0, "")
    assert exchange.response.version == "HTTP/0.9"
    assert exchange.response.body_text == "<p>just a body</p>"


# -- bytes by hand


def test_bytes_by_hand_leave_as_they_are():
    raw = "HEAD /a HTTP/1.1\nHost: x\nA\\0: \\xff\\\\\n\n"
    with serving(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n") as server:
        code, result = ask(server.port, "--raw", raw)
    assert server.heard[0] == b"HEAD /a HTTP/1.1\r\nHost: x\r\nA\0: \xff\\\r\n\r\n"
    assert code == 0
    assert result.curl == ""
    assert result.exchanges[0].request.start_line == "HEAD /a HTTP/1.1"
    assert result.exchanges[0].response.status == 400


def test_half_a_request_by_hand_waits_and_gives_up():
    def script(server, sock):
        server.heard.append(sock.recv(100))
        sock.recv(1)

    with serving(script) as server:
        start = time.monotonic()
        code, exchange = one(server.port, "--raw", "GET / HTTP/1.1", "--timeout", "0.3")
    assert code == 1
    assert "No answer within 0.3 s" in exchange.error
    assert time.monotonic() - start < DEADLINE
    assert server.heard == [b"GET / HTTP/1.1"]


# -- several requests


def keep_alive(count: int, headers: bytes = b"") -> Script:
    """Answers so many requests on one connection."""

    def script(server: FakeServer, sock: socket.socket) -> None:
        for _ in range(count):
            if not server.request(sock):
                return
            sock.sendall(
                b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 2\r\nContent-Type: a/b\r\n\r\nok"
            )

    return script  # type: ignore[return-value]


def test_several_requests_share_a_connection():
    with serving(keep_alive(3)) as server:
        code, result = ask(server.port, "--times", "3")
    assert code == 0
    assert server.connections == 1
    assert [exchange.reused for exchange in result.exchanges] == [False, True, True]
    assert [b"Connection: close" in request for request in server.heard if request] == [False, False, True]


def test_a_server_that_closes_gets_a_new_connection_and_it_is_said():
    with serving(keep_alive(1, b"Connection: close\r\n")) as server:
        code, out, error = run(server.port, "--times", "3")
    assert code == 0
    assert server.connections == 3
    assert out.count(b"ok") == 3
    assert error.count("The server closed the connection; the next request opens a new one.") == 2


def test_a_connection_that_ended_while_idle_is_opened_anew():
    with serving(keep_alive(1)) as server:
        code, result = ask(server.port, "--times", "3")
    assert code == 0
    assert [exchange.reused for exchange in result.exchanges] == [False, False, False]
    assert server.connections == 3


def test_a_post_is_not_sent_twice():
    with serving(keep_alive(1)) as server:
        code, result = ask(server.port, "--times", "2", "--method", "POST", "--body", "x")
    assert code == 1
    assert server.connections == 1
    assert [bool(exchange.error) for exchange in result.exchanges] == [False, True]


def test_http_1_0_is_kept_alive_only_by_consent():
    with serving(keep_alive(2, b"Connection: keep-alive\r\n")) as server:
        assert ask(server.port, "--times", "2", "--version", "HTTP/1.0")[0] == 0
    assert server.connections == 1
    assert b" HTTP/1.0\r\n" in server.heard[0]


# -- trouble


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        code, out, error = run(free.getsockname()[1])
    assert (code, out) == (1, b"")
    assert "Nothing listens on 127.0.0.1:" in error
    assert "Is the server running" in error


def test_nobody_accepts():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fill = [socket.socket() for _ in range(4)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(address)
        code, _, error = run(address[1], "--timeout", "0.5")
        for sock in fill:
            sock.close()
    assert code == 1
    assert "did not take the connection within 0.5 s" in error


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello", "only its close would end the body"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "in the middle of the answer"),
        (b"HTTP/1.1 200 OK\r\n", "in the middle of the answer"),
    ],
)
def test_a_server_that_falls_silent(answer, words):
    def script(server, sock):
        server.request(sock)
        sock.sendall(answer)
        sock.recv(1)

    with serving(script) as server:
        code, exchange = one(server.port, "--timeout", "0.4")
    assert code == 1
    assert words in exchange.error


def test_a_reset_is_named():
    def script(server, sock):
        server.request(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()

    with serving(script) as server:
        code, exchange = one(server.port)
    assert code == 1
    assert "ECONNRESET" in exchange.error


def test_a_slow_server_is_waited_for_and_timed():
    def script(server, sock):
        server.request(sock)
        time.sleep(0.3)
        sock.sendall(GOOD[:-3])
        time.sleep(0.3)
        sock.sendall(GOOD[-3:])

    with serving(script) as server:
        code, exchange = one(server.port, "--timeout", "5")
    timing = exchange.timing
    assert code == 0
    assert timing.sent_ms < 250
    assert 290 < timing.first_byte_ms < timing.total_ms - 250


def test_endless_interim_answers_end():
    with serving(b"HTTP/1.1 102 Processing\r\n\r\n" * 50) as server:
        code, exchange = one(server.port)
    assert code == 1
    assert "interim" in exchange.error


def test_ctrl_c_shows_what_came():
    def script(server, sock):
        server.request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello\n")
        sock.recv(1)

    with serving(script) as server, Program(CLIENT, "127.0.0.1", str(server.port)) as client:
        client.line("hello")
        assert client.stop(signal.SIGINT) == 1
        assert "Interrupted." in "\n".join(client.errors)


# -- long downloads


def large(size: int) -> Callable[[FakeServer, socket.socket], None]:
    def script(server: FakeServer, sock: socket.socket) -> None:
        server.request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % size)
        block = b"x" * 65535 + b"\n"
        for _ in range(size // len(block)):
            sock.sendall(block)

    return script


MEASURED = """
import pathlib, re, runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__")
finally:
    peak = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]
    print("peak", peak, file=sys.stderr)
"""
"""Runs a module, then says the most memory that its own process had, in KiB."""


@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak is read from /proc")
def test_a_large_body_is_streamed_and_only_its_start_is_kept(tmp_path: Path):
    size = 128 * 1024 * 1024
    with serving(large(size)) as server, (tmp_path / "out").open("wb") as out:
        words = [sys.executable, "-c", MEASURED, CLIENT, "127.0.0.1", str(server.port)]
        done = subprocess.run(words, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True, check=True)
    assert (tmp_path / "out").stat().st_size > size
    assert 1024 * int(re.search(r"^peak (\d+)$", done.stderr, re.MULTILINE)[1]) < size / 2
    assert f"a body of {size} bytes" in done.stderr


def test_progress_is_told_and_the_result_is_bounded():
    def script(server, sock):
        server.request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 300000\r\n\r\n")
        for _ in range(15):
            sock.sendall(b"y" * 20000)
            time.sleep(0.1)

    with serving(script) as server, Program(CLIENT, "127.0.0.1", str(server.port), "--json") as client:
        assert client.wait() == 0
        progress = client.events("download_progress")
        (result,) = client.events("result")
    assert 3 <= len(progress) <= 10
    done = [event["done"] for event in progress]
    assert done == sorted(done)
    assert {event["total"] for event in progress} == {300000}
    gaps = [b["t"] - a["t"] for a, b in pairwise(progress)]
    assert min(gaps) > 0.19
    response = result["exchanges"][0]["response"]
    assert (len(response["body_text"]), response["body_size"], response["body_cut"]) == (65536, 300000, True)


def test_the_dashboard_gets_words_and_no_floods():
    def script(server, sock):
        server.request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"\x1b[2Jz\n" * 20000)

    with (
        serving(script) as server,
        Dashboard() as dashboard,
        Program(CLIENT, "127.0.0.1", str(server.port), env=dashboard.env, stdin=subprocess.PIPE) as client,
    ):
        dashboard.accept()
        assert client.wait() == 0, client.lines
        text = "\n".join(client.lines)
        assert client.errors == []
        assert dashboard.ended.wait(DEADLINE)
        assert len(dashboard.of(wire.Result)) == 1
    assert "HTTP/1.1 200 OK" in text
    assert "\x1b" not in text
    assert "more bytes of the body are not shown" in text
    assert len(text) < 60_000


# -- a server that is not ours


def test_against_pythons_own_server(tmp_path: Path):
    (tmp_path / "HelloWorld.html").write_bytes(b"<h1>Hello</h1>\n")
    (tmp_path / "a b.bin").write_bytes(bytes(range(256)))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        port = server.server_address[1]
        try:
            code, out, _ = run(port, "HelloWorld.html")
            assert code == 0
            assert out.startswith(b"HTTP/1.1 200 OK\r\n")
            assert out.endswith(b"\r\n\r\n<h1>Hello</h1>\n")
            code, result = ask(port, "HelloWorld.html", "--times", "4")
            assert [(e.response.status, e.reused) for e in result.exchanges] == [(200, False)] + 3 * [
                (200, True)
            ]
            assert run(port, "a b.bin")[1].endswith(b"\r\n\r\n" + bytes(range(256)))
            code, exchange = one(port, "missing")
            assert (code, exchange.response.status) == (0, 404)
            assert exchange.response.meaning == "There is nothing under this name."
            assert one(port, "HelloWorld.html", "--method", "HEAD")[1].response.body_size == 0
            assert one(port, "--method", "BREW")[1].response.status == 501
        finally:
            server.shutdown()
            thread.join()
