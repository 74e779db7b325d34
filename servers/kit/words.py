"""Numbers with their nouns, for sentences."""

from __future__ import annotations


def some(count: int, one: str, many: str = "") -> str:
    """``1 byte``, ``1,200 bytes``; ``many`` where the plural is not the noun with an s: ``2 guesses``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
