"""Where an HTTP message ends (RFC 9112, 6.3), for one who looks on and changes nothing.

Lenient where a server would be strict: a head without Host, or ``GET /`` and an empty line, as
the article has it, is passed on and recorded all the same. What is no HTTP at all is framed by
pauses from there on, and ``fault`` says so in words. No socket here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from servers.kit.http import (
    MAX_HEAD,
    NO_BODY,
    Framing,
    Headers,
    HttpError,
    find_head,
    request_framing,
    response_framing,
    short,
)
from servers.kit.http_stream import BodyReader, End
from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.framing import Framer, Message, Side

REQUEST = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}) +([^ \r\n]+) +(HTTP/1\.[0-9])[ \t]*\r?\n")
SIMPLE = re.compile(rb"GET +[^ \r\n]+[ \t]*\r?\n")
"""HTTP/0.9 has no version, no fields and no status line (RFC 1945, 4.1)."""
RESPONSE = re.compile(rb"[ \t]*(HTTP/1\.[0-9]) +([1-5][0-9][0-9])(?![0-9])[^\n]*\n")
METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}( |\Z)")
STATUS = re.compile(rb"[ \t]*(HTTP/|(HTTP|HTT|HT|H)?\Z)")
LENGTHS = (b"content-length", b"transfer-encoding")
"""Where neither is in a head, no body follows a request."""
TUNNEL = "From here on the connection speaks another protocol."
PIECE = 64 * 1024


class Http(Framer):
    """One direction of an HTTP connection: raw bytes of whole messages; 1xx belong to what follows them.

    fault   why this is no HTTP (any more); empty: it is
    tunnel  a response to CONNECT or Upgrade ended it
    """

    def __init__(self, side: Side, keep: int) -> None:
        super().__init__(keep)
        self.side = side
        self.fault = ""
        self.tunnel = False
        self._methods: list[str] = []  # of requests whose heads came
        self._expected: deque[str] = deque()
        self._head = bytearray()  # of a head that is not whole, and not yet in _held
        self._looked = 0  # bytes of it in which no end is
        self._took = 0  # bytes of what came last that went there
        self._blank = 0  # bytes of empty lines before the head
        self._body = NO_BODY
        self._left = 0
        self._reader: BodyReader | None = None  # of a chunked body
        self._chunks = bytearray()  # what it has not read yet
        self._whole = self._closes = False

    @property
    def gaps(self) -> bool:
        """Pauses end what is no HTTP, and a request line of HTTP/0.9."""
        return bool(self.fault) or (self.side == "request" and bool(SIMPLE.match(self._head)))

    @property
    def waiting(self) -> int:
        """Bytes of the message that is not whole."""
        return self._held.size + len(self._head)

    def expect(self, method: str) -> None:
        """A request with this method was sent: its response comes after those expected already."""
        self._expected.append(method)

    def take_methods(self) -> list[str]:
        """The methods of the requests whose heads came since this was asked last."""
        taken, self._methods = self._methods, []
        return taken

    def give_up(self, why: str) -> None:
        """What comes from here on is no HTTP."""
        self.fault = self.fault or why
        self._to_held()
        self._body, self._reader = NO_BODY, None
        self._chunks.clear()

    def feed(self, data: bytes | memoryview) -> list[Message]:
        """Bytes came: the messages that became whole. What is no HTTP raises nothing: see ``fault``."""
        if self.side == "request" and self._between and (method := _bodiless(data)):
            self._methods.append(method)
            self._held.add(data)
            return [self._held.take()]
        found: list[Message] = []
        at = 0
        while at < len(data) and not self.fault:
            try:
                at += self._step(data, at)
            except HttpError as error:
                self.give_up(error.message)
                at += self._took
            if self._whole:
                found.append(self._message())
        if at < len(data):
            self._held.add(data[at:])
        return found

    @property
    def _between(self) -> bool:
        """Whether a message begins with the next byte."""
        return not (self._held.size or self._head or self.fault)

    def flush(self) -> list[Message]:
        """What waits is a message; empty lines alone are none."""
        self._to_held()
        found = [self._message()] if self._held.size > self._blank else []
        self._blank = 0
        self._held.take()
        return found

    def _to_held(self) -> None:
        self._held.add(bytes(self._head))
        self._head.clear()
        self._looked = 0

    def _message(self) -> Message:
        message = self._held.take(self._closes)
        self._body, self._reader = NO_BODY, None
        self._chunks.clear()
        self._blank = 0
        self.expects = b""
        self._whole = self._closes = False
        if self.tunnel:
            self.fault = TUNNEL
        return message

    # -- one step: how many bytes of the data it took

    def _step(self, data: bytes | memoryview, at: int) -> int:
        self._took = 0
        if self._body.kind == "none":
            return self._read_head(data[at : at + MAX_HEAD])
        if self._body.kind == "chunked":
            return self._read_chunks(data[at : at + PIECE])
        size = len(data) - at
        if self._body.kind == "length":
            size = min(size, self._left)
            self._left -= size
            self._whole = not self._left
        self._held.add(data[at : at + size])
        return size

    def _read_head(self, data: bytes | memoryview) -> int:
        if not self._head and data[0] in b"\r\n":  # RFC 9112, 2.2
            self._held.add(data[:1])
            self._blank += 1
            return 1
        before = len(self._head)
        self._head += data[: MAX_HEAD - before]
        end = find_head(self._head, strict=False, start=self._looked)
        self._looked = len(self._head)
        if end:
            del self._head[end:]
        self._took = len(self._head) - before
        if not end:
            self._check(bytes(self._head))
            return self._took
        head = bytes(self._head)
        framing = self._request(head) if self.side == "request" else self._response(head)
        self._to_held()
        if framing is not None:
            self._body, self._left = framing, framing.length
            self._reader = BodyReader(framing) if framing.kind == "chunked" else None
            self._whole = framing == NO_BODY or framing == Framing("length")
        return self._took

    def _check(self, head: bytes) -> None:
        """The head is not whole yet: is it plain already that it is none? HttpError if so."""
        begins, line = (METHOD, REQUEST) if self.side == "request" else (STATUS, RESPONSE)
        simple = self.side == "request" and SIMPLE.match(head)
        if not begins.match(head) or (b"\n" in head and not line.match(head) and not simple):
            raise self._no_http(head)
        if len(head) >= MAX_HEAD:
            raise HttpError(400, f"The head is longer than {MAX_HEAD} bytes.")

    def _no_http(self, head: bytes) -> HttpError:
        line = short(head.partition(b"\n")[0].strip().decode("latin-1"))
        what = "request line" if self.side == "request" else "status line"
        return HttpError(400, f"This is no HTTP: «{line}» is no {what}.")

    def _request(self, head: bytes) -> Framing:
        found = REQUEST.match(head)
        if not found:
            if not SIMPLE.match(head):
                raise self._no_http(head)
            self._methods.append("GET")
            return NO_BODY
        headers = Headers(fields(head))
        framing = request_framing(_version(found[3]), headers)
        self.expects = head if "100-continue" in headers.tokens("expect") else b""
        self._methods.append(found[1].decode("latin-1"))
        return framing

    def _response(self, head: bytes) -> Framing | None:
        """How its body ends; None: another head follows it."""
        found = RESPONSE.match(head)
        if not found:
            raise self._no_http(head)
        status, version, headers = int(found[2]), _version(found[1]), Headers(fields(head))
        if status < 200 and status != 101:
            return None
        method = self._expected[0] if self._expected else "GET"
        framing = response_framing(status, version, headers, method)
        if self._expected:
            self._expected.popleft()
        self.tunnel = status == 101 or (method == "CONNECT" and status < 300)
        options = headers.tokens("connection")
        stays = "close" not in options and (version == "HTTP/1.1" or "keep-alive" in options)
        self._closes = framing.kind == "close" or (not stays and not self.tunnel)
        return framing

    def _read_chunks(self, data: bytes | memoryview) -> int:
        assert self._reader is not None
        self._chunks += data
        while piece := self._reader.take(self._chunks):
            if isinstance(piece, End):
                self._whole = True
                break
        size = len(data) - len(self._chunks) if self._whole else len(data)
        self._held.add(data[:size])
        return size


def _bodiless(data: bytes | memoryview) -> str:
    """The method, if these bytes are one request without a body, as most are: quicker than in steps."""
    data = bytes(data)
    end = len(data) - 3
    if not 0 < end < MAX_HEAD - 3 or data.find(b"\n\r\n") != end or b"\n\n" in data:
        return ""
    found, small = REQUEST.match(data), data.lower()
    if not found or LENGTHS[0] in small or LENGTHS[1] in small:
        return ""
    return found[1].decode("latin-1")


def needs_end(exchange: Exchange) -> bool:
    """Whether only the connection's end tells a client that it has all of an answer.

    For exchanges of the article's log, which does not say who ended a connection.
    """
    requests, responses = Http("request", 0), Http("response", 0)
    requests.feed(exchange.request)
    methods = requests.take_methods()
    if requests.fault or not methods:
        return False
    responses.expect(methods[0])
    messages = responses.feed(exchange.answer)
    return not messages or messages[-1].closes or bool(responses.fault)


def fields(head: bytes) -> Iterator[tuple[str, str]]:
    """The header fields of a head, read leniently: what has no colon is left out."""
    for line in head.decode("latin-1").split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _version(word: bytes) -> str:
    return "HTTP/1.0" if word == b"HTTP/1.0" else "HTTP/1.1"
