"""Bytes for eyes: as text where they are text, as a hex dump where not. No socket, no clock."""

from __future__ import annotations

from collections.abc import Iterator

_BINARY = bytes(byte for byte in range(32) if byte not in b"\t\r\n") + b"\x7f"
_WIDE = 16


def readable(data: bytes) -> str:
    r"""Bytes as text. CR and LF are shown as ``\r`` and ``\n``, and lines are broken behind LF."""
    return "\n".join(_shown(line) for line in data.decode("utf-8", "backslashreplace").split("\n")).replace(
        "\n", "\\n\n"
    )


def is_text(data: bytes) -> bool:
    """Whether it is UTF-8 without control characters. A character may be cut off at either end."""
    if len(data.translate(None, _BINARY)) != len(data):
        return False
    first = 0
    while first < min(3, len(data)) and data[first] & 0xC0 == 0x80:
        first += 1
    for last in range(4):
        try:
            data[first : len(data) - last].decode()
        except UnicodeDecodeError:
            continue
        return first < len(data) or not data
    return False


def lines_of(data: bytes) -> Iterator[str]:
    """What a terminal prints of ``data``, line by line: text, or a hex dump."""
    if not is_text(data):
        yield from dump(data)
        return
    lines = readable(data).split("\n")
    if lines[-1] == "":
        lines.pop()
    yield from lines


def dump(data: bytes) -> Iterator[str]:
    """``0000  48 65 6c 6c 6f  |Hello|``, sixteen bytes a line."""
    for at in range(0, len(data), _WIDE):
        row = data[at : at + _WIDE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{at:04x}  {row.hex(' '):<{3 * _WIDE - 1}}  |{letters}|"


def _shown(line: str) -> str:
    """A line that commands no terminal."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c == "\t" else _escaped(c) for c in line)


def _escaped(character: str) -> str:
    if character == "\r":
        return "\\r"
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
