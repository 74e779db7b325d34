"""HTTP/1.1 messages, without a socket: bytes in, requests and responses out.

RFC 9112 is the measure. Here are the heads, read and written, and how
a body's end is known. What is not framed beyond doubt is an HttpError: the message is
refused and the connection ends, so that no two programs read the same bytes in two ways
(request smuggling, RFC 9112, 11.2).

``http_stream.py`` reads whole messages off a stream; ``http_fields.py`` knows what the header
fields mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

import msgspec

from servers.kit.errors import ProtocolError

MAX_LINE = 8000
"""Bytes of a request line at the most: RFC 9112, 3 recommends to take 8,000."""
MAX_HEAD = 32 * 1024
"""Bytes of a whole head at the most, and of a trailer section."""
MAX_FIELDS = 100
"""Header fields at the most."""
KEPT = 4096
"""Bytes of a head at the most that is remembered, with what was read from it."""
MAX_METHOD = 24
"""Letters of a method at the most; the longest registered one has 17."""
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
"""RFC 9110, 5.6.2."""
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")
"""What may stand in a field's value: visible, blank or obsolete; no control character (RFC 9110, 5.5)."""
TARGET = re.compile(r"[\x21-\x7e\x80-\xff]+\Z")
"""A request's target. Bytes above 7e are no URI (RFC 3986), but browsers and students send them."""
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]{0,5})?\Z")
"""RFC 3986, 3.2.2: a Host field's value may be empty."""
REASONS = {
    100: "Continue", 101: "Switching Protocols", 103: "Early Hints", 200: "OK", 201: "Created",
    202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content", 205: "Reset Content",
    206: "Partial Content", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Found",
    303: "See Other", 304: "Not Modified", 305: "Use Proxy", 307: "Temporary Redirect",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
    411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large", 414: "URI Too Long",
    415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
    418: "I'm a teapot", 421: "Misdirected Request", 422: "Unprocessable Content", 425: "Too Early",
    426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 505: "HTTP Version Not Supported", 507: "Insufficient Storage",
    508: "Loop Detected",
}  # fmt: skip
"""The registered reason phrases (RFC 9110, 15, and the IANA registry)."""

Version = Literal["HTTP/0.9", "HTTP/1.0", "HTTP/1.1"]


class HttpError(ProtocolError):
    """A message that is refused: ``status`` for the peer that sent a request, and why, in words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Headers:
    """Header fields in the order they came. Names match in any letter case."""

    __slots__ = ("_index", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)
        self._index: dict[str, list[str]] = {}
        for name, value in self.pairs:
            self._index.setdefault(name.lower(), []).append(value)

    def get(self, name: str, default: str = "") -> str:
        """The field's value; several lines of it are joined by commas (RFC 9110, 5.3)."""
        values = self._index.get(name.lower())
        return default if values is None else values[0] if len(values) == 1 else ", ".join(values)

    def all(self, name: str) -> list[str]:
        """The value of each line with that name."""
        return list(self._index.get(name.lower(), ()))

    def tokens(self, name: str) -> list[str]:
        """The comma-separated words of a field, in lower case: of Connection, say."""
        return [word.strip(" \t").lower() for word in self.get(name).split(",") if word.strip(" \t")]

    def without(self, names: Iterable[str]) -> Headers:
        """The fields that do not have one of these names (in lower case)."""
        drop = set(names)
        return Headers(pair for pair in self.pairs if pair[0].lower() not in drop)

    def with_(self, *pairs: tuple[str, str]) -> Headers:
        """These fields, set anew at the end."""
        return Headers([*self.without(name.lower() for name, _ in pairs), *pairs])

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._index

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"


class Framing(msgspec.Struct, frozen=True):
    """How a message's body ends: after ``length`` bytes, with the last chunk, or with the connection."""

    kind: Literal["none", "length", "chunked", "close"]
    length: int = 0


NO_BODY = Framing("none")
CHUNKED = Framing("chunked")
UNTIL_CLOSE = Framing("close")


