"""Packets as a pcapng file: those that were captured, and, labelled, those worked out from events."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from servers.walk.packet import Frame
from servers.walk.rebuild import Rebuilt
from servers.walk.write import several
from webui.packets_walk import made


def export(captured: Iterable[Frame], told: list[Rebuilt], *, name: str, comment: str) -> Iterator[bytes]:
    """The file, block by block, in the order of the packets' times: an interface for each of the two."""
    second = f"{name} (reconstructed)"
    label = f" What is of the interface «{second}» comes from socket events; it was not captured."
    pairs = heapq.merge(
        ((frame, name) for frame in captured),
        ((frame, second) for frame in _made(told)),
        key=lambda pair: pair[0].t,
    )
    return several(pairs, name=name, comment=comment + (label if told else ""))


def _made(told: list[Rebuilt]) -> Iterator[Frame]:
    """The frames of all, in the order of their times, as a capture has them."""
    packets = sorted((packet for each in told for packet in each.packets), key=lambda packet: packet.t)
    return made(packets, "reconstructed from socket events")
