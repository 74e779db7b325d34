"""What the coin game says, byte for byte. No socket, no clock, no coin.

The server greets (a banner, its time, three texts), then each round asks with a prompt, takes one guess, and
answers with a verdict. After the last round the flag follows, and the connection ends. Nothing on the wire
says where a message ends: the prompt has no line end, the flag none either. `framing.py` has ways to say it.
"""

from __future__ import annotations

import re

from servers.kit.errors import ProtocolError

PORT = 55554
ROUNDS = 1000
MOST_ROUNDS = 100_000
GREETING = 512
"""Bytes up to the first prompt's end at the most: the article's client reads them with one recv(512)."""
READ = 64
"""What the article's client asks for in each round."""
GUESS = 8
"""What the server asks for when it takes a guess."""
FLAG = "CCTF{no_message_boundary}"
"""Short enough to fit, with the last verdict before it, into READ."""

BANNER = b"""\
   .-~~~-.
  /  ___  :     C O I N   G A M E
 |  | 1 |  |    one second, one seed,
  :  ~~~  /     all the tosses
   '-...-'"""
WELCOME = (
    b"Welcome to CCTF final battle.\n\n"
    b"I think you are good at programing, so let's play coin game.\n"
)  # fmt: skip
RULES = b"Rules: just guess positive(1) or negative(0) of coin status in each round.\n\n"
NICE = b"Nice job, go on.\n"
WRONG = b"Wrong :(\n"
ASKS = b"guess:"
"""The end of every prompt."""
HIT = b"You hit it! Flag is "
"""What stands before the flag."""

_TIME = re.compile(rb"time: \[([^\]]{1,40})\]")
_ROUND = re.compile(rb"Round ([0-9]{1,6})")


def greeting(stamp: str, rounds: int) -> tuple[bytes, ...]:
    """What comes before the first prompt, one entry a message. ``stamp`` is the server's asctime()."""
    promise = f"I will print flag to you, if you guess all status in {rounds} rounds. :)\n\n"
    return (BANNER + b"\n\n", f"Server time: [{stamp}]\n\n".encode(), WELCOME, RULES, promise.encode())


def prompt(number: int) -> bytes:
    """What asks for the guess of round ``number``, from 1. Nothing follows the colon."""
    return b"::::: Round %d :::::\nguess:" % number


def prize(flag: str) -> bytes:
    """What the winner gets. No line end: the close ends it."""
    return HIT + flag.encode()


def stamp_in(data: bytes) -> str:
    """The server's time in its greeting. Raises ProtocolError if it is not there, or not whole."""
    found = _TIME.search(data)
    if not found:
        raise ProtocolError("The server's time is not in the greeting.")
    return found[1].decode("ascii", "replace")


def round_in(data: bytes) -> int | None:
    """The number of the last round that is announced in ``data``."""
    found = _ROUND.findall(data)
    return int(found[-1]) if found else None


def flag_in(data: bytes) -> str:
    """What stands behind the winner's words; "" if they are not there."""
    _, hit, flag = data.partition(HIT)
    return flag.decode("utf-8", "backslashreplace").rstrip("\0\r\n") if hit else ""


def glued(data: bytes) -> int:
    """How many guesses stand in what one recv() returned: 2 for ``b"1\\n0\\n"``. 0: it is something else."""
    digits = bytes(byte for byte in data if byte in b"01")
    rest = bytes(byte for byte in data if byte not in b"01\r\n\t \0")
    return 0 if rest else len(digits)


def rounds_in(data: bytes) -> int:
    """How many rounds the server promises the flag for; 1000, the article's, where it does not say."""
    found = re.search(rb"in ([0-9]{1,6}) rounds", data)
    return int(found[1]) if found else ROUNDS
