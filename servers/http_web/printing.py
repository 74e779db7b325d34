"""How the client prints an answer: as it is into a pipe, harmless to a terminal, cut for the dashboard."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from typing import Literal

from servers.http_web.exchange import content_type, decoder_of, is_text
from servers.kit.http import Headers

SHOWN = 16 * 1024
"""Bytes of each body that the dashboard's terminal tab gets."""

Output = Literal["terminal", "pipe", "dashboard", "json"]


class Printer:
    """Prints heads and bodies as they come. ``say`` is where words for a person go."""

    def __init__(self, output: Output, say: Callable[[str], None]) -> None:
        self._output, self._say = output, say
        self._decoder: codecs.IncrementalDecoder | None = None
        self._body = 0
        self._binary = False
        self._open_line = False

    def note(self, words: str) -> None:
        """A remark of our own: beside the answer, not in it."""
        self._end_line()
        if self._output == "pipe":
            print(words, file=sys.stderr, flush=True)
        else:
            self._say(words)

    def head(self, data: bytes) -> None:
        """A head as it came; what follows is its body."""
        self._end_line()
        self._decoder, self._body, self._binary = None, 0, False
        if self._output == "pipe":
            self._write(data)
        else:
            self._text(data.decode("utf-8", "backslashreplace"))

    def body(self, data: bytes, headers: Headers) -> None:
        """A piece of the body."""
        if self._output == "json":
            return
        if self._output == "pipe":
            self._write(data)
            return
        first, self._body = self._body == 0, self._body + len(data)
        if first:
            self._binary = not is_text(headers, data)
            self._decoder = decoder_of(headers)
            if self._binary:
                where = "send the output to a file" if self._output == "terminal" else "see the summary"
                kind = content_type(headers)[0] or "bytes"
                self.note(f"(a body of {kind}, not shown here: {where})")
        if self._output == "dashboard":
            before = self._body - len(data)
            data = data[: max(0, SHOWN - before)]
        if data and not self._binary and self._decoder:
            self._text(self._decoder.decode(data))

    def end(self) -> None:
        """The answer is over."""
        self._end_line()
        if self._output == "dashboard" and self._body > SHOWN and not self._binary:
            self.note(f"({self._body - SHOWN} more bytes of the body are not shown here)")

    def _write(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def _text(self, text: str) -> None:
        """Text for eyes: a control character must not command the terminal."""
        if self._output == "json" or not text:
            return
        text = text.replace("\r", "")
        self._open_line = not text.endswith("\n")
        sys.stdout.write("".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in text))
        sys.stdout.flush()

    def _end_line(self) -> None:
        if self._open_line:
            self._open_line = False
            self._text("\n")
