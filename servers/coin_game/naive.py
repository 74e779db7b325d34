"""The naive reader: one recv() per round; what it returns is taken for the verdict and the next prompt.

That is how the article's client reads. It works as long as the bytes come in the portions that it takes for
granted; nothing in TCP says that they do. It does not notice when they do not: `step` does, for the lesson.
"""

from __future__ import annotations

import time

from servers.coin_game.framing import Framer
from servers.coin_game.protocol import ASKS, GREETING, HIT, NICE, WRONG, prompt, round_in
from servers.coin_game.results import OutOfStep, missed_step
from servers.coin_game.wire import Wire

NICE_WORDS, WRONG_WORDS = NICE.strip(), WRONG.strip()


class Naive:
    """Reads without looking. ``out_of_step`` is the first time that this went wrong."""

    def __init__(self, wire: Wire) -> None:
        self.wire, self.over = wire, False
        self.out_of_step: OutOfStep | None = None
        self.strange = b""
        """A recv() in step, but with bytes in it that no message has: marks of a framing not believed in."""
        self.full = False
        """Whether the last recv() returned as much as it was asked for: there may have been more."""
        self._framer = Framer(wire.request.framing, wire.request.delimiter_byte)

    def greeting(self) -> bytes:
        """Wait, then one recv(512)."""
        time.sleep(self.wire.request.pause / 1000)
        data = self.wire.recv_raw(GREETING)
        if data and ASKS not in data:
            self.out_of_step = missed_step(0, GREETING, data, b"the greeting up to " + ASKS)
        self.over = not data
        return data

    def answer(self, number: int, last: bool) -> bytes:
        """One recv(), after the guess of round ``number``."""
        asked = self.wire.request.read
        data = self.wire.recv_raw(asked)
        self.full = len(data) == asked
        self.over = not data or WRONG_WORDS in data or HIT in data
        if not self.out_of_step and data and WRONG_WORDS not in data:
            nice = self._framer.mark(NICE)
            wanted = nice + (self._framer.mark(HIT) if last else self._framer.mark(prompt(number + 1)))
            if last:
                right = NICE_WORDS in data and HIT in data
            else:
                right = data == wanted or self._in_step(data, number + 1)
            if not right:
                self.out_of_step = missed_step(number, asked, data, wanted)
            elif not last and data != wanted:
                self.strange = self.strange or data
        return data

    @staticmethod
    def _in_step(data: bytes, next: int) -> bool:
        """Whether it is one verdict and the next prompt, with marks perhaps that the reader does not know."""
        parts = data.partition(NICE_WORDS)
        return (
            bool(parts[1]) and NICE_WORDS not in parts[2] and ASKS in parts[2] and round_in(parts[2]) == next
        )
