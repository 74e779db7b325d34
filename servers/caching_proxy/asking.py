"""A request to an origin, and the head of its answer."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

import msgspec

from servers.caching_proxy.book import Book
from servers.caching_proxy.client_side import PATIENCE, Client
from servers.caching_proxy.origin import Connection, Origins
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
            if isinstance(found, Data):
                size += len(found.data)
                connection.send(write_chunk(found.data) if chunked else found.data, timeout)
                deadline = time.monotonic() + PATIENCE
            elif isinstance(found, End):
                if chunked:
                    connection.send(write_last_chunk(found.trailers), timeout)
                return None, size
            else:
                left = deadline - time.monotonic()
                readable = select.select([client.sock, connection.sock], [], [], max(0.0, left))[0]
                if not readable:
                    raise HttpError(408, "The request's body was not whole in time.")
                if connection.sock in readable and (answer := self._early(connection)):
                    return answer, size
                if client.sock in readable:
                    client.receive(0.01)

    def _early(self, connection: Connection) -> Response | None:
        """What the origin says while the body is still coming: 100, or an answer that does not need it."""
        connection.sock.settimeout(0.01)
        try:
            connection.feed()
            while isinstance(found := connection.reader.next(), Response):
                if found.status >= 200:
                    return found
                self._interim(found)
        except (OSError, HttpError) as error:
            words = f"The origin {connection.address} ended while the request's body was sent: {error}"
            raise Failed(502, words, "connection_terminated", begun=True) from None
        return None


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
