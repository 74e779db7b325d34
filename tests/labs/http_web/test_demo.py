"""The /demo/ paths: each a pure function of the request."""

from __future__ import annotations

import html.parser
import re
from typing import Any

import pytest

from servers.http_web import demo
from servers.http_web.answer import Answer, Pause
from servers.http_web.demosite import SITE
from servers.http_web.statuses import CLASSES, MEANINGS
from servers.kit.http import REASONS, parse_request

NOW = 784111777.5  # Sun, 06 Nov 1994 08:49:37 GMT


def ask(path: str, *fields: str, query: str = "", method: str = "GET") -> Answer | None:
    head = "".join(f"{line}\r\n" for line in (f"{method} {path} HTTP/1.1", "Host: here", *fields, ""))
    return demo.answer(parse_request(head.encode()), path, query, NOW)


def get(path: str, *fields: str, **more: str) -> Answer:
    found = ask(path, *fields, **more)
    assert found is not None
    return found


def body(answer: Answer) -> bytes:
    return b"".join(piece for piece in answer.body if isinstance(piece, bytes))


def pauses(answer: Answer) -> list[float]:
    return [piece.seconds for piece in answer.body if isinstance(piece, Pause)]


def field(answer: Answer, name: str) -> str | None:
    values = [value for key, value in answer.fields if key.lower() == name.lower()]
    assert len(values) <= 1, f"{name} twice"
    return values[0] if values else None


