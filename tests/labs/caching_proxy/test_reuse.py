"""What is done with a request: use, validate, fetch, refuse (RFC 9111, 4, 4.2.4 and 5.2; RFC 5861)."""

from __future__ import annotations

from typing import Any

import pytest

from servers.caching_proxy.cache_status import cache_status
from servers.caching_proxy.entry import Segment
from servers.caching_proxy.rules import Decision, decide, on_failure
from tests.labs.caching_proxy.messages import NOW, ask, date, stored

ETAG = 'ETag: "a"'


def decision(control: str, wish: str, age: int, *fields: str, **changes: Any) -> Decision:
    """For a response with this Cache-Control, so many seconds old, and a request with that one."""
    entry = stored(*([f"Cache-Control: {control}"] if control else []), ETAG, **changes)
    return decide(entry, ask(*([f"Cache-Control: {wish}"] if wish else []), *fields), NOW + age)


@pytest.mark.parametrize(
    ("control", "wish", "age", "action", "reason"),
    [
        pytest.param("max-age=60", "", 18, "use", "fresh for 42 s more: max-age=60, age 18", id="4.2 fresh"),
        pytest.param(
            "max-age=10", "", 9, "use", "fresh for 1 s more: max-age=10, age 9", id="4.2 just fresh"
        ),
        pytest.param("max-age=10", "", 15, "validate", "5 s too old: max-age=10, age 15", id="4.2 stale"),
        pytest.param(
            "no-store, must-understand, max-age=60",
            "",
            0,
            "use",
            "fresh for 60 s more: max-age=60, age 0",
            id="5.2.2.3 no-store is for others",
        ),
        pytest.param(
            "max-age=10", "", 10, "validate", "just too old: max-age=10, age 10", id="4.2 just stale"
        ),
        pytest.param("max-age=0", "", 5, "validate", "never fresh unasked: max-age=0, age 5", id="4.2 zero"),
        pytest.param(
            "max-age=60, s-maxage=5",
            "",
            9,
            "validate",
            "4 s too old: s-maxage=5, age 9",
            id="5.2.2.10 s-maxage",
        ),
        pytest.param(
            "s-maxage=60, max-age=5",
            "",
            9,
            "use",
            "fresh for 51 s more: s-maxage=60, age 9",
            id="5.2.2.10 longer than max-age",
        ),
        pytest.param(
            "no-cache, max-age=60",
            "",
            0,
            "validate",
            "the response says no-cache: the origin is asked before each use",
            id="5.2.2.4 no-cache",
        ),
        pytest.param(
            "NO-CACHE , max-age=60",
            "max-stale",
            0,
            "validate",
            "the response says no-cache: the origin is asked before each use",
            id="5.2.2.4 no-cache, max-stale does not help",
        ),
        pytest.param(
            'no-cache="X", max-age=60',
            "",
            0,
            "use",
            "fresh for 60 s more: max-age=60, age 0",
            id="5.2.2.4 with field names it may be used",
        ),
        pytest.param(
            "max-age=60", "no-cache", 0, "validate", "the request says no-cache", id="5.2.1.4 no-cache"
        ),
        pytest.param(
            "max-age=60",
            'x="no-cache"',
            0,
            "use",
            "fresh for 60 s more: max-age=60, age 0",
            id="5.2.3 inside quotes",
        ),
        pytest.param(
            "max-age=60", "no-store", 0, "fetch", "the request says no-store", id="5.2.1.5 no-store"
        ),
        pytest.param(
            "max-age=60",
            "max-age=5",
            5,
            "use",
            "fresh for 55 s more: max-age=60, age 5",
            id="5.2.1.1 young enough",
        ),
        pytest.param(
            "max-age=60",
            "max-age=5",
            6,
            "validate",
            "the request wants nothing older than 5 s: age 6",
            id="5.2.1.1 too old for the client",
        ),
        pytest.param(
            "max-age=60",
            "max-age=0",
            0,
            "validate",
            "the request wants nothing older than 0 s: age 0",
            id="5.2.1.1 a browser's reload",
        ),
        pytest.param(
            "max-age=60",
            "max-age=x",
            0,
            "validate",
            "the request wants nothing older than 0 s: age 0",
            id="5.2.1.1 no number",
        ),
        pytest.param(
            "max-age=60",
            "min-fresh=20",
            40,
            "use",
            "fresh for 20 s more: max-age=60, age 40",
            id="5.2.1.3 fresh for long enough",
        ),
        pytest.param(
            "max-age=60",
            "min-fresh=20",
            41,
            "validate",
            "the request wants it fresh for 20 s more (min-fresh): it is for 19 s more",
            id="5.2.1.3 not for long enough",
        ),
        pytest.param(
            "max-age=60",
            "min-fresh=1, max-stale",
            61,
            "validate",
            "the request wants it fresh for 1 s more (min-fresh): it is no more",
            id="5.2.1.3 beside max-stale",
        ),
        pytest.param(
            "max-age=10",
            "max-stale=5",
            15,
            "use",
            "5 s too old: max-age=10, age 15; the request takes stale ones (max-stale)",
            id="5.2.1.2 so stale",
        ),
        pytest.param(
            "max-age=10",
            "max-stale=5",
            16,
            "validate",
            "6 s too old: max-age=10, age 16",
            id="5.2.1.2 too stale",
        ),
        pytest.param(
            "max-age=10",
            "max-stale",
            10**6,
            "use",
            "999990 s too old: max-age=10, age 1000000; the request takes stale ones (max-stale)",
            id="5.2.1.2 any",
        ),
        pytest.param(
            "max-age=60",
            "min-fresh=1",
            60,
            "validate",
            "the request wants it fresh for 1 s more (min-fresh): it is no more",
            id="5.2.1.3 just stale",
        ),
        pytest.param(
            "max-age=10",
            "max-stale=x",
            11,
            "validate",
            "1 s too old: max-age=10, age 11",
            id="5.2.1.2 no number",
        ),
        pytest.param(
            "max-age=10",
            "max-age=20, max-stale=5",
            15,
            "use",
            "5 s too old: max-age=10, age 15; the request takes stale ones (max-stale)",
            id="5.2.1.1 with max-stale",
        ),
        pytest.param(
            "max-age=10, must-revalidate",
            "max-stale",
            15,
            "validate",
            "5 s too old: max-age=10, age 15; must-revalidate forbids stale use",
            id="5.2.2.2",
        ),
        pytest.param(
            "max-age=10, proxy-revalidate",
            "max-stale",
            15,
            "validate",
            "5 s too old: max-age=10, age 15; proxy-revalidate forbids stale use",
            id="5.2.2.8",
        ),
        pytest.param(
            "s-maxage=10",
            "max-stale",
            15,
            "validate",
            "5 s too old: s-maxage=10, age 15; s-maxage forbids stale use",
            id="5.2.2.10 stale",
        ),
        pytest.param(
            "max-age=10, must-revalidate",
            "",
            5,
            "use",
            "fresh for 5 s more: max-age=10, age 5",
            id="5.2.2.2 while fresh",
        ),
        pytest.param(
            "max-age=10, stale-while-revalidate=30",
            "max-age=20",
            15,
            "validate",
            "5 s too old: max-age=10, age 15",
            id="5.2.1.1 the client wants nothing stale",
        ),
        pytest.param(
            "max-age=10, stale-while-revalidate=30",
            "max-stale=2",
            15,
            "validate",
            "5 s too old: max-age=10, age 15",
            id="5.2.1.2 staler than the client takes",
        ),
        pytest.param(
            "max-age=10, stale-while-revalidate=30",
            "",
            41,
            "validate",
            "31 s too old: max-age=10, age 41",
            id="5861 3 too late",
        ),
        pytest.param(
            "max-age=10, stale-while-revalidate=0",
            "",
            10,
            "validate",
            "just too old: max-age=10, age 10",
            id="5861 3 no time at all",
        ),
        pytest.param(
            "max-age=10, stale-while-revalidate=30, must-revalidate",
            "",
            15,
            "validate",
            "5 s too old: max-age=10, age 15; must-revalidate forbids stale use",
            id="5861 3 must-revalidate is stronger",
        ),
        pytest.param(
            "max-age=10, stale-if-error=60",
            "",
            15,
            "validate",
            "5 s too old: max-age=10, age 15",
            id="5861 4 stale-if-error alone allows nothing",
        ),
        pytest.param(
            "max-age=10",
            "stale-if-error=60",
            15,
            "validate",
            "5 s too old: max-age=10, age 15",
            id="5861 4 nor in the request",
        ),
        pytest.param(
            "",
            "",
            5,
            "validate",
            "never fresh unasked: nothing says how long it is fresh, age 5",
            id="4.2.2 nothing said",
        ),
    ],
)
def test_decisions(control: str, wish: str, age: int, action: str, reason: str) -> None:
    found = decision(control, wish, age)
    assert (found.action, found.reason) == (action, reason)
    assert not found.background
    assert found.stale == ("too old" in reason and action == "use")
    assert (found.forward is None) == (action == "use")


