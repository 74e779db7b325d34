"""The upper-case client: connects, sends a text, and reads until the answer is whole or the server closes.

Run it alone:   python -m servers.tcp_upper.client 127.0.0.1 12000 "hello world"
                python -m servers.tcp_upper.client 127.0.0.1 12000 --slice 4 --gap 50 --read 8
                python -m servers.tcp_upper.client unix:/tmp/upper.sock "hello world"

talk.py has the socket and its calls, from socket() to close(). Here is what runs one of them, or many at
once, each in a thread, and what is said at the end.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter

from servers.kit.command import run_client
from servers.kit.family import reachable
from servers.kit.report import Report
from servers.tcp_upper.lab import LAB
from servers.tcp_upper.request import Request
from servers.tcp_upper.results import Outcome, Result, all_in_words, faults_of, one_in_words, readable
from servers.tcp_upper.talk import Talk

LAST_S = 1.0
"""Seconds that connections have to end in, once they were told to."""


def ask(host: str, port: int, request: Request, report: Report) -> int:
    """Talk on one connection or on many at once, and tell. Exit code 0 if all that was expected came."""
    where = reachable(host, port, socket.SOCK_STREAM)
    talks = [Talk(where, request, report) for _ in range(request.connections)]
    try:
        if len(talks) == 1:
            talks[0].run()
        else:
            all_at_once(talks)
    except KeyboardInterrupt:
        for talk in talks:
            talk.stop.set()
    result = of_one(talks[0]) if len(talks) == 1 else of_many(talks, report)
    report.say(result.summary)
    if result.matches and len(talks) == 1:
        report.say(result.text)
    report.result(result)
    return 1 if result.error else 0


def all_at_once(talks: list[Talk]) -> None:
    """Each in a thread of its own."""
    threads = [threading.Thread(target=talk.run, daemon=True) for talk in talks]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        for talk in talks:
            talk.stop.set()
        end = time.monotonic() + LAST_S
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def of_one(talk: Talk) -> Result:
    """What came of the only connection."""
    words = one_in_words(
        talk.sent, talk.send_calls, len(talk.answer), talk.recv_calls, talk.ended or "stopped", talk.ms
    ) + faults_of(bytes(talk.answer), talk.expected)
    return Result(
        summary=words if talk.connected_ms is not None else talk.error or "Stopped.",
        text=readable(bytes(talk.answer)), matches=matches(talk), sent=talk.sent, received=len(talk.answer),
        send_calls=talk.send_calls, recv_calls=talk.recv_calls, ended=talk.ended, error=talk.error,
        total_ms=talk.ms, calls=talk.calls, connections=[outcome(1, talk)],
    )  # fmt: skip


def of_many(talks: list[Talk], report: Report) -> Result:
    """What came of each, and of all together."""
    outcomes = [outcome(number, talk) for number, talk in enumerate(talks, 1)]
    for each in outcomes:
        report.say(f"{each.number:4}  {in_line(each)}")
    first = next((talk for talk in talks if talk.answer), talks[0])
    return Result(
        summary=all_in_words([talk.kind for talk in talks], max(talk.ms for talk in talks)),
        text=readable(bytes(first.answer)), matches=matches(first), sent=sum(talk.sent for talk in talks),
        received=sum(len(talk.answer) for talk in talks), send_calls=sum(talk.send_calls for talk in talks),
        recv_calls=sum(talk.recv_calls for talk in talks), ended=first.ended,
        error=troubles(talks), total_ms=max(talk.ms for talk in talks), calls=[],
        connections=outcomes,
    )  # fmt: skip


def troubles(talks: list[Talk]) -> str:
    """Each error once, the commonest first, and how many connections met it."""
    found = Counter(talk.error for talk in talks if talk.error).most_common(3)
    if [many for _, many in found] == [1]:
        return found[0][0]
    return " ".join(f"{error} So for {many} of {len(talks)}." for error, many in found)


def matches(talk: Talk) -> bool:
    """Whether all of the text came back, in upper case."""
    return bool(talk.expected) and talk.answer == talk.expected


def outcome(number: int, talk: Talk) -> Outcome:
    """One connection's row."""
    return Outcome(
        number=number, outcome=talk.kind, connected_ms=talk.connected_ms, answered_ms=talk.answered_ms,
        ended=talk.ended, received=len(talk.answer), own=talk.own,
    )  # fmt: skip


def in_line(row: Outcome) -> str:
    """One connection's row for a terminal."""
    times = [
        f"{word} after {ms:,.1f} ms"
        for word, ms in (("connected", row.connected_ms), ("answered", row.answered_ms))
        if ms is not None
    ]
    return ", ".join([row.outcome, *times, row.ended])


if __name__ == "__main__":
    run_client(LAB, ask)
