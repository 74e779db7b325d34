"""What the proxy lab's client is asked to do: the form and the flags are made from it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from servers.caching_proxy.compose import aim_of, check_cache_control, header_lines
from servers.kit.errors import SettingError
from servers.kit.settings import RequestSettings, ui


class Request(RequestSettings, frozen=True, kw_only=True):
    """A URL to fetch through the proxy, and directly to compare."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=4000,
            title="URL",
            description="What to fetch: http://HOST:PORT/PATH. With https only the tunnel is asked for.",
            extra=ui(positional=True),
        ),
    ] = "http://127.0.0.1:6789/"
    times: Annotated[
        int,
        Meta(
            ge=1,
            le=20,
            title="Times",
            description="So often through the proxy, one after the other: does the cache answer the second?",
        ),
    ] = 1
    compare: Annotated[
        bool,
        Meta(title="Compare", description="Fetch it directly, too: is it slower, and is it the same?"),
    ] = True
    cache_control: Annotated[
        str,
        Meta(
            max_length=200,
            title="Cache-Control",
            description="What the request demands of the cache: no-cache, max-age=0, only-if-cached, "
            "max-stale, no-store. Empty: nothing.",
        ),
    ] = ""
    method: Annotated[
        Literal["GET", "HEAD"],
        Meta(title="Method", description="HEAD asks for the header alone.", extra=ui(advanced=True)),
    ] = "GET"
    form: Annotated[
        Literal["absolute", "path"],
        Meta(
            title="Form of the request",
            description="absolute: GET http://host/path, as a browser asks its proxy; "
            "path: GET /host/path, as the course sheet does.",
            extra=ui(advanced=True),
        ),
    ] = "absolute"
    headers: Annotated[
        str,
        Meta(
            max_length=8000,
            title="Header fields",
            description="One a line: Name: value. A name given here replaces ours.",
            extra=ui(multiline=True, advanced=True),
        ),
    ] = ""
    timeout: Annotated[
        float,
        Meta(
            ge=0.1,
            le=600,
            title="Time-out",
            description="Without a byte for so long, it gives up.",
            extra=ui(unit="s", advanced=True),
        ),
    ] = 20.0

    def __post_init__(self) -> None:
        aim = aim_of(self.url)
        header_lines(self.headers)
        check_cache_control(self.cache_control)
        if aim.scheme == "https" and self.form == "path":
            raise SettingError(
                "The sheet's form cannot ask for https.",
                field="form",
                hint="A tunnel is opened with CONNECT: choose absolute.",
            )
