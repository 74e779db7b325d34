"""A capture file with its connections: it is read once, and frames again when they are asked for.

Of a packet a few numbers are kept, in columns, so that a file of many megabytes opens in little memory.
The file may grow: ``more()`` reads what was appended.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from servers.kit.errors import ProtocolError
from servers.walk.flows import Flow, Flows
from servers.walk.ip import TCP
from servers.walk.link import decode, network, transport
from servers.walk.opening import reader_of
from servers.walk.packet import Frame, Packet
from servers.walk.reading import Reader
from servers.walk.rows import Connection
from servers.walk.segment import Datagram, Segment, tcp, udp

PACKETS = 5_000_000
CONNECTIONS = 100_000
COMMENTS = 10_000
"""Packets with a comment of their own, of which it is kept."""


class CaptureFile:
    """The connections and packets in the file at ``path``. For one thread at a time; close it in the end.

    ``ports`` are servers': they tell client from server where the beginning was not captured.
    ``prefix`` begins the connections' ids. Where ``now`` is False nothing is read until ``more()`` is called.
    Raises OSError where the file cannot be opened.

    ``kind`` is "pcap", "pcapng" or "" (neither, or still empty). ``packets_read`` counts all packets,
    ``others`` those that are no TCP or UDP to be read. ``trouble`` says why nothing more is read, in words.
    """

    def __init__(
        self, path: Path, *, ports: frozenset[int] = frozenset(), prefix: str = "c", now: bool = True
    ) -> None:
        self.path = path
        self.kind = ""
        self.trouble = ""
        self.packets_read = 0
        self.others = 0
        self._prefix = prefix
        self._scanned = path.open("rb", buffering=1 << 16)
        self._asked = path.open("rb", buffering=1 << 16)
        self._reader: Reader | None = None
        self._flows = Flows(ports, CONNECTIONS)
        self._full = False
        self._offsets, self._kept, self._sizes = array("Q"), array("I"), array("I")
        self._times, self._links, self._numbers = array("d"), array("H"), array("I")
        self._comments: dict[int, str] = {}
        if now:
            self.more()

    def more(self, most: int = PACKETS) -> int:
        """Read what was appended since, but no more than so many packets. Returns how many were read."""
        before = self.packets_read
        if self.trouble:
            return 0
        try:
            reader = self._reader or self._begun()
            if reader:
                self._scan(reader, before + most)
        except ProtocolError as error:
            self.trouble = str(error)
        return self.packets_read - before

    def troubles(self) -> list[str]:
        """All that is wrong with the file, if it does not grow any more, in words."""
        found = [self.trouble] if self.trouble else []
        if not self.trouble and self._reader:
            found += [rest] if (rest := self._reader.rest()) else []
        if not self.trouble and not self.kind:
            found.append("The file is empty." if not self._scanned.seek(0, 2) else "The file is no capture.")
        if self._full:
            found.append(f"There are more than {CONNECTIONS:,} connections: of the others nothing is shown.")
        return found

    def connections(self, most: int | None = None) -> list[Connection]:
        """The connections, or the newest of them, in the order in which they began."""
        chosen = self._flows.all if most is None else self._flows.all[-most:] if most else []
        return [flow.connection(self._prefix) for flow in chosen]

    @property
    def count(self) -> int:
        """How many connections there are."""
        return len(self._flows.all)

    def connection(self, id: str) -> Connection:
        """The connection with this id. Raises KeyError."""
        return self._flow(id).connection(self._prefix)

    def packets(self, id: str, after: int = 0, limit: int | None = None) -> list[Packet]:
        """A connection's packets, from the one after the ``after``-th. Raises KeyError."""
        found = map(decode, self.frames(id, after, limit))
        return [packet for packet in found if packet]

    def frames(self, id: str, after: int = 0, limit: int | None = None) -> Iterator[Frame]:
        """A connection's frames, the same way. Raises KeyError at once."""
        chosen = self._flow(id).packets[after : None if limit is None else after + limit]
        return map(self._frame, chosen)

    def frame(self, id: str, n: int) -> Frame:
        """A connection's ``n``-th frame, counted from 1. Raises KeyError."""
        packets = self._flow(id).packets
        if not 0 < n <= len(packets):
            raise KeyError(n)
        return self._frame(packets[n - 1])

    def all_frames(self) -> Iterator[Frame]:
        """Every frame that belongs to a connection, in the file's order."""
        return map(self._frame, range(len(self._offsets)))

    def close(self) -> None:
        """Close the file."""
        self._scanned.close()
        self._asked.close()

    def __enter__(self) -> CaptureFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begun(self) -> Reader | None:
        self._reader = reader = reader_of(self._scanned)
        self.kind = reader.kind if reader else ""
        return reader

    def _scan(self, reader: Reader, most: int) -> None:
        if self._scanned.seek(0, 2) < reader.position:
            raise ProtocolError("The file has become shorter: what was read of it is gone.")
        if reader.number >= most:
            return
        for offset, frame in reader.read():
            self.packets_read = reader.number
            self._take(offset, frame)
            if reader.number >= PACKETS:
                raise ProtocolError(
                    f"At byte {reader.position:,}: {PACKETS:,} packets are the most that is read."
                )
            if reader.number >= most:
                return

    def _take(self, offset: int, frame: Frame) -> None:
        data = frame.data
        try:
            ip = transport(data, network(frame.link, data), frame.size)
            head: Segment | Datagram = tcp(data, ip) if ip.protocol == TCP else udp(data, ip)
        except ProtocolError:
            self.others += 1
            return
        flow = self._flows.find(ip, head, frame.t)
        if flow is None:
            self._full = True
            return
        index = len(self._offsets)
        flow.packets.append(index)
        self._offsets.append(offset)
        self._kept.append(len(data))
        self._sizes.append(frame.size)
        self._times.append(frame.t)
        self._links.append(frame.link)
        self._numbers.append(frame.number)
        if frame.comment and len(self._comments) < COMMENTS:
            self._comments[index] = frame.comment

    def _flow(self, id: str) -> Flow:
        number = id.removeprefix(self._prefix)
        if (
            not id.startswith(self._prefix)
            or not (number.isascii() and number.isdecimal())
            or len(number) > 9
        ):
            raise KeyError(id)
        if not 0 < int(number) <= len(self._flows.all):
            raise KeyError(id)
        return self._flows.all[int(number) - 1]

    def _frame(self, index: int) -> Frame:
        self._asked.seek(self._offsets[index])
        data = self._asked.read(self._kept[index])
        return Frame(
            self._numbers[index], self._times[index], self._links[index], data, self._sizes[index],
            self._comments.get(index, ""),
        )  # fmt: skip
