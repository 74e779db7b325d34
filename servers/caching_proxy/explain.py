"""What the answers of a proxy say about its cache, in words (RFC 9111, 9209 and 9211)."""

from __future__ import annotations

from servers.caching_proxy.events import Verdict
from servers.kit.http import Headers, short
from servers.kit.http_fields import parameter, split_list

MEANINGS: dict[str, str] = {
    "HIT": "The cache had it, and it was fresh: the origin was not asked.",
    "MISS": "The cache had nothing that fits: the proxy fetched it from the origin.",
    "REVALIDATED": "The cache had it, but had to ask: the origin said that it still holds (304).",
    "EXPIRED": "The cache had it, but had to ask: the origin sent a new one.",
    "STALE": "The cache sent what is too old, because that was allowed or the origin did not answer.",
    "COLLAPSED": "Somebody else was just fetching the same: one fetch answered both.",
    "BYPASS": "The cache was not asked; the proxy only passed it on.",
    "TUNNEL": "The proxy passes bytes on in both directions, and cannot read them.",
    "REFUSED": "The proxy did not want to, or could not read the request. The origin was not asked.",
    "FAILED": "The proxy got no usable answer from the origin.",
    "": "The proxy does not say what its cache did: there is no Cache-Status.",
}
"""By verdict; "" is that of a proxy that gives none."""

ERRORS = {
    "http_request_denied": "the proxy's rules forbid it",
    "destination_ip_prohibited": "the proxy's rules forbid this address",
    "http_request_error": "the proxy could not read the request",
    "proxy_loop_detected": "the request came to the same proxy twice",
    "dns_error": "the name has no address",
    "dns_timeout": "nobody told the name's address in time",
    "destination_unavailable": "the origin is not to be asked just now",
    "destination_not_found": "the proxy does not know where that is",
    "connection_refused": "nothing listens at the origin's address",
    "connection_timeout": "the origin did not take the connection in time",
    "connection_terminated": "the origin hung up",
    "connection_limit_reached": "too many connections",
    "http_response_timeout": "the origin did not answer in time",
    "http_response_incomplete": "the origin's answer stopped in the middle",
    "http_protocol_error": "what the origin sent is no HTTP",
    "http_upgrade_failed": "another protocol was asked for",
    "proxy_internal_error": "the proxy itself failed",
}
"""Types of error of Proxy-Status (RFC 9209, 2.3)."""
_REFUSALS = frozenset({
    "http_request_denied", "destination_ip_prohibited", "http_request_error", "proxy_loop_detected",
    "http_upgrade_failed", "connection_limit_reached",
})  # fmt: skip
_FORWARDED: dict[str, tuple[Verdict, str]] = {
    "bypass": ("BYPASS", "the cache was not asked"),
    "method": ("BYPASS", "this method is not answered from a cache"),
    "uri-miss": ("MISS", "nothing is stored for this URL"),
    "vary-miss": ("MISS", "what is stored answers another request: see Vary"),
    "miss": ("MISS", "nothing that fits is stored"),
    "partial": ("MISS", "only a part of it is stored"),
    "request": ("EXPIRED", "the request demanded to ask the origin"),
    "stale": ("EXPIRED", "what was stored is too old"),
}
"""Why a cache asked further, by the word of Cache-Status (RFC 9211, 2.2)."""

_FIELDS = {
    "age": "For how many seconds a cache has had it.",
    "cache-control": "Who may keep a copy, and for how long.",
    "cache-status": "What each cache on the way did, and why (RFC 9211).",
    "connection": "For this hop alone: what becomes of this connection.",
    "content-encoding": "How the body is compressed.",
    "content-length": "How many bytes the body has.",
    "content-type": "What the body is.",
    "date": "When the origin made the answer: a stored one keeps its date.",
    "etag": "The version's name: a cache asks with it whether its copy still holds.",
    "expires": "Until when a copy may be used unasked.",
    "keep-alive": "For this hop alone: how long the connection stays open.",
    "last-modified": "When it changed last.",
    "location": "Where it is now.",
    "proxy-authenticate": "The proxy wants to know who you are.",
    "proxy-connection": "In no standard; for this hop alone.",
    "proxy-status": "What the proxy did or what went wrong, in its own words (RFC 9209).",
    "retry-after": "When to try again.",
    "server": "The origin's program.",
    "set-cookie": "Something for one client to remember.",
    "trailer": "Which fields come after the body.",
    "transfer-encoding": "How the body travels on this hop: in chunks, each with its size.",
    "vary": "Which of the request's fields the answer depends on: the cache compares them.",
    "via": "The proxies that it passed, with the version of HTTP that each was spoken to.",
    "warning": "A cache's doubts; obsolete.",
    "x-cache": "In no standard: what some proxies' caches did.",
}


