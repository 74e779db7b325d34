"""A capture file that is appended to: whole blocks only, up to a limit, and begun anew when it is cleared."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20


class Appended:
    """The file at ``path``, made if it is not there. Each section of it begins with the blocks ``head``.

    What a capture that was killed left half written at its end is cut off first. Raises OSError.
    """

    def __init__(self, path: Path, head: bytes, most: int) -> None:
        self.path, self._head, self._most = path, head, most
        self._file = self._open()
        self.size = 0
        self.begin()

    def _open(self) -> BinaryIO:
        return open(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)

    def begin(self) -> None:
        """A new section, after what is there already."""
        self.size = whole(self._file)
        self._file.truncate(self.size)
        self._file.seek(self.size)
        self.size += self._file.write(self._head)

    def write(self, blocks: bytes) -> bool:
        """Append them; False, and nothing is written, where they would make the file too long."""
        if self.size + len(blocks) > self._most:
            return False
        view = memoryview(blocks)
        while view:  # a write may take less than all
            taken = self._file.write(view) or 0
            self.size += taken
            view = view[taken:]
        return True

    def clear(self) -> None:
        """Begin anew in a new file: who has the old one open reads on there in peace."""
        self._file.close()
        self.path.unlink(missing_ok=True)
        self._file = self._open()
        self.begin()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def whole(file: BinaryIO) -> int:
    """Where the last whole pcapng block of our own ends: 0 for a file that is empty, or of another kind."""
    at, end = 0, file.seek(0, os.SEEK_END)
    window, base = b"", 0
    while at + 12 <= end:
        if at + 8 > base + len(window):
            file.seek(at)
            window, base = file.read(CHUNK), at
        length = struct.unpack_from("<I", window, at - base + 4)[0]
        if length < 12 or length % 4 or (not at and window[:4] != b"\x0a\x0d\x0d\x0a"):
            break
        if at + length > end:
            break
        at += length
    return at
