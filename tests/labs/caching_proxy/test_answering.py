"""What stored bytes answer: whole, parts, 304, 416 (RFC 9111, 4 and 4.3.2; RFC 9110, 13 and 14)."""

from __future__ import annotations

import pytest

from servers.caching_proxy.answering import Answer, answer
from servers.caching_proxy.entry import Segment
from tests.labs.caching_proxy.messages import NOW, ask, date, stored

ETAG = 'ETag: "a"'
FRESH = "Cache-Control: max-age=60"
CHANGED = f"Last-Modified: {date(-100)}"


def got(*fields: str, method: str = "GET") -> Answer:
    """The answer from a whole stored response of 10 bytes, 5 s after it came."""
    found = answer(stored(FRESH, ETAG, CHANGED, "X-New: 1"), ask(*fields, method=method), NOW + 5)
    assert found is not None
    return found


def test_4_the_whole_is_sent_with_its_age() -> None:
    found = got()
    assert (found.status, found.reason, found.start, found.end) == (200, "Fine", 0, 10)
    assert dict(found.headers) == {
        "Cache-Control": "max-age=60", "ETag": '"a"', "Last-Modified": date(-100), "X-New": "1",
        "Date": date(), "Age": "5", "Content-Length": "10",
    }  # fmt: skip


def test_5_1_a_stored_age_is_replaced_not_repeated() -> None:
    found = answer(stored(FRESH, "Age: 30"), ask(), NOW + 5)
    assert found is not None
    assert found.headers.all("age") == ["35"]


def test_4_an_answer_that_nobody_confirmed_has_an_age_be_it_0() -> None:
    found = answer(stored(FRESH), ask(), NOW)
    assert found is not None
    assert found.headers.all("age") == ["0"]


def test_5_1_right_after_validation_there_is_no_age_unless_a_cache_on_the_way_had_it() -> None:
    fresh = answer(stored(FRESH), ask(), NOW, validated=True)
    aged = answer(stored(FRESH, "Age: 30"), ask(), NOW, validated=True)
    assert fresh is not None
    assert aged is not None
    assert "age" not in fresh.headers
    assert aged.headers.all("age") == ["30"]


def test_head_has_the_same_head_and_no_bytes() -> None:
    found = got(method="HEAD")
    assert found.headers == got().headers
    assert (found.status, found.start, found.end) == (200, 0, 0)


@pytest.mark.parametrize("status", [203, 301, 404, 410, 500])
def test_other_statuses_are_sent_as_they_were_stored(status: int) -> None:
    found = answer(stored(FRESH, ETAG, status=status), ask('If-None-Match: "a"', "Range: bytes=0-1"), NOW)
    assert found is not None
    assert (found.status, found.end, found.headers.get("content-length")) == (status, 10, "10")


def test_204_has_neither_bytes_nor_a_length() -> None:
    found = answer(stored(FRESH, status=204, length=0, segments=()), ask(), NOW)
    assert found is not None
    assert (found.status, found.end) == (204, 0)
    assert "content-length" not in found.headers


