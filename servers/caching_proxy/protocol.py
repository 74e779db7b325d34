"""Messages as a proxy passes them on (RFC 9110, 7; RFC 9112, 3.2): where to, and which fields go further.

No socket here. A request names its target in one of four ways:
    GET http://example.org/a HTTP/1.1       absolute form: what a browser sends to its proxy
    GET /example.org/a HTTP/1.1             the course sheet's own form, for http://localhost:8888/example.org/a
    CONNECT example.org:443 HTTP/1.1        authority form: a tunnel
    OPTIONS http://example.org HTTP/1.1     for the whole server: passed on as «*»
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from servers.kit.http import Headers, HttpError, Request, short

NAME = "socketlab"
"""What the proxy calls itself in Via, Cache-Status and Proxy-Status."""
HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authentication-info",
    "proxy-authorization", "te", "transfer-encoding", "upgrade", "http2-settings",
})  # fmt: skip
"""Fields for the next hop only (RFC 9110, 7.6.1); Trailer goes along with the trailers."""
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range")
"""The preconditions of a request (RFC 9110, 13.1)."""
FILES = frozenset({
    "avif", "bmp", "css", "csv", "gif", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "map", "md", "mjs",
    "mp3", "mp4", "ogg", "pdf", "php", "png", "svg", "txt", "wasm", "webm", "webp", "woff", "woff2", "xhtml",
    "xml", "zip",
})  # fmt: skip
"""Endings of files: «style.css» is no host when a page of ours asks for it."""
SURELY_FILES = FILES - {"map", "md", "zip"}
"""Those of them that are no domain's ending: «style.css» is no host, whoever asks."""
_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}))(?::([0-9]{0,5}))?\Z")
_MAX_FORWARDS = re.compile(r"[0-9]{1,9}\Z")


class Target(msgspec.Struct, frozen=True):
    """Where a request goes. ``path`` is what the origin is asked for: path and query, or ``*``."""

    form: Literal["absolute", "path", "connect"]
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """``host[:port]`` as the Host field has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 80 and self.form != "connect" else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The target URI, normalised (RFC 9110, 4.2.3): the cache's key."""
        return self.authority if self.form == "connect" else f"http://{self.authority}{self.path}"


# -- where to


def read_target(request: Request) -> Target:
    """Where the request is to go. Raises HttpError with a message for the one who asked."""
    target = request.target
    if request.method == "CONNECT":
        host, port = read_host(target, 0)
        if not port:
            raise HttpError(400, "CONNECT needs host:port, such as example.org:443.")
        return Target("connect", host, port, "")
    if target == "*":
        raise HttpError(400, "«*» asks the proxy itself, which has nothing to tell.")
    if target.startswith("/"):
        return _from_path(request)
    scheme, colon, rest = target.partition("://")
    if not colon:
        raise HttpError(400, f"«{short(target)}» is no URL: a proxy is asked for http://host/path.")
    if scheme.lower() != "http":
        raise HttpError(
            501 if scheme.lower() == "https" else 400,
            "For https a client opens a tunnel with CONNECT: the proxy does not speak TLS for it."
            if scheme.lower() == "https"
            else f"This proxy speaks http, not «{short(scheme)}».",
        )
    cut = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, path = rest[:cut], rest[cut:].partition("#")[0]
    host, port = read_host(authority, 80)
    if request.method == "OPTIONS" and not path:
        path = "*"
    return Target("absolute", host, port, path if path.startswith(("/", "*")) else "/" + path)


def read_host(authority: str, default: int) -> tuple[str, int]:
    """Host, in lower case and without brackets, and port. HttpError (400) for what is neither."""
    if "@" in authority:
        raise HttpError(400, "A name and password in a URL are not passed on (RFC 9110, 4.2.4).")
    found = _HOST.match(authority)
    if not found or int(found[2] or default) > 65535 or (found[2] and int(found[2]) == 0):
        raise HttpError(400, f"«{short(authority)}» is no host, or no host:port.")
    return found[1].strip("[]").lower(), int(found[2] or default)


def _from_path(request: Request) -> Target:
    """The sheet's form: the first segment is the host; or the page that the link stood on tells it."""
    first, slash, rest = request.target[1:].partition("/")
    first, mark, query = first.partition("?")
    page = _page(request)
    looks = bool(_HOST.match(first)) and ("." in first or ":" in first or first.lower() == "localhost")
    if first.lower() in ("http:", "https:"):
        raise HttpError(404, f"«{first}» is no host. Leave {first}// out: ask for /www.example.org/path.")
    ending = first.rpartition(".")[2].lower()
    looks = looks and (bool(slash) or ending not in SURELY_FILES)
    if page and (not looks or (ending in FILES and ":" not in first)):
        host, port = page
        return Target("path", host, port, request.target)
    if not looks:
        raise HttpError(
            404,
            f"«{short(first)}» is no host. Ask for /www.example.org/path, or set this proxy in your browser. "
            "(A link of a page that was fetched this way is found by its Referer, and none came.)"
            if first
            else "This is a proxy. Ask it for /www.example.org/path, or set it as your browser's proxy.",
        )
    host, port = read_host(first, 80)
    path = f"/{rest}" if slash else "/"
    return Target("path", host, port, path + (f"?{query}" if mark else ""))


def _page(request: Request) -> tuple[str, int] | None:
    """Host and port of the page that asks, if it came through this proxy in the sheet's form."""
    try:
        parts = urlsplit(request.headers.get("referer"))
        if parts.netloc.lower() != request.headers.get("host").lower() or not parts.netloc:
            return None
        return read_host(parts.path[1:].partition("/")[0], 80)
    except (ValueError, HttpError):
        return None


# -- what goes further


def onward(headers: Headers) -> Headers:
    """The fields that are not for this hop only: neither by their own nature, nor named by Connection."""
    named = set(headers.tokens("connection"))
    return headers.without((HOP_BY_HOP | named) - {"cache-control", "host", "content-length", "via", "age"})


def looped(headers: Headers, name: str) -> bool:
    """Whether this request came through this proxy before: its own name stands in Via."""
    return any(word.split()[1:2] == [name] for word in headers.get("via").split(",") if word.strip())


def request_fields(request: Request, target: Target, name: str) -> Headers:
    """What the origin is sent, without the fields that frame the body."""
    kept = onward(request.headers).without(("host", "content-length", "via", "max-forwards"))
    fields = [("Host", target.authority), *kept]
    if _trailers_wanted(request):
        fields += [("TE", "trailers")]
    if request.method in ("OPTIONS", "TRACE") and (hops := max_forwards(request)) is not None:
        fields += [("Max-Forwards", str(hops - 1))]
    return Headers([*fields, via(request.version, request.headers, name)])


def _trailers_wanted(request: Request) -> bool:
    return "trailers" in request.headers.tokens("te")


def max_forwards(request: Request) -> int | None:
    """How many further hops an OPTIONS or TRACE may make (RFC 9110, 7.6.2); None: it does not say."""
    value = request.headers.get("max-forwards")
    return int(value) if _MAX_FORWARDS.match(value) else None


def via(version: str, headers: Headers, name: str) -> tuple[str, str]:
    """The Via field with this hop added (RFC 9110, 7.6.3)."""
    before = headers.get("via")
    return "Via", f"{before + ', ' if before else ''}{version.removeprefix('HTTP/')} {name}"


def response_fields(headers: Headers, version: str, name: str) -> Headers:
    """What the client is sent of the origin's fields, without those that frame the body."""
    kept = onward(headers).without(("content-length", "via"))
    return Headers([*kept, via(version, headers, name)])
