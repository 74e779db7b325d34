"""Answers from the cache, and from what is just coming into it. A thread runs this, and may block."""

from __future__ import annotations

import time

from servers.caching_proxy.answering import answer
from servers.caching_proxy.cache_status import cache_status
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.events import Verdict
from servers.caching_proxy.fetch import Fetch
from servers.caching_proxy.protocol import via
from servers.caching_proxy.reply import Reply, hit_fields, stated, with_status
from servers.caching_proxy.rules import Decision, decide
from servers.caching_proxy.vary import select
from servers.kit.http import Headers, Request, Response
from servers.kit.http_stream import Data

PIECE = 256 * 1024
SPARE = 1.0
"""Seconds that a reader waits longer than the one who writes: that one knows more of what is wrong."""


def use(
    reply: Reply, request: Request, entry: Entry, decision: Decision, verdict: Verdict = "HIT",
    words: str = "", validated: bool = False,
) -> bool:  # fmt: skip
    """Answer with what is stored; False if the bytes asked for are not there.

    ``words`` are Cache-Status's, where these are not a plain hit's.
    """
    found = answer(entry, request, time.time(), validated)
    body = reply.proxy.store.open(entry) if found else None
    if found is None or body is None:
        return False
    with body:
        reply.decided(decision)
        reply.outcome.verdict = "STALE" if decision.stale else verdict
        reply.outcome.stored = True
        bodiless = request.method == "HEAD" or found.status == 304
        length = stated(found.headers) if bodiless else found.end - found.start
        end = found.start if bodiless else found.end
        headers = hit_fields(found, decision, reply.proxy.name)
        if words:
            headers = headers.with_(("Cache-Status", words))
        first = body.read(found.start, min(end, found.start + PIECE))
        reply.head(found.status, found.reason, headers, length, first)
        for at in range(found.start + PIECE, end, PIECE):
            reply.writer.write(body.read(at, min(at + PIECE, end)))
        reply.writer.end()
    reply.proxy.store.touch(entry.id)
    return True


def follow(reply: Reply, request: Request, fetch: Fetch) -> bool:
    """Be answered by a fetch that another leads; False if it is not for this request. Failed with it."""
    fetch.wait(2 * reply.proxy.settings.timeout + SPARE)  # to reach the origin, and for its head
    if fetch.state == "broken" and fetch.failure and not fetch.failure.begun:
        raise fetch.failure.again()
    if fetch.entry is None or not fetch.join():
        return False
    try:
        entry = select([fetch.entry], request)
        decision = decide(entry, request, time.time())
        if entry is None or fetch.response is None or decision.action != "use" or decision.stale:
            return False
        reply.decided(decision)
        reply.outcome.verdict = "COLLAPSED"
        reply.outcome.reason = f"Another request was just fetching it; {decision.reason}"
        age = ("Age", str(decision.age or 0))
        fields = entry.fields.with_(age, via("HTTP/1.1", entry.fields, reply.proxy.name))
        words = cache_status(
            forward="uri-miss", collapsed=True, ttl=decision.ttl, detail=reply.outcome.reason
        )
        read_along(reply, fetch, entry.status, entry.reason, with_status(fields, words), fetch.response)
        reply.outcome.stored = fetch.kept
        return True
    finally:
        fetch.leave()


def read_along(
    reply: Reply, fetch: Fetch, status: int, reason: str, headers: Headers, response: Response
) -> None:
    """Send the body as it is spooled."""
    timeout = reply.proxy.settings.timeout + SPARE
    length = response.framing.length if response.framing.kind in ("length", "none") else None
    first = fetch.read(0, PIECE, timeout) if fetch.size else b""
    reply.head(status, reason, headers, length, first)
    at = len(first)
    while data := fetch.read(at, PIECE, timeout):
        reply.writer.write(data)
        at += len(data)
    if fetch.state == "overflow":  # it outgrew the cache: go on with the connection itself
        connection = fetch.take_over()
        try:
            while isinstance(piece := connection.piece(timeout), Data):
                reply.writer.write(piece.data)
            reply.writer.end(piece.trailers)
        finally:
            connection.close()
    else:
        reply.writer.end(fetch.trailers)
