"""What HTTP's header fields mean (RFC 9110): dates, validators, preconditions, ranges. No socket here."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import formatdate
from functools import lru_cache

import msgspec

from servers.kit.http import TOKEN, Headers

MAX_RANGES = 16
"""Ranges in one request at the most; more are not worth their cost, and ignored (RFC 9110, 14.2)."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = r"(\d\d):(\d\d):(\d\d)"
_IMF = re.compile(rf"[A-Z][a-z]{{2}}, (\d\d) ([A-Z][a-z]{{2}}) (\d{{4}}) {_CLOCK} GMT\Z", re.ASCII)
_RFC850 = re.compile(rf"[A-Z][a-z]+day, (\d\d)-([A-Z][a-z]{{2}})-(\d\d) {_CLOCK} GMT\Z", re.ASCII)
_ASCTIME = re.compile(rf"[A-Z][a-z]{{2}} ([A-Z][a-z]{{2}}) ([ \d]\d) {_CLOCK} (\d{{4}})\Z", re.ASCII)


@lru_cache(maxsize=256)
def write_date(seconds: int) -> str:
    """Seconds since 1970 as ``Sun, 06 Nov 1994 08:49:37 GMT`` (RFC 9110, 5.6.7)."""
    return formatdate(seconds, usegmt=True)


def read_date(text: str, now: float) -> int | None:
    """Seconds since 1970 from any of HTTP's three forms of a date; None for no date.

    ``now`` places the two-digit years of RFC 850: more than 50 years ahead is the past.
    """
    if found := _IMF.match(text):
        day, month, year, *clock = found.groups()
    elif found := _RFC850.match(text):
        day, month, year, *clock = found.groups()
        this = datetime.fromtimestamp(now, timezone.utc)
        full = this.year - this.year % 100 + int(year)
        place = (full, _MONTHS.index(month) + 1 if month in _MONTHS else 0, int(day))
        year = str(full - 100 if place > (this.year + 50, this.month, this.day) else full)
    elif found := _ASCTIME.match(text):
        month, day, *clock, year = found.groups()
    else:
        return None
    if month not in _MONTHS:
        return None
    try:  # 23:59:60 is a leap second, which POSIX time does not have
        hour, minute, second = (int(word) for word in clock)
        when = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, min(second, 59))
    except ValueError:
        return None
    return timegm(when.timetuple()) if second <= 60 else None


# -- validators and preconditions


def read_etags(text: str) -> list[str] | None:
    """The entity tags of If-Match or If-None-Match, as they stand; None for ``*``."""
    if text.strip(" \t") == "*":
        return None
    return re.findall(r'(?<![^ \t,])(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"(?![^ \t,])', text)


def same_strongly(one: str, other: str) -> bool:
    """The strong comparison of entity tags (RFC 9110, 8.8.3.2)."""
    return one == other and bool(one) and not one.startswith("W/")


def same_weakly(one: str, other: str) -> bool:
    """The weak comparison of entity tags."""
    return bool(one) and one.removeprefix("W/") == other.removeprefix("W/")


class Validators(msgspec.Struct, frozen=True):
    """What a representation is known by: its entity tag ("" if none), its date of change."""

    etag: str = ""
    modified: int | None = None
    exists: bool = True


def precondition(method: str, headers: Headers, current: Validators, now: float) -> int:
    """The status that the request's preconditions ask for: 304, 412, or 0 to go on.

    In the order of RFC 9110, 13.2.2. The caller has found that it would answer 2xx without them.
    """
    reads = method in ("GET", "HEAD")
    if "if-match" in headers:
        tags = read_etags(headers.get("if-match"))
        if not current.exists:
            return 412
        if tags is not None and not any(same_strongly(tag, current.etag) for tag in tags):
            return 412
    elif "if-unmodified-since" in headers:
        since = read_date(headers.get("if-unmodified-since"), now)
        if since is not None and (
            not current.exists or (current.modified is not None and current.modified > since)
        ):
            return 412
    if "if-none-match" in headers:
        tags = read_etags(headers.get("if-none-match"))
        matched = current.exists and (tags is None or any(same_weakly(tag, current.etag) for tag in tags))
        return 0 if not matched else 304 if reads else 412
    if reads and "if-modified-since" in headers:
        since = read_date(headers.get("if-modified-since"), now)
        if since is not None and since <= now and current.modified is not None and current.modified <= since:
            return 304
    return 0


# -- ranges


def read_ranges(headers: Headers, size: int, current: Validators, now: float) -> list[tuple[int, int]] | None:
    """The parts asked for with Range, as (first, after last); [] if none can be; None: send the whole.

    RFC 9110, 14.2: what is not understood is ignored. If-Range with another validator than
    the current one asks for the whole (13.1.5). Overlapping ranges become one.
    """
    unit, equals, specs = headers.get("range").partition("=")
    if unit.strip(" \t").lower() != "bytes" or not equals or not _if_range(headers, current, now):
        return None
    found: list[tuple[int, int]] = []
    words = [word.strip(" \t") for word in specs.split(",") if word.strip(" \t")]
    if not words or len(words) > MAX_RANGES:
        return None
    for word in words:
        match = re.fullmatch(r"([0-9]{0,18})-([0-9]{0,18})", word)
        if not match or word == "-":
            return None
        first, last = match.groups()
        if first and last and int(first) > int(last):
            return None
        if not first:
            length = min(int(last), size)
            begin, end = size - length, size
        else:
            begin, end = int(first), min(int(last) + 1, size) if last else size
        if begin < end:
            found.append((begin, end))
    return _joined(found)


def _if_range(headers: Headers, current: Validators, now: float) -> bool:
    if "if-range" not in headers:
        return True
    wanted = headers.get("if-range")
    if wanted.startswith(('"', "W/")):
        return same_strongly(wanted, current.etag)
    date = read_date(wanted, now)
    # A date is a strong validator only a while after the change (RFC 9110, 8.8.2.2).
    return date is not None and date == current.modified and date < now - 1


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same, in the order asked; those that overlap are sent once."""
    if all(a[1] <= b[0] or b[1] <= a[0] for i, a in enumerate(ranges) for b in ranges[:i]):
        return ranges
    whole: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if whole and begin <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((begin, end))
    return whole


# -- lists and parameters


def split_list(text: str, separator: str = ",") -> Iterator[str]:
    """The members of a list, blanks around them removed; separators in quoted strings do not count."""
    start, quoted, escaped = 0, False, False
    for place, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == separator and not quoted:
            if member := text[start:place].strip(" \t"):
                yield member
            start = place + 1
    if member := text[start:].strip(" \t"):
        yield member


def parameter(text: str) -> tuple[str, str | None]:
    """``name=value`` or ``name="quoted"`` or ``name``: the name in lower case, the value unquoted."""
    name, equals, value = text.partition("=")
    name, value = name.strip(" \t").lower(), value.strip(" \t")
    if not equals:
        return name, None
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return name, value


def parameters(text: str) -> dict[str, str | None]:
    """The members of a list of parameters (Cache-Control, Keep-Alive): the first of each name counts."""
    found: dict[str, str | None] = {}
    for member in split_list(text):
        name, value = parameter(member)
        if TOKEN.match(name):
            found.setdefault(name, value)
    return found