def test_an_empty_body_is_whole() -> None:
    found = answer(stored(FRESH, length=0, segments=()), ask(), NOW)
    assert found is not None
    assert (found.status, found.end, found.headers.get("content-length")) == (200, 0, "0")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param(['If-None-Match: "a"'], 304, id="4.3.2 the same tag"),
        pytest.param(['If-None-Match: W/"a"'], 304, id="9110 13.1.2 weakly the same"),
        pytest.param(['If-None-Match: "x", "a"'], 304, id="9110 13.1.2 one of several"),
        pytest.param(['If-None-Match: "x"', 'If-None-Match: "a"'], 304, id="9110 13.1.2 on two lines"),
        pytest.param(["If-None-Match: *"], 304, id="9110 13.1.2 any"),
        pytest.param(['If-None-Match: "A"'], 200, id="8.8.3 tags have letter case"),
        pytest.param(['If-None-Match: "x, \\"a\\""'], 200, id="9110 13.1.2 inside another tag"),
        pytest.param(["If-None-Match: a"], 200, id="9110 13.1.2 no tag"),
        pytest.param([f"If-Modified-Since: {date(-100)}"], 304, id="4.3.2 the same date"),
        pytest.param([f"If-Modified-Since: {date(-50)}"], 304, id="4.3.2 a later date"),
        pytest.param([f"If-Modified-Since: {date(-101)}"], 200, id="4.3.2 an earlier date"),
        pytest.param([f"If-Modified-Since: {date(900)}"], 200, id="9110 13.1.3 a date to come"),
        pytest.param(["If-Modified-Since: now"], 200, id="9110 13.1.3 no date"),
        pytest.param(['If-None-Match: "x"', f"If-Modified-Since: {date()}"], 200,
                     id="4.3.2 If-None-Match alone counts"),
        pytest.param(['If-None-Match: "a"', "Range: bytes=0-1"], 304, id="9110 13.2.2 before Range"),
        pytest.param(["Range: bytes=0-1"], 206, id="9110 14.2 Range"),
        pytest.param(["Range: bytes=0-1", f"If-Range: {date(-100)}"], 206, id="9110 13.1.5 date"),
        pytest.param(["Range: bytes=0-1", f"If-Range: {date(-99)}"], 200, id="9110 13.1.5 another date"),
        pytest.param(["Range: bytes=0-1", 'If-Range: "a"'], 206, id="9110 13.1.5 tag"),
        pytest.param(["Range: bytes=0-1", 'If-Range: "b"'], 200, id="9110 13.1.5 another tag"),
        pytest.param(["Range: bytes=0-1", 'If-Range: W/"a"'], 200, id="9110 13.1.5 weak tag"),
        pytest.param(["Range: bytes=0-1, 4-5"], 200, id="9110 14.2 several ranges: the whole"),
        pytest.param(["Range: bytes=0-1, 1-5"], 206, id="9110 14.2 several that are one"),
        pytest.param(["Range: bytes=5-1"], 200, id="9110 14.1.1 backwards"),
        pytest.param(["Range: lines=0-1"], 200, id="9110 14.2 an unknown unit"),
        pytest.param(["Range: bytes=10-"], 416, id="9110 15.5.17 beyond the end"),
        pytest.param(["Range: bytes=-0"], 416, id="9110 15.5.17 the last 0 bytes"),
    ],
)  # fmt: skip
def test_conditions_and_ranges(fields: list[str], status: int) -> None:
    found = got(*fields)
    assert found.status == status
    assert (found.end > found.start) == (status in (200, 206))
    if status != 206:
        assert got(*fields, method="HEAD").status == (200 if status == 416 else status)


@pytest.mark.parametrize(
    ("wanted", "start", "end", "place"),
    [
        ("bytes=0-1", 0, 2, "bytes 0-1/10"),
        ("bytes=3-", 3, 10, "bytes 3-9/10"),
        ("bytes=-4", 6, 10, "bytes 6-9/10"),
        ("Bytes = 9-900", 9, 10, "bytes 9-9/10"),
        ("bytes=-900", 0, 10, "bytes 0-9/10"),
    ],
)
def test_9110_14_4_a_part_says_which_it_is(wanted: str, start: int, end: int, place: str) -> None:
    found = got(f"Range: {wanted}")
    assert (found.status, found.start, found.end) == (206, start, end)
    assert found.headers.all("content-range") == [place]
    assert found.headers.all("content-length") == [str(end - start)]
    assert found.headers.get("etag") == '"a"'


def test_9110_15_5_17_an_unsatisfiable_range_is_told_the_length() -> None:
    found = got("Range: bytes=10-")
    assert dict(found.headers) == {"Date": date(5), "Content-Range": "bytes */10", "Content-Length": "0"}


def test_9110_15_4_5_a_304_repeats_what_freshens_the_clients_copy() -> None:
    found = answer(
        stored(FRESH, ETAG, CHANGED, "Vary: Accept", "Content-Location: /p", "X-New: 1", "Set-Cookie: a=1"),
        ask('If-None-Match: "a"'), NOW + 5,
    )  # fmt: skip
    assert found is not None
    assert dict(found.headers) == {
        "Cache-Control": "max-age=60", "ETag": '"a"', "Vary": "Accept", "Content-Location": "/p",
        "Date": date(), "Age": "5",
    }  # fmt: skip


