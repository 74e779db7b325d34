"""What the web lab's client reports beside the shared kinds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.events import Event


class DownloadProgress(Event, frozen=True, kw_only=True):
    """How much of a body the client has; told at most five times a second."""

    done: Annotated[int, Meta(description="bytes of the body so far")]
    total: Annotated[int | None, Meta(description="bytes there will be; null: not said")] = None

    def line(self) -> str:
        """The event in words."""
        return f"{self.done} bytes" + ("" if self.total is None else f" of {self.total}")
