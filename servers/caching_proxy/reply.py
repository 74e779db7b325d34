"""An answer to a client, and what is told of it: its head with the fields that say what the cache did."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from servers.caching_proxy.answering import Answer
from servers.caching_proxy.book import Outcome
from servers.caching_proxy.cache_status import cache_status
from servers.caching_proxy.client_side import Client, Writer
from servers.caching_proxy.events import Verdict
from servers.caching_proxy.protocol import NAME, via
from servers.caching_proxy.rules import Decision
from servers.caching_proxy.trouble import ClientGone, page
from servers.kit.http import REASONS, Headers, HttpError, Request, content_length
from servers.kit.http_fields import write_date

if TYPE_CHECKING:
    from servers.caching_proxy.proxy import Proxy


class Reply:
    """One answer. ``outcome`` is filled in while it is made."""

    def __init__(self, proxy: Proxy, client: Client, request: Request | None) -> None:
        self.proxy, self.client, self.request = proxy, client, request
        self.began = time.monotonic()
        self.outcome = Outcome(url=request.target if request else "")
        keep = request is not None and request.keep_alive and proxy.settings.keep_alive > 0
        self.writer = Writer(client, request, keep and not proxy.closing)
        self._counted = False

    def decided(self, decision: Decision) -> None:
        """What the cache's rules say."""
        outcome = self.outcome
        outcome.reason, outcome.age, outcome.ttl = decision.reason, decision.age, decision.ttl

    def head(
        self, status: int, reason: str, headers: Headers, length: int | None, first: bytes = b""
    ) -> None:
        """Begin; ``length`` and ``first`` as for the writer."""
        self.count()
        self.writer.head(status, reason, headers, length, first)

    def own(self, status: int, message: str, verdict: Verdict, error: str) -> None:
        """An answer of the proxy's own; where another has begun, it is cut so that the client sees it."""
        self.outcome.reason = message
        if self.writer.begun or self.outcome.verdict == "TUNNEL":
            self.proxy.book.recounted(self.outcome.verdict, verdict)
            self.outcome.verdict = verdict
            self.writer.keep = False
            self.client.reset()
            return
        self.outcome.verdict = verdict
        if self.request and self.request.framing.kind != "none" and self.client.reader.state == "body":
            self.writer.keep = False  # its body is not read, or cannot be
        reason = REASONS.get(status, "")
        body = page(status, reason, message, verdict == "FAILED", error)
        headers = Headers([
            ("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"),
            ("Date", write_date(int(time.time()))), ("Proxy-Status", f"{NAME}; error={error}"),
            via("HTTP/1.1", Headers(), self.proxy.name),
        ])  # fmt: skip
        with contextlib.suppress(ClientGone):
            self.head(status, reason, headers, len(body), body)
            self.writer.end()

    def count(self) -> None:
        """Count the verdict, once: who sees the answer finds it counted."""
        if not self._counted:
            self._counted = True
            self.proxy.book.counted(self.outcome)

    def tell(self, error: str = "") -> None:
        """All is sent: tell what came, what left, and the verdict."""
        client, writer, outcome, request, book = (
            self.client, self.writer, self.outcome, self.request, self.proxy.book,
        )  # fmt: skip
        ms = 1000 * (time.monotonic() - self.began)
        self.count()
        size, raw = (request.framing.length, request.raw) if request else (0, client.start)
        book.requested(client.conn, client.peer, client.number, request, size, raw, error)
        if writer.response:
            outcome.status, outcome.size = writer.response.status, writer.size
            book.responded(
                client.conn,
                client.peer,
                client.number,
                request,
                writer.response,
                writer.size,
                writer.start,
                ms,
            )
        book.answered(client, request, outcome, ms)


def with_status(headers: Headers, words: str) -> Headers:
    """With Cache-Status (RFC 9211): what caches before this one said, then ``words``."""
    before = headers.get("cache-status")
    return headers.with_(("Cache-Status", f"{before}, {words}" if before else words))


def hit_fields(found: Answer, decision: Decision, name: str) -> Headers:
    """The header fields of an answer from the cache."""
    words = cache_status(hit=True, ttl=decision.ttl, detail=decision.reason)
    return with_status(found.headers.with_(via("HTTP/1.1", found.headers, name)), words)


def stated(headers: Headers) -> int | None:
    """The Content-Length that an answer without a body states; None if it states none."""
    with contextlib.suppress(HttpError):
        return content_length(headers) if "content-length" in headers else None
    return None


def dated(headers: Headers, received: float) -> Headers:
    """With the date of receipt, where the origin gave none (RFC 9110, 6.6.1)."""
    return headers if "date" in headers else headers.with_(("Date", write_date(int(received))))
