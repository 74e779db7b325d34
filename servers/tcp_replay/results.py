"""What a run of the raw client found, as it is shown and stored. No socket, no clock."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.kit.words import some
from servers.tcp_replay.printing import readable

KEPT = 64 * 1024
"""Bytes of each direction that are kept; what is more is counted."""
ROWS = 500
"""Calls of each direction that are kept."""

EndedBy = Literal["", "server", "we", "timeout", "reset"]


class Piece(msgspec.Struct, frozen=True):
    """What one ``send()`` took or one ``recv()`` gave; of a large one the first bytes."""

    at_ms: Annotated[float, Meta(description="since the start")]
    size: Annotated[int, Meta(description="bytes, in truth")]
    text: Annotated[str, Meta(description="its bytes as text; what is not printable is escaped")]
    hex: Annotated[str, Meta(description="its bytes in hex; shorter than size: only the first were kept")]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent and what came, with times in ms since the start.

    ``ended_by``: the server closed, we did, nothing came for too long, or the connection was reset; ""
    where there was none. ``error`` is empty if something came, and all went as it should.
    """

    summary: str
    sends: list[Piece]
    receives: list[Piece]
    ended_by: EndedBy
    sent: Annotated[int, Meta(description="bytes in all")]
    received: Annotated[int, Meta(description="bytes in all")]
    send_calls: Annotated[int, Meta(description="how often send() was called")]
    recv_calls: Annotated[int, Meta(description="how often recv() gave bytes")]
    connect_ms: float | None = None
    first_ms: Annotated[float | None, Meta(description="when the first byte came")] = None
    total_ms: float = 0.0
    cut: Annotated[bool, Meta(description="more was sent or came than sends and receives show")] = False
    hint: Annotated[str, Meta(description="what to try, where nothing came")] = ""
    error: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one line of a session by hand.

    ``sent`` is null where nothing was. ``received`` is all that came since the last answer, unasked
    bytes too, one entry a ``recv()``. ``note`` says what else there is to say.
    """

    sent: Piece | None
    received: list[Piece]
    open: bool
    our_side_open: bool
    note: str


class Side:
    """One direction's calls: all are counted, the first are kept."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.size = self.calls = self._kept = 0
        self.cut = False

    def add(self, data: bytes | memoryview, at_ms: float) -> Piece:
        """Count what one call moved, and keep what there is room for. What is returned has the rest, too,
        up to ``KEPT`` bytes."""
        self.size += len(data)
        self.calls += 1
        room = max(0, KEPT - self._kept)
        if self.calls > ROWS or len(data) > room:
            self.cut = True
        head = bytes(data[:room])
        piece = Piece(round(at_ms, 3), len(data), readable(head), head.hex())
        if self.calls <= ROWS:
            self.pieces.append(piece)
            self._kept += len(head)
        return piece


def summary(sent: Side, received: Side, ended_by: EndedBy, total_ms: float, error: str, udp: bool) -> str:
    """The run in one sentence."""
    if not ended_by:
        return error
    word = "datagram" if udp else "send"
    came = "datagram" if udp else "recv"
    said = f"Sent {some(sent.size, 'byte')} in {some(sent.calls, word)}" if sent.calls else "Sent nothing"
    heard = (
        f"received {some(received.size, 'byte')} in {some(received.calls, came)}"
        if received.calls
        else "received nothing"
    )
    ends = {
        "server": "the server ended the connection",
        "we": "we ended it",
        "timeout": "then nothing came any more, and we ended it",
        "reset": "the connection was reset",
    }
    if udp:
        ends["reset"] = "nobody listens there"
        ends["timeout"] = "then nothing came any more"
    return f"{said}, {heard}; {ends[ended_by]} after {total_ms:,.1f} ms."
