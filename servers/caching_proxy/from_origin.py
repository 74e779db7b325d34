"""Answers from the origin: asked, kept where that is allowed, passed on. A thread runs it, and may block."""

from __future__ import annotations

import contextlib
import time

from msgspec import structs

from servers.caching_proxy import protocol
from servers.caching_proxy.asking import Asked, Asker
from servers.caching_proxy.cache_status import Forward, cache_status
from servers.caching_proxy.drafts import Draft
from servers.caching_proxy.entry import Entry
from servers.caching_proxy.fetch import Fetch, in_thread
from servers.caching_proxy.freshness import freshness
from servers.caching_proxy.from_cache import read_along, use
from servers.caching_proxy.invalidation import invalidates
from servers.caching_proxy.partial import part_of
from servers.caching_proxy.protocol import CONDITIONS, Target
from servers.caching_proxy.reply import Reply, dated, stated, with_status
from servers.caching_proxy.rules import Decision, may_not_be_stale, on_failure
from servers.caching_proxy.storing import make_entry, may_store
from servers.caching_proxy.trouble import Failed
from servers.caching_proxy.validation import after_head, freshened, keeping, validated_by, validation_headers
from servers.caching_proxy.vary import matching
from servers.kit.http import Headers, Request, Response
from servers.kit.http_stream import Data, End


