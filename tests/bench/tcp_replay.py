"""The replay lab against mitmproxy's server replay; 1 GB that passes; a long tape against a short one.

Replay: both recorded one answer of 1 KB from the same nginx, which is stopped then. They take
turns under the same load: wrk, with 32 connections that are kept. Ours runs under a real dashboard
with a browser on its page. What a tape costs without the network is in replay_tape.py.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.tape import write_tape
from tests.bench.caching_proxy import origin
from tests.bench.figures import Figure, median, ratio
from tests.bench.http_web import LARGE, Watched, download, tool
from tests.bench.memory import own
from tests.bench.proxy_load import CYCLE, SMALL, Asker, load
from tests.bench.proxy_peers import Replayed
from tests.bench.running import Dashboard, Missing, eventually

SECONDS = 2
FEW, MANY, JUMP = 100, 100_000, 7919
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (len(SMALL), SMALL)


class Ours:
    """Our server under a dashboard."""

    def __init__(self, board: Dashboard, **settings: Any) -> None:
        self.board = board
        began = time.perf_counter()
        made = board.create("tcp_replay", framing="http", **settings)
        self.took = time.perf_counter() - began
        self.id, self.pid = made["id"], made["pid"]
        self.port = int(made["address"].rpartition(":")[2])

    def counters(self) -> dict[str, int]:
        """The counters, when no more are on their way."""
        last: list[dict[str, int]] = [{}]

        def settled() -> bool:
            before, last[0] = last[0], self.board.instance(self.id)["counters"]
            return before == last[0]

        eventually(settled, "the counters stand still")
        return last[0]

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self.board.api("PATCH", f"/instances/{self.id}", {"settings": settings})


class Hits:
    """Checks, as a ``with``, that every exchange of ours was answered from the tape."""

    def __init__(self, ours: Ours) -> None:
        self.ours = ours
        self.asked = 0

    def __enter__(self) -> Hits:
        self._before = self.ours.counters()
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        after = self.ours.counters()
        gained = {name: count - self._before[name] for name, count in after.items()}
        if kind is None and not (gained["hits"] == gained["exchanges"] >= self.asked > 0):
            raise RuntimeError(f"{self.asked} answers were no hits alone: {gained}")

    def load(self, wrk: str, url: str, **more: Any) -> float:
        """Our answers per second."""
        told = load(wrk, self.ours.port, url, SECONDS, proxy=False, **more)
        self.asked += told.requests
        return told.rate


def run(quick: bool) -> list[Figure]:
    """Record, stop the origin, ask each in turn; then the large file; then the long tape."""
    turns = 3 if quick else 9
    wrk = tool("wrk")
    tool("curl")
    with Dashboard() as board, tempfile.TemporaryDirectory() as folder:
        figures = replayed(board, wrk, Path(folder), turns)
        figures += passing(board, 3 if quick else 7)
        return figures + tapes(board, wrk, Path(folder), turns)


# -- replay, against mitmproxy


def replayed(board: Dashboard, wrk: str, folder: Path, turns: int) -> list[Figure]:
    """Answers per second of each, in turns, without the origin."""
    with ExitStack() as stack:
        ours, url, peer = recorded(board, folder)
        port: int | None = None
        if isinstance(peer, Replayed):
            port = stack.enter_context(peer.playing())
            with Asker(port, url.split("/")[2], proxy=False) as asker:
                asker.ask("/1k.txt")  # a 200, with the origin stopped
        browser = stack.enter_context(board.browsers(ours.id, 1))
        figures = turns_of(wrk, ours, port, url, turns, str(peer))
        if browser.ask("report")["frames"] == 0:
            raise RuntimeError("the browser saw no frames")
        return figures


def recorded(board: Dashboard, folder: Path) -> tuple[Ours, str, Replayed | Missing]:
    """Ours, in replay, what to ask for, and mitmproxy's recording. The origin is stopped."""
    with origin() as (_, at):
        ours = Ours(board, mode="record", target=f"127.0.0.1:{at}")
        with Asker(ours.port, f"127.0.0.1:{at}", proxy=False) as asker:
            asker.ask("/1k.txt")
        peer: Replayed | Missing
        try:
            peer = Replayed(folder, f"127.0.0.1:{at}")
        except Missing as why:
            peer = why
    eventually(lambda: ours.counters()["on_tape"] == 1, "one exchange is on the tape")
    ours.set(mode="replay", ignore="X-Count")
    return ours, f"http://127.0.0.1:{at}/1k.txt", peer


