"""A tape's HTTP exchanges as a HAR 1.2 archive, with whole bodies. No file is opened here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from servers.kit.events import Bytes, Event
from servers.kit.har import har
from servers.kit.http import Headers, find_head
from servers.kit.http_events import HttpRequest, HttpResponse, masked, shown
from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.http_framing import REQUEST, RESPONSE, fields
from servers.tcp_replay.sameness import dechunked

CODING = "transfer-encoding"


class Parts(msgspec.Struct, frozen=True):
    """A message: its head's bytes, its fields, and its body without chunks."""

    head: bytes
    headers: Headers
    body: bytes

    @property
    def bytes(self) -> Bytes:
        """As an event carries it, but whole."""
        return Bytes(masked(self.head) + self.body, len(self.head) + len(self.body))


def to_har(exchanges: Iterable[Exchange]) -> bytes:
    """The archive, as JSON. What is no HTTP is left out; secrets in header fields are masked.

    The kit's archive leaves out bodies that came in chunks, for its events have their beginnings
    only. Here they are whole: they are given without their chunks, and the field is put back.
    """
    events: list[Event] = []
    told: dict[str, tuple[Exchange, Parts, Parts]] = {}
    for number, exchange in enumerate(exchanges):
        request, response = parts(exchange.request), parts(final(exchange.answer))
        if pair := _events(exchange, str(number), request, response):
            events += pair
            told[str(number)] = exchange, request, response
    archive: dict[str, Any] = msgspec.json.decode(har(events))
    for entry in archive["log"]["entries"]:
        exchange, request, response = told[entry["connection"]]
        entry["connection"] = exchange.conn
        for side, message in (("request", request), ("response", response)):
            pairs = shown(message.headers)
            entry[side]["headers"] = [{"name": name, "value": value} for name, value in pairs]
    return msgspec.json.encode(archive)


def parts(message: bytes) -> Parts:
    """The parts of a message; all of it is head if no empty line is in it."""
    end = find_head(message, strict=False) or len(message)
    head, body = message[:end], message[end:]
    headers = Headers(fields(head))
    return Parts(head, headers, dechunked(body) if "chunked" in headers.tokens(CODING) else body)


def final(answer: bytes) -> bytes:
    """An answer from its final response on: 1xx are left out."""
    while (found := RESPONSE.match(answer)) and found[2][:1] == b"1" and found[2] != b"101":
        end = find_head(answer, strict=False)
        if not end:
            break
        answer = answer[end:]
    return answer


def _events(exchange: Exchange, conn: str, request: Parts, response: Parts) -> list[Event]:
    line, status = REQUEST.match(request.head), RESPONSE.match(response.head)
    if not line:
        return []
    method, target, version = (line[place].decode("latin-1") for place in (1, 2, 3))
    if target.startswith("/") and "host" not in request.headers:
        target = f"http://{exchange.target}{target}"
    common: dict[str, Any] = {"conn": conn, "peer": exchange.peer, "method": method, "target": target}
    events: list[Event] = [
        HttpRequest(
            t=exchange.at, way="to_server", number=1, version=version, size=len(request.body),
            headers=shown(request.headers.without((CODING,))), data=request.bytes, **common,
        )
    ]  # fmt: skip
    if status:
        ms = exchange.response[-1].ms
        words = response.head.partition(b"\n")[0].decode("latin-1").split(None, 2)
        events.append(
            HttpResponse(
                t=exchange.at + ms / 1000, way="to_client", number=1, version=words[0], status=int(status[2]),
                reason=words[2].strip() if words[2:] else "", ms=ms, size=len(response.body),
                headers=shown(response.headers.without((CODING,))), data=response.bytes, **common,
            )
        )  # fmt: skip
    return events
