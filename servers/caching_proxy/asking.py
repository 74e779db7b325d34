"""A request to an origin, and the head of its answer."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from servers.caching_proxy.book import Book
from servers.caching_proxy.client_side import PATIENCE, Client
from servers.caching_proxy.origin import Connection, Origins, readable
from servers.caching_proxy.protocol import Target
from servers.caching_proxy.trouble import Failed, Refused
from servers.kit.http import NO_BODY, Framing, Headers, HttpError, Request, Response, write_request
from servers.kit.http_stream import Data, End, write_chunk, write_last_chunk

AGAIN = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))
"""Idempotent methods (RFC 9110, 9.2.2): sent once more when a kept connection turns out to be closed."""


class Asked(msgspec.Struct):
    """What was asked, and the answer's head. ``early``: it came before all of the request was sent."""

    connection: Connection
    request: Request
    response: Response
    requested: float
    received: float
    ms: float
    early: bool = False


class Asker:
    """Asks origins, and tells the book."""

    def __init__(
        self, origins: Origins, book: Book, interim: Callable[[Response], None] = lambda _: None
    ) -> None:
        self.origins, self.book, self._interim = origins, book, interim
        self.tried = ""  # the origin's address, once there is a connection

    def ask(
        self, method: str, target: Target, fields: Headers, body: tuple[Client, Framing] | None = None
    ) -> Asked:
        """Send the request with its body as it comes, and read the head. Failed, Refused, HttpError."""
        request = _composed(method, target, fields, body[1] if body else NO_BODY)
        for attempt in range(2):
            connection = self.origins.lend(target, fresh=attempt > 0)
            connection.number += 1
            connection.reader.expect(method)
            self.tried = connection.address
            try:
                return self._exchange(connection, request, body)
            except Failed as failure:
                connection.close()
                stale = not failure.fresh and not failure.begun and failure.status == 502
                if attempt or not stale or body or method not in AGAIN:
                    raise
            except BaseException:
                connection.close()
                raise
        raise AssertionError  # the loop returns or raises

    def _exchange(
        self, connection: Connection, request: Request, body: tuple[Client, Framing] | None
    ) -> Asked:
        timeout = self.origins.timeout
        requested, began = time.time(), time.monotonic()
        connection.send(request.raw, timeout)
        early, size = None, 0
        if body:
            early, size = self._relay(connection, *body)
        self.book.requested(
            connection.name, connection.address, connection.number, request, size, request.raw
        )
        response = early or connection.head(time.monotonic() + timeout, self._interim)
        ms = 1000 * (time.monotonic() - began)
        self.book.responded(
            connection.name, connection.address, connection.number, request, response, 0, response.raw, ms
        )
        connection.broken = connection.broken or early is not None
        return Asked(connection, request, response, requested, time.time(), ms, early is not None)

    def _relay(self, connection: Connection, client: Client, framing: Framing) -> tuple[Response | None, int]:
        """Pass the request's body on as it comes; an answer that comes before its end, and the bytes sent."""
        timeout, size = self.origins.timeout, 0
        deadline = time.monotonic() + PATIENCE
        chunked = framing.kind == "chunked"
        while True:
            found = client.reader.next()
            if found is None:
                ready = readable(max(0.0, deadline - time.monotonic()), client.sock, connection.sock)
                if not ready:
                    raise HttpError(408, "The request's body was not whole in time.")
                if connection.sock in ready and (answer := self._early(connection)):
                    return answer, size
                if client.sock in ready:
                    client.receive(0.01)
                continue
            data = _framed(found, chunked)
            if data and readable(0, connection.sock) and (answer := self._early(connection)):
                return answer, size
            try:
                connection.send(data, timeout)
            except Failed as failure:
                return self._early(connection, failure), size
            if not isinstance(found, Data):
                return None, size
            size += len(found.data)
            deadline = time.monotonic() + PATIENCE

    def _early(self, connection: Connection, failure: Failed | None = None) -> Response | None:
        """What the origin says while the body is still coming: 100, or an answer that does not need it.

        ``failure``: it takes no more; raised if it said nothing before that.
        """
        connection.sock.settimeout(0.01)
        try:
            connection.feed()
            while isinstance(found := connection.reader.next(), Response):
                if found.status >= 200:
                    return found
                self._interim(found)
        except (OSError, HttpError) as error:
            words = f"The origin {connection.address} ended while the request's body was sent: {error}"
            raise failure or Failed(502, words, "connection_terminated", begun=True) from None
        if failure:
            raise failure
        return None


def _framed(found: Data | End | Request, chunked: bool) -> bytes:
    """A piece of the request's body, or its end, as it goes to the origin."""
    if isinstance(found, Data):
        return write_chunk(found.data) if chunked else found.data
    return write_last_chunk(found.trailers) if chunked and isinstance(found, End) else b""


def _composed(method: str, target: Target, fields: Headers, framing: Framing) -> Request:
    pairs = list(fields)
    if "te" in fields:
        pairs.append(("Connection", "TE"))
    if framing.kind == "chunked":
        pairs.append(("Transfer-Encoding", "chunked"))
    elif framing.length or method in ("POST", "PUT", "PATCH"):
        pairs.append(("Content-Length", str(framing.length)))
    headers = Headers(pairs)
    try:
        raw = write_request(method, target.path, headers)
    except ValueError:
        raise Refused(400, "The request has something in it that cannot be passed on.") from None
    return Request(method, target.path, "HTTP/1.1", headers, framing, raw)
