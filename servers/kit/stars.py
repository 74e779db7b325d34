"""Stars in place of a secret in a line, as many as it has bytes: who reads on still knows where it stood."""

from __future__ import annotations

import re

LINES = re.compile(rb"[^\n]*\n|[^\n]+")
"""Lines with their ends; the last may have none yet."""


def stars(line: bytes, start: int = 0) -> bytes:
    """The line with stars from ``start`` on; its end stays."""
    end = len(line.rstrip(b"\r\n"))
    return line[:start] + b"*" * max(0, end - start) + line[max(start, end) :]


def hidden(data: bytes) -> bytes:
    """All of it as stars; line ends stay."""
    return data.translate(_HIDDEN)


_HIDDEN = bytes(byte if byte in b"\r\n" else ord("*") for byte in range(256))