@pytest.mark.parametrize("late", [0, 5, 30])
def test_5861_3_stale_while_revalidate_answers_and_asks_meanwhile(late: int) -> None:
    found = decision("max-age=10, Stale-While-Revalidate=30", "", 10 + late)
    assert (found.action, found.stale, found.background, found.ttl) == ("use", True, True, -late)
    assert found.reason.endswith("stale-while-revalidate=30 allows it, the origin is asked meanwhile")


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        pytest.param(["Pragma: no-cache"], "validate", id="5.4 Pragma"),
        pytest.param(["Pragma: no-cache", "Cache-Control: max-age=9"], "use", id="5.4 Cache-Control counts"),
        pytest.param(["Authorization: Basic YTpi"], "use", id="3.5 what is stored may be sent to a user"),
        pytest.param(["Cookie: a=1"], "use", id="4 cookies do not matter without Vary"),
        pytest.param(["Range: bytes=0-3"], "use", id="3.3 a range of the whole"),
        pytest.param(['If-None-Match: "x"'], "use", id="4.3.2 If-None-Match is for the cache"),
        pytest.param(
            [f"If-Modified-Since: {date(-9)}"], "use", id="4.3.2 If-Modified-Since is for the cache"
        ),
        pytest.param(['If-Match: "a"'], "fetch", id="4.3.2 If-Match is for the origin"),
        pytest.param([f"If-Unmodified-Since: {date()}"], "fetch", id="4.3.2 If-Unmodified-Since too"),
        pytest.param(["Content-Length: 3"], "fetch", id="9110 9.3.1 a body"),
    ],
)
def test_requests_for_what_is_fresh(fields: list[str], action: str) -> None:
    assert decision("max-age=60", "", 5, *fields).action == action


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "NEW"])
def test_4_other_methods_always_go_to_the_origin(method: str) -> None:
    entry = stored("Cache-Control: max-age=60", method="POST")
    found = decide(entry, ask(method=method), NOW)
    assert (found.action, found.forward) == ("fetch", "method")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_9110_9_3_3_a_stored_response_to_post_answers_get_and_head(method: str) -> None:
    assert decide(stored("Cache-Control: max-age=60", method="POST"), ask(method=method), NOW).action == "use"


