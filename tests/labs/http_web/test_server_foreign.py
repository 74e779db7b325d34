"""The web server as strangers see it: curl, the standard library, and sockets used as a student would."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.programs import DEADLINE, Program, eventually

MODELS = ("iterative", "threads", "processes", "select")
HELLO = b"<h1>Hello World</h1>\n"
SECRET = b"TOP-SECRET"
BIG = b"".join(b"%07d\n" % number for number in range(40_000))
KEEP_ALIVE = 3


class Web:
    """A running server, its folder, and ways to ask it."""

    def __init__(self, port: int, root: Path) -> None:
        self.port, self.root = port, root
        self.url = f"http://127.0.0.1:{port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)

    def raw(self, *pieces: bytes) -> bytes:
        """Everything that comes back until the server closes; each piece is sent by a call of its own."""
        with self.connect() as sock:
            for piece in pieces:
                sock.sendall(piece)
            return read_all(sock)

    def curl(self, *words: str, data: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """The last status, the last header fields by lower-case name, and the body."""
        done = subprocess.run(
            ["curl", "-q", "-sS", "-i", "-m", "30", "--noproxy", "*", *words],
            input=data, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return split(done.stdout)


def split(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, fields and body of an answer; interim answers and redirects before it are skipped."""
    while True:
        head, _, body = answer.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        status = int(line.split()[1])
        if not body.startswith(b"HTTP/1.1 ") or not (status < 200 or 300 <= status < 400):
            return status, {name.lower(): value for name, value in (x.split(": ", 1) for x in lines)}, body
        answer = body


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def make_folder(folder: Path) -> Path:
    root = folder / "root"
    (root / "sub").mkdir(parents=True)
    (root / "empty").mkdir()
    (folder / "root-sibling").mkdir()
    for place in (folder / "secret.txt", folder / "root-sibling" / "secret.txt"):
        place.write_bytes(SECRET)
    (root / "index.html").write_bytes(b"start\n")
    (root / "HelloWorld.html").write_bytes(HELLO)
    (root / "sub" / "index.html").write_bytes(b"sub\n")
    (root / "sub" / "page.txt").write_bytes(b"page\n")
    (root / "grüße.txt").write_bytes("Grüße\n".encode())
    (root / "two words.txt").write_bytes(b"two words\n")
    (root / "big.bin").write_bytes(BIG)
    (root / "nothing.txt").write_bytes(b"")
    (root / "inside.html").symlink_to("HelloWorld.html")
    (root / "inside").symlink_to("sub")
    (root / "out.txt").symlink_to(folder / "secret.txt")
    (root / "relative.txt").symlink_to("../secret.txt")
    (root / "outside").symlink_to(folder)
    (root / "sibling").symlink_to(folder / "root-sibling")
    (root / "twice.txt").symlink_to("out.txt")
    (root / "sub" / "up").symlink_to("../..")
    (root / "gone.txt").symlink_to("not-there.txt")
    (root / "gone-outside.txt").symlink_to(folder / "not-there.txt")
    (root / "loop").symlink_to("loop")
    os.utime(root / "HelloWorld.html", (1_000_000_000, 1_000_000_000))
    return root


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def web(model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    root = make_folder(tmp_path_factory.mktemp(model))
    with Program(
        "servers.http_web.server", "--port", "0", "--model", model, "--root", str(root), "--allow-put",
        "--keep-alive", str(KEEP_ALIVE), "--max-body", "5",
    ) as server:  # fmt: skip
        yield Web(server.port(), root)
        assert server.stop() == 0
        assert server.errors == []


# -- curl


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/", b"start\n", "text/html"),
        ("/HelloWorld.html", HELLO, "text/html"),
        ("/HelloWorld.html?a=b&c", HELLO, "text/html"),
        ("/%48elloWorld%2Ehtml", HELLO, "text/html"),
        ("/sub/", b"sub\n", "text/html"),
        ("/gr%C3%BC%C3%9Fe.txt", "Grüße\n".encode(), "text/plain"),
        ("/two%20words.txt", b"two words\n", "text/plain"),
        ("/nothing.txt", b"", "text/plain"),
        ("/big.bin", BIG, "application/octet-stream"),
        ("/inside.html", HELLO, "text/html"),
        ("/inside/page.txt", b"page\n", "text/plain"),
    ],
)
def test_curl_gets_files(web: Web, path: str, body: bytes, kind: str) -> None:
    status, fields, found = web.curl(web.url + path)
    assert (status, found) == (200, body)
    assert fields["content-length"] == str(len(body))
    assert fields["content-type"].startswith(kind)
    assert {"date", "etag", "last-modified"} <= set(fields)
    headed = web.curl("-I", web.url + path)
    assert headed[0] == 200
    assert headed[2] == b""
    assert {**headed[1], "date": ""} == {**fields, "date": ""}, "HEAD is GET without the body"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere.html", 404),
        ("/HelloWorld.html/", 404),
        ("/HelloWorld.html/more", 404),
        ("/empty/", 403),
        ("/" + 300 * "x", 404),
        ("/" + 9000 * "x", 414),
        ("/%zz", 400),
        ("/%ff", 400),
        ("/gone.txt", 404),
        ("/gone-outside.txt", 403),
    ],
)
def test_curl_is_told_what_is_not_there(web: Web, path: str, status: int) -> None:
    found, fields, body = web.curl(web.url + path)
    assert found == status
    assert int(fields["content-length"]) == len(body) > 0


