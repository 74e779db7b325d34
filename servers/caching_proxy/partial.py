"""Parts of a representation: what a 206 brings, and whether parts belong together (RFC 9111, 3.3 and 3.4)."""

from __future__ import annotations

import re

from servers.caching_proxy.entry import Entry
from servers.kit.http import Headers, Response
from servers.kit.http_fields import read_date, read_etags, same_strongly

_RANGE = re.compile(r"bytes[ \t]+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})\Z", re.IGNORECASE)


def part_of(response: Response) -> tuple[int, int, int] | None:
    """Which bytes a 206 brings: start, after the last, and the length of the whole.

    None: there is no valid Content-Range, the whole length is not known, several parts came at
    once (multipart/byteranges), or Content-Length is not the part's (RFC 9110, 14.4).
    """
    lines = response.headers.all("content-range")
    found = _RANGE.match(lines[0]) if len(lines) == 1 else None
    kind = response.headers.get("content-type").lower()
    if response.status != 206 or not found or kind.startswith("multipart/byteranges"):
        return None
    first, last, whole = (int(word) for word in found.groups())
    if not first <= last < whole:
        return None
    if response.framing.kind == "length" and response.framing.length != last + 1 - first:
        return None
    return first, last + 1, whole


def etag_of(fields: Headers) -> str:
    """The one entity tag of a response; "" if it has none, or one that is none."""
    tags = read_etags(fields.get("etag"))
    return tags[0] if tags is not None and len(tags) == 1 and tags[0] == fields.get("etag") else ""


def strong_date(fields: Headers, received: float) -> int | None:
    """Last-Modified where it is a strong validator: Date is at least a second later (RFC 9110, 8.8.2.2)."""
    changed = read_date(fields.get("last-modified"), received)
    date = read_date(fields.get("date"), received)
    return changed if changed is not None and date is not None and changed < date else None


def has_strong_validator(fields: Headers, received: float) -> bool:
    """Whether parts of this representation can be told from parts of another."""
    tag = etag_of(fields)
    return not tag.startswith("W/") if tag else strong_date(fields, received) is not None


def joins(entry: Entry, response: Response, now: float) -> bool:
    """Whether the part that a 206 brings may be put to what is stored (RFC 9111, 3.4).

    Both are of one version for sure: the same strong entity tag or, where neither has a tag, the
    same strong date. The whole has the same length.
    """
    part = part_of(response)
    if part is None or part[2] != entry.length or entry.status != 200 or entry.invalid:
        return False
    old, new = entry.fields, response.headers
    if old.get("content-encoding") != new.get("content-encoding", old.get("content-encoding")):
        return False
    if "etag" in old or "etag" in new:
        return same_strongly(etag_of(old), etag_of(new))
    date = strong_date(old, entry.received)
    return date is not None and date == strong_date(new, now)