def test_4_4_what_was_invalidated_is_validated_though_fresh() -> None:
    found = decision("max-age=60", "max-stale", 1, invalid=True)
    assert found.action == "validate"
    assert found.reason == "invalidated by a later request that may have changed it"


@pytest.mark.parametrize("control", ["private, max-age=60", "no-store, max-age=60"])
def test_3_2_what_a_304_made_private_is_not_used_unasked(control: str) -> None:
    assert decision(control, "", 0).action == "validate"


@pytest.mark.parametrize(
    ("control", "wish", "age", "action"),
    [
        pytest.param("max-age=60", "only-if-cached", 5, "use", id="5.2.1.7 fresh"),
        pytest.param("max-age=60", "only-if-cached, no-store", 5, "use", id="5.2.1.7 with no-store"),
        pytest.param("max-age=60", "Only-If-Cached", 70, "refuse", id="5.2.1.7 stale"),
        pytest.param("max-age=60", "only-if-cached, max-stale", 70, "use", id="5.2.1.7 stale is taken"),
        pytest.param("max-age=60", "only-if-cached, no-cache", 5, "refuse", id="5.2.1.7 contradiction"),
        pytest.param("no-cache", "only-if-cached", 5, "refuse", id="5.2.1.7 no-cache"),
    ],
)
def test_only_if_cached(control: str, wish: str, age: int, action: str) -> None:
    found = decision(control, wish, age)
    assert found.action == action
    if action == "refuse":
        assert found.reason.startswith("only-if-cached keeps the origin from being asked: ")
        assert found.forward is None


def test_5_2_1_7_only_if_cached_without_anything_stored() -> None:
    found = decide(None, ask("Cache-Control: only-if-cached"), NOW)
    assert found == Decision("refuse", "only-if-cached keeps the origin from being asked: not in the cache")


