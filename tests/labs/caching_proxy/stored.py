"""What the store's tests put into it: bodies that follow from their URL, and a check of the whole folder.

Run as a program it stores into a folder as fast as it can, from several threads, until it is killed.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from servers.caching_proxy.entry import Entry
from servers.caching_proxy.rows import entry_of
from servers.caching_proxy.store import Store

LIMIT = 400_000


def body_of(url: str) -> bytes:
    """The one body that belongs to a URL: 0 to about 20,000 bytes."""
    chance = random.Random(url)
    return chance.randbytes(int(20_000 * chance.random() ** 3))


def entry(url: str, length: int, **given: Any) -> Entry:
    fields = {"headers": (("Cache-Control", "max-age=60"),), "requested": 1.0, "received": 2.0, "status": 200}
    return Entry(url=url, length=length, **{**fields, **given})


def put(store: Store, url: str, data: bytes | None = None, **given: Any) -> Entry | None:
    """Store a whole body: its own, unless another is given."""
    data = body_of(url) if data is None else data
    draft = store.draft()
    draft.write(data)
    return store.keep(entry(url, len(data), **given), draft)


def part(store: Store, url: str, whole: bytes, start: int, end: int) -> Entry | None:
    """Store some bytes of a body as the first of it that are known."""
    draft = store.draft()
    draft.write(whole[start:end])
    return store.keep(entry(url, len(whole)), draft, start)


def add(store: Store, kept: Entry, whole: bytes, start: int, end: int) -> Entry | None:
    """Join further bytes of a body."""
    draft = store.draft()
    draft.write(whole[start:end])
    joined = store.join(kept, draft, start)
    if joined is None:
        draft.abandon()
    return joined


def content(store: Store, kept: Entry) -> bytes:
    """All bytes of a whole entry, as they are on disk."""
    opened = store.open(kept)
    assert opened is not None, f"{kept.url} is in the index and cannot be opened"
    with opened as body:
        return body.read(0, kept.length)


def everything(folder: Path) -> list[Entry]:
    """All entries in the index, read from outside."""
    with contextlib.closing(sqlite3.connect(folder / "index.sqlite")) as db:
        return [entry_of(head) for (head,) in db.execute("SELECT head FROM entries ORDER BY id")]


def files(folder: Path) -> dict[str, int]:
    """The sizes of the files that bodies are in."""
    sizes = {}
    for path in list((folder / "objects").rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # removed just now
            if path.is_file():
                sizes[f"{path.parent.name}/{path.name}"] = path.stat().st_size
    return sizes


def agrees(store: Store, folder: Path) -> bool:
    """Whether index, totals and files say the same."""
    kept = everything(folder)
    named = {part.file: part.end - part.start for one in kept for part in one.segments}
    return (
        (store.objects, store.bytes) == (len(kept), sum(one.stored for one in kept))
        and named == files(folder)
        and sum(named.values()) == store.bytes
    )


def together(*works: Callable[[], None]) -> None:
    """All at once, each in a thread; the first error is raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def busy(store: Store, seed: int, turns: int) -> None:
    """Store, join, look up, touch, invalidate and remove what chance says."""
    chance = random.Random(seed)
    for _ in range(turns):
        url = f"http://origin/{chance.randrange(150)}"
        whole = body_of(url)
        what = chance.random()
        if what < 0.5:
            put(store, url)
        elif what < 0.8:
            middle = chance.randint(0, len(whole))
            kept = part(store, url, whole, 0, middle)
            if kept:
                add(store, kept, whole, chance.randint(0, middle), len(whole))
        elif what < 0.9:
            for found in store.entries(url):
                store.touch(found.id)
                store.update(found)
        elif what < 0.95:
            store.remove(url)
        else:
            store.invalidate(url)
            store.flush()


def main() -> None:
    """Until it is killed."""
    store = Store(Path(sys.argv[1]), LIMIT)
    print(f"ready {store.objects}", flush=True)
    seed = int(sys.argv[2])
    together(*(lambda n=n: busy(store, 10 * seed + n, 10**9) for n in range(4)))  # type: ignore[misc]


if __name__ == "__main__":
    main()