def field_meaning(name: str) -> str:
    """What a header field of an answer says; "" if it is not about proxies or caches."""
    return _FIELDS.get(name.lower(), "")


def last_member(value: str) -> tuple[str, dict[str, str | None]]:
    """The name and the parameters of the last member: that of the proxy nearest to us (RFC 9211, 2)."""
    members = [*split_list(value)]
    words = [*split_list(members[-1], ";")] if members else []
    return (words[0] if words else "", dict(parameter(word) for word in words[1:]))


def verdict_of(method: str, status: int, headers: Headers, message: str = "") -> tuple[Verdict | str, str]:
    """What the proxy did, and why, as its answer says; ("", "") if it does not say.

    ``message`` is the text of an error, for people. Cache-Status tells what the cache did (RFC 9211),
    Proxy-Status what went wrong (RFC 9209). Of a proxy that sends neither, Age and the statuses that only
    proxies send tell something.
    """
    if method == "CONNECT" and 200 <= status < 300:
        return "TUNNEL", "the tunnel is open"
    _, cache = last_member(headers.get("cache-status"))
    _, proxy = last_member(headers.get("proxy-status"))
    detail = (cache.get("detail") or "").strip()
    if "hit" in cache:
        ttl = cache.get("ttl") or ""
        stale = ttl == "0" or ttl.startswith("-")
        return ("STALE" if stale else "HIT"), detail or _ttl_words(ttl)
    if error := proxy.get("error"):
        details = (proxy.get("details") or "").strip()
        why = details or _sentence_of(message, status, headers) or detail or ERRORS.get(error, short(error))
        return ("REFUSED" if error in _REFUSALS else "FAILED"), why
    if "collapsed" in cache:
        return "COLLAPSED", detail or "somebody else was just fetching it"
    if "fwd" in cache:
        verdict, words = _FORWARDED.get(cache["fwd"] or "", ("MISS", ""))
        if verdict == "EXPIRED" and cache.get("fwd-status") == "304":
            verdict = "REVALIDATED"
        return verdict, detail or words
    return _guessed(status, headers)


def _ttl_words(ttl: str) -> str:
    """With an age of 10 s a lifetime of 10 s is over: a ttl of 0 is stale (RFC 9111, 4.2)."""
    if not ttl.removeprefix("-").isdigit():
        return "stored"
    if ttl == "0":
        return "just too old"
    return f"{ttl[1:]} s too old" if ttl.startswith("-") else f"fresh for {ttl} s more"


def _sentence_of(message: str, status: int, headers: Headers) -> str:
    """The first line of a plain text that says more than the status; "" if there is none."""
    if not headers.get("content-type").lower().startswith("text/plain"):
        return ""
    lines = (line.strip() for line in message.splitlines())
    return next((line for line in lines if line and line[:3] != str(status)), "")


def _guessed(status: int, headers: Headers) -> tuple[Verdict | str, str]:
    if status == 407:
        return "REFUSED", "the proxy wants to know who you are first"
    if status in (502, 504):
        return "FAILED", f"{status} is what a proxy says when the server behind it gives no usable answer"
    words = headers.get("x-cache").split(" ")
    if words[0].upper() in ("HIT", "MISS"):
        return ("HIT" if words[0].upper() == "HIT" else "MISS"), f"its X-Cache says so: {short(words[0])}"
    if age_of(headers) is not None:
        return "HIT", f"it has an Age: {age_of(headers)} s, so a cache had it"
    return "", ""


def age_of(headers: Headers) -> int | None:
    """The seconds that Age says (RFC 9111, 5.1); None without it, or if it is no number."""
    word = headers.get("age").partition(",")[0].strip(" \t")
    return int(word) if word.isascii() and word.isdigit() and len(word) < 19 else None
