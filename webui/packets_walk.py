"""One connection's ladder as the API gives it: rows made once and kept as JSON, fields when asked for.

The same for packets that were captured and for those worked out from events; secrets are stars unless the
teacher asked for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from zlib import crc32

import msgspec

from servers.kit.stars import hidden
from servers.walk.capture_file import CaptureFile
from servers.walk.fields import fields
from servers.walk.link import decode, transport
from servers.walk.packet import Frame, Packet
from servers.walk.raw import frames
from servers.walk.rebuild import Rebuilt
from servers.walk.rows import Connection, Row
from servers.walk.segment import tcp
from servers.walk.stream import follow
from servers.walk.tracker import Tracker

MOST = 50_000
"""Packets of a ladder; a longer connection's others are in the export."""

STARS = 8 * 1024 * 1024
"""Bytes of payloads with stars in them that a ladder keeps; of those beyond all is stars."""

encode = msgspec.json.encode
to_row = msgspec.json.Decoder(Row).decode


class Ladder(Protocol):
    """What a connection's routes need."""

    connection: Connection

    def rows(self, after: int, limit: int) -> tuple[list[msgspec.Raw], bool]:
        """The rows after the ``after``-th, and whether there are more."""

    def detail(self, n: int) -> dict[str, Any]:
        """The ``n``-th row, with its fields and its frame. Raises KeyError."""

    def pieces(self) -> dict[str, Any]:
        """Both directions' bytes."""

    def mark(self, count: int) -> int:
        """The same number as long as its first ``count`` rows are the same."""


class Captured:
    """A connection of a capture file, which may still grow."""

    def __init__(self, file: CaptureFile, id: str, *, masks: bool) -> None:
        self._file, self._id, self._masks = file, id, masks
        self.connection = file.connection(id)
        self._tracker = Tracker(self.connection.client, self.connection.server, masks=masks)
        self._rows: list[msgspec.Raw] = []
        self._places: list[int] = []  # of each row: which of the connection's frames
        self._seen = 0
        self._stars: dict[int, bytes] = {}
        self._starred = 0
        self._pieces: dict[str, Any] = {}
        self._followed = -1  # packets that the pieces are of

    @property
    def size(self) -> int:
        """Rows that are kept."""
        return len(self._rows)

    def rows(self, after: int, limit: int) -> tuple[list[msgspec.Raw], bool]:
        """The rows after the ``after``-th, and whether there are more."""
        self.connection = self._file.connection(self._id)
        self._read(min(after + limit, MOST))
        end = min(after + limit, MOST)
        return self._rows[after:end], len(self._rows) > end or (self._left and end < MOST)

    def mark(self, count: int) -> int:
        """Of the connection itself: its rows stay, but a capture that is begun anew has others of that id."""
        return crc32(f"{self.connection.client} {self.connection.started}".encode())

    def detail(self, n: int) -> dict[str, Any]:
        """The ``n``-th row, with its fields and its frame. Raises KeyError."""
        self._read(min(n, MOST))
        if not 0 < n <= len(self._rows):
            raise KeyError(n)
        frame = self._file.frame(self._id, self._places[n - 1])
        return detail(to_row(self._rows[n - 1]), frame, self._stars.get(n))

    def pieces(self) -> dict[str, Any]:
        """Both directions' bytes."""
        count = self._file.connection(self._id).packets
        if self._followed != count:  # asked again and again, it costs nothing
            frames = self._file.frames(self._id, 0, MOST)
            packets = (packet for frame in frames if (packet := decode(frame)))
            found, cut = follow(packets, self.connection.client, masks=self._masks)
            self._pieces, self._followed = {"pieces": found, "cut": cut or count > MOST}, count
        return self._pieces

    @property
    def _left(self) -> bool:
        return self._seen < self._file.connection(self._id).packets

    def _read(self, rows: int) -> None:
        wanted = rows - len(self._rows)
        if wanted <= 0:
            return
        for frame in self._file.frames(self._id, self._seen, wanted):
            self._seen += 1
            packet = decode(frame)
            if packet is None:
                continue
            row = self._tracker.feed(packet)
            if self._tracker.shown != packet.payload:
                self._starred += len(packet.payload)
                self._stars[row.n] = self._tracker.shown if self._starred <= STARS else b""
            self._rows.append(msgspec.Raw(encode(row)))
            self._places.append(self._seen)


class Told:
    """A connection worked out from events. The labs have masked what is secret before it was told."""

    def __init__(self, rebuilt: Rebuilt, *, masks: bool) -> None:
        self._rebuilt, self._masks = rebuilt, masks
        self.connection = rebuilt.connection
        self._packets = {packet.number: packet for packet in rebuilt.packets}

    def rows(self, after: int, limit: int) -> tuple[list[msgspec.Raw], bool]:
        """The rows after the ``after``-th, and whether there are more."""
        chosen = self._rebuilt.rows[after : after + limit]
        return [msgspec.Raw(encode(row)) for row in chosen], len(self._rebuilt.rows) > after + limit

    def mark(self, count: int) -> int:
        """A checksum of its rows: what is told late may change those before."""
        return crc32(encode(self._rebuilt.rows[:count]))

    def detail(self, n: int) -> dict[str, Any]:
        """The ``n``-th row, with the fields of a frame made for it. Raises KeyError."""
        if not 0 < n <= len(self._rebuilt.rows):
            raise KeyError(n)
        row = self._rebuilt.rows[n - 1]
        packet = self._packets.get(row.number)
        frame = next(made([packet], ""), None) if packet else None
        if frame is None:  # a datagram that a lab threw away before it left
            return {"row": row, "fields": [], "data": b""}
        return detail(row, frame, None)

    def pieces(self) -> dict[str, Any]:
        """Both directions' bytes."""
        found, cut = follow(self._rebuilt.packets, self.connection.client, masks=self._masks)
        return {"pieces": found, "cut": cut}


def detail(row: Row, frame: Frame, stars: bytes | None) -> dict[str, Any]:
    """A row, its frame with ``stars`` for its payload, and the fields of that; b"": nothing but stars.

    Raises KeyError for none.
    """
    packet = decode(frame)
    if packet is None:
        raise KeyError(row.n)
    if stars is not None:
        frame = starred(frame, packet, stars or hidden(packet.payload))
        packet = decode(frame) or packet
    return {"row": row, "fields": fields(packet, frame, row), "data": frame.data}


def starred(frame: Frame, packet: Packet, stars: bytes) -> Frame:
    """The frame with another payload of the same length."""
    ip = transport(frame.data, packet.start, frame.size)
    begin = tcp(frame.data, ip).begin if packet.transport == "tcp" else ip.begin + 8
    data = frame.data[:begin] + stars + frame.data[begin + len(stars) :]
    return msgspec.structs.replace(frame, data=data)


def made(packets: Iterable[Packet], comment: str) -> Iterator[Frame]:
    """Frames for packets that were worked out; those whose addresses are names have none."""
    for packet in packets:
        try:
            yield from frames(packet, comment)
        except ValueError:
            continue
