"""The web lab's settings, request and counters: the form, the flags and the checks are made from them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.http_web.compose import check_method, header_lines, target_of, unescape
from servers.kit.settings import RequestSettings, ServerSettings, ui

PORT = 6789

Model = Literal["iterative", "threads", "processes", "select"]


class Settings(ServerSettings, frozen=True, kw_only=True):
    """What the server takes beside the host."""

    port: Annotated[
        int, Meta(ge=0, le=65535, title="Port", description="The TCP port; 0 lets the system choose.")
    ] = PORT
    model: Annotated[
        Model,
        Meta(
            title="Model",
            description="How it serves many at once: iterative (one after the other), threads (one each), "
            "processes (a pool of workers), select (one loop that asks the kernel who is ready).",
        ),
    ] = "threads"
    delay: Annotated[
        float,
        Meta(
            ge=0, le=60, title="Delay per request",
            description="Added before each answer, as slow work would.",
            extra=ui(unit="s", live=True, step=0.1, slider=(0, 5)),
        ),
    ] = 0.0  # fmt: skip
    root: Annotated[
        str,
        Meta(
            max_length=1000,
            title="Folder",
            description="What it serves; made if missing. Empty: the demo site.",
        ),
    ] = ""
    allow_put: Annotated[
        bool, Meta(title="Allow PUT", description="Clients may store files in the folder.")
    ] = False
    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=32,
            title="Workers",
            description="Processes of the model «processes».",
            extra=ui(advanced=True),
        ),
    ] = 4
    keep_alive: Annotated[
        float,
        Meta(
            ge=0, le=600, title="Keep-alive", extra=ui(unit="s", advanced=True),
            description="An idle connection stays open so long; 0 closes it after each answer.",
        ),
    ] = 5.0  # fmt: skip
    header_timeout: Annotated[
        float,
        Meta(
            ge=0.1, le=600, title="Header time-out", extra=ui(unit="s", advanced=True),
            description="A request's head must be whole by then, however slowly it drips in.",
        ),
    ] = 10.0  # fmt: skip
    body_timeout: Annotated[
        float,
        Meta(
            ge=0.1, le=600, title="Body time-out", extra=ui(unit="s", advanced=True),
            description="For a request's body, and a second more for each 1,000 bytes that came; "
            "also how long an answer waits for a client that does not read.",
        ),
    ] = 10.0  # fmt: skip
    max_connections: Annotated[
        int,
        Meta(
            ge=1, le=10000, title="Connections", extra=ui(advanced=True),
            description="At the most at once; more wait in the backlog.",
        ),
    ] = 2000  # fmt: skip
    max_body: Annotated[
        float,
        Meta(
            ge=0.001, le=1000, title="Largest body", extra=ui(unit="MB", advanced=True),
            description="A larger PUT is refused with 413.",
        ),
    ] = 10.0  # fmt: skip


class Request(RequestSettings, frozen=True, kw_only=True):
    """What the client is asked to do."""

    path: Annotated[
        str,
        Meta(
            max_length=4000,
            title="Path",
            description="What to ask for: /index.html. Blanks and the like are percent-encoded.",
            extra=ui(positional=True),
        ),
    ] = "/"
    method: Annotated[
        str, Meta(max_length=40, title="Method", description="GET, HEAD, OPTIONS, PUT, or any other word.")
    ] = "GET"
    headers: Annotated[
        str,
        Meta(
            max_length=8000, title="Header fields",
            description="One a line: Name: value. A name given here replaces ours.",
            extra=ui(multiline=True),
        ),
    ] = ""  # fmt: skip
    body: Annotated[
        str,
        Meta(
            max_length=20000,
            title="Body",
            description="Sent with its Content-Length.",
            extra=ui(multiline=True, advanced=True),
        ),
    ] = ""
    version: Annotated[
        Literal["HTTP/1.1", "HTTP/1.0"],
        Meta(title="Version", description="What the request line says.", extra=ui(advanced=True)),
    ] = "HTTP/1.1"
    times: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            title="Requests",
            description="So many, one after the other, on one connection.",
            extra=ui(advanced=True),
        ),
    ] = 1
    raw: Annotated[
        str,
        Meta(
            max_length=20000, title="Bytes by hand", extra=ui(multiline=True, advanced=True),
            description=r"Sent as they are in place of all above. A line break is CRLF; "
            r"\n, \r, \t, \0, \xHH and \\ are bytes.",
        ),
    ] = ""  # fmt: skip
    timeout: Annotated[
        float,
        Meta(
            ge=0.1,
            le=600,
            title="Time-out",
            description="Without a byte for so long, it gives up.",
            extra=ui(unit="s", advanced=True),
        ),
    ] = 10.0

    def __post_init__(self) -> None:
        check_method(self.method)
        target_of(self.path)
        header_lines(self.headers)
        unescape(self.raw)


class Counters(msgspec.Struct):
    """What the server counts."""

    connections: Annotated[int, Meta(title="Connections, in all")] = 0
    open: Annotated[int, Meta(title="Connections open")] = 0
    requests: Annotated[int, Meta(title="Requests")] = 0
    ok: Annotated[int, Meta(title="Answered 2xx or 3xx")] = 0
    refused: Annotated[int, Meta(title="Refused 4xx or 5xx")] = 0
    bytes_in: Annotated[int, Meta(title="Received", extra=ui(unit="bytes"))] = 0
    bytes_out: Annotated[int, Meta(title="Sent", extra=ui(unit="bytes"))] = 0
