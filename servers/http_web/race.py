"""The race: the same load against several models of concurrency at once.

It starts a real server for each model, as a process of its own that ends with this one, and
is the clients of all of them. A client stands in line when it has asked, but its connection
waits in the backlog: the servers tell how many connections they have accepted.

Run it alone:   python -m servers.http_web.race --models iterative,threads --clients 10
"""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import time

from servers.http_web.lab import LAB
from servers.http_web.race_events import RaceFinished, RaceStarted, RaceTick
from servers.http_web.race_load import Lane
from servers.http_web.race_servers import Server, start, until
from servers.http_web.race_settings import RaceRequest, RaceResult, Row
from servers.http_web.race_words import head, line, ranked, table, verdict
from servers.http_web.settings import Settings
from servers.kit.command import run_tool
from servers.kit.errors import SettingError
from servers.kit.report import Report, now

TICK = 0.2
"""Seconds between two looks at how all stand."""
DRIP = 1.0
"""Seconds between two bytes of a slow client."""
SPARE_FILES = 64
"""Open files beside those of the clients."""


def race(request: RaceRequest, report: Report) -> int:
    """Run the race, tell it, and print it. Exit code 1 if no model answered anything."""
    make_room(len(request.chosen) * (request.clients + request.slow) + SPARE_FILES)
    with contextlib.ExitStack() as stack:
        report.say(f"Starting {len(request.chosen)} servers.")
        servers = start(request.chosen, request, stack)
        found = Race(request, servers, report, stack)
        try:
            found.prepare()
            found.run()
        except KeyboardInterrupt:
            found.reason = "stopped"
        found.last_look()
        result = found.result()
        report.emit(RaceFinished(t=now(), reason=result.reason, verdict=result.verdict))
        for words in ("", *table(result.rows), "", result.verdict):
            report.say(words)
        report.result(result)
    return 0 if any(row.done for row in result.rows) else 1


