"""What the upper-case lab's UDP server reports beside the shared kinds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.events import Event
from servers.kit.words import some


class DatagramNotUtf8(Event, frozen=True, kw_only=True):
    """A datagram is no UTF-8 text: of its bytes the ASCII letters alone are raised."""

    peer: str
    at: Annotated[int, Meta(description="the first wrong byte, counted from 0")]
    byte: Annotated[int, Meta(description="its value")]
    reason: str

    def line(self) -> str:
        """The event in words."""
        return (
            f"{self.peer} byte {self.at} (0x{self.byte:02x}) is no UTF-8: {self.reason}. "
            "Only the ASCII letters are raised."
        )


class DatagramsOverflowed(Event, frozen=True, kw_only=True):
    """Datagrams had no room in the socket's receive buffer: the kernel threw them away. Told on Linux."""

    lost: Annotated[int, Meta(description="how many, since this was last told")]
    whole: Annotated[int, Meta(description="how many since the server began")]

    def line(self) -> str:
        """The event in words."""
        what = some(self.lost, "datagram is", "datagrams are")
        return f"{what} lost: the receive buffer was full ({self.whole} in all)"
