"""Which stored responses an unsafe request makes unusable (RFC 9111, 4.4)."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from servers.kit.http import Response

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY", "PRI"})
"""Methods that change nothing at the origin (IANA's registry). One that is not known may change all."""


def invalidates(method: str, url: str, response: Response) -> tuple[str, ...]:
    """The URLs whose stored responses must be validated before they are used again.

    The request's own, and those in Location and Content-Location where they are of the same
    origin: another's could be thrown out of the cache by anybody. Nothing after an error.
    """
    if method in SAFE or not 200 <= response.status < 400:
        return ()
    names = [*response.headers.all("location"), *response.headers.all("content-location")]
    found = [url]
    for name in names:
        other = resolve(url, name)
        if other and _origin(other) == _origin(url) and other not in found:
            found.append(other)
    return tuple(found)


def resolve(url: str, reference: str) -> str:
    """A reference as it is meant on that page, written like a cache's key; "" for what is no http URL."""
    try:
        parts = urlsplit(urljoin(url, reference.strip(" \t")))
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return ""
    if parts.scheme != "http" or not host:
        return ""
    name = f"[{host}]" if ":" in host else host
    where = name if port in (None, 80) else f"{name}:{port}"
    query = "?" if parts.query or reference.partition("#")[0].endswith("?") else ""
    return f"http://{where}{parts.path or '/'}{query}{parts.query}"


def _origin(url: str) -> str:
    return urlsplit(url).netloc
