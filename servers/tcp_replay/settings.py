"""The replay lab's settings and counters: the form, the flags and the checks are made from them."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.settings import ServerSettings, ui

PORT = 60001
Mode = Literal["pass", "record", "replay", "record-if-new"]
Framing = Literal["crlfcrlf", "http", "line", "length1", "length2", "length4", "pause", "connection"]
_TARGET = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]{1,253}):([0-9]{1,5})\Z")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")


def _way(title: str, what: str, unit: str, le: float, slider: float, step: float = 1) -> Meta:
    return Meta(
        ge=0, le=le, title=title, description=what,
        extra=ui(unit=unit, live=True, step=step, slider=(0, slider), advanced=True),
    )  # fmt: skip


LATENCY = "Each piece leaves so much later."
JITTER = "The latency changes by up to so much, up or down; the order stays."
RATE = "Bytes pass at this rate at the most; 0: as fast as they come."
SIZE = "Pieces are cut to about so many bytes; 0: they are not."
VARIATION = "By so much a cut piece is larger or smaller."
DELAY = "So long between two cut pieces."
RESET = "The connection is reset so long after it opened; -1: never."
TIMEOUT = "Nothing passes, and after so long the connection is closed; 0: it stays silent; -1: all passes."


class Settings(ServerSettings, frozen=True, kw_only=True):
    """What the server takes beside the host. The faults have Toxiproxy's names, for each direction."""

    port: Annotated[
        int, Meta(ge=0, le=65535, title="Port", description="The port; 0 lets the system choose.")
    ] = PORT
    mode: Annotated[
        Mode,
        Meta(
            title="Mode",
            extra=ui(live=True),
            description="pass: watch only; record: and write down; replay: answer from the tape, without the "
            "server; record-if-new: write down what the tape does not know.",
        ),
    ] = "record"
    target: Annotated[
        str,
        Meta(
            max_length=300,
            title="Target",
            extra=ui(live=True),
            description="The real server, HOST:PORT; for connections from now on.",
        ),
    ] = "127.0.0.1:60000"
    transport: Annotated[
        Literal["tcp", "udp"], Meta(title="Transport", description="What it stands between.")
    ] = "tcp"
    tape: Annotated[
        str,
        Meta(
            max_length=1000, title="Tape", description="The file; made if missing. Empty: the lab's own tape."
        ),
    ] = ""
    framing: Annotated[
        Framing,
        Meta(
            title="A message ends",
            extra=ui(live=True),
            description="crlfcrlf: with an empty line; http: as its head says; line: with LF; length1, 2, 4: "
            "after as many bytes as its first 1, 2 or 4 say; pause: when nothing comes for a while; "
            "connection: at the end.",
        ),
    ] = "http"
    pause: Annotated[
        float,
        Meta(
            ge=1,
            le=60_000,
            title="Pause",
            extra=ui(unit="ms", live=True, step=1, slider=(1, 1000)),
            description="Ends a message where pauses do; over UDP, how long answers are waited for.",
        ),
    ] = 50.0
    match: Annotated[
        Literal["exact", "numbers", "http"],
        Meta(
            title="Same request",
            extra=ui(live=True),
            description="exact: all bytes; numbers: digits may differ, as in a time, "
            "and an answer that repeats them has the new ones; "
            "http: method, path, body and the header fields below.",
        ),
    ] = "exact"
    match_headers: Annotated[
        str,
        Meta(
            max_length=1000,
            title="Fields that count",
            extra=ui(live=True, advanced=True),
            description="With http: header fields that must be the same, with commas between.",
        ),
    ] = ""
    ignore: Annotated[
        str,
        Meta(
            max_length=1000,
            title="Lines that do not count",
            extra=ui(live=True, advanced=True),
            description="Lines that begin with one of these names and a colon may differ.",
        ),
    ] = "Date, Cookie, User-Agent, Message-ID"
    repeat: Annotated[
        Literal["last", "miss"],
        Meta(
            title="Asked more often",
            extra=ui(live=True),
            description="Equal requests are answered in the order recorded; then with the last one, or not.",
        ),
    ] = "last"
    miss: Annotated[
        Literal["close", "text"],
        Meta(
            title="Unknown request",
            extra=ui(live=True),
            description="close: the connection closes without a byte; text: it gets the text below first.",
        ),
    ] = "close"
    miss_text: Annotated[
        str,
        Meta(
            max_length=4000,
            title="Text for it",
            extra=ui(live=True, multiline=True, advanced=True),
            description="Sent to an unknown request. \\r and \\n stand for CR and LF.",
        ),
    ] = "HTTP/1.1 504 Not On Tape\\r\\nContent-Length: 0\\r\\n\\r\\n"
    timing: Annotated[
        Literal["recorded", "scaled", "at_once"],
        Meta(title="Timing", extra=ui(live=True), description="When a replayed answer leaves."),
    ] = "at_once"
    speed: Annotated[
        float,
        Meta(
            ge=0.01,
            le=1000,
            title="Speed",
            extra=ui(unit="×", live=True, step=0.1, slider=(0.1, 10)),
            description="With scaled: so many times as fast as recorded.",
        ),
    ] = 1.0
    largest: Annotated[
        int,
        Meta(
            ge=100,
            le=100_000_000,
            title="Largest message",
            extra=ui(unit="bytes", advanced=True),
            description="A larger one passes, but is not recorded.",
        ),
    ] = 4_000_000
    upstream_latency: Annotated[float, _way("To the server: latency", LATENCY, "ms", 60_000, 2000)] = 0
    upstream_jitter: Annotated[float, _way("To the server: jitter", JITTER, "ms", 60_000, 1000)] = 0
    upstream_rate: Annotated[float, _way("To the server: bandwidth", RATE, "KB/s", 1e6, 1000)] = 0
    upstream_average_size: Annotated[int, _way("To the server: slicer", SIZE, "bytes", 1_000_000, 1000)] = 0
    upstream_size_variation: Annotated[
        int, _way("To the server: variation", VARIATION, "bytes", 1_000_000, 1000)
    ] = 0
    upstream_delay: Annotated[float, _way("To the server: slice delay", DELAY, "ms", 10_000, 500)] = 0
    downstream_latency: Annotated[float, _way("To the client: latency", LATENCY, "ms", 60_000, 2000)] = 0
    downstream_jitter: Annotated[float, _way("To the client: jitter", JITTER, "ms", 60_000, 1000)] = 0
    downstream_rate: Annotated[float, _way("To the client: bandwidth", RATE, "KB/s", 1e6, 1000)] = 0
    downstream_average_size: Annotated[int, _way("To the client: slicer", SIZE, "bytes", 1_000_000, 1000)] = 0
    downstream_size_variation: Annotated[
        int, _way("To the client: variation", VARIATION, "bytes", 1_000_000, 1000)
    ] = 0
    downstream_delay: Annotated[float, _way("To the client: slice delay", DELAY, "ms", 10_000, 500)] = 0
    upstream_reset_peer: Annotated[
        float,
        Meta(
            ge=-1,
            le=600_000,
            title="To the server: reset",
            description=RESET,
            extra=ui(unit="ms", live=True, advanced=True),
        ),
    ] = -1
    downstream_reset_peer: Annotated[
        float,
        Meta(
            ge=-1,
            le=600_000,
            title="To the client: reset",
            description=RESET,
            extra=ui(unit="ms", live=True, advanced=True),
        ),
    ] = -1
    upstream_timeout: Annotated[
        float,
        Meta(
            ge=-1,
            le=600_000,
            title="To the server: timeout",
            description=TIMEOUT,
            extra=ui(unit="ms", live=True, advanced=True),
        ),
    ] = -1
    downstream_timeout: Annotated[
        float,
        Meta(
            ge=-1,
            le=600_000,
            title="To the client: timeout",
            description=TIMEOUT,
            extra=ui(unit="ms", live=True, advanced=True),
        ),
    ] = -1
    max_connections: Annotated[
        int,
        Meta(ge=1, le=5000, title="Connections", description="At the most at once.", extra=ui(advanced=True)),
    ] = 500  # fmt: skip

    def __post_init__(self) -> None:
        target_of(self.target)
        names_of(self.match_headers, "match_headers")
        names_of(self.ignore, "ignore")


