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
    KEPT,
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

MAX_EMPTY = 16
"""Empty lines before a request at the most: one is to be taken (RFC 9112, 2.2), a drip of them is not."""
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
        if len(buffer) > limit + 1:
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
    if end + 4 > MAX_HEAD:
        raise HttpError(431, f"The trailers are longer than {MAX_HEAD} bytes.")
    section = _cut(buffer, end + 4)
    if section.count(b"\n") != section.count(b"\r\n"):
        raise HttpError(400, "A trailer line does not end in CRLF.")
    fields = parse_fields(split_lines(section))
    for name, _ in fields:
        if name.lower() in NOT_IN_TRAILERS:
            raise HttpError(400, f"{name} must not stand in a trailer.")
    return fields


# -- streams of messages


def one_request(data: bytes) -> Request | None:
    """The request that ``data`` is, if it is just one, whole, without a body and without a fault; else None.

    None, too, for a long one. What is found is kept, so that the same bytes give the same object: a
    server that is asked the same again and again need not read it again.
    """
    return _one_request(data) if len(data) <= KEPT and data.endswith(b"\r\n\r\n") else None


@lru_cache(maxsize=512)
def _one_request(data: bytes) -> Request | None:
    if not data[:1].isalpha():
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
        self._looked = 0  # bytes of the buffer in which no head ends
        self._empty = 0  # lines before the request
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
        if not self._over and not self._error:  # after HTTP/0.9's only line, nothing more is heard
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
        while buffer and (buffer[0] == 10 or buffer.startswith(b"\r\n")):
            del buffer[: 1 if buffer[0] == 10 else 2]
            self._empty += 1
            if self._empty > MAX_EMPTY:
                raise HttpError(400, "Empty lines came in place of a request.")
        if not buffer or buffer == b"\r":
            return None
        if buffer.startswith(b"GET /"):
            newline = buffer.find(b"\n", 5, MAX_LINE + 2)
            if newline > 0 and buffer.find(b" ", 5, newline) < 0:
                return self._read_simple(newline + 1)
        end = find_head(buffer, start=self._looked)
        if end > MAX_HEAD or (not end and len(buffer) > MAX_HEAD):
            self._check_line()
            raise HttpError(431, f"The head is longer than {MAX_HEAD} bytes.")
        if not end:
            self._check_line()
            return None
        self._looked = self._empty = 0
        request = parse_request(_cut(buffer, end))
        self._body = BodyReader(request.framing)
        return request

    def _read_simple(self, end: int) -> Request:
        """HTTP/0.9: a line without a version is all of the request, whatever follows."""
        line = bytes(self.buffer[:end])
        request = parse_request(line + (b"\r\n" if line.endswith(b"\r\n") else b"\n"))
        self._over = True
        self.buffer.clear()
        self._body = BodyReader(NO_BODY)
        return request

    def _check_line(self) -> None:
        """A head is not whole: is a fault in its first line plain already? HttpError if so."""
        buffer, looked = self.buffer, self._looked
        self._looked = len(buffer)
        newline = buffer.find(b"\n", 0, MAX_LINE + 2)
        if 0 <= newline < looked:  # it was whole before
            return
        if newline < 0 and len(buffer) > MAX_LINE + 1:
            word = bytes(buffer[: MAX_LINE + 2]).partition(b" ")[0]
            long_method = len(word) > MAX_METHOD and TOKEN.match(word.decode("latin-1"))
            raise HttpError(501 if long_method else 414, "The request line is too long.")
        new = bytes(buffer[max(0, looked - 1) : newline if newline >= 0 else len(buffer)])
        if b"\0" in new or re.search(rb"\r(?!\Z)", new):
            raise HttpError(400, "The request line has a control character.")
        if not looked and not TOKEN.match(chr(buffer[0])):
            raise HttpError(400, "This is no request: is it TLS, or another protocol?")