class Leader:
    """Asks the origin for one request, for itself and for those who follow the ``fetch``.

    ``word`` says why in RFC 9211's terms, where it is not the cache's contents that decide.
    """

    def __init__(
        self, reply: Reply, request: Request, target: Target, fetch: Fetch, word: Forward | None = None
    ) -> None:
        self.reply, self.proxy, self.request, self.target = reply, reply.proxy, request, target
        self.fetch = fetch
        self.word: Forward | None = word
        self.entries: list[Entry] = []
        self.entry: Entry | None = None
        self.validating = False

    def lead(self, entries: list[Entry], entry: Entry | None, decision: Decision | None) -> None:
        """Ask and answer. ``entry`` is what is stored and cannot be used unasked. Failed, Refused."""
        self.entries, self.entry = entries, entry
        outcome = self.reply.outcome
        if decision:
            self.reply.decided(decision)
            around = decision.forward in ("bypass", "method")
            validate = decision.action == "validate"
            outcome.verdict = "BYPASS" if around else "EXPIRED" if validate else "MISS"
            self.word = self.word or decision.forward or "miss"
            self.validating = validate and self.request.method == "GET"
        asker = Asker(self.proxy.origins, self.proxy.book, self.reply.writer.interim)
        body = (self.reply.client, self.request.framing) if self.request.framing.kind != "none" else None
        try:
            asked = asker.ask(self.request.method, self.target, self._fields(), body)
        except Failed as failure:
            outcome.origin = asker.tried
            if self._instead(None, failure):
                self.fetch.settle("direct")
                return
            if self.entry and may_not_be_stale(self.entry):
                failure.status = 504  # RFC 9111, 5.2.2.2
            self.fetch.settle("broken", failure)
            raise
        outcome.origin, outcome.origin_ms = asked.connection.address, asked.ms
        self.reply.writer.keep = self.reply.writer.keep and not asked.early
        try:
            self._answered(asked)
        except BaseException:
            if self.fetch.response is None:  # nobody spools it
                asked.connection.close()
            raise

    def _fields(self) -> Headers:
        fields = protocol.request_fields(self.request, self.target, self.proxy.name)
        if self.validating and self.entry:
            fields = fields.without((*CONDITIONS, "range"))
            fields = fields.with_(*validation_headers(self.entries, self.entry))
        return fields

    def _answered(self, asked: Asked) -> None:
        """The origin's head is here: what to do with it."""
        response, proxy = asked.response, self.proxy
        if self.validating and self.entry and response.status == 304:
            self._unchanged(asked, self.entry)
            return
        if response.status >= 500 and self._instead(response.status, None):
            asked.connection.close()
            self.fetch.settle("direct")
            return
        self._consequences(asked)
        storing = may_store(self.request, response, asked.received, self.target.url)
        why = storing.why
        if proxy.settings.caching and storing.yes:
            if response.framing.kind == "length" and response.framing.length > proxy.store.limit:
                why = "it is larger than the cache"
            else:
                try:
                    draft = proxy.store.draft()
                except OSError as error:  # the disk is full, say
                    why = f"the cache cannot be written ({error.strerror})"
                else:
                    self._spool(asked, draft)
                    return
        self.fetch.settle("direct")
        if self.word not in ("method", "bypass"):
            self.reply.outcome.reason = f"{self.reply.outcome.reason}; not stored: {why}"
        self._pass_on(asked)

    def _pass_on(self, asked: Asked) -> None:
        """The answer as it comes, kept by nobody."""
        response, reply = asked.response, self.reply
        fields = protocol.response_fields(response.headers, response.version, self.proxy.name)
        length = response.framing.length if response.framing.kind in ("length", "none") else None
        if self.request.method == "HEAD" or response.status == 304:
            length = stated(response.headers)
        fields = with_status(dated(fields, asked.received), self._words(response, stored=False))
        piece, last = self._ready(asked), b""
        reply.head(response.status, response.reason, fields, length)
        while not isinstance(piece, End):
            reply.writer.write(last)
            last = piece.data if piece else b""
            reply.outcome.from_origin += len(last)
            if piece is None:
                asked.connection.more(self.proxy.settings.timeout)
            piece = self._ready(asked)
        reply.writer.write(last)
        reply.writer.end(piece.trailers)

    def _ready(self, asked: Asked) -> Data | End | None:
        """What has come of the body; at its end the connection is free before the client has all."""
        piece = asked.connection.ready()
        if isinstance(piece, End):
            self._give_back(asked)
        return piece

    def _give_back(self, asked: Asked) -> None:
        """The answer was read to its end: its connection is free for the next."""
        asked.connection.broken |= not asked.response.keep_alive
        self.proxy.origins.back(asked.connection, (self.target.host, self.target.port))

    def _words(self, response: Response, stored: bool) -> str:
        detail = self.reply.outcome.reason
        return cache_status(forward=self.word, forward_status=response.status, stored=stored, detail=detail)

    # -- kept

    def _spool(self, asked: Asked, draft: Draft) -> None:
        """Keep the body while it comes, and read along."""
        proxy, response, fetch = self.proxy, asked.response, self.fetch
        start, _, whole = (part_of(response) if response.status == 206 else None) or (0, 0, 0)
        entry = make_entry(
            self.target.url,
            self.request,
            response,
            asked.requested,
            asked.received,
            whole,
            asked.connection.address,
        )
        fetch.begin(response, entry, draft, asked.connection, proxy.store.limit)

        def keep(draft: Draft, size: int) -> bool:
            self._give_back(asked)
            kept = proxy.keep(asked, entry, draft, start, size)
            proxy.fetches.leave(self.target.url, fetch)
            return kept

        def spool() -> None:
            try:
                fetch.spool(proxy.settings.timeout, keep)
            finally:
                proxy.fetches.leave(self.target.url, fetch)
                if fetch.state == "broken":
                    asked.connection.close()

        try:
            if response.framing.length <= len(asked.connection.reader.buffer) and response.framing.kind in (
                "none",
                "length",
            ):
                spool()  # all of it is here
            else:
                in_thread(spool, "spool")
            fields = dated(
                protocol.response_fields(response.headers, response.version, proxy.name), asked.received
            )
            fields = with_status(fields, self._words(response, stored=True))
            read_along(self.reply, fetch, response.status, response.reason, fields, response)
        finally:
            fetch.leave()
            self.reply.outcome.stored = fetch.kept
            self.reply.outcome.from_origin = self.reply.writer.size

    # -- what is stored

    def _unchanged(self, asked: Asked, entry: Entry) -> None:
        """304: what is stored still holds."""
        with contextlib.suppress(Failed):
            asked.connection.piece(0.01)  # its end: a 304 has no body
        self._give_back(asked)
        meant = validated_by(self.entries, entry, asked.response)
        if meant is not None and self._renewed(asked, meant):
            return
        self.fetch.settle("direct")
        again = Decision("fetch", "the origin's 304 means nothing that is stored", forward="miss")
        Leader(self.reply, self.request, self.target, Fetch()).lead([], None, again)

    def _renewed(self, asked: Asked, entry: Entry) -> bool:
        """Write down what the 304 says, and answer with what is stored."""
        response, store = asked.response, self.proxy.store
        what = keeping(entry, self.request, response)
        if what == "update":
            self.proxy.write(store.update, freshened(entry, response, asked.requested, asked.received))
        self.fetch.settle("unchanged" if what == "update" else "direct")
        seen = freshened(entry, response, asked.requested, asked.received, to_store=False)
        fresh = freshness(seen, time.time())
        reason = f"{self.reply.outcome.reason}; the origin says that it still holds (304)"
        words = cache_status(forward=self.word, forward_status=304, ttl=fresh.ttl, detail=reason)
        decision = Decision("use", reason, fresh.age, fresh.ttl)
        done = use(self.reply, self.request, seen, decision, "REVALIDATED", words, validated=True)
        if what == "remove":
            self.proxy.write(store.remove_id, entry.id)
        return done

    def _instead(self, status: int | None, failure: Failed | None) -> bool:
        """The origin failed: answer with what is stored, if that is allowed."""
        decision = on_failure(self.entry, self.request, time.time(), status) if self.entry else None
        if decision is None or self.entry is None:
            return False
        words = f"{decision.reason}. {failure.message}" if failure else decision.reason
        decision = structs.replace(decision, reason=words)
        return use(self.reply, self.request, self.entry, decision)

    def _consequences(self, asked: Asked) -> None:
        """What an answer means for what is stored (RFC 9111, 4.3.5 and 4.4)."""
        store = self.proxy.store
        for url in invalidates(self.request.method, self.target.url, asked.response):
            self.proxy.write(store.invalidate, url)
        if self.request.method != "HEAD" or asked.response.status != 200:
            return
        for entry in matching(self.entries, self.request):
            after = after_head(entry, asked.response, asked.requested, asked.received)
            what = keeping(entry, self.request, asked.response)
            if what == "remove":
                self.proxy.write(store.remove_id, entry.id)
            elif what == "update" or after.invalid:
                self.proxy.write(store.update, after)