class Links(html.parser.HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def demo_links(page: str) -> set[str]:
    return {link for link in Links(page).found if link.startswith("/demo/") and link != "/demo/"}


# -- all of them


def test_every_answer_is_as_long_as_it_says() -> None:
    for item in demo.DEMOS.values():
        for example in item.examples:
            path, _, query = f"/demo/{example}".partition("?")
            answer = get(path, query=query)
            if answer.size is not None:
                assert len(body(answer)) == answer.size, example


def test_the_list_names_every_demonstration_and_all_its_links_work() -> None:
    links = demo_links(body(get("/demo/")).decode())
    assert {re.split("[/?]", link)[2] for link in links} == set(demo.DEMOS)
    for link in links:
        path, _, query = link.partition("?")
        assert get(path, query=query).status != 400


def test_the_sites_page_names_every_demonstration_and_all_its_links_work() -> None:
    links = demo_links((SITE / "paths.html").read_text(encoding="utf-8"))
    assert {re.split("[/?]", link)[2] for link in links} == set(demo.DEMOS)
    for link in links:
        path, _, query = link.partition("?")
        assert get(path, query=query).status != 400


@pytest.mark.parametrize(
    "path",
    [
        "/demonstration",
        "/demo/nothing",
        "/demo//",
        "/demo/status/",
        "/demo//status/200",
        "/Demo/",
        "/demo/%2e",
    ],
)
def test_other_paths_are_not_ours(path: str) -> None:
    assert ask(path) is None


def test_without_its_slash_the_list_is_elsewhere() -> None:
    answer = get("/demo")
    assert (answer.status, field(answer, "Location")) == (301, "/demo/")


@pytest.mark.parametrize(
    "name", ["drip", "chunked", "etag", "nocache", "nostore", "vary", "headers", "cookies", "close"]
)
def test_nothing_follows_where_nothing_is_asked_for(name: str) -> None:
    assert get(f"/demo/{name}").status == 200
    assert get(f"/demo/{name}/more").status == 404


# -- what is out of range


@pytest.mark.parametrize(
    ("path", "query", "range_"),
    [
        ("/demo/status", "", "200 to 599"),
        ("/demo/status/199", "", "200 to 599"),
        ("/demo/status/100", "", "200 to 599"),
        ("/demo/status/600", "", "200 to 599"),
        ("/demo/status/teapot", "", "200 to 599"),
        ("/demo/status/20\u0663", "", "200 to 599"),
        ("/demo/status/200/", "", "200 to 599"),
        ("/demo/redirect/0", "", "1 to 10"),
        ("/demo/redirect/11", "", "1 to 10"),
        ("/demo/redirect", "code=200", "301, 302, 303, 307, 308"),
        ("/demo/redirect", "code=3\r\n02", "301, 302, 303, 307, 308"),
        ("/demo/delay", "", "0 to 10"),
        ("/demo/delay/10.5", "", "0 to 10"),
        ("/demo/delay/-1", "", "0 to 10"),
        ("/demo/delay/nan", "", "0 to 10"),
        ("/demo/delay/1e1", "", "0 to 10"),
        ("/demo/drip", "bytes=0", "1 to 1,000"),
        ("/demo/drip", "bytes=1001", "1 to 1,000"),
        ("/demo/drip", "bytes=", "1 to 1,000"),
        ("/demo/drip", "seconds=61", "0 to 60"),
        ("/demo/cache", "", "0 to 31,536,000"),
        ("/demo/cache/31536001", "", "0 to 31,536,000"),
        ("/demo/bytes", "", "0 to 100,000,000"),
        ("/demo/bytes/100000001", "", "0 to 100,000,000"),
        ("/demo/bytes/99999999999999999999", "", "0 to 100,000,000"),
    ],
)
def test_out_of_range_is_a_400_that_says_the_range(path: str, query: str, range_: str) -> None:
    answer = demo.answer(parse_request(b"GET / HTTP/1.0\r\n\r\n"), path, query, NOW)
    assert answer is not None
    assert answer.status == 400
    assert range_ in body(answer).decode()
    assert not pauses(answer)


def test_a_query_of_a_thousand_parts_is_refused() -> None:
    assert get("/demo/drip", query="&".join(f"a{n}=1" for n in range(1000))).status == 400


# -- status and direction


@pytest.mark.parametrize("code", sorted(code for code in REASONS if code >= 200))
def test_every_registered_status_comes_with_its_meaning(code: int) -> None:
    answer = get(f"/demo/status/{code}")
    assert answer.status == code
    if code in (204, 205, 304):
        assert (body(answer), answer.size) == (b"", 0)
    else:
        assert body(answer).decode() == f"{code} {REASONS[code]}\n{MEANINGS[code]}\n"


@pytest.mark.parametrize("code", [299, 399, 499, 599])
def test_an_unknown_status_is_explained_by_its_first_digit(code: int) -> None:
    answer = get(f"/demo/status/{code}")
    assert answer.status == code
    assert CLASSES[code // 100] in body(answer).decode()
    assert f"as {code // 100}00" in body(answer).decode()


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (206, "Content-Range"),
        (301, "Location"),
        (302, "Location"),
        (303, "Location"),
        (307, "Location"),
        (308, "Location"),
        (401, "WWW-Authenticate"),
        (405, "Allow"),
        (407, "Proxy-Authenticate"),
        (426, "Upgrade"),
    ],
)
def test_a_status_comes_with_the_field_it_must_have(code: int, name: str) -> None:
    assert field(get(f"/demo/status/{code}"), name) is not None


@pytest.mark.parametrize("code", [None, "301", "302", "303", "307", "308"])
def test_a_chain_of_redirects_has_as_many_steps_as_it_says(code: str | None) -> None:
    target, steps = "/demo/redirect/10" + (f"?code={code}" if code else ""), 0
    while target != "/":
        path, _, query = target.partition("?")
        answer = get(path, query=query)
        assert answer.status == int(code or 302)
        target = field(answer, "Location") or ""
        steps += 1
        assert steps <= 10
    assert steps == 10
    assert field(get("/demo/redirect"), "Location") == "/"


# -- time


@pytest.mark.parametrize("seconds", ["0", "0.25", "2", "10"])
def test_a_delay_pauses_before_the_first_byte(seconds: str) -> None:
    first = next(iter(get(f"/demo/delay/{seconds}").body))
    assert first == Pause(float(seconds))