class ResponseReader:
    """The responses on a connection, as a client hears them. Say ``expect(method)`` before each.

    ``sloppy`` reads what servers written in a first lesson send: see ``parse_response``.
    """

    def __init__(self, sloppy: bool = False) -> None:
        self.buffer = bytearray()
        self._sloppy = sloppy
        self._methods: deque[str] = deque()
        self._looked = 0  # bytes of the buffer in which no head ends
        self._body: BodyReader | None = None
        self._error: HttpError | None = None
        self._ended = False

    def expect(self, method: str) -> None:
        """A request with this method was sent; its response is read next."""
        self._methods.append(method)

    def feed(self, data: bytes) -> None:
        """Bytes that arrived."""
        if not self._error:
            self.buffer += data

    def eof(self) -> None:
        """The server will send no more."""
        self._ended = True

    def next(self) -> Response | Data | End | None:
        """The next thing that is whole; None when more bytes are needed.

        Raises HttpError (502), and again whenever it is asked: what follows a fault is not read.
        """
        if self._error:
            raise self._error
        try:
            return self._read_body() if self._body else self._read_head()
        except HttpError as error:
            self._error = HttpError(502, error.message)
            raise self._error from None

    def _read_body(self) -> Data | End | None:
        assert self._body
        found = self._body.take(self.buffer, self._ended)
        if isinstance(found, End):
            self._body = None
        elif found is None and self._ended:
            raise HttpError(502, "The connection ended in the middle of the body.")
        return found

    def _read_head(self) -> Response | None:
        start = bytes(self.buffer[:1000])
        try:
            return self._read_whole_head()
        except HttpError as error:
            raise HttpError(502, f"{error.message} {_missing(start)}".rstrip()) from None

    def _read_whole_head(self) -> Response | None:
        buffer = self.buffer
        if not self._sloppy:
            _check_start(buffer)
        end = find_head(buffer, strict=not self._sloppy, start=self._looked)
        if not end and self._sloppy and self._ended:
            end = self._cut_short()
        if end > MAX_HEAD or (not end and len(buffer) > MAX_HEAD):
            raise HttpError(502, f"The head is longer than {MAX_HEAD} bytes.")
        if not end and self._ended and (buffer or self._methods):
            what = "before the head was whole" if buffer else "without an answer"
            raise HttpError(502, f"The connection ended {what}.")
        self._looked = 0 if end else len(buffer)
        if not end:
            return None
        method = self._methods[0] if self._methods else "GET"
        response = parse_response(_cut(buffer, end), method, self._sloppy)
        if response.status >= 200:
            if self._methods:
                self._methods.popleft()
            self._body = BodyReader(response.framing)
        return response

    def _cut_short(self) -> int:
        """Where a head ends that the connection's end cut short: the empty line is put there."""
        if not self.buffer.lstrip(b" \t").startswith(b"HTTP/"):
            return 0
        self.buffer += b"\r\n" if self.buffer.endswith(b"\n") else b"\r\n\r\n"
        return len(self.buffer)


def _check_start(buffer: bytearray) -> None:
    """What is no response is known by its first bytes: no need to wait for more. HttpError."""
    if buffer.startswith(b"HTTP/"[: len(buffer)]):
        return
    if buffer[0] in b" \t":
        raise HttpError(502, "The status line begins with a blank.")
    if buffer[0] in b"\x15\x16":
        raise HttpError(502, "What came is TLS: is this the port of https?")
    what = short(bytes(buffer[:41]).decode("latin-1"), 20)
    raise HttpError(502, f"What came begins with «{what}», not with a status line such as HTTP/1.1 200 OK.")


def _missing(start: bytes) -> str:
    """Words for the commonest fault of a first server: HTML follows the header lines at once."""
    for line in start.splitlines()[1:]:
        if not line:
            break
        if line.startswith(b"<"):
            what = short(line.decode("latin-1"), 20)
            return f"No empty line stands between the head and the body: «{what}» follows at once."
    return ""


# -- writing bodies


def write_chunk(data: bytes) -> bytes:
    """One chunk; b"" makes none, for that would be the last."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def write_last_chunk(trailers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The end of a chunked body."""
    return b"0\r\n" + write_fields(trailers)
