"""The arithmetic of the benchmarks. How fast anything is, no test says."""

from __future__ import annotations

import importlib
import math
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from servers.tcp_replay.matching import Hit, Matcher
from servers.tcp_replay.sameness import MatchSettings
from tests.bench import proxy_load, proxy_peers, tcp_replay
from tests.bench.__main__ import NAMES
from tests.bench.figures import Figure, exit_code, median, percentile, ratio, shown, table
from tests.bench.running import ROOT, Missing


def test_median_keeps_the_single_measurements() -> None:
    figure = median("start", [3.0, 1.0, 10.0], "ms", at_most=5)
    assert (figure.value, figure.values, figure.verdict) == (3.0, (3.0, 1.0, 10.0), "ok")
    assert figure.measured == "3 ms (1 to 10)"


def test_ratio_is_that_of_the_medians_and_its_spread_that_of_the_pairs() -> None:
    figure = ratio("rate", [90, 95, 10], [100, 100, 100], at_least=0.9)
    assert figure.value == pytest.approx(0.9)
    assert figure.values == pytest.approx((0.9, 0.95, 0.1))
    assert figure.verdict == "ok"


@pytest.mark.parametrize(
    ("value", "asked", "verdict"),
    [
        (0.9, {"at_least": 0.9}, "ok"),
        (0.899, {"at_least": 0.9}, "BELOW"),
        (50, {"at_most": 50}, "ok"),
        (50.1, {"at_most": 50}, "BELOW"),
        (math.nan, {"at_most": 50}, "BELOW"),
        (7, {}, ""),
    ],
)
def test_verdict(value: float, asked: Any, verdict: str) -> None:
    assert Figure(name="x", value=value, **asked).verdict == verdict


def test_what_was_not_run_says_why_and_is_no_failure() -> None:
    figure = Figure(name="chart", at_most=5, unit="ms", missing="no Chromium here")
    assert (figure.verdict, figure.measured) == ("not run", "not run: no Chromium here")
    assert exit_code([figure]) == 0


def test_one_figure_below_what_is_asked_fails_the_run() -> None:
    good, bad = Figure(name="a", value=1, at_least=1), Figure(name="b", value=0.5, at_least=1)
    assert exit_code([good]) == 0
    assert exit_code([good, bad]) == 1


def test_nothing_measured_is_not_run() -> None:
    assert median("start", [], "ms", at_most=150).verdict == "not run"
    assert ratio("rate", [1.0], [], at_least=0.9).verdict == "not run"


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1), (0.001, 1)])
def test_percentile_is_of_nearest_rank(share: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.96832, "0.968"), (1.0, "1"), (41.23, "41.2"), (150, "150"), (53312, "53,300"),
        (0, "0"), (99.96, "100"), (math.nan, "nan"),
    ],
)  # fmt: skip
def test_numbers_show_three_digits(value: float, text: str) -> None:
    assert shown(value) == text


def test_table_has_a_line_per_figure() -> None:
    figures = [Figure(name="ratio", value=0.95, at_least=0.9), Figure(name="rate", value=41.2)]
    lines = table(figures).splitlines()
    assert len(lines) == 4
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["ratio", "0.95", "≥ 0.9", "ok"]
    assert len({len(line) for line in lines}) == 1


WRK = """Running 2s test @ http://127.0.0.1:1/
Transfer/sec:     10.00MB
{"requests":1000,"bytes":%d,"micros":500000,"bad":%d}
"""


def test_wrks_tally_gives_the_rate() -> None:
    assert proxy_load.tally(WRK % (1_400_000, 0)).rate == 2000


@pytest.mark.parametrize(
    ("bytes", "bad"),
    [(1_400_000, 1), (300_000, 0), (1_024_000, 0), (9_000_000, 0)],
    ids=["an error", "no bodies", "no heads", "other bodies"],
)
def test_a_load_with_wrong_answers_gives_no_rate(bytes: int, bad: int) -> None:
    with pytest.raises(RuntimeError):
        _ = proxy_load.tally(WRK % (bytes, bad)).rate


@pytest.mark.parametrize(
    ("head", "hit"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Cache: HIT from localhost\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nCache-Status: squid;hit;detail=match\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nCache-Status: socketlab; hit; ttl=3\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nX-Cache: MISS from localhost\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nCache-Status: socketlab; fwd=uri-miss\r\nhit: x\r\n\r\n", False),
    ],
)
def test_a_hit_is_known_by_its_head(head: bytes, hit: bool) -> None:
    assert bool(proxy_load.HIT.search(head)) is hit


def answering(answer: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock = listener.accept()[0]
            with sock:
                sock.recv(65536)
                sock.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def test_one_connection_times_an_answer_that_is_whole() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n" + proxy_load.SMALL
    with contextmanager(answering)(answer) as port, proxy_load.Asker(port, "127.0.0.1:1") as asker:
        assert 0 < asker.ask("/1k.txt") < 10
        assert asker.head.endswith(b"X: y\r\n\r\n")


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 404 No\r\n\r\n" + proxy_load.SMALL, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1024]
)
def test_one_connection_refuses_what_is_not_the_answer(answer: bytes) -> None:
    with (
        contextmanager(answering)(answer) as port,
        proxy_load.Asker(port, "127.0.0.1:1") as asker,
        pytest.raises(RuntimeError),
    ):
        asker.ask("/1k.txt")


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_imported(name: str) -> None:
    assert callable(importlib.import_module(f"tests.bench.{name}").run)


def test_the_page_of_benchmarks_has_each_and_no_other() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", page, re.M)) == sorted(NAMES)


def test_a_peer_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_PROXY_PY", "/nowhere/proxy")
    with pytest.raises(Missing), proxy_peers.proxy_py():
        pass
    monkeypatch.setenv("BENCH_MITMDUMP", "/nowhere/mitmdump")
    with pytest.raises(Missing):
        proxy_peers.Replayed(tmp_path, "127.0.0.1:1")


class Counting:
    """Stands for our replay server: its counters before and after."""

    def __init__(self, *counters: dict[str, int]) -> None:
        self._counters = iter(counters)

    def counters(self) -> dict[str, int]:
        return next(self._counters)


@pytest.mark.parametrize(
    ("exchanges", "hits", "asked"),
    [(10, 9, 9), (9, 9, 10), (0, 0, 0)],
    ids=["a miss", "answers of nobody", "nothing"],
)
def test_a_load_that_was_not_replayed_is_no_figure(exchanges: int, hits: int, asked: int) -> None:
    after = {"exchanges": 100 + exchanges, "hits": 50 + hits}
    ours: Any = Counting({"exchanges": 100, "hits": 50}, after)
    with pytest.raises(RuntimeError), tcp_replay.Hits(ours) as found:
        found.asked = asked


def test_a_load_that_was_replayed_is_one() -> None:
    ours: Any = Counting({"exchanges": 100, "hits": 50}, {"exchanges": 110, "hits": 60})
    with tcp_replay.Hits(ours) as found:
        found.asked = 9  # wrk leaves some under way


def test_the_long_tape_knows_what_it_is_asked() -> None:
    deck = Matcher([tcp_replay.numbered(number) for number in range(3)], MatchSettings())
    found = deck.find(b"GET /2 HTTP/1.1\r\nHost: tape\r\n\r\n")
    assert isinstance(found, Hit)
    assert found.exchange.answer.endswith(b"\r\n\r\n" + proxy_load.SMALL)
