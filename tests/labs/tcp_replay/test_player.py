"""The player of a replay, without a socket: it hears a client and fills a pipe."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.kit.report import Report, TextOutput
from servers.tcp_replay.book import Book
from servers.tcp_replay.deck import Deck
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.faults import toxics
from servers.tcp_replay.link import Pipe
from servers.tcp_replay.player import Player
from servers.tcp_replay.settings import Counters, Settings

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SETTINGS = Settings(mode="replay", framing="http")


class Silent(TextOutput):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def write(self, events: object, counters: object, dropped: object) -> None:
        pass


@pytest.fixture
def player(tmp_path: Path) -> Iterator[Player]:
    deck = Deck(tmp_path / "tape.jsonl", SETTINGS)
    deck.append(Exchange(at=1.0, conn="c1", number=1, request=REQUEST, response=(Chunk(1.0, b"answer"),)))
    report = Report(Counters(), output=Silent(), waiting=1)
    yield Player(SETTINGS, deck, Book(report), "c1", "127.0.0.1:1", 0.0)
    report.close()
    deck.close()


def test_a_connection_that_asks_for_ever_costs_no_memory(player: Player) -> None:
    pipe, faults = Pipe("to_client", None, None), toxics(SETTINGS, "downstream")

    def ask(times: int) -> None:
        for _ in range(times):
            player.heard(REQUEST, pipe, 0.0, faults)
            assert pipe.held == len(b"answer")
            pipe.drop()

    ask(100)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        ask(5000)
        assert tracemalloc.get_traced_memory()[0] - before < 50_000  # 10 bytes a request
    finally:
        tracemalloc.stop()
