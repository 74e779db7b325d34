"""What the TCP upper lab's server reports beside the shared kinds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.events import Bytes, Event


class StreamNotUtf8(Event, frozen=True, kw_only=True):
    """What one ``recv()`` brought is no UTF-8: only its ASCII letters were raised."""

    conn: str
    peer: str
    data: Bytes
    at: Annotated[int, Meta(description="which byte of these is the first wrong one, from 0")]
    byte: Annotated[int, Meta(description="its value")]
    why: Annotated[str, Meta(description="what is wrong with it, as Python says it")]
    cut: Annotated[bool, Meta(description="a character was cut in two, by the buffer or by the sends")] = (
        False
    )

    def line(self) -> str:
        """The event in words."""
        what = "a character begins there, and its end has not come" if self.cut else self.why
        return f"{self.peer} byte {self.at} of {self.data.size} (0x{self.byte:02x}) is no UTF-8: {what}"
