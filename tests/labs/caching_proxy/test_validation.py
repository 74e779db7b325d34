"""Asking whether a stored response still holds, and what the answer changes (RFC 9111, 3.2 and 4.3)."""

from __future__ import annotations

import pytest

from servers.caching_proxy.entry import Entry
from servers.caching_proxy.freshness import freshness
from servers.caching_proxy.rules import decide
from servers.caching_proxy.validation import (
    MAX_TAGS,
    after_head,
    freshened,
    keeping,
    validated_by,
    validation_headers,
)
from servers.kit.http import Response
from tests.labs.caching_proxy.messages import NOW, ask, date, reply, stored

FRESH = "Cache-Control: max-age=60"
A, B, WEAK = 'ETag: "a"', 'ETag: "b"', 'ETag: W/"w"'
CHANGED = f"Last-Modified: {date(-100)}"


def not_modified(*fields: str) -> Response:
    return reply(*fields, status=304, framing="")


# -- the question


@pytest.mark.parametrize(
    ("fields", "pairs"),
    [
        pytest.param([A], (("If-None-Match", '"a"'),), id="4.3.1 tag"),
        pytest.param([WEAK], (("If-None-Match", 'W/"w"'),), id="4.3.1 weak tag"),
        pytest.param([CHANGED], (("If-Modified-Since", date(-100)),), id="4.3.1 date"),
        pytest.param(
            [A, CHANGED], (("If-None-Match", '"a"'), ("If-Modified-Since", date(-100))), id="4.3.1 both"
        ),
        pytest.param([], (), id="4.3.1 no validator: an ordinary request"),
        pytest.param(["ETag: a", "Last-Modified: now"], (), id="4.3.1 unreadable ones"),
        pytest.param([A, B], (), id="9110 8.8.3 two tags are none"),
        pytest.param(['ETag: "a", b'], (), id="9110 8.8.3 a tag and more is none"),
    ],
)
def test_the_question(fields: list[str], pairs: tuple[tuple[str, str], ...]) -> None:
    entry = stored(FRESH, *fields)
    assert validation_headers([entry], entry) == pairs
    assert validation_headers([], entry) == pairs


def test_4_3_1_the_tags_of_all_variants_are_sent_the_selected_first_and_no_date() -> None:
    selected = stored(FRESH, A, CHANGED, id=1)
    others = [
        stored(FRESH, B, f"Date: {date(-20)}", id=2),
        stored(FRESH, 'ETag: "c"', f"Date: {date(-10)}", id=3),
        stored(FRESH, A, id=4),
        stored(FRESH, WEAK, id=5),
        stored(FRESH, 'ETag: "part"', length=100, id=6),
        stored(FRESH, 'ETag: "gone"', status=404, id=7),
        stored(FRESH, id=8),
    ]
    assert validation_headers([*others, selected], selected) == (("If-None-Match", '"a", "c", "b"'),)


def test_4_3_1_the_question_does_not_grow_without_end() -> None:
    entries = [stored(FRESH, f'ETag: "{number}"', id=number) for number in range(1, 100)]
    ((_, tags),) = validation_headers(entries, entries[0])
    assert tags.count(",") == MAX_TAGS - 1


# -- which one a 304 means


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        pytest.param([A], 1, id="4.3.4 the selected one's tag"),
        pytest.param([B], 2, id="4.3.4 another variant's tag"),
        pytest.param(['ETag: W/"b"'], 2, id="4.3.4 weakly another's"),
        pytest.param(['ETag: "x"'], None, id="4.3.4 a tag that nothing stored has"),
        pytest.param([], None, id="4.3.4 no tag, and two were asked about"),
        pytest.param([CHANGED], None, id="4.3.4 only a date, and two tags were asked about"),
    ],
)
def test_a_304_names_a_variant(fields: list[str], meant: int | None) -> None:
    first, second = stored(FRESH, A, CHANGED, id=1), stored(FRESH, B, CHANGED, id=2)
    found = validated_by([first, second], first, not_modified(*fields))
    assert (found and found.id) == meant


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        pytest.param([A], [], True, id="4.3.4 a server that repeats nothing"),
        pytest.param([A], ['ETag: "x"'], False, id="4.3.4 another tag"),
        pytest.param([A], ['ETag: W/"a"'], True, id="4.3.4 weakly the same"),
        pytest.param(['ETag: W/"a"'], ['ETag: W/"a"'], True, id="4.3.4 both weak"),
        pytest.param(['ETag: W/"a"'], [A], False, id="4.3.4 a strong tag that is not stored"),
        pytest.param([CHANGED], [CHANGED], True, id="4.3.4 the same date"),
        pytest.param([CHANGED], [f"Last-Modified: {date(-99)}"], False, id="4.3.4 another date"),
        pytest.param([CHANGED], [], True, id="4.3.4 a server that repeats no date"),
        pytest.param([CHANGED], [A, CHANGED], True, id="4.3.4 a tag is new, the date is the same"),
        pytest.param([CHANGED], [A], False, id="4.3.4 only a tag that is not stored"),
        pytest.param([], [], False, id="4.3.4 nothing was asked about"),
        pytest.param([], [CHANGED], False, id="4.3.4 nothing was asked about, a date came"),
    ],
)
def test_a_304_about_the_only_one(old: list[str], new: list[str], meant: bool) -> None:
    entry = stored(FRESH, *old)
    assert (validated_by([entry], entry, not_modified(*new)) is entry) is meant