def target_of(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT."""
    found = _TARGET.match(text.strip())
    if not found or not 0 < int(found[2]) < 65536:
        raise SettingError(
            f"«{text[:60]}» is no HOST:PORT.", field="target", hint="Write 127.0.0.1:6789 or [::1]:6789."
        )
    return found[1].strip("[]"), int(found[2])


def names_of(text: str, field: str) -> tuple[str, ...]:
    """Names with commas between, in lower case."""
    names = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    for name in names:
        if not _NAME.match(name):
            raise SettingError(f"«{name[:40]}» is no name of a header field.", field=field)
    return names


class Counters(msgspec.Struct):
    """What the server counts."""

    connections: Annotated[int, Meta(title="Connections, in all")] = 0
    open: Annotated[int, Meta(title="Connections open")] = 0
    exchanges: Annotated[int, Meta(title="Exchanges")] = 0
    recorded: Annotated[int, Meta(title="Recorded")] = 0
    hits: Annotated[int, Meta(title="Answered from the tape")] = 0
    misses: Annotated[int, Meta(title="Not on the tape")] = 0
    on_tape: Annotated[int, Meta(title="On the tape")] = 0
    bytes_up: Annotated[int, Meta(title="To the server", extra=ui(unit="bytes"))] = 0
    bytes_down: Annotated[int, Meta(title="To the client", extra=ui(unit="bytes"))] = 0
