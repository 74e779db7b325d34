"""The game by hand: a person guesses, one round at a time, from the page or at a terminal."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

from servers.coin_game.coin import Coin
from servers.coin_game.playing import Game
from servers.coin_game.results import Turn, escaped
from servers.coin_game.wire import Broken
from servers.kit.errors import ProtocolError, SettingError
from servers.kit.keyboard import typed
from servers.kit.report import Report

LOOK_S = 0.05
"""Seconds between two looks at whether the server has hung up."""
SIDES = {"0": "tails", "1": "heads"}


class Hand:
    """A game by hand. ``take`` and ``watch`` are called from two threads."""

    def __init__(self, game: Game, report: Report) -> None:
        self.game, self._say = game, report.say
        self._coin = Coin(game.guesser.coin.seed) if game.guesser and game.guesser.coin else None
        self._next = self._toss()
        self._lock = threading.Lock()
        self._came: list[str] = []
        self._show()

    def take(self, given: Any) -> Turn:
        """``{"text": "0"}`` or ``"1"`` guesses, ``"s"`` asks the seed; ``{}`` asks how things stand."""
        text = given.get("text") if isinstance(given, dict) else None
        if text is not None and text not in ("0", "1", "s"):
            raise SettingError("A guess is 0 for tails or 1 for heads; s shows what the seed says.")
        with self._lock:
            if text in ("0", "1"):
                if self.game.reader.over:
                    raise SettingError(f"The game is over. {self._ended()}".strip())
                return self._guess(text)
            return self._stands(asked=text == "s")

    def watch(self) -> None:
        """Until the game is over: the server may hang up while the person thinks."""
        while not self.game.reader.over:
            with self._lock:
                if not self.game.reader.over and self._hung_up():
                    self._end("The server closed the connection.")
            time.sleep(LOOK_S)
        time.sleep(3 * LOOK_S)  # the answer that told so is still on its way

    def stop(self) -> None:
        """The person has gone."""
        with self._lock:
            self.game.reader.over = True

    # -- with the lock held

    def _guess(self, guess: str) -> Turn:
        toss, before = self._next, self.game.right
        try:
            self._say(f"> {guess}")
            self.game.turn(guess)
        except (Broken, ProtocolError) as trouble:
            self._end(str(trouble))
        self._next = self._toss()
        right = True if self.game.right > before else False if self.game.lost else None
        return self._told(guess=guess, toss=toss, right=right)

    def _hung_up(self) -> bool:
        """Look without taking: what comes unasked belongs to the reader's next recv()."""
        try:
            return not socket.socket.recv(self.game.wire.sock, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _end(self, why: str) -> None:
        self.game.reader.over = True
        if not (self.game.flag or self.game.lost):
            self.game.error = self.game.error or why

    def _toss(self) -> str:
        return self._coin.toss() if self._coin else ""

    def _stands(self, asked: bool) -> Turn:
        why = ""
        if asked:
            known = self._next and f"the coin, seeded with the announced second, tosses {SIDES[self._next]}"
            why = known or "the greeting's time is not known: nobody can say"
        return self._told(hint=self._next if asked else "", why=why)

    def _told(
        self, *, guess: str = "", toss: str = "", right: bool | None = None, hint: str = "", why: str = "",
    ) -> Turn:  # fmt: skip
        game = self.game
        self._show()
        came, self._came = self._came, []
        return Turn(
            round=game.number + (not game.reader.over), rounds=game.promised, guess=guess, toss=toss,
            right=right, came=came, recv_calls=len(came), over=game.reader.over,
            flag=game.flag, note=self._ended() if game.reader.over else "", hint=hint, why=why,
        )  # fmt: skip

    def _show(self) -> None:
        """What came since, for the answer and the terminal: each recv() in brackets, to show the seams."""
        for data in map(escaped, self.game.wire.take_pieces()):
            self._came.append(data)
            self._say(f"[{data}]")

    def _ended(self) -> str:
        if self.game.flag:
            return f"You have won. The flag is {self.game.flag}."
        return "That was wrong: the server has hung up." if self.game.lost else self.game.error


def by_hand(game: Game, report: Report) -> None:
    """Until the game is over, or we are told to stop (KeyboardInterrupt)."""
    try:
        game.begin()
    except (Broken, ProtocolError) as trouble:
        game.error = str(trouble)
    if game.error:
        return
    hand = Hand(game, report)
    if report.audience == "dashboard":
        report.on_input(hand.take)
    else:
        report.say("Type 0 or 1 and Enter; s shows what the seed says; Ctrl-D ends.")
        threading.Thread(target=_typing, args=(hand, report), name="typing", daemon=True).start()
    hand.watch()


def _typing(hand: Hand, report: Report) -> None:
    """Guesses from the terminal, until it or the game ends."""
    for line in typed(lambda: hand.game.reader.over):
        text = line.decode(errors="replace").strip()
        if text and not hand.game.reader.over:
            _typed(hand, text, report)
    hand.stop()


def _typed(hand: Hand, text: str, report: Report) -> None:
    try:
        turn = hand.take({"text": text})
    except SettingError as error:
        report.say(f"   {error.message}")
        return
    for words in (turn.why, turn.note):
        if words:
            report.say(f"   {words}")