def test_nothing_stored_is_fetched() -> None:
    assert decide(None, ask(), NOW) == Decision("fetch", "not in the cache", forward="uri-miss")


def test_4_1_another_variant_stored_is_told() -> None:
    german = stored("Cache-Control: max-age=9", "Vary: Accept-Language", request=ask("Accept-Language: de"))
    found = decide(None, ask(), NOW, [german])
    assert found == Decision("fetch", "stored only for another Accept-Language (Vary)", forward="vary-miss")


@pytest.mark.parametrize(
    ("fields", "method", "action"),
    [
        pytest.param([], "GET", "fetch", id="3.3 the whole of a part"),
        pytest.param(["Range: bytes=20-29"], "GET", "use", id="3.3 bytes that are there"),
        pytest.param(["Range: bytes=25-44"], "GET", "use", id="3.4 across two parts that touch"),
        pytest.param(["Range: bytes=19-29"], "GET", "fetch", id="3.3 a byte too early"),
        pytest.param(["Range: bytes=20-50"], "GET", "fetch", id="3.3 a byte too late"),
        pytest.param(["Range: bytes=45-65"], "GET", "fetch", id="3.3 across a gap"),
        pytest.param(["Range: bytes=-10"], "GET", "use", id="3.3 the last bytes"),
        pytest.param(["Range: bytes=90-"], "GET", "use", id="3.3 to the end"),
        pytest.param(["Range: bytes=20-29, 90-99"], "GET", "fetch", id="3.3 several ranges are the whole"),
        pytest.param(["Range: bytes=200-"], "GET", "fetch", id="3.3 beyond the end"),
        pytest.param(["Range: lines=20-29"], "GET", "fetch", id="9110 14.2 an unknown unit is the whole"),
        pytest.param(
            ["Range: bytes=20-29", 'If-Range: "b"'], "GET", "fetch", id="9110 13.1.5 another version"
        ),
        pytest.param(["Range: bytes=20-29", 'If-Range: "a"'], "GET", "use", id="9110 13.1.5 this version"),
        pytest.param(['If-None-Match: "a"'], "GET", "fetch", id="3.3 no 304 from a part alone"),
        pytest.param([], "HEAD", "fetch", id="3.3 HEAD"),
    ],
)
def test_partial_entries(fields: list[str], method: str, action: str) -> None:
    parts = (Segment(20, 30, "a"), Segment(30, 50, "b"), Segment(60, 70, "c"), Segment(80, 100, "d"))
    entry = stored("Cache-Control: max-age=60", ETAG, length=100, segments=parts)
    found = decide(entry, ask(*fields, method=method), NOW)
    assert found.action == action
    assert found.forward == ("partial" if action == "fetch" else None)


@pytest.mark.parametrize(("late", "action"), [(0, "use"), (1, "use"), (2, "validate")])
def test_5861_3_a_window_of_one_second(late: int, action: str) -> None:
    assert decision("max-age=10, stale-while-revalidate=1", "", 10 + late).action == action


# -- when the origin fails


