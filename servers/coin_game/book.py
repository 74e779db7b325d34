"""What the coin game's server counts, exactly, and what it tells, as far as there is room."""

from __future__ import annotations

import itertools
import threading
import time

import msgspec

from servers.coin_game.events import (
    CoinGameEnded,
    CoinGameStarted,
    CoinGuessesGlued,
    CoinRound,
    Ending,
)
from servers.coin_game.framing import Framing
from servers.coin_game.protocol import glued
from servers.coin_game.settings import Counters
from servers.kit.events import ConnectionClosed, ConnectionOpened, Event, printable
from servers.kit.report import Report, now
from servers.kit.stream import Stream

BEYOND = 500
"""Events that may wait beyond the usual number: how a game begins and ends is told in a flood, too."""
COUNTED = {"won": "won", "wrong": "wrong", "timeout": "timeouts", "left": "left", "refused": "refused"}


class Book:
    """Counts and tells for all games; each has a thread of its own, and so a page of its own."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._totals: Counters = report.counters
        self._open: set[Page] = set()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        report.count_by(self.totals)

    def opened(self, peer: str, own: str) -> Page:
        """A connection was accepted."""
        page = Page(self, f"c{next(self._numbers)}", peer)
        with self._lock:
            self._open.add(page)
        self.tell(ConnectionOpened(t=now(), conn=page.conn, peer=peer, own=own))
        return page

    def closed(self, page: Page, ending: Ending) -> None:
        """A game is over: what its page counted goes to the totals."""
        with self._lock:
            self._open.discard(page)
            page.add_to(self._totals)
            setattr(self._totals, COUNTED[ending], getattr(self._totals, COUNTED[ending]) + 1)

    def totals(self) -> tuple[dict[str, int], int]:
        """The counters, those of games under way too, and how many events were left out."""
        with self._lock:
            whole = msgspec.structs.replace(self._totals)
            for page in self._open:
                page.add_to(whole)
            whole.playing = len(self._open)
        return msgspec.structs.asdict(whole), self.report.missed

    def tell(self, event: Event) -> None:
        """Tell what must not be left out."""
        if self.report.room or len(self.report.queue) >= self.report.waiting + BEYOND:
            self.report.emit(event)
        else:
            self.report.queue.append(event)


class Page:
    """One connection's counts, and what is told of it. ``stream`` has its bytes; ``ending`` how it went."""

    def __init__(self, book: Book, conn: str, peer: str) -> None:
        self.book, self.conn, self.peer = book, conn, peer
        self.stream = Stream(book.report, conn, peer)
        self.games = self.round = self.right = self.glued = self.sends = self.receives = 0
        self._began = time.perf_counter()

    def add_to(self, counters: Counters) -> None:
        """Add what was counted so far."""
        counters.games += self.games
        counters.rounds += self.right
        counters.glued += self.glued
        counters.sends += self.sends
        counters.receives += self.receives
        counters.bytes_in += self.stream.bytes_in
        counters.bytes_out += self.stream.bytes_out

    def started(self, seed: int, rounds: int, framing: Framing) -> None:
        """The second is announced."""
        self.games = 1
        self.book.tell(
            CoinGameStarted(
                t=now(), conn=self.conn, peer=self.peer, seed=seed, rounds=rounds, framing=framing
            )
        )

    def guessed(self, data: bytes, guess: bytes, toss: bytes) -> None:
        """What one recv() returned met the coin."""
        right = guess == toss
        self.receives += 1
        self.right += right
        report = self.book.report
        if not right and (count := glued(data)) > 1:
            self.glued += count
            self.book.tell(
                CoinGuessesGlued(
                    t=now(), conn=self.conn, peer=self.peer, round=self.round, guesses=count,
                    got=printable(data),
                )
            )  # fmt: skip
        if not report.room:
            report.missed += 1
            return
        report.emit(
            CoinRound(
                t=now(), conn=self.conn, peer=self.peer, round=self.round, guess=printable(guess),
                toss="1" if toss == b"1" else "0", right=right,
            )
        )  # fmt: skip

    def ended(self, ending: Ending, reason: str, silence: float = 0.0) -> None:
        """The game is over; the connection is closed after this."""
        seconds = round(time.perf_counter() - self._began, 6)
        self.book.closed(self, ending)
        self.book.tell(
            CoinGameEnded(
                t=now(), conn=self.conn, peer=self.peer, ending=ending, rounds=self.round, right=self.right,
                seconds=seconds, silence=silence,
            )
        )  # fmt: skip
        self.book.tell(
            ConnectionClosed(
                t=now(), conn=self.conn, peer=self.peer, bytes_in=self.stream.bytes_in,
                bytes_out=self.stream.bytes_out, seconds=seconds, reason=reason,
            )
        )  # fmt: skip
