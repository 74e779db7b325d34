"""Where a message ends on a stream of bytes: the lab's lesson, one small class for each answer.

TCP knows no messages. Whoever stands between two programs has to know how they tell each other
that a message is over. A ``Framer`` hears one direction of one connection. HTTP's is in
``http_framing.py``. No socket and no clock here: who calls says when a pause was.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Side = Literal["request", "response"]
NAMES = ("crlfcrlf", "http", "line", "length1", "length2", "length4", "pause", "connection")


class Message(msgspec.Struct, frozen=True):
    """A whole message: at most ``keep`` bytes of it, and its true size.

    cut     more came than is kept
    closes  its sender says that it is the last one (HTTP: Connection: close)
    """

    data: bytes
    size: int
    cut: bool
    closes: bool = False


class Held:
    """The bytes of a message that is not whole yet: the first ``keep`` of them, and a count."""

    __slots__ = ("_data", "keep", "size")

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.size = 0
        self._data = bytearray()

    def add(self, data: bytes | memoryview) -> None:
        """More of it came."""
        room = self.keep - self.size
        self.size += len(data)
        if room > 0:
            self._data += data[:room] if len(data) > room else data

    def take(self, closes: bool = False) -> Message:
        """It is whole; the next one begins."""
        message = Message(bytes(self._data), self.size, self.size > self.keep, closes)
        self._data = bytearray()
        self.size = 0
        return message


class Framer:
    """One direction of a connection.

    expects   the head of an HTTP request that waits for a word before its body is sent
    """

    expects = b""

    def __init__(self, keep: int) -> None:
        self._held = Held(keep)

    @property
    def gaps(self) -> bool:
        """Whether it must be told of pauses, with ``quiet()``."""
        return False

    @property
    def waiting(self) -> int:
        """Bytes of the message that is not whole."""
        return self._held.size

    def feed(self, data: bytes | memoryview) -> list[Message]:
        """Bytes came: the messages that became whole."""
        found: list[Message] = []
        at = 0
        while at < len(data):
            end = self._end(data, at)
            self._held.add(data[at : end or len(data)])
            if not end:
                break
            found.append(self._held.take())
            at = end
        return found

    def _end(self, data: bytes | memoryview, at: int) -> int:
        """Where in ``data`` the message ends whose next byte is at ``at``; 0: it does not."""
        return 0

    def quiet(self) -> list[Message]:
        """Nothing came for a while."""
        return self.flush() if self.gaps else []

    def end(self) -> list[Message]:
        """The stream ended: what is left, if anything, is one message."""
        return self.flush()

    def flush(self) -> list[Message]:
        """What waits is a message."""
        return [self._held.take()] if self._held.size else []


class Marked(Framer):
    """A message ends with these bytes: an empty line, or the end of any line."""

    def __init__(self, keep: int, mark: bytes) -> None:
        super().__init__(keep)
        self._mark = mark
        self._tail = b""  # the message's last bytes, where the mark may have begun

    def _end(self, data: bytes | memoryview, at: int) -> int:
        data = bytes(data)
        mark, tail = self._mark, self._tail
        if tail:
            found = (tail + data[at : at + len(mark) - 1]).find(mark)
            if found >= 0:
                self._tail = b""
                return at + found + len(mark) - len(tail)
        found = data.find(mark, at)
        if found >= 0:
            self._tail = b""
            return found + len(mark)
        self._tail = (tail + data[max(at, len(data) - len(mark)) :])[-(len(mark) - 1) :] if mark[1:] else b""
        return 0

    def flush(self) -> list[Message]:
        """What waits is a message."""
        self._tail = b""
        return super().flush()


class CrlfCrlf(Marked):
    """A message ends with an empty line: the head of an HTTP message does, as the article's stub has it."""

    def __init__(self, keep: int) -> None:
        super().__init__(keep, b"\r\n\r\n")


class Line(Marked):
    """A line is a message. LF ends it; so does CRLF, which has LF in it."""

    def __init__(self, keep: int) -> None:
        super().__init__(keep, b"\n")


class Length(Framer):
    """The first 1, 2 or 4 bytes, big-endian, say how many bytes follow."""

    def __init__(self, keep: int, width: int) -> None:
        super().__init__(keep)
        self._width = width
        self._read = 0  # bytes of the length that came
        self._left = 0

    def _end(self, data: bytes | memoryview, at: int) -> int:
        while self._read < self._width:
            if at == len(data):
                return 0
            self._left = self._left << 8 | data[at]
            self._read += 1
            at += 1
        taken = min(self._left, len(data) - at)
        self._left -= taken
        if self._left:
            return 0
        self._read = 0
        return at + taken

    def flush(self) -> list[Message]:
        """What waits is a message."""
        self._read = self._left = 0
        return super().flush()


class Pause(Framer):
    """A message ends when nothing comes for a while: a guess, for want of anything better."""

    @property
    def gaps(self) -> bool:
        """Yes."""
        return True


class Whole(Framer):
    """All that one side says until it ends is one message."""


def framer(name: str, side: Side, keep: int) -> Framer:
    """The framer of one direction. ``keep``: the most bytes of a message that are held."""
    from servers.tcp_replay.http_framing import Http  # it is a Framer itself

    if name == "http":
        return Http(side, keep)
    if name.startswith("length"):
        return Length(keep, int(name[6:]))
    kinds: dict[str, type[CrlfCrlf | Line | Pause | Whole]] = {
        "crlfcrlf": CrlfCrlf, "line": Line, "pause": Pause, "connection": Whole,
    }  # fmt: skip
    return kinds[name](keep)


def cuts(name: str, data: bytes, side: Side = "request") -> list[int]:
    """Where this framing would end messages in ``data``: offsets, 1 to its length. No data shows a pause."""
    ends, at = [], 0
    for message in framer(name, side, 0).feed(data):
        at += message.size
        ends.append(at)
    return ends
