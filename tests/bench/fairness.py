"""Fairness: thirty students press the button together, ten pings each."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.bench.figures import Figure, median
from tests.bench.running import Dashboard, eventually

PERSONS = 30
PINGS = 10


def run(quick: bool) -> list[Figure]:
    """Let a class press the button, and wait until the last has an answer."""
    spans, waits = [], []
    with Dashboard() as board:
        made = board.create(loss=0.0)
        people = [board.join(f"Student {number}") for number in range(PERSONS)]
        for _ in range(1 if quick else 3):
            span, slowest = press(board, made["id"], people)
            spans.append(span)
            waits.append(slowest)
    return [
        median(f"{PERSONS} persons, {PINGS} pings each, until all are answered", spans, "s", at_most=60),
        median("… the longest wait in the queue", waits, "s"),
    ]


def press(board: Dashboard, id: str, people: list[dict[str, str]]) -> tuple[float, float]:
    """Seconds from the first press to the last answer, and the longest wait of one person."""
    gate = threading.Barrier(len(people) + 1)
    answers: list[Any] = []

    def person(headers: dict[str, str]) -> None:
        gate.wait()
        answers.append(board.api("POST", f"/instances/{id}/requests?wait=1", {"count": PINGS}, headers))

    threads = [threading.Thread(target=person, args=(headers,)) for headers in people]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    eventually(lambda: len(answers) == len(people), "an answer for each person")
    span = time.perf_counter() - began
    for answer in answers:
        if answer["state"] != "done" or answer["result"]["received"] != PINGS:
            raise RuntimeError(f"a request was not answered: {str(answer)[:500]}")
    return span, max(answer["started"] - answer["created"] for answer in answers)
