"""How old a stored response is, and how long it may be used unasked (RFC 9111, 4.2). No clock here."""

from __future__ import annotations

import msgspec

from servers.caching_proxy.directives import FOREVER, ResponseDirectives, of_response, seconds
from servers.caching_proxy.entry import Entry
from servers.kit.http import Headers, short
from servers.kit.http_fields import read_date

HEURISTIC = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})
"""Statuses that may be kept though nothing says for how long (RFC 9110, 15.1)."""
SHARE = 10
"""The heuristic: fresh for this part of the time since the last change (RFC 9111, 4.2.2)."""
DAY = 86_400
"""Seconds that the heuristic gives at the most."""


class Freshness(msgspec.Struct, frozen=True):
    """Age and lifetime in seconds, and in words where the lifetime is from."""

    age: int
    lifetime: int
    why: str

    @property
    def ttl(self) -> int:
        """Seconds that it stays fresh; below 0: so long stale. At 0 it is stale (RFC 9111, 4.2)."""
        return self.lifetime - self.age


def current_age(entry: Entry, now: float) -> int:
    """Seconds since the origin made or last confirmed it (RFC 9111, 4.2.3); FOREVER at the most.

    Date counts whole seconds, so the apparent age does, too. Where the clock was set back, nobody
    knows how long it lay here: the step back counts as age, and it is soon validated.
    """
    return _age_at(entry, entry.fields, now)


def _age_at(entry: Entry, fields: Headers, now: float) -> int:
    apparent = max(0, int(entry.received) - date_of(fields, entry.received))
    delay = max(0.0, entry.received - entry.requested)
    initial = max(float(apparent), age_said(fields) + delay)
    return min(int(initial + abs(now - entry.received)), FOREVER)


def age_said(fields: Headers) -> int:
    """What the Age field says: its first member; 0 where that is no number (RFC 9111, 5.1)."""
    return seconds(fields.get("age").partition(",")[0].strip(" \t"))


def date_of(fields: Headers, received: float) -> int:
    """When the response was made: its Date, or without a valid one when it was received."""
    date = read_date(fields.get("date"), received)
    return int(received) if date is None else date


def is_explicit(fields: Headers, directives: ResponseDirectives) -> bool:
    """Whether the response says itself how long it is fresh, be it unreadably."""
    return directives.max_age is not None or directives.s_maxage is not None or "expires" in fields


def freshness(entry: Entry, now: float) -> Freshness:
    """The stored response's age and lifetime at ``now``."""
    fields = entry.fields
    lifetime, why = lifetime_of(entry.status, fields, entry.received)
    return Freshness(_age_at(entry, fields, now), lifetime, why)


def lifetime_of(status: int, fields: Headers, received: float) -> tuple[int, str]:
    """Seconds that a response is fresh from its Date on, and why (RFC 9111, 4.2.1).

    For a shared cache s-maxage comes before max-age, that before Expires, and a guess last.
    """
    directives = of_response(fields)
    if directives.s_maxage is not None:
        return directives.s_maxage, f"s-maxage={directives.s_maxage}"
    if directives.max_age is not None:
        return directives.max_age, f"max-age={directives.max_age}"
    if "expires" in fields:
        return _expires(fields, received)
    return _heuristic(status, fields, directives, received)


def _expires(fields: Headers, received: float) -> tuple[int, str]:
    """RFC 9111, 5.3: what is no date, 0 above all, has expired."""
    text = fields.get("expires")
    when = read_date(text, received)
    if when is None:
        return 0, f"Expires: {short(text)} is no date" if text else "Expires is empty"
    span = min(when - date_of(fields, received), FOREVER)
    if span <= 0:
        return 0, "Expires is not after Date"
    return span, f"Expires {span} s after Date"


def _heuristic(
    status: int, fields: Headers, directives: ResponseDirectives, received: float
) -> tuple[int, str]:
    """RFC 9111, 4.2.2: what did not change for long will hardly change at once."""
    changed = read_date(fields.get("last-modified"), received)
    if status not in HEURISTIC and not directives.public:
        return 0, f"nothing says how long a {status} is fresh"
    if changed is None:
        return 0, "nothing says how long it is fresh"
    since = max(0, date_of(fields, received) - changed)
    guess = min(since // SHARE, DAY)
    if guess == DAY:
        return DAY, "a day, the most that is guessed without max-age or Expires"
    return guess, f"10 % of the {since} s since Last-Modified"
