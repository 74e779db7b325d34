"""What the coin game's programs report beside the shared kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from servers.kit.events import Event

Ending = Literal["won", "wrong", "timeout", "left", "refused"]
ENDINGS: dict[Ending, str] = {
    "won": "won", "wrong": "guessed wrong", "timeout": "fell silent", "left": "left",
    "refused": "was turned away",
}  # fmt: skip


class CoinGameStarted(Event, frozen=True, kw_only=True):
    """A game begins. The coin is seeded with the announced second: whoever knows it knows all tosses."""

    conn: str
    peer: str
    seed: Annotated[int, Meta(description="the announced second, since 1970")]
    rounds: Annotated[int, Meta(description="right guesses that win")]
    framing: str = "article"

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} begins a game of {self.rounds} rounds, coin seeded with {self.seed}"


class CoinRound(Event, frozen=True, kw_only=True):
    """A guess met the coin."""

    conn: str
    peer: str
    round: int
    guess: Annotated[str, Meta(description="what recv(8) returned, without white space at its ends")]
    toss: Literal["0", "1"]
    right: bool

    def line(self) -> str:
        """The event in words."""
        words = "right" if self.right else "wrong"
        return f"{self.peer} round {self.round}: guesses {self.guess or 'nothing'}, coin {self.toss}: {words}"


class CoinGuessesGlued(Event, frozen=True, kw_only=True):
    """Guesses that left the client one by one came in one recv(): the server takes them for one."""

    conn: str
    peer: str
    round: int
    guesses: Annotated[int, Meta(description="how many came in it")]
    got: Annotated[str, Meta(description="what recv(8) returned, escaped")]

    def line(self) -> str:
        """The event in words."""
        return (
            f"{self.peer} round {self.round}: recv(8) returned {self.guesses} guesses at once, «{self.got}». "
            "A stream has no boundaries: they are taken for one, and that is wrong"
        )


class CoinGameEnded(Event, frozen=True, kw_only=True):
    """A game is over, and how."""

    conn: str
    peer: str
    ending: Ending
    rounds: Annotated[int, Meta(description="the round that it was in; won: all of them")]
    right: Annotated[int, Meta(description="right guesses")]
    seconds: Annotated[float, Meta(description="how long the connection was open")]
    silence: Annotated[float, Meta(description="seconds that nothing came, where that ended it")] = 0.0

    def line(self) -> str:
        """The event in words."""
        where = "" if self.ending == "refused" else f" in round {self.rounds}"
        long = f" for {self.silence:g} s" if self.silence else ""
        return f"{self.peer} {ENDINGS[self.ending]}{long}{where}, after {self.seconds:.3f} s"


class CoinOutOfStep(Event, frozen=True, kw_only=True):
    """The naive reader's recv() returned something else than it takes for granted. Told by the client."""

    conn: str
    peer: str
    round: Annotated[int, Meta(description="the guess before it was this round's; 0: the greeting")]
    got: Annotated[str, Meta(description="what recv() returned, escaped")]
    wanted: Annotated[str, Meta(description="what the reader takes it for, escaped")]

    def line(self) -> str:
        """The event in words."""
        where = f"after the guess of round {self.round}" if self.round else "in the greeting"
        return f"the reader is out of step {where}: recv() returned «{self.got}», not «{self.wanted}»"
