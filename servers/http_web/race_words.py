"""The race in words: who won and why, and the table for a terminal. True to the numbers, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from servers.http_web.race_settings import RaceRequest, Row

LEVEL = 1.15
"""Who needs at most so many times as long as the first came in together with it."""


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The fastest first: who answered all before who did not, then by time, then by answers."""
    return sorted(rows, key=lambda row: (not _all(row), row.seconds if _all(row) else 0, -row.done))


def verdict(request: RaceRequest, rows: Sequence[Row]) -> str:
    """A sentence for the first, and one for each of the others, the fastest first."""
    best, *others = ranked(rows)
    if not _all(best):
        return " ".join(_short_of(request, row) for row in (best, *others))
    level = [row for row in others if _all(row) and row.seconds <= LEVEL * best.seconds]
    behind = [row for row in others if row not in level]
    first = _and([row.model for row in (best, *level)])
    together = " together" if level else ""
    won = f"{first[0].upper()}{first[1:]} came in first{together}, after {best.seconds:.1f} s"
    return " ".join([won + _why(request, best), *(_behind(request, best, row) for row in behind)])


def _all(row: Row) -> bool:
    return row.finished and not row.failed


def _why(request: RaceRequest, best: Row) -> str:
    if request.clients == 1 and request.slow == 0:
        return ": with one client there is nobody to wait for."
    if request.delay == 0 and request.slow == 0:
        return ": without a delay nobody waits long, and what counts is the work for each request."
    return f": up to {best.at_once} of {request.clients} clients were served at once."


def _behind(request: RaceRequest, best: Row, row: Row) -> str:
    if not _all(row):
        return _short_of(request, row)
    took = f"{_name(row)} took {row.seconds:.1f} s, {row.seconds / best.seconds:.1f} times as long"
    return f"{took}: {_crowd(row)}."


def _short_of(request: RaceRequest, row: Row) -> str:
    """A sentence for one that did not answer all."""
    whole = request.clients * request.requests
    failed = f", and {row.failed} failed" if row.failed else ""
    line = f"{_name(row)} answered {row.done} of {whole} in {row.seconds:.1f} s{failed}"
    if request.slow and row.at_once == 0 and row.most_in_line:
        slow = "the slow client" if request.slow == 1 else "the slow clients"
        return f"{line}: {slow} had all its places, and up to {row.most_in_line} clients stood in line."
    return f"{line}: {_crowd(row)}."


def _crowd(row: Row) -> str:
    served = "one" if row.at_once <= 1 else f"up to {row.at_once}"
    line = f", and up to {row.most_in_line} clients stood in line" if row.most_in_line else ""
    return f"it served {served} at a time{line}"


def _name(row: Row) -> str:
    return row.model[0].upper() + row.model[1:]


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def head(models: Sequence[str]) -> str:
    """The head of the live table."""
    return "seconds  " + "".join(f"{model:<28}" for model in models).rstrip()


def line(seconds: float, standing: Sequence[tuple[int, int, int]]) -> str:
    """A line of the live table; of each model answers, requests in all, and clients in line."""
    cells = []
    for done, whole, waits in standing:
        cells.append(f"{done} of {whole}" + (f", {waits} in line" if waits else ""))
    return f"{seconds:7.1f}  " + "".join(f"{cell:<28}" for cell in cells).rstrip()


def table(rows: Sequence[Row]) -> list[str]:
    """The result for a terminal."""
    lines = ["model       answered  failed  seconds   per s  median ms  95 % ms   max ms  most in line"]
    for row in ranked(rows):
        times = "".join(
            f"{'-' if ms is None else f'{ms:.0f}':>{width}}"
            for ms, width in ((row.p50_ms, 11), (row.p95_ms, 9), (row.max_ms, 9))
        )
        lines.append(
            f"{row.model:<10}{row.done:>10}{row.failed:>8}{row.seconds:>9.1f}{row.requests_per_second:>8.1f}"
            f"{times}{row.most_in_line:>14}" + ("" if row.finished else "  not finished")
        )
    return lines
