"""The store: what was settled is there, whatever happens to the process or the file."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from servers.kit.errors import LabError
from tests.programs import DEADLINE, ROOT, eventually
from webui.application import plain_call
from webui.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    found = Store(path, plain_call)
    yield found
    found.close()


def put(store: Store, key: str) -> None:
    store.put("insert into meta values (?, ?)", key, "x")


def keys(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as file:
        return {key for (key,) in file.execute("select key from meta")} - {"version"}


def test_what_was_settled_is_on_disk(store: Store, path: Path) -> None:
    for i in range(500):
        put(store, str(i))
    store.settle()
    assert keys(path) == set(map(str, range(500)))


def test_then_calls_when_all_before_it_is_on_disk_and_in_order(store: Store, path: Path) -> None:
    seen: list[Any] = []
    done = threading.Event()
    put(store, "a")
    store.then(lambda: seen.append("a" in keys(path)))
    put(store, "b")
    store.then(lambda: seen.append("b" in keys(path)))
    store.then(done.set)
    assert done.wait(DEADLINE)
    assert seen == [True, True]


def test_a_callback_that_fails_keeps_nobody_waiting(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.then(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    put(store, "a")
    store.settle()
    assert "ZeroDivisionError" in caplog.text


def test_reading_sees_what_was_settled(store: Store) -> None:
    put(store, "a")
    store.settle()
    assert store.read("select value from meta where key = ?", "a") == [("x",)]


def test_closing_writes_the_rest(path: Path) -> None:
    store = Store(path, plain_call)
    for i in range(1000):
        put(store, str(i))
    store.close()
    assert len(keys(path)) == 1000


def test_a_wrong_write_is_told_and_those_after_it_are_done(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for wrong in (2**70, object(), None):  # more than SQLite's integers; no value; null in a key
        put(store, f"before {wrong!r:.3}")
        store.put("insert into meta values ('w', ?)", wrong)
        put(store, f"after {wrong!r:.3}")
        with pytest.raises(LabError, match="cannot be written"):
            store.settle()
    put(store, "a")
    store.settle()
    assert len(keys(path)) == 7
    assert caplog.text.count("a change was not stored") == 3


def test_a_locked_file_is_tried_again_until_it_is_free(store: Store, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        store._connection.execute("pragma busy_timeout = 10")
        other.execute("begin immediate")
        put(store, "a")
        with pytest.raises(LabError, match="in time"):
            store.settle(0.5)
        other.execute("rollback")
    eventually(lambda: keys(path) == {"a"}, "it is stored")
    store.settle()


def test_a_second_store_of_the_same_file_is_refused(store: Store, path: Path) -> None:
    with pytest.raises(LabError, match="Another Socket Lab uses the folder"):
        Store(path, plain_call)
    put(store, "a")
    store.settle()


def test_after_a_close_the_file_may_be_opened_again(path: Path) -> None:
    for _ in range(3):
        Store(path, plain_call).close()


DAMAGE = {
    "text": b"this is not a database, though it is long enough to look like one" * 20,
    "a torn header": b"SQLite format 3\0" + b"\xff" * 200,
}


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_told_with_what_to_do(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LabError, match=r"cannot be used.*--data-dir"):
        Store(path, plain_call)
    assert path.read_bytes() == content
    path.unlink()
    Store(path, plain_call).close()


def test_a_file_with_damaged_pages_is_told_when_read(path: Path) -> None:
    store = Store(path, plain_call)
    for i in range(2000):
        put(store, f"{i:0100}")
    store.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 2] = b"\xa5" * (len(content) // 2 - len(content) // 3)
    path.write_bytes(bytes(content))
    with closing(Store(path, plain_call)) as store, pytest.raises(LabError, match="cannot be read"):
        store.read("select * from meta order by value, key")


def test_a_folder_in_the_files_place_is_told(path: Path) -> None:
    path.mkdir()
    with pytest.raises(LabError, match="cannot be used"):
        Store(path, plain_call)


def test_another_versions_file_is_refused(path: Path) -> None:
    Store(path, plain_call).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("update meta set value = '99' where key = 'version'")
    with pytest.raises(LabError, match=r"another version of Socket Lab \(99\)"):
        Store(path, plain_call)


WRITER = """
import sys
from pathlib import Path
from webui.application import plain_call
from webui.store import Store

store = Store(Path(sys.argv[1]), plain_call)
first = int(sys.argv[2])
for i in range(first, first + 10**9):
    store.put("insert into meta values (?, 'x')", str(i))
    if i % 7 == 0:
        store.settle()
        print(i, flush=True)
"""


def test_what_was_settled_survives_a_kill_at_any_instant(path: Path) -> None:
    settled = -1
    for _ in range(6):
        words = [sys.executable, "-c", WRITER, str(path), str(settled + 1000)]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            first = int(writer.stdout.readline())
            moment = time.monotonic() + random.uniform(0, 0.15)
            while time.monotonic() < moment:
                settled = int(writer.stdout.readline())
            writer.kill()
            rest = writer.stdout.read().splitlines()
        settled = max([first, settled, *map(int, rest[:-1])])
        found = {int(key) for key in keys(path)}
        assert found >= set(range(first, settled + 1))
