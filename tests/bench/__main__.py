"""Runs the benchmarks and prints their table. Exit code 1 if a figure is worse than asked."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from tests.bench.figures import Figure, exit_code, table
from tests.bench.running import Missing, machine

NAMES = (
    "ping_rate", "fanout", "start", "idle", "fairness", "chart", "http_web", "smtp_sink", "caching_proxy",
    "proxy_store", "replay_tape", "tcp_replay", "tcp_upper", "ribbon", "coin_game", "ladder", "pcap",
    "capture",
)  # fmt: skip
"""Modules here. Each has a ``run(quick)`` that returns figures."""


def main() -> int:
    """Run those that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)}. Default: all.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: no figure to quote")
    flags = parser.parse_args()
    for name in flags.names:
        if name not in NAMES:
            parser.error(f"There is no benchmark «{name}». There are: {', '.join(NAMES)}.")
    figures: list[Figure] = []
    print(machine(), flush=True)
    for name in flags.names or NAMES:
        began = time.monotonic()
        print(f"{name} …", end=" ", file=sys.stderr, flush=True)
        figures += run(name, flags.quick)
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(figures))
    return exit_code(figures)


def run(name: str, quick: bool) -> list[Figure]:
    """The figures of one benchmark."""
    try:
        found: list[Figure] = importlib.import_module(f"tests.bench.{name}").run(quick)
    except Missing as why:
        return [Figure(name=name, missing=str(why))]
    return found


if __name__ == "__main__":
    sys.exit(main())
