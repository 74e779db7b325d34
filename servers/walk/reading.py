"""What both capture formats share: records are read one after the other, as far as the file goes by now."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import BinaryIO, NoReturn

from servers.kit.errors import ProtocolError
from servers.walk.packet import Frame

KEPT = 262_144
"""Bytes of a frame that a file may hold: what tcpdump and Wireshark take for the most, too."""
BLOCK = 16 << 20
"""Bytes of a pcapng block, whatever it holds."""
WINDOW = 1 << 20
LATEST = 253_402_300_799.0
"""The end of the year 9999. A time outside of 1970 to then is set to the nearer of the two."""

Records = Generator[tuple[int, Frame], None, int]


class Reader:
    """Reads a capture from a buffered binary file that may still grow.

    ``position`` is the byte where the next record begins; ``number`` counts frames read so far. A
    ProtocolError names the byte and is for good; what was read before stays.
    """

    kind = ""

    def __init__(self, file: BinaryIO) -> None:
        self.position = 0
        self.number = 0
        self._file = file

    def read(self) -> Iterator[tuple[int, Frame]]:
        """The frames that have come since, each with the byte in the file where its data begins.

        Ends at the end of the file, or before a record that is not all there yet. Raises ProtocolError.
        One may stop in the middle and call it again.
        """
        needed = 1
        while True:
            self._file.seek(self.position)
            window = self._file.read(max(needed, WINDOW))
            if len(window) < needed:
                return
            needed = yield from self._records(window)

    def rest(self) -> str:
        """In words, that the file ends inside of a record. Empty where it ends with one."""
        left = self._file.seek(0, 2) - self.position
        if left <= 0:
            return ""
        return f"The file ends in the middle of a record, {left:,} bytes after byte {self.position:,}."

    def _records(self, window: bytes) -> Records:
        """The frames in the bytes from ``position`` on, which it moves. Returns how many bytes the next
        record needs: more than were left."""
        raise NotImplementedError

    def _wrong(self, words: str) -> NoReturn:
        raise ProtocolError(f"At byte {self.position:,} of the file: {words}.")
