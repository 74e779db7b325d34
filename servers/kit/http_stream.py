"""Whole HTTP/1.1 messages off a stream, without a socket.

``RequestReader`` is a server's ear, ``ResponseReader`` a client's: both are fed with
``feed()`` and asked with ``next()``. Bodies are read by ``BodyReader`` (RFC 9112, 6 and 7).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import msgspec

from servers.kit.http import (
    MAX_HEAD,
    MAX_LINE,
    MAX_METHOD,
    NO_BODY,
    TOKEN,
    Framing,
    Headers,
    HttpError,
    Request,
    Response,
    find_head,
    parse_fields,
    parse_request,
    parse_response,
    short,
    split_lines,
    write_fields,
)

MAX_CHUNK_LINE = 1024
"""Bytes of a chunk's size with its extensions at the most."""

SIZE = re.compile(r"[0-9A-Fa-f]{1,15}\Z")
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = r"\"(?:[^\"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t\x20-\x7e])*\""
EXTENSION = re.compile(rf"(?:[ \t]*;[ \t]*{_WORD}(?:[ \t]*=[ \t]*(?:{_WORD}|{_QUOTED}))?)*\Z")
"""The extensions of a chunk (RFC 9112, 7.1.1), ignored once they are well formed."""
NOT_IN_TRAILERS = frozenset({
    "authorization", "connection", "content-encoding", "content-length", "content-range", "content-type",
    "cookie", "expect", "host", "set-cookie", "te", "trailer", "transfer-encoding",
})  # fmt: skip
"""Fields that frame, route or authenticate: they come too late in a trailer (RFC 9110, 6.5.1)."""


class Data(msgspec.Struct, frozen=True):
    """A piece of a body, without the chunks' sizes."""

    data: bytes


class End(msgspec.Struct, frozen=True):
    """The message is whole."""

    trailers: Headers = Headers()


# -- bodies


class BodyReader:
    """Takes a body off a stream. ``take(buffer)`` removes what it reads from the buffer's front."""

    def __init__(self, framing: Framing) -> None:
        self.framing = framing
        self.left = framing.length
        self._state = "size"

    def take(self, buffer: bytearray, ended: bool = False) -> Data | End | None:
        """The next piece, the end, or None: more bytes are needed. Raises HttpError."""
        kind = self.framing.kind
        if kind == "chunked":
            return self._chunked(buffer)
        if kind == "close":
            return Data(_cut(buffer, len(buffer))) if buffer else End() if ended else None
        if self.left == 0:
            return End()
        if not buffer:
            return None
        data = _cut(buffer, min(self.left, len(buffer)))
        self.left -= len(data)
        return Data(data)

    def _chunked(self, buffer: bytearray) -> Data | End | None:
        """RFC 9112, 7.1: size in hex, CRLF, so many bytes, CRLF; the last has size 0, and trailers."""
        while True:
            if self._state == "size":
                line = _line(buffer, MAX_CHUNK_LINE, "A chunk's size")
                if line is None:
                    return None
                self.left = _chunk_size(line)
                self._state = "data" if self.left else "trailers"
            elif self._state == "data":
                if self.left:
                    if not buffer:
                        return None
                    data = _cut(buffer, min(self.left, len(buffer)))
                    self.left -= len(data)
                    return Data(data)
                if len(buffer) < 2 and buffer != b"\r"[: len(buffer)]:
                    raise HttpError(400, "A chunk is longer than its size says.")
                if len(buffer) < 2:
                    return None
                if _cut(buffer, 2) != b"\r\n":
                    raise HttpError(400, "A chunk is longer than its size says.")
                self._state = "size"
            elif self._state == "trailers":
                trailers = _trailers(buffer)
                if trailers is None:
                    return None
                self._state = "end"
                return End(trailers)
            else:
                return End()


def _cut(buffer: bytearray, size: int) -> bytes:
    data = bytes(buffer[:size])
    del buffer[:size]
    return data


