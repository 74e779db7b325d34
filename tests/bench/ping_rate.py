"""Ping rate: replies per second of the watched UDP ping server, against a bare loop.

The two take turns under the same load, so that whatever else the machine does meets both.
The server runs under a real dashboard with a browser on its page; then the dashboard is
stopped (SIGSTOP), as a laptop's is that sleeps. After it went on, the counters must be exact.
"""

from __future__ import annotations

import signal
import sys
import time

from tests.bench.figures import Figure, median, ratio
from tests.bench.running import Dashboard, Missing, Program, eventually

DATAGRAMS = 100_000


def run(quick: bool) -> list[Figure]:
    """A B A B …, with the dashboard running and then with it stopped."""
    if not hasattr(signal, "SIGSTOP"):
        raise Missing("a process is stopped with SIGSTOP, which this system does not have")
    pairs = 3 if quick else 15
    with Dashboard() as board, Program("-m", "tests.bench.bare_udp") as bare:
        peer_port = int(bare.line())
        made = board.create(loss=0)
        port = int(made["address"].rpartition(":")[2])
        with board.browsers(made["id"], 1) as browser:
            load(port), load(peer_port)  # the first fill caches
            ours, peers = take_turns(port, peer_port, pairs)
            seen = browser.ask("report")
            eventually(lambda: counted(board, made["id"]) == (1 + pairs) * DATAGRAMS, "exact counters")
            board.process.send_signal(signal.SIGSTOP)
            stopped, stopped_peers = take_turns(port, peer_port, pairs)
            board.process.send_signal(signal.SIGCONT)
            sent = (1 + 2 * pairs) * DATAGRAMS
            eventually(lambda: counted(board, made["id"]) >= sent, "the counters after SIGCONT")
            time.sleep(1)
            missing = sent - counted(board, made["id"])
            state = board.instance(made["id"])
    if seen["frames"] == 0 or seen["closed"]:
        raise RuntimeError(f"the browser saw no frames: {seen}")
    if state["run"] != 1 or state["state"] != "running":
        raise RuntimeError(f"the server did not live through the pause: {state}")
    return [
        ratio("ping rate, watched, against a bare loop", ours, peers, at_least=0.9),
        median("… replies of our server", ours, "/s"),
        median("… replies of the bare loop", peers, "/s"),
        ratio("ping rate, dashboard stopped, against a bare loop", stopped, stopped_peers, at_least=0.9),
        median("… replies of our server, dashboard stopped", stopped, "/s"),
        Figure(name="… datagrams not counted after it went on", value=missing, at_least=0, at_most=0),
    ]


def take_turns(port: int, peer_port: int, pairs: int) -> tuple[list[float], list[float]]:
    """Replies per second of both, measured one after the other, again and again."""
    ours, peers = [], []
    for pair in range(pairs):
        if pair % 2:
            peers.append(load(peer_port))
            ours.append(load(port))
        else:
            ours.append(load(port))
            peers.append(load(peer_port))
    return ours, peers


def load(port: int) -> float:
    """Replies per second at a port, under a load of a process of its own."""
    with Program("-m", "tests.bench.udp_load", str(port), str(DATAGRAMS)) as program:
        return float(program.line())


def counted(board: Dashboard, id: str) -> int:
    """What the dashboard says that the server received, if it answered each."""
    counters = board.instance(id)["counters"]
    if counters["received"] < counters["replied"]:
        print(f"received {counters['received']} but replied {counters['replied']}", file=sys.stderr)
    return int(counters["replied"])
