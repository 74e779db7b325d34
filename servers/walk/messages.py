"""What a segment carries of the application, in a few words: the request, the reply, the line that it begins.

TCP has no messages: a segment may begin one, go on with one, or hold several. So this looks at the first
bytes, and remembers for each direction the HTTP message whose length was told, to know what goes on with
it. Secrets are masked before (masking.py). Nothing here judges; what is not known is shown as text.
"""

from __future__ import annotations

import re

from servers.kit.events import printable
from servers.walk.rows import Way
from servers.walk.tls import records

SHOWN = 80
"""Characters of a line at the most."""

_REQUEST = re.compile(rb"[A-Z]{3,24} [\x21-\x7e\x80-\xff]{1,8000} HTTP/[0-9]\.[0-9]\r?\n")
_STATUS = re.compile(rb"HTTP/[0-9]\.[0-9] [0-9]{3}[^\r\n]*\r?\n")
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*([0-9]{1,18})[ \t]*\r?$")
_REPLY = re.compile(rb"([2-5][0-9]{2})([- ])[^\r\n]*\r\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class Messages:
    """One connection's."""

    def __init__(self) -> None:
        self._long: dict[Way, tuple[int, int, str]] = {}  # a message of several segments: from, to, its name

    def segment(self, way: Way, offset: int, payload: bytes, length: int) -> str:
        """What a segment's payload is. ``offset`` counts its direction's bytes."""
        cut = f" ({len(payload)} of {length} bytes captured)" if len(payload) < length else ""
        goes_on = self._goes_on(way, offset, length)
        if goes_on:
            return goes_on + cut
        if not payload:
            return f"{length} bytes, none captured"
        return (records(payload) or self._http(way, offset, payload, length) or _text(payload, length)) + cut

    def datagram(self, payload: bytes, length: int) -> str:
        """What a datagram is."""
        if not length:
            return "an empty datagram"
        cut = f" ({len(payload)} of {length} bytes captured)" if len(payload) < length else ""
        return (_text(payload, length) if payload else f"{length} bytes") + cut

    def _goes_on(self, way: Way, offset: int, length: int) -> str:
        start, end, name = self._long.get(way, (0, 0, ""))
        if not start < offset < end:
            return ""
        first, last = offset - start + 1, min(offset + length, end) - start
        return f"… bytes {first} to {last} of {end - start}: {name}"

    def _http(self, way: Way, offset: int, payload: bytes, length: int) -> str:
        pattern = _STATUS if payload.startswith(b"HTTP/") else _REQUEST
        line = pattern.match(payload)
        if not line:
            return ""
        name = _line(line[0].rstrip(b"\r\n"))
        head = _HEAD_END.search(payload)
        told = _LENGTH.search(payload, 0, head.end()) if head else None
        if not head or not told:
            return name
        size = head.end() + int(told[1])
        if size <= length:
            return name
        self._long[way] = (offset, offset + size, name)
        return f"{name} (bytes 1 to {length} of {size})"


def _text(payload: bytes, length: int) -> str:
    """Its first line, and how many more there are; bytes that are no text as numbers."""
    lines = payload.removesuffix(b"\n").split(b"\n")
    first = lines[0].removesuffix(b"\r")
    if not _is_text(payload):
        return f"{length} bytes: {payload[:16].hex(' ')}" + (" …" if length > 16 else "")
    if _REPLY.match(payload) and len(lines) > 1:
        return f"{_line(first)} (a reply of {len(lines)} lines)"
    words = _line(first) or "(an empty line)"
    return f"{words} (and {len(lines) - 1} more line{'s' * (len(lines) > 2)})" if len(lines) > 1 else words


def _is_text(payload: bytes) -> bool:
    """Whether most of it can be read."""
    start = payload[:200]
    odd = sum((byte < 32 and byte not in b"\t\r\n\x1b") or byte == 127 for byte in start)
    text = start.decode("utf-8", "replace")  # a character may be cut at the end
    return (odd + text.rstrip("\ufffd").count("\ufffd")) * 10 <= len(start)


def _line(data: bytes) -> str:
    """Some bytes on one line, what cannot be read escaped."""
    if data.isascii():
        return printable(data, SHOWN)
    text = data.decode("utf-8", "backslashreplace")
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:SHOWN])
    return shown + ("…" if len(text) > SHOWN else "")
