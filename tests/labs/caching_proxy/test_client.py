"""The proxy lab's client against proxies that are not ours: scripted ones, and the sheet's."""

from __future__ import annotations

import hashlib
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.caching_proxy.results import Result
from servers.kit import channel as wire
from tests.labs.caching_proxy.scripted import Scripted
from tests.programs import DEADLINE, ROOT, Dashboard, Program, eventually

CLIENT = "servers.caching_proxy.client"
BODY = b"the same for everybody\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n"
ORIGIN = OK + b"Connection: close\r\n\r\n" + BODY


def via(cache_status: str, *more: str, body: bytes = BODY, status: str = "200 OK") -> bytes:
    """A proxy's answer."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/plain", f"Content-Length: {len(body)}"]
    lines += ["Via: 1.1 socketlab", f"Cache-Status: {cache_status}", *more, "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(port: int, *words: str, host: str = "127.0.0.1") -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a run."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", CLIENT, host, str(port), *words],
        cwd=ROOT, capture_output=True, timeout=DEADLINE, stdin=subprocess.DEVNULL, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def fetch(port: int, *words: str, host: str = "127.0.0.1") -> tuple[int, Result]:
    """Exit code and result of a run with --json."""
    code, out, error = run(port, *words, "--json", host=host)
    assert out, error
    last = msgspec.json.decode(out.splitlines()[-1])
    assert last.pop("kind") == "result"
    return code, msgspec.convert(last, Result)


def events(port: int, *words: str) -> list[dict[str, Any]]:
    _, out, _ = run(port, *words, "--json")
    return [msgspec.json.decode(line) for line in out.splitlines()]


# -- what it asks for


@pytest.mark.parametrize(
    ("words", "line", "host"),
    [
        (["http://a.example/x?y=1#z"], "GET http://a.example/x?y=1 HTTP/1.1", "a.example"),
        (["http://A.example:80"], "GET http://a.example/ HTTP/1.1", "a.example"),
        (["a.example:81/ü b"], "GET http://a.example:81/%C3%BC%20b HTTP/1.1", "a.example:81"),
        (["http://[::1]:81/"], "GET http://[::1]:81/ HTTP/1.1", "[::1]:81"),
        (["http://bücher.example/"], "GET http://xn--bcher-kva.example/ HTTP/1.1", "xn--bcher-kva.example"),
        (["http://a.example/", "--method", "HEAD"], "HEAD http://a.example/ HTTP/1.1", "a.example"),
        (["http://a.example:81/x", "--form", "path"], "GET /a.example:81/x HTTP/1.1", "127.0.0.1:{port}"),
        (["https://a.example/x"], "CONNECT a.example:443 HTTP/1.1", "a.example:443"),
    ],
)  # fmt: skip
def test_the_request_is_in_the_form_that_was_chosen(words: list[str], line: str, host: str) -> None:
    with Scripted(ORIGIN) as proxy:
        run(proxy.port, *words, "--no-compare")
        lines = proxy.heard[0].decode().split("\r\n")
        assert lines[:2] == [line, "Host: " + host.format(port=proxy.port)]


def test_header_fields_and_cache_control_go_along() -> None:
    with Scripted(ORIGIN) as proxy, Scripted(ORIGIN) as origin:
        fields = "Accept: text/html\nProxy-Authorization: Basic YTpi\nCache-Control: max-age=5\nHost: other"
        run(proxy.port, origin.url, "--headers", fields, "--cache-control", "no-cache")
        ours, theirs = (each.heard[0].decode().split("\r\n") for each in (proxy, origin))
        assert "Accept: text/html" in ours
        assert "Accept: text/html" in theirs
        assert [line for line in ours if line.startswith("Cache-Control")] == ["Cache-Control: no-cache"]
        assert "Cache-Control: no-cache" in theirs
        assert "Proxy-Authorization: Basic YTpi" in ours
        assert not any(line.startswith("Proxy-") for line in theirs), "the password is the proxy's alone"
        assert [line for line in theirs if line.startswith("Host")] == [f"Host: 127.0.0.1:{origin.port}"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ftp://a.example/"], "http://"),
        (["http://"], "no host"),
        (["http://a b/"], "no host"),
        (["http://u:p@a.example/"], "password"),
        (["http://a.example:99999/"], "no host"),
        (["http://a.example/", "--headers", "no colon"], "--headers: "),
        (["http://a.example/", "--headers", "Content-Length: 5"], "wait for it"),
        (["http://a.example/", "--cache-control", "no-cache\r\nX: y"], "--cache-control: "),
        (["http://a.example/", "--times", "21"], "from 1 to 20"),
        (["https://a.example/", "--form", "path"], "CONNECT"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(words: list[str], says: str) -> None:
    code, out, error = run(1, *words)
    assert (code, out) == (2, "")
    assert says in error


# -- what the proxy says of its cache


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        (via("socketlab; hit; ttl=42", "Age: 18"), "HIT", "fresh for 42 s more"),
        (via('socketlab; hit; ttl=42; detail="max-age=60, age 18"'), "HIT", "max-age=60, age 18"),
        (via("socketlab; hit; ttl=-5", "Age: 65"), "STALE", "5 s too old"),
        (via("socketlab; fwd=uri-miss; fwd-status=200; stored"), "MISS", "nothing is stored for this URL"),
        (via("socketlab; fwd=vary-miss; stored"), "MISS", "what is stored answers another request: see Vary"),
        (via("socketlab; fwd=stale; fwd-status=304"), "REVALIDATED", "what was stored is too old"),
        (via("socketlab; fwd=stale; fwd-status=200; stored"), "EXPIRED", "what was stored is too old"),
        (via("socketlab; fwd=uri-miss; collapsed"), "COLLAPSED", "somebody else was just fetching it"),
        (via("socketlab; fwd=bypass; detail=\"no-store\""), "BYPASS", "no-store"),
        (via("Origin; hit, socketlab; fwd=uri-miss"), "MISS", "nothing is stored for this URL"),
        (
            via("socketlab", "Proxy-Status: s; error=http_request_denied", status="403 No", body=b""),
            "REFUSED", "the proxy's rules forbid it",
        ),
        (via("socketlab; hit; ttl=0"), "STALE", "just too old"),
        (
            via("socketlab", "Proxy-Status: s; error=dns_error", status="502 No",
                body=b"502 Bad Gateway\r\n\r\nNobody knows a.example.\r\n"),
            "FAILED", "Nobody knows a.example.",
        ),
        (
            via("socketlab", 'Proxy-Status: s; error=dns_error; details="NXDOMAIN"', status="502 No"),
            "FAILED", "NXDOMAIN",
        ),
        (
            via("socketlab", "Proxy-Status: s; error=connection_refused", status="502 No", body=b""),
            "FAILED", "nothing listens at the origin's address",
        ),
        (b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n", "REFUSED", "who you are first"),
        (b"HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n", "FAILED", "no usable answer"),
        (OK + b"Age: 7\r\n\r\n" + BODY, "HIT", "Age: 7 s"),
        (OK + b"X-Cache: MISS from squid\r\n\r\n" + BODY, "MISS", "X-Cache"),
        (OK + b"\r\n" + BODY, "", ""),
    ],
)  # fmt: skip
def test_the_verdict_and_its_reason_are_read_off_the_answer(answer: bytes, verdict: str, reason: str) -> None:
    with Scripted(answer) as proxy:
        code, result = fetch(proxy.port, "http://a.example/", "--no-compare")
    (only,) = result.fetches
    assert only.verdict == verdict
    assert reason in only.reason
    assert only.meaning
    assert code == (1 if verdict in ("REFUSED", "FAILED") else 0)


def test_a_result_has_all_that_the_page_shows() -> None:
    first_answer, then = via("socketlab; fwd=uri-miss; stored"), via("socketlab; hit; ttl=60", "Age: 3")
    with Scripted(first_answer, then) as proxy, Scripted(ORIGIN) as origin:
        code, result = fetch(proxy.port, origin.url + "/x", "--times", "2")
    assert code == 0
    assert [f.verdict for f in result.fetches] == ["MISS", "HIT"]
    assert [f.number for f in result.fetches] == [1, 2]
    first, last = result.fetches
    assert (first.status, first.phrase, first.version) == (200, "OK", "HTTP/1.1")
    assert (last.age, last.via, last.cache_status) == (3, "1.1 socketlab", "socketlab; hit; ttl=60")
    assert last.sha256 == hashlib.sha256(BODY).hexdigest()
    assert last.size == len(BODY)
    assert last.framing == "Content-Length: 23 bytes."
    for each in (first, last, result.direct):
        assert each is not None
        assert each.connect_ms is not None
        assert each.first_byte_ms is not None
        assert each.total_ms is not None
        assert 0 < each.connect_ms <= each.first_byte_ms <= each.total_ms
    assert result.direct is not None
    assert result.direct.address == f"127.0.0.1:{origin.port}"
    assert result.proxy == f"127.0.0.1:{proxy.port}"
    comparison = result.comparison
    assert comparison is not None
    assert comparison.same_bytes
    assert comparison.same_status
    assert [f.name for f in comparison.added] == ["Via", "Cache-Status", "Age"]
    assert all(field.meaning for field in comparison.added)
    assert result.summary.startswith("From the cache in ")
    assert "(at first MISS, " in result.summary
    assert result.summary.endswith("The same bytes.")
    assert result.curl == f"curl -i -x http://127.0.0.1:{proxy.port} {origin.url}/x"


def test_the_terminal_shows_every_fetch_and_the_outcome() -> None:
    with Scripted(via("socketlab; hit; ttl=60", "Age: 3")) as proxy, Scripted(ORIGIN) as origin:
        code, out, error = run(proxy.port, origin.url)
    assert (code, error) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("1. HIT          200 OK, 23 bytes in ")
    assert any(line.startswith("direct          200 OK, 23 bytes in ") for line in lines)
    assert any("added      Via: 1.1 socketlab" in line for line in lines)
    assert lines[-1].startswith("From the cache in ")


# -- with and without


def test_other_bytes_are_told_with_what_may_be_the_reason() -> None:
    other = OK + b"\r\n" + BODY.upper()
    with Scripted(other) as origin:
        with Scripted(via("socketlab; hit; ttl=60", "Age: 12")) as proxy:
            _, result = fetch(proxy.port, origin.url)
        assert result.comparison is not None
        assert not result.comparison.same_bytes
        assert "The copy is 12 s old" in result.comparison.notes[0]
        assert result.summary.endswith("Not the same bytes.")
        with Scripted(via("socketlab; fwd=uri-miss")) as proxy:
            _, result = fetch(proxy.port, origin.url)
        assert result.comparison is not None
        assert "a damaged one?" in result.comparison.notes[0]


def test_fields_that_the_proxy_took_away_or_changed_are_told() -> None:
    origin_answer = OK + b"Keep-Alive: timeout=5\r\nDate: now\r\n\r\n" + BODY
    with Scripted(origin_answer) as origin, Scripted(via("s; hit", "Date: then")) as proxy:
        _, result = fetch(proxy.port, origin.url)
    assert result.comparison is not None
    assert [f.name for f in result.comparison.removed] == ["Keep-Alive"]
    (date,) = result.comparison.changed
    assert (date.name, date.direct, date.proxy) == ("Date", "now", "then")


def test_a_dead_origin_is_no_failure_of_the_proxy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Scripted(via("socketlab; hit; ttl=60")) as proxy:
        code, result = fetch(proxy.port, f"http://127.0.0.1:{port}/")
    assert code == 0
    assert result.direct is not None
    assert "connection refused" in result.direct.error
    assert result.comparison is None
    assert "Directly it did not come: Nothing listens on" in result.summary


def test_what_the_proxy_refuses_is_not_fetched_past_it() -> None:
    refused = via("s", "Proxy-Status: s; error=http_request_denied", body=b"Closed: --allow-target.\n",
                  status="403 Forbidden")  # fmt: skip
    with Scripted(refused) as proxy, Scripted(ORIGIN) as origin:
        code, result = fetch(proxy.port, origin.url)
        assert origin.connections == 0
    assert code == 1
    assert (result.direct, result.comparison) == (None, None)
    assert result.no_direct == "No direct fetch: what the proxy refuses is not fetched past it."
    assert result.fetches[0].message == "Closed: --allow-target."
    assert result.summary == "The proxy refused: 403 Forbidden, Closed: --allow-target."


def test_a_failure_of_the_proxy_is_not_compared_but_the_origin_is_asked() -> None:
    failed = via("s", "Proxy-Status: s; error=connection_refused", body=b"", status="502 Bad Gateway")
    with Scripted(failed) as proxy, Scripted(ORIGIN) as origin:
        code, result = fetch(proxy.port, origin.url)
    assert code == 1
    assert result.comparison is None
    assert result.summary.startswith("The proxy got no answer from the origin: 502 Bad Gateway, nothing ")
    assert "Directly it came, 200 OK, in " in result.summary


def test_an_unknown_name_has_no_direct_fetch() -> None:
    with Scripted(via("socketlab; hit")) as proxy:
        code, result = fetch(proxy.port, "http://no-such-host.invalid/")
    assert code == 0
    assert result.direct is None
    assert "no-such-host.invalid" in result.no_direct


def test_without_compare_only_the_proxy_is_asked() -> None:
    with Scripted(via("socketlab; hit")) as proxy, Scripted(ORIGIN) as origin:
        _, result = fetch(proxy.port, origin.url, "--no-compare")
        assert (result.direct, result.no_direct, origin.connections) == (None, "", 0)


def test_a_tunnel_is_opened_and_explained() -> None:
    with Scripted(b"HTTP/1.1 200 Connection established\r\n\r\n") as proxy:
        code, result = fetch(proxy.port, "https://127.0.0.1/")
    assert code == 0
    assert result.fetches[0].verdict == "TUNNEL"
    assert not result.fetches[0].faults
    assert "TLS" in result.no_direct
    with Scripted(b"HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\nclosed") as proxy:
        code, result = fetch(proxy.port, "https://127.0.0.1/", "--no-compare")
    assert (result.fetches[0].status, result.fetches[0].message) == (403, "closed")


# -- from the dashboard


def from_dashboard(proxy: Scripted, url: str, *words: str) -> Result:
    """The result of a run that the dashboard started."""
    with Dashboard() as board, Program(
        CLIENT, "127.0.0.1", str(proxy.port), url, *words, env=board.env, stdin=subprocess.PIPE
    ) as program:  # fmt: skip
        board.accept()
        (found,) = eventually(lambda: board.of(wire.Result), "a result")
        program.wait()
        return msgspec.convert(msgspec.json.decode(found.value), Result)


def allowed(hop: str) -> bytes:
    line = f'Proxy-Status: socketlab; next-hop="{hop}"'
    return f"HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 0\r\n\r\n".encode()


def test_on_the_page_the_direct_fetch_goes_to_the_address_that_the_proxy_allows() -> None:
    with Scripted(ORIGIN) as origin, Scripted(via("s; hit"), allowed(f"127.0.0.1:{origin.port}")) as proxy:
        result = from_dashboard(proxy, "http://name-for-the-proxy-alone.invalid/x", "--headers", "X-Mine: 1")
        asked = proxy.heard[1].decode().split("\r\n")
        assert asked[0] == "OPTIONS http://name-for-the-proxy-alone.invalid/x HTTP/1.1"
        assert "Max-Forwards: 0" in asked
        assert not any(line.startswith("X-Mine") for line in asked)
        assert origin.heard[0].startswith(b"GET /x HTTP/1.1\r\nHost: name-for-the-proxy-alone.invalid\r\n")
    assert result.direct is not None
    assert result.direct.address == f"127.0.0.1:{origin.port}"
    assert result.comparison is not None
    assert result.comparison.same_bytes


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            via("s", "Proxy-Status: s; error=http_request_denied", status="403 Closed",
                body=b"403 Closed\r\n\r\n10.0.0.1 is not allowed: --allow-target.\r\n"),
            "403 Closed. 10.0.0.1 is not allowed: --allow-target.",
        ),
        (b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n", "405 No"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "which address is allowed"),
        (allowed("localhost:{port}"), "which address is allowed"),
        (allowed("127.0.0.1"), "which address is allowed"),
        (allowed("127.0.0.1:0"), "which address is allowed"),
        (allowed("127.0.0.1:{port}x"), "which address is allowed"),
        (b"HTTP/1.1 200 OK\r\nProxy-Status: s; error=x, s\r\nContent-Length: 0\r\n\r\n", "which address"),
        (b"what?\r\n\r\n", "did not say"),
        (b"", "did not say"),
    ],
)  # fmt: skip
def test_on_the_page_nothing_is_fetched_directly_that_the_proxy_does_not_allow(
    answer: bytes, why: str
) -> None:
    with Scripted(ORIGIN) as origin:
        answer = answer.replace(b"{port}", str(origin.port).encode())
        with Scripted(via("s; hit"), answer) as proxy:
            result = from_dashboard(proxy, origin.url)
        assert origin.connections == 0
    assert result.direct is None
    assert why in result.no_direct
    assert result.summary.endswith("No direct fetch to compare with.")


# -- proxies of a first lesson, and worse


def test_the_sheets_proxy_is_understood_and_its_faults_are_named(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/labs/caching_proxy/sheet_proxy.py"), "0"],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert program.stdout
        port = int(program.stdout.readline().split()[-1])
        with Scripted(ORIGIN) as origin:
            code, result = fetch(port, origin.url + "/a", "--form", "path", "--times", "2")
            assert code == 0
            assert origin.connections == 2, "one by the proxy, one directly: the second came from its cache"
            assert result.fetches[1].framing == "The body ends when the connection does."
            assert "Lines end in LF, not in CRLF." in result.fetches[1].faults
            assert result.fetches[1].verdict == ""
            assert result.comparison is not None
            assert result.comparison.same_bytes
            assert result.summary.startswith("Through the proxy, which does not say from where, in ")
            code, result = fetch(port, origin.url + "/b")
            assert (code, result.fetches[0].status) == (0, 200)
        code, result = fetch(port, "http://127.0.0.1:1/")
        assert (result.fetches[0].status, result.fetches[0].phrase) == (404, "sendErrorErrorError")
    finally:
        program.kill()
        program.communicate()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "The connection ended without an answer."),
        (b"HTTP", "ended before the head was whole"),
        (b"Hello!\n", "This is no HTTP: an answer begins with HTTP/1.1, this one with «Hello!»."),
        (b"<html>" + 40000 * b"x", "This is no HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "is no status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "ended in the middle of the body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", "in the middle of the body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "is no size of a chunk"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "is no length"),
        (21 * b"HTTP/1.1 103 Early Hints\r\n\r\n", "More than 20 interim answers"),
        (b"HTTP/1.1 200 OK\r\nX: " + 40000 * b"x", "longer than 32768 bytes"),
    ],
)
def test_what_is_no_whole_answer_is_named(answer: bytes, says: str) -> None:
    with Scripted(answer) as proxy, Scripted(ORIGIN) as origin:
        code, result = fetch(proxy.port, origin.url, "--times", "3")
        assert proxy.connections == 1, "it does not go on after a failure"
        assert origin.connections == 0
    assert code == 1
    assert says in result.error
    assert result.fetches[0].sha256 == ""
    assert result.summary.startswith("No whole answer through the proxy: ")


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"", "No answer within 0.3 s."),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", "in the middle of the head"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", "body: 5 more bytes were promised"),
        (b"HTTP/1.1 200 OK\n\nfour", "does the proxy close it?"),
    ],
)  # fmt: skip
def test_a_silent_proxy_is_left_after_the_time_out(sent: bytes, says: str) -> None:
    def silent(proxy: Scripted, sock: socket.socket) -> None:
        proxy.head(sock)
        sock.sendall(sent)
        sock.settimeout(DEADLINE)
        sock.recv(1)

    with Scripted(silent) as proxy:
        code, result = fetch(proxy.port, "http://127.0.0.1:1/", "--timeout", "0.3")
    assert code == 1
    assert says in result.error


def test_a_reset_is_named() -> None:
    def reset(proxy: Scripted, sock: socket.socket) -> None:
        proxy.head(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()

    with Scripted(reset) as proxy:
        code, result = fetch(proxy.port, "http://127.0.0.1:1/")
    assert code == 1
    assert "ECONNRESET" in result.error


def test_an_answer_after_which_more_comes_has_a_fault() -> None:
    with Scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore") as proxy:
        _, result = fetch(proxy.port, "http://127.0.0.1:1/", "--no-compare")
    assert result.fetches[0].faults == [
        "4 more bytes came after the answer's end: is its Content-Length too small?"
    ]


def test_a_proxy_that_is_not_there_is_said_to_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    code, out, error = run(port)
    assert (code, out) == (1, "")
    assert f"Nothing listens on 127.0.0.1:{port} (connection refused)" in error


def test_an_error_page_is_shown_as_text_and_commands_no_terminal() -> None:
    page = b"<html><style>p { x }</style><h1>Bad&nbsp;Gateway</h1><!-- no --><p>\x1b[31mThe <b>origin</b>"
    answer = b"HTTP/1.1 502 Bad\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page) + page
    with Scripted(answer) as proxy:
        _, result = fetch(proxy.port, "http://127.0.0.1:1/", "--no-compare")
        code, out, _ = run(proxy.port, "http://127.0.0.1:1/", "--no-compare")
    assert result.fetches[0].message.replace("\xa0", " ") == "Bad Gateway \x1b[31mThe origin"
    assert code == 1
    assert "\x1b" not in out
    assert "\\x1b[31mThe origin" in out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--method", "HEAD"], b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        ([], b"HTTP/1.1 204 No Content\r\n\r\n"),
        ([], b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
        ([], b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_is_not_waited_for(words: list[str], answer: bytes) -> None:
    def open_ended(proxy: Scripted, sock: socket.socket) -> None:
        proxy.head(sock)
        sock.sendall(answer)
        sock.recv(1)  # it is the client that hangs up

    with Scripted(open_ended) as proxy:
        code, result = fetch(proxy.port, "http://127.0.0.1:1/", *words, "--no-compare")
    assert (code, result.fetches[0].size, result.error) == (0, 0, "")


def test_ipv6_proxies_are_asked() -> None:
    with Scripted(via("s; hit"), host="::1") as proxy:
        code, result = fetch(proxy.port, "http://a.example/", "--no-compare", host="::1")
    assert code == 0
    assert result.proxy == f"[::1]:{proxy.port}"


# -- events, memory, the end


def test_what_is_sent_and_what_comes_stands_in_the_events_with_secrets_masked() -> None:
    with Scripted(via("s; hit")) as proxy, Scripted(ORIGIN) as origin:
        found = events(proxy.port, origin.url, "--headers", "Authorization: Basic c2VjcmV0")
    text = msgspec.json.encode(found).decode()
    assert "c2VjcmV0" not in text
    requests = [each for each in found if each["kind"] == "http_request"]
    responses = [each for each in found if each["kind"] == "http_response"]
    assert [each["target"] for each in requests] == [origin.url + "/", "/"]
    assert [each["peer"] for each in requests] == [f"127.0.0.1:{each.port}" for each in (proxy, origin)]
    assert [each["way"] for each in requests + responses] == 2 * ["to_server"] + 2 * ["to_client"]
    assert [each["conn"] for each in requests] == [each["conn"] for each in responses]
    assert requests[0]["conn"].startswith("proxy-")
    assert requests[1]["conn"].startswith("direct-")
    assert [each["size"] for each in responses] == 2 * [len(BODY)]
    assert [each["call"] for each in found if each["kind"] == "socket_call"] == 2 * [
        "socket", "connect", "close",
    ]  # fmt: skip


def test_memory_stays_flat_however_long_the_body() -> None:
    piece, count = bytes(1 << 20), 200

    def large(proxy: Scripted, sock: socket.socket) -> None:
        proxy.head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(piece) * count))
        for _ in range(count):
            sock.sendall(piece)

    program = (
        "import resource, sys\nfrom servers.caching_proxy.client import ask\nfrom servers.kit.command import "
        "run_client\nfrom servers.caching_proxy.lab import LAB\n"
        "def measured(*words):\n    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    code = ask(*words)\n    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    print('grew', after - before, file=sys.stderr)\n    return code\nrun_client(LAB, measured)\n"
    )
    with Scripted(large) as proxy:
        done = subprocess.run(
            [sys.executable, "-c", program, "127.0.0.1", str(proxy.port), "http://a.example/",
             "--no-compare", "--json"],
            cwd=ROOT, capture_output=True, text=True, timeout=4 * DEADLINE, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = msgspec.json.decode(done.stdout.splitlines()[-1])
    assert result["fetches"][0]["size"] == len(piece) * count
    assert int(done.stderr.split("grew ")[1]) < 10_000, "kilobytes"


def test_ctrl_c_ends_it_with_what_it_has() -> None:
    def silent(proxy: Scripted, sock: socket.socket) -> None:
        proxy.head(sock)
        sock.recv(1)

    with Scripted(via("s; hit"), silent) as proxy, Program(
        CLIENT, "127.0.0.1", str(proxy.port), "http://a.example/", "--times", "5"
    ) as program:  # fmt: skip
        eventually(lambda: len(proxy.heard) == 2, "the second request")
        assert program.stop(signal.SIGINT) == 1
        assert program.lines[0].startswith("1. HIT")
        assert program.lines[-1] == "Interrupted."
