"""HTTP over the replay server, as strangers speak it: recorded, the origin stopped, and asked again."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from servers.tcp_replay.har_out import to_har
from servers.tcp_replay.tape import load
from tests.labs.tcp_replay.rig import Target, connect, outcomes, port_of, server
from tests.programs import ROOT, Program, eventually
from tests.reading import everything, until

SITE = ROOT / "servers/http_web/site"
WEB = ("servers.http_web.server", "--port", "0", "--json")
NOWHERE = "127.0.0.1:1"


@contextmanager
def recording(tape: Path, *words: str) -> Iterator[tuple[Program, int]]:
    """The demo site with the recorder before it."""
    with Program(*WEB) as web:
        words = ("--mode", "record", "--tape", str(tape), *words)
        with server(f"127.0.0.1:{port_of(web)}", *words) as program:
            yield program, port_of(program)


@contextmanager
def replaying(tape: Path, *words: str) -> Iterator[tuple[Program, int]]:
    """The tape alone."""
    with server(NOWHERE, "--mode", "replay", "--tape", str(tape), *words) as program:
        yield program, port_of(program)


def curl(*words: str, code: int = 0, data: bytes = b"") -> bytes:
    """What curl prints with -i and --raw: the bytes as they came."""
    done = subprocess.run(
        ["curl", "-q", "-sS", "-i", "--raw", "-m", "20", "--noproxy", "*", *words],
        input=data, capture_output=True, timeout=30, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == code, (done.returncode, done.stderr)
    return done.stdout


def all_told(program: Program, count: int) -> list[Any]:
    eventually(lambda: len(outcomes(program)) >= count, f"{count} exchanges in {outcomes(program)}")
    return outcomes(program)


# -- the demo site


ASKED: list[tuple[str, ...]] = [
    ("/plain.txt",),
    ("/", "/style.css", "/images/ripples.png", "/demo/status/404", "/data.json"),  # on one connection
    ("-I", "/large.txt"),
    ("-H", 'If-None-Match: "lesson-1"', "/demo/etag"),
    ("-z", "servers/http_web/site/plain.txt", "/plain.txt"),  # the time of this file
    ("/demo/status/204", "/plain.txt"),
    ("/demo/close",),
    ("-0", "/plain.txt"),
    ("/demo/chunked", "/demo/bytes/300000"),
    ("-H", "Range: bytes=5-20", "/large.txt"),
    ("-d", "name=value", "/demo/status/200"),
]
COUNT = sum(word.startswith("/") for words in ASKED for word in words)


def ask_all(port: int) -> list[bytes]:
    base = f"http://127.0.0.1:{port}"
    host = ("-H", "Host: site.test")  # the port is another one in replay
    made = [[base + word if word.startswith("/") else word for word in words] for words in ASKED]
    return [curl(*host, *words) for words in made]


def undated(answers: bytes) -> bytes:
    return re.sub(rb"^Date: .*\r\n", b"", answers, flags=re.MULTILINE)


def test_what_curl_got_it_gets_again_without_the_origin_to_the_byte(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recording(tape) as (program, port):
        first = ask_all(port)
        assert set(all_told(program, COUNT)) == {"recorded"}
    with replaying(tape) as (program, port):
        again = ask_all(port)
        assert all_told(program, COUNT) == ["hit"] * COUNT
        third = ask_all(port)
    assert again == first
    # Asked once more, each gets its last answer: /plain.txt was asked for twice, in two seconds maybe.
    assert [undated(each) for each in third] == [undated(each) for each in first]
    assert (SITE / "images/ripples.png").read_bytes() in first[1]
    statuses = [re.findall(rb"^HTTP/1.1 (\d+)", each, re.MULTILINE) for each in first]
    assert [each[0] for each in statuses] == [
        b"200", b"200", b"200", b"304", b"304", b"204", b"200", b"200", b"200", b"206", b"405",
    ]  # fmt: skip


def test_a_har_of_it_has_every_exchange_with_its_body(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recording(tape) as (program, port):
        ask_all(port)
        count = len(all_told(program, COUNT))
    archive = json.loads(to_har(load(tape.read_bytes()).exchanges))
    entries = archive["log"]["entries"]
    assert archive["log"]["version"] == "1.2"
    assert len(entries) == count
    assert all(entry["time"] >= 0 and entry["timings"]["wait"] >= 0 for entry in entries)
    by_url = {entry["request"]["url"]: entry["response"] for entry in entries}
    chunked = by_url["http://site.test/demo/chunked"]
    assert chunked["content"]["text"].startswith("This is chunk 1 of 5.\nThis is chunk 2")
    assert by_url["http://site.test/images/ripples.png"]["content"]["mimeType"] == "image/png"
    assert by_url["http://site.test/images/ripples.png"]["content"]["size"] == 4908


def test_keep_alive_of_the_standard_library_is_one_connection(tmp_path: Path) -> None:
    tape = tmp_path / "tape"

    def fetch(port: int) -> list[tuple[int, bytes, str | None]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        found = []
        for method, path in (("GET", "/plain.txt"), ("HEAD", "/large.txt"), ("GET", "/demo/chunked")):
            connection.request(method, path, headers={"Host": "site.test"})
            answer = connection.getresponse()
            found.append((answer.status, answer.read(), answer.getheader("ETag")))
        connection.close()
        return found

    with recording(tape) as (program, port):
        first = fetch(port)
        all_told(program, 3)
    with replaying(tape) as (program, port):
        assert fetch(port) == first
        all_told(program, 3)
        assert len(program.events("connection_opened")) == 1


def test_requests_sent_in_one_go_are_answered_in_order(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    paths = ["/plain.txt", "/images/dots.png", "/none", "/demo/bytes/100000", "/data.json"]
    asked = [f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode() for path in paths]
    stream = b"\r\n".join(asked) + b"Connection: close\r\n\r\n"

    def ask(port: int) -> bytes:
        with connect(port) as sock:
            sock.sendall(stream)
            return everything(sock)

    with recording(tape) as (program, port):
        first = ask(port)
        assert all_told(program, 5) == ["recorded"] * 5
    assert first.count(b"HTTP/1.1 ") == 5
    with replaying(tape) as (program, port):
        assert ask(port) == first
        with connect(port) as sock:  # and one after the other, backwards
            for request in reversed(asked[:-1]):
                sock.sendall(request + b"\r\n")
                answer = http.client.HTTPResponse(sock)
                answer.begin()
                assert answer.read() in first


# -- what the demo site does not do


def odd(sock: socket.socket) -> None:
    """Trailers, interim answers, and a body that ends with the connection."""
    while b"\r\n\r\n" in (head := until(sock, b"\r\n\r\n")):
        path = head.split(b" ")[1]
        if path == b"/trailers":
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            sock.sendall(b"5;x=y\r\nhello\r\n")
            sock.sendall(b"00\r\nX-Sum: 5d41\r\n\r\n")
        elif path == b"/hints":
            sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        elif path == b"/upload":
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            got = 0
            while got < size:
                got += len(sock.recv(65536))
            answer = b"got %d bytes" % got
            sock.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        else:
            sock.sendall(b"HTTP/1.0 200 OK\r\n\r\nuntil the end: \r\n\r\n" + b"z" * 50_000)
            return


def ask_odd(port: int) -> list[bytes]:
    base, host = f"http://127.0.0.1:{port}", ("-H", "Host: odd.test")
    upload = ("-H", "Expect: 100-continue", "--data-binary", "@-", f"{base}/upload")
    return [
        curl(*host, f"{base}/trailers", f"{base}/hints"),
        curl(*host, *upload, data=b"u" * 70_000),
        curl(*host, f"{base}/old"),
    ]


def test_trailers_interim_answers_and_ends_by_closing_are_replayed(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(odd)
    with server(target.address, "--mode", "record", "--tape", str(tape)) as program:
        first = ask_odd(port_of(program))
        assert all_told(program, 4) == ["recorded"] * 4
    target.stop()
    assert b"X-Sum: 5d41" in first[0]
    assert b"103 Early Hints" in first[0]
    assert first[1].startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201")
    assert first[2].endswith(b"z" * 50_000)
    with replaying(tape) as (program, port):
        assert ask_odd(port) == first
        assert all_told(program, 4) == ["hit"] * 4


def test_a_client_that_waits_for_100_continue_without_end_gets_it(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(odd)
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

    def upload(port: int) -> bytes:
        with connect(port) as sock:
            sock.sendall(head)
            said = until(sock, b"Continue\r\n\r\n")
            sock.sendall(b"hello")
            return said + until(sock, b"bytes")

    with server(target.address, "--mode", "record", "--tape", str(tape)) as program:
        first = upload(port_of(program))
        all_told(program, 1)
    target.stop()
    with replaying(tape) as (program, port):
        assert upload(port) == first
        assert all_told(program, 1) == ["hit"]


# -- the same request, or a miss


def test_only_the_named_fields_count_and_dates_cookies_and_browsers_do_not(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recording(tape) as (program, port):
        url = f"http://127.0.0.1:{port}/demo/vary"
        de = curl("-H", "Accept-Language: de", "-H", "Cookie: a=1", "-A", "one", url)
        fr = curl("-H", "Accept-Language: fr", "-H", "Date: now", "-A", "two", url)
        all_told(program, 2)
    assert de != fr
    with replaying(tape, "--match", "http", "--match-headers", "Accept-Language") as (program, port):
        url = f"http://127.0.0.1:{port}/demo/vary"
        words = ("-A", "three", "-H", "Cookie: b=2", "-H", "Date: then", "-H", "X-More: 1")
        assert curl(*words, "-H", "accept-language: fr", url) == fr
        assert curl(*words, "-H", "Accept-Language: de", url) == de
        curl(*words, "-H", "Accept-Language: es", url, code=52)
        assert all_told(program, 3) == ["hit", "hit", "miss"]
    with replaying(tape, "--match", "exact") as (program, port):
        words = ("-H", "Host: 127.0.0.1:1", "-H", "Accept-Language: de")
        curl(*words, f"http://127.0.0.1:{port}/demo/vary", code=52)
        assert all_told(program, 1) == ["miss"]


def test_a_miss_closes_without_a_byte_and_says_where_it_differs(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recording(tape) as (program, port):
        curl("-H", "Host: x", f"http://127.0.0.1:{port}/plain.txt", f"http://127.0.0.1:{port}/data.json")
        all_told(program, 2)
    with replaying(tape) as (program, port):
        assert curl("-H", "Host: x", f"http://127.0.0.1:{port}/plain.md", code=52) == b""  # an empty reply
        all_told(program, 1)
        event = program.events("exchanged")[0]
    assert (event["outcome"], event["near"], event["differs_at"]) == ("miss", 1, len("GET /plain."))
    assert event["received"]["size"] == 0


def test_a_download_that_the_client_broke_off_is_not_on_the_tape(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recording(tape, "--downstream-rate", "500") as (program, port):
        with connect(port) as sock:
            sock.sendall(b"GET /demo/bytes/90000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.recv(1000)
        eventually(lambda: program.events("connection_closed"), "it is over")
        assert "recorded" not in outcomes(program)
    assert tape.read_bytes() == b""


# -- a browser


def test_a_browser_shows_the_recorded_page_with_its_pictures(
    tmp_path: Path,
    chromium: Any,
) -> None:
    tape = tmp_path / "tape"
    whole = "[...document.images].map(i => i.complete && i.naturalWidth > 0)"

    def look(port: int) -> Any:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/gallery.html", wait_until="load")
        shown = page.title(), page.evaluate(whole)
        context.close()
        return shown

    with recording(tape) as (program, port):
        title, pictures = look(port)
        all_told(program, 10)
    assert (title, pictures) == ("Gallery", [True] * 12)
    with replaying(tape, "--match", "http") as (program, port):
        assert look(port) == (title, pictures)
        assert "miss" not in all_told(program, 10)
