"""Requests before they are sent: from a URL and what the form says to bytes. No socket here.

The same URL can be asked for in two forms. A browser that has a proxy sends it the whole URL;
the course sheet puts the host into the path, so that any browser can ask without being set up.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from servers.caching_proxy.protocol import HOP_BY_HOP, read_host
from servers.kit.errors import SettingError
from servers.kit.http import TOKEN, VALUE, Headers, HttpError, short, write_request
from servers.kit.http_events import shown

AGENT = "SocketLab-client"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.S)
_KEPT = "!$%&'()*+,/:;=?@[]~-._"
"""What stays as it is in a path and a query; a % too, so that one may write %2e."""
_NOT_OURS = frozenset({"content-length", "transfer-encoding", "expect", "upgrade"})
"""Fields that announce what this client does not send: the proxy would wait for it."""

Pairs = list[tuple[str, str]]


class Aim(msgspec.Struct, frozen=True):
    """A URL, read. ``path`` is path and query, percent-encoded; empty for https: that is tunnelled."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """``host[:port]`` as the Host field has it; with the port for a tunnel."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if (self.scheme, self.port) == ("http", 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL in full; of a tunnel ``host:port``."""
        return f"http://{self.authority}{self.path}" if self.scheme == "http" else self.authority


def aim_of(url: str) -> Aim:
    """The URL that a person wrote; without ``http://`` too. Raises SettingError (field ``url``)."""
    found = _SCHEME.match(url.strip())
    scheme, rest = (found[1].lower(), found[2]) if found else ("http", url.strip())
    if scheme not in ("http", "https"):
        raise SettingError(
            f"«{short(scheme)}» is not fetched here.", field="url", hint="Give a URL that begins with http://"
        )
    cut = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, path = rest[:cut], rest[cut:].partition("#")[0]
    try:
        if not authority.isascii():
            name, mark, port_text = authority.partition(":")
            authority = name.encode("idna").decode() + mark + port_text
        host, port = read_host(authority, 443 if scheme == "https" else 80)
        path = quote(path if path.startswith("/") else "/" + path, safe=_KEPT)
    except (HttpError, UnicodeError) as error:
        words = error.message if isinstance(error, HttpError) else f"«{short(authority)}» is no host."
        raise SettingError(words, field="url", hint="Give http://HOST:PORT/PATH.") from None
    if scheme == "https":
        return Aim("https", host, port, "")
    return Aim("http", host, port, path)


def header_lines(text: str) -> Pairs:
    """The header fields that a person wrote, one a line. Raises SettingError (field ``headers``)."""
    pairs = []
    for line in re.split(r"\r\n|\r|\n", text):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        value = value.strip(" \t").encode(errors="replace").decode("latin-1")
        if not colon or not TOKEN.match(name) or not VALUE.match(value):
            raise SettingError(
                f"«{short(line)}» is no header field.", field="headers", hint="Write Name: value, one a line."
            )
        if name.lower() in _NOT_OURS:
            raise SettingError(
                f"{name} announces something that this client does not send: the proxy would wait for it.",
                field="headers",
                hint="Leave it out, or write such a request by hand with nc.",
            )
        pairs.append((name, value))
    return pairs


def check_cache_control(text: str) -> None:
    """Raises SettingError (field ``cache_control``) for what cannot stand in the field."""
    if not text.isascii() or not VALUE.match(text):
        raise SettingError(
            "Cache-Control is a line of words such as no-cache or max-age=0.", field="cache_control"
        )


def for_proxy(aim: Aim, request: Any, proxy: str) -> bytes:
    """The request's head for the proxy at ``proxy`` (``host:port``), in the form that was chosen."""
    fields = _fields(request)
    if aim.scheme == "https":
        return write_request("CONNECT", aim.authority, _merged([("Host", aim.authority)], fields))
    if request.form == "path":
        target, host = f"/{aim.authority}{aim.path}", proxy
    else:
        target, host = aim.url, aim.authority
    return write_request(request.method, target, _merged(_ours(host), fields))


def for_origin(aim: Aim, request: Any) -> bytes:
    """The same request for the origin itself: without what is for the proxy, and with the URL's own Host."""
    fields = [(n, v) for n, v in _fields(request) if n.lower() not in HOP_BY_HOP | {"host", "max-forwards"}]
    return write_request(request.method, aim.path, _merged(_ours(aim.authority), fields))


def may_i(aim: Aim) -> bytes:
    """OPTIONS that ends at the proxy: would you fetch this, and from which address? (RFC 9110, 7.6.2)."""
    return write_request("OPTIONS", aim.url, [*_ours(aim.authority), ("Max-Forwards", "0")])


def curl_line(aim: Aim, request: Any, proxy: str) -> str:
    """The same request through the proxy as a command line of curl, passwords masked."""
    words = ["curl", "--head"] if request.method == "HEAD" else ["curl", "-i"]
    for name, value in shown(Headers(_fields(request))):
        words += [
            "-H",
            f"{name}: {value.encode('latin-1').decode(errors='replace')}" if value else f"{name};",
        ]
    if aim.scheme == "https":
        return shlex.join([*words, "-x", f"http://{proxy}", f"https://{aim.authority}/"])
    if re.search(r"[\[\]{}]", aim.path):
        words.append("-g")
    if re.search(r"/\.{1,2}(/|\?|\Z)", aim.path):
        words.append("--path-as-is")
    if request.form == "path":
        return shlex.join([*words, f"http://{proxy}/{aim.authority}{aim.path}"])
    return shlex.join([*words, "-x", f"http://{proxy}", aim.url])


def _ours(host: str) -> Pairs:
    return [("Host", host), ("User-Agent", AGENT), ("Accept", "*/*"), ("Connection", "close")]


def _fields(request: Any) -> Pairs:
    given = header_lines(request.headers)
    if request.cache_control.strip():
        given = [pair for pair in given if pair[0].lower() != "cache-control"]
        given.append(("Cache-Control", request.cache_control.strip()))
    return given


def _merged(ours: Pairs, given: Pairs) -> Pairs:
    """Our fields, each replaced by those of the same name that were given."""
    names = {name.lower() for name, _ in given}
    return [pair for pair in ours if pair[0].lower() not in names] + given
