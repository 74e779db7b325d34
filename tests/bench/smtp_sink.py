"""The SMTP server against aiosmtpd with a Maildir: durable messages; a large one; a full mailbox.

Both write to the same disk, and take turns under the same load: ten connections, each with
one message of 2 KB after the other. Our server runs under a real dashboard with a browser on
its page, and syncs each message and its folder before it says 250.
"""

from __future__ import annotations

import contextlib
import importlib.util
import smtplib
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from servers.smtp_sink.mailbox import list_messages
from tests.bench.figures import Figure, median, ratio
from tests.bench.http_web import Watched
from tests.bench.memory import own
from tests.bench.running import Dashboard, Missing, Program
from tests.bench.smtp_load import message

CONNECTIONS, BYTES, SECONDS = 10, 2048, 2.0
LARGE, FULL = 25_000_000, 1000


def run(quick: bool) -> list[Figure]:
    """Load each in turn, again and again."""
    if importlib.util.find_spec("aiosmtpd") is None:
        raise Missing("there is no aiosmtpd here (pip install aiosmtpd)")
    turns = 3 if quick else 9
    with tempfile.TemporaryDirectory() as folder, peer(Path(folder, "peer")) as theirs, Dashboard() as board:
        box = Path(folder, "ours")
        made = board.create("smtp_sink", mailbox=str(box))
        port = int(made["address"].rpartition(":")[2])
        with board.browsers(made["id"], 1) as browser:
            figures = messages({"ours": port, "aiosmtpd": theirs}, turns)
            if browser.ask("report")["frames"] == 0:
                raise RuntimeError("the browser saw no frames")
            figures.append(large(port, made["pid"], 3 if quick else 7))
        empty(box)
        return figures + mailbox(board, made["id"], port, box, 3 * turns)


@contextlib.contextmanager
def peer(folder: Path) -> Iterator[int]:
    """aiosmtpd in a process of its own; its port."""
    with Program("-m", "tests.bench.smtp_peer", str(folder)) as program:
        yield int(program.line(r"^port \d+$").split()[1])


def messages(ports: dict[str, int], turns: int) -> list[Figure]:
    """Messages per second of each, in turns."""
    rates: dict[str, list[float]] = {name: [] for name in ports}
    with contextlib.ExitStack() as stack:
        loads = {name: stack.enter_context(loaded(port)) for name, port in ports.items()}
        for load in loads.values():
            load.ask("0.5")  # the first fill caches
        for turn in range(turns):
            for name in sorted(loads, reverse=turn % 2 == 1):
                rates[name].append(loads[name].ask(str(SECONDS)))
    return [
        ratio("2 KB messages, watched, against aiosmtpd", rates["ours"], rates["aiosmtpd"], at_least=4),
        *(median(f"… messages of {name}", values, "/s") for name, values in rates.items()),
    ]


@contextlib.contextmanager
def loaded(port: int) -> Iterator[Any]:
    """The load's own process, connected."""
    words = (str(port), str(CONNECTIONS), str(BYTES))
    with Program("-m", "tests.bench.smtp_load", *words) as program:
        program.line("connected")
        yield program


def large(port: int, pid: int, turns: int) -> Figure:
    """What one message of 25 MB makes the server's memory grow by, at the most."""
    text, grown = message(LARGE), []
    for _ in range(turns):
        before = own(pid)
        with Watched(pid) as watched, smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.sendmail("alice@example.org", ["bob@example.org"], text)
        grown.append((watched.most - before) / 1e6)
    return Figure(
        name="25 MB message, most that the server's memory grew by", value=max(grown), unit="MB",
        values=tuple(grown), at_most=5,
    )  # fmt: skip


def mailbox(board: Dashboard, id: str, port: int, box: Path, turns: int) -> list[Figure]:
    """What a full mailbox costs to be listed and searched: in the API's answer, and in the function."""
    fill(port)
    ways: dict[str, dict[str, str]] = {"list": {}, "search": {"q": "rare"}}
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ways}
    for _ in range(turns):
        for name, words in ways.items():
            over, inside = found[name]
            wanted = 1 if words else FULL
            over.append(timed(partial(asked, board, id, words), wanted))
            inside.append(timed(partial(list_messages, box, **words), wanted))
    figures = []
    for name, (over, inside) in found.items():
        figures += [
            median(f"{FULL:,} messages, {name}: the API's answer", over, "ms", at_most=100),
            median(f"… the function, in this process, {name}", inside[1:], "ms", at_most=100),
            Figure(name="… its first call, nothing in its cache", value=inside[0], unit="ms"),
        ]
    return figures[:-1]  # the search comes after the list: nothing is new to it


def asked(board: Dashboard, id: str, words: dict[str, str]) -> Any:
    """The API's answer."""
    return board.api("GET", f"/instances/{id}/data/messages?{urlencode(words)}")["value"]


def fill(port: int) -> None:
    """So many messages of 2 KB, one with a rare word."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        for number in range(FULL):
            word = "rare" if number == FULL // 2 else "usual"
            text = b"Subject: %s %d\r\n" % (word.encode(), number) + message(BYTES)
            client.sendmail("alice@example.org", [f"student{number % 30}@example.org"], text)


def timed(function: Callable[[], Any], wanted: int) -> float:
    """Milliseconds that it takes; RuntimeError if it finds another number of messages."""
    began = time.perf_counter()
    found = function()
    took = 1000 * (time.perf_counter() - began)
    if found["total"] != wanted:
        raise RuntimeError(f"{found['total']} messages were found, not {wanted}")
    return took


def empty(box: Path) -> None:
    """No message is left."""
    for path in box.joinpath("new").iterdir():
        path.unlink()
