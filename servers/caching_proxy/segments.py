"""How parts of one representation are put together. No file here: numbers only."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from servers.caching_proxy.entry import Segment

MOST = 64
"""Parts of one entry at the most: each is a file, and each file is open while it is read."""


class Cut(msgspec.Struct, frozen=True):
    """What of a new part is new (``start`` to ``end``, after the last), and what becomes of the old parts."""

    start: int
    end: int
    keep: tuple[Segment, ...]
    drop: tuple[Segment, ...]


def cut(segments: Sequence[Segment], start: int, end: int) -> Cut | None:
    """How the bytes from ``start`` to ``end`` join the ``segments``; None if they bring nothing new.

    Old parts that lie wholly in the new one are dropped; of those that it overlaps, the old
    bytes stay, so that a file's first byte is always its segment's first.
    """
    first, last = start, end
    keep, drop = [], []
    for old in segments:
        if start <= old.start and old.end <= end:
            drop.append(old)
            continue
        keep.append(old)
        if old.start <= start < old.end:
            first = old.end
        if old.start < end <= old.end:
            last = old.start
    if first >= last:
        return None
    return Cut(first, last, tuple(keep), tuple(drop))