def test_a_drip_is_byte_by_byte_over_the_whole_time() -> None:
    answer = get("/demo/drip", query="bytes=20&seconds=5")
    pieces = list(answer.body)
    assert [type(piece) for piece in pieces] == [Pause, bytes] * 20
    assert all(len(piece) == 1 for piece in pieces if isinstance(piece, bytes))
    assert sum(piece.seconds for piece in pieces if isinstance(piece, Pause)) == pytest.approx(5)
    assert answer.size == 20
    assert len(list(get("/demo/drip").body)) == 20, "ten bytes unless asked otherwise"


def test_chunked_has_no_length_and_several_pieces() -> None:
    answer = get("/demo/chunked")
    assert answer.size is None
    assert field(answer, "Content-Length") is None
    pieces = list(answer.body)
    assert len([piece for piece in pieces if isinstance(piece, bytes)]) == 6
    assert b"" not in pieces
    assert 0 < sum(piece.seconds for piece in pieces if isinstance(piece, Pause)) < 5


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65535, 65536, 65537, 1_000_000])
def test_so_many_bytes_as_asked_for_each_time_the_same(count: int) -> None:
    answer = get(f"/demo/bytes/{count}")
    data = body(answer)
    assert (answer.size, len(data)) == (count, count)
    assert data == body(get("/demo/bytes/1000000"))[:count]


def test_many_bytes_are_not_kept_in_memory() -> None:
    answer = get("/demo/bytes/100000000")
    total = 0
    largest = 0
    for piece in answer.body:
        assert isinstance(piece, bytes)
        total += len(piece)
        largest = max(largest, len(piece))
    assert total == 100_000_000
    assert largest <= 65536


# -- caches


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ((), 200),
        (('If-None-Match: "lesson-1"',), 304),
        (('If-None-Match: "other", W/"lesson-1"',), 304),
        (("If-None-Match: *",), 304),
        (('If-None-Match: "lesson-2"',), 200),
        (('If-Match: "lesson-1"',), 200),
        (('If-Match: "lesson-2"',), 412),
        (('If-Match: W/"lesson-1"',), 412),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_fixed_entity_tag_is_compared(fields: tuple[str, ...], status: int, method: str) -> None:
    answer = get("/demo/etag", *fields, method=method)
    assert answer.status == status
    assert field(answer, "ETag") == '"lesson-1"'
    if status == 304:
        assert (body(answer), answer.size) == (b"", 0)


def test_a_cacheable_page_says_how_long_and_when_it_was_made() -> None:
    answer = get("/demo/cache/30")
    assert field(answer, "Cache-Control") == "max-age=30"
    assert "Sun, 06 Nov 1994 08:49:37 GMT" in body(answer).decode()
    tag = field(answer, "ETag")
    assert get("/demo/cache/30", f"If-None-Match: {tag}").status == 304
    later = demo.answer(parse_request(b"GET / HTTP/1.0\r\n\r\n"), "/demo/cache/30", "", NOW + 1)
    assert later is not None
    assert field(later, "ETag") != tag


def test_the_page_that_stays_the_same_can_be_confirmed_later() -> None:
    first = get("/demo/cache/5", query="same")
    request = parse_request(f"GET / HTTP/1.0\r\nIf-None-Match: {field(first, 'ETag')}\r\n\r\n".encode())
    later = demo.answer(request, "/demo/cache/5", "same", NOW + 3600)
    assert later is not None
    assert later.status == 304
    assert field(later, "Cache-Control") == "max-age=5", "a 304 makes the copy fresh again"


def test_the_same_entity_tag_means_the_same_bytes() -> None:
    answers = [get("/demo/cache/5", query="same"), get("/demo/cache/6", query="same"), get("/demo/cache/5")]
    tags = [field(answer, "ETag") for answer in answers]
    assert len(set(tags)) == 3, "the pages differ"


