"""The request's bytes, the escapes, and the line of curl that does the same."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading

import pytest

from servers.http_web.compose import compose, curl_line, header_lines, target_of, unescape
from servers.http_web.settings import Request
from servers.kit.errors import SettingError
from servers.kit.http import parse_request
from servers.kit.settings import parse
from tests.programs import DEADLINE


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("GET / HTTP/1.1\n\n", b"GET / HTTP/1.1\r\n\r\n"),
        ("a\r\nb", b"a\r\nb"),
        ("a\rb", b"a\r\nb"),
        (r"a\nb", b"a\nb"),
        (r"\r\t\0\x41\xff\\", b"\r\t\0A\xff\\"),
        (r"\\n", b"\\n"),
        ("ä", b"\xc3\xa4"),
        ("", b""),
    ],
)
def test_bytes_by_hand(text, data):
    assert unescape(text) == data


@pytest.mark.parametrize("text", [r"\q", "\\", r"\x4", r"\xg0", "a\\\n", "\udc80"])
def test_what_is_no_escape_is_named(text):
    with pytest.raises(SettingError) as caught:
        unescape(text)
    assert caught.value.field == "raw"


@pytest.mark.parametrize(
    ("filename", "target"),
    [
        ("HelloWorld.html", "/HelloWorld.html"),
        ("/a b", "/a%20b"),
        ("", "/"),
        ("grüße.html", "/gr%C3%BC%C3%9Fe.html"),
        ("/%2e%2e/x?a=1&b=[2]", "/%2e%2e/x?a=1&b=[2]"),
        ("/a#b", "/a%23b"),
        ("http://example.org/x", "http://example.org/x"),
        ("/a\r\nX: y", "/a%0D%0AX:%20y"),
    ],
)
def test_targets(filename, target):
    assert target_of(filename) == target


def test_the_star_is_for_options_alone():
    assert target_of("*", "OPTIONS") == "*"
    assert target_of("*") == "/*"


def test_header_lines():
    assert header_lines("A: b\n\nC:\r\nD:  e:f ") == [("A", "b"), ("C", ""), ("D", "e:f")]
    for wrong in ("no colon", ": x", "a b: c", "A: \x00"):
        with pytest.raises(SettingError):
            header_lines(wrong)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"method": "G T"}, "method"),
        ({"headers": "x"}, "headers"),
        ({"raw": r"\q"}, "raw"),
        ({"method": ""}, "method"),
    ],
)
def test_what_cannot_be_sent_is_refused_beside_its_field(values, field):
    with pytest.raises(SettingError) as caught:
        parse(Request, values)
    assert caught.value.field == field


def head(host="127.0.0.1", port=6789, last=True, **values):
    return compose(host, port, Request(**values), last)


def test_a_plain_request():
    composed = head(path="HelloWorld.html")
    assert composed.head == (
        b"GET /HelloWorld.html HTTP/1.1\r\nHost: 127.0.0.1:6789\r\nUser-Agent: SocketLab-client\r\n"
        b"Accept: */*\r\nConnection: close\r\n\r\n"
    )
    assert b"Connection" not in head(last=False).head
    assert b"Connection: keep-alive" in head(last=False, version="HTTP/1.0").head
    assert b"Host: [::1]\r\n" in head(host="::1", port=80).head


def test_a_name_given_replaces_ours_and_others_are_added():
    fields = parse_request(head(headers="host: other\nX-A: 1").head).headers
    assert fields.all("host") == ["other"]
    assert fields.get("x-a") == "1"


def test_bodies_have_their_length():
    composed = head(method="PUT", body="grün")
    assert composed.body == "grün".encode()
    assert b"Content-Length: 5\r\n" in composed.head
    assert b"Content-Length: 0\r\n" in head(method="PUT").head
    assert b"Content-Length" not in head().head
    chunked = head(method="PUT", body="abc", headers="Transfer-Encoding: chunked")
    assert chunked.body == b"3\r\nabc\r\n0\r\n\r\n"
    assert b"Content-Length" not in chunked.head


def test_only_a_body_waits_for_the_go_ahead():
    assert head(method="PUT", body="x", headers="Expect: 100-continue").asks
    assert not head(headers="Expect: 100-continue").asks


@pytest.mark.parametrize(
    ("raw", "method", "simple"),
    [
        ("HEAD / HTTP/1.1\n\n", "HEAD", False),
        ("PRY / HTTP/1.1\n\n", "GET", False),
        ("GET /\n\n", "GET", True),
    ],
)
def test_the_first_word_by_hand_says_how_the_answer_ends(raw, method, simple):
    composed = head(raw=raw)
    assert (composed.method, composed.simple, composed.body) == (method, simple, b"")


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"path": "/it's $HOME/[1]/{a}/../x?y=1&z='2'"},
        {"method": "HEAD"},
        {"method": "OPTIONS", "path": "*"},
        {"method": "PUT", "body": "two\nlines of 'body' $x `y` @z \\ grün"},
        {"method": "PUT", "body": "x" * 3000},
        {"method": "POST"},
        {"body": "a GET with a body"},
        {"path": "http://example.org/absolute"},
        {"version": "HTTP/1.0"},
        {"headers": "X-Empty:\nAccept: text/html;q='1'\nX-Ü: a".replace("Ü", "U")},
        {"method": "BREW"},
    ],
)
def test_curl_sends_the_same_request(values):
    """In a shell, to a socket that keeps what it gets: same line, same fields given, same body."""
    request = Request(**values)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        port = listener.getsockname()[1]
        got: list[bytes] = []
        thread = threading.Thread(target=_keep, args=(listener, got))
        thread.start()
        line = curl_line("127.0.0.1", port, request)
        done = subprocess.run(["sh", "-c", line + " -s"], capture_output=True, timeout=DEADLINE)
        thread.join()
    assert done.returncode == 0, (line, done)
    composed = compose("127.0.0.1", port, request)
    ours, _, _ = composed.head.partition(b"\r\n")
    theirs, _, rest = got[0].partition(b"\r\n")
    assert theirs == ours
    fields, _, body = rest.partition(b"\r\n\r\n")
    assert body == composed.body
    names = {name: value for name, _, value in (row.partition(b": ") for row in fields.split(b"\r\n"))}
    for name, value in header_lines(request.headers):
        row = names.get(name.encode(), names.get(name.encode() + b":"))
        assert row == value.encode()
    assert names.get(b"Content-Length") == (
        str(len(body)).encode() if b"Content-Length" in composed.head else None
    )
    assert b"Content-Type" not in names
    assert b"Expect" not in names


def _keep(listener: socket.socket, got: list[bytes]) -> None:
    sock, _ = listener.accept()
    with sock:
        sock.settimeout(DEADLINE)
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(r[15:]) for r in head.split(b"\r\n") if r.startswith(b"Content-Length:")), 0)
        while len(body) < length:
            body += sock.recv(65536)
        got.append(head + b"\r\n\r\n" + body)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_there_is_no_curl_for_bytes_by_hand():
    assert curl_line("127.0.0.1", 1, Request(raw="GET / HTTP/1.1\n\n")) == ""