def test_curl_is_sent_on_to_the_folder(web: Web) -> None:
    assert web.curl(web.url + "/sub?q=1")[:2][0] == 301
    assert web.curl(web.url + "/sub?q=1")[1]["location"] == "/sub/?q=1"
    assert web.curl("-L", web.url + "/sub")[2] == b"sub\n"


def test_a_link_to_itself_is_no_file(web: Web) -> None:
    assert web.curl(web.url + "/loop")[0] in (403, 404, 503)


@pytest.mark.parametrize(
    ("wanted", "body", "shown"),
    [
        ("0-9", BIG[:10], f"bytes 0-9/{len(BIG)}"),
        ("100-", BIG[100:], f"bytes 100-{len(BIG) - 1}/{len(BIG)}"),
        ("-10", BIG[-10:], f"bytes {len(BIG) - 10}-{len(BIG) - 1}/{len(BIG)}"),
        (f"-{len(BIG) + 5}", BIG, f"bytes 0-{len(BIG) - 1}/{len(BIG)}"),
        (f"5-{len(BIG) + 5}", BIG[5:], f"bytes 5-{len(BIG) - 1}/{len(BIG)}"),
    ],
)
def test_curl_gets_a_range(web: Web, wanted: str, body: bytes, shown: str) -> None:
    status, fields, found = web.curl("-r", wanted, web.url + "/big.bin")
    assert (status, fields["content-range"], found) == (206, shown, body)


def test_curl_gets_several_ranges(web: Web) -> None:
    status, fields, body = web.curl("-r", "0-7,16-23,-8", web.url + "/big.bin")
    kind, _, boundary = fields["content-type"].partition("; boundary=")
    assert (status, kind, len(body)) == (206, "multipart/byteranges", int(fields["content-length"]))
    parts = body.split(b"--" + boundary.encode())
    assert [part.partition(b"\r\n\r\n")[2] for part in parts[1:-1]] == [
        BIG[:8] + b"\r\n", BIG[16:24] + b"\r\n", BIG[-8:] + b"\r\n",
    ]  # fmt: skip
    assert parts[-1] == b"--\r\n"


def test_a_range_beyond_the_end_is_416(web: Web) -> None:
    status, fields, _ = web.curl("-r", "9999999-", web.url + "/big.bin")
    assert (status, fields["content-range"]) == (416, f"bytes */{len(BIG)}")


def test_curl_resumes_a_download(web: Web, tmp_path: Path) -> None:
    half = tmp_path / "half"
    half.write_bytes(BIG[:1000])
    subprocess.run(
        ["curl", "-q", "-sS", "-m", "30", "-C", "-", "-o", str(half), web.url + "/big.bin"],
        check=True,
        timeout=60,
    )
    assert half.read_bytes() == BIG