@pytest.mark.parametrize(
    ("control", "wish", "age", "status", "used"),
    [
        pytest.param("max-age=10", "", 50, None, True, id="4.2.4 disconnected"),
        pytest.param("max-age=10", "", 50, 503, False, id="4.3.3 an error goes to the client"),
        pytest.param("max-age=10, stale-if-error=40", "", 50, 500, True, id="5861 4 500"),
        pytest.param("max-age=10, stale-if-error=40", "", 50, 502, True, id="5861 4 502"),
        pytest.param("max-age=10, stale-if-error=40", "", 50, 503, True, id="5861 4 503"),
        pytest.param("max-age=10, stale-if-error=40", "", 50, 504, True, id="5861 4 504"),
        pytest.param("max-age=10, stale-if-error=40", "", 50, 501, False, id="5861 4 not 501"),
        pytest.param("max-age=10, stale-if-error=40", "", 50, 404, False, id="5861 4 not 404"),
        pytest.param("max-age=10, stale-if-error=39", "", 50, 503, False, id="5861 4 too late"),
        pytest.param(
            "max-age=10, stale-if-error=39", "", 50, None, False, id="5861 4 too late, disconnected"
        ),
        pytest.param("max-age=10", "stale-if-error=40", 50, 503, True, id="5861 4 the client allows it"),
        pytest.param(
            "max-age=10, stale-if-error=9", "stale-if-error=40", 50, 503, True, id="5861 4 one is enough"
        ),
        pytest.param("max-age=10, must-revalidate", "", 50, None, False, id="5.2.2.2 must-revalidate"),
        pytest.param("max-age=10, must-revalidate", "", 10, None, False, id="5.2.2.2 just stale"),
        pytest.param(
            "max-age=10, must-revalidate, stale-if-error=99",
            "stale-if-error=99",
            50,
            503,
            False,
            id="5.2.2.2 stronger than stale-if-error",
        ),
        pytest.param("max-age=10, proxy-revalidate", "", 50, None, False, id="5.2.2.8 proxy-revalidate"),
        pytest.param("s-maxage=10", "", 50, None, False, id="5.2.2.10 s-maxage"),
        pytest.param("s-maxage=10, stale-if-error=99", "", 50, 503, False, id="5.2.2.10 with stale-if-error"),
        pytest.param("no-cache, max-age=60", "", 1, None, False, id="5.2.2.4 no-cache"),
        pytest.param("no-cache, stale-if-error=99", "", 1, 503, False, id="5.2.2.4 with stale-if-error"),
        pytest.param("max-age=60", "no-cache", 1, None, False, id="5.2.1.4 the client wants it validated"),
        pytest.param(
            "max-age=60, must-revalidate", "max-age=0", 1, None, True, id="5.2.2.2 it is still fresh"
        ),
        pytest.param("max-age=10", "max-stale=9", 50, None, False, id="5.2.1.2 staler than the client takes"),
        pytest.param("max-age=10", "max-stale=40", 50, None, True, id="5.2.1.2 just as stale as it takes"),
        pytest.param("max-age=10", "max-stale=90", 50, None, True, id="5.2.1.2 as stale as the client takes"),
    ],
)
def test_failures(control: str, wish: str, age: int, status: int | None, used: bool) -> None:
    entry = stored(f"Cache-Control: {control}", ETAG)
    request = ask(*([f"Cache-Control: {wish}"] if wish else []))
    found = on_failure(entry, request, NOW + age, status)
    assert (found is not None) is used
    if found:
        assert found.action == "use"
        assert found.stale is ("too old" in found.reason)
        assert found.reason.startswith(
            f"the origin answers {status}" if status else "the origin does not answer"
        )


def test_4_4_what_was_invalidated_never_helps_out() -> None:
    entry = stored("Cache-Control: max-age=60, stale-if-error=60", invalid=True)
    assert on_failure(entry, ask(), NOW, None) is None
    assert on_failure(entry, ask(), NOW, 503) is None


def test_3_3_a_part_helps_out_only_for_its_own_bytes() -> None:
    entry = stored("Cache-Control: max-age=1", ETAG, length=100)
    assert on_failure(entry, ask(), NOW + 9, None) is None
    assert on_failure(entry, ask("Range: bytes=0-9"), NOW + 9, None) is not None


def test_the_reason_says_what_failed_and_what_allows_it() -> None:
    found = on_failure(stored("Cache-Control: max-age=10, stale-if-error=40"), ask(), NOW + 15, 503)
    assert found is not None
    assert found.reason == (
        "the origin answers 503, so the stored one is used (stale-if-error=40): "
        "5 s too old: max-age=10, age 15"
    )


# -- what is said of it


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param({"hit": True, "ttl": 42}, "socketlab; hit; ttl=42", id="9211 2.1 hit"),
        pytest.param({"hit": True, "ttl": -5}, "socketlab; hit; ttl=-5", id="9211 2.4 stale"),
        pytest.param({"forward": "uri-miss", "forward_status": 200, "stored": True},
                     "socketlab; fwd=uri-miss; fwd-status=200; stored", id="9211 2.2 miss"),
        pytest.param({"forward": "uri-miss", "collapsed": True}, "socketlab; fwd=uri-miss; collapsed",
                     id="9211 2.6 collapsed"),
        pytest.param({"hit": True, "forward": "stale", "stored": True}, "socketlab; hit",
                     id="9211 2.2 hit and fwd exclude each other"),
        pytest.param({"forward": "bypass", "detail": 'a "b" \\ «c» ü\n'},
                     'socketlab; fwd=bypass; detail="a \\"b\\" \\\\ \'c\' ??"', id="8941 3.3.3 quoted"),
        pytest.param({}, "socketlab", id="9211 2 the cache alone"),
    ],
)  # fmt: skip
def test_cache_status(words: dict[str, Any], text: str) -> None:
    assert cache_status(**words) == text
