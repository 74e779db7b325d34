"""What the raw client is asked to do: the form and the flags are made from it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from servers.kit.settings import RequestSettings, ui
from servers.tcp_replay.sending import parts_of

Eol = Literal["auto", "crlf", "lf", "none"]


class Request(RequestSettings, frozen=True, kw_only=True):
    """Bytes to send, one piece or several, and how long to listen; with ``by_hand`` line by line."""

    text: Annotated[
        str,
        Meta(
            max_length=20_000,
            title="Text",
            description="What to send. A line --- stands between several sends; as the first line it lets "
            "the server speak first. Empty: only listen. In a terminal --send TEXT, also several times, is "
            "a send each; without both, what comes on stdin is sent.",
            extra=ui(multiline=True, flags=("--send",)),
        ),
    ] = ""
    eol: Annotated[
        Eol,
        Meta(
            title="Line ends",
            description="What each line is ended with, the last too. none: as it stands; auto: crlf for a "
            "text over TCP, none over UDP, with escapes, and for what comes from a pipe.",
        ),
    ] = "auto"
    udp: Annotated[bool, Meta(title="UDP", description="Each send is a datagram.")] = False
    keep_open: Annotated[
        bool,
        Meta(title="Keep open", description="Do not end our side after the last send; many servers wait so."),
    ] = False
    by_hand: Annotated[
        bool, Meta(title="By hand", description="The connection stays, and you send one line at a time.")
    ] = False
    hex: Annotated[
        bool,
        Meta(
            title="Hex",
            description="The text is bytes in hex: 48 65 6c 6c 6f.",
            extra=ui(advanced=True),
        ),
    ] = False
    escapes: Annotated[
        bool,
        Meta(
            title="Escapes",
            description=r"In the text \r \n \t \0 \\ and \xNN stand for bytes.",
            extra=ui(advanced=True),
        ),
    ] = False
    pause: Annotated[
        float,
        Meta(
            ge=0,
            le=60_000,
            title="Pause",
            description="So long between two sends.",
            extra=ui(unit="ms", advanced=True),
        ),
    ] = 200.0
    wait: Annotated[
        float,
        Meta(
            ge=0.01,
            le=600,
            title="Wait",
            description="It listens until nothing came for so long, or the server closes.",
            extra=ui(unit="s", advanced=True),
        ),
    ] = 5.0

    def __post_init__(self) -> None:
        parts_of(self.text, hex=self.hex, escapes=self.escapes, eol=self.ending)

    @property
    def ending(self) -> Literal["crlf", "lf", "none"]:
        """What a typed line is ended with."""
        if self.eol == "auto":
            return "none" if self.udp or self.escapes else "crlf"
        return self.eol
