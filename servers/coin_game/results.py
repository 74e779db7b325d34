"""What a run of the coin game's client found, as it is shown and stored. No socket, no clock."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from servers.coin_game.protocol import ASKS, HIT, NICE
from servers.kit import escapes
from servers.kit.words import some


class OutOfStep(msgspec.Struct, frozen=True):
    """The first recv() of the naive reader that returned something else than it takes for granted."""

    round: Annotated[int, Meta(description="the guess before it was this round's; 0: the greeting")]
    got: Annotated[str, Meta(description="what recv() returned, escaped")]
    wanted: Annotated[str, Meta(description="what it should have been, escaped")]
    words: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How the game went, and what it took. ``error`` is empty where the reader did what was asked."""

    summary: str
    won: Annotated[bool, Meta(description="the flag was read")]
    flag: str
    rounds: Annotated[int, Meta(description="guesses sent")]
    right: Annotated[int, Meta(description="verdicts read that say so")]
    out_of_step: OutOfStep | None
    joined: Annotated[int, Meta(description="recv()s that returned bytes of more than one message")]
    cut: Annotated[int, Meta(description="recv()s that ended within a message")]
    recv_calls: int
    send_calls: int
    received: Annotated[int, Meta(description="bytes")]
    sent: Annotated[int, Meta(description="bytes")]
    seconds: Annotated[float, Meta(description="from the first guess to the end")]
    seed: Annotated[int | None, Meta(description="the announced second; null: it was not found")] = None
    note: Annotated[str, Meta(description="what else there is to say")] = ""
    error: str = ""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one guess by hand, or how things stand. ``hint`` is the toss, once one asked for it."""

    round: Annotated[int, Meta(description="that is to be guessed next; over: the last one")]
    rounds: Annotated[int, Meta(description="right guesses that win")]
    guess: Annotated[str, Meta(description="what was sent; empty: nothing")] = ""
    toss: Annotated[str, Meta(description="what the seed says of that round; empty: not known")] = ""
    right: Annotated[bool | None, Meta(description="the server's verdict; null: none was read")] = None
    came: Annotated[list[str], Meta(description="what each recv() returned since the last answer, escaped")]
    recv_calls: int
    over: bool = False
    flag: str = ""
    note: str = ""
    hint: str = ""
    why: str = ""


def escaped(data: bytes, limit: int = 600) -> str:
    r"""Bytes as text on one line: ``Nice job, go on.\n``; of very many the first ``limit``."""
    return escapes.escaped(data[:limit]) + ("…" if len(data) > limit else "")


def missed_step(round: int, asked: int, got: bytes, wanted: bytes) -> OutOfStep:
    """What went wrong, in words; ``round`` 0 is the greeting. ``asked`` is what recv() was called with."""
    where = f"After the guess of round {round}" if round else "Of the greeting"
    words = f"{where} recv({asked}) returned «{escaped(got)}». "
    if not round:
        words += "The reader takes it for all of it, up to the first prompt: the rest came later."
    elif got == wanted[: len(got)] and len(got) < asked and NICE in got[-len(NICE) - 1 :]:
        words += "The reader takes it for the verdict with the next prompt: the prompt came later. "
        words += "It sends the next guess before it is asked for, and the one after that too early still."
    elif len(got) == asked:
        words += f"It was asked for {asked} bytes at the most: the rest stays for the next recv()."
    elif wanted.startswith(got):
        words += "That is a part of what it should be: the rest came later."
    elif NICE not in got and ASKS in got:
        words += "There is a prompt in it, and no verdict: that had come before, by itself."
    elif got.count(NICE) > 1:
        words += "There are several verdicts in it: the reader takes them for one."
    elif HIT in wanted:
        words += "The flag came later, and nobody reads it any more."
    else:
        words += "That is something else than it takes it for."
    return OutOfStep(round, escaped(got), escaped(wanted), words)


def verdict(
    *, won: bool, flag: str, right: int, rounds: int, seconds: float, error: str, lost: bool, asked: int,
    stepped: bool,
) -> str:  # fmt: skip
    """The run in one sentence. ``asked``: how many rounds were to be played, 0 is to the end.

    ``stepped``: the reader fell out of step, so that the server may have been in another round.
    """
    took = f"in {seconds:,.3f} s"
    if won:
        whole = "The flag is" if flag.endswith("}") or "{" not in flag else "Of the flag only this was read:"
        return f"Won: {some(right, 'round')} {took}. {whole} {flag}."
    if lost and stepped:
        after = some(rounds, "guess", "guesses")
        return f"Lost after {after}, {took}: the server's last word was Wrong."
    if lost:
        return f"Guessed wrong in round {rounds:,}, after {seconds:,.3f} s."
    if error and not rounds:
        return f"Ended before the first guess. {error}"
    if error:
        return f"Ended in round {rounds:,}, after {seconds:,.3f} s. {error}"
    if asked and right >= asked:
        return f"Played {some(right, 'round')} {took}, all right, and hung up."
    if rounds and right == rounds:
        played = some(rounds, "round")
        return f"All {played} {took} were right, but no flag was read: it came after the last recv()."
    return f"Sent {rounds:,} guesses {took}, and read no flag."
