"""What the client knows of a request and its answer: the result's structs, and the answer as it arrives.

No socket and no clock here: ``Hearing`` is fed the bytes that came, reads them as forgivingly as
it can, and names what is wrong with them.
"""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from servers.http_web.compose import Composed
from servers.http_web.explain import field_meaning, method_meaning, status_meaning
from servers.kit.http import Framing, Headers, HttpError, Response, short
from servers.kit.http_fields import parameter, split_list
from servers.kit.http_stream import Data, ResponseReader

KEEP, KEEP_LATER = 64 * 1024, 4 * 1024
"""Bytes of a body that the result keeps: of the first answer, of each further one."""
CHARSET = re.compile(r"(?i)(us-ascii|iso-8859-(1|2|5|7|9|15)|windows-125[0-8]|koi8-r|shift_jis|gbk|big5)\Z")
"""Charsets of text beside UTF-8."""
INTERIM = 20
"""Interim answers (1xx) before the final one, at the most."""
HEX = 4096
"""Bytes of a binary body that the result shows in hex."""


class FieldShown(msgspec.Struct, frozen=True):
    """A header field, explained."""

    name: str
    value: str
    meaning: str


class RequestShown(msgspec.Struct, frozen=True):
    """A request as it left. ``size`` in bytes, body included."""

    start_line: str
    meaning: str
    headers: list[FieldShown]
    size: int
    bytes: Annotated[str, Meta(description="the request as text, CRLF kept; cut if it is long")]


class ResponseShown(msgspec.Struct, frozen=True):
    """An answer as it came. ``status`` is null where it was no HTTP, or HTTP/0.9."""

    version: str
    status: int | None
    reason: str
    meaning: str
    headers: list[FieldShown]
    raw: Annotated[str, Meta(description="the head as it came, CRLF kept; of what is no HTTP, all of it")]
    framing: Annotated[str, Meta(description="how the body's end is known, in words")]
    body_text: str
    body_hex: Annotated[str, Meta(description="of a body that is no text")]
    body_size: int
    body_cut: bool
    faults: list[str]
    interim: list[str]


class Timing(msgspec.Struct, frozen=True):
    """Moments in ms since the exchange began; null: it did not come so far.

    Until the connection was made (with the name's look-up), until all of the request was sent, until
    the answer's first byte came, until its last.
    """

    connect_ms: float
    sent_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None


class Exchange(msgspec.Struct, frozen=True):
    """A request and what came of it. ``error`` is empty when a whole answer came."""

    request: RequestShown
    response: ResponseShown | None
    timing: Timing
    reused: bool
    error: str


class Result(msgspec.Struct, frozen=True):
    """What a run of the client found. ``curl`` is the same request as a command line."""

    curl: str
    exchanges: list[Exchange]


class Sink(Protocol):
    """Where an answer goes as it arrives."""

    def head(self, data: bytes) -> None:
        """A head, or what came instead of one, as it is."""

    def body(self, data: bytes, headers: Headers) -> None:
        """A piece of the body."""


def fields_shown(headers: Headers) -> list[FieldShown]:
    """Header fields with their meanings."""
    return [
        FieldShown(name, value.encode("latin-1").decode("utf-8", "replace"), field_meaning(name, value))
        for name, value in headers
    ]


