"""The newer capture format, of Wireshark: blocks, each with its type and length, in sections.

draft-ietf-opsawg-pcapng. Read are section headers, interfaces and the three kinds of packet blocks; blocks of
other types are stepped over. Each section has a byte order and interfaces of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO, NamedTuple

from servers.walk.packet import Frame
from servers.walk.reading import BLOCK, KEPT, LATEST, Reader, Records

SECTION, INTERFACE, PACKET, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
START = b"\x0a\x0d\x0d\x0a"
"""What such a file begins with: the same in either byte order."""
ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
LEAST = {SECTION: 28, INTERFACE: 20, PACKET: 32, SIMPLE: 16, ENHANCED: 32}
"""Bytes of a block of each type, with nothing in it."""
INTERFACES = 1000
OTHERS = 100_000
"""Blocks without a packet, in the whole file: many in a row would be read for nothing."""
OPTIONS = 50
"""Options of a block that are read: others would take long, and count as no packet."""
COMMENT = 2000
COMMENTS = 100
_COMMENT, _NAME, _RESOLUTION, _OFFSET = 1, 2, 9, 14


class Interface(NamedTuple):
    """Where packets were captured: link type, most bytes kept of each (0: all), name, ticks per second, and
    what to add to its times in seconds."""

    link: int
    kept: int
    name: str
    ticks: int
    offset: int


class PcapngReader(Reader):
    """Reads frames of a pcapng file. ``interfaces`` are the current section's, ``comments`` all sections'."""

    kind = "pcapng"

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.interfaces: list[Interface] = []
        self.comments: list[str] = []
        self._order = ""
        self._last = 0.0
        self._others = 0
        self._use("<")

    def _use(self, order: str) -> None:
        self._order = order
        self._two, self._five = Struct(order + "II"), Struct(order + "IIIII")
        self._pair = Struct(order + "HH")

    def _records(self, window: bytes) -> Records:
        base, at, end = self.position, 0, len(window)
        while at + 12 <= end:
            if window[at : at + 4] == START:
                self._new_section(window[at + 8 : at + 12])
            kind, length = self._two.unpack_from(window, at)
            self._check(kind, length)
            if at + length > end:
                return int(length)
            if self._two.unpack_from(window, at + length - 8)[1] != length:
                self._wrong(f"a block says {length:,} bytes at its beginning and something else at its end")
            found = self._block(kind, window, at, at + length - 4)
            self.position = base + at + length
            at += length
            if found:
                yield base + found[0], found[1]
            else:
                self._others += 1
        return 12

    def _new_section(self, magic: bytes) -> None:
        if magic not in ORDERS:
            self._wrong(f"a section begins with {magic.hex()}, which is neither byte order")
        self._use(ORDERS[magic])

    def _check(self, kind: int, length: int) -> None:
        if not self.position and kind != SECTION:
            self._wrong("a pcapng file begins with a section header")
        least = LEAST.get(kind, 12)
        if length < least or length % 4:
            self._wrong(f"a block of type {kind} says {length} bytes; it has {least} at least, in fours")
        if length > BLOCK:
            self._wrong(f"a block of type {kind} says {length:,} bytes; {BLOCK:,} is the most")
        if self._others >= OTHERS:
            self._wrong(f"{self._others:,} blocks before this one hold no packet")

    def _block(self, kind: int, window: bytes, at: int, end: int) -> tuple[int, Frame] | None:
        """The frame in a block, and where its data begins; None where it is another block."""
        if kind == ENHANCED:
            index, high, low, kept, size = self._five.unpack_from(window, at + 8)
            return self._frame(window, at + 28, end, index, (high << 32) + low, kept, size)
        if kind == PACKET:
            index, high, low, kept, size = self._five.unpack_from(window, at + 8)
            index = self._pair.unpack_from(window, at + 8)[0]  # the other half counts drops
            return self._frame(window, at + 28, end, index, (high << 32) + low, kept, size)
        if kind == SIMPLE:
            size = self._two.unpack_from(window, at + 4)[1]
            most = self._interface(0).kept or size
            return self._frame(window, at + 12, end, 0, None, min(size, most, end - at - 12), size)
        if kind == SECTION:
            self.interfaces = []
            for code, value in self._options(window, at + 24, end):
                if code == _COMMENT and len(self.comments) < COMMENTS:
                    self.comments.append(_text(value))
        elif kind == INTERFACE:
            self._new_interface(window, at, end)
        return None

    def _new_interface(self, window: bytes, at: int, end: int) -> None:
        if len(self.interfaces) >= INTERFACES:
            self._wrong(f"a section has more than {INTERFACES:,} interfaces")
        link = self._pair.unpack_from(window, at + 8)[0]
        kept = self._two.unpack_from(window, at + 8)[1]
        name, ticks, offset = "", 10**6, 0
        for code, value in self._options(window, at + 16, end):
            if code == _NAME:
                name = _text(value)
            elif code == _RESOLUTION and len(value) == 1:
                ticks = 2 ** (value[0] & 127) if value[0] & 128 else 10 ** value[0]
            elif code == _OFFSET and len(value) == 8:
                offset = int.from_bytes(value, "little" if self._order == "<" else "big", signed=True)
        self.interfaces.append(Interface(link, kept, name, ticks, offset))

    def _interface(self, index: int) -> Interface:
        if index >= len(self.interfaces):
            self._wrong(f"a packet is of interface {index}, of which nothing was said")
        return self.interfaces[index]

    def _frame(
        self, window: bytes, at: int, end: int, index: int, time: int | None, kept: int, size: int
    ) -> tuple[int, Frame]:
        """A packet block's frame and where its data begins, counted from ``position``'s window."""
        interface = self._interface(index)
        if kept > KEPT:
            self._wrong(f"a packet says that {kept:,} bytes of it were kept; {KEPT:,} is the most")
        if at + kept > end:
            self._wrong(f"a packet says that {kept:,} bytes of it were kept; its block has {end - at:,}")
        if time is not None:  # a simple block has none: the packet's before is taken
            self._last = min(max(time / interface.ticks + interface.offset, 0.0), LATEST)
        after = at + kept + -kept % 4
        comment = "" if after >= end else self._comment(window, after, end)
        self.number += 1
        return at, Frame(
            self.number, self._last, interface.link, window[at : at + kept], max(size, kept), comment
        )

    def _comment(self, window: bytes, at: int, end: int) -> str:
        found = (_text(value) for code, value in self._options(window, at, end) if code == _COMMENT)
        return "\n".join(found)[:COMMENT]

    def _options(self, window: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Code and value of each option, up to the end mark or the block's end."""
        for _ in range(OPTIONS):
            if at + 4 > end:
                return
            code, length = self._pair.unpack_from(window, at)
            if not code:
                return
            if at + 4 + length > end:
                self._wrong(f"option {code} of a block says {length:,} bytes; {end - at - 4:,} are left")
            yield code, window[at + 4 : at + 4 + length]
            at += 4 + length + -length % 4


def _text(value: bytes) -> str:
    return value[:COMMENT].decode(errors="replace").rstrip("\0")