class Request(msgspec.Struct, frozen=True, eq=False):
    """A request's head. ``raw`` are its bytes, with the empty line."""

    method: str
    target: str
    version: Version
    headers: Headers
    framing: Framing
    raw: bytes = b""

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open after it (RFC 9112, 9.3)."""
        return _keeps(self.version, self.headers)


class Response(msgspec.Struct, frozen=True, eq=False):
    """A response's head. ``faults`` says in words what a careful server would not have sent."""

    version: Version
    status: int
    reason: str
    headers: Headers
    framing: Framing
    raw: bytes = b""
    faults: tuple[str, ...] = ()

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open after it: its length must be known, too."""
        return self.framing.kind != "close" and _keeps(self.version, self.headers)


def _keeps(version: str, headers: Headers) -> bool:
    if "connection" not in headers:
        return version == "HTTP/1.1"
    options = headers.tokens("connection")
    return "close" not in options and (version == "HTTP/1.1" or "keep-alive" in options)


# -- heads


def find_head(buffer: bytes | bytearray, strict: bool = True, start: int = 0) -> int:
    """Where the head at the buffer's start ends, empty line included; 0 if it is not whole yet.

    Line ends are CRLF, or LF in all of a head (RFC 9112, 2.2, lets a server take that; sheets'
    programs send it). ``strict`` refuses a head that mixes them. The first ``start`` bytes were
    looked at before, so that a head that drips in costs no more than one that comes at once.
    """
    if not strict:
        marks = ((mark, buffer.find(mark, max(0, start - 2))) for mark in (b"\n\n", b"\n\r\n"))
        return min((at + len(mark) for mark, at in marks if at >= 0), default=0)
    first = buffer.find(b"\n")
    if first < 0:
        return 0
    crlf = first > 0 and buffer[first - 1] == 13
    mark = b"\r\n\r\n" if crlf else b"\n\n"
    found = buffer.find(mark, max(0, start - len(mark) + 1))
    end = found + len(mark) if found >= 0 else 0
    stop = end or len(buffer)
    pairs = buffer.count(b"\r\n", max(0, start - 1), stop)
    if pairs != (buffer.count(b"\n", start, stop) if crlf else 0):
        raise HttpError(400, "Some lines of the head end in CRLF, some in LF alone.")
    return end


def split_lines(head: bytes) -> list[str]:
    """The lines of a head, without their ends and without the empty one."""
    text = head.decode("latin-1")
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    lines = text.split(end)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != text.count("\r\n"):
        raise HttpError(400, "A CR or an LF stands alone: only CRLF ends a line.")
    return lines[:-2]


def parse_fields(lines: Iterable[str]) -> Headers:
    """Header fields, strictly (RFC 9112, 5.1). Raises HttpError."""
    pairs = []
    for line in lines:
        if line[:1] in (" ", "\t"):
            raise HttpError(400, "A header line begins with a blank: folded lines are obsolete.")
        name, colon, value = line.partition(":")
        if not colon:
            raise HttpError(400, f"The header line «{short(line)}» has no colon.")
        if not TOKEN.match(name):
            blank = name != name.strip(" \t")
            raise HttpError(
                400,
                f"A blank stands between the name «{short(name.strip())}» and its colon." if blank
                else f"«{short(name)}» is no name for a header field.",
            )  # fmt: skip
        value = value.strip(" \t")
        if not VALUE.match(value):
            raise HttpError(400, f"The value of {name} has a control character.")
        pairs.append((name, value))
        if len(pairs) > MAX_FIELDS:
            raise HttpError(431, f"There are more than {MAX_FIELDS} header fields.")
    return Headers(pairs)


def parse_request(head: bytes) -> Request:
    """A request's head, its bytes whole. Raises HttpError with the status to answer.

    The same bytes give the same object, where they are short enough to be kept.
    """
    return _parse_kept(head) if len(head) <= KEPT else _parse(head)


def _parse(head: bytes) -> Request:
    lines = split_lines(head)
    line = lines[0] if lines else ""
    words = line.split(" ")
    method = words[0]
    if len(method) > MAX_METHOD and TOKEN.match(method):
        raise HttpError(501, "No method has so long a name.")
    if not TOKEN.match(method):
        raise HttpError(400, f"«{short(method)}» is no method.")
    if len(line) > MAX_LINE:
        raise HttpError(414, f"The request line is longer than {MAX_LINE} bytes.")
    if len(words) == 2 and method == "GET" and words[1].startswith("/") and TARGET.match(words[1]):
        return Request(method, words[1], "HTTP/0.9", Headers(), NO_BODY, head[: head.find(b"\n") + 1])
    if len(words) != 3:
        raise HttpError(400, f"The request line «{short(line)}» is not METHOD TARGET VERSION.")
    version = _version(words[2])
    if not TARGET.match(words[1]):
        raise HttpError(400, "The target is empty, or has a character that a URI cannot have.")
    headers = parse_fields(lines[1:])
    hosts = headers.all("host")
    if len(hosts) > 1:
        raise HttpError(400, "There is more than one Host field.")
    if not hosts and version == "HTTP/1.1":
        raise HttpError(400, "An HTTP/1.1 request needs a Host field.")
    if hosts and not HOST.match(hosts[0]):
        raise HttpError(400, f"«{short(hosts[0])}» is no host.")
    return Request(method, words[1], version, headers, request_framing(version, headers), head)


_parse_kept = lru_cache(maxsize=512)(_parse)


def _version(word: str) -> Version:
    if word == "HTTP/1.1" or word == "HTTP/1.0":
        return word  # type: ignore[return-value]
    if not re.fullmatch(r"HTTP/[0-9]\.[0-9]", word):
        raise HttpError(400, f"«{short(word)}» is no HTTP version.")
    if word.startswith("HTTP/1."):
        return "HTTP/1.1"  # RFC 9110, 2.5: what we know of the same major version
    raise HttpError(505, f"This is an HTTP/1.1 server; {word} is another protocol.")


def request_framing(version: str, headers: Headers) -> Framing:
    """How the body of a request ends (RFC 9112, 6.3). Raises HttpError where that is in doubt."""
    if "transfer-encoding" in headers:
        codings = headers.tokens("transfer-encoding")
        if version != "HTTP/1.1":
            raise HttpError(400, "Transfer-Encoding came with HTTP/1.0, which does not know it.")
        if "content-length" in headers:
            raise HttpError(400, "Content-Length and Transfer-Encoding contradict each other.")
        if codings.count("chunked") > 1 or ("chunked" in codings and codings[-1] != "chunked"):
            raise HttpError(400, "chunked must come last, and once.")
        if codings != ["chunked"]:
            what = short(headers.get("transfer-encoding"))
            raise HttpError(
                501 if codings[-1:] == ["chunked"] else 400,
                f"The transfer coding «{what}» is not known here.",
            )
        return CHUNKED
    if "content-length" not in headers:
        return NO_BODY
    length = content_length(headers)
    return Framing("length", length) if length else NO_BODY


def content_length(headers: Headers) -> int:
    """The number in Content-Length; HttpError unless there is just one (it may be repeated)."""
    words = {word.strip(" \t") for line in headers.all("content-length") for word in line.split(",")}
    if len(words) > 1:
        raise HttpError(400, "There are two different Content-Length values.")
    word = words.pop() if words else ""
    if not word.isascii() or not word.isdigit() or len(word) > 18:
        raise HttpError(400, f"The Content-Length «{short(word)}» is no length.")
    return int(word)


def response_framing(status: int, version: str, headers: Headers, method: str) -> Framing:
    """How the body of the response to a ``method`` request ends (RFC 9112, 6.3)."""
    if method == "HEAD" or status < 200 or status in (204, 304):
        return NO_BODY
    if method == "CONNECT" and 200 <= status < 300:
        return NO_BODY
    if "transfer-encoding" in headers:
        if "content-length" in headers:
            raise HttpError(502, "Content-Length and Transfer-Encoding contradict each other.")
        codings = headers.tokens("transfer-encoding")
        if version != "HTTP/1.1" or codings != ["chunked"]:
            what = short(headers.get("transfer-encoding"))
            raise HttpError(502, f"The transfer coding «{what}» is not known here.")
        return CHUNKED
    if "content-length" in headers:
        try:
            return Framing("length", content_length(headers))
        except HttpError as error:
            raise HttpError(502, error.message) from None
    return UNTIL_CLOSE


def parse_response(head: bytes, method: str = "GET", sloppy: bool = False) -> Response:
    """A response's head. ``sloppy`` reads what servers written in a first lesson send, and names the faults.

    Raises HttpError (502) for what cannot be read.
    """
    faults: list[str] = []
    if sloppy:
        head, faults = _mend(head)
    try:
        lines = split_lines(head)
        found = re.fullmatch(
            r"(HTTP/[0-9]\.[0-9]) ([1-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?", lines[0] if lines else ""
        )
        if not found:
            raise HttpError(502, f"«{short(lines[0] if lines else '')}» is no status line.")
        if found[1][5] != "1":
            raise HttpError(502, f"It says {found[1]}, which is another protocol than HTTP/1.1.")
        version = _version(found[1])
        if found[3] is None:
            faults.append("The status line has no blank after the status.")
        headers = parse_fields(lines[1:])
    except HttpError as error:
        raise HttpError(502, error.message) from None
    status = int(found[2])
    framing = response_framing(status, version, headers, method)
    return Response(version, status, found[3] or "", headers, framing, head, tuple(faults))


def _mend(head: bytes) -> tuple[bytes, list[str]]:
    """A sloppy head made readable, and what was wrong with it."""
    faults = []
    if head[:1] in (b" ", b"\t"):
        faults.append("The status line begins with a blank.")
        head = head.lstrip(b" \t")
    ends = head.count(b"\n")
    if ends != head.count(b"\r\n"):
        faults.append("Lines end in LF, not in CRLF.")
        head = head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return head, faults


def short(text: str, limit: int = 40) -> str:
    """Text from a wire, for a message: cut, and without control characters."""
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[: limit + 1])
    return text if len(text) <= limit else text[:limit] + "…"


# -- writing


def write_request(
    method: str, target: str, headers: Iterable[tuple[str, str]], version: str = "HTTP/1.1"
) -> bytes:
    """A request's head. ValueError for what would not be read as it was meant."""
    if not TOKEN.match(method) or not TARGET.match(target):
        raise ValueError(f"{method!r} {target!r} cannot be sent")
    return f"{method} {target} {version}\r\n".encode("latin-1") + write_fields(headers)


def write_response(
    status: int, headers: Iterable[tuple[str, str]], version: str = "HTTP/1.1", reason: str | None = None
) -> bytes:
    """A response's head. ValueError for what would not be read as it was meant."""
    words = REASONS.get(status, "") if reason is None else reason
    if not VALUE.match(words):
        raise ValueError(f"{words!r} is no reason phrase")
    return f"{version} {status} {words}\r\n".encode("latin-1") + write_fields(headers)


def write_fields(headers: Iterable[tuple[str, str]]) -> bytes:
    """Header lines and the empty line after them."""
    lines = []
    for name, value in headers:
        if not TOKEN.match(name) or not VALUE.match(value):
            raise ValueError(f"{name!r}: {value!r} is no header field")
        lines.append(f"{name}: {value}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1")
