"""The older capture format, of tcpdump: a header of 24 bytes, then for each frame 16 bytes and its data.

draft-ietf-opsawg-pcap. Either byte order, microseconds or nanoseconds.
"""

from __future__ import annotations

from struct import Struct
from typing import BinaryIO

from servers.walk.packet import Frame
from servers.walk.reading import KEPT, Reader, Records

HEADER, RECORD = 24, 16
MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6), b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9), b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}  # fmt: skip
"""What such a file begins with: byte order, and the unit of a time's second half in seconds."""


class PcapReader(Reader):
    """Reads frames of a pcap file."""

    kind = "pcap"

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._link: int | None = None
        self._unit = 0.0
        self._record = Struct("<IIII")

    def _header(self, window: bytes) -> int:
        if window[:4] not in MAGICS:
            self._wrong(f"a pcap file does not begin with {window[:4].hex()}")
        order, self._unit = MAGICS[window[:4]]
        self._record = Struct(order + "IIII")
        version, link = Struct(order + "H14xI").unpack_from(window, 4)
        if version != 2:
            self._wrong(f"it is pcap version {version}; there is 2")
        self._link = link & 0xFFFF  # above that: whether the link's own checksum was kept
        self.position = HEADER
        return self._link

    def _records(self, window: bytes) -> Records:
        link = self._link
        if link is None:
            if len(window) < HEADER:
                return HEADER
            link = self._header(window)
            window = window[HEADER:]
        base, at, end = self.position, 0, len(window)
        unit, unpack = self._unit, self._record.unpack_from
        while at + RECORD <= end:
            seconds, part, kept, size = unpack(window, at)
            if kept > KEPT:
                self._wrong(f"a packet says that {kept:,} bytes of it were kept; {KEPT:,} is the most")
            data = at + RECORD
            if data + kept > end:
                return RECORD + int(kept)
            at = data + kept
            self.position, self.number = base + at, self.number + 1
            frame = Frame(self.number, seconds + part * unit, link, window[data:at], max(size, kept))
            yield base + data, frame
        return RECORD
