"""The caching proxy's store with 100,000 objects on disk: how fast it starts, and finds one among them.

No network and no peer here: the same store with 100 objects is what it is measured against. The
look-ups take turns; each turn asks for other objects, by chance, as a proxy's clients do.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from servers.caching_proxy.catalogue import page
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.store import Store
from tests.bench.figures import Figure, median

T = TypeVar("T")
FEW, MANY = 100, 100_000
BYTES, LOOKUPS = 1024, 2000
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "max-age=3600"), ("ETag", '"5f3a-1c2b"'),
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
)  # fmt: skip


def run(quick: bool) -> list[Figure]:
    """Fill two caches, then ask both in turn, and start the large one again and again."""
    turns = 5 if quick else 15
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        fill(small, FEW)
        stored = fill(large, MANY)
        return [
            *lookups(small, large, turns),
            *starts(large, turns),
            *lists(large, turns),
            Figure(name=f"… one of {MANY:,} objects stored", value=1e6 * stored / MANY, unit="µs"),
        ]


def fill(folder: Path, count: int) -> float:
    """Store so many objects; the seconds that it took."""
    body = bytes(BYTES)
    with Store(folder, 2 * MANY * BYTES) as store:
        began = time.perf_counter()
        for number in range(count):
            draft = store.draft()
            draft.write(body)
            store.keep(
                Entry(
                    url=url(number), status=200, headers=HEADERS, requested=1.0, received=2.0, length=BYTES
                ),
                draft,
            )
        return time.perf_counter() - began


def url(number: int) -> str:
    return f"http://origin-{number % 97}.example:8080/pages/{number}/index.html?language=de"


def lookups(small: Path, large: Path, turns: int) -> list[Figure]:
    """What it takes to find an entry and open its body, in both."""
    limit = 2 * MANY * BYTES
    found: dict[str, list[float]] = {"few": [], "many": [], "few opened": [], "many opened": []}
    with Store(small, limit, sweep=False) as few, Store(large, limit, sweep=False) as many:
        for turn in range(turns + 1):
            chance = random.Random(turn)
            for name, store, count in (("few", few, FEW), ("many", many, MANY)):
                urls = [url(chance.randrange(count)) for _ in range(LOOKUPS)]
                found[name].append(each(store.entries, urls))
                entries = [store.entries(one)[0] for one in urls]
                found[f"{name} opened"].append(each(lambda entry, store=store: opened(store, entry), entries))
    few_, many_ = found["few"][1:], found["many"][1:]  # the first turn fills caches
    pairs = tuple(b / a for a, b in zip(few_, many_, strict=True))
    return [
        Figure(
            name=f"look-up among {MANY:,} objects against {FEW}", at_most=2, values=pairs,
            value=statistics.median(many_) / statistics.median(few_),
        ),
        median(f"… look-up among {FEW}", few_, "µs"),
        median(f"… look-up among {MANY:,}", many_, "µs"),
        median(f"… a body opened among {FEW}", found["few opened"][1:], "µs"),
        median(f"… a body opened among {MANY:,}", found["many opened"][1:], "µs"),
    ]  # fmt: skip


def each(function: Callable[[T], object], arguments: list[T]) -> float:
    """Microseconds for each call."""
    began = time.perf_counter()
    for argument in arguments:
        function(argument)
    return 1e6 * (time.perf_counter() - began) / len(arguments)


def opened(store: Store, entry: Entry) -> None:
    body = store.open(entry)
    if body is None:
        raise RuntimeError(f"{entry.url} is gone")
    body.close()


def starts(folder: Path, turns: int) -> list[Figure]:
    """How long a start takes until the first object is found, and the sweep behind it."""
    took, swept = [], []
    for turn in range(turns):
        began = time.perf_counter()
        with Store(folder, 2 * MANY * BYTES) as store:
            if store.objects != MANY or not store.entries(url(turn)):
                raise RuntimeError(f"{store.objects} objects were found, not {MANY}")
            took.append(time.perf_counter() - began)
    for _ in range(min(turns, 3)):
        with Store(folder, 2 * MANY * BYTES, sweep=False) as store:
            began = time.perf_counter()
            store.sweep()
            swept.append(time.perf_counter() - began)
    return [
        median(f"start with {MANY:,} objects, first one found", took, "s", at_most=2),
        median("… all files compared with the index, in the background", swept, "s"),
    ]


def lists(folder: Path, turns: int) -> list[Figure]:
    """What the page's list of the contents takes, read by another process's connection."""
    figures = []
    with Store(folder, 2 * MANY * BYTES, sweep=False):
        for name, words, sort in (
            ("newest", "", "used"),
            ("largest", "", "size"),
            ("searched", "pages/777", "used"),
        ):
            took = []
            for _ in range(min(turns, 5)):
                began = time.perf_counter()
                page(folder, words, sort, 0, 100)  # type: ignore[arg-type]
                took.append(1000 * (time.perf_counter() - began))
            figures.append(median(f"… list of {MANY:,}, {name} 100", took, "ms"))
    return figures