@pytest.mark.parametrize(("path", "value"), [("/demo/nocache", "no-cache"), ("/demo/nostore", "no-store")])
def test_pages_that_caches_must_not_answer_with(path: str, value: str) -> None:
    answer = get(path)
    assert field(answer, "Cache-Control") == value
    assert "Sun, 06 Nov 1994 08:49:37 GMT" in body(answer).decode()


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-at", "de"),
        ("ja,en;q=0.5", "ja"),
        ("en;q=0.5, zh-CN", "zh"),
        ("da, ko;q=0.8, en;q=0.7", "ko"),
        ("fr;q=0.2, es;q=0.3", "es"),
        ("es, fr", "es"),
        ("fr, es", "fr"),
        ("da", "en"),
        ("*", "en"),
        ("de;q=0, *;q=0.5", "en"),
        ("en;q=0, *;q=0.5", "de"),
        ("de;q=0", "en"),
        ("de;q=nonsense, fr;q=0.1", "fr"),
        ("de;q=2, fr;q=0.1", "fr"),
        ("de;q, fr;q=0.1", "fr"),
        ("fr;q=0.001, de;q=0.002", "de"),
        (",,;,;;q=1", "en"),
        ("ja;level=1;q=0.9, de;q=0.8", "ja"),
    ],
)
def test_the_best_language_greets(wanted: str | None, language: str) -> None:
    answer = get("/demo/vary", *([f"Accept-Language: {wanted}"] if wanted is not None else []))
    assert field(answer, "Content-Language") == language
    assert field(answer, "Vary") == "Accept-Language"
    assert field(answer, "Cache-Control") == "max-age=60"
    assert body(answer).decode() == demo.GREETINGS[language] + "\n"


# -- requests and connections


def test_the_request_is_echoed_byte_for_byte() -> None:
    head = "GET /demo/headers HTTP/1.1\r\nHost: here\r\nX-Odd:   two  blanks\r\nX-Gr: grüß\r\n\r\n"
    answer = demo.answer(parse_request(head.encode()), "/demo/headers", "", NOW)
    assert answer is not None
    assert body(answer) == head.encode()


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Basic c2VjcmV0",
        "Proxy-Authorization: Bearer c2VjcmV0",
        "Cookie: socket-lab-8000=c2VjcmV0",
    ],
)
@pytest.mark.parametrize("path", ["/demo/headers", "/demo/cookies"])
def test_secrets_are_never_shown(line: str, path: str) -> None:
    assert b"c2VjcmV0" not in body(get(path, line))


MARKUP = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("path", "query", "fields"),
    [
        ("/demo/headers", "", (f"X-Evil: {MARKUP}",)),
        ("/demo/cookies", "", (f"Cookie: a={MARKUP}",)),
        (f"/demo/status/{MARKUP}", "", ()),
        (f"/demo/bytes/{MARKUP}", "", ()),
        (f"/demo/close/{MARKUP}", "", ()),
        ("/demo/redirect", f"code={MARKUP}", ()),
        ("/demo/drip", f"bytes={MARKUP}", ()),
        ("/demo/vary", "", (f"Accept-Language: {MARKUP}",)),
    ],
)
def test_what_came_in_a_request_is_never_markup(path: str, query: str, fields: tuple[str, ...]) -> None:
    head = "".join(f"{line}\r\n" for line in ("GET / HTTP/1.1", "Host: here", *fields, ""))
    answer = demo.answer(parse_request(head.encode()), path, query, NOW)
    assert answer is not None
    kind: Any = field(answer, "Content-Type")
    if kind.startswith("text/html"):
        assert "<script>" not in body(answer).decode()
    else:
        assert kind == "text/plain; charset=utf-8"
        assert MARKUP not in body(answer).decode() or field(answer, "X-Content-Type-Options") == "nosniff"


def test_cookies_are_set_and_shown() -> None:
    first = get("/demo/cookies")
    assert (field(first, "Set-Cookie") or "").startswith("lesson=1;")
    assert "no cookie" in body(first).decode()
    assert "<code>lesson=1; b=2</code>" in body(get("/demo/cookies", "Cookie: lesson=1; b=2")).decode()


def test_only_close_ends_the_connection() -> None:
    closing = {
        name for name, item in demo.DEMOS.items() if get(f"/demo/{item.examples[0].partition('?')[0]}").close
    }
    assert closing == {"close"}
