"""The cache on disk: what is stored is whole, what is found is right, whatever happens in between."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from servers.caching_proxy import change
from servers.caching_proxy.entry import Segment
from servers.caching_proxy.segments import MOST, cut
from servers.caching_proxy.store import Store
from servers.kit.errors import LabError
from tests.labs.caching_proxy.stored import (
    add,
    agrees,
    content,
    entry,
    files,
    part,
    put,
)
from tests.programs import eventually

URL = "http://origin/a"
WHOLE = bytes(range(100))
Told = list[tuple[str, str, int]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(folder: Path, told: Told) -> Iterator[Store]:
    with Store(folder, 10_000, lambda *what: told.append(what)) as made:
        yield made


# -- storing and finding


def test_what_was_stored_is_found_with_all_its_bytes(store: Store) -> None:
    kept = put(store, URL, b"hello", vary=(("accept", "text/html"),), next_hop="127.0.0.1:80")
    assert kept is not None
    assert store.entries(URL) == [kept]
    assert kept.complete
    assert content(store, kept) == b"hello"
    assert (store.objects, store.bytes) == (1, 5)
    assert store.entries("http://origin/b") == []


def test_a_new_response_replaces_the_one_of_the_same_url_method_and_variant(
    store: Store, folder: Path
) -> None:
    first = put(store, URL, b"first")
    second = put(store, URL, b"second!")
    assert first
    assert second
    assert second.id > first.id
    assert store.entries(URL) == [second]
    assert store.open(first) is None
    assert (store.objects, store.bytes) == (1, 7)
    assert agrees(store, folder)


def test_variants_and_methods_stand_beside_each_other_the_newest_first(store: Store) -> None:
    put(store, URL, b"de", vary=(("accept-language", "de"),), received=5.0)
    put(store, URL, b"en", vary=(("accept-language", "en"),), received=9.0)
    put(store, URL, b"posted", method="POST", received=7.0)
    assert [content(store, found) for found in store.entries(URL)] == [b"en", b"posted", b"de"]


def test_a_body_of_no_bytes_is_whole_and_takes_no_file(store: Store, folder: Path) -> None:
    kept = put(store, URL, b"")
    assert kept is not None
    assert kept.complete
    assert content(store, kept) == b""
    assert files(folder) == {}


@pytest.mark.parametrize(
    "text", ["ünï", "\udcff is no letter".encode("utf-8", "replace").decode(), "\x00", "'"]
)
def test_any_text_in_url_and_fields_comes_back_as_it_was(store: Store, text: str) -> None:
    kept = put(store, f"http://origin/{text}", b"x", headers=(("X-Odd", text),))
    assert store.entries(f"http://origin/{text}") == [kept]


def test_it_is_all_there_after_a_restart_with_uses_and_order(folder: Path) -> None:
    with Store(folder, 300) as store:
        kept = [put(store, f"{URL}{n}", bytes([n]) * 100) for n in range(3)]
        assert kept[0]
        store.touch(kept[0].id, 4)
    with Store(folder, 300) as store:
        assert [store.entries(f"{URL}{n}") for n in range(3)] == [[one] for one in kept]
        new = put(store, f"{URL}3", b"3" * 100)
        assert new
        assert new.id > kept[2].id
        assert [len(store.entries(f"{URL}{n}")) for n in range(4)] == [1, 0, 1, 1]
        assert agrees(store, folder)


def test_an_update_changes_the_head_and_keeps_the_bytes(store: Store, told: Told) -> None:
    kept = put(store, URL, b"hello")
    assert kept
    told.clear()
    store.update(replace(kept, headers=(("ETag", '"2"'),), received=8.0, segments=(), length=99))
    (found,) = store.entries(URL)
    assert found == replace(kept, headers=(("ETag", '"2"'),), received=8.0)
    assert content(store, found) == b"hello"
    assert told == [(URL, "", 1)]


def test_an_update_that_becomes_another_variant_takes_its_place(store: Store, folder: Path) -> None:
    put(store, URL, b"old", vary=(("accept", "a"),))
    kept = put(store, URL, b"new!", vary=(("accept", "b"),))
    assert kept
    store.update(replace(kept, vary=(("accept", "a"),)))
    assert [content(store, found) for found in store.entries(URL)] == [b"new!"]
    assert agrees(store, folder)


def test_an_update_of_what_is_gone_changes_nothing(store: Store) -> None:
    kept = put(store, URL, b"hello")
    store.remove(URL)
    assert kept
    store.update(kept)
    assert (store.objects, store.entries(URL)) == (0, [])


def test_invalidating_marks_all_of_a_url_once(store: Store, told: Told) -> None:
    for method in ("GET", "POST"):
        put(store, URL, b"x", method=method)
    put(store, URL + "b", b"x")
    told.clear()
    assert (store.invalidate(URL), store.invalidate(URL), store.invalidate("http://none/")) == (2, 0, 0)
    assert [found.invalid for found in store.entries(URL) + store.entries(URL + "b")] == [True, True, False]
    assert told == [(URL, "invalidated", 2)]


def test_removing_takes_rows_files_and_totals(store: Store, told: Told, folder: Path) -> None:
    kept = [put(store, f"{URL}{n}", b"12345") for n in range(3)]
    told.clear()
    assert kept[1]
    assert (store.remove(URL + "0"), store.remove(URL + "0")) == (1, 0)
    assert (store.remove_id(kept[1].id), store.remove_id(kept[1].id)) == (1, 0)
    assert told == [(URL + "0", "purged", 1), (URL + "1", "purged", 1)]
    assert (store.objects, store.bytes, len(files(folder))) == (1, 5, 1)


def test_clearing_takes_all_and_the_files_follow(store: Store, told: Told, folder: Path) -> None:
    for n in range(20):
        put(store, f"{URL}{n}", b"12345")
    told.clear()
    assert store.clear() == 20
    assert told == [("*", "purged", 20)]
    assert (store.objects, store.bytes, store.entries(URL + "1")) == (0, 0, [])
    eventually(lambda: not files(folder), "the files are removed")
    assert put(store, URL, b"again")
    assert agrees(store, folder)


def test_whoever_looks_again_after_being_told_sees_the_change(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    with Store(
        folder, 1000, lambda url, why, count: seen.append((store.changes, len(store.entries(url))))
    ) as store:
        before = store.changes
        put(store, URL, b"x")
        store.remove(URL)
    assert seen == [(before + 1, 1), (before + 2, 0)]


# -- drafts


def test_others_read_a_draft_while_it_grows_and_after_it_was_kept(store: Store) -> None:
    draft = store.draft()
    assert draft.read(0, 10) == b""
    draft.write(b"hello")
    assert (draft.size, draft.read(1, 100), draft.read(5, 1), draft.read(9, 1)) == (5, b"ello", b"", b"")
    draft.write(memoryview(b" world"))
    assert store.keep(entry(URL, 11), draft)
    store.remove(URL)
    assert draft.read(0, 100) == b"hello world"


def test_an_abandoned_or_forgotten_draft_leaves_no_file(store: Store, folder: Path) -> None:
    draft = store.draft()
    draft.write(b"x")
    draft.abandon()
    draft.abandon()
    assert draft.read(0, 1) == b"x"
    del draft
    store.draft()
    eventually(lambda: not list((folder / "tmp").iterdir()), "no draft is left")


def test_a_draft_that_is_no_part_of_the_body_is_an_error_of_ours(store: Store, folder: Path) -> None:
    draft = store.draft()
    draft.write(b"hello")
    with pytest.raises(LabError, match="0 to 5"):
        store.keep(entry(URL, 4), draft)
    assert agrees(store, folder)
    assert not list((folder / "tmp").iterdir())


# -- parts


@pytest.mark.parametrize("bounds", list(itertools.combinations(range(0, 60, 10), 2)))
def test_a_part_joins_two_others_in_every_overlap(
    store: Store, folder: Path, bounds: tuple[int, int]
) -> None:
    """Stored are 10 to 20 and 30 to 40 of 50; every further part between multiples of 10, and askew."""
    for first, last in (
        bounds,
        (bounds[0] + 3, bounds[1] - 3),
        (max(0, bounds[0] - 3), min(50, bounds[1] + 3)),
    ):
        whole = WHOLE[:50]
        kept = part(store, URL, whole, 10, 20)
        assert kept
        kept = add(store, kept, whole, 30, 40)
        assert kept
        kept = add(store, kept, whole, first, last)
        assert kept
        assert store.entries(URL) == [kept]
        expected = sorted({*range(10, 20), *range(30, 40), *range(first, last)})
        found = [at for segment in kept.segments for at in range(segment.start, segment.end)]
        assert found == expected
        assert kept.stored == len(expected) == store.bytes
        opened = store.open(kept)
        assert opened
        with opened as body:
            for segment in kept.segments:
                assert body.read(segment.start, segment.end) == whole[segment.start : segment.end]
        assert agrees(store, folder)
        assert not list((folder / "tmp").iterdir())


def test_the_last_part_makes_it_whole_and_reading_goes_over_the_seams(store: Store) -> None:
    kept = part(store, URL, WHOLE, 40, 60)
    for start, end in ((0, 20), (80, 100), (10, 90)):
        assert kept
        assert not kept.complete
        kept = add(store, kept, WHOLE, start, end)
    assert kept
    assert kept.complete
    assert content(store, kept) == WHOLE
    opened = store.open(kept)
    assert opened
    with opened as body:
        assert body.read(15, 85) == WHOLE[15:85]
        assert sum(size for _, _, size in body.pieces(5, 95)) == 90


def test_bytes_that_are_not_stored_cannot_be_read(store: Store) -> None:
    kept = part(store, URL, WHOLE, 10, 20)
    assert kept
    opened = store.open(kept)
    assert opened
    with opened as body:
        for start, end in ((0, 5), (5, 15), (15, 25), (30, 40)):
            with pytest.raises(ValueError, match="not stored"):
                body.read(start, end)


def test_a_part_brings_the_new_header_fields_even_if_no_byte_is_new(store: Store) -> None:
    kept = part(store, URL, WHOLE, 0, 50)
    assert kept
    joined = add(store, replace(kept, headers=(("ETag", '"2"'),)), WHOLE, 10, 20)
    assert joined == replace(kept, headers=(("ETag", '"2"'),)) == store.entries(URL)[0]


def test_a_part_of_what_was_replaced_is_left_to_whoever_has_it(store: Store, folder: Path) -> None:
    kept = part(store, URL, WHOLE, 0, 50)
    again = part(store, URL, WHOLE, 0, 10)
    draft = store.draft()
    draft.write(WHOLE[50:])
    assert kept
    assert again
    assert store.join(kept, draft, 50) is None
    assert store.join(replace(again, length=99), draft, 50) is None
    assert store.keep(entry(URL, 100), draft, 50)
    assert agrees(store, folder)


def test_an_entry_has_a_bounded_number_of_parts(store: Store, folder: Path) -> None:
    whole = bytes(3 * MOST)
    kept = part(store, URL, whole, 0, 1)
    for n in range(1, MOST):
        assert kept
        kept = add(store, kept, whole, 2 * n, 2 * n + 1)
    assert kept
    assert len(kept.segments) == MOST
    assert add(store, kept, whole, 2 * MOST, 2 * MOST + 1) is None
    kept = add(store, kept, whole, 0, 3 * MOST)  # many parts become one
    assert kept
    assert len(kept.segments) == 1
    assert agrees(store, folder)


def test_cutting_never_moves_a_files_first_byte() -> None:
    old = (Segment(10, 20, "a"), Segment(30, 40, "b"))
    for start, end in itertools.combinations(range(51), 2):
        new = cut(old, start, end)
        fresh = set(range(start, end)) - set(range(10, 20)) - set(range(30, 40))
        if new is None:
            assert not fresh
            continue
        assert fresh <= set(range(new.start, new.end)) <= set(range(start, end))
        assert set(new.keep) | set(new.drop) == set(old)
        assert all(part.end <= new.start or new.end <= part.start for part in new.keep)


# -- the limit


def test_the_limit_is_kept_to_the_byte(store: Store, told: Told) -> None:
    for n in range(10):
        put(store, f"{URL}{n}", bytes(1000))
    assert (store.bytes, store.objects) == (10_000, 10)
    assert not [what for what in told if what[1]]
    put(store, URL, b"x")
    assert (store.bytes, store.objects) == (9001, 10)
    assert [what for what in told if what[1]] == [(f"{URL}0", "evicted", 1)]
    assert put(store, URL + "large", bytes(10_000))
    assert (store.bytes, store.objects) == (10_000, 1)


def test_what_was_not_used_for_longest_goes_first(store: Store) -> None:
    kept = [put(store, f"{URL}{n}", bytes(2500)) for n in range(4)]
    for n in (1, 0, 3):
        store.touch(kept[n].id)  # type: ignore[union-attr]
        store.flush()
    order = []
    for n in range(4):
        put(store, f"{URL}new{n}", bytes(2500))
        order.append([m for m in range(4) if store.entries(f"{URL}{m}")])
    assert order == [[0, 1, 3], [0, 3], [3], []]


def test_uses_that_are_not_written_yet_count(store: Store) -> None:
    kept = [put(store, f"{URL}{n}", bytes(5000)) for n in range(2)]
    store.touch(kept[0].id)  # type: ignore[union-attr]
    put(store, URL, b"x")
    assert [len(store.entries(f"{URL}{n}")) for n in range(2)] == [1, 0]


def test_what_is_larger_than_the_cache_is_not_stored_and_nothing_goes_for_it(
    store: Store, folder: Path
) -> None:
    put(store, URL, b"x")
    assert put(store, URL + "large", bytes(10_001)) is None
    assert (store.objects, store.bytes) == (1, 1)
    assert agrees(store, folder)
    assert not list((folder / "tmp").iterdir())


def test_a_part_makes_room_by_others_and_never_by_its_own_entry(store: Store, folder: Path) -> None:
    whole = bytes(12_000)
    kept = part(store, URL, whole, 0, 4000)
    put(store, URL + "b", bytes(6000))
    assert kept
    kept = add(store, kept, whole, 4000, 10_000)
    assert kept
    assert kept.stored == store.bytes == 10_000
    assert add(store, kept, whole, 10_000, 12_000) is None
    assert store.entries(URL) == [kept]
    assert agrees(store, folder)


def test_entries_without_bodies_are_bounded_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change, "MOST_OBJECTS", 5)
    for n in range(8):
        put(store, f"{URL}{n}", b"")
    assert store.objects == 5
    assert [len(store.entries(f"{URL}{n}")) for n in range(8)] == [0, 0, 0, 1, 1, 1, 1, 1]


def test_another_limit_holds_at_once_and_at_the_next_start(store: Store, folder: Path) -> None:
    for n in range(10):
        put(store, f"{URL}{n}", bytes(1000))
    store.resize(3500)
    assert (store.objects, store.bytes, store.limit) == (3, 3000, 3500)
    assert agrees(store, folder)
    store.resize(20_000)
    assert put(store, URL, bytes(15_000))
    assert store.objects == 4
    store.remove(URL)
    store.close()
    with Store(folder, 2000) as again:
        assert (again.objects, again.bytes) == (2, 2000)
        assert [len(again.entries(f"{URL}{n}")) for n in (7, 8, 9)] == [0, 1, 1]


def test_a_body_that_is_being_read_stays_readable_when_it_is_evicted(store: Store, folder: Path) -> None:
    kept = part(store, URL, WHOLE, 0, 50)
    assert kept
    kept = add(store, kept, WHOLE, 50, 100)
    assert kept
    opened = store.open(kept)
    assert opened
    with opened as body:
        put(store, URL + "b", bytes(10_000))
        assert store.entries(URL) == []
        assert len(files(folder)) == 1
        assert body.read(0, 100) == WHOLE
        (fd, offset, size), _ = body.pieces(0, 100)
        assert os.pread(fd, size, offset) == WHOLE[:50]
    assert store.open(kept) is None
