"""From a text to the bytes of each send. No socket, no clock."""

from __future__ import annotations

import re
from typing import Literal

from servers.kit.errors import SettingError

BETWEEN = "---"
"""A line of its own between two sends."""
_ENDS = {"crlf": b"\r\n", "lf": b"\n"}
_LINE_END = re.compile(rb"\r\n|\n|\r")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|[rnt0\\]|.?)", re.S)
_SHORT = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}
_NO_HEX = re.compile(r"0[xX](?=[0-9A-Fa-f])|[\s:,]+")
"""What may stand between bytes in hex."""


def parts_of(text: str, *, hex: bool, escapes: bool, eol: Literal["crlf", "lf", "none"]) -> tuple[bytes, ...]:
    """The bytes of each send; none for an empty text. Raises SettingError (field ``text``)."""
    if "\0" in text:
        raise SettingError("A NUL cannot be typed.", field="text", hint=r"Switch escapes on and write \0.")
    if not text:
        return ()
    found = []
    line = 1
    for part in divided(text):
        found.append(part_of(part, hex=hex, escapes=escapes, eol=eol, line=line))
        line += part.count("\n") + 2
    return tuple(found)


def divided(text: str) -> list[str]:
    """The texts between lines ``---``; the line end before such a line belongs to it, as in MIME."""
    found: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.rstrip("\r") == BETWEEN:
            found.append([])
        else:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found]


def part_of(
    text: str, *, hex: bool, escapes: bool, eol: Literal["crlf", "lf", "none"], line: int = 1
) -> bytes:
    """The bytes of one send. ``line`` is the number of its first line in what was typed."""
    if hex:
        return from_hex(text, line)
    return ended(text.encode("utf-8", "surrogateescape"), escapes=escapes, eol=eol)


def ended(data: bytes, *, escapes: bool, eol: Literal["crlf", "lf", "none"]) -> bytes:
    """The lines of ``data``, each ended with ``eol``, the last one too. Escapes are resolved last."""
    if eol != "none":
        end = _ENDS[eol]
        lines = _LINE_END.split(data)
        if lines[-1] == b"":
            lines.pop()
        data = b"".join(line + end for line in lines)
    return unescaped(data) if escapes else data


def unescaped(data: bytes) -> bytes:
    r"""``\r \n \t \0 \\ \xNN`` as the bytes they stand for. Raises SettingError for any other."""

    def byte(found: re.Match[bytes]) -> bytes:
        word = found[1]
        if word[:1] == b"x" and len(word) == 3:
            return bytes([int(word[1:], 16)])
        if word in _SHORT:
            return _SHORT[word]
        shown = found[0].decode("utf-8", "replace").strip()
        where = data.count(b"\n", 0, found.start()) + 1
        raise SettingError(
            f"«{shown}» in line {where} is no escape.",
            field="text",
            hint=r"There are \r \n \t \0 \\ and \xNN.",
        )

    return _ESCAPE.sub(byte, data)


def from_hex(text: str, line: int = 1) -> bytes:
    """Bytes from hex digits; between bytes may be blanks, colons, commas and 0x. Raises SettingError."""
    digits = _NO_HEX.sub(" ", text)
    wrong = re.search(r"[^0-9A-Fa-f ]", digits)
    if wrong:
        raise _no_hex(text, wrong[0], line)
    words = digits.split()
    for word in words:
        if len(word) % 2:
            raise SettingError(
                f"«{word[-40:]}» has an odd number of hex digits; a byte has two.", field="text"
            )
    return bytes.fromhex("".join(words))


def _no_hex(text: str, character: str, line: int) -> SettingError:
    """Where the character stands first."""
    at = next(
        found.start()
        for found in re.finditer(re.escape(character), text)
        if not _part_of_0x(text, found.start())
    )
    row = line + text.count("\n", 0, at)
    place = at - text.rfind("\n", 0, at)
    return SettingError(
        f"«{character}» in line {row}, place {place} is no hex digit.",
        field="text",
        hint="Hex digits are 0 to 9 and a to f; a byte has two.",
    )


def _part_of_0x(text: str, at: int) -> bool:
    return text[at] in "xX" and bool(re.match(r"0[xX][0-9A-Fa-f]", text[max(0, at - 1) :]))