def make_room(files: int) -> None:
    """Let this program and its servers have so many files open; a socket is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return
    if hard != resource.RLIM_INFINITY and hard < files:
        raise SettingError(
            f"This machine lets a program have {hard} files open, and the race needs {files}.",
            field="clients", hint="Take fewer clients, fewer slow ones, or fewer models.",
        )  # fmt: skip
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


class Contest:
    """One model in the race: its server, its clients, and what was worst."""

    def __init__(self, server: Server, lane: Lane, slow: int) -> None:
        self.server, self.lane, self._slow = server, lane, slow
        self.most_in_line = self.at_once = 0
        self.told = False  # its last tick

    def look(self) -> tuple[int, int]:
        """Clients that wait for an answer, and those of them that stand in line."""
        waiting = self.lane.waiting
        served = max(0, self.server.open - self._slow)  # the slow ones came first
        in_line = max(0, waiting - served)
        self.most_in_line = max(self.most_in_line, in_line)
        self.at_once = max(self.at_once, min(served, waiting))
        return waiting, in_line


class Race:
    """All models, one loop, one clock."""

    def __init__(
        self, request: RaceRequest, servers: list[Server], report: Report, stack: contextlib.ExitStack
    ) -> None:
        self.request, self.report = request, report
        self.selector = stack.enter_context(selectors.DefaultSelector())
        self.contests = []
        for server in servers:
            assert server.address  # for the type checker: it listens
            lane = Lane(server.model, server.address, self.selector, request.keep_alive)
            stack.callback(lane.close)
            self.contests.append(Contest(server, lane, request.slow))
        self.began = self.now = time.monotonic()
        self.reason = "all have finished"

    def prepare(self) -> None:
        """Wait until each serves, and let the slow clients come first."""
        for contest in self.contests:
            _try_out(contest.server)
        for contest in self.contests:
            contest.lane.slow(self.request.slow)
        until(lambda: all(c.server.open >= min(self.request.slow, c.server.places) for c in self.contests))
        for contest in self.contests:
            contest.lane.drip()

    def run(self) -> None:
        """Load all servers until each has answered everything, or the time is over."""
        request = self.request
        for contest in self.contests:
            contest.lane.start(request.clients, request.requests)
        self.report.emit(
            RaceStarted(
                t=now(), models=request.chosen, clients=request.clients, requests=request.requests,
                delay=request.delay, slow=request.slow, keep_alive=request.keep_alive, limit=request.seconds,
                workers=Settings().workers,
            )
        )  # fmt: skip
        self.report.say(head(request.chosen))
        self.began = time.monotonic()
        tick, drip, ticks = self.began + TICK, self.began + DRIP, 0
        while not all(contest.told for contest in self.contests):
            self._turn(min(tick, drip))
            if self.now >= drip:
                drip += DRIP
                for contest in self.contests:
                    contest.lane.drip()
            if self.now >= tick or all(contest.lane.finished for contest in self.contests):
                tick, ticks = self.now + TICK, ticks + 1
                self._tell(ticks)
            if self.now - self.began >= request.seconds:
                self.reason = "the time was over"
                return

    def _turn(self, until_: float) -> None:
        """What the kernel says is ready, and who begins anew."""
        wait = 0.0 if any(contest.lane.next for contest in self.contests) else max(0.0, until_ - self.now)
        for key, mask in self.selector.select(wait):
            key.data.ready(mask, time.monotonic())
        self.now = time.monotonic()
        for contest in self.contests:
            contest.lane.turn(self.now)

    def _tell(self, ticks: int) -> None:
        """A tick for each model that has not had its last."""
        standing = []
        for contest in self.contests:
            lane = contest.lane
            waiting, in_line = contest.look()
            standing.append((lane.done, self.request.clients * self.request.requests, in_line))
            if not contest.told:
                contest.told = lane.finished is not None
                self.report.emit(self._tick(contest, waiting, in_line))
        if ticks % 5 == 0 or all(contest.told for contest in self.contests):
            self.report.say(line(self.now - self.began, standing))

    def _tick(self, contest: Contest, waiting: int, in_line: int) -> RaceTick:
        row = self._row(contest)
        return RaceTick(
            t=now(), model=row.model, seconds=row.seconds, waiting=waiting, in_line=in_line, done=row.done,
            failed=row.failed, rate=row.requests_per_second, p50_ms=row.p50_ms, p95_ms=row.p95_ms,
            max_ms=row.max_ms, finished=row.finished,
        )  # fmt: skip

    def _row(self, contest: Contest) -> Row:
        lane = contest.lane
        seconds = (self.now if lane.finished is None else lane.finished) - self.began
        times = lane.latencies
        return Row(
            model=lane.model, finished=lane.finished is not None, done=lane.done, failed=lane.failed,
            seconds=round(seconds, 3), requests_per_second=round(lane.done / max(seconds, 1e-3), 1),
            p50_ms=times.percentile(0.5), p95_ms=times.percentile(0.95),
            max_ms=round(times.longest * 1000, 2) if times.count else None,
            most_in_line=contest.most_in_line, at_once=contest.at_once,
        )  # fmt: skip

    def last_look(self) -> None:
        """Tell how those stand whose race was cut short."""
        self.now = time.monotonic()
        for contest in self.contests:
            if contest.lane.clients and not contest.told:
                self.report.emit(self._tick(contest, *contest.look()))

    def result(self) -> RaceResult:
        """How all have fared."""
        rows = ranked([self._row(contest) for contest in self.contests])
        return RaceResult(verdict=verdict(self.request, rows), reason=self.reason, rows=rows)


def _try_out(server: Server) -> None:
    """Connect as often as it has workers, until it has accepted all: they are up. Then leave."""
    count = server.places if server.places <= 32 else 1
    assert server.address  # for the type checker: it listens
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(server.address))
        until(lambda: server.open >= count)
    until(lambda: server.open == 0)


if __name__ == "__main__":
    run_tool(LAB, "race", race)
