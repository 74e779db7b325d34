"""What programs that speak HTTP report: one event a request, one a response.

Secrets are masked before they leave the program: the value of Authorization and
Proxy-Authorization, and the cookie of the dashboard itself, which a browser sends to every
port of its host, for cookies know no ports (RFC 6265, 8.5).
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from servers.kit.events import PREVIEW, Bytes, Event, Way
from servers.kit.http import Headers

_SECRETS = re.compile(
    rb"(?im)^([ \t]*(?:proxy-)?authorization[ \t]*:[ \t]*(?:[^ \t\r\n]+[ \t]+(?=[^ \t\r\n]))?)"
    rb"([^\r\n]+(?:\r?\n[ \t][^\r\n]*)*|(?:\r?\n[ \t][^\r\n]*)+)"
    rb"|((?<![!#$%&'*+.^_`|~0-9A-Za-z-])socket-lab-[0-9]+[ \t]*=)([^;\r\n]*)"
)
"""Also where a blank before the colon or a folded line makes the request refused: that is told, too."""

Pairs = tuple[tuple[str, str], ...]


def masked(data: bytes) -> bytes:
    """The same bytes with stars in place of secrets; as many of them."""
    lower = data.lower()
    if b"authorization" not in lower and b"socket-lab-" not in lower:
        return data
    return _SECRETS.sub(lambda m: (m[1] or m[3]) + b"*" * len(m[2] or m[4] or b""), data)


def shown(headers: Headers) -> Pairs:
    """Header fields as an event carries them, secrets masked."""
    return tuple(
        (name, masked(f"{name}: {value}".encode("latin-1")).decode("latin-1")[len(name) + 2 :])
        for name, value in headers
    )


def masked_preview(data: bytes) -> Bytes:
    """``preview()`` with secrets masked."""
    return Bytes(masked(data[:4096])[:PREVIEW], len(data))


class HttpRequest(Event, frozen=True, kw_only=True):
    """A request arrived whole, or was refused. ``data`` are its head and the start of its body."""

    conn: str
    peer: str
    way: Way
    number: Annotated[int, Meta(description="which of its connection's requests, from 1")]
    method: str = ""
    target: str = ""
    version: str = ""
    headers: Pairs = ()
    size: Annotated[int, Meta(description="bytes of its body")] = 0
    error: Annotated[str, Meta(description="why it was refused; empty: it was not")] = ""
    data: Bytes

    def line(self) -> str:
        """The event in words."""
        if self.error:
            return f"{self.peer} refused: {self.error}"
        return f"{self.peer} {self.method} {self.target} {self.version}"


class HttpResponse(Event, frozen=True, kw_only=True):
    """A response was sent, or received. ``data`` are its head and the start of its body."""

    conn: str
    peer: str
    way: Way
    number: Annotated[int, Meta(description="which of its connection's requests it answers, from 1")]
    method: str = ""
    target: str = ""
    status: int
    reason: str = ""
    version: str = ""
    headers: Pairs = ()
    size: Annotated[int, Meta(description="bytes of its body")] = 0
    ms: Annotated[float, Meta(description="from the whole request to the response's last byte")] = 0.0
    data: Bytes

    def line(self) -> str:
        """The event in words."""
        what = f" to {self.method} {self.target}" if self.method else ""
        return f"{self.peer} {self.status} {self.reason}{what}: {self.size} bytes in {self.ms:.1f} ms"
