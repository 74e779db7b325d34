"""An answer as it is heard: fed the bytes that came, it counts and hashes the body, and holds none of it.

It reads what proxies written in a first lesson send as well as it can, and names every fault. No
socket and no clock here.
"""

from __future__ import annotations

import hashlib
import html
import re

from servers.kit.events import PREVIEW
from servers.kit.http import Framing, Headers, HttpError, Response, short
from servers.kit.http_stream import Data, ResponseReader

START = 8000
"""Bytes of a body's start that are kept: an error's page says what is wrong."""
MESSAGE = 1000
"""Letters of an error's text at the most."""
INTERIM = 20
"""Interim answers (1xx) before the final one, at the most."""
_HTTP = b"HTTP/"
_HIDDEN = re.compile(r"(?is)<(style|script|title)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)")
"""What of a page is not read by people."""


class Hearing:
    """One answer to a ``method`` request.

    ``over``: nothing more of it is awaited; ``error``: why it is not whole; ``came``: bytes in all;
    ``size``: bytes of the body; ``start``: the first bytes of the body.
    """

    def __init__(self, method: str) -> None:
        self.method = method
        self.over = False
        self.error = ""
        self.response: Response | None = None
        self.faults: list[str] = []
        self.came = self.size = self.interim = 0
        self.start = bytearray()
        self._hash = hashlib.sha256()
        self._reader = ResponseReader(sloppy=True)
        self._reader.expect(method)
        self._first = b""

    @property
    def headers(self) -> Headers:
        """The final answer's fields."""
        return self.response.headers if self.response else Headers()

    @property
    def sha256(self) -> str:
        """The body's hash in hex; "" if it did not come whole."""
        return self._hash.hexdigest() if self.over and self.response and not self.error else ""

    @property
    def framing(self) -> str:
        """How the end of the body is known, in words."""
        return framing_words(self.response.framing, self.method) if self.response else ""

    @property
    def message(self) -> str:
        """The start of the text of an error, for a person."""
        if not self.response or self.response.status < 400 or b"\0" in self.start:
            return ""
        text = self.start.decode("utf-8", "replace").strip()
        if "html" in self.headers.get("content-type").lower() or text[:1] == "<":
            text = _HIDDEN.sub(" ", text)
            text = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))).strip()
        return text if len(text) <= MESSAGE else text[:MESSAGE] + "…"

    @property
    def preview(self) -> bytes:
        """The head and the start of the body, for an event."""
        head = self.response.raw if self.response else self._first
        return (head + bytes(self.start))[: 8 * PREVIEW]

    def feed(self, data: bytes) -> None:
        """Bytes that came; b"" is the connection's end."""
        self.came += len(data)
        if self.response is None:
            self._first = (self._first + data)[:PREVIEW]
        if data:
            self._reader.feed(data)
        else:
            self._reader.eof()
        start = self._first.lstrip(b" \t")
        if self.response is None and not start.startswith(_HTTP[: len(start)]):
            self.fail(f"This is no HTTP: an answer begins with HTTP/1.1, this one with «{self._line()}».")
        while not self.over and self._step():
            pass

    def fail(self, why: str) -> None:
        """No more will come, for this reason."""
        self.over, self.error = True, why

    def silence(self, seconds: float) -> str:
        """Why nothing came for so long, as far as one can tell."""
        if self.response and self.response.framing.kind == "close":
            return (
                f"No byte for {seconds:g} s, and the connection is still open. The answer has neither "
                "Content-Length nor chunks, so only its close ends the body: does the proxy close it?"
            )
        if self.response:
            left = self.response.framing.length - self.size
            more = f": {left} more bytes were promised" if self.response.framing.kind == "length" else ""
            return f"No byte for {seconds:g} s in the middle of the body{more}."
        if self.came:
            return f"No byte for {seconds:g} s in the middle of the head: does an empty line end it?"
        return f"No answer within {seconds:g} s."

    def _step(self) -> bool:
        """Read one thing; whether there was one."""
        try:
            found = self._reader.next()
        except HttpError as error:
            self.fail(error.message)
            return False
        if found is None:
            return False
        if isinstance(found, Response):
            self._head(found)
        elif isinstance(found, Data):
            self.size += len(found.data)
            self._hash.update(found.data)
            self.start += found.data[: max(0, START - len(self.start))]
        else:
            self._end()
        return True

    def _head(self, response: Response) -> None:
        self.faults += response.faults
        if response.status >= 200:
            self.response = response
            return
        self.interim += 1
        if self.interim > INTERIM:
            self.fail(f"More than {INTERIM} interim answers came, and no final one.")

    def _end(self) -> None:
        self.over = True
        rest = len(self._reader.buffer)
        if rest and self.method != "CONNECT":  # in a tunnel, what follows is the other side's
            self.faults.append(
                f"{rest} more bytes came after the answer's end: is its Content-Length too small?"
                if self.response and self.response.framing.kind == "length"
                else f"{rest} bytes came after the end of an answer that has no body."
            )

    def _line(self) -> str:
        line = re.split(rb"\r?\n", self._first, maxsplit=1)[0]
        return short(line.decode("utf-8", "backslashreplace"))


def framing_words(framing: Framing, method: str) -> str:
    """How the end of the body is known, in words."""
    if framing.kind == "none":
        return f"The answer to {method} has no body." if method != "GET" else "This status has no body."
    if framing.kind == "length":
        return f"Content-Length: {framing.length} bytes."
    if framing.kind == "chunked":
        return "In chunks; one of size 0 is the last."
    return "The body ends when the connection does."