def _line(buffer: bytearray, limit: int, what: str) -> str | None:
    """A line ended by CRLF, taken off the buffer; None if it is not whole."""
    end = buffer.find(b"\n", 0, limit + 2)
    if end < 0:
        if len(buffer) > limit:
            raise HttpError(400, f"{what} is longer than {limit} bytes.")
        if b"\r" in buffer[:-1]:
            raise HttpError(400, f"{what} has a CR that stands alone.")
        return None
    line = _cut(buffer, end + 1)
    if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
        raise HttpError(400, f"{what} does not end in CRLF.")
    return line[:-2].decode("latin-1")


def _chunk_size(line: str) -> int:
    size, semicolon, rest = line.partition(";")
    blank = size.rstrip(" \t")
    if not SIZE.match(blank) or (blank != size and not semicolon):
        raise HttpError(400, f"«{short(line)}» is no size of a chunk.")
    if not EXTENSION.match(line[len(blank) :]):
        raise HttpError(400, f"«{short(rest)}» is no extension of a chunk.")
    return int(blank, 16)


def _trailers(buffer: bytearray) -> Headers | None:
    """The trailer section, up to and with the empty line."""
    if buffer[:2] == b"\r\n":
        del buffer[:2]
        return Headers()
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise HttpError(431, f"The trailers are longer than {MAX_HEAD} bytes.")
        first = buffer.find(b"\n")
        if first == 0 or (first > 0 and buffer[first - 1] != 13):
            raise HttpError(400, "A trailer line does not end in CRLF.")
        return None
    section = _cut(buffer, end + 4)
    if section.count(b"\n") != section.count(b"\r\n"):
        raise HttpError(400, "A trailer line does not end in CRLF.")
    fields = parse_fields(split_lines(section))
    for name, _ in fields:
        if name.lower() in NOT_IN_TRAILERS:
            raise HttpError(400, f"{name} must not stand in a trailer.")
    return fields


# -- streams of messages


@lru_cache(maxsize=512)
def one_request(data: bytes) -> Request | None:
    """The request that ``data`` is, if it is just one, whole, without a body and without a fault; else None.

    Kept, so that the same bytes give the same object: a server that is asked the same again
    and again need not read it again.
    """
    if not data.endswith(b"\r\n\r\n") or not data[:1].isalpha() or len(data) > MAX_HEAD:
        return None
    try:
        whole = find_head(data) == len(data)
        request = parse_request(data) if whole else None
    except HttpError:
        return None
    return request if request and request.framing is NO_BODY else None


class RequestReader:
    """The requests on a connection, one after the other, as a server hears them.

    ``next()`` gives a Request, then its Data pieces and an End; None when more bytes are
    needed. An HttpError is final: raised again whenever it is asked.
    """

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.taken = 0
        """Bytes of the current message that were read."""
        self._body: BodyReader | None = None
        self._error: HttpError | None = None
        self._over = False

    @property
    def state(self) -> Literal["idle", "head", "body"]:
        """What is awaited: a request's first byte, the rest of its head, or of its body."""
        if self._body is not None:
            return "body"
        return "head" if self.buffer else "idle"

    def feed(self, data: bytes) -> None:
        """Bytes that arrived."""
        if not self._over:  # after HTTP/0.9's only line, nothing more is heard
            self.buffer += data

    def next(self) -> Request | Data | End | None:
        """The next thing that is whole. Raises HttpError."""
        if self._error:
            raise self._error
        try:
            return self._read_body() if self._body else self._read_head()
        except HttpError as error:
            self._error = error
            self.buffer.clear()
            raise

    def eof(self) -> None:
        """The peer will send no more. Raises HttpError if it stopped in a message."""
        if not self._error and (self._body or self.buffer):
            raise HttpError(400, "The connection ended in the middle of a request.")

    def _read_body(self) -> Data | End | None:
        assert self._body
        found = self._body.take(self.buffer)
        if isinstance(found, End):
            self._body = None
        return found

    def _read_head(self) -> Request | None:
        buffer = self.buffer
        while buffer[:2] == b"\r\n" or buffer[:1] == b"\n":  # RFC 9112, 2.2: ignore empty lines before
            del buffer[: 2 if buffer[0] == 13 else 1]
        if not buffer:
            return None
        end = find_head(buffer)
        if not end:
            return self._partial()
        if end > MAX_HEAD:
            raise HttpError(431, f"The head is longer than {MAX_HEAD} bytes.")
        request = parse_request(_cut(buffer, end))
        if request.version == "HTTP/0.9":
            self._over = True
            buffer.clear()
        self._body = BodyReader(request.framing)
        return request

    def _partial(self) -> Request | None:
        """A head that is not whole: a simple request, a fault that is plain already, or wait."""
        buffer = self.buffer
        line, newline, _ = bytes(buffer[: MAX_LINE + 2]).partition(b"\n")
        if newline and re.fullmatch(rb"GET /[^ ]*\r?", line):
            request = parse_request(line.rstrip(b"\r") + b"\n\n")
            self._over = True
            buffer.clear()
            self._body = BodyReader(NO_BODY)
            return request
        if not newline and len(line) > MAX_LINE:
            word = line.partition(b" ")[0]
            long_method = len(word) > MAX_METHOD and TOKEN.match(word.decode("latin-1"))
            raise HttpError(501 if long_method else 414, "The request line is too long.")
        if b"\0" in line or re.search(rb"\r(?!\Z)", line):
            raise HttpError(400, "The request line has a control character.")
        if not newline and re.match(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]", line):
            raise HttpError(400, "This is no request: is it TLS, or another protocol?")
        if len(buffer) > MAX_HEAD:
            raise HttpError(431, f"The head is longer than {MAX_HEAD} bytes.")
        return None


