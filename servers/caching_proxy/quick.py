"""Plain hits, answered in the loop: the same bytes as the long way gives, only sooner.

Plain is a GET whose bytes came at once, from a client that may use the proxy, on a connection
that stays open, for a small object of the cache that is fresh. Everything else goes the long
way, through exchange.py.
"""

from __future__ import annotations

import math
from time import monotonic, time

from servers.caching_proxy import protocol
from servers.caching_proxy.access import Rules
from servers.caching_proxy.answering import answer
from servers.caching_proxy.book import SHOWN, Outcome
from servers.caching_proxy.client_side import RECEIVE, Client
from servers.caching_proxy.proxy import Proxy
from servers.caching_proxy.ready import Prepared
from servers.caching_proxy.reply import hit_fields
from servers.caching_proxy.rules import decide
from servers.caching_proxy.vary import select
from servers.kit.http import UNTIL_CLOSE, HttpError, Request, Response, write_response
from servers.kit.http_stream import one_request

SMALL = 64 * 1024
"""Bytes of a body at the most."""


class Quick:
    """The short way."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self._plain, self._report = proxy.book.plain, proxy.book.report
        self._details = 5 if proxy.book.spare.tells else 3  # the request, the answer, the verdict; two calls
        self._rules: Rules | None = None
        self._allowed: set[str] = set()  # clients that these rules let in

    def answer(self, client: Client, data: bytes) -> bytes | None:
        """Answer ``data``: what the kernel did not take yet (b"": nothing); None: it is no plain hit."""
        began, now, proxy = monotonic(), time(), self.proxy
        prepared = proxy.ready.answers.get(data)
        if prepared is None or now >= prepared.until:
            prepared = self._prepare(data, now)
        if prepared is None or not proxy.settings.caching:
            return None
        known = self._rules is proxy.rules and client.host in self._allowed
        if not known and not self._allows(client.host):
            return None
        prepared.hits += 1
        client.number += 1
        stream, raw, plain = client.stream, prepared.answer, self._plain
        plain.hits += 1
        plain.saved += prepared.outcome.size
        try:
            sent = client.sock.send(raw)
        except BlockingIOError:
            sent = 0
        except OSError:
            stream.received(data, RECEIVE)
            return raw  # the thread that is to send it finds out
        if self._report.room:
            self._tell(client, data, prepared, 1000 * (monotonic() - began))
            stream.exchanged(data, raw, RECEIVE, sent)
        else:
            plain.missed += self._details
            stream.bytes_in += len(data)
            stream.bytes_out += sent
            if sent < len(raw):
                stream.says.lost()
        return raw[sent:] if sent < len(raw) else b""

    def _allows(self, host: str) -> bool:
        """Whether the rules let this client in; those that they do are remembered until the rules change."""
        rules = self.proxy.rules
        if self._rules is not rules or len(self._allowed) > 1000:
            self._rules, self._allowed = rules, set()
        if rules.client(host):
            self._allowed.add(host)
        return host in self._allowed

    def _prepare(self, data: bytes, now: float) -> Prepared | None:
        changes = self.proxy.ready.changes
        request = one_request(data)
        if (
            request is None
            or request.method != "GET"
            or request.version != "HTTP/1.1"
            or not request.keep_alive
        ):
            return None
        if self.proxy.closing or self.proxy.settings.keep_alive <= 0:
            return None
        try:
            target = protocol.read_target(request)
        except HttpError:
            return None
        if protocol.looped(request.headers, self.proxy.name):
            return None
        prepared = self._hit(request, target.url, now)
        if prepared is not None:
            self.proxy.ready.put(data, prepared, changes)
        return prepared

    def _hit(self, request: Request, url: str, now: float) -> Prepared | None:
        store = self.proxy.store
        entry = select(store.entries(url), request)
        if entry is None:
            return None
        decision = decide(entry, request, now)  # no others: it is used or not
        found = answer(entry, request, now) if decision.action == "use" and not decision.stale else None
        if found is None or found.end - found.start > SMALL:
            return None
        body = store.open(entry)
        if body is None:
            return None
        with body:
            content = body.read(found.start, found.end)
        outcome = Outcome(
            verdict="HIT", reason=decision.reason, url=url, status=found.status, size=len(content),
            age=decision.age, ttl=decision.ttl, stored=True,
        )  # fmt: skip
        headers = hit_fields(found, decision, self.proxy.name)
        if found.status != 304:
            headers = headers.with_(("Content-Length", str(len(content))))
        raw = write_response(found.status, headers, reason=found.reason) + content
        response = Response("HTTP/1.1", found.status, found.reason, headers, UNTIL_CLOSE)
        older = now - entry.received
        until = now + (math.floor(older) + 1 - older)
        return Prepared(entry.id, raw, until, request, response, outcome)

    def _tell(self, client: Client, data: bytes, prepared: Prepared, ms: float) -> None:
        book = self.proxy.book
        request, outcome = prepared.request, prepared.outcome
        book.requested(client.conn, client.peer, client.number, request, 0, data)
        book.responded(
            client.conn, client.peer, client.number, request, prepared.response, outcome.size,
            prepared.answer[:SHOWN], ms,
        )  # fmt: skip
        book.told(client, request, outcome, ms)
