r"""Bytes as text that people can edit, and back: ``\r``, ``\n``, ``\t``, ``\\`` and ``\xNN``."""

from __future__ import annotations

import re

NAMED = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\\": "\\\\"}
_BACK = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([rnt\\]))")


def escaped(data: bytes) -> str:
    """Bytes as text on one line: UTF-8 as it is, all that cannot be seen escaped."""
    return "".join(map(_shown, data.decode("utf-8", "surrogateescape")))


def unescaped(text: str) -> bytes:
    """The bytes that the text stands for. A backslash before anything else is one."""
    return _ESCAPE.sub(
        lambda found: bytes([int(found[1], 16)]) if found[1] else _BACK[found[2]],
        text.encode("utf-8", "replace"),
    )


def _shown(char: str) -> str:
    if char in NAMED:
        return NAMED[char]
    if 0xDC80 <= ord(char) <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in char.encode())
