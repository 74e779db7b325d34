"""Match «numbers»: an answer that repeats its request's numbers repeats the new ones. No socket, no clock.

A ping's answer has the number and the time of the ping. Recorded for ``Ping 1 12.5``, it is made
``Ping 7 99.1`` for that one. Only where all numbers of the request stand in the answer, one after
the other: anything less would be chance.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from servers.tcp_replay.exchange import Exchange

DIGITS = re.compile(rb"[0-9]+")
MOST = 100
"""Numbers in a request; what has more is no ping."""


def echoed(exchange: Exchange, asked: bytes) -> Exchange:
    """The exchange as it is played for this request: its own, or one with other numbers."""
    if asked == exchange.request:
        return exchange
    old, new = DIGITS.findall(exchange.request), DIGITS.findall(asked)
    if not old or len(old) != len(new) or len(old) > MOST:
        return exchange
    chunks = tuple(replace(chunk, data=_changed(chunk.data, old, new)) for chunk in exchange.response)
    return replace(exchange, response=chunks)


def _changed(data: bytes, old: list[bytes], new: list[bytes]) -> bytes:
    runs = list(DIGITS.finditer(data))
    pieces: list[bytes] = []
    at = place = 0
    while place + len(old) <= len(runs):
        if [run[0] for run in runs[place : place + len(old)]] != old:
            place += 1
            continue
        for run, number in zip(runs[place : place + len(old)], new, strict=True):
            pieces += (data[at : run.start()], number)
            at = run.end()
        place += len(old)
    return b"".join((*pieces, data[at:]))