def test_curl_asks_only_for_what_is_newer(web: Web) -> None:
    same, before, after = (formatdate(1_000_000_000 + more, usegmt=True) for more in (0, -1, 1))
    assert web.curl("-z", same, web.url + "/HelloWorld.html")[::2] == (304, b"")
    assert web.curl("-z", after, web.url + "/HelloWorld.html")[0] == 304
    assert web.curl("-z", before, web.url + "/HelloWorld.html")[::2] == (200, HELLO)
    etag = web.curl(web.url + "/HelloWorld.html")[1]["etag"]
    assert web.curl("-H", f"If-None-Match: {etag}", web.url + "/HelloWorld.html")[0] == 304
    assert web.curl("-H", 'If-None-Match: "x"', "-z", after, web.url + "/HelloWorld.html")[0] == 200
    assert web.curl("-H", 'If-Match: "x"', web.url + "/HelloWorld.html")[0] == 412
    assert web.curl("-r", "0-3", "-H", f"If-Range: {etag}", web.url + "/HelloWorld.html")[0] == 206
    assert web.curl("-r", "0-3", "-H", 'If-Range: "x"', web.url + "/HelloWorld.html")[::2] == (200, HELLO)


def test_curl_with_http_1_0(web: Web) -> None:
    status, fields, body = web.curl("--http1.0", web.url + "/HelloWorld.html")
    assert (status, body) == (200, HELLO)
    assert fields.get("connection", "close") == "close"
    chunked = web.curl("--http1.0", web.url + "/demo/chunked")
    assert "transfer-encoding" not in chunked[1]
    assert chunked[2].count(b"\n") == 6


