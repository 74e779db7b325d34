"""Which of the variants stored for a URL answers a request (RFC 9111, 4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from servers.caching_proxy.entry import Entry, Pairs
from servers.caching_proxy.freshness import date_of
from servers.kit.http import TOKEN, Headers, Request, Response
from servers.kit.http_fields import parameter, split_list

ABSENT = ""
"""The value of a field that the request does not have."""
EMPTY = " "
"""The value of one that is there and empty: Accept-Encoding says something else so than by its absence."""

_LISTS = frozenset({"accept", "accept-charset", "accept-encoding", "accept-language"})
_ORDERLESS = frozenset({"accept-charset", "accept-encoding"})
"""In Accept-Language and Accept, some servers take the order for a preference: it stays."""
_ONE = re.compile(r"1(?:\.0{0,3})?\Z")


def vary_of(request: Request, response: Response) -> Pairs | None:
    """The request's values of the fields that Vary names, normalised; None: Vary: *, it matches nothing."""
    names = vary_names(response.headers)
    if names is None:
        return None
    return tuple((name, value_of(request.headers, name)) for name in names)


def vary_names(fields: Headers) -> tuple[str, ...] | None:
    """The fields that Vary names: lower case, in order, each once. None for ``*`` and for what is no name."""
    names = set(fields.tokens("vary"))
    if any(name == "*" or not TOKEN.match(name) for name in names):
        return None
    return tuple(sorted(names))


def value_of(headers: Headers, name: str) -> str:
    """A field's value, so that two that mean the same are the same text."""
    if name not in headers:
        return ABSENT
    text = headers.get(name).strip(" \t")
    if name in _LISTS:
        members = [_member(member) for member in split_list(text)]
        text = ", ".join(sorted(members) if name in _ORDERLESS else members)
    return text or EMPTY


def _member(text: str) -> str:
    """``Text/HTML ; Q=1.0`` as ``text/html``: case and blanks as the syntax allows, q=1 left out."""
    first, *rest = split_list(text, ";")
    words = [first.lower()]
    for part in rest:
        name, value = parameter(part)
        if name == "q" and value is not None:
            if not _ONE.match(value):
                words.append(f"q={value.rstrip('0').rstrip('.') if '.' in value else value}")
        else:
            raw = part.partition("=")[2].strip(" \t")
            words.append(f"{name}={raw}" if value is not None else name)
    return ";".join(words)


def matches(entry: Entry, request: Request) -> bool:
    """Whether the request has the values that the stored response was chosen by."""
    return all(value_of(request.headers, name) == value for name, value in entry.vary)


def matching(entries: Iterable[Entry], request: Request) -> list[Entry]:
    """The variants that may answer the request, the best first.

    One with Vary comes before one without, whose origin may have forgotten it; then the newest
    Date counts, and the last received.
    """
    found = [entry for entry in entries if matches(entry, request)]
    return sorted(found, key=_rank, reverse=True) if len(found) > 1 else found


def select(entries: Iterable[Entry], request: Request) -> Entry | None:
    """The variant that answers the request; None: there is none."""
    return next(iter(matching(entries, request)), None)


def _rank(entry: Entry) -> tuple[bool, int, float]:
    return bool(entry.vary), date_of(entry.fields, entry.received), entry.received