# -- what it changes


def renewed(old: list[str], new: list[str], to_store: bool = True, **changes: object) -> Entry:
    entry = stored(*old, **changes)
    return freshened(entry, not_modified(f"Date: {date(100)}", *new), NOW + 99, NOW + 100, to_store)


def test_3_2_fields_are_replaced_added_and_kept() -> None:
    entry = renewed(
        [FRESH, A, "X-Old: 1", "X-Both: 1", "X-Both: 2", "Age: 50"],
        ["cache-control: max-age=5", "X-New: 1", "x-both: 3"],
    )
    assert sorted((name.lower(), value) for name, value in entry.headers) == [
        ("cache-control", "max-age=5"), ("date", date(100)), ("etag", '"a"'), ("x-both", "3"), ("x-new", "1"),
        ("x-old", "1"),
    ]  # fmt: skip
    assert (entry.requested, entry.received) == (NOW + 99, NOW + 100)
    assert (entry.id, entry.length, entry.status, entry.segments) == (1, 10, 200, stored().segments)


@pytest.mark.parametrize(
    "field",
    [
        "Content-Length: 3", "Content-Range: bytes 0-1/3", "Content-Encoding: br", "Content-Type: a/b",
        "Transfer-Encoding: x", "Keep-Alive: x", "Proxy-Authenticate: x", "X-Hop: 2", "Trailer: x",
    ],
)  # fmt: skip
def test_3_2_fields_of_the_stored_bytes_and_of_one_hop_stay_as_they_are(field: str) -> None:
    name = field.partition(":")[0]
    before = stored(FRESH, "Content-Type: x/y", "Content-Encoding: gzip", "X-Hop: 1")
    after = freshened(before, not_modified("Connection: X-Hop", field), NOW, NOW)
    assert after.fields.all(name) == before.fields.all(name)


@pytest.mark.parametrize(
    ("old", "new", "age", "ttl"),
    [
        pytest.param([FRESH], [], 0, 60, id="4.3.4 fresh again"),
        pytest.param([FRESH, "Age: 500"], [], 0, 60, id="4.2.3 the old Age is gone"),
        pytest.param([FRESH], ["Age: 20"], 20, 40, id="4.2.3 the new Age counts"),
        pytest.param([FRESH], ["Cache-Control: max-age=5"], 0, 5, id="3.2 a shorter lifetime"),
        pytest.param([f"Expires: {date(10)}"], [f"Expires: {date(130)}"], 0, 30, id="5.3 Expires"),
    ],
)
def test_4_3_4_freshness_after_a_304(old: list[str], new: list[str], age: int, ttl: int) -> None:
    entry = renewed(old, new, requested=NOW, invalid=True)
    found = freshness(
        freshened(entry, not_modified(f"Date: {date(100)}", *new), NOW + 100, NOW + 100), NOW + 100
    )
    assert (found.age, found.ttl) == (age, ttl)
    assert not entry.invalid


@pytest.mark.parametrize("line", ["Date:", "Date: now"])
def test_9110_6_6_1_a_304_without_a_date_was_made_when_it_came(line: str) -> None:
    entry = freshened(stored(FRESH), not_modified(line), NOW + 100, NOW + 100.5)
    assert entry.fields.all("date") == [date(100)]
    assert decide(entry, ask(), NOW + 101).action == "use"


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        pytest.param([FRESH], ["Set-Cookie: a=2"], ["a=2"], id="7.3 with an explicit lifetime"),
        pytest.param([CHANGED], ["Set-Cookie: a=2"], [], id="7.3 without one it is for the client alone"),
        pytest.param([FRESH], ['Cache-Control: max-age=9, no-cache="Set-Cookie"', "Set-Cookie: a=2"], [],
                     id="5.2.2.4 named by the 304"),
        pytest.param(['Cache-Control: max-age=9, private="Set-Cookie"'], ["Set-Cookie: a=2"], [],
                     id="5.2.2.7 named by what is stored"),
        pytest.param(['Cache-Control: max-age=9, no-cache="Set-Cookie"'], ["Set-Cookie: a=2"], [],
                     id="5.2.2.4 named by what is stored"),
        pytest.param([FRESH, "Set-Cookie: a=1"], ['Cache-Control: max-age=9, private="Set-Cookie"'], [],
                     id="5.2.2.7 stored before it was named"),
        pytest.param([FRESH, "Set-Cookie: a=1"], ['Cache-Control: max-age=9, no-cache="Set-Cookie"'], [],
                     id="5.2.2.4 stored before it was named"),
    ],
)  # fmt: skip
def test_a_304_does_not_put_one_clients_fields_into_the_store(
    old: list[str], new: list[str], kept: list[str]
) -> None:
    assert renewed(old, new).fields.all("set-cookie") == kept
    if "Set-Cookie: a=2" in new:
        assert renewed(old, new, to_store=False).fields.all("set-cookie") == ["a=2"]


