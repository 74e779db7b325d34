"""The caching proxy against Squid, proxy.py and mitmproxy: hits; a body of 1 GB that passes; waiting.

All stand before the same nginx on one machine, and take turns under the same load: wrk, with 32
connections that are kept. Ours and Squid answer from their caches, the other two forward. Our
proxy runs under a real dashboard with a browser on its page.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, median, ratio
from tests.bench.http_web import LARGE, Watched, download, folder_mode, served_by_nginx, tool
from tests.bench.memory import own
from tests.bench.proxy_load import HIT, SMALL, Asker, load
from tests.bench.proxy_peers import mitmproxy, proxy_py, squid
from tests.bench.running import Dashboard, Missing, eventually

SECONDS = 2
ASKED = {"Squid": 0.6, "proxy.py": 2.0, "mitmproxy": 15.0}
"""Our hits at the least, as a multiple of what the peer answers."""
FRESH = "max-age=3600"


class Ours:
    """Our proxy under a dashboard."""

    def __init__(self, board: Dashboard) -> None:
        self.board = board
        made = board.create("caching_proxy")
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

    def gained(self, before: dict[str, int]) -> dict[str, int]:
        """By how much each counter is higher than before."""
        return {name: count - before[name] for name, count in self.counters().items()}

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self.board.api("PATCH", f"/instances/{self.id}", {"settings": settings})

    def purge(self) -> None:
        """Empty the cache."""
        self.board.api("POST", f"/instances/{self.id}/actions/purge_all", {})


def run(quick: bool) -> list[Figure]:
    """Ask each in turn, again and again."""
    turns = 3 if quick else 9
    wrk, curl_turns = tool("wrk"), 2 if quick else 5
    tool("curl")
    with origin() as (folder, at), Dashboard() as board, ExitStack() as stack:
        ours = Ours(board)
        peers, missing = started(stack, folder)
        with board.browsers(ours.id, 1) as browser:
            figures = hits(wrk, ours, peers, missing, f"http://127.0.0.1:{at}/1k.txt", turns)
            if browser.ask("report")["frames"] == 0:
                raise RuntimeError("the browser saw no frames")
        stack.close()  # the peers end
        figures += passing(ours, at, curl_turns)
        return figures + waiting(ours, at, 300 if quick else 2000)


@contextmanager
def origin() -> Iterator[tuple[Path, int]]:
    """nginx with a small and a large file, and the folder where they are; its port."""
    nginx = tool("nginx")
    with tempfile.TemporaryDirectory() as name:
        folder_mode(name)
        folder, root = Path(name), Path(name, "root")
        root.mkdir()
        (root / "1k.txt").write_bytes(SMALL)
        with open(root / "large.bin", "wb") as file:
            file.truncate(LARGE)
        with served_by_nginx(nginx, folder, root, FRESH) as port:
            yield folder, port


def started(stack: ExitStack, folder: Path) -> tuple[dict[str, int], dict[str, str]]:
    """The ports of the peers that are installed; why the others are missing."""
    ways: dict[str, Callable[[], AbstractContextManager[int]]] = {
        "Squid": lambda: squid(folder / "squid"),
        "proxy.py": proxy_py,
        "mitmproxy": lambda: mitmproxy(folder),
    }
    ports, missing = {}, {}
    for name, way in ways.items():
        try:
            ports[name] = stack.enter_context(way())
        except Missing as why:
            missing[name] = str(why)
    return ports, missing


def hits(
    wrk: str, ours: Ours, peers: dict[str, int], missing: dict[str, str], url: str, turns: int
) -> list[Figure]:
    """Answers per second of each, in turns; RuntimeError if ours were no hits."""
    ports = {"ours": ours.port, **peers}
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for port in ports.values():
        assert load(wrk, port, url, 1).rate  # the first fill caches
    before, count = ours.counters(), 0
    for turn in range(turns):
        for name in sorted(ports, reverse=turn % 2 == 1):
            told = load(wrk, ports[name], url, SECONDS)
            rates[name].append(told.rate)
            count += told.requests if name == "ours" else 0
    others = [load(wrk, ours.port, url, SECONDS, different=True) for _ in range(turns)]
    count += sum(told.requests for told in others)
    gained = ours.gained(before)
    if not gained["hits"] == gained["requests"] >= count or gained["misses"]:
        raise RuntimeError(f"{count} answers were no hits alone: {gained}")
    for name in {"ours", "Squid"} & ports.keys():
        with Asker(ports[name], url.split("/")[2]) as asker:
            asker.ask("/1k.txt")
            if not HIT.search(asker.head):
                raise RuntimeError(f"no hit of {name}: {asker.head!r}")
    figures = [
        ratio(f"1 KB hits, watched, against {name}", rates["ours"], rates[name], at_least=least)
        if name in peers
        else Figure(name=f"1 KB hits, watched, against {name}", at_least=least, missing=missing[name])
        for name, least in ASKED.items()
    ]
    figures += [median(f"… answers of {name}", each, "/s") for name, each in rates.items()]
    return [*figures, median("… answers of ours, no two alike", [told.rate for told in others], "/s")]


def passing(ours: Ours, at: int, turns: int) -> list[Figure]:
    """A miss of 1 GB: what our memory grows by, and how fast it is."""
    figures = []
    through = ("-x", f"http://127.0.0.1:{ours.port}", "--noproxy", "")
    for kind, size, stored in (("larger than the cache", 100, 0), ("stored", 2000, 1)):
        ours.set(cache_size=size)
        speeds, direct, grown = [], [], []
        for turn in range(turns + 1):
            ours.purge()
            before, counted = own(ours.pid), ours.counters()
            with Watched(ours.pid) as watched:
                speeds.append(download(at, *through, query=f"?{kind[0]}{turn}"))
            gained = ours.gained(counted)
            if (gained["misses"], gained["objects"]) != (1, stored):
                raise RuntimeError(f"1 GB, {kind}: {gained}")
            direct.append(download(at))
            if turn:  # the first one warms up
                grown.append((watched.most - before) / 1e6)
        figures += [
            Figure(name=f"1 GB miss, {kind}: most that the memory grew by", value=max(grown), unit="MB",
                   values=tuple(grown), at_most=10),
            median(f"… of the direct speed ({median('', direct).value / 1e6:.0f} MB/s)",
                   [a / b for a, b in zip(speeds, direct, strict=True)]),
        ]  # fmt: skip
    ours.purge()
    ours.set(cache_size=100)
    return figures


def waiting(ours: Ours, at: int, times: int) -> list[Figure]:
    """How long one client waits for an answer."""
    host = f"127.0.0.1:{at}"
    with Asker(ours.port, host) as asker, Asker(at, host, proxy=False) as direct:
        asker.ask("/1k.txt")
        before = ours.counters()
        hit = [asker.ask("/1k.txt") for _ in range(times)]
        miss = [asker.ask(f"/1k.txt?{number}") for number in range(times)]
        gained = ours.gained(before)
        if (gained["hits"], gained["misses"]) != (times, times):
            raise RuntimeError(f"{times} hits and misses: {gained}")
        straight = [direct.ask("/1k.txt") for _ in range(times)]
    ways = {"a hit takes": hit, "a miss takes": miss, "from nginx itself it takes": straight}
    return [
        Figure(name=f"1 KB, one connection: {name}", value=median("", [1000 * each for each in took]).value,
               unit="ms")
        for name, took in ways.items()
    ]  # fmt: skip
