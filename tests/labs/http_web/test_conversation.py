"""A connection's talk without its socket: bytes in, answers out."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from servers.http_web import content
from servers.http_web.answer import FilePart
from servers.http_web.book import Book
from servers.http_web.content import READY_SIZE, Site
from servers.http_web.conversation import IGNORED, Conversation
from servers.http_web.files import Folder, read_part
from servers.http_web.settings import Counters, Settings

GET = b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"


class Kept:
    """A report that keeps the events."""

    def __init__(self) -> None:
        self.counters, self.events, self.room, self.missed = Counters(), [], True, 0

    def emit(self, event: Any) -> None:
        self.events.append(event)

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if type(event).__name__ == kind]


class Talk:
    """A connection to a folder, and what it answers."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.report = Kept()
        self.site = Site(Folder(root), Settings(root=str(root), allow_put=True, **settings))
        self.connect()

    def connect(self) -> None:
        self.talk = Conversation(self.site, Book(self.report), "127.0.0.1:1")  # type: ignore[arg-type]

    def ask(self, *pieces: bytes) -> bytes:
        said = b""
        for piece in pieces:
            self.talk.received(piece)
            while written := self.talk.next():
                said += written.head
                for part in written.body:
                    said += read_part(part) if isinstance(part, FilePart) else part
                self.talk.sent(len(said))
                self.talk.done()
        return said

    def status(self, *pieces: bytes) -> int:
        found = re.findall(rb"(?m)^HTTP/1\.1 (\d+)", self.ask(*pieces))
        assert len(found) == 1
        return int(found[0])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("hello")
    os.utime(folder / "a.txt", (1e9, 1e9))
    return folder


