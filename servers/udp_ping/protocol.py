"""The ping lab's messages: bytes in, values out. No socket, no clock, no chance.

A ping is one datagram with one ASCII line::

    Ping SEQ TIME

SEQ counts from 1. TIME is when the client sent it; the server does not look at it. The
answer is the same datagram in upper case, cut to BUFFER bytes as the course sheet's
``recvfrom(1024)`` cuts it.
"""

from __future__ import annotations

from servers.kit.errors import ProtocolError

PORT = 12000
BUFFER = 1024
"""Bytes of a datagram that the server looks at; the rest of a longer one is lost."""
MAX_DATAGRAM = 65507
"""Bytes in a UDP datagram over IPv4 at the most: 65,535 less 20 (IP) and 8 (UDP); RFC 768."""


def write_ping(seq: int, time: float, size: int = 0) -> bytes:
    """Ping number ``seq``, sent at ``time`` (seconds), filled up with dots to ``size`` bytes."""
    line = b"Ping %d %.6f" % (seq, time)
    if size > len(line):
        line += b" ".ljust(size - len(line), b".")
    return line


def answer(datagram: bytes) -> bytes:
    """What the server sends back: ASCII letters in upper case, other bytes as they are."""
    return datagram[:BUFFER].upper()


def read_seq(datagram: bytes) -> int:
    """SEQ of a ping or of its answer. Raises ProtocolError if it is neither."""
    words = datagram[:BUFFER].split(None, 2)
    if len(words) < 2 or words[0].upper() != b"PING":
        raise ProtocolError("not a ping: it does not begin with «Ping SEQ»")
    digits = words[1]
    if not digits.isdigit() or len(digits) > 18:
        raise ProtocolError(f"not a ping: SEQ is {digits[:20]!r}, not a number")
    return int(digits)


def is_answer(reply: bytes, ping: bytes) -> bool:
    """Whether ``reply`` answers ``ping``, whole and unharmed.

    A server written to the sheet cuts a long ping; one that echoes without the upper
    case is taken too.
    """
    sent = ping[: len(reply)]
    whole = len(reply) >= min(len(ping), BUFFER)
    return whole and (reply == sent.upper() or reply == sent)


def differing(reply: bytes, ping: bytes) -> int:
    """How many bits of ``reply`` differ from a right answer to ``ping``; a byte too many or too few is 8."""
    right = answer(ping)
    short = min(len(reply), len(right))
    differ = int.from_bytes(reply[:short], "big") ^ int.from_bytes(right[:short], "big")
    return differ.bit_count() + 8 * abs(len(reply) - len(right))
