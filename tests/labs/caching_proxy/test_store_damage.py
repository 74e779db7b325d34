"""The cache on disk when files are gone, disks are full, many write at once, and at a kill -9."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from servers.caching_proxy import drafts
from servers.caching_proxy.store import Store
from servers.kit.errors import SettingError
from tests.labs.caching_proxy.stored import (
    LIMIT,
    add,
    agrees,
    body_of,
    busy,
    content,
    entry,
    everything,
    files,
    part,
    put,
    together,
)
from tests.programs import Program, eventually

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


# -- damage


def spoil_gone(path: Path) -> None:
    path.unlink()


def spoil_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def spoil_long(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


def spoil_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def spoil_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def spoil_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


SPOILS = [spoil_gone, spoil_short, spoil_long, spoil_folder, spoil_link, spoil_pipe]


@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize("sweep", [False, True])
def test_an_entry_with_a_damaged_file_is_removed_when_it_is_met(folder: Path, spoil, sweep: bool) -> None:  # type: ignore[no-untyped-def]
    with Store(folder, 10_000) as store:
        kept = part(store, URL, WHOLE, 0, 50)
        assert kept
        kept = add(store, kept, WHOLE, 50, 100)
        other = put(store, URL + "b", b"whole")
        assert kept
        assert other
    spoil(folder / "objects" / kept.segments[1].file)
    told: Told = []
    with Store(folder, 10_000, lambda *what: told.append(what), sweep=sweep) as store:
        if not sweep:
            assert store.open(kept) is None
        eventually(lambda: told, "the damage is found")
        assert told == [(URL, "damaged", 1)]
        assert (store.objects, store.bytes, store.entries(URL)) == (1, 5, [])
        assert content(store, other) == b"whole"


def test_an_entry_that_was_joined_meanwhile_is_not_taken_for_damaged(store: Store) -> None:
    kept = part(store, URL, WHOLE, 10, 50)
    assert kept
    joined = add(store, kept, WHOLE, 0, 100)
    assert store.open(kept) is None
    assert store.entries(URL) == [joined]


def spoil_bytes(index: Path) -> None:
    index.write_bytes(b"this is no database" * 1000)


def spoil_half(index: Path) -> None:
    data = index.read_bytes()
    index.write_bytes(data[: len(data) // 2])


def spoil_middle(index: Path) -> None:
    data = bytearray(index.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    index.write_bytes(data)


def spoil_empty(index: Path) -> None:
    index.write_bytes(b"")


def spoil_table(index: Path) -> None:
    db = sqlite3.connect(index)
    db.execute("DROP TABLE files")
    db.close()


def spoil_foreign(index: Path) -> None:
    index.unlink()
    db = sqlite3.connect(index)
    db.execute("CREATE TABLE recipes (name)")
    db.close()


def spoil_newer(index: Path) -> None:
    db = sqlite3.connect(index)
    db.execute("PRAGMA user_version = 99")
    db.close()


def spoil_heads(index: Path) -> None:
    db = sqlite3.connect(index)
    db.execute("UPDATE entries SET head = substr(head, 1, 20)")
    db.commit()
    db.close()


def filled(folder: Path) -> None:
    with Store(folder, 100_000) as store:
        for n in range(200):
            put(store, f"{URL}{n}", b"x" * 100)


@pytest.mark.parametrize(
    "spoil", [spoil_bytes, spoil_half, spoil_middle, spoil_table, spoil_foreign, spoil_newer, spoil_heads]
)
def test_a_damaged_index_is_set_aside_and_the_cache_begins_anew(folder: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    filled(folder)
    spoil(folder / "index.sqlite")
    told: Told = []
    with Store(folder, 100_000, lambda *what: told.append(what)) as store:
        for n in range(200):
            assert store.entries(f"{URL}{n}") == []
        assert len(store.notes) == 1
        assert "index was damaged" in store.notes[0]
        assert (folder / "index.damaged").stat().st_size
        assert put(store, URL, b"new")
        eventually(lambda: agrees(store, folder), "the old files are removed")
        assert store.objects == 1
    with Store(folder, 100_000) as store:
        assert (store.objects, store.notes) == (1, [])


def test_an_empty_index_is_a_new_one(folder: Path) -> None:
    filled(folder)
    spoil_empty(folder / "index.sqlite")
    with Store(folder, 100_000) as store:
        assert (store.objects, store.notes) == (0, [])
        eventually(lambda: agrees(store, folder), "the old files are removed")


@pytest.mark.parametrize("act", ["entries", "keep", "flush"])
def test_an_index_that_is_damaged_while_it_is_used_is_set_aside_then(folder: Path, act: str) -> None:
    told: Told = []
    with Store(folder, 100_000, lambda *what: told.append(what)) as store:
        kept = put(store, URL, b"x" * 100)
        assert kept
        db = sqlite3.connect(folder / "index.sqlite")
        db.execute("DROP TABLE entries")
        db.close()
        if act == "entries":
            assert store.entries(URL) == []
        elif act == "keep":
            new = put(store, URL + "b", b"new")
            assert new
            assert content(store, new) == b"new"
        else:
            store.touch(kept.id)
            store.flush()
        assert ("*", "damaged", 1) in told
        assert len(store.notes) == 1
        assert put(store, URL, b"again")
        eventually(lambda: agrees(store, folder), "the old files are removed")


def test_foreign_files_in_the_folder_are_left_alone_and_our_orphans_removed(folder: Path) -> None:
    filled(folder)
    foreign = ["notes.txt", "tmp/mine.txt", "objects/mine.txt", "objects/00/mine.txt", "objects/zz/mine.txt"]
    for name in foreign:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("keep me")
    orphans = [
        "tmp/0123456789abcdef0123",
        "objects/00/0123456789abcdef0100",
        "objects/ff/0123456789abcdef01ff",
    ]
    for name in orphans:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("from a killed server")
    with Store(folder, 100_000) as store:
        assert not (folder / orphans[0]).exists()
        eventually(lambda: not any((folder / name).exists() for name in orphans), "orphans are removed")
        assert store.objects == 200
        store.clear()
        eventually(lambda: len(files(folder)) == 3, "the stored files are removed")
    assert all((folder / name).read_text() == "keep me" for name in foreign)


def test_two_servers_do_not_share_a_folder(store: Store, folder: Path) -> None:
    put(store, URL, b"mine")
    with pytest.raises(SettingError, match="Another server uses the cache") as caught:
        Store(folder, 1000)
    assert caught.value.field == "cache"
    assert store.entries(URL)
    store.close()
    with Store(folder, 1000) as again:
        assert again.entries(URL)


def test_a_folder_that_cannot_be_used_is_the_settings_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "file/cache"):
        with pytest.raises(SettingError, match="cannot be kept") as caught:
            Store(tmp_path / name, 1000)
        assert caught.value.field == "cache"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_writable_is_the_settings_fault(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SettingError, match="cannot be kept"):
            Store(tmp_path / "cache", 1000)
    finally:
        tmp_path.chmod(0o700)


def test_an_index_that_another_program_has_locked_is_not_set_aside(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "servers.caching_proxy.rows.connect.__kwdefaults__", {"only_read": False, "busy": 0.1}
    )
    filled(folder)
    db = sqlite3.connect(folder / "index.sqlite", isolation_level=None)
    with Store(folder, 100_000, sweep=False) as store:
        (kept,) = store.entries(f"{URL}1")
        (gone,) = store.entries(f"{URL}2")
        (folder / "objects" / gone.segments[0].file).unlink()
        db.execute("BEGIN IMMEDIATE")
        store.touch(kept.id)
        store.flush()
        assert store.open(gone) is None
        assert store.entries(f"{URL}2")
        with pytest.raises(OSError, match="locked"):
            put(store, URL, b"x")
        db.execute("ROLLBACK")
        assert put(store, URL, b"x")
        assert store.open(gone) is None
        assert (store.objects, store.notes) == (200, [])
        assert agrees(store, folder)
    db.close()


# -- a full disk


def test_a_disk_that_is_full_while_a_body_comes_leaves_nothing(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: memoryview) -> int:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real(fd, data[:3]))
        return written[0]

    written: list[int] = []
    real = os.write
    draft = store.draft()
    monkeypatch.setattr(drafts.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        draft.write(b"hello")
    assert (draft.size, draft.read(0, 9)) == (3, b"hel")
    draft.abandon()
    assert not list((folder / "tmp").iterdir())


@pytest.mark.parametrize("joined", [False, True])
def test_a_disk_that_is_full_when_the_index_is_written_leaves_the_cache_as_it_was(
    store: Store, folder: Path, joined: bool
) -> None:
    kept = part(store, URL, WHOLE, 0, 50)
    assert kept
    pages = store._ledger.index._db.execute("PRAGMA page_count").fetchone()[0]
    store._ledger.index._db.execute(f"PRAGMA max_page_count = {pages}")
    large = (("X", "y" * 100_000),)
    with pytest.raises(OSError, match="full") as caught:  # noqa: PT012
        if joined:
            add(store, replace(kept, headers=large), WHOLE, 50, 100)
        else:
            put(store, URL + "b", b"x", headers=large)
    assert caught.value.errno == errno.ENOSPC
    assert store.entries(URL) == [kept]
    assert agrees(store, folder)
    store._ledger.index._db.execute(f"PRAGMA max_page_count = {2**30}")
    assert put(store, URL, b"again")


# -- many at once


def test_many_threads_leave_index_totals_and_files_in_agreement(folder: Path) -> None:
    with Store(folder, LIMIT) as store:
        together(*(lambda n=n: busy(store, n, 150) for n in range(8)))  # type: ignore[misc]
        assert agrees(store, folder)
        assert store.bytes <= LIMIT
        for kept in everything(folder):
            whole = put(store, "http://none/", b"")  # a change in between
            assert whole
            opened = store.open(kept)
            assert opened
            opened.close()


def test_readers_get_right_bytes_or_nothing_while_others_replace_and_evict(folder: Path) -> None:
    with Store(folder, 50_000) as store:
        done = threading.Event()
        seen = []

        def write() -> None:
            for n in range(600):
                put(store, f"{URL}{n % 20}", bytes([n % 256]) * (2000 + n))
            done.set()

        def read() -> None:
            while not done.is_set():
                for n in range(20):
                    for found in store.entries(f"{URL}{n}"):
                        opened = store.open(found)
                        if opened:
                            with opened as body:
                                data = body.read(0, found.length)
                            assert len(data) == found.length
                            assert len(set(data)) == 1
                            seen.append(found.id)

        together(write, read, read, read)
        assert len(seen) > 20


def test_a_look_up_does_not_wait_for_a_writer(store: Store) -> None:
    put(store, URL, b"x")
    with store._ledger._writing:
        began = time.monotonic()
        assert store.entries(URL)
        assert time.monotonic() - began < 1


def test_a_closed_store_finds_nothing_and_says_so_when_written_to(folder: Path) -> None:
    store = Store(folder, 1000)
    draft = store.draft()
    draft.write(b"x")
    kept = put(store, URL, b"y")
    store.close()
    store.close()
    assert kept
    assert store.entries(URL) == []
    store.touch(kept.id)
    with pytest.raises(OSError, match="closed"):
        store.keep(entry(URL, 1), draft)
    assert not list((folder / "tmp").iterdir())
    assert len(files(folder)) == 1


# -- kill -9


@pytest.mark.slow
def test_a_kill_at_any_instant_leaves_whole_objects_only(folder: Path) -> None:
    chance = random.Random(5)
    found = 0
    for seed in range(20):
        with Program("tests.labs.caching_proxy.stored", str(folder), str(seed)) as program:
            program.line(r"^ready")
            time.sleep(chance.uniform(0.02, 0.4))
            program.process.kill()
            program.process.wait()
        found += checked(folder)
    assert found > 500


def checked(folder: Path) -> int:
    """How many entries a killed server left, all of them whole."""
    told: Told = []
    with Store(folder, LIMIT, lambda *what: told.append(what)) as store:
        assert not list((folder / "tmp").iterdir())
        assert store.notes == []
        kept = everything(folder)
        for one in kept:
            whole = body_of(one.url)
            assert one.length == len(whole)
            opened = store.open(one)
            assert opened, f"{one.url} cannot be opened"
            with opened as body:
                for segment in one.segments:
                    assert body.read(segment.start, segment.end) == whole[segment.start : segment.end]
        eventually(lambda: agrees(store, folder), "the totals agree with the disk")
        assert not told
        assert store.bytes <= LIMIT
    return len(kept)
