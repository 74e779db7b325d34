"""What one may tell the simulated clients by hand: ``silence 2``, ``wake all``. Pure.

silence N      it says nothing, and its numbers stand still: a program that hangs
unplug N       it sends on, and nothing arrives: a cable that is out. Its numbers go on
wake N         it sends again
restart N      it begins again with SEQ 1, on the same socket
stop N         it ends its socket; wake or restart starts it on a new one
slow N S       from now on S seconds from one heartbeat to the next
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from servers.kit.errors import SettingError

Verb = Literal["silence", "unplug", "wake", "restart", "stop", "slow"]

VERBS: tuple[Verb, ...] = ("silence", "unplug", "wake", "restart", "stop", "slow")
HINT = "Say «silence 2», «wake all», «unplug 1», «restart 3», «stop 2» or «slow 2 1.5»."
FASTEST, SLOWEST = 0.001, 60.0


class Order(msgspec.Struct, frozen=True):
    """Who is to do what. ``numbers`` are those of the clients; ``interval`` in seconds, for slow."""

    verb: Verb
    numbers: tuple[int, ...]
    interval: float = 0.0


def read_order(text: str, clients: int) -> Order:
    """The order in a line of words, for ``clients`` clients. Raises SettingError."""
    words = text.lower().split()
    if not words:
        raise SettingError("There is nothing to do.", hint=HINT)
    verb = next((known for known in VERBS if known == words[0]), None)
    if verb is None:
        raise SettingError(f"«{words[0][:20]}» is no order.", hint=HINT)
    if verb == "slow" and len(words) < 3:
        raise SettingError("slow needs a client and seconds.", hint="Say «slow 2 1.5», or «slow all 1.5».")
    if len(words) > (3 if verb == "slow" else 2):
        raise SettingError(f"There are more words than {verb} takes.", hint=HINT)
    numbers = _numbers(words[1] if len(words) > 1 else "", clients)
    return Order(verb, numbers, _interval(words[2]) if verb == "slow" else 0.0)


def _numbers(word: str, clients: int) -> tuple[int, ...]:
    if word == "all" or (not word and clients == 1):
        return tuple(range(1, clients + 1))
    if word.isascii() and word.isdigit() and len(word) < 4 and 1 <= int(word) <= clients:
        return (int(word),)
    who = f"«{word[:20]}» is no client." if word else "Which client?"
    last = "1" if clients == 1 else f"from 1 to {clients}"
    raise SettingError(who, hint=f"Give a number {last}, or all.".replace("number 1,", "1"))


def _interval(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = math.nan
    if not FASTEST <= seconds <= SLOWEST:
        raise SettingError(
            f"«{word[:20]}» is no interval.", hint=f"Give seconds from {FASTEST} to {SLOWEST:g}."
        )
    return seconds
