"""What can be set on the upper-case server, what its client can be asked to do, what is counted."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.family import FamilySettings
from servers.kit.settings import RequestSettings, ui
from servers.udp_upper.protocol import BUFFER, MAX_DATAGRAM, PORT

LARGEST = 65535
"""Bytes in the largest datagram there can be, headers and all."""
LONGEST_S = 120
"""Seconds that one client may run."""


class Settings(FamilySettings, frozen=True, kw_only=True):
    """The socket, its options, and how it is read."""

    port: Annotated[
        int,
        Meta(ge=0, le=65535, title="Port", description="The UDP port; 0 lets the system choose one."),
    ] = PORT
    buffer: Annotated[
        int,
        Meta(
            ge=1, le=MAX_DATAGRAM, title="Buffer",
            description="The size in recvfrom(size). Of a longer datagram the rest is lost.",
            extra=ui(unit="bytes"),
        ),
    ] = BUFFER  # fmt: skip
    pause: Annotated[
        float,
        Meta(
            ge=0, le=10000, title="Pause before each recvfrom",
            description="How long the server does something else. Meanwhile datagrams wait in the socket's "
            "receive buffer, and when that is full they are lost.",
            extra=ui(unit="ms", live=True, step=1, slider=(0, 1000)),
        ),
    ] = 0.0  # fmt: skip
    timeout: Annotated[
        float,
        Meta(
            ge=0, le=3600, title="Time-out",
            description="recvfrom() gives up after this long, is told, and is called again. 0: it waits on.",
            extra=ui(unit="s", step=0.1),
        ),
    ] = 0.0  # fmt: skip
    blocking: Annotated[
        bool,
        Meta(
            title="Blocking",
            description="Off: recvfrom() never waits; when nothing is there it fails with EAGAIN, and "
            "select() waits instead.",
        ),
    ] = True
    reuse_address: Annotated[
        bool,
        Meta(
            title="SO_REUSEADDR",
            description="Two UDP servers that both set it can share a port (on Linux): the one that was "
            "bound last gets the datagrams.",
        ),
    ] = False
    receive_buffer: Annotated[
        int,
        Meta(
            ge=1, le=16_777_216, title="SO_RCVBUF",
            description="The receive buffer that the kernel is asked for; Linux doubles it, for its own "
            "book-keeping. Empty: the system's default.",
            extra=ui(unit="bytes", advanced=True),
        ),
    ] | None = None  # fmt: skip


class Request(RequestSettings, frozen=True, kw_only=True):
    """What the client is asked to do."""

    text: Annotated[
        str, Meta(max_length=2000, title="Text", description="What is sent.", extra=ui(positional=True))
    ] = "hello, world"
    count: Annotated[
        int,
        Meta(
            ge=1, le=1000, title="Datagrams",
            description="How many are sent. If there are several, each has its number in front.",
            extra=ui(flags=("-c",)),
        ),
    ] = 1  # fmt: skip
    gap: Annotated[
        float,
        Meta(
            ge=0, le=10000, title="Gap", description="Time from one datagram to the next.",
            extra=ui(unit="ms", step=1),
        ),
    ] = 0.0  # fmt: skip
    size: Annotated[
        int,
        Meta(
            ge=0, le=70000, title="Size",
            description="Each is filled up to this many bytes; 0 adds nothing. More than 65,507 cannot be "
            "sent over IPv4: see what sendto() says.",
            extra=ui(unit="bytes", flags=("-s",)),
        ),
    ] = 0  # fmt: skip
    read: Annotated[
        int,
        Meta(
            ge=1, le=LARGEST, title="Client's buffer",
            description="The size in the client's recvfrom(size). Of a longer reply the rest is lost.",
            extra=ui(unit="bytes"),
        ),
    ] = BUFFER  # fmt: skip
    connected: Annotated[
        bool,
        Meta(
            title="connect() first",
            description="Then send() needs no address, replies of others are not let in, and a port on which "
            "nobody listens is told (ECONNREFUSED).",
        ),
    ] = False
    blocking: Annotated[
        bool,
        Meta(
            title="Blocking",
            description="Off: recvfrom() never waits; when nothing is there it fails with EAGAIN, and "
            "select() waits instead.",
            extra=ui(advanced=True),
        ),
    ] = True
    timeout: Annotated[
        float,
        Meta(
            ge=0.01, le=60, title="Time-out",
            description="How long the client waits after the last datagram.",
            extra=ui(unit="s", flags=("-W",), step=0.1),
        ),
    ] = 1.0  # fmt: skip

    def __post_init__(self) -> None:
        seconds = self.count * self.gap / 1000 + self.timeout
        if seconds > LONGEST_S:
            raise SettingError(
                f"{self.count} datagrams {self.gap:g} ms apart take {seconds:.0f} s; the longest run is "
                f"{LONGEST_S} s.",
                field="count",
                hint="Send fewer, or give a shorter gap.",
            )


class Counters(msgspec.Struct):
    """What the server counts."""

    received: Annotated[int, Meta(title="Datagrams received")] = 0
    replied: Annotated[int, Meta(title="Replies sent")] = 0
    cut: Annotated[int, Meta(title="Longer than the buffer")] = 0
    bytes_lost: Annotated[int, Meta(title="Cut off", extra={"unit": "bytes"})] = 0
    overflowed: Annotated[int, Meta(title="Lost in the full receive buffer")] = 0
    invalid: Annotated[int, Meta(title="No UTF-8")] = 0
    unanswered: Annotated[int, Meta(title="Could not be answered")] = 0
    timeouts: Annotated[int, Meta(title="recvfrom() timed out")] = 0
    would_block: Annotated[int, Meta(title="recvfrom() said EAGAIN")] = 0
    bytes_in: Annotated[int, Meta(title="Received", extra={"unit": "bytes"})] = 0
    bytes_out: Annotated[int, Meta(title="Sent", extra={"unit": "bytes"})] = 0
