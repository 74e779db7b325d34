"""Dates, validators, preconditions and ranges, as tables."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from servers.kit.http import Headers
from servers.kit.http_fields import (
    MAX_RANGES,
    Validators,
    parameter,
    parameters,
    precondition,
    read_date,
    read_etags,
    read_ranges,
    same_strongly,
    same_weakly,
    split_list,
    write_date,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=timezone.utc).timestamp()
THEN = 784111777
"""Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's example."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", THEN),
        ("Sunday, 06-Nov-94 08:49:37 GMT", THEN),
        ("Sun Nov  6 08:49:37 1994", THEN),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1483228799),
        ("Mon, 01 Jan 0001 00:00:00 GMT", -62135596800),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799),
        ("Sat, 01 Jan 0000 00:00:00 GMT", None),
        ("Sat, 31 Dec 2016 23:59:61 GMT", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 1994 08:60:00 GMT", None),
        ("Wed, 30 Feb 1994 08:49:37 GMT", None),
        ("Sun, 00 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun, 6 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nox 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 94 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT ", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT\n", None),
        ("Sun, \u0660\u0666 Nov 1994 08:49:37 GMT", None),
        ("Sunday, 06-Nox-94 08:49:37 GMT", None),
        ("784111777", None),
        ("0", None),
        ("", None),
    ],
)
def test_dates(text: str, seconds: int | None) -> None:
    assert read_date(text, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Saturday, 21-Nov-26 00:00:00 GMT", 2026),
        ("Saturday, 21-Nov-75 00:00:00 GMT", 2075),
        ("Saturday, 21-Nov-76 00:00:00 GMT", 2076),
        ("Sunday, 22-Nov-76 00:00:00 GMT", 1976),
        ("Sunday, 01-Jan-77 00:00:00 GMT", 1977),
        ("Friday, 31-Dec-99 00:00:00 GMT", 1999),
        ("Saturday, 01-Jan-00 00:00:00 GMT", 2000),
    ],
)
def test_two_digits_of_a_year_are_never_more_than_fifty_years_ahead(text: str, year: int) -> None:
    seconds = read_date(text, NOW)
    assert seconds is not None
    assert datetime.fromtimestamp(seconds, timezone.utc).year == year


def test_dates_are_written_as_they_are_read() -> None:
    assert write_date(THEN) == "Sun, 06 Nov 1994 08:49:37 GMT"
    for seconds in (0, 1, -1, THEN, 2**31, 253402300799):
        assert read_date(write_date(seconds), NOW) == seconds


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("*", None),
        (" * ", None),
        ('"a"', ['"a"']),
        ('W/"a", "b" ,"c,d"', ['W/"a"', '"b"', '"c,d"']),
        ('""', ['""']),
        ('"a\\"', ['"a\\"']),
        (', "a",,', ['"a"']),
        ("a", []),
        ('w/"a"', []),
        ('"a', []),
        ('x"a"', []),
        ('"a b"', []),
        ("", []),
    ],
)
def test_entity_tags(text: str, tags: list[str] | None) -> None:
    assert read_etags(text) == tags


@pytest.mark.parametrize(
    ("one", "other", "strongly", "weakly"),
    [  # RFC 9110, 8.8.3.2
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
        ("", "", False, False),
    ],
)
def test_comparing(one: str, other: str, strongly: bool, weakly: bool) -> None:
    assert (same_strongly(one, other), same_strongly(other, one)) == (strongly, strongly)
    assert (same_weakly(one, other), same_weakly(other, one)) == (weakly, weakly)


BEFORE, SAME, AFTER = write_date(THEN - 1), write_date(THEN), write_date(THEN + 1)
IM, INM, IUS, IMS = "If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since"


@pytest.mark.parametrize(
    ("fields", "read", "write"),
    [  # RFC 9110, 13.2.2, for a file with the entity tag "a" that was changed THEN
        ({}, 0, 0),
        ({IM: '"a"'}, 0, 0),
        ({IM: "*"}, 0, 0),
        ({IM: '"b", "a"'}, 0, 0),
        ({IM: '"b"'}, 412, 412),
        ({IM: 'W/"a"'}, 412, 412),
        ({IM: "a"}, 412, 412),
        ({IM: '"a"', IUS: BEFORE}, 0, 0),
        ({IM: '"b"', INM: '"a"'}, 412, 412),
        ({IM: '"a"', INM: '"a"'}, 304, 412),
        ({IM: '"a"', IMS: SAME}, 304, 0),
        ({IUS: BEFORE}, 412, 412),
        ({IUS: SAME}, 0, 0),
        ({IUS: AFTER}, 0, 0),
        ({IUS: "yesterday"}, 0, 0),
        ({IUS: BEFORE, INM: '"a"'}, 412, 412),
        ({IUS: AFTER, INM: '"a"'}, 304, 412),
        ({INM: '"a"'}, 304, 412),
        ({INM: 'W/"a"'}, 304, 412),
        ({INM: '"b", W/"a"'}, 304, 412),
        ({INM: "*"}, 304, 412),
        ({INM: '"b"'}, 0, 0),
        ({INM: '"b"', IMS: AFTER}, 0, 0),
        ({IMS: BEFORE}, 0, 0),
        ({IMS: SAME}, 304, 0),
        ({IMS: AFTER}, 304, 0),
        ({IMS: write_date(int(NOW) + 60)}, 0, 0),
        ({IMS: "yesterday"}, 0, 0),
    ],
)
def test_preconditions_in_their_order(fields: dict[str, str], read: int, write: int) -> None:
    current = Validators('"a"', THEN)
    for method, status in (("GET", read), ("HEAD", read), ("PUT", write)):
        assert precondition(method, Headers(fields.items()), current, NOW) == status


