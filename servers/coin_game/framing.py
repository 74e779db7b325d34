r"""Where a message ends: four ways for a server to say so, and the reader for each. No socket.

article    It says nothing: the reader must know the words that messages end with.
delimiter  A byte that stands in no message ends each. Where it would stand in one, it is escaped: `\d` is
           the delimiter, `\\` a backslash.
length     Four bytes before each message say how many follow, the most significant first.
fixed      Messages take whole blocks of 32 bytes; the rest of the last one is filled with zero bytes.
"""

from __future__ import annotations

import re
import struct
from typing import Literal

from servers.coin_game.protocol import ASKS, NICE, RULES, WELCOME, WRONG
from servers.kit.errors import ProtocolError, SettingError

Framing = Literal["article", "delimiter", "length", "fixed"]

BLOCK = 32
"""The longest prompt, of round 100,000, has 31 bytes; 16 blocks are the 512 bytes of a greeting."""
LIMIT = 4096
"""Bytes of a message at the most. A reader without a limit lets its peer fill its memory."""
LENGTH = struct.Struct("!I")

DELIMITER = r"^(\\[0nrt]|[!-/:-@\[\]^_`{|}~])\Z"
"""How a delimiter is given: one of \\0 \\n \\r \\t, or a sign that is no letter, digit or backslash."""
_NAMED = {r"\0": b"\0", r"\n": b"\n", r"\r": b"\r", r"\t": b"\t"}
_ESCAPED = re.compile(rb"\\(.)", re.S)

ENDS = re.compile(
    b"|".join(map(re.escape, (ASKS, NICE, WRONG, b"]\n\n", WELCOME[-10:], RULES[-10:], b":)\n\n")))
)
"""What the article's messages end with. The banner and the flag have no such end."""


def delimiter_of(text: str) -> bytes:
    """The byte that is meant. Raises SettingError (field ``delimiter``)."""
    if not re.match(DELIMITER, text):
        raise SettingError(
            f"«{text}» cannot be the delimiter.",
            field="delimiter",
            hint=r"Give \0, \n, \r, \t, or one sign: ; or | or #.",
        )
    return _NAMED.get(text, text.encode())


class Framer:
    """Marks messages."""

    def __init__(self, framing: Framing, delimiter: bytes = b"\0") -> None:
        self.framing, self.delimiter = framing, delimiter

    def mark(self, message: bytes) -> bytes:
        """The message as it goes on the wire."""
        if self.framing == "article":
            return message
        if self.framing == "length":
            return LENGTH.pack(len(message)) + message
        if self.framing == "fixed":
            return message + b"\0" * (-len(message) % BLOCK)
        return message.replace(b"\\", rb"\\").replace(self.delimiter, rb"\d") + self.delimiter


class Unframer:
    """Makes messages of what comes, however it was cut. ``rest`` is what no message has yet."""

    def __init__(self, framing: Framing, delimiter: bytes = b"\0") -> None:
        self.framing, self.delimiter = framing, delimiter
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises ProtocolError where none can come any more."""
        self.rest += data
        done: list[bytes] = []
        while (end := self._end()) is not None:
            done.append(self._plain(self.rest[:end]))
            self.rest = self.rest[end:]
        if len(self.rest) > LIMIT:
            raise ProtocolError(
                f"{len(self.rest):,} bytes came without a message's end: the limit is {LIMIT:,}."
            )
        return done

    def _end(self) -> int | None:
        """Where the first message in ``rest`` ends; None if it is not whole."""
        if self.framing == "article":
            found = ENDS.search(self.rest)
            return found.end() if found else None
        if self.framing == "delimiter":
            return self.rest.find(self.delimiter) + 1 or None
        if self.framing == "fixed":
            return BLOCK if len(self.rest) >= BLOCK else None
        if len(self.rest) < LENGTH.size:
            return None
        size = LENGTH.size + LENGTH.unpack_from(self.rest)[0]
        if size > LIMIT:
            raise ProtocolError(
                f"The first four bytes, {self.rest[:4].hex(' ')}, would mean a message of "
                f"{size - LENGTH.size:,} bytes: the limit is {LIMIT:,}."
            )
        return size if len(self.rest) >= size else None

    def _plain(self, marked: bytes) -> bytes:
        if self.framing == "length":
            return marked[LENGTH.size :]
        if self.framing == "fixed":
            return marked.rstrip(b"\0")
        if self.framing == "delimiter":
            return _ESCAPED.sub(self._unescaped, marked[:-1])
        return marked

    def _unescaped(self, found: re.Match[bytes]) -> bytes:
        return self.delimiter if found[1] == b"d" else found[1]
