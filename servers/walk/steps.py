"""From what was told of a connection to what must have been on the wire, in an order that could be.

A call's time is told after it returned, and two programs tell at their own pace: what one has received the
other had sent before, whatever the times say.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from servers.kit.events import Bytes
from servers.walk.packet import ACK, FIN, PSH, RST, SYN
from servers.walk.told import Chunk, Told

SEGMENT = 65483
"""Bytes that a segment is drawn with at the most: what an IP packet takes beside 52 bytes of headers."""


class Step(NamedTuple):
    """Something that one side (0: the client) put on the wire. ``rank`` orders what has one time."""

    t: float
    rank: int
    side: int
    flags: int
    offset: int = 0
    size: int = 0
    head: bytes = b""


def steps(told: Told) -> list[Step]:
    """The SYNs, the data, the end."""
    ways = (in_order(told, 0), in_order(told, 1))
    opened = [side.opened for side in told.sides if side.opened is not None]
    start = min([*opened, *(chunk.t for way in ways for chunk in way)])
    found = [Step(start, 0, 0, SYN), Step(start, 1, 1, SYN | ACK)]
    for side in (0, 1):
        for chunk in ways[side]:
            found += _cut(chunk, side)
        found += _end(told, side, ways)
    found.sort(key=lambda step: (step.t, step.rank, step.side, step.offset))
    return _until_reset(found)


def in_order(told: Told, side: int) -> list[Chunk]:
    """One direction's bytes without holes: as their sender told them, else as they were received."""
    sent = sorted(told.sides[side].sent, key=lambda chunk: chunk.offset)
    received = sorted(told.sides[1 - side].received, key=lambda chunk: chunk.offset)
    ends = [chunk.offset + chunk.data.size for chunk in [*sent, *received]]
    total = max([*ends, told.sides[side].total or 0])
    times = [chunk.t for chunk in [*sent, *received]]
    late = max(times) if times else _any_time(told)
    starts = [chunk.offset for chunk in received]
    chunks: list[Chunk] = []
    reached = 0
    for chunk in [*sent, Chunk(late, total, Bytes(b"", 0))]:
        if chunk.offset > reached:
            near = received[max(0, bisect_right(starts, reached) - 1) : bisect_right(starts, chunk.offset)]
            chunks += _filled(near, reached, chunk.offset, chunk.t)
            reached = chunk.offset
        if chunk.offset + chunk.data.size > reached:
            chunks.append(_clipped(chunk, reached, chunk.offset + chunk.data.size))
            reached = chunk.offset + chunk.data.size
    return _not_before_received(chunks, received)


def _any_time(told: Told) -> float:
    return max(t for side in told.sides for t in (side.opened, side.ended) if t is not None)


def _filled(received: list[Chunk], start: int, stop: int, t: float) -> Iterator[Chunk]:
    """Bytes from ``start`` to ``stop`` as the other side received them; the rest as one, without text."""
    reached = start
    for chunk in received:
        end = min(stop, chunk.offset + chunk.data.size)
        if end <= reached or chunk.offset >= stop:
            continue
        if chunk.offset > reached:
            yield Chunk(chunk.t, reached, Bytes(b"", chunk.offset - reached))
            reached = chunk.offset
        yield _clipped(chunk, reached, end)
        reached = end
    if reached < stop:
        yield Chunk(t, reached, Bytes(b"", stop - reached))


def _clipped(chunk: Chunk, start: int, stop: int) -> Chunk:
    """The part of a chunk that is from ``start`` to ``stop`` of its direction."""
    head = chunk.data.head[start - chunk.offset : stop - chunk.offset] if start >= chunk.offset else b""
    return Chunk(chunk.t, start, Bytes(head, stop - start))


def _not_before_received(chunks: list[Chunk], received: list[Chunk]) -> list[Chunk]:
    """The same with times at which they can have been sent: before they, or what follows, were received."""
    found = []
    latest = float("inf")
    waiting = list(received)
    for chunk in reversed(chunks):
        while waiting and waiting[-1].offset + waiting[-1].data.size > chunk.offset:
            latest = min(latest, waiting.pop().t)
        latest = min(latest, chunk.t)
        found.append(chunk._replace(t=latest))
    return found[::-1]


def _cut(chunk: Chunk, side: int) -> Iterator[Step]:
    """A chunk as segments."""
    for start in range(0, chunk.data.size, SEGMENT):
        size = min(SEGMENT, chunk.data.size - start)
        head = chunk.data.head[start : start + size]
        yield Step(chunk.t, 2, side, PSH | ACK, chunk.offset + start, size, head)


def _end(told: Told, side: int, ways: tuple[list[Chunk], list[Chunk]]) -> Iterator[Step]:
    """How a side ended: its FIN, or a RST; nothing where it was not told."""
    me, you = told.sides[side], told.sides[1 - side]
    last = max((chunk.t for chunk in ways[side]), default=float("-inf"))
    if you.was_reset is not None and you.heard_end is None:
        yield Step(max(last, you.was_reset), 5, side, RST)
        return
    if me.was_reset is not None and me.ended is not None and me.ended >= me.was_reset:
        return  # it had nothing left to close
    times = [t for t in (me.ended, you.heard_end) if t is not None]
    if me.ended is None and me.opened is None and you.ended is not None:
        times.append(you.ended)  # its program tells nothing, but the other one knows that it is over
    if times:
        first = you.heard_end is not None and (you.ended is None or you.heard_end <= you.ended)
        yield Step(max(last, min(times)), 3 if first else 4, side, RST if me.reset else FIN)


def _until_reset(found: list[Step]) -> list[Step]:
    """Nothing follows a RST but what crossed it; its sender is silent."""
    for n, step in enumerate(found):
        if step.flags & RST:
            rest = (each for each in found[n + 1 :] if each.side != step.side and each.size)
            return [*found[: n + 1], *rest]
    return found
