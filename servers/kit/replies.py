"""The replies of a UDP server: counted exactly, told as far as there is room. A lab's book is built on it."""

from __future__ import annotations

from typing import Any

from servers.kit.addresses import show
from servers.kit.events import DatagramSent, preview
from servers.kit.report import Report, now


class Replies:
    """Counts ``replied`` and ``bytes_out``; what there is no room to tell is counted as missed."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.counters: Any = report.counters

    def leaves(self, reply: bytes) -> None:
        """A reply is about to leave: whoever gets it finds it counted."""
        self.counters.replied += 1
        self.counters.bytes_out += len(reply)

    def left(self, reply: bytes, peer: Any) -> None:
        """A reply has left."""
        if self.report.room:
            event = DatagramSent(t=now(), peer=show(peer), way="to_client", data=preview(reply))
            self.report.emit(event)
        else:
            self.report.missed += 1

    def stays(self, reply: bytes) -> None:
        """A reply that was about to leave did not."""
        self.counters.replied -= 1
        self.counters.bytes_out -= len(reply)
