"""Parts: which are stored, and which are joined (RFC 9111, 3.3 and 3.4; RFC 9110, 14.4)."""

from __future__ import annotations

import pytest

from servers.caching_proxy.partial import joins, part_of
from servers.caching_proxy.storing import make_entry, may_store
from tests.labs.caching_proxy.messages import NOW, URL, ask, date, reply, stored

ETAG = 'ETag: "a"'
FRESH = "Cache-Control: max-age=60"
PART = "Content-Range: bytes 0-9/100"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param([ETAG, FRESH, PART], "", id="3.3 a part"),
        pytest.param([ETAG, PART], "", id="3.3 a part to be validated"),
        pytest.param(
            [f"Last-Modified: {date(-9)}", FRESH, PART, "Date:"],
            "strong validator",
            id="9110 8.8.2.2 without Date no date is strong",
        ),
        pytest.param([f"Last-Modified: {date(-9)}", FRESH, PART], "", id="9110 8.8.2.2 a strong date"),
        pytest.param(
            [f"Last-Modified: {date()}", FRESH, PART], "strong validator", id="9110 8.8.2.2 a weak date"
        ),
        pytest.param(['ETag: W/"a"', FRESH, PART], "strong validator", id="9110 8.8.3 a weak tag"),
        pytest.param(
            ['ETag: W/"a"', f"Last-Modified: {date(-9)}", FRESH, PART],
            "strong validator",
            id="9110 8.8.3 a weak tag beside a date",
        ),
        pytest.param([FRESH, PART], "strong validator", id="3.4 none"),
        pytest.param([ETAG, FRESH], "with Content-Range", id="9110 15.3.7 no Content-Range"),
        pytest.param(
            [ETAG, FRESH, "Content-Range: bytes 0-9/*"], "not one part", id="9110 14.4 length unknown"
        ),
        pytest.param(
            [ETAG, FRESH, "Content-Range: bytes 0-99/100"], "not one part", id="9110 14.4 not its length"
        ),
        pytest.param([ETAG, "Cache-Control: no-store", PART], "no-store", id="5.2.2.5 no-store"),
    ],
)
def test_parts(fields: list[str], words: str) -> None:
    found = may_store(ask("Range: bytes=0-9"), reply(*fields, status=206), NOW, URL)
    assert found.yes is not bool(words)
    assert words in found.why


def test_3_3_a_part_that_nobody_asked_for_is_not_stored() -> None:
    found = may_store(ask(), reply(ETAG, FRESH, PART, status=206), NOW, URL)
    assert not found.yes
    assert "answer to Range" in found.why


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        (["Content-Range: bytes 0-9/100"], (0, 10, 100)),
        (["Content-Range: BYTES\t90-99/100"], (90, 100, 100)),
        (["Content-Range: bytes 0-9/10"], (0, 10, 10)),
        (["Content-Range: bytes 0-9/9"], None),
        (["Content-Range: bytes 9-0/100"], None),
        (["Content-Range: bytes 0-10/100"], None),
        (["Content-Range: bytes */100"], None),
        (["Content-Range: lines 0-9/100"], None),
        (["Content-Range: bytes=0-9/100"], None),
        (["Content-Range: bytes 0-9/" + "1" * 30], None),
        (["Content-Range: bytes 0-9/100", "Content-Range: bytes 0-9/100"], None),
        (["Content-Range: bytes 0-9/100", "Content-Type: Multipart/Byteranges; boundary=a"], None),
        ([], None),
    ],
)
def test_9110_14_4_content_range(fields: list[str], part: tuple[int, int, int] | None) -> None:
    assert part_of(reply(*fields, status=206)) == part
    assert part_of(reply(*fields, status=206, framing="Transfer-Encoding: chunked")) == (
        (0, 11, 100) if fields == ["Content-Range: bytes 0-10/100"] else part
    )
    assert part_of(reply(*fields, status=200)) is None


def test_9110_14_4_a_part_of_one_byte() -> None:
    response = reply("Content-Range: bytes 5-5/6", status=206, framing="Content-Length: 1")
    assert part_of(response) == (5, 6, 6)


@pytest.mark.parametrize(
    ("old", "new", "length", "joined"),
    [
        pytest.param([ETAG], [ETAG], 100, True, id="3.4 the same strong tag"),
        pytest.param([ETAG], ['ETag: "b"'], 100, False, id="3.4 another tag"),
        pytest.param(['ETag: W/"a"'], ['ETag: W/"a"'], 100, False, id="3.4 a weak tag"),
        pytest.param([ETAG], [], 100, False, id="3.4 no tag any longer"),
        pytest.param([], [ETAG], 100, False, id="3.4 no tag before"),
        pytest.param(
            [f"Last-Modified: {date(-9)}"],
            [f"Last-Modified: {date(-9)}", ETAG],
            100,
            False,
            id="3.4 no tag before, the same date",
        ),
        pytest.param([], [], 100, False, id="3.4 no validator"),
        pytest.param([ETAG], [ETAG], 99, False, id="3.4 another length"),
        pytest.param(
            [f"Last-Modified: {date(-9)}"],
            [f"Last-Modified: {date(-9)}"],
            100,
            True,
            id="3.4 the same strong date",
        ),
        pytest.param(
            [f"Last-Modified: {date()}"], [f"Last-Modified: {date()}"], 100, False, id="3.4 a weak date"
        ),
        pytest.param(
            [f"Last-Modified: {date(-9)}"], [f"Last-Modified: {date(-8)}"], 100, False, id="3.4 another date"
        ),
        pytest.param(
            [f"Last-Modified: {date(-9)}", ETAG],
            [f"Last-Modified: {date(-9)}"],
            100,
            False,
            id="3.4 only the date is the same",
        ),
        pytest.param(
            [ETAG, "Content-Encoding: gzip"],
            [ETAG, "Content-Encoding: br"],
            100,
            False,
            id="3.4 another coding",
        ),
    ],
)
def test_parts_are_joined_only_if_they_are_surely_of_one_version(
    old: list[str], new: list[str], length: int, joined: bool
) -> None:
    assert joins(stored(*old, length=length), reply(*new, PART, status=206), NOW) is joined


def test_3_4_nothing_is_joined_to_what_was_invalidated() -> None:
    assert not joins(stored(ETAG, length=100, invalid=True), reply(ETAG, PART, status=206), NOW)


def test_3_3_a_part_is_stored_as_a_part_of_a_200() -> None:
    entry = make_entry(URL, ask("Range: bytes=0-9"), reply(ETAG, FRESH, PART, status=206), NOW, NOW, 100)
    assert (entry.status, entry.reason, entry.length) == (200, "OK", 100)
    assert "content-range" not in entry.fields
    assert "content-length" not in entry.fields
