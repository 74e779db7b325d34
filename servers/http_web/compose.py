"""A request before it is sent: from what the form or the flags say to bytes. No socket here.

``settings.py`` checks with these functions what a person wrote, ``client.py`` sends what they make.
"""

from __future__ import annotations

import re
import shlex
from typing import Any
from urllib.parse import quote

import msgspec

from servers.kit.errors import SettingError
from servers.kit.http import TOKEN, VALUE, short, write_request
from servers.kit.http_stream import write_chunk, write_last_chunk

AGENT = "SocketLab-client"
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH", "TRACE", "CONNECT")
"""The words that say how the answer to bytes written by hand ends."""
WITH_BODY = ("PUT", "POST", "PATCH")
"""Methods that say the length of their body even if it is empty (RFC 9110, 8.6)."""
EXPECT_FROM = 1024
"""From so many bytes of a body on, curl asks with Expect: 100-continue (older ones)."""

_KEPT_IN_TARGET = "!$%&'()*+,/:;=?@[]~-._"
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[nrt0\\])|(\\.?)|(\r\n|\r|\n)|([^\\\r\n]+)", re.S)
_SIMPLE = re.compile(rb"GET [^ \r\n]+[ \t]*\r?\n(\r?\n)?\Z")
_BYTES = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", "\\": b"\\"}

Pairs = list[tuple[str, str]]


class Composed(msgspec.Struct, frozen=True):
    """A request's bytes.

    ``method`` says how the answer ends. ``asks``: the body waits for a 100. ``simple``: it is
    HTTP/0.9, and the answer may be a body alone.
    """

    method: str
    head: bytes
    body: bytes = b""
    fields: Pairs = []
    asks: bool = False
    simple: bool = False


def unescape(text: str) -> bytes:
    r"""Bytes written by hand: a line break is CRLF; ``\n \r \t \0 \xHH \\`` are bytes; the rest is UTF-8."""
    found = []
    for match in _ESCAPE.finditer(text):
        escape, wrong, line_break, plain = match.groups()
        if wrong:
            raise SettingError(
                f"«{short(wrong)}» is no escape.",
                field="raw",
                hint=r"There are \n, \r, \t, \0, \xHH; a backslash itself is \\.",
            )
        if escape:
            found.append(bytes.fromhex(escape[1:]) if escape[0] == "x" else _BYTES[escape])
        else:
            found.append(b"\r\n" if line_break else _encode(plain, "raw"))
    return b"".join(found)


def _encode(text: str, field: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise SettingError("There is half a character in the text.", field=field) from None


def target_of(filename: str, method: str = "GET") -> str:
    """The request's target: ``a b.html`` is ``/a%20b.html``; ``*`` and ``http://…`` stay as they are.

    A ``%`` stays, so that one may write ``%2e%2e``.
    """
    if filename == "*" and method == "OPTIONS":
        return filename
    whole = re.match(r"https?://", filename, re.I)
    if not whole and not filename.startswith("/"):
        filename = "/" + filename
    return quote(_encode(filename, "path"), safe=_KEPT_IN_TARGET)


def header_lines(text: str) -> Pairs:
    """The header fields that a person wrote, one a line. Raises SettingError (field ``headers``)."""
    pairs = []
    for line in re.split(r"\r\n|\r|\n", text):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        value = _encode(value.strip(" \t"), "headers").decode("latin-1")
        if not colon or not TOKEN.match(name) or not VALUE.match(value):
            raise SettingError(
                f"«{short(line)}» is no header field.",
                field="headers",
                hint="Write Name: value, one a line. For what is wrong on purpose, take the bytes by hand.",
            )
        pairs.append((name, value))
    return pairs


def check_method(method: str) -> None:
    """Raises SettingError unless it can be a method."""
    if not TOKEN.match(method):
        raise SettingError(
            f"«{short(method)}» cannot be a method.", field="method",
            hint="A method is a word of letters, such as GET.",
        )  # fmt: skip


def host_field(host: str, port: int) -> str:
    """What Host says: without the port, if that is HTTP's own."""
    name = f"[{host.partition('%')[0]}]" if ":" in host else host.encode("idna").decode()
    return name if port == 80 else f"{name}:{port}"


def compose(host: str, port: int, request: Any, last: bool = True) -> Composed:
    """The bytes for one request. ``last``: no other follows on the connection, and it says so."""
    if request.raw:
        return by_hand(unescape(request.raw))
    body = _encode(request.body, "body")
    given = header_lines(request.headers)
    ours = [("Host", host_field(host, port)), ("User-Agent", AGENT), ("Accept", "*/*")]
    if body or request.method in WITH_BODY:
        ours.append(("Content-Length", str(len(body))))
    if last:
        ours.append(("Connection", "close"))
    elif request.version == "HTTP/1.0":
        ours.append(("Connection", "keep-alive"))
    names = {name.lower() for name, _ in given}
    if "transfer-encoding" in names:
        names.add("content-length")
        body = write_chunk(body) + write_last_chunk()
    fields = [pair for pair in ours if pair[0].lower() not in names] + given
    head = write_request(request.method, target_of(request.path, request.method), fields, request.version)
    asks = any(name.lower() == "expect" and value.lower() == "100-continue" for name, value in given)
    return Composed(request.method, head, body, fields, asks and bool(body))


def by_hand(data: bytes) -> Composed:
    """Bytes that go out as they are. Their first word, if it is a method, says how the answer ends."""
    word = data.lstrip(b"\r\n").partition(b" ")[0].decode("latin-1")
    return Composed(word if word in METHODS else "GET", data, simple=bool(_SIMPLE.match(data)))


def curl_line(host: str, port: int, request: Any) -> str:
    """The same request as a command line of curl; "" for bytes by hand."""
    if request.raw:
        return ""
    target, given = target_of(request.path, request.method), header_lines(request.headers)
    names = {name.lower() for name, _ in given}
    sends = bool(request.body) or request.method in WITH_BODY
    origin = "http://" + host_field(host, port)
    words = ["curl", "-i"]
    words += ["--http1.0"] if request.version == "HTTP/1.0" else []
    if request.method == "HEAD" and not sends:
        words.append("--head")
    elif request.method != "GET" or sends:
        words += ["-X", request.method]
    for name, value in given:
        text = value.encode("latin-1").decode()
        words += ["-H", f"{name}: {text}" if text else f"{name};"]  # so curl sends one that is empty
    if sends:
        words += ["--data-raw", request.body]
        words += [] if "content-type" in names else ["-H", "Content-Type:"]
        long = len(request.body.encode()) > EXPECT_FROM and "expect" not in names
        words += ["-H", "Expect:"] if long else []
    if not target.startswith("/"):
        words += ["--request-target", target, origin + "/"]
    else:
        words += ["--path-as-is"] if re.search(r"/\.{1,2}(/|\?|\Z)", target) else []
        words += ["-g"] if re.search(r"[\[\]{}]", target) else []
        words.append(origin + target)
    return shlex.join(words)
