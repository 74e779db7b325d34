"""TCP upper: connections per second of the watched server, against the course sheet's own loop.

The two take turns under the same load. Our server runs under a real dashboard with a browser on its page,
and once more alone, as from a terminal, with its lines going to /dev/null.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

from tests.bench.figures import Figure, median, ratio
from tests.bench.running import ROOT, Dashboard, Program, cpu_seconds, eventually

SECONDS = 1.0
AT_LEAST = 0.8


def run(quick: bool) -> list[Figure]:
    """The three in turn, again and again."""
    turns = 3 if quick else 15
    with (
        Dashboard() as board,
        Program("-m", "tests.bench.tcp_upper_peer") as peer,
        alone() as (lonely, process),
    ):
        made = board.create("tcp_upper")
        servers = {
            "watched": Server(int(made["address"].rpartition(":")[2]), made["pid"]),
            "alone": Server(lonely, process),
            "the sheet's loop": Server(int(peer.line()), peer.pid),
        }
        with board.browsers(made["id"], 1) as browser, contextlib.ExitStack() as stack:
            for server in servers.values():
                stack.enter_context(server).turn(0.3)  # the first fill caches
            for turn in range(turns):
                for name in sorted(servers, reverse=turn % 2 == 1):
                    servers[name].turn(SECONDS)
            if browser.ask("report")["frames"] == 0:
                raise RuntimeError("the browser saw no frames")
        time.sleep(1)  # the last batch
        missing = servers["watched"].count - board.instance(made["id"])["counters"]["connections"]
    sheet = servers["the sheet's loop"]
    return [
        *(
            ratio(
                f"connections, {name}, against the sheet's loop", server.rates, sheet.rates, at_least=AT_LEAST
            )
            for name, server in servers.items()
            if server is not sheet
        ),
        *(median(f"… connections of {name}", server.rates, "/s") for name, server in servers.items()),
        *(
            median(f"… processor time of {name}", server.costs, "µs a connection")
            for name, server in servers.items()
        ),
        Figure(name="… connections that were not counted", value=missing, at_least=0, at_most=0),
    ]


class Server:
    """A server under load, with a load program of its own."""

    def __init__(self, port: int, pid: int) -> None:
        self._load = Program("-m", "tests.bench.tcp_upper_load", str(port))
        self._process = psutil.Process(pid)
        self.rates: list[float] = []
        self.costs: list[float] = []
        self.count = 0

    def turn(self, seconds: float) -> None:
        """Load it for so long. The first turn is not kept."""
        before, first = cpu_seconds(self._process), self.count == 0
        rate, count = self._load.ask(str(seconds))
        self.count += count
        if not first:
            self.rates.append(rate)
            self.costs.append(1e6 * (cpu_seconds(self._process) - before) / count)

    def __enter__(self) -> Server:
        self._load.line("ready")
        return self

    def __exit__(self, *exc: object) -> None:
        self._load.end()


@contextlib.contextmanager
def alone() -> Iterator[tuple[int, int]]:
    """Our server as from a terminal, all that it prints going nowhere; its port and its process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "servers.tcp_upper.server", "--port", str(port)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        eventually(lambda: answers(port), "our server alone answers")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(15)


def answers(port: int) -> bool:
    """Whether somebody answers there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(b"a")
            return sock.recv(10) == b"A"
    except OSError:
        return False
