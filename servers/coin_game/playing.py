"""A game from the client's side: guess, read, guess, read, with either reader."""

from __future__ import annotations

import time

from servers.coin_game.events import CoinOutOfStep
from servers.coin_game.framed import Framed
from servers.coin_game.guessing import Guesser
from servers.coin_game.naive import NICE_WORDS, WRONG_WORDS, Naive
from servers.coin_game.protocol import ASKS, MOST_ROUNDS, ROUNDS, flag_in, rounds_in
from servers.coin_game.results import Result, escaped, verdict
from servers.coin_game.wire import Broken, Wire
from servers.kit.errors import ProtocolError
from servers.kit.report import now


class Game:
    """What is known of the game so far. ``error`` says why it could not go on."""

    def __init__(self, wire: Wire, reader: Naive | Framed) -> None:
        self.wire, self.reader, self.request = wire, reader, wire.request
        self.guesser: Guesser | None = None
        self.promised = ROUNDS
        self.number = self.right = 0
        self.lost = False
        self.flag = self.error = ""
        self._told = False
        self._began, self._seconds = time.perf_counter(), 0.0

    @property
    def done(self) -> bool:
        """Whether it went as asked: the flag was read, or so many rounds were right."""
        return bool(self.flag) or 0 < self.request.rounds <= self.right

    def play(self) -> None:
        """To the flag, to as many rounds as were asked for, or until it goes wrong."""
        try:
            self.begin()
            for _ in range(self._limit()):
                if self.reader.over:
                    break
                if self.request.delay:
                    time.sleep(self.request.delay / 1000)
                self.turn(self.guesser.guess(self.number + 1) if self.guesser else "1")
        except (Broken, ProtocolError) as trouble:
            self.error = str(trouble)

    def begin(self) -> None:
        """Read the greeting, and get ready to guess. Raises Broken or ProtocolError."""
        text = self.reader.greeting()
        self._tell()
        if self.reader.over:
            self.error = self._closed(text)
            return
        self.promised = rounds_in(text)
        try:
            self.guesser = Guesser(self.request, text, now())
        except ProtocolError as problem:
            raise ProtocolError(f"{problem} What came: «{escaped(text[-200:])}».") from None
        self._began = time.perf_counter()

    def turn(self, guess: str) -> bytes:
        """Send one guess, and read what the reader takes for the answer. Raises Broken or ProtocolError."""
        self.number += 1
        try:
            self.wire.send(guess.encode() + b"\n")
            text = self.reader.answer(self.number, self.number >= self.promised)
        finally:
            self._seconds = time.perf_counter() - self._began
        self.heard(text)
        return text

    def heard(self, text: bytes) -> None:
        """What came: verdicts, a prompt, the flag."""
        self.right += text.count(NICE_WORDS)
        self.lost = self.lost or WRONG_WORDS in text
        self.flag = self.flag or flag_in(text)
        if not self._told:
            self._tell()
        if self.reader.over and not self.flag and not self.lost:
            self.error = self._closed(text)

    def result(self) -> Result:
        """How it went."""
        wire, error = self.wire, self.error
        return Result(
            summary=verdict(
                won=bool(self.flag), flag=self.flag, right=self.right, rounds=self.number, lost=self.lost,
                seconds=self._seconds, error=error, asked=self.request.rounds,
                stepped=self.reader.out_of_step is not None,
            ),
            won=bool(self.flag), flag=self.flag, rounds=self.number, right=self.right,
            out_of_step=self.reader.out_of_step, joined=wire.joined, cut=wire.cut,
            recv_calls=wire.recv_calls, send_calls=wire.send_calls, received=wire.received, sent=wire.sent,
            seconds=round(self._seconds, 6), seed=self.guesser.seed if self.guesser else None,
            note=self._note(), error="" if self.done or self.lost else error,
        )  # fmt: skip

    def _limit(self) -> int:
        """The naive reader counts on what was promised; the framed one sees when no prompt comes."""
        most = self.promised if isinstance(self.reader, Naive) else MOST_ROUNDS
        return min(self.request.rounds or most, most)

    def _tell(self) -> None:
        found = self.reader.out_of_step
        if found and not self._told:
            self._told = True
            self.wire.report.emit(
                CoinOutOfStep(
                    t=now(), conn=self.wire.conn, peer=self.wire.where, round=found.round, got=found.got,
                    wanted=found.wanted,
                )
            )  # fmt: skip

    def _closed(self, text: bytes) -> str:
        """Why the game could not go on: the server has closed."""
        if self.number:
            return "The server closed the connection."
        if ASKS not in text:
            return f"The server closed the connection without asking. It had said «{escaped(text, 120)}»."
        return (
            f"The server closed the connection. In {len(text)} bytes the reader found no prompt, for it "
            f"believes in the framing {self.request.framing}: it did not guess."
        )

    def _note(self) -> str:
        words = []
        if self.reader.strange:
            words.append(
                "The reader takes all bytes for text, and there are others among them: "
                f"«{escaped(self.reader.strange)}». The server marks where its messages end."
            )
        if self.flag and self.reader.full:
            words.append(
                f"The last recv({self.request.read}) was full: the flag's end may have stayed behind, unread."
            )
        return " ".join(words)
