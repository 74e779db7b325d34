"""What the client is asked to do: the form and the flags are made from it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.settings import RequestSettings, ui
from servers.tcp_upper.protocol import BUFFER, SENTENCE

LONGEST_S = 300
"""Seconds that the gaps between the sends may take in all."""


class Request(RequestSettings, frozen=True, kw_only=True):
    """A text, how it is cut into sends, how the answer is read, and on how many connections at once."""

    text: Annotated[
        str,
        Meta(
            max_length=20_000,
            title="Text",
            description="What to send, in UTF-8, without a line end. Empty: connect, and say nothing.",
            extra=ui(positional=True),
        ),
    ] = SENTENCE
    slice: Annotated[
        int,
        Meta(
            ge=0, le=65536, title="Slice", extra=ui(unit="bytes"),
            description="How many bytes each send() is given; 0: all in one.",
        ),
    ] = 0  # fmt: skip
    gap: Annotated[
        float,
        Meta(
            ge=0, le=10_000, title="Gap", description="Time between two sends.", extra=ui(unit="ms", step=10)
        ),
    ] = 0.0  # fmt: skip
    read: Annotated[
        int,
        Meta(
            ge=1, le=65536, title="Read size", extra=ui(unit="bytes"),
            description="The size that our recv() is called with.",
        ),
    ] = BUFFER  # fmt: skip
    nodelay: Annotated[
        bool,
        Meta(title="TCP_NODELAY", description="Small segments leave at once, without Nagle's algorithm."),
    ] = False
    connections: Annotated[
        int,
        Meta(
            ge=1, le=200, title="Connections",
            description="Opens so many at once. Of each it is told when it was connected and answered.",
        ),
    ] = 1  # fmt: skip
    timeout: Annotated[
        float,
        Meta(
            ge=0.05, le=120, title="Time-out", extra=ui(unit="s", step=0.5),
            description="How long connect() and each recv() may take.",
        ),
    ] = 5.0  # fmt: skip
    hold: Annotated[
        float,
        Meta(
            ge=0, le=120, title="Hold", extra=ui(unit="s", step=0.5, advanced=True),
            description="The connection stays open so long after the answer, or after the time-out.",
        ),
    ] = 0.0  # fmt: skip
    before: Annotated[
        float,
        Meta(
            ge=0, le=60_000, title="Before the first recv", extra=ui(unit="ms", step=10, advanced=True),
            description="Waits so long, so that what the server sends meanwhile is joined.",
        ),
    ] = 0.0  # fmt: skip
    blocking: Annotated[
        bool,
        Meta(
            title="Blocking", extra=ui(advanced=True),
            description="Off: each call returns at once, with EAGAIN where it would wait; select() waits.",
        ),
    ] = True  # fmt: skip
    shutdown: Annotated[
        bool,
        Meta(
            title="Shut down our side", extra=ui(advanced=True),
            description="After the last send: «I have said all, I still listen».",
        ),
    ] = False  # fmt: skip
    linger: Annotated[
        int,
        Meta(
            ge=0, le=60, title="SO_LINGER", extra=ui(unit="s", advanced=True),
            description="0: our close() resets the connection; more: it waits so long until the server has "
            "acknowledged all. Empty: off.",
        ),
    ] | None = None  # fmt: skip

    def __post_init__(self) -> None:
        try:
            self.data  # noqa: B018 - a lone surrogate, as some JSON has it, has no bytes
        except UnicodeEncodeError as error:
            raise SettingError(f"The text has no UTF-8: {error.reason}.", field="text") from None
        seconds = max(0, len(self.slices) - 1) * self.gap / 1000
        if seconds > LONGEST_S:
            raise SettingError(
                f"{len(self.slices):,} sends {self.gap:g} ms apart take {seconds:,.0f} s; "
                f"{LONGEST_S} s is the most.",
                field="gap",
                hint="Give a smaller gap, or a larger slice.",
            )

    @property
    def data(self) -> bytes:
        """The text's bytes; what a terminal gave that was no UTF-8 stays as it was."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def slices(self) -> list[bytes]:
        """What each ``send()`` is given."""
        data, size = self.data, self.slice or max(1, len(self.data))
        return [data[at : at + size] for at in range(0, len(data), size)]