def request_shown(composed: Composed) -> RequestShown:
    """A request for the result."""
    whole = composed.head + composed.body
    line = re.split(rb"\r?\n", composed.head, maxsplit=1)[0]
    method = line.partition(b" ")[0].decode("latin-1")
    return RequestShown(
        start_line=text_of(line[:4096]),
        meaning=method_meaning(method),
        headers=fields_shown(Headers(composed.fields)),
        size=len(whole),
        bytes=text_of(whole[: KEEP // 2]),
    )


def text_of(data: bytes) -> str:
    """Bytes as text with its line ends; what is no UTF-8 as ``\\xHH``."""
    return data.decode("utf-8", "backslashreplace")


class Hearing:
    """One answer as it is heard. ``over``: nothing more of it is awaited; ``error``: why it is not whole.

    The reader's buffer and ``keep`` bytes of the body are all that is held, however long the body is.
    """

    def __init__(self, composed: Composed, sink: Sink, keep: int = KEEP) -> None:
        self.composed, self.sink, self.keep = composed, sink, keep
        self.over = False
        self.error = ""
        self.interim: list[str] = []
        self.response: Response | None = None
        self.size = 0
        self.came = 0
        self.faults: list[str] = []
        self._reader = ResponseReader(sloppy=True)
        self._reader.expect(composed.method)
        self._raw = b""
        self._body = bytearray()
        self._bare = False
        self._may_be_bare = composed.simple

    @property
    def total(self) -> int | None:
        """The body's length, if the head says it."""
        framing = self.response.framing if self.response else None
        return framing.length if framing and framing.kind == "length" else None

    @property
    def keeps(self) -> bool:
        """Whether the connection can be used again."""
        return bool(self.over and not self.error and self.response and self.response.keep_alive) and not (
            self._reader.buffer
        )

    def feed(self, data: bytes) -> None:
        """Bytes that came; b"" is the connection's end."""
        self.came += len(data)
        if data:
            self._reader.feed(data)
        else:
            self._reader.eof()
        if self._may_be_bare and (not data or len(self._reader.buffer) >= 5):
            self._may_be_bare = False
            self._bare = bool(self._reader.buffer) and not self._reader.buffer.lstrip().startswith(b"HTTP/")
        if self._bare:
            self._take(bytes(self._reader.buffer))
            self._reader.buffer.clear()
            self.over = not data
        elif not self._may_be_bare:
            self._read()

    def silence(self, seconds: float) -> str:
        """Why nothing came for so long, as far as one can tell."""
        if self.response and self.response.framing.kind == "close":
            return (
                f"No byte for {seconds:g} s, and the connection is still open. The answer has neither "
                "Content-Length nor chunks, so only its close would end the body: does the server close it?"
            )
        if self.came:
            return f"No byte for {seconds:g} s in the middle of the answer."
        return (
            f"No answer within {seconds:g} s. Is the server busy with another client? "
            "Does the request end in an empty line?"
        )

    def fail(self, why: str) -> None:
        """No more will come, for this reason."""
        self.over, self.error = True, why
        if self.response is None and not self._bare:
            self._raw = bytes(self._reader.buffer[: self.keep])
            if self._raw:
                self.sink.head(bytes(self._reader.buffer))
                self.error = self._no_answer(why)

    def _read(self) -> None:
        while not self.over:
            waiting = bytes(self._reader.buffer) if self.response is None else b""
            try:
                found = self._reader.next()
            except HttpError as error:
                if self.response is None:
                    self._reader.buffer[:] = waiting
                self.fail(error.message)
                return
            if found is None:
                return
            if isinstance(found, Response):
                self._head(found, waiting[: max(0, len(waiting) - len(self._reader.buffer))])
            elif isinstance(found, Data):
                self._take(found.data)
            else:
                self._end()

    def _head(self, response: Response, raw: bytes) -> None:
        self.sink.head(raw)
        self.faults += response.faults
        if response.status < 200:
            self.interim.append(f"{response.status} {response.reason}: {status_meaning(response.status)}")
            if len(self.interim) > INTERIM:
                self.fail(f"More than {INTERIM} interim answers came, and no final one.")
            return
        self.response, self._raw = response, raw
        if not re.search(rb"\n\r?\n\Z", raw):
            self.faults.append("No empty line ends the head: the connection's end cut it off.")
        if (
            response.version == "HTTP/1.1"
            and response.framing.kind == "close"
            and response.keep_alive is False
        ):
            pass

    def _take(self, data: bytes) -> None:
        if not data:
            return
        self.size += len(data)
        self._body += data[: max(0, self.keep - len(self._body))]
        self.sink.body(data, self._headers())

    def _end(self) -> None:
        self.over = True
        if self.size and "content-type" not in self._headers():
            self.faults.append("The body has no Content-Type: a browser has to guess what it is.")
        if rest := len(self._reader.buffer):
            self.faults.append(
                f"{rest} more bytes came after the answer's end: is its Content-Length too small?"
            )

    def _headers(self) -> Headers:
        return self.response.headers if self.response else Headers()

    def _no_answer(self, why: str) -> str:
        start = self._raw.lstrip(b" \t")
        if start.startswith(b"HTTP/"[: len(start)]):
            return why
        line = text_of(re.split(rb"\r?\n", self._raw, maxsplit=1)[0])
        return f"This is no HTTP: an answer begins with HTTP/1.1 and a status, this one with «{short(line)}»."

    def shown(self) -> ResponseShown | None:
        """The answer for the result; None if nothing came."""
        if not self.came:
            return None
        response, headers = self.response, self._headers()
        text = is_text(headers, bytes(self._body))
        body = bytes(self._body) if text else bytes(self._body[:HEX])
        return ResponseShown(
            version=response.version if response else "HTTP/0.9" if self._bare else "",
            status=response.status if response else None,
            reason=response.reason if response else "",
            meaning=self._meaning(),
            headers=fields_shown(headers),
            raw=text_of(self._raw),
            framing=framing_words(response.framing, self.composed.method) if response else "",
            body_text=decoded(headers, body) if text else "",
            body_hex="" if text else body.hex(),
            body_size=self.size,
            body_cut=self.size > len(body),
            faults=list(self.faults),
            interim=self.interim,
        )

    def _meaning(self) -> str:
        if self.response:
            return status_meaning(self.response.status)
        return "A body without a head: an answer of HTTP/0.9, of 1991." if self._bare else ""


def framing_words(framing: Framing, method: str) -> str:
    """How the end of the body is known, in words."""
    if framing.kind == "none":
        return "The answer to HEAD has no body." if method == "HEAD" else "This status has no body."
    if framing.kind == "length":
        return f"Content-Length says where the body ends: after {framing.length} bytes."
    if framing.kind == "chunked":
        return "The body comes in chunks; one of size 0 is the last."
    return "The body ends when the server closes the connection."


def content_type(headers: Headers) -> tuple[str, str]:
    """The media type in lower case, and the charset ("" if none is named)."""
    kind, *more = [*split_list(headers.get("content-type"), ";")] or [""]
    named = dict(parameter(word) for word in more)
    return kind.lower(), named.get("charset") or ""


def is_text(headers: Headers, data: bytes) -> bool:
    """Whether a body can be shown as text: by its type, and by its first bytes."""
    kind, _ = content_type(headers)
    if "content-encoding" in headers or kind.startswith(("image/", "audio/", "video/", "font/")):
        return kind == "image/svg+xml" and "content-encoding" not in headers
    if b"\0" in data:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return kind.startswith("text/")
    return True


def decoder_of(headers: Headers) -> codecs.IncrementalDecoder:
    """A decoder for the body's charset; UTF-8 where none is named or it is not known."""
    charset = content_type(headers)[1]
    return codecs.getincrementaldecoder(charset if CHARSET.match(charset) else "utf-8")("replace")


def decoded(headers: Headers, data: bytes) -> str:
    """A body's first bytes as text; half a character at the end is left out."""
    return decoder_of(headers).decode(data)
