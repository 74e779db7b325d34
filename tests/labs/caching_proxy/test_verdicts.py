"""What the proxy does with one request after the other, as a table for each section of RFC 9111.

A row is a story: what the client asks, what the origin would answer, and what the verdict must be.
The origin makes things old with Age, so that nobody has to wait. An origin that is not asked keeps
its answer for the next step: one left over, or one too few, fails the row.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterator

import pytest

from tests.programs import Program, eventually

FRESH, NO_CACHE = "Cache-Control: max-age=60", "Cache-Control: no-cache"
OLD = "Cache-Control: max-age=60\r\nAge: 100"
TAG, OTHER_TAG = 'ETag: "a"', 'ETag: "b"'
NOT_ASKED = ""


class Origin:
    """Gives the next answer to each request, one to a connection; without one left it answers 599."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.answers: deque[bytes] = deque()
        self.asked: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                sock.settimeout(5)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += sock.recv(65536)
                self.asked.append(head.decode("latin-1"))
                answer = self.answers.popleft() if self.answers else b"HTTP/1.1 599 Not Due\r\n\r\n"
                sock.sendall(answer)


class Bench:
    """The proxy, its origin, and the verdicts that it told."""

    def __init__(self, origin: Origin, proxy: Program) -> None:
        self.origin, self.proxy = origin, proxy
        self.port = int(proxy.line(r'"address":"[^"]*:(\d+)"')[1])

    def ask(self, method: str, path: str, fields: str) -> tuple[int, str, bytes]:
        """Status, head and body of an answer of the proxy."""
        lines = f"\r\n{fields}" if fields else ""
        url = f"http://127.0.0.1:{self.origin.port}{path}"
        request = f"{method} {url} HTTP/1.1\r\nHost: x{lines}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as sock:
            sock.sendall(request.encode("latin-1"))
            data = b""
            while more := sock.recv(65536):
                data += more
        head, _, body = data.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), head.decode("latin-1"), body

    def verdicts(self, path: str, count: int) -> list[dict[str, object]]:
        """The verdicts on a path, once there are so many."""

        def found() -> list[dict[str, object]]:
            mine = [each for each in self.proxy.events("cache_verdict") if each["url"].endswith(path)]
            return mine if len(mine) >= count else []

        return eventually(found, f"{count} verdicts on {path}")  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    origin = Origin()
    words = ("--port", "0", "--json", "--timeout", "3")
    with Program("servers.caching_proxy.server", *words) as proxy:
        yield Bench(origin, proxy)
    origin.listener.close()


def answer(spec: str, body: bytes = b"body") -> bytes:
    """A status line and fields as the origin sends them, with a body where the status has one."""
    bodiless = spec.startswith(("204", "304"))
    framing = "" if bodiless or "Content-Length" in spec else f"Content-Length: {len(body)}\r\n"
    head = f"HTTP/1.1 {spec}\r\n{framing}Connection: close\r\n\r\n"
    return head.encode("latin-1") + (b"" if bodiless else body)


def ok(*fields: str) -> str:
    """A 200 with these fields."""
    return "\r\n".join(("200 OK", *fields))


def unchanged(*fields: str) -> str:
    """A 304 with these fields."""
    return "\r\n".join(("304 Not Modified", *fields))


