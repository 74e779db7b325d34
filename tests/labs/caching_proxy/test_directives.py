"""Cache-Control and Pragma: read by their grammar (RFC 9111, 5.2 and 5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from servers.caching_proxy.directives import (
    FOREVER,
    RequestDirectives,
    ResponseDirectives,
    of_request,
    of_response,
)
from servers.kit.http import Headers

FLAGS = [
    "no-store", "no-cache", "private", "public", "must-revalidate", "proxy-revalidate", "must-understand",
    "no-transform", "immutable",
]  # fmt: skip
NUMBERS = ["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"]


def response(*lines: str) -> ResponseDirectives:
    return of_response(Headers(("Cache-Control", line) for line in lines))


def request(*lines: str) -> RequestDirectives:
    return of_request(Headers(("Cache-Control", line) for line in lines))


def attribute(name: str) -> str:
    return name.replace("-", "_")


@pytest.mark.parametrize("name", FLAGS)
def test_each_flag_is_seen_alone_and_nothing_else_with_it(name: str) -> None:
    assert response(name) == ResponseDirectives(**{attribute(name): True})
    assert response("") == ResponseDirectives()


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_is_seen_alone(name: str) -> None:
    assert response(f"{name}=7") == ResponseDirectives(**{attribute(name): 7})


@pytest.mark.parametrize("name", ["no-store", "no-cache", "only-if-cached", "no-transform"])
def test_each_flag_of_a_request_is_seen(name: str) -> None:
    assert request(name) == RequestDirectives(**{attribute(name): True})


@pytest.mark.parametrize("name", ["max-age", "min-fresh", "max-stale", "stale-if-error"])
def test_each_number_of_a_request_is_seen(name: str) -> None:
    assert request(f"{name}=7") == RequestDirectives(**{attribute(name): 7})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("MAX-AGE=60,No-Transform", id="5.2 letter case"),
        pytest.param("  max-age=60  ,\tno-transform ", id="5.2 blanks around members"),
        pytest.param("max-age = 60, no-transform", id="5.2 blanks around the sign"),
        pytest.param(",, max-age=60,,no-transform, ,", id="9110 5.6.1 empty members"),
        pytest.param('max-age="60", no-transform', id="5.2 quoted number"),
        pytest.param('max-age="6\\0", no-transform', id="9110 5.6.4 escaped in quotes"),
        pytest.param("max-age=0060, no-transform", id="1.2.2 leading zeros"),
        pytest.param(
            'max-age=60, no-transform, new="no-store, max-age=1"', id="5.2.3 inside a quoted string"
        ),
        pytest.param('new="\\", no-store", max-age=60, no-transform', id="5.2.3 behind an escaped quote"),
        pytest.param(
            "max-age=60, no-transform, no-storex, x-no-store, no-store-ever", id="5.2.3 longer names"
        ),
    ],
)
def test_odd_spacing_case_and_quotes_do_not_change_the_meaning(text: str) -> None:
    assert response(text) == ResponseDirectives(max_age=60, no_transform=True)


def test_several_lines_are_one_list() -> None:
    assert response("max-age=60", "public") == ResponseDirectives(max_age=60, public=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("max-age=0", 0, id="4.2.1 zero"),
        pytest.param("max-age", 0, id="4.2.1 no number"),
        pytest.param("max-age=", 0, id="4.2.1 empty"),
        pytest.param('max-age=""', 0, id="4.2.1 empty string"),
        pytest.param("max-age=-1", 0, id="4.2.1 negative"),
        pytest.param("max-age=+60", 0, id="4.2.1 sign"),
        pytest.param("max-age=60.5", 0, id="4.2.1 fraction"),
        pytest.param("max-age=60s", 0, id="4.2.1 letter behind"),
        pytest.param("max-age=a60", 0, id="4.2.1 letter before"),
        pytest.param("max-age='60'", 0, id="4.2.1 single quotes"),
        pytest.param("max-age=6 0", 0, id="4.2.1 blank inside"),
        pytest.param("max-age=60; public", 0, id="4.2.1 semicolon"),
        pytest.param("max-age=\xb2", 0, id="4.2.1 a digit that is none of ASCII"),
        pytest.param("max-age=2147483647", 2**31 - 1, id="1.2.2 below the limit"),
        pytest.param("max-age=2147483648", 2**31, id="1.2.2 the limit"),
        pytest.param("max-age=2147483649", 2**31, id="1.2.2 above the limit"),
        pytest.param("max-age=" + "9" * 5000, 2**31, id="1.2.2 thousands of digits"),
        pytest.param("max-age=" + "0" * 5000 + "7", 7, id="1.2.2 thousands of zeros"),
        pytest.param("max-age=60, max-age=10", 10, id="4.2.1 twice, the smaller last"),
        pytest.param("max-age=10, max-age=60", 10, id="4.2.1 twice, the smaller first"),
        pytest.param("max-age=60, MAX-AGE=never", 0, id="4.2.1 twice, one unreadable"),
        pytest.param("x=max-age=60", None, id="5.2 a value that looks like a directive"),
        pytest.param("x-max-age=60", None, id="5.2 a longer name"),
        pytest.param("max-age:60", None, id="5.2 a colon is no sign"),
        pytest.param("max age=60", None, id="5.2 a blank in the name"),
    ],
)
def test_lifetimes_that_are_no_numbers_are_stale(text: str, seconds: int | None) -> None:
    assert response(text).max_age == seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('no-cache="Set-Cookie"', {"no_cache_fields": {"set-cookie"}}, id="5.2.2.4 one field"),
        pytest.param('No-Cache=" A ,, b"', {"no_cache_fields": {"a", "b"}}, id="5.2.2.4 a list in quotes"),
        pytest.param("no-cache=Set-Cookie", {"no_cache_fields": {"set-cookie"}}, id="5.2.2.4 without quotes"),
        pytest.param(
            'private="X-User", no-cache="X"',
            {"private_fields": {"x-user"}, "no_cache_fields": {"x"}},
            id="5.2.2.7 both",
        ),
        pytest.param('private=""', {"private": True}, id="5.2.2.7 no field is the whole"),
        pytest.param("private=", {"private": True}, id="5.2.2.7 nothing behind the sign is the whole"),
        pytest.param('private="a b"', {"private": True}, id="5.2.2.7 what is no name is the whole"),
        pytest.param('private, private="a"', {"private": True, "private_fields": {"a"}}, id="5.2.2.7 twice"),
        pytest.param(
            'no-cache="a", no-cache="b"', {"no_cache_fields": {"a", "b"}}, id="5.2.2.4 twice, joined"
        ),
        pytest.param(
            'no-cache="no-store, private"',
            {"no_cache_fields": {"no-store", "private"}},
            id="5.2.2.4 names that look like directives",
        ),
    ],
)
def test_field_names_of_no_cache_and_private(text: str, expected: dict[str, Any]) -> None:
    fields = {name: frozenset(value) if isinstance(value, set) else value for name, value in expected.items()}
    assert response(text) == ResponseDirectives(**fields)


@pytest.mark.parametrize("text", ['x="a, no-store', 'x="a" ", no-store', 'x="a\\", no-store'])
def test_a_quote_that_is_never_closed_hides_no_directive(text: str) -> None:
    assert response(text).no_store
    assert response(text, "max-age=60").max_age == 60


@pytest.mark.parametrize(
    ("text", "stale"),
    [
        pytest.param("max-stale", FOREVER, id="5.2.1.2 any"),
        pytest.param("max-stale=5", 5, id="5.2.1.2 so many"),
        pytest.param("max-stale=5, max-stale", 5, id="5.2.1.2 twice"),
        pytest.param("max-stale=x", 0, id="5.2.1.2 no number"),
        pytest.param("max-stale=", 0, id="5.2.1.2 nothing"),
        pytest.param("max-age=5", None, id="5.2.1.2 not said"),
    ],
)
def test_max_stale_of_a_request(text: str, stale: int | None) -> None:
    assert request(text).max_stale == stale


def test_of_two_min_fresh_the_larger_counts() -> None:
    assert request("min-fresh=5, min-fresh=10").min_fresh == 10


@pytest.mark.parametrize(
    ("pairs", "no_cache"),
    [
        pytest.param([("Pragma", "no-cache")], True, id="5.4 alone"),
        pytest.param([("pragma", "x, No-Cache ")], True, id="5.4 in a list"),
        pytest.param([("Pragma", "x=no-cache")], False, id="5.4 as a value"),
        pytest.param([("Pragma", 'x="a, no-cache"')], False, id="5.4 inside quotes"),
        pytest.param(
            [("Pragma", "no-cache"), ("Cache-Control", "max-age=5")], False, id="5.4 beside Cache-Control"
        ),
        pytest.param(
            [("Pragma", "no-cache"), ("Cache-Control", "")], False, id="5.4 beside an empty Cache-Control"
        ),
    ],
)
def test_pragma_counts_where_there_is_no_cache_control(pairs: list[tuple[str, str]], no_cache: bool) -> None:
    assert of_request(Headers(pairs)).no_cache is no_cache


def test_pragma_in_a_response_says_nothing() -> None:
    assert of_response(Headers([("Pragma", "no-cache")])) == ResponseDirectives()