def test_curl_keeps_the_connection(web: Web) -> None:
    done = subprocess.run(
        ["curl", "-q", "-sS", "-m", "30", "-o", os.devnull, "-o", os.devnull, "-o", os.devnull, "-w",
         "%{num_connects} %{http_code}\n", web.url + "/", web.url + "/nowhere", web.url + "/big.bin"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["1 200", "0 404", "0 200"]


def test_curl_puts_a_file(web: Web) -> None:
    new = web.url + "/sub/new.txt"
    status, fields, _ = web.curl("-T", "-", new, data=b"one")
    assert status == 201
    assert (web.root / "sub" / "new.txt").read_bytes() == b"one"
    assert web.curl(new)[1]["etag"] == fields["etag"]
    assert web.curl("-X", "PUT", "--data-binary", "@-", new, data=b"two")[0] == 204
    assert web.curl("-H", "If-None-Match: *", "-T", "-", new, data=b"three")[0] == 412
    assert web.curl("-H", f"If-Match: {fields['etag']}", "-T", "-", new, data=b"four")[0] == 412
    assert web.curl(new)[2] == b"two"
    assert not [name for name in os.listdir(web.root / "sub") if name.startswith(".")]


@pytest.mark.parametrize("size", [0, 1, 65536, 3_000_000])
def test_curl_puts_with_expect_100_continue(web: Web, size: int, tmp_path: Path) -> None:
    """curl would wait for the 100 longer than for the whole."""
    data = (BIG * (1 + size // len(BIG)))[:size]
    (tmp_path / "data").write_bytes(data)
    status, _, _ = web.curl(
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "120",
        "-T",
        str(tmp_path / "data"),
        web.url + f"/{size}.bin",
    )
    assert status == 201
    assert (web.root / f"{size}.bin").read_bytes() == data


@pytest.mark.parametrize(
    ("words", "path", "statuses"),
    [
        (["-T", "-"], "/no/such/folder.txt", {403, 404, 409}),
        (["-T", "-"], "/empty", {403, 409}),
        (["-T", "-"], "/out.txt", {403}),
        (["-T", "-"], "/outside/new.txt", {403}),
        (["-T", "-"], "/sub/up/new.txt", {403}),
        (["-T", "-", "--path-as-is"], "/../new.txt", {403}),
        (["-T", "-", "--path-as-is"], "/sub/..%2f..%2fnew.txt", {403}),
        (["-T", "-"], "/demo/status/200", {405}),
        (["-T", "-", "-H", "Content-Range: bytes 0-3/9"], "/part.txt", {400}),
        (["-T", "-", "-H", "Content-Encoding: gzip"], "/zip.txt", {415}),
        (["-d", "x"], "/HelloWorld.html", {405}),
        (["-X", "DELETE"], "/HelloWorld.html", {405}),
        (["-X", "TRACE"], "/HelloWorld.html", {405}),
        (["-X", "BREW"], "/HelloWorld.html", {501}),
        (["-H", "Expect: the-unexpected"], "/HelloWorld.html", {417}),
    ],
)
def test_curl_is_refused(web: Web, words: list[str], path: str, statuses: set[int]) -> None:
    before = sorted(os.listdir(web.root.parent))
    status, fields, _ = web.curl(*words, web.url + path, data=b"data")
    assert status in statuses
    assert status != 405 or "GET" in fields["allow"]
    assert sorted(os.listdir(web.root.parent)) == before
    assert (web.root.parent / "secret.txt").read_bytes() == SECRET
    assert (web.root / "HelloWorld.html").read_bytes() == HELLO


def test_a_body_that_is_too_large_is_refused(web: Web, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(6_000_000))
    assert web.curl("-T", str(tmp_path / "data"), web.url + "/huge.bin")[0] == 413
    assert not (web.root / "huge.bin").exists()


def test_curl_asks_for_options(web: Web) -> None:
    for words in (["-X", "OPTIONS", web.url + "/"], ["-X", "OPTIONS", "--request-target", "*", web.url]):
        status, fields, _ = web.curl(*words)
        assert status in (200, 204)
        assert {"GET", "HEAD", "OPTIONS", "PUT"} == set(fields["allow"].split(", "))


# -- the standard library


def test_http_client_keeps_its_connection(web: Web) -> None:
    client = http.client.HTTPConnection("127.0.0.1", web.port, timeout=DEADLINE)
    client.request("GET", "/HelloWorld.html")
    assert client.getresponse().read() == HELLO
    sock = client.sock
    for method, path, status, body in (
        ("HEAD", "/HelloWorld.html", 200, b""),
        ("GET", "/nowhere", 404, None),
        ("GET", "/demo/status/204", 204, b""),
        ("GET", "/demo/status/304", 304, b""),
        ("OPTIONS", "/", 204, b""),
        ("GET", "/big.bin", 200, BIG),
    ):
        client.request(method, path)
        answer = client.getresponse()
        found = answer.read()
        assert answer.status == status
        assert found == body or (body is None and found)
        assert client.sock is sock, "the connection stays"
    client.close()


def test_http_client_reads_and_writes_chunks(web: Web) -> None:
    client = http.client.HTTPConnection("127.0.0.1", web.port, timeout=DEADLINE)
    client.request("GET", "/demo/chunked")
    answer = client.getresponse()
    assert answer.getheader("Transfer-Encoding") == "chunked"
    assert answer.read().count(b"\n") == 6
    client.request("PUT", "/chunks.txt", body=iter([b"a" * 10, b"b" * 70_000]), encode_chunked=True)
    answer = client.getresponse()
    answer.read()
    assert answer.status == 201
    client.close()
    assert (web.root / "chunks.txt").read_bytes() == b"a" * 10 + b"b" * 70_000


def test_urllib_follows_redirects_and_reports_errors(web: Web) -> None:
    with urllib.request.urlopen(web.url + "/demo/redirect/3", timeout=DEADLINE) as answer:
        assert (answer.url, answer.read()) == (web.url + "/", b"start\n")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(web.url + "/nowhere", timeout=DEADLINE)
    assert caught.value.code == 404
    caught.value.close()


def test_close_is_said_and_done(web: Web) -> None:
    answer = web.raw(b"GET /demo/close HTTP/1.1\r\nHost: x\r\n\r\n")
    assert split(answer)[1]["connection"] == "close"


# -- programs as students write them


def test_the_sheets_client(web: Web) -> None:
    """It reads until the server closes, though it never asked for that: HTTP/1.1 keeps the connection."""
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("127.0.0.1", web.port))
    client.send(b"GET /HelloWorld.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    began = time.monotonic()
    answer = read_all(client)
    client.close()
    assert split(answer)[::2] == (200, HELLO)
    assert time.monotonic() - began > KEEP_ALIVE - 1, "the connection was kept for a next request"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /HelloWorld.html HTTP/1.0\r\n\r\n",
        b"GET /HelloWorld.html HTTP/1.0\n\n",
        b"GET /HelloWorld.html HTTP/1.1\nHost: here\nConnection: close\n\n",
        b"\r\nGET /HelloWorld.html HTTP/1.0\r\n\r\n",
        b"GET http://localhost/HelloWorld.html HTTP/1.0\r\n\r\n",
        b"GET http://localhost:6789/HelloWorld.html HTTP/1.0\nHost: elsewhere\n\n",
        b"GET http://www.example.com/HelloWorld.html HTTP/1.0\n\n",
        b"GET HTTP://localhost/HelloWorld.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /HelloWorld.html HTTP/1.1\r\nhOsT:x\r\ncOnNeCtIoN:\tClose \r\n\r\n",
        b"GET /HelloWorld.html HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
        b"GET /HelloWorld.html HTTP/1.9\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /HelloWorld.html HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_a_students_request_is_answered(web: Web, request_: bytes) -> None:
    assert split(web.raw(request_))[::2] == (200, HELLO)


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r\n\r\n", b"\n\n"])
def test_telnets_simple_request_gets_the_bare_body(web: Web, end: bytes) -> None:
    assert web.raw(b"GET /HelloWorld.html" + end) == HELLO
    assert web.raw(b"GET /" + end) == b"start\n"


def test_a_request_may_come_byte_by_byte(web: Web) -> None:
    request = b"PUT /drip.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    with web.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(request)):
            sock.send(request[place : place + 1])
            time.sleep(0.001)
        assert split(read_all(sock))[0] == 201
    assert (web.root / "drip.txt").read_bytes() == b"hello"


def test_pipelined_requests_are_answered_in_order(web: Web) -> None:
    paths = [b"/HelloWorld.html", b"/nowhere", b"/sub/page.txt", b"/big.bin", b"/HelloWorld.html"]
    requests = [b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths]
    requests[2] = b"GET /sub/page.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET "
    requests[-1] = requests[-1].replace(b"Host: x", b"Host: x\r\nConnection: close")
    rest = web.raw(b"".join(requests) + b"GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n")
    bodies = []
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        bodies.append((int(head.split()[1]), rest[:length]))
        rest = rest[length:]
    assert [status for status, _ in bodies] == [200, 404, 200, 200, 200], "nothing after Connection: close"
    assert [bodies[i][1] for i in (0, 2, 3, 4)] == [HELLO, b"page\n", BIG, HELLO]


def test_thousands_of_pipelined_requests_are_answered(web: Web) -> None:
    request = b"GET /HelloWorld.html HTTP/1.1\r\nHost: x\r\n\r\n"
    with web.connect() as sock:
        sender = threading.Thread(
            target=sock.sendall,
            args=(2999 * request + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),),
        )
        sender.start()
        answer = read_all(sock)
        sender.join()
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == answer.count(HELLO) == 3000
    assert web.curl(web.url + "/HelloWorld.html")[2] == HELLO, "the server still runs"


def test_a_client_that_says_it_is_done_still_gets_its_answer(web: Web) -> None:
    with web.connect() as sock:
        sock.sendall(b"GET /big.bin HTTP/1.0\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        assert split(read_all(sock))[2] == BIG


def test_who_hangs_up_in_the_middle_stops_nobody_else(web: Web) -> None:
    for sent in (
        b"",
        b"GET",
        b"GET / HTTP/1.1\r\nHo",
        b"PUT /half.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
    ):
        with web.connect() as sock:
            sock.sendall(sent)
    for _ in range(3):
        with web.connect() as sock:
            sock.sendall(b"GET /demo/bytes/50000000 HTTP/1.0\r\n\r\n")
            sock.recv(10)
    assert web.curl(web.url + "/HelloWorld.html")[2] == HELLO
    assert not (web.root / "half.txt").exists()
    eventually(
        lambda: not [name for name in os.listdir(web.root) if name.startswith(".")], "the half is removed"
    )


def test_who_waits_for_an_idle_client(web: Web, model: str) -> None:
    with web.connect() as idle, web.connect() as other:
        idle.sendall(b"GET /HelloWorld.html HT")
        time.sleep(0.2)
        other.sendall(b"GET /HelloWorld.html HTTP/1.0\r\n\r\n")
        if model == "iterative":
            other.settimeout(0.5)
            with pytest.raises(TimeoutError):
                other.recv(1)
            idle.close()
            other.settimeout(DEADLINE)
        else:
            other.settimeout(KEEP_ALIVE + 4)  # less than the header time-out of the idle one
        assert split(read_all(other))[2] == HELLO


# -- nothing outside the folder


ESCAPES = [
    b"/../secret.txt",
    b"/sub/../../secret.txt",
    b"/./../secret.txt",
    b"/sub/./../../secret.txt",
    b"/..",
    b"/../",
    b"/../root-sibling/secret.txt",
    b"/../root/../secret.txt",
    b"//../secret.txt",
    b"/%2e%2e/secret.txt",
    b"/%2E%2E/secret.txt",
    b"/.%2e/secret.txt",
    b"/..%2fsecret.txt",
    b"/%2e%2e%2fsecret.txt",
    b"/sub%2f..%2f..%2fsecret.txt",
    b"/%252e%252e/secret.txt",
    b"/%252e%252e%252fsecret.txt",
    b"/%25252e%25252e/secret.txt",
    b"/..%c0%afsecret.txt",
    b"/%c0%ae%c0%ae/secret.txt",
    b"/%e0%80%ae%e0%80%ae/secret.txt",
    b"/%uff0e%uff0e/secret.txt",
    b"/..\\secret.txt",
    b"/..%5csecret.txt",
    b"/sub\\..\\..\\secret.txt",
    b"/sub%5c..%5c..%5csecret.txt",
    b"/..;/secret.txt",
    b"/...//secret.txt",
    b"/....//secret.txt",
    b"/%00/../../secret.txt",
    b"/../secret.txt%00.html",
    b"/HelloWorld.html%00",
    b"/HelloWorld.html%0d%0aX: y",
    b"/out.txt",
    b"/relative.txt",
    b"/twice.txt",
    b"/outside/secret.txt",
    b"/outside",
    b"/outside/",
    b"/outside/root/../secret.txt",
    b"/sibling/secret.txt",
    b"/sub/up/secret.txt",
    b"/inside/up/secret.txt",
    b"/inside/../../secret.txt",
    b"http://x/../secret.txt",
    b"http://x/%2e%2e/secret.txt",
    b"http://x/../root-sibling/secret.txt",
    b"http://../secret.txt",
    b"file:///etc/passwd",
    b"//etc/passwd",
    b"/etc/passwd",
    b"/%2fetc/passwd",
    b"/%2f%2fetc%2fpasswd",
    b"//secret.txt",
    b"../secret.txt",
    b"secret.txt",
    b"/C:/secret.txt",
    b"/~/secret.txt",
    b"/?/../../secret.txt#",
    b"/.put-x",
]


@pytest.mark.parametrize("target", ESCAPES, ids=lambda target: target.decode())
def test_nothing_outside_the_folder_is_served(web: Web, target: bytes) -> None:
    answer = web.raw(b"GET %s HTTP/1.0\r\n\r\n" % target)
    assert 400 <= split(answer)[0] < 500
    assert SECRET not in answer
    assert b"root:" not in answer


def test_the_absolute_path_of_the_secret_leads_nowhere(web: Web) -> None:
    secret = str(web.root.parent / "secret.txt")
    for target in (secret, "/" + secret, secret.replace("/", "%2f"), "/outside" + secret):
        answer = web.raw(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        assert 400 <= split(answer)[0] < 500
        assert SECRET not in answer


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/%252e%252e/secret.txt", "/sub/..%5c..%5csecret.txt"]
)
def test_curl_does_not_get_out_either(web: Web, path: str) -> None:
    status, _, body = web.curl("--path-as-is", web.url + path)
    assert status in (400, 403, 404)
    assert SECRET not in body


# -- framing is strict


HEAD = b"GET /HelloWorld.html HTTP/1.1\r\nHost: x\r\n"
PUT = b"PUT /smuggled.txt HTTP/1.1\r\nHost: x\r\n"
CHUNKED = PUT + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = {
    "length and chunked": PUT + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": PUT + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": PUT + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two lengths in one": PUT + b"Content-Length: 5, 6\r\n\r\nhello!",
    "length with sign": PUT + b"Content-Length: +5\r\n\r\nhello",
    "length below zero": PUT + b"Content-Length: -5\r\n\r\nhello",
    "length in hex": PUT + b"Content-Length: 0x5\r\n\r\nhello",
    "length with blank": PUT + b"Content-Length: 5 5\r\n\r\nhello",
    "length empty": PUT + b"Content-Length:\r\n\r\nhello",
    "length without end": PUT + b"Content-Length: " + b"9" * 40 + b"\r\n\r\nhello",
    "length with underscore": PUT + b"Content-Length: 1_0\r\n\r\nhelloworld",
    "length in other digits": PUT + "Content-Length: ٥\r\n\r\nhello".encode(),
    "chunked twice": PUT + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": PUT + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "coding unknown": PUT + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding quoted": PUT + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "coding with vertical tab": PUT + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "coding empty": PUT + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": PUT.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size no number": CHUNKED + b"g\r\nhello\r\n0\r\n\r\n",
    "chunk size empty": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "chunk size with sign": CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "chunk size with blank before": CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n",
    "chunk size too large": CHUNKED + b"ffffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
    "chunk size ended by LF": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "chunk size with a bare CR": CHUNKED + b"5\r;x\r\nhello\r\n0\r\n\r\n",
    "chunk longer than it says": CHUNKED + b"4\r\nhello\r\n0\r\n\r\n",
    "chunk ended by LF": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "chunk extension with NUL": CHUNKED + b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "chunk line too long": CHUNKED + b"5;a=" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    "length in a trailer": CHUNKED + b"0\r\nContent-Length: 9\r\n\r\n",
    "trailer ended by LF": CHUNKED + b"0\r\nX: y\n\r\n",
    "folded line": HEAD + b"X: a\r\n b\r\n\r\n",
    "folded line with a tab": HEAD + b"X: a\r\n\tb\r\n\r\n",
    "first line folded": b"GET /HelloWorld.html HTTP/1.1\r\n Host: x\r\n\r\n",
    "blank before the colon": HEAD + b"X : a\r\n\r\n",
    "tab before the colon": HEAD + b"X\t: a\r\n\r\n",
    "blank before the length's colon": PUT + b"Content-Length : 5\r\n\r\nhello",
    "no colon": HEAD + b"X\r\n\r\n",
    "no name": HEAD + b": a\r\n\r\n",
    "two hosts": HEAD + b"Host: y\r\n\r\n",
    "the same host twice": HEAD + b"Host: x\r\n\r\n",
    "no host": b"GET /HelloWorld.html HTTP/1.1\r\n\r\n",
    "host with a blank": b"GET /HelloWorld.html HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host with a path": b"GET /HelloWorld.html HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "host with a user": b"GET /HelloWorld.html HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "bare CR in a value": HEAD + b"X: a\rb\r\n\r\n",
    "bare CR that hides a field": HEAD + b"X: a\rContent-Length: 5\r\n\r\n",
    "bare CR in the request line": b"GET /HelloWorld.html\rHTTP/1.1\r\nHost: x\r\n\r\n",
    "bare CRs end the head": b"GET /HelloWorld.html HTTP/1.1\rHost: x\r\r",
    "CR CR LF": b"GET /HelloWorld.html HTTP/1.1\r\r\nHost: x\r\r\n\r\n",
    "LF among CRLFs": HEAD + b"X: a\nY: b\r\n\r\n",
    "CRLF among LFs": b"GET /HelloWorld.html HTTP/1.1\nHost: x\r\nX: y\n\n",
    "NUL in a value": HEAD + b"X: a\0b\r\n\r\n",
    "NUL in a name": HEAD + b"X\0: a\r\n\r\n",
    "NUL in the target": b"GET /Hello\0World.html HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the method": b"G\0T /HelloWorld.html HTTP/1.1\r\nHost: x\r\n\r\n",
    "control character in a name": HEAD + b"X\x07Y: a\r\n\r\n",
    "control character in a value": HEAD + b"X: a\x07\r\n\r\n",
    "DEL in a value": HEAD + b"X: a\x7f\r\n\r\n",
    "no ASCII in a name": HEAD + "Xü: a\r\n\r\n".encode(),
    "blank in a name": HEAD + b"X Y: a\r\n\r\n",
    "bracket in a name": HEAD + b"X[: a\r\n\r\n",
    "method too long": b"G" * 9000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method a little too long": b"G" * 25 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method no token": b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "line too long": b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "field too long": HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n",
    "name too long": HEAD + b"x" * 70_000 + b": y\r\n\r\n",
    "too many fields": HEAD + b"X: y\r\n" * 300 + b"\r\n",
    "two blanks": b"GET  /HelloWorld.html HTTP/1.1\r\nHost: x\r\n\r\n",
    "tab for a blank": b"GET\t/HelloWorld.html\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "blank in the target": b"GET /Hello World.html HTTP/1.1\r\nHost: x\r\n\r\n",
    "blank at the line's end": b"GET /HelloWorld.html HTTP/1.1 \r\nHost: x\r\n\r\n",
    "blank at the line's start": b" GET /HelloWorld.html HTTP/1.1\r\nHost: x\r\n\r\n",
    "version in small letters": b"GET /HelloWorld.html http/1.1\r\nHost: x\r\n\r\n",
    "version with more digits": b"GET /HelloWorld.html HTTP/1.10\r\nHost: x\r\n\r\n",
    "version without its dot": b"GET /HelloWorld.html HTTP/11\r\nHost: x\r\n\r\n",
    "no version, but fields": b"GET /HelloWorld.html\r\nHost: x\r\nX: y\r\n\r\n",
    "another method without version": b"POST /HelloWorld.html\r\n\r\n",
    "TLS": bytes.fromhex("1603010200010001fc0303") + bytes(500),
    "noise": bytes(range(256)) * 4,
}
OTHER_STATUS = {"method too long": 501, "method a little too long": 501}
"""RFC 9112, 3: a method longer than any that is known is 501."""
SIMPLE = {"no version, but fields"}
"""Its first line is a whole HTTP/0.9 request: the answer is a bare body, and the rest is never looked at."""


@pytest.mark.parametrize("name", MALFORMED)
def test_the_malformed_is_refused_and_nothing_after_it_is_answered(web: Web, name: str) -> None:
    after = b"GET /sub/page.txt HTTP/1.1\r\nHost: x\r\n\r\n"
    began = time.monotonic()
    answer = web.raw(MALFORMED[name] + after)
    if name in SIMPLE:
        assert answer == HELLO
        return
    assert len(re.findall(rb"HTTP/1\.1 [1-5]\d\d ", answer)) == 1, answer
    status, fields, _ = split(answer)
    assert status == OTHER_STATUS.get(name, status)
    assert 400 <= status < 500 or name in OTHER_STATUS
    assert fields["connection"] == "close"
    assert b"page\n" not in answer
    assert HELLO not in answer
    assert time.monotonic() - began < KEEP_ALIVE + 5, "it did not wait for a time-out"
    assert not (web.root / "smuggled.txt").exists()


@pytest.mark.parametrize(
    "name", ["two lengths", "chunk longer than it says", "folded line", "two hosts", "LF among CRLFs"]
)
def test_the_malformed_is_refused_also_in_pieces(web: Web, name: str) -> None:
    with web.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(0, len(MALFORMED[name]), 7):
            try:
                sock.sendall(MALFORMED[name][place : place + 7])
            except (BrokenPipeError, ConnectionResetError):
                break  # it was refused before the last piece
            time.sleep(0.002)
        answer = b""
        while True:
            try:
                piece = sock.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            answer += piece
    assert 400 <= split(answer)[0] < 500


def test_the_good_before_the_malformed_is_answered(web: Web) -> None:
    good = b"GET /HelloWorld.html HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = web.raw(good + MALFORMED["two hosts"] + good)
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert answer.count(b"HTTP/1.1 400 ") == 1
    assert answer.count(HELLO) == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (PUT + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (PUT + b"\r\n", 411),
        (b"GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
        (b"GET /#top HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\nConnection: close\r\n\r\n", None),
    ],
)
def test_what_is_framed_but_cannot_be_done(web: Web, request_: bytes, status: int | None) -> None:
    found = split(web.raw(request_))[0]
    assert found == status or (status is None and found in (400, 405, 501))