# Each step: (method, request fields, the origin's answer or NOT_ASKED, verdict, status)
STORIES = {
    "3: nothing says how long, so it is not kept": [
        ("GET", "", ok(), "MISS", 200), ("GET", "", ok(), "MISS", 200),
    ],
    "3: no-store is not kept": [
        ("GET", "", ok("Cache-Control: no-store, max-age=60"), "MISS", 200), ("GET", "", ok(), "MISS", 200),
    ],
    "3: private is not for a shared cache": [
        ("GET", "", ok("Cache-Control: private, max-age=60"), "MISS", 200), ("GET", "", ok(), "MISS", 200),
    ],
    "3: an unknown status with max-age is kept": [
        ("GET", "", f"299 Odd\r\n{FRESH}", "MISS", 299), ("GET", "", NOT_ASKED, "HIT", 299),
    ],
    "3: a 404 is kept": [
        ("GET", "", f"404 Not Found\r\n{FRESH}", "MISS", 404), ("GET", "", NOT_ASKED, "HIT", 404),
    ],
    "3: the request's no-store keeps it out": [
        ("GET", "Cache-Control: no-store", ok(FRESH), "BYPASS", 200), ("GET", "", ok(FRESH), "MISS", 200),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "3.5: with Authorization only what says so is kept": [
        ("GET", "Authorization: Basic eDp5", ok(FRESH), "MISS", 200), ("GET", "", ok(FRESH), "MISS", 200),
    ],
    "3.5: public lets it be kept": [
        ("GET", "Authorization: Basic eDp5", ok("Cache-Control: public, max-age=60"), "MISS", 200),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "3.5: s-maxage lets it be kept": [
        ("GET", "Authorization: Basic eDp5", ok("Cache-Control: s-maxage=60"), "MISS", 200),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "4: only GET and HEAD are answered from the cache": [
        ("GET", "", ok(FRESH), "MISS", 200), ("OPTIONS", "", ok(), "BYPASS", 200),
        ("GET", "", NOT_ASKED, "HIT", 200), ("HEAD", "", NOT_ASKED, "HIT", 200),
    ],
    "4.1: Vary keeps variants apart, and both": [
        ("GET", "X-A: 1", ok(FRESH, "Vary: X-A"), "MISS", 200),
        ("GET", "X-A: 2", ok(FRESH, "Vary: X-A"), "MISS", 200),
        ("GET", "X-A: 1", NOT_ASKED, "HIT", 200), ("GET", "X-A:  2 ", NOT_ASKED, "HIT", 200),
        ("GET", "", ok(FRESH, "Vary: X-A"), "MISS", 200), ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "4.1: Vary: * matches nothing": [
        ("GET", "", ok(FRESH, "Vary: *"), "MISS", 200), ("GET", "", ok(FRESH), "MISS", 200),
    ],
    "4.2: too old, without a validator: fetched anew": [
        ("GET", "", ok(OLD), "MISS", 200), ("GET", "", ok(FRESH), "EXPIRED", 200),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "4.2.1: s-maxage goes before max-age and Expires": [
        ("GET", "", ok("Cache-Control: max-age=600, s-maxage=1", "Age: 5"), "MISS", 200),
        ("GET", "", ok(FRESH), "EXPIRED", 200),
    ],
    "4.2.1: an Expires that is no date is the past": [
        ("GET", "", ok("Expires: 0", TAG), "MISS", 200),
        ("GET", "", unchanged(FRESH, TAG), "REVALIDATED", 200),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "4.2.2: a tenth of the time since Last-Modified": [
        ("GET", "", ok("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"), "MISS", 200),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "4.2.3: an Age beyond all numbers is very old": [
        ("GET", "", ok(FRESH, f"Age: {10**30}"), "MISS", 200), ("GET", "", ok(FRESH), "EXPIRED", 200),
    ],
    "4.3: validated with the entity tag": [
        ("GET", "", ok(NO_CACHE, TAG), "MISS", 200), ("GET", "", unchanged(TAG), "REVALIDATED", 200),
        ("GET", "", ok(NO_CACHE, OTHER_TAG), "EXPIRED", 200),
    ],
    "4.3.2: the client's own copy holds": [
        ("GET", "", ok(FRESH, TAG), "MISS", 200), ("GET", 'If-None-Match: "a"', NOT_ASKED, "HIT", 304),
        ("GET", 'If-None-Match: "b"', NOT_ASKED, "HIT", 200),
    ],
    "4.3.5: a HEAD with another tag makes the stored GET invalid": [
        ("GET", "", ok(FRESH, TAG), "MISS", 200),
        ("HEAD", "Cache-Control: no-cache", ok(FRESH, OTHER_TAG, "Content-Length: 9"), "EXPIRED", 200),
        ("GET", "", ok(FRESH, OTHER_TAG), "EXPIRED", 200),
    ],
    "4.4: an unsafe method invalidates": [
        ("GET", "", ok(FRESH, TAG), "MISS", 200), ("GET", "", NOT_ASKED, "HIT", 200),
        ("DELETE", "", "204 No Content", "BYPASS", 204), ("GET", "", unchanged(TAG), "REVALIDATED", 200),
    ],
    "4.4: an unsafe method that failed does not": [
        ("GET", "", ok(FRESH, TAG), "MISS", 200), ("DELETE", "", "403 Forbidden", "BYPASS", 403),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "5.2.1: max-age, min-fresh and no-cache of the request": [
        ("GET", "", ok("Cache-Control: max-age=60", "Age: 30", TAG), "MISS", 200),
        ("GET", "Cache-Control: max-age=20", unchanged("Age: 30", TAG), "REVALIDATED", 200),
        ("GET", "Cache-Control: min-fresh=40", unchanged("Age: 30", TAG), "REVALIDATED", 200),
        ("GET", "cache-control:NO-CACHE", unchanged("Age: 30", TAG), "REVALIDATED", 200),
        ("GET", "Pragma: no-cache", unchanged("Age: 30", TAG), "REVALIDATED", 200),
        ("GET", "Cache-Control: max-age=40", NOT_ASKED, "HIT", 200),
    ],
    "5.2.1.2: max-stale takes what is too old": [
        ("GET", "", ok(OLD), "MISS", 200), ("GET", "Cache-Control: max-stale=50", NOT_ASKED, "STALE", 200),
        ("GET", "Cache-Control: max-stale", NOT_ASKED, "STALE", 200),
        ("GET", "Cache-Control: max-stale=30", ok(FRESH), "EXPIRED", 200),
    ],
    "5.2.1.7: only-if-cached asks nobody": [
        ("GET", "Cache-Control: only-if-cached", NOT_ASKED, "REFUSED", 504),
        ("GET", "", ok(FRESH), "MISS", 200),
        ("GET", "Cache-Control: only-if-cached", NOT_ASKED, "HIT", 200),
    ],
    "5.2.2.2: must-revalidate is never used stale": [
        ("GET", "", ok("Cache-Control: max-age=1, must-revalidate", "Age: 5", TAG), "MISS", 200),
        ("GET", "Cache-Control: max-stale=99", unchanged("Age: 5", TAG), "REVALIDATED", 200),
        ("GET", "", "", "FAILED", 504),
    ],
    "5.2.2.3: must-understand keeps a known status although no-store": [
        ("GET", "", ok("Cache-Control: no-store, must-understand, max-age=60"), "MISS", 200),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "5.2.2.4: no-cache with field names keeps those from being sent unasked": [
        ("GET", "", ok('Cache-Control: max-age=60, no-cache="X-Secret"', "X-Secret: 1"), "MISS", 200),
        ("GET", "", NOT_ASKED, "HIT", 200),
    ],
    "5861: stale-if-error helps out": [
        ("GET", "", ok("Cache-Control: max-age=1, stale-if-error=600", "Age: 5"), "MISS", 200),
        ("GET", "", "503 Service Unavailable", "STALE", 200),
    ],
    "5861: without it the error is the client's": [
        ("GET", "", ok("Cache-Control: max-age=1", "Age: 5"), "MISS", 200),
        ("GET", "", "503 Service Unavailable", "EXPIRED", 503),
    ],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES, ids=list(STORIES))
def test_each_request_of_a_story_gets_its_verdict(bench: Bench, story: str) -> None:
    path = "/" + str(list(STORIES).index(story)) + "/story"
    steps = STORIES[story]
    for at, (method, fields, due, verdict, status) in enumerate(steps):
        asked = len(bench.origin.asked)
        bench.origin.answers.clear()
        if due:
            bench.origin.answers.append(answer(due, b"" if method == "HEAD" else b"body %d" % at))
        elif verdict == "FAILED":
            bench.origin.answers.append(b"")
        found, head, _ = bench.ask(method, path, fields)
        told = bench.verdicts(path, at + 1)[at]
        assert (told["verdict"], found) == (verdict, status), (at, told, head)
        assert len(bench.origin.asked) - asked == (1 if due or verdict == "FAILED" else 0), at
        assert told["status"] == status
        assert told["reason"], at
        if verdict == "HIT":
            assert "; hit" in head
            assert "\r\nAge: " in head


def test_a_validation_carries_the_stored_validators_and_no_more(bench: Bench) -> None:
    when = "Sun, 06 Nov 1994 08:49:37 GMT"
    bench.origin.answers.append(answer(ok(NO_CACHE, TAG, f"Last-Modified: {when}")))
    bench.ask("GET", "/validators", "")
    bench.origin.answers.append(answer(unchanged(TAG)))
    status, head, body = bench.ask("GET", "/validators", 'If-None-Match: "zz"')
    asked = bench.origin.asked[-1]
    assert 'If-None-Match: "a"' in asked
    assert f"If-Modified-Since: {when}" in asked
    assert "zz" not in asked
    assert (status, body) == (200, b"body")
    assert "fwd-status=304" in head


def test_parts_are_joined_and_make_a_whole(bench: Bench) -> None:
    whole = bytes(range(100))
    for first, last in ((0, 39), (60, 99), (40, 59)):
        part = "206 Partial Content\r\n" + "\r\n".join(
            (FRESH, TAG, f"Content-Range: bytes {first}-{last}/100")
        )
        bench.origin.answers.append(answer(part, whole[first : last + 1]))
        status, _, body = bench.ask("GET", "/parts", f"Range: bytes={first}-{last}")
        assert (status, body) == (206, whole[first : last + 1])
    asked = len(bench.origin.asked)
    assert bench.ask("GET", "/parts", "Range: bytes=30-69")[::2] == (206, whole[30:70])
    status, head, body = bench.ask("GET", "/parts", "")
    assert (status, body) == (200, whole)
    assert "Content-Range" not in head
    assert len(bench.origin.asked) == asked


def test_a_field_that_no_cache_names_is_only_sent_after_the_origin_was_asked(bench: Bench) -> None:
    fields = ('Cache-Control: max-age=60, no-cache="X-Secret"', "X-Secret: 1", TAG)
    bench.origin.answers.append(answer(ok(*fields)))
    assert "X-Secret: 1" in bench.ask("GET", "/field", "")[1]
    assert "X-Secret: 1" not in bench.ask("GET", "/field", "")[1]


def test_a_stale_object_is_renewed_behind_the_client_s_back(bench: Bench) -> None:
    stale = "Cache-Control: max-age=1, stale-while-revalidate=600"
    bench.origin.answers.append(answer(ok(stale, "Age: 5"), b"old"))
    bench.ask("GET", "/swr", "")
    bench.origin.answers.append(answer(ok(FRESH), b"new"))
    asked = len(bench.origin.asked)
    assert bench.ask("GET", "/swr", "")[2] == b"old"
    eventually(lambda: len(bench.origin.asked) > asked, "the origin is asked")
    eventually(lambda: bench.ask("GET", "/swr", "")[2] == b"new", "the new one is kept")
    told = [each["verdict"] for each in bench.verdicts("/swr", 3)]
    assert told[:2] == ["MISS", "STALE"]
    # who asked meanwhile got the old one, too: then the HIT is not the third
    eventually(lambda: bench.verdicts("/swr", 3)[-1]["verdict"] == "HIT", "the last is told")


def test_what_a_post_left_with_its_own_lifetime_and_place_answers_a_get(bench: Bench) -> None:
    place = f"Content-Location: http://127.0.0.1:{bench.origin.port}/post"
    bench.origin.answers.append(answer(ok(FRESH, place), b"posted"))
    assert bench.ask("POST", "/post", "Content-Length: 0")[2] == b"posted"
    asked = len(bench.origin.asked)
    assert bench.ask("GET", "/post", "")[2] == b"posted"
    assert len(bench.origin.asked) == asked