class ResponseReader:
    """The responses on a connection, as a client hears them. Say ``expect(method)`` before each.

    ``sloppy`` reads what servers written in a first lesson send: see ``parse_response``.
    """

    def __init__(self, sloppy: bool = False) -> None:
        self.buffer = bytearray()
        self._sloppy = sloppy
        self._methods: deque[str] = deque()
        self._body: BodyReader | None = None
        self._ended = False

    def expect(self, method: str) -> None:
        """A request with this method was sent; its response is read next."""
        self._methods.append(method)

    def feed(self, data: bytes) -> None:
        """Bytes that arrived."""
        self.buffer += data

    def eof(self) -> None:
        """The server will send no more."""
        self._ended = True

    def next(self) -> Response | Data | End | None:
        """The next thing that is whole; None when more bytes are needed. Raises HttpError (502)."""
        try:
            if self._body is None:
                return self._read_head()
            found = self._body.take(self.buffer, self._ended)
        except HttpError as error:
            raise HttpError(502, error.message) from None
        if isinstance(found, End):
            self._body = None
        elif found is None and self._ended:
            raise HttpError(502, "The connection ended in the middle of the body.")
        return found

    def _read_head(self) -> Response | None:
        end = find_head(self.buffer, strict=not self._sloppy)
        if not end and self._sloppy:
            end = self._sloppy_end()
        if end > MAX_HEAD or (not end and len(self.buffer) > MAX_HEAD):
            raise HttpError(502, f"The head is longer than {MAX_HEAD} bytes.")
        if not end:
            if self._ended and (self.buffer or self._methods):
                raise HttpError(
                    502,
                    "The connection ended before the head was whole."
                    if self.buffer
                    else "The connection ended without an answer.",
                )
            return None
        head = _cut(self.buffer, end)
        method = self._methods[0] if self._methods else "GET"
        response = parse_response(head, method, self._sloppy)
        if response.status >= 200 and self._methods:
            self._methods.popleft()
        self._body = BodyReader(response.framing) if response.status >= 200 else None
        return response

    def _sloppy_end(self) -> int:
        """Where a head ends whose line ends are mixed, or that the connection's end cut short."""
        found = re.search(rb"\r?\n\r?\n", self.buffer)
        if found:
            return found.end()
        if self._ended and self.buffer.lstrip(b" \t").startswith(b"HTTP/"):
            self.buffer += b"\r\n\r\n" if not self.buffer.endswith(b"\n") else b"\r\n"
            return len(self.buffer)
        return 0


# -- writing bodies


def write_chunk(data: bytes) -> bytes:
    """One chunk; b"" makes none, for that would be the last."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def write_last_chunk(trailers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The end of a chunked body."""
    return b"0\r\n" + write_fields(trailers)