def turns_of(wrk: str, ours: Ours, port: int | None, url: str, turns: int, why: str) -> list[Figure]:
    """The figures. ``why`` there is none of mitmproxy, if there is no port of it."""
    mine, theirs = [], []
    with Hits(ours) as hits:
        for _ in range(turns + 1):
            mine.append(hits.load(wrk, url))
            if port:
                theirs.append(load(wrk, port, url, SECONDS, proxy=False).rate)
        other = [hits.load(wrk, url, different=True) for _ in range(turns)]
    mine, theirs = mine[1:], theirs[1:]  # the first turn warms up
    name = "replayed HTTP exchanges of 1 KB, watched, against mitmproxy"
    against = ratio(name, mine, theirs, at_least=10) if port else Figure(name=name, at_least=10, missing=why)
    figures = [against, median("… exchanges of ours", mine, "/s")]
    if port:
        figures.append(median("… exchanges of mitmproxy", theirs, "/s"))
    return [*figures, median("… exchanges of ours, no two requests alike", other, "/s")]


# -- pass


def passing(board: Dashboard, turns: int) -> list[Figure]:
    """A file of 1 GB through ours and without it, in turns; and what our memory grows by."""
    through, direct, grown = [], [], []
    with origin() as (_, at):
        ours = Ours(board, mode="pass", target=f"127.0.0.1:{at}")
        for turn in range(turns + 1):
            before, counted = own(ours.pid), ours.counters()
            with Watched(ours.pid) as watched:
                through.append(download(ours.port))
            after = ours.counters()
            passed = after["bytes_down"] - counted["bytes_down"]
            if passed < LARGE or after["exchanges"] - counted["exchanges"] != 1:
                raise RuntimeError(f"1 GB: {counted}, then {after}")
            direct.append(download(at))
            if turn:  # the first one warms up
                grown.append((watched.most - before) / 1e6)
    return [
        ratio("1 GB through ours (pass, http), against direct", through[1:], direct[1:], at_least=0.5),
        median("… speed through ours", [speed / 1e6 for speed in through[1:]], "MB/s"),
        median("… speed without it", [speed / 1e6 for speed in direct[1:]], "MB/s"),
        Figure(name="… most that its memory grew by", value=max(grown), unit="MB", values=tuple(grown),
               at_most=10),
    ]  # fmt: skip


# -- a long tape


def tapes(board: Dashboard, wrk: str, folder: Path, turns: int) -> list[Figure]:
    """How soon a server with a long tape listens, and whether it answers as fast as one with a short one."""
    servers = {}
    for count in (FEW, MANY):
        path = folder / f"{count}.jsonl"
        path.write_bytes(write_tape([numbered(number) for number in range(count)], "jsonl"))
        servers[count] = Ours(board, mode="replay", tape=str(path))
        if servers[count].counters()["on_tape"] != count:
            raise RuntimeError(f"the tape of {count} is not whole")
    one, other = in_turns(wrk, servers, turns, 1)
    name = f"exchanges replayed from a tape of {MANY:,}, against {FEW}"
    figures = [
        ratio(f"{name}: in the order recorded", other, one, at_least=0.8),
        median(f"… from {FEW}", one, "/s"),
        median(f"… from {MANY:,}", other, "/s"),
    ]
    one, other = in_turns(wrk, servers, turns, JUMP)
    return [
        *figures,
        median("… in an order that jumps about", [b / a for a, b in zip(one, other, strict=True)]),
        Figure(name=f"… start with {MANY:,}: POST to 201", value=servers[MANY].took, unit="s"),
        Figure(name=f"… start with {FEW}", value=servers[FEW].took, unit="s"),
    ]


def in_turns(wrk: str, servers: dict[int, Ours], turns: int, step: int) -> tuple[list[float], list[float]]:
    """Exchanges per second from the short tape, and from the long one."""
    rates: dict[int, list[float]] = {FEW: [], MANY: []}
    with Hits(servers[FEW]) as few, Hits(servers[MANY]) as many:
        for turn in range(turns + 1):
            for hits, count in ((few, FEW), (many, MANY))[:: -1 if turn % 2 else 1]:
                script = CYCLE.format(count=count, step=step)
                rates[count].append(hits.load(wrk, "http://tape/", script=script))
    return rates[FEW][1:], rates[MANY][1:]  # the first turn warms up


def numbered(number: int) -> Exchange:
    """An exchange of its own."""
    return Exchange(
        id=number + 1, at=1e9 + number, conn=f"c{number}", number=1, target="127.0.0.1:1", framing="http",
        request=b"GET /%d HTTP/1.1\r\nHost: tape\r\n\r\n" % number, response=(Chunk(1.0, ANSWER),),
    )  # fmt: skip
