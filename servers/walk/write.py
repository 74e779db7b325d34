"""Writes pcapng: a section with its comment, interfaces with their names, packets with their comments.

draft-ietf-opsawg-pcapng; little-endian, times in nanoseconds. Each function gives a block's bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct

from servers.walk.link import RAW
from servers.walk.packet import Frame
from servers.walk.pcapng import ENHANCED, INTERFACE, SECTION
from servers.walk.reading import KEPT

PROGRAM = "Socket Lab"
TEXT = 2000
"""Characters of a comment or a name that are written."""
_COMMENT, _APPLICATION = 1, 4
_NAME, _RESOLUTION = 2, 9
_NANOSECONDS = b"\x09"
LATEST = 18_446_744_073.0
"""In the year 2554, nanoseconds do not fit 64 bits any more."""
_pair = Struct("<HH").pack
_block = Struct("<II").pack
_length = Struct("<I").pack
_section = Struct("<IHHq").pack
_interface = Struct("<HHI").pack
_packet = Struct("<IIIII").pack


def pcapng(frames: Iterable[Frame], *, name: str, comment: str = "") -> Iterator[bytes]:
    """A whole file, block by block. ``name`` is the interface's, ``comment`` is on the whole."""
    return several(((frame, name) for frame in frames), name=name, comment=comment)


def several(frames: Iterable[tuple[Frame, str]], *, name: str, comment: str = "") -> Iterator[bytes]:
    """The same, each frame with the name of its interface; ``name`` is the one's of a file without frames.

    An interface has one kind of link: each kind gets one of its own, with the same name.
    """
    yield section(comment)
    interfaces: dict[tuple[int, str], int] = {}
    for frame, its in frames:
        key = (frame.link, its)
        if key not in interfaces:
            interfaces[key] = len(interfaces)
            yield interface(*key)
        yield packet(frame, interfaces[key])
    if not interfaces:
        yield interface(RAW, name)


def section(comment: str = "") -> bytes:
    """What a file begins with. Several may follow each other, each with interfaces of its own."""
    said = _text(_COMMENT, comment) + _text(_APPLICATION, PROGRAM)
    return _whole(SECTION, _section(0x1A2B3C4D, 1, 0, -1) + said + _end(said))


def interface(link: int, name: str, comment: str = "") -> bytes:
    """An interface of the section: the first that is written is number 0."""
    said = _text(_NAME, name) + _text(_COMMENT, comment) + _option(_RESOLUTION, _NANOSECONDS)
    return _whole(INTERFACE, _interface(link, 0, KEPT) + said + _end(said))


def packet(frame: Frame, interface: int = 0, comments: Iterable[str] = ()) -> bytes:
    """A frame, with its own comment and further ones."""
    t = min(max(frame.t, 0.0), LATEST)
    ticks = int(t) * 1_000_000_000 + round(t % 1 * 1_000_000_000)  # all at once is not exact
    data = frame.data[:KEPT]
    head = _packet(interface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), max(frame.size, len(data)))
    said = b"".join(_text(_COMMENT, comment) for comment in (frame.comment, *comments))
    return _whole(ENHANCED, head + _padded(data) + said + _end(said))


def _whole(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return _block(kind, length) + body + _length(length)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _text(code: int, text: str) -> bytes:
    """An option with text; nothing where there is none."""
    return _option(code, text[:TEXT].encode(errors="replace")) if text else b""


def _option(code: int, value: bytes) -> bytes:
    return _pair(code, len(value)) + _padded(value)


def _end(options: bytes) -> bytes:
    """The mark behind the last option, where there are any."""
    return _pair(0, 0) if options else b""
