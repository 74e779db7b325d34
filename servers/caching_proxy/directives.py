"""Cache-Control and Pragma as directives, read by their grammar, not by substring (RFC 9111, 5.2, 5.4).

What cannot be read is taken the careful way: it lets a cache keep less, and for a shorter time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from servers.kit.http import TOKEN, Headers
from servers.kit.http_fields import parameter, split_list

FOREVER = 2**31
"""Seconds that stand for any larger number (RFC 9111, 1.2.2); also max-stale without a number."""

_SECONDS = re.compile(r"[0-9]+\Z")
_Found = dict[str, list[str | None]]


class RequestDirectives(msgspec.Struct, frozen=True):
    """What a request asks of caches (RFC 9111, 5.2.1). Numbers are seconds; None: not said."""

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    no_transform: bool = False
    max_age: int | None = None
    min_fresh: int | None = None
    stale_if_error: int | None = None
    max_stale: int | None = None


class ResponseDirectives(msgspec.Struct, frozen=True):
    """What a response tells caches (RFC 9111, 5.2.2; RFC 5861; RFC 8246).

    Numbers are seconds; None: not said. ``no_cache`` and ``private`` are without field names;
    ``no_cache_fields`` and ``private_fields`` have those, in lower case.
    """

    no_store: bool = False
    no_cache: bool = False
    private: bool = False
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    no_transform: bool = False
    immutable: bool = False
    no_cache_fields: frozenset[str] = frozenset()
    private_fields: frozenset[str] = frozenset()
    max_age: int | None = None
    s_maxage: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None


def of_request(headers: Headers) -> RequestDirectives:
    """The request's directives. Pragma: no-cache counts where there is no Cache-Control (RFC 9111, 5.4)."""
    if "cache-control" in headers:
        return _request(tuple(headers.all("cache-control")))
    return RequestDirectives(no_cache="no-cache" in _read(tuple(headers.all("pragma"))))


def of_response(headers: Headers) -> ResponseDirectives:
    """The response's directives."""
    return _response(tuple(headers.all("cache-control")))


@lru_cache(maxsize=512)
def _request(lines: tuple[str, ...]) -> RequestDirectives:
    found = _read(lines)
    return RequestDirectives(
        no_store="no-store" in found,
        no_cache="no-cache" in found,
        only_if_cached="only-if-cached" in found,
        no_transform="no-transform" in found,
        max_age=_least(found, "max-age"),
        min_fresh=_most(found, "min-fresh"),
        stale_if_error=_least(found, "stale-if-error"),
        max_stale=_least(found, "max-stale", bare=FOREVER),
    )


@lru_cache(maxsize=512)
def _response(lines: tuple[str, ...]) -> ResponseDirectives:
    found = _read(lines)
    no_cache, no_cache_fields = _qualified(found, "no-cache")
    private, private_fields = _qualified(found, "private")
    return ResponseDirectives(
        no_store="no-store" in found,
        no_cache=no_cache,
        private=private,
        public="public" in found,
        must_revalidate="must-revalidate" in found,
        proxy_revalidate="proxy-revalidate" in found,
        must_understand="must-understand" in found,
        no_transform="no-transform" in found,
        immutable="immutable" in found,
        no_cache_fields=no_cache_fields,
        private_fields=private_fields,
        max_age=_least(found, "max-age"),
        s_maxage=_least(found, "s-maxage"),
        stale_while_revalidate=_least(found, "stale-while-revalidate"),
        stale_if_error=_least(found, "stale-if-error"),
    )


def _read(lines: tuple[str, ...]) -> _Found:
    """Each directive's values, in lower case by name; None is a directive without ``=``."""
    found: _Found = {}
    for line in lines:
        for member in _members(line):
            name, value = parameter(member)
            if TOKEN.match(name):
                found.setdefault(name, []).append(value)
    return found


def _members(line: str) -> Iterator[str]:
    """The members of a line. A quote that is never closed hides nothing: no-store behind it counts."""
    members = list(split_list(line))
    if members and _open(members[-1]):
        return split_list(line.replace('"', ""))
    return iter(members)


def _open(text: str) -> bool:
    """Whether a quoted string begins in it and does not end."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', "", text).count('"') > 0


def seconds(text: str | None) -> int:
    """A number of seconds; FOREVER at the most. What is no number is 0: stale (RFC 9111, 4.2.1)."""
    if text is None or not _SECONDS.match(text):
        return 0
    digits = text.lstrip("0")
    return FOREVER if len(digits) > 10 else min(int(digits or "0"), FOREVER)


def _least(found: _Found, name: str, bare: int = 0) -> int | None:
    """The smallest of a directive's numbers; ``bare`` is what it means without one."""
    return min((bare if text is None else seconds(text) for text in found.get(name, ())), default=None)


def _most(found: _Found, name: str) -> int | None:
    return max((seconds(text) for text in found.get(name, ())), default=None)


def _qualified(found: _Found, name: str) -> tuple[bool, frozenset[str]]:
    """Whether the directive stands for the whole response, and the fields that it names.

    Names that are none make it stand for the whole.
    """
    whole, fields = False, set[str]()
    for text in found.get(name, ()):
        names = [] if text is None else [word.lower() for word in split_list(text)]
        if names and all(TOKEN.match(word) for word in names):
            fields.update(names)
        else:
            whole = True
    return whole, frozenset(fields)
