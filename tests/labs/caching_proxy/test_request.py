"""A request from what a person wrote: its form, its bytes, and the words for what differs. No socket."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from servers.caching_proxy.comparing import compare, summary
from servers.caching_proxy.compose import Aim, aim_of, curl_line, for_origin, for_proxy, may_i
from servers.caching_proxy.events import Verdict
from servers.caching_proxy.explain import MEANINGS, age_of, verdict_of
from servers.caching_proxy.hearing import Hearing
from servers.caching_proxy.request import Request
from servers.caching_proxy.results import Fetch, FieldShown
from servers.kit.errors import SettingError
from servers.kit.http import Headers
from servers.kit.settings import fields, parse

PROXY = "127.0.0.1:8888"


def form(**values: Any) -> Request:
    """A request as the form makes it."""
    return parse(Request, values)


def head_of(data: bytes) -> list[str]:
    lines = data.decode("latin-1").split("\r\n")
    assert lines[-2:] == ["", ""]
    return lines[:-2]


def test_the_form_begins_with_the_demo_site() -> None:
    request = Request()
    assert aim_of(request.url) == Aim("http", "127.0.0.1", 6789, "/")
    assert (request.method, request.times, request.compare, request.form) == ("GET", 1, True, "absolute")
    assert [field.name for field in fields(Request) if field.positional] == ["url"]
    assert {field.name for field in fields(Request) if field.advanced} == {
        "method", "form", "headers", "timeout",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "aim"),
    [
        ("http://a.example", Aim("http", "a.example", 80, "/")),
        (" HTTP://A.Example:8080/x?q#f ", Aim("http", "a.example", 8080, "/x?q")),
        ("http://a.example?q", Aim("http", "a.example", 80, "/?q")),
        ("localhost:6789/x", Aim("http", "localhost", 6789, "/x")),
        ("a.example/http://b.example/", Aim("http", "a.example", 80, "/http://b.example/")),
        ("http://[::1]:6789/x", Aim("http", "::1", 6789, "/x")),
        ("http://a.example/%41 b\r\nX: y", Aim("http", "a.example", 80, "/%41%20b%0D%0AX:%20y")),
        ("https://a.example/x", Aim("https", "a.example", 443, "")),
        ("https://a.example:8443", Aim("https", "a.example", 8443, "")),
    ],
)
def test_a_url_is_read(text: str, aim: Aim) -> None:
    assert aim_of(text) == aim


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "gopher://a.example/"}, "url"),
        ({"url": "http:///x"}, "url"),
        ({"url": "http://a.example:0/"}, "url"),
        ({"url": "http://a.example\r\nX: y/"}, "url"),
        ({"url": "http://me:secret@a.example/"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "http://" + 70 * "ü" + "/"}, "url"),
        ({"headers": "no colon"}, "headers"),
        ({"headers": "A b: c"}, "headers"),
        ({"headers": "A: \x00"}, "headers"),
        ({"headers": "transfer-encoding: chunked"}, "headers"),
        ({"headers": "Expect: 100-continue"}, "headers"),
        ({"cache_control": "a\nb"}, "cache_control"),
        ({"cache_control": "ü"}, "cache_control"),
        ({"times": 0}, "times"),
        ({"method": "POST"}, "method"),
        ({"form": "other"}, "form"),
        ({"url": "https://a.example/", "form": "path"}, "form"),
    ],
)
def test_what_cannot_be_sent_is_refused_beside_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingError) as found:
        form(**values)
    assert found.value.field == field


@pytest.mark.parametrize(
    ("values", "line", "host"),
    [
        ({}, "GET http://127.0.0.1:6789/ HTTP/1.1", "127.0.0.1:6789"),
        ({"form": "path"}, "GET /127.0.0.1:6789/ HTTP/1.1", PROXY),
        ({"method": "HEAD"}, "HEAD http://127.0.0.1:6789/ HTTP/1.1", "127.0.0.1:6789"),
        ({"url": "https://[::1]/"}, "CONNECT [::1]:443 HTTP/1.1", "[::1]:443"),
    ],
)
def test_the_proxy_is_asked_in_its_form(values: dict[str, Any], line: str, host: str) -> None:
    request = form(**values)
    lines = head_of(for_proxy(aim_of(request.url), request, PROXY))
    assert lines[:2] == [line, f"Host: {host}"]


def test_the_origin_gets_the_same_request_without_what_is_for_the_proxy() -> None:
    request = form(
        url="http://a.example/x", cache_control="no-cache",
        headers="X-Mine: ü\nHost: b.example\nProxy-Authorization: Basic x\nTE: trailers\nMax-Forwards: 3",
    )  # fmt: skip
    aim = aim_of(request.url)
    assert head_of(for_origin(aim, request)) == [
        "GET /x HTTP/1.1", "Host: a.example", "User-Agent: SocketLab-client", "Accept: */*",
        "Connection: close", "X-Mine: Ã¼", "Cache-Control: no-cache",
    ]  # fmt: skip
    assert "Host: b.example" in head_of(for_proxy(aim, request, PROXY))


def test_the_question_whether_it_may_ends_at_the_proxy_and_has_nothing_of_the_persons() -> None:
    assert head_of(may_i(aim_of("http://a.example/x"))) == [
        "OPTIONS http://a.example/x HTTP/1.1", "Host: a.example", "User-Agent: SocketLab-client",
        "Accept: */*", "Connection: close", "Max-Forwards: 0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, f"curl -i -x http://{PROXY} http://127.0.0.1:6789/"),
        ({"form": "path"}, f"curl -i http://{PROXY}/127.0.0.1:6789/"),
        ({"method": "HEAD"}, f"curl --head -x http://{PROXY} http://127.0.0.1:6789/"),
        (
            {"cache_control": "max-age=0", "headers": "X: a b\nY:"},
            f"curl -i -H 'X: a b' -H 'Y;' -H 'Cache-Control: max-age=0' -x http://{PROXY} http://127.0.0.1:6789/",
        ),
        ({"url": "https://a.example/x"}, f"curl -i -x http://{PROXY} https://a.example:443/"),
        ({"url": "a.example/[1]/../x"}, f"curl -i -g --path-as-is -x http://{PROXY} 'http://a.example/[1]/../x'"),
        (
            {"headers": "Authorization: Basic YTpi"},
            f"curl -i -H 'Authorization: Basic ****' -x http://{PROXY} http://127.0.0.1:6789/",
        ),
    ],
)  # fmt: skip
def test_curl_asks_the_same(values: dict[str, Any], words: str) -> None:
    request = form(**values)
    line = curl_line(aim_of(request.url), request, PROXY)
    assert shlex.split(line) == shlex.split(words)


# -- verdicts


def test_every_verdict_has_a_meaning() -> None:
    assert set(MEANINGS) == {*Verdict.__args__, ""}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        ("a;hit", "HIT"),
        ("a; HIT", "HIT"),
        ("a;fwd=miss", "MISS"),
        ("a;fwd=partial", "MISS"),
        ("a;fwd=method", "BYPASS"),
        ("a;fwd=request;fwd-status=304", "REVALIDATED"),
        ("a;fwd=request;fwd-status=200", "EXPIRED"),
        ("a;fwd=new-word", "MISS"),
        ('"a, b; hit"; fwd=miss', "MISS"),
        ("a; hit, b; fwd=bypass", "BYPASS"),
        ("a", ""),
        (";;,", ""),
    ],
)
def test_cache_status_is_read_as_structured(value: str, verdict: str) -> None:
    assert verdict_of("GET", 200, Headers([("Cache-Status", value)]))[0] == verdict


@pytest.mark.parametrize(("value", "age"), [("0", 0), (" 7 ", 7), ("7, 9", 7), ("-1", None), ("x", None)])
def test_age_is_a_number_or_nothing(value: str, age: int | None) -> None:
    assert age_of(Headers([("Age", value)])) == age
    assert age_of(Headers()) is None


# -- the outcome in a sentence


def got(way: Any = "proxy", **values: Any) -> Fetch:
    first = {"number": 1, "address": "", "request": "", "status": 200, "phrase": "OK", "size": 5}
    return Fetch(way=way, **{**first, "sha256": "a", "total_ms": 1.2, "verdict": "HIT", **values})


@pytest.mark.parametrize(
    ("fetches", "direct", "says"),
    [
        (
            [got()], got("direct", total_ms=14.8),
            "From the cache in 1.2 ms; direct 14.8 ms: 12 times faster. The same bytes.",
        ),
        (
            [got(verdict="MISS", total_ms=20.0), got()], got("direct", total_ms=2.4),
            "From the cache in 1.2 ms (at first MISS, 20.0 ms); direct 2.4 ms: 2.0 times faster. "
            "The same bytes.",
        ),
        (
            [got(verdict="MISS", total_ms=1500.0)], got("direct", total_ms=1000.0, sha256="b"),
            "From the origin, through the proxy, in 1.5 s; direct 1.0 s: 1.5 times slower. "
            "Not the same bytes.",
        ),
        (
            [got(verdict="", total_ms=100)], got("direct", total_ms=101),
            "Through the proxy, which does not say from where, in 100 ms; direct 101 ms: as fast. "
            "The same bytes.",
        ),
        (
            [got(size=0)], got("direct", size=0, total_ms=1.2),
            "From the cache in 1.2 ms; direct 1.2 ms: as fast. No body in either.",
        ),
        (
            [got(status=404, phrase="Not Found")], got("direct", total_ms=1.2),
            "From the cache in 1.2 ms: 404 Not Found; direct 1.2 ms: as fast. "
            "Through the proxy the status is 404, directly 200.",
        ),
        ([got(verdict="STALE")], None, "From the cache, though too old, in 1.2 ms."),
        ([], None, "Nothing was fetched."),
    ],
)  # fmt: skip
def test_the_outcome_is_a_sentence(fetches: list[Fetch], direct: Fetch | None, says: str) -> None:
    comparison = compare(fetches[-1], direct) if direct else None
    assert summary(fetches, direct, comparison, False) == says


def test_fields_of_one_name_are_compared_together() -> None:
    two = [FieldShown("Set-Cookie", "a", ""), FieldShown("set-cookie", "b", "")]
    one = [FieldShown("Set-Cookie", "a, b", ""), FieldShown("X", "y", "")]
    found = compare(got(headers=two), got("direct", headers=one))
    assert (found.changed, found.added, [field.name for field in found.removed]) == ([], [], ["X"])


# -- hearing


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_is_the_same_however_it_is_cut(size: int) -> None:
    answer = b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer += b"5\r\nhello\r\n0\r\n\r\n"
    whole, parts = Hearing("GET"), Hearing("GET")
    whole.feed(answer)
    for start in range(0, len(answer), size):
        parts.feed(answer[start : start + size])
    for each in (whole, parts):
        assert (each.over, each.error, each.size) == (True, "", 5)
        assert each.sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def test_only_the_start_of_a_body_is_held() -> None:
    hearing = Hearing("GET")
    hearing.feed(b"HTTP/1.1 500 No\r\n\r\n")
    for _ in range(50):
        hearing.feed(10_000 * b"x")
    hearing.feed(b"")
    assert hearing.size == 500_000
    assert len(hearing.start) == 8000
    assert hearing.message == 1000 * "x" + "…"
