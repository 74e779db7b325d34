"""The upper-case lab's messages: bytes in, values out. No socket, no clock.

A message is any datagram; the answer is its text in upper case, as kit/upper_case.py has it.
"""

from __future__ import annotations

from typing import Literal

from servers.kit.upper_case import answer

PORT = 12001
BUFFER = 2048
"""The size in the sheet's ``recvfrom(2048)``."""
MAX_DATAGRAM = 65507
"""Bytes in a UDP datagram over IPv4 at the most: 65,535 less 20 (IP) and 8 (UDP); RFC 768."""

Verdict = Literal["whole", "cut", "different"]


def judge(sent: bytes, reply: bytes) -> Verdict:
    """How ``reply`` answers ``sent``: whole, cut off by a buffer of either side, or not as it should."""
    right = answer(sent)[0]
    if reply == right:
        return "whole"
    if not reply or len(reply) > len(right):
        return "different"
    cut = right.startswith(reply) or reply in (sent[: len(reply)].upper(), _cut_there(sent, len(reply)))
    return "cut" if cut else "different"


def _cut_there(sent: bytes, size: int) -> bytes:
    """The answer of a server whose buffer took ``size`` bytes: the cut may go through a letter."""
    return answer(sent[:size])[0]


def messages(text: str, count: int, size: int) -> list[bytes]:
    """What a client sends: ``count`` datagrams, numbered if there are several, filled up to ``size`` bytes.

    The number stands in front, where no buffer cuts it off: replies may come late, or not at all. A datagram
    is filled with its text again and again, and with dots where the whole text has no room any more.
    """
    made = []
    for number in range(1, count + 1):
        message = (f"{number} {text}" if count > 1 else text).encode()
        more = b" " + text.encode()
        message += more * max(0, (size - len(message)) // len(more))
        made.append(message.ljust(size, b"."))
    return made


def place_of(reply: bytes, count: int) -> int | None:
    """Which of ``count`` datagrams a reply answers, from 0; None: none of them, as far as it says."""
    if count == 1:
        return 0
    digits, space, _ = reply[:8].partition(b" ")
    if not space or not digits.isdigit() or not 1 <= int(digits) <= count:
        return None
    return int(digits) - 1
