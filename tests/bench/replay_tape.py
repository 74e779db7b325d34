"""A tape of 100,000 exchanges: how fast it loads, and whether one among them is found as fast as one of 100.

No network and no peer here. The look-ups take turns; each turn asks for other requests, by chance.
Loading is measured against what cannot be left out: reading the file and decoding its lines.
"""

from __future__ import annotations

import gc
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.matching import Hit
from servers.tcp_replay.settings import Settings
from servers.tcp_replay.tape import write_tape
from tests.bench.figures import Figure, median

FEW, MANY = 100, 100_000
LOOKUPS, MISSES = 5000, 20
BODY = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 300\r\n\r\n" + 300 * b"x"


def run(quick: bool) -> list[Figure]:
    """Write the tapes, then load them and ask them in turns."""
    turns = 5 if quick else 15
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = {form: folder / f"many.{form}" for form in ("jsonl", "log")}
        whole = [exchange(number) for number in range(MANY)]
        for form, path in paths.items():
            path.write_bytes(write_tape(whole, form))  # type: ignore[arg-type]
        few = folder / "few.jsonl"
        few.write_bytes(write_tape(whole[:FEW], "jsonl"))
        del whole
        return [
            *loads(paths["jsonl"], turns),
            median("… the article's form of it loads in", [load(paths["log"]) for _ in range(turns)], "s"),
            *lookups(few, paths["jsonl"], turns),
            *appends(folder / "new.jsonl", turns),
        ]


def request(number: int) -> bytes:
    return (
        f"GET /pages/{number}/index.html?language=de HTTP/1.1\r\nHost: origin-{number % 97}.example\r\n"
        f"User-Agent: curl/8.5.0\r\nAccept: */*\r\nCookie: session={number}\r\n\r\n"
    ).encode()


def exchange(number: int) -> Exchange:
    return Exchange(
        id=number + 1, at=1e9 + number, conn=f"c{number // 10}", number=number % 10 + 1,
        peer="127.0.0.1:50312", target="127.0.0.1:60000", framing="http", request=request(number),
        response=(Chunk(1.25, BODY[:100]), Chunk(2.5, BODY[100:])),
    )  # fmt: skip


def timed(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    gc.collect()
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def load(path: Path) -> float:
    """Seconds until a server could answer from this tape."""
    decks: list[Deck] = []
    took = timed(lambda: decks.append(Deck(path, Settings())))
    if decks[0].count != MANY:
        raise RuntimeError(f"{decks[0].count} exchanges were loaded, not {MANY}")
    decks[0].close()
    return took


def bare(path: Path) -> float:
    """Seconds that reading and decoding the lines takes, keeping what they say."""
    decode = msgspec.json.Decoder(Exchange).decode
    return timed(lambda: [decode(line) for line in path.read_bytes().splitlines()])


def loads(path: Path, turns: int) -> list[Figure]:
    """Seconds, and how many times as long as the bare reading."""
    ours, plain = [], []
    for turn in range(turns + 1):
        ours.append(load(path))
        plain.append(bare(path))
        if not turn:  # the first turn fills caches
            ours, plain = [], []
    pairs = tuple(a / b for a, b in zip(ours, plain, strict=True))
    value = statistics.median(ours) / statistics.median(plain)
    return [
        median(f"a tape of {MANY:,} exchanges loads in", ours, "s", at_most=2),
        Figure(name="… as a multiple of reading and decoding its lines", value=value, values=pairs),
    ]


def lookups(few: Path, many: Path, turns: int) -> list[Figure]:
    """What it takes to find an answer among few and among many; and what a miss takes."""
    found: dict[str, list[float]] = {"few": [], "many": []}
    missed: list[float] = []
    decks = {"few": (Deck(few, Settings()), FEW), "many": (Deck(many, Settings()), MANY)}
    first = 1000 * timed(lambda: decks["many"][0].find(b"GET /nowhere HTTP/1.1\r\n\r\n"))
    for turn in range(turns + 1):
        for name, (deck, count) in decks.items():
            chance = random.Random(turn)
            asked = [request(chance.randrange(count)) for _ in range(LOOKUPS)]
            answers: list[object] = []
            found[name].append(1e6 * timed(lambda: answers.extend(map(deck.find, asked))) / LOOKUPS)  # noqa: B023
            if not all(isinstance(each, Hit) for each in answers):
                raise RuntimeError(f"a request was not found among {name}")
        others = [request(number).replace(b"index", b"inbox") for number in range(MISSES)]
        deck = decks["many"][0]
        missed.append(1000 * timed(lambda: [deck.find(other) for other in others]) / MISSES)  # noqa: B023
    for deck, _ in decks.values():
        deck.close()
    one, other = found["few"][1:], found["many"][1:]  # the first turn fills caches
    pairs = tuple(b / a for a, b in zip(one, other, strict=True))
    return [
        Figure(
            name=f"look-up among {MANY:,} exchanges against {FEW}", at_most=2, values=pairs,
            value=statistics.median(other) / statistics.median(one),
        ),
        median(f"… look-up among {FEW}", one, "µs"),
        median(f"… look-up among {MANY:,}", other, "µs"),
        Figure(name="… the first miss, which sorts them", value=first, unit="ms"),
        median("… a further miss, with the nearest request", missed[1:], "ms"),
    ]  # fmt: skip


def appends(path: Path, turns: int) -> list[Figure]:
    """What it takes to record an exchange."""
    deck, took = Deck(path, Settings()), []
    for turn in range(turns):
        new = [exchange(number) for number in range(turn * 1000, turn * 1000 + 1000)]
        took.append(1e6 * timed(lambda: [deck.append(each) for each in new]) / 1000)  # noqa: B023
    deck.close()
    return [median("… an exchange is recorded in", took, "µs")]
