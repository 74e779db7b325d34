"""One connection's bytes, call by call: what each ``send()`` took and each ``recv()`` returned.

A stream has no message boundaries: what one side sent in two calls can come in one, and the other way round.
So each call is told with its place in the stream (``offset``), and a picture can lay the calls of both sides
over each other, also where some of them were left out.
"""

from __future__ import annotations

from servers.kit.events import Bytes, Data, DataReceived, DataSent, Way, preview
from servers.kit.report import Report, now


class Stream:
    """Tells the calls of one end of a connection. ``conn`` and ``peer`` are as in its other events.

    ``client`` says which end it is: what a client sends goes to the server. Call ``sent`` and ``received``
    after the call; where there is no room to tell, they only count. ``bytes_in`` and ``bytes_out`` are exact.
    """

    __slots__ = ("_back", "_forth", "bytes_in", "bytes_out", "conn", "peer", "report")

    def __init__(self, report: Report, conn: str, peer: str, *, client: bool = False) -> None:
        self.report, self.conn, self.peer = report, conn, peer
        self.bytes_in = self.bytes_out = 0
        self._forth: Way = "to_server" if client else "to_client"
        self._back: Way = "to_client" if client else "to_server"

    def sent(self, data: Data, asked: int = 0) -> None:
        """A ``send()`` took ``data``; it was given ``asked`` bytes."""
        offset = self.bytes_out
        self.bytes_out = offset + len(data)
        if not self.report.room:
            self.report.missed += 1
            return
        self._tell_sent(preview(data), asked, offset)

    def received(self, data: Data, asked: int = 0) -> None:
        """A ``recv(asked)`` returned ``data``."""
        offset = self.bytes_in
        self.bytes_in = offset + len(data)
        if not self.report.room:
            self.report.missed += 1
            return
        self._tell_received(preview(data), asked, offset)

    def _tell_sent(self, data: Bytes, asked: int, offset: int) -> None:
        self.report.emit(
            DataSent(
                t=now(), conn=self.conn, peer=self.peer, way=self._forth, data=data,
                asked=asked, offset=offset,
            )
        )  # fmt: skip

    def _tell_received(self, data: Bytes, asked: int, offset: int) -> None:
        self.report.emit(
            DataReceived(
                t=now(), conn=self.conn, peer=self.peer, way=self._back, data=data,
                asked=asked, offset=offset,
            )
        )  # fmt: skip
