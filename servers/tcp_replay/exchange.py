"""An exchange: what a client sent as one message, and all that the server said to it. No socket, no clock."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Milliseconds = Annotated[float, Meta(ge=-1e10, le=1e10)]
Seconds = Annotated[float, Meta(ge=0, le=1e11)]
"""Since 1970, up to the year 5138: what a calendar has."""


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """Bytes that came together, ``ms`` after the request was whole (a greeting: after the opening)."""

    ms: Milliseconds
    data: bytes


class Exchange(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """One line of a tape. Bytes are base64 in JSON; times are seconds since 1970.

    id          its number on the tape, from 1; 0: it is on none
    at          when the request was whole, or the connection opened
    conn        the connection that it was recorded on; ``number`` is its place there, from 1
    peer        the client's address
    target      the server's address as it was configured: ``127.0.0.1:6789``
    framing     where a message ended when it was recorded
    request     the client's message; empty in a greeting
    response    what the server said, in the chunks that came
    greeting    the server spoke first
    client_end  the client ended its side after the request
    server_end  the server ended its side after the response
    """

    id: int = 0
    at: Seconds
    conn: str = ""
    number: int = 0
    peer: str = ""
    target: str = ""
    transport: str = "tcp"
    framing: str = ""
    request: bytes = b""
    response: tuple[Chunk, ...] = ()
    greeting: bool = False
    client_end: bool = False
    server_end: bool = False

    @property
    def answer(self) -> bytes:
        """All bytes of the response."""
        return b"".join(chunk.data for chunk in self.response)
