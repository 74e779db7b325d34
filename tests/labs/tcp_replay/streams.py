"""Streams of bytes for the tests, and the ways to cut them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from servers.tcp_replay.framing import Framer, Message

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    b"5;note=one\r\nhello\r\n1\r\n\n\r\n0\r\nX-Sum: 17\r\n\r\n"
)
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab\r\n\r"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: "a"\r\n\r\n'
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
HEADED = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nHTTP/1.1 200 OK\r\n\r\nis but a body\n"

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nGET /\r\n"
UPLOAD = b"PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nSum: 1\r\n\r\n"
SLOPPY = b"GET / HTTP/1.0\nAccept: */*\n\n"
ARTICLE = b"GET /\r\n\r\n"


def cuttings(data: bytes, seed: int = 6) -> Iterator[list[bytes]]:
    """The same bytes in one piece, byte by byte, and cut by chance."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    chance = Random(seed)
    for _ in range(12):
        pieces, at = [], 0
        while at < len(data):
            end = at + chance.choice((1, 2, 3, 5, 20, 100))
            pieces.append(data[at:end])
            at = end
        yield pieces


def heard(framer: Framer, pieces: list[bytes], end: bool = True) -> list[bytes]:
    """The messages of a stream that comes in these pieces."""
    messages: list[Message] = []
    for piece in pieces:
        messages += framer.feed(piece)
    messages += framer.end() if end else []
    assert all(message.size == len(message.data) for message in messages if not message.cut)
    return [message.data for message in messages]
