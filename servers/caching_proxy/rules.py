"""What a cache does with a request: answer from the store, ask the origin, or neither (RFC 9111, 4).

The rest of RFC 9111: ``directives.py`` (5.2), ``freshness.py`` (4.2), ``storing.py`` (3),
``partial.py`` (3.3, 3.4), ``vary.py`` (4.1), ``validation.py`` (4.3), ``invalidation.py`` (4.4),
``answering.py`` (what is sent). No clock here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from servers.caching_proxy.answering import READING, answer, for_origin
from servers.caching_proxy.cache_status import Forward
from servers.caching_proxy.directives import RequestDirectives, ResponseDirectives, of_request, of_response
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.freshness import Freshness, freshness
from servers.kit.http import Request

FAILURES = frozenset({500, 502, 503, 504})
"""Statuses that stale-if-error is for (RFC 5861, 4)."""


class Decision(msgspec.Struct, frozen=True):
    """What to do with a request, and why, in a sentence.

    use        answer from the store; ``stale``: though too old, for it is allowed; ``background``: and
               ask the origin meanwhile, with nobody waiting
    validate   ask the origin whether the stored response still holds
    fetch      nothing stored can be used
    refuse     504: the client wants nothing from the origin (only-if-cached)

    ``forward`` says in RFC 9211's word why the origin is asked; None: it is not.
    """

    action: Literal["use", "validate", "fetch", "refuse"]
    reason: str
    age: int | None = None
    ttl: int | None = None
    stale: bool = False
    background: bool = False
    forward: Forward | None = None


def decide(entry: Entry | None, request: Request, now: float, others: Iterable[Entry] = ()) -> Decision:
    """What to do; ``entry`` is what ``vary.select`` found among ``others``, all that the URL has."""
    asked = of_request(request.headers)
    if around := _around(request, asked):
        return _ask("fetch", around, "bypass" if request.method in READING else "method", asked)
    if entry is None:
        names = sorted({name.title() for other in others for name, _ in other.vary})
        if names:
            return _ask("fetch", f"stored only for another {' or '.join(names)} (Vary)", "vary-miss", asked)
        return _ask("fetch", "not in the cache", "uri-miss", asked)
    fresh, told = freshness(entry, now), of_response(entry.fields)
    if not entry.complete and answer(entry, request, now) is None:
        return _ask(
            "fetch", "only a part of it is stored, not all that is asked for", "partial", asked, fresh
        )
    if must := _must_validate(entry, told):
        return _ask("validate", must, "stale", asked, fresh)
    if wish := _wishes(asked, fresh):
        return _ask("validate", wish, "request" if fresh.ttl > 0 else "stale", asked, fresh)
    if fresh.ttl > 0:
        return Decision("use", words(fresh), fresh.age, fresh.ttl)
    return _stale(asked, told, fresh)


def words(fresh: Freshness) -> str:
    """``fresh for 42 s more: max-age=60, age 18``."""
    if fresh.ttl > 0:
        return f"fresh for {fresh.ttl} s more: {fresh.why}, age {fresh.age}"
    if not fresh.lifetime:
        return f"never fresh unasked: {fresh.why}, age {fresh.age}"
    late = f"{-fresh.ttl} s too old" if fresh.ttl else "just too old"
    return f"{late}: {fresh.why}, age {fresh.age}"


def _around(request: Request, asked: RequestDirectives) -> str:
    """Why the store is not asked at all; "": it is."""
    if request.method not in READING:
        return f"{request.method} always goes to the origin"
    if request.framing.kind != "none":
        return "a request with a body always goes to the origin"
    if field := for_origin(request):
        return f"{field} is for the origin to judge"
    if asked.no_store and not asked.only_if_cached:
        return "the request says no-store"
    return ""


def _ask(
    action: Literal["validate", "fetch"],
    reason: str,
    forward: Forward,
    asked: RequestDirectives,
    fresh: Freshness | None = None,
) -> Decision:
    """The origin is to be asked, unless the client says only-if-cached (RFC 9111, 5.2.1.7)."""
    age, ttl = (fresh.age, fresh.ttl) if fresh else (None, None)
    if asked.only_if_cached:
        return Decision("refuse", f"only-if-cached keeps the origin from being asked: {reason}", age, ttl)
    return Decision(action, reason, age, ttl, forward=forward)


def _must_validate(entry: Entry, told: ResponseDirectives) -> str:
    """Why it may never be used unasked, be it fresh or not."""
    if entry.invalid:
        return "invalidated by a later request that may have changed it"
    if told.no_cache:
        return "the response says no-cache: the origin is asked before each use"
    if told.private or (told.no_store and not told.must_understand):
        return "the origin says now that it is not for a shared cache"
    return ""


def _wishes(asked: RequestDirectives, fresh: Freshness) -> str:
    """Why the client does not take it, though a cache could send it (RFC 9111, 5.2.1).

    max-age=0 is what a browser's reload sends: nothing is young enough for it.
    """
    if asked.no_cache:
        return "the request says no-cache"
    if asked.max_age is not None and (fresh.age > asked.max_age or not asked.max_age):
        return f"the request wants nothing older than {asked.max_age} s: age {fresh.age}"
    if asked.min_fresh is not None and fresh.ttl < asked.min_fresh:
        left = f"for {fresh.ttl} s more" if fresh.ttl > 0 else "no more"
        return f"the request wants it fresh for {asked.min_fresh} s more (min-fresh): it is {left}"
    return ""


def may_not_be_stale(entry: Entry) -> bool:
    """Whether it must not be used stale, not even when the origin is gone: then the answer is 504."""
    return bool(_strict(of_response(entry.fields)))


def _strict(told: ResponseDirectives) -> str:
    """The directive that forbids stale use to a shared cache (RFC 9111, 4.2.4); "": none does."""
    if told.must_revalidate:
        return "must-revalidate"
    if told.proxy_revalidate:
        return "proxy-revalidate"
    return "s-maxage" if told.s_maxage is not None else ""


def _stale(asked: RequestDirectives, told: ResponseDirectives, fresh: Freshness) -> Decision:
    """RFC 9111, 4.2.4 and RFC 5861, 3: a stale response is used where both sides let it be."""
    late, window = -fresh.ttl, told.stale_while_revalidate
    taken = asked.max_stale is not None and late <= asked.max_stale
    # Who says max-age wants no stale response, unless max-stale stands beside it (RFC 9111, 5.2.1.1).
    picky = not taken and (asked.max_stale is not None or asked.max_age is not None)
    waits = window is not None and 0 < window >= late and not picky
    if not (taken or waits):
        return _ask("validate", words(fresh), "stale", asked, fresh)
    if strict := _strict(told):
        return _ask("validate", f"{words(fresh)}; {strict} forbids stale use", "stale", asked, fresh)
    allows = (
        f"stale-while-revalidate={window} allows it, the origin is asked meanwhile" if waits
        else "the request takes stale ones (max-stale)"
    )  # fmt: skip
    return Decision("use", f"{words(fresh)}; {allows}", fresh.age, fresh.ttl, stale=True, background=waits)


def on_failure(entry: Entry, request: Request, now: float, status: int | None) -> Decision | None:
    """Whether the stored response helps out (RFC 9111, 4.2.4 and 4.3.3; RFC 5861, 4).

    ``status`` is the origin's 5xx; None: it gave no answer. None as result: the client gets the error.
    """
    asked, told = of_request(request.headers), of_response(entry.fields)
    if _around(request, asked) or asked.no_cache or _must_validate(entry, told):
        return None
    if status is not None and status not in FAILURES:
        return None
    if not entry.complete and answer(entry, request, now) is None:
        return None
    fresh = freshness(entry, now)
    late = max(0, -fresh.ttl)
    if fresh.ttl <= 0 and _strict(told):
        return None
    limits = [limit for limit in (told.stale_if_error, asked.stale_if_error) if limit is not None]
    if limits and late > max(limits):
        return None
    if not limits and (status is not None or (asked.max_stale is not None and late > asked.max_stale)):
        return None
    failed = "the origin does not answer" if status is None else f"the origin answers {status}"
    allows = f" (stale-if-error={max(limits)})" if limits else ""
    reason = f"{failed}, so the stored one is used{allows}: {words(fresh)}"
    return Decision("use", reason, fresh.age, fresh.ttl, stale=fresh.ttl <= 0)