@pytest.fixture
def talk(root: Path) -> Talk:
    return Talk(root)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is kept although its file was changed a moment ago."""
    monkeypatch.setattr(content, "SETTLED", -1.0)


def put(path: str, *fields: str, body: bytes = b"new") -> bytes:
    lines = [f"PUT {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    ("request_", "status", "over"),
    [
        (GET, 200, False),
        (GET.replace(b"GET", b"HEAD"), 200, False),
        (GET.replace(b"a.txt", b"no"), 404, False),
        (GET.replace(b"a.txt", b"sub"), 301, False),
        (GET.replace(b"a.txt", b"sub/"), 403, False),
        (GET.replace(b"/a.txt", b"http://b:99/a.txt?c"), 200, False),
        (GET.replace(b"/a.txt", b"http://u:p@b/a.txt"), 400, False),
        (GET.replace(b"/a.txt", b"a.txt"), 400, False),
        (GET.replace(b"/a.txt", b"*"), 400, False),
        (GET.replace(b"a.txt", b"a.txt#b"), 400, False),
        (GET.replace(b"a.txt", b"a%2"), 400, False),
        (GET.replace(b"a.txt", b"a%00"), 400, False),
        (GET.replace(b"a.txt", b"%ff"), 400, False),
        (GET.replace(b"a.txt", b"sub%2fa.txt"), 404, False),
        (GET.replace(b"a.txt", b"sub%2f..%2fa.txt"), 403, False),
        (GET.replace(b"a.txt", b"%2e%2e/root/a.txt"), 403, False),
        (GET.replace(b"/a.txt", b"//a.txt"), 404, False),
        (GET.replace(b"GET", b"BREW"), 501, False),
        (GET.replace(b"GET", b"DELETE"), 405, False),
        (GET.replace(b"GET", b"TRACE"), 405, False),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405, False),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204, False),
        (b"POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405, False),
        (GET.replace(b"1.1", b"1.0"), 200, True),
        (GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), 200, True),
        (GET.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"), 200, False),
        (GET.replace(b"\r\n\r\n", b"\r\nExpect: 200-ok\r\n\r\n"), 417, True),
        (GET.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % (IGNORED + 1)), 413, True),
        (GET.replace(b"Host: a\r\n", b""), 400, True),
        (GET.replace(b"1.1", b"2.0"), 505, True),
        (put("/new.txt"), 201, False),
        (put("/a.txt"), 204, False),
        (put("/demofile.txt"), 201, False),
        (put("/demo/x"), 405, True),
        (put("/sub"), 409, True),
        (put("/none/x"), 409, True),
        (put("/../x"), 403, True),
        (put("/a.txt", "If-None-Match: *"), 412, True),
        (put("/a.txt", 'If-Match: "x"'), 412, True),
        (put("/new.txt", "If-Match: *"), 412, True),
        (put("/new.txt", "If-None-Match: *"), 201, False),
        (put("/new.txt", "Content-Range: bytes 0-2/3"), 400, True),
        (put("/new.txt", "Content-Encoding: gzip"), 415, True),
        (put("/new.txt", "Expect: 100-continue"), 201, False),
        (b"PUT /new.txt HTTP/1.1\r\nHost: a\r\n\r\n", 411, True),
        (b"PUT /new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413, True),
        (b"PUT /n HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 201, False),
        (b"PUT /n HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 400, True),
    ],
)  # fmt: skip
def test_statuses(root: Path, request_: bytes, status: int, over: bool) -> None:
    for pieces in ([request_], [bytes([byte]) for byte in request_]):
        talk = Talk(root)
        said = talk.ask(*pieces)
        found = [int(s) for s in re.findall(rb"(?m)^HTTP/1\.1 (\d+)", said) if s != b"100"]
        assert (found, talk.talk.over) == ([status], over)
        assert b"Date: " in said
        for name in ("new.txt", "n", "demofile.txt"):
            (root / name).unlink(missing_ok=True)
        (root / "a.txt").write_text("hello")
        assert sorted(os.listdir(root)) == ["a.txt", "sub"]


def test_a_client_that_waits_is_told_to_go_on(talk: Talk) -> None:
    head, body = put("/new.txt", "Expect: 100-continue")[:-3], b"new"
    assert talk.ask(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert talk.status(body) == 201


@pytest.mark.parametrize("size", [0, 5, READY_SIZE, READY_SIZE + 1])
@pytest.mark.parametrize("field", [b"", b"Range: bytes=1-2\r\n", b'If-None-Match: "x"\r\n'])
def test_head_is_get_without_the_body(root: Path, size: int, field: bytes) -> None:
    (root / "a.txt").write_bytes(b"x" * size)
    talk = Talk(root)
    request = GET[:-2] + field + b"\r\n"
    if b"Range" not in field:  # it is for GET alone
        whole = talk.ask(request)
        head = talk.ask(request.replace(b"GET", b"HEAD"))
        strip = re.compile(rb"Date: [^\r]*")
        assert strip.sub(b"", head) == strip.sub(b"", whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        assert b"Content-Length: %d\r\n" % size in head
    else:
        head = talk.ask(request.replace(b"GET", b"HEAD"))
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert head.endswith(b"\r\n\r\n")


def test_not_modified_has_no_body_and_its_validators(talk: Talk) -> None:
    etag = re.search(rb"ETag: ([^\r]+)", talk.ask(GET))
    assert etag
    said = talk.ask(GET[:-2] + b"If-None-Match: %b\r\n\r\n" % etag[1])
    assert said.startswith(b"HTTP/1.1 304 ")
    assert said.endswith(b"\r\n\r\n")
    assert b"ETag: " + etag[1] in said
    assert b"Content-Length" not in said


def test_a_simple_request_leaves_no_file_open(root: Path) -> None:
    (root / "a.txt").write_bytes(b"x" * (READY_SIZE + 1))
    talk = Talk(root)
    before = len(os.listdir("/proc/self/fd"))
    assert talk.ask(b"GET /a.txt\r\n") == b"x" * (READY_SIZE + 1)
    assert talk.talk.over
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.usefixtures("at_once")
def test_the_quick_way_says_the_same_and_keeps_the_connection(talk: Talk) -> None:
    slow = talk.ask(GET)
    assert talk.talk.quick(GET[:-2]) is None
    talk.talk.deadline = 0.0
    quick = talk.talk.quick(GET)
    strip = re.compile(rb"Date: [^\r]*")
    assert strip.sub(b"", quick or b"") == strip.sub(b"", slow)
    assert talk.talk.deadline > time.monotonic(), "an active connection is not idle"
    assert (talk.report.counters.requests, talk.report.counters.ok) == (2, 2)
    assert [event.number for event in talk.report.of("HttpResponse")] == [1, 2]


@pytest.mark.usefixtures("at_once")
def test_the_quick_way_sees_every_change(talk: Talk, root: Path) -> None:
    talk.ask(GET)
    assert talk.talk.quick(GET)
    (root / "a.txt").write_text("other")
    assert talk.talk.quick(GET) is None
    assert talk.ask(GET).endswith(b"\r\n\r\nother")


@pytest.mark.usefixtures("at_once")
def test_the_quick_way_follows_a_link_where_it_leads_now(root: Path) -> None:
    (root / "b.txt").write_text("bbbbb")
    os.utime(root / "b.txt", (1e9, 1e9))
    (root / "link").symlink_to("a.txt")
    talk, request = Talk(root), GET.replace(b"a.txt", b"link")
    assert talk.ask(request).endswith(b"hello")
    assert talk.talk.quick(request)
    (root / "link").unlink()
    (root / "link").symlink_to("b.txt")
    assert talk.talk.quick(request) is None
    assert talk.ask(request).endswith(b"bbbbb")


def test_each_event_has_its_own_requests_bytes(talk: Talk) -> None:
    talk.ask(GET + put("/new.txt") + GET.replace(b"a.txt", b"no"))
    told = [event.data.head for event in talk.report.of("HttpRequest")]
    assert told == [GET, put("/new.txt"), GET.replace(b"a.txt", b"no")]
    assert [event.number for event in talk.report.of("HttpRequest")] == [1, 2, 3]
    assert talk.report.counters.bytes_in == len(b"".join(told))


def test_half_a_request_is_408_and_none_is_silence(talk: Talk) -> None:
    assert talk.talk.timed_out() is None
    assert talk.talk.over
    talk.connect()
    talk.talk.received(GET[:10])
    written = talk.talk.timed_out()
    assert written
    assert (written.status, written.close) == (408, True)


@pytest.mark.parametrize("how", ["ended", "close"])
def test_an_aborted_put_leaves_nothing(talk: Talk, root: Path, how: str) -> None:
    talk.talk.received(put("/new.txt")[:-1])
    assert talk.talk.next() is None
    assert len(os.listdir(root)) == 3
    getattr(talk.talk, how)()
    assert sorted(os.listdir(root)) == ["a.txt", "sub"]
    assert (root / "a.txt").read_text() == "hello"


def test_empty_lines_keep_no_connection_for_ever(talk: Talk) -> None:
    said = talk.ask(*[b"\r\n"] * 100)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert talk.talk.over


def test_a_fault_of_ours_is_a_500_and_not_the_servers_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    one = Talk(tmp_path)
    monkeypatch.setattr(one.site, "answer", broken)
    assert one.ask(GET).startswith(b"HTTP/1.1 500 ")
    assert one.talk.over
    assert "RuntimeError: a bug" in one.report.of("ServerError")[0].message


def test_what_is_told_of_an_answer_has_its_bodys_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"few")
    (tmp_path / "large").write_bytes(b"many" * 100_000)
    one = Talk(tmp_path)
    for name in ("small", "large"):
        one.ask(f"GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    starts = [event.data.head.partition(b"\r\n\r\n")[2] for event in one.report.of("HttpResponse")]
    assert starts[0] == b"few"
    assert starts[1].startswith(b"manymany")


def test_a_pause_before_the_body_is_a_pause_before_the_head(tmp_path: Path) -> None:
    one = Talk(tmp_path)
    one.talk.received(b"GET /demo/delay/3 HTTP/1.1\r\nHost: a\r\n\r\n")
    written = one.talk.next()
    assert written is not None
    assert written.wait == 3
    assert all(isinstance(piece, bytes) for piece in written.body)
