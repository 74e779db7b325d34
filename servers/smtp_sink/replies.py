"""Reading the server's replies off a stream: bytes in, replies out (RFC 5321, 4.2).

No socket and no clock. It takes what servers written in an afternoon send, and names their faults.
"""

from __future__ import annotations

import re

import msgspec

from servers.kit.errors import ProtocolError

MAX_LINE = 512
"""Octets of a reply's line with its end (RFC 5321, 4.5.3.1.5)."""
MAX_WAITING = 64 * 1024
"""Bytes without a line's end, or of one reply, that are taken at the most."""
_LINE = re.compile(rb"([0-9]{3})([ -]?)(.*)", re.S)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole reply: its code, the text of each line, and what is wrong with it."""

    code: int
    lines: tuple[str, ...]
    faults: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """2yz and 3yz: the command was taken."""
        return 200 <= self.code < 400

    @property
    def text(self) -> str:
        """The lines as one."""
        return " / ".join(self.lines)

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) that the text begins with; "" if none."""
        found = _ENHANCED.match(self.lines[0])
        return found[1] if found else ""

    def shown(self) -> list[str]:
        """The lines as they stood on the wire: «250-SIZE 1000», «250 HELP»."""
        last = len(self.lines) - 1
        return [f"{self.code}{' ' if n == last else '-'}{line}" for n, line in enumerate(self.lines)]


class ReplyReader:
    """Cuts a stream into replies. ``feed`` it, then take with ``reply`` until that gives None."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._codes: list[int] = []
        self._lines: list[str] = []
        self._faults: list[str] = []
        self._size = 0

    @property
    def waiting(self) -> bytes:
        """What came and is no whole line yet."""
        return bytes(self._bytes)

    @property
    def clean(self) -> bool:
        """Whether nothing has come beyond the replies that were taken."""
        return not self._bytes and not self._codes

    def feed(self, data: bytes) -> None:
        """More of the stream."""
        self._bytes += data

    def reply(self) -> Reply | None:
        """The next whole reply; None while more must come. Raises ProtocolError."""
        while (end := self._bytes.find(b"\n")) >= 0:
            line = bytes(self._bytes[: end + 1])
            del self._bytes[: end + 1]
            if found := self._take(line):
                return found
        if len(self._bytes) > MAX_WAITING:
            raise ProtocolError(f"The server sent {len(self._bytes)} bytes without the end of a line.")
        return None

    def rest(self) -> Reply | None:
        """A reply from what came without a line's end, when no more comes; None if it is none."""
        line = bytes(self._bytes)
        if not _LINE.match(line):
            return None
        self._bytes.clear()
        self._fault("The line has no end: CR LF is missing.")
        return self._take(line + b"\r\n")

    def _take(self, line: bytes) -> Reply | None:
        self._check(line)
        found = _LINE.match(line.rstrip(b"\r\n"))
        if not found or not b"200" <= found[1] <= b"599":
            words = line.rstrip(b"\r\n").decode("utf-8", "replace")[:80]
            raise ProtocolError(f"The server's line «{words}» has no reply code (three digits, 2yz to 5yz).")
        code, mark, text = int(found[1]), found[2], found[3]
        if not mark and text:
            self._fault(f"There is neither a space nor a hyphen after the code {code}.")
        self._codes.append(code)
        self._lines.append(text.decode("utf-8", "replace"))
        return self._whole() if mark != b"-" else None

    def _check(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > MAX_WAITING:
            raise ProtocolError(f"A reply of more than {MAX_WAITING} bytes.")
        if len(line) > MAX_LINE:
            self._fault(f"A line of {len(line)} bytes; {MAX_LINE} are the most.")
        if not line.endswith(b"\r\n"):
            self._fault("The line ends in LF alone; CR LF ends it.")

    def _fault(self, words: str) -> None:
        if words not in self._faults:
            self._faults.append(words)

    def _whole(self) -> Reply:
        if len(set(self._codes)) > 1:
            self._fault("The lines of one reply have different codes: " + ", ".join(map(str, self._codes)))
        reply = Reply(code=self._codes[-1], lines=tuple(self._lines), faults=tuple(self._faults))
        self._codes, self._lines, self._faults, self._size = [], [], [], 0
        return reply
