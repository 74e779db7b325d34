"""A message's bytes after DATA: where they end, and the dots that are not the sender's (RFC 5321, 4.5.2)."""

from __future__ import annotations

SHOWN = 4096
"""Bytes of the message's start that are kept to be shown."""


class DataReader:
    """Takes a message off a stream. Only CRLF, a dot and CRLF end it, however odd its other lines are.

    A line is what CRLF ends; LF or CR alone is a byte like others. So nobody who reads lines
    otherwise can be made to see the end of a message where we see none (SMTP smuggling).
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        """Bytes of the message so far, without the dots that were added."""
        self.stuffed = 0
        self.start = bytearray()
        self.ended = False
        self.failed = False
        self._line_begins = True

    @property
    def too_large(self) -> bool:
        """More than ``limit`` bytes came."""
        return self.size > self.limit

    def take(self, buffer: bytearray) -> bytes:
        """What of the message can be told from the buffer, taken off its front."""
        pieces = []
        raw = 0
        while not self.ended:
            piece = self._step(buffer)
            if piece is None:
                break
            raw += len(piece)
            pieces.append(piece)
        data = b"".join(pieces)
        self.size += len(data)
        return data

    def _step(self, buffer: bytearray) -> bytes | None:
        """The next piece; None: more bytes are needed, or the end has come."""
        if self._line_begins:
            if buffer[:1] == b".":
                if len(buffer) < 3 and b".\r\n".startswith(bytes(buffer)):
                    return None
                if buffer[:3] == b".\r\n":
                    self._show(buffer[:3])
                    del buffer[:3]
                    self.ended = True
                    return None
                self._show(buffer[:1])
                del buffer[:1]
                self.stuffed += 1
            elif not buffer:
                return None
            self._line_begins = False
        end = buffer.find(b"\r\n.")
        if end >= 0:
            self._line_begins = True
            return self._cut(buffer, end + 2)
        keep = 2 if buffer.endswith(b"\r\n") else 1 if buffer.endswith(b"\r") else 0
        if len(buffer) == keep:
            return None
        return self._cut(buffer, len(buffer) - keep)

    def _cut(self, buffer: bytearray, size: int) -> bytes:
        data = bytes(buffer[:size])
        self._show(data)
        del buffer[:size]
        return data

    def _show(self, data: bytes | bytearray) -> None:
        if len(self.start) < SHOWN:
            self.start += data[: SHOWN - len(self.start)]
