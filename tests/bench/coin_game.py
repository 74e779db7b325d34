"""The coin game: seconds for 10,000 rounds on loopback, sends together; rounds a second against a bare pair.

Our framed client plays our server under a real dashboard, with a browser on its page: as a test request,
where each call is told, and from a terminal. A bare server and client make the same sends and receives
without telling. All take turns in the same run. The bare client also plays our server, so that the server's
part is seen alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import msgspec

from tests.bench.figures import Figure, median, ratio
from tests.bench.running import ROOT, Dashboard, Program, eventually

ROUNDS = 10_000
SECONDS = 1.0
"""What the issue allows for them."""


def run(quick: bool) -> list[Figure]:
    """All four pairs in turn, again and again."""
    turns = 3 if quick else 11
    with Dashboard() as board, Program("-m", "tests.bench.bare_coin", "server", str(ROUNDS)) as bare:
        peer = int(bare.line())
        made = board.create("coin_game", rounds=ROUNDS, together=True, timeout=0)
        port = int(made["address"].rpartition(":")[2])
        with board.browsers(made["id"], 1) as browser:
            ways = {
                "asked": lambda: asked(board, made["id"]),
                "terminal": lambda: terminal(port),
                "server": lambda: bare_client(port),
                "bare": lambda: bare_client(peer),
            }
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            for way in ways.values():
                way()  # the first fill caches
            for turn in range(turns):
                for name in sorted(ways, reverse=turn % 2 == 1):
                    seconds[name].append(ways[name]())
            games = (1 + turns) * 3
            eventually(lambda: counted(board, made["id"]) == (games, games * ROUNDS), "exact counters")
            if browser.ask("report")["frames"] == 0:
                raise RuntimeError("the browser saw no frames")
    rates = {name: [ROUNDS / value for value in values] for name, values in seconds.items()}
    words = f"{ROUNDS:,} rounds, sends together, watched"
    return [
        median(f"{words}: our client, as a test request", seconds["asked"], "s", at_most=SECONDS),
        median(f"{words}: our client, in a terminal", seconds["terminal"], "s", at_most=SECONDS),
        median("… the bare pair", seconds["bare"], "s"),
        shown(
            "… rounds a second, our pair (terminal) against the bare one", rates["terminal"], rates["bare"]
        ),
        shown("… our server against the bare one, bare client", rates["server"], rates["bare"]),
    ]


def shown(name: str, ours: list[float], peers: list[float]) -> Figure:
    """A ratio of which nothing is asked."""
    return msgspec.structs.replace(ratio(name, ours, peers, at_least=0), at_least=None)


def asked(board: Dashboard, instance: str) -> float:
    """A test request at our server, from the form as it were."""
    wanted = {"reader": "framed", "pause": 0.0}
    answer = board.api("POST", f"/instances/{instance}/requests?wait=1", wanted)
    return won(answer["result"])


def terminal(port: int) -> float:
    """Our client as a program of its own."""
    words = ["servers.coin_game.client", "127.0.0.1", str(port), "--reader", "framed", "--pause", "0"]
    said = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    found = re.search(rf"Won: {ROUNDS:,} rounds in ([\d.]+) s", said)
    if not found:
        raise RuntimeError(f"the client says: {said[:200]}")
    return float(found[1])


def bare_client(port: int) -> float:
    """The bare client at either server."""
    words = ["tests.bench.bare_coin", "client", str(port)]
    said = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return float(json.loads(said))


def won(result: dict[str, Any]) -> float:
    """The seconds of a game that was won in full."""
    if not result["won"] or result["right"] != ROUNDS:
        raise RuntimeError(f"the game was not won: {result}")
    return float(result["seconds"])


def counted(board: Dashboard, instance: str) -> tuple[int, int]:
    """Games won and rounds played, as the server counts them."""
    counters = board.instance(instance)["counters"]
    return counters["won"], counters["rounds"]