def test_9110_15_4_5_without_a_tag_the_304_has_the_date_of_change() -> None:
    found = answer(stored(FRESH, CHANGED), ask(f"If-Modified-Since: {date()}"), NOW)
    assert found is not None
    assert (found.status, found.headers.get("last-modified")) == (304, date(-100))


@pytest.mark.parametrize(("since", "status"), [(0, 304), (-1, 200)])
def test_4_3_2_without_last_modified_date_stands_in_for_it(since: int, status: int) -> None:
    found = answer(stored(FRESH), ask(f"If-Modified-Since: {date(since)}"), NOW)
    assert found is not None
    assert found.status == status


@pytest.mark.parametrize("changed", [date(), date(-1)])
def test_9110_8_8_2_2_a_date_that_may_be_weak_gives_the_whole(changed: str) -> None:
    entry = stored(FRESH, f"Last-Modified: {changed}")
    found = answer(entry, ask("Range: bytes=0-1", f"If-Range: {changed}"), NOW + 10**6)
    assert found is not None
    assert found.status == 200


@pytest.mark.parametrize("field", ['If-Match: "a"', "If-Match: *", f"If-Unmodified-Since: {date()}"])
def test_4_3_2_conditions_for_the_origin_are_not_judged_here(field: str) -> None:
    assert answer(stored(FRESH, ETAG), ask(field), NOW) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
def test_9110_9_3_other_methods_are_not_answered(method: str) -> None:
    assert answer(stored(FRESH), ask(method=method), NOW) is None


@pytest.mark.parametrize(
    ("control", "hidden"),
    [
        pytest.param('no-cache="Set-Cookie, X-A", max-age=60', {"set-cookie", "x-a"}, id="5.2.2.4 no-cache"),
        pytest.param('private="X-A", max-age=60', {"x-a"}, id="5.2.2.7 private"),
    ],
)
def test_named_fields_are_not_sent_from_the_store(control: str, hidden: set[str]) -> None:
    entry = stored(f"Cache-Control: {control}", "Set-Cookie: a=1", "X-A: 1", "X-B: 1")
    extra = stored(f"Cache-Control: {control}", headers=(*entry.headers, ("Set-Cookie", "a=1"), ("X-A", "1")))
    for found in (answer(entry, ask(), NOW), answer(extra, ask(), NOW)):
        assert found is not None
        assert not hidden & {name.lower() for name, _ in found.headers}
        assert "cache-control" in found.headers


def test_5_2_2_4_they_are_sent_once_the_origin_has_confirmed_them() -> None:
    entry = stored('Cache-Control: no-cache="X-A", max-age=60')
    entry = stored(FRESH, headers=(*entry.headers, ("X-A", "1")))
    found = answer(entry, ask(), NOW, validated=True)
    assert found is not None
    assert found.headers.get("x-a") == "1"


PARTS = (Segment(20, 30, "a"), Segment(30, 50, "b"), Segment(60, 70, "c"))


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("bytes=20-49", (20, 50)),
        ("bytes=22-47", (22, 48)),
        ("bytes=60-69", (60, 70)),
        ("bytes=19-20", None),
        ("bytes=49-50", None),
        ("bytes=20-69", None),
        ("bytes=20-21, 60-61", None),
        ("bytes=0-", None),
        ("bytes=100-", None),
        ("", None),
    ],
)
def test_3_3_a_part_answers_for_its_own_bytes_alone(wanted: str, place: tuple[int, int] | None) -> None:
    entry = stored(FRESH, ETAG, length=100, segments=PARTS)
    found = answer(entry, ask(*([f"Range: {wanted}"] if wanted else [])), NOW)
    assert (found and (found.start, found.end)) == place
    if found and place:
        assert found.status == 206
        assert found.headers.get("content-range") == f"bytes {place[0]}-{place[1] - 1}/100"


def test_3_4_parts_that_make_up_the_whole_are_the_whole() -> None:
    entry = stored(FRESH, ETAG, length=100, segments=(Segment(0, 30, "a"), Segment(30, 100, "b")))
    found = answer(entry, ask(), NOW)
    assert found is not None
    assert (found.status, found.start, found.end) == (200, 0, 100)