@pytest.mark.parametrize(
    ("fields", "status"), [({IM: "*"}, 412), ({IM: '"a"'}, 412), ({INM: "*"}, 0), ({INM: '"a"'}, 0), ({}, 0)]
)
def test_preconditions_of_what_is_not_there(fields: dict[str, str], status: int) -> None:
    assert precondition("PUT", Headers(fields.items()), Validators(exists=False), NOW) == status


@pytest.mark.parametrize(
    ("wanted", "ranges"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-99", [(0, 100)]),
        ("bytes=0-999999999999999999", [(0, 100)]),
        ("bytes=10-", [(10, 100)]),
        ("bytes=-10", [(90, 100)]),
        ("bytes=-1000", [(0, 100)]),
        ("BYTES=0-0", [(0, 1)]),
        ("bytes= 0-0 , -1 ", [(0, 1), (99, 100)]),
        ("bytes=50-59,0-9", [(50, 60), (0, 10)]),
        ("bytes=0-9,10-19", [(0, 10), (10, 20)]),
        ("bytes=0-50,40-99", [(0, 100)]),
        ("bytes=60-70,0-10,5-20", [(0, 21), (60, 71)]),
        ("bytes=0-0,100-", [(0, 1)]),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 2 * MAX_RANGES, 2)),
         [(n, n + 1) for n in range(0, 2 * MAX_RANGES, 2)]),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 2 * MAX_RANGES + 2, 2)), None),
        ("bytes=100-", []),
        ("bytes=100-200,300-", []),
        ("bytes=-0", []),
        ("bytes=5-4", None),
        ("bytes=0-1,5-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=1--2", None),
        ("bytes=0-1x", None),
        ("bytes=0.0-1", None),
        ("bytes=\u0660-1", None),
        ("bytes=9999999999999999999-", None),
        ("bytes", None),
        ("bytes 0-1", None),
        ("lines=0-1", None),
        ("", None),
    ],
)  # fmt: skip
def test_ranges(wanted: str, ranges: list[tuple[int, int]] | None) -> None:
    assert read_ranges(Headers([("Range", wanted)]), 100, Validators('"a"', THEN), NOW) == ranges


def test_an_empty_file_has_no_range() -> None:
    for wanted in ("bytes=0-", "bytes=-5", "bytes=0-0"):
        assert read_ranges(Headers([("Range", wanted)]), 0, Validators('"a"', THEN), NOW) == []


@pytest.mark.parametrize(
    ("validator", "holds"),
    [
        ('"a"', True),
        ('"b"', False),
        ('W/"a"', False),
        ("a", False),
        ("*", False),
        ("", False),
        (SAME, True),
        (BEFORE, False),
        (AFTER, False),
    ],
)
def test_if_range(validator: str, holds: bool) -> None:
    headers = Headers([("Range", "bytes=0-0"), ("If-Range", validator)])
    assert read_ranges(headers, 100, Validators('"a"', THEN), NOW) == ([(0, 1)] if holds else None)


def test_a_weak_validator_allows_no_part() -> None:
    tag, date = (Headers([("Range", "bytes=0-0"), ("If-Range", value)]) for value in ('W/"a"', SAME))
    assert read_ranges(tag, 100, Validators('W/"a"', THEN), NOW) is None
    assert read_ranges(date, 100, Validators("", THEN), THEN) is None, "it may change within the second"


def test_lists_and_parameters() -> None:
    assert list(split_list(' a, "b,c" ,, d="e\\",f" ,')) == ["a", '"b,c"', 'd="e\\",f"']
    assert list(split_list("a;b", ";")) == ["a", "b"]
    assert parameter(' Max-Age = "6\\0" ') == ("max-age", "60")
    assert parameter("No-Store") == ("no-store", None)
    assert parameters('max-age=5, no-cache, MAX-AGE=6, x="a,b", =y, a b=c') == {
        "max-age": "5",
        "no-cache": None,
        "x": "a,b",
    }
