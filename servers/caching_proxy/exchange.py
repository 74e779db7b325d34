"""One request, from its head to the last byte of its answer. A thread runs it, and may block.

The order of things: may this client use the proxy, where does the request go, may the proxy go
there, does the cache have it, may that be used; and only then the origin.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from servers.caching_proxy import protocol
from servers.caching_proxy.cache_status import Forward
from servers.caching_proxy.client_side import Client
from servers.caching_proxy.events import Verdict
from servers.caching_proxy.fetch import Fetch
from servers.caching_proxy.from_cache import follow, use
from servers.caching_proxy.from_origin import Leader
from servers.caching_proxy.protocol import CONDITIONS, NAME, Target
from servers.caching_proxy.reply import Reply
from servers.caching_proxy.rules import decide
from servers.caching_proxy.trouble import ClientGone, Failed, Refused
from servers.caching_proxy.tunnel import tunnel
from servers.caching_proxy.vary import select
from servers.kit.http import Headers, HttpError, Request

if TYPE_CHECKING:
    from servers.caching_proxy.proxy import Proxy

TRIES = 4
"""How often a request looks again after somebody else's fetch, before it goes to the origin itself."""
ALLOW = "GET, HEAD, POST, PUT, DELETE, OPTIONS, CONNECT"


def refuse(proxy: Proxy, client: Client, error: HttpError) -> None:
    """Answer what cannot be read; the connection ends with it."""
    reply = Reply(proxy, client, None)
    reply.own(error.status, error.message, "REFUSED", "http_request_error")
    reply.tell(error.message)
    client.linger()


class Exchange:
    """A request, and what becomes of it."""

    def __init__(self, proxy: Proxy, client: Client, request: Request) -> None:
        self.proxy, self.client, self.request = proxy, client, request
        self.reply = Reply(proxy, client, request)

    def run(self) -> bool:
        """Answer; whether the connection may take another request."""
        reply = self.reply
        try:
            self._answer()
        except (Refused, HttpError) as error:
            reply.own(error.status, error.message, "REFUSED", getattr(error, "error", "http_request_error"))
        except Failed as failure:
            reply.own(failure.status, failure.message, "FAILED", failure.error)
        except ClientGone:
            reply.writer.keep = False
            reply.outcome.reason = f"The client went away. {reply.outcome.reason}".strip()
        except Exception as error:  # a fault of ours ends one answer, not the proxy
            self.proxy.book.trouble(error)
            reply.own(500, "This proxy has a fault; its log says which.", "FAILED", "proxy_internal_error")
        reply.tell()
        waits = self.client.reader.state == "body" and "expect" in self.request.headers  # for a word to go on
        if reply.writer.keep and not waits and self.client.drain():
            return True
        self.client.linger()
        return False

    def _answer(self) -> None:
        request, proxy = self.request, self.proxy
        if not proxy.rules.client(self.client.host):
            words = f"{self.client.host} is not among the allowed clients"
            raise Refused(403, f"{words} (setting «Allowed clients», --allow-client).")
        target = protocol.read_target(request)
        self.reply.outcome.url = target.url
        if protocol.looped(request.headers, proxy.name):
            words = "This request came through this proxy before: its Via says so."
            raise Refused(508, words, "proxy_loop_detected")
        if target.form == "connect":
            self._tunnel(target)
        elif request.method in ("OPTIONS", "TRACE") and protocol.max_forwards(request) == 0:
            self._last_hop(target)
        elif request.method not in ("GET", "HEAD"):
            self._forward(target, f"{request.method} always goes to the origin", "method")
        elif not proxy.settings.caching:
            self._forward(target, "the cache is switched off", "bypass")
        elif request.framing.kind != "none":
            self._forward(target, "a request with a body always goes to the origin", "bypass")
        else:
            self._cached(target)

    def _forward(self, target: Target, why: str, word: Forward) -> None:
        """To the origin and back, without a look into the cache."""
        self.reply.outcome.verdict, self.reply.outcome.reason = "BYPASS", why
        Leader(self.reply, self.request, target, Fetch(), word).lead([], None, None)

    def _cached(self, target: Target) -> None:
        """From the cache, from somebody else's fetch, or from the origin."""
        proxy, request, reply = self.proxy, self.request, self.reply
        collapsed = False
        for attempt in range(TRIES):
            entries = proxy.store.entries(target.url)
            entry = select(entries, request)
            decision = decide(entry, request, time.time(), entries)
            if decision.action == "refuse":
                reply.decided(decision)
                raise Refused(504, decision.reason)
            verdict: Verdict = "COLLAPSED" if collapsed else "HIT"
            if decision.action == "use" and entry and use(reply, request, entry, decision, verdict):
                if decision.background:
                    proxy.refresh(target, request, entries, entry)
                return
            if not self._shareable() or attempt == TRIES - 1:
                break
            fetch, leads = proxy.fetches.join(target.url)
            if leads:
                try:
                    Leader(reply, request, target, fetch).lead(entries, entry, decision)
                finally:
                    if fetch.state != "spooling":
                        proxy.fetches.leave(target.url, fetch)
                    if fetch.state == "waiting":
                        fetch.settle("direct")
                return
            if follow(reply, request, fetch):
                return
            collapsed = fetch.state in ("unchanged", "whole")
            if not collapsed:
                break
        Leader(reply, request, target, Fetch()).lead(entries, entry, decision)

    def _shareable(self) -> bool:
        """Whether one fetch can answer this request and another's."""
        headers = self.request.headers
        alone = ("range", "authorization", "cache-control", "pragma", *CONDITIONS)
        return self.request.method == "GET" and not any(name in headers for name in alone)

    # -- what is no answer of an origin

    def _last_hop(self, target: Target) -> None:
        """Max-Forwards: 0 (RFC 9110, 7.6.2): the proxy itself is asked; it says where it would go."""
        if self.request.method == "TRACE":
            raise Refused(405, "TRACE is not answered here: it would send back what may be secret.")
        address = self.proxy.origins.addresses(target)[0][1]
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        reply = self.reply
        reply.outcome.own = True
        hop = ("Proxy-Status", f'{NAME}; next-hop="{host}:{address[1]}"')
        own = protocol.via("HTTP/1.1", Headers(), self.proxy.name)
        reply.head(200, "OK", Headers([("Allow", ALLOW), hop, own]), 0)
        reply.writer.end()

    def _tunnel(self, target: Target) -> None:
        proxy, reply = self.proxy, self.reply
        if target.port not in proxy.rules.connect_ports:
            words = f"Port {target.port} is not among the ports for CONNECT"
            raise Refused(403, f"{words} (setting «Ports for CONNECT», --connect-ports).")
        connection = proxy.origins.lend(target, fresh=True)
        outcome = reply.outcome
        outcome.verdict, outcome.origin, outcome.status = "TUNNEL", connection.address, 200
        reply.writer.keep = False
        try:
            reply.count()
            self.client.stream.says.begin()
            self.client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            up, down = tunnel(self.client, connection.sock)
            outcome.size = outcome.from_origin = down
            outcome.reason = (
                f"{up} bytes to {target.authority}, {down} back: what they say the proxy cannot see."
            )
        finally:
            connection.close()