@pytest.mark.parametrize(
    ("old", "asked", "new", "word"),
    [
        pytest.param([FRESH], [], [], "update", id="4.3.4"),
        pytest.param([FRESH], [], ["Cache-Control: no-store"], "remove", id="5.2.2.5 no-store now"),
        pytest.param([FRESH], [], ["Cache-Control: private"], "remove", id="5.2.2.7 private now"),
        pytest.param([FRESH], [], ['Cache-Control: private="X"'], "update", id="5.2.2.7 private with fields"),
        pytest.param([FRESH], [], ["Vary: *"], "remove", id="4.1 Vary: * now"),
        pytest.param([FRESH], [], ["Vary: Accept"], "remove", id="4.1 another Vary"),
        pytest.param([FRESH, "Vary: Accept"], [], ["vary: accept"], "update", id="4.1 the same Vary"),
        pytest.param([FRESH, "Vary: Accept"], [], [], "update", id="4.1 Vary not repeated"),
        pytest.param([FRESH], ["Cache-Control: no-store"], [], "leave", id="5.2.1.5 the request's no-store"),
        pytest.param([FRESH], ["Authorization: x"], [], "leave", id="3.5 the answer is a user's"),
        pytest.param([FRESH], ["Authorization: x"], ["Cache-Control: public"], "update", id="3.5 public"),
        pytest.param(
            [FRESH],
            ["Authorization: x"],
            ["Cache-Control: must-revalidate"],
            "update",
            id="3.5 must-revalidate",
        ),
        pytest.param(
            ["Cache-Control: s-maxage=9"], ["Authorization: x"], [], "update", id="3.5 s-maxage stored"
        ),
    ],
)
def test_what_becomes_of_the_stored_one(old: list[str], asked: list[str], new: list[str], word: str) -> None:
    assert keeping(stored(*old), ask(*asked), not_modified(*new)) == word


# -- HEAD


@pytest.mark.parametrize(
    ("fields", "length", "agrees"),
    [
        pytest.param([A, CHANGED], 10, True, id="4.3.5 all the same"),
        pytest.param([A], 10, True, id="4.3.5 the tag"),
        pytest.param([], 10, True, id="4.3.5 the length alone"),
        pytest.param([], None, True, id="4.3.5 nothing that differs"),
        pytest.param([B, CHANGED], 10, False, id="4.3.5 another tag"),
        pytest.param([A, f"Last-Modified: {date(-99)}"], 10, False, id="4.3.5 another date"),
        pytest.param([A, CHANGED], 11, False, id="4.3.5 another length"),
        pytest.param([A, "Content-Length: 11"], 10, False, id="4.3.5 two lengths"),
    ],
)
def test_head_freshens_or_invalidates(fields: list[str], length: int | None, agrees: bool) -> None:
    before = stored("Cache-Control: max-age=5", A, CHANGED)
    head = reply(
        f"Date: {date(100)}", FRESH, "X-New: 1", *fields, method="HEAD",
        framing="" if length is None else f"Content-Length: {length}",
    )  # fmt: skip
    after = after_head(before, head, NOW + 100, NOW + 100)
    assert after.invalid is not agrees
    assert ("x-new" in after.fields) is agrees
    assert decide(after, ask(), NOW + 101).action == ("use" if agrees else "validate")


@pytest.mark.parametrize("status", [204, 301, 304, 404, 500])
def test_4_3_5_only_a_200_to_head_says_something(status: int) -> None:
    before = stored(FRESH, A)
    assert after_head(before, reply(B, status=status, method="HEAD"), NOW, NOW) is before


def test_4_3_5_what_answers_get_with_an_error_is_left_alone() -> None:
    before = stored(FRESH, A, status=404)
    assert after_head(before, reply(B, method="HEAD"), NOW, NOW) is before


@pytest.mark.parametrize(("fields", "valid"), [([A], True), ([CHANGED], True), ([], False), ([B], False)])
def test_4_4_what_was_invalidated_is_valid_again_only_by_a_validator(fields: list[str], valid: bool) -> None:
    before = stored(FRESH, A, CHANGED, invalid=True)
    assert after_head(before, reply(*fields, method="HEAD"), NOW, NOW).invalid is not valid
