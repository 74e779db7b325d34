"""What can be set on the upper-case server, and what it counts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from servers.kit.family import FamilySettings
from servers.kit.settings import ui
from servers.tcp_upper.protocol import BUFFER, PORT

BACKLOG = 128
"""What Python takes for ``listen()`` without a number. The sheet has 1."""


class Settings(FamilySettings, frozen=True, kw_only=True):
    """The server's socket calls, and what it does between them."""

    port: Annotated[
        int,
        Meta(ge=0, le=65535, title="Port", description="The TCP port; 0 lets the system choose one."),
    ] = PORT
    accepting: Annotated[
        bool,
        Meta(
            title="Accept connections",
            description="Off: accept() is not called any more. Who comes waits in the backlog.",
            extra=ui(live=True),
        ),
    ] = True
    buffer: Annotated[
        int,
        Meta(
            ge=1, le=65536, title="Buffer", extra=ui(unit="bytes", live=True, slider=(1, 2048)),
            description="The size that recv() is called with: it returns at most so many bytes.",
        ),
    ] = BUFFER  # fmt: skip
    pause: Annotated[
        float,
        Meta(
            ge=0, le=10_000, title="Pause before recv",
            extra=ui(unit="ms", live=True, step=10, slider=(0, 2000)),
            description="Waits before each recv(), so that what the client sends meanwhile is joined.",
        ),
    ] = 0.0  # fmt: skip
    keep_open: Annotated[
        bool,
        Meta(
            title="Keep open", extra=ui(live=True),
            description="Answers until the client ends. Off, as in the sheet: one recv, one send, close.",
        ),
    ] = False  # fmt: skip
    timeout: Annotated[
        float,
        Meta(
            ge=0, le=3600, title="Time-out", extra=ui(unit="s", live=True, step=1, slider=(0, 60)),
            description="How long recv() waits for a silent client; 0, as in the sheet: for ever.",
        ),
    ] = 30.0  # fmt: skip
    blocking: Annotated[
        bool,
        Meta(
            title="Blocking",
            description="On: calls wait, one client after the other. Off: no call waits, and select() says "
            "who is ready: many clients side by side.",
        ),
    ] = True
    backlog: Annotated[
        int,
        Meta(
            ge=0, le=1000, title="Backlog",
            description="listen(N): so many may wait to be accepted; on Linux one more. The sheet has 1.",
        ),
    ] = BACKLOG  # fmt: skip
    reuse_address: Annotated[
        bool,
        Meta(
            title="SO_REUSEADDR",
            description="A restart may bind the port while old connections are in TIME-WAIT. Two servers at "
            "once it does not allow.",
        ),
    ] = True
    nodelay: Annotated[
        bool,
        Meta(
            title="TCP_NODELAY", extra=ui(advanced=True),
            description="Small segments leave at once, without Nagle's algorithm.",
        ),
    ] = False  # fmt: skip
    linger: Annotated[
        int,
        Meta(
            ge=0, le=60, title="SO_LINGER", extra=ui(unit="s", advanced=True),
            description="close() waits so long until the client has acknowledged all; 0: close() resets the "
            "connection. Empty: off, close() returns at once and the system sends the rest.",
        ),
    ] | None = None  # fmt: skip


class Counters(msgspec.Struct):
    """What the server counts."""

    connections: Annotated[int, Meta(title="Connections, in all")] = 0
    open: Annotated[int, Meta(title="Connections open")] = 0
    recv_calls: Annotated[int, Meta(title="recv() that brought bytes")] = 0
    send_calls: Annotated[int, Meta(title="send() that took bytes")] = 0
    bytes_in: Annotated[int, Meta(title="Received", extra=ui(unit="bytes"))] = 0
    bytes_out: Annotated[int, Meta(title="Sent", extra=ui(unit="bytes"))] = 0
    not_utf8: Annotated[int, Meta(title="No UTF-8")] = 0
    resets: Annotated[int, Meta(title="Reset by clients")] = 0
    timeouts: Annotated[int, Meta(title="Timed out")] = 0
