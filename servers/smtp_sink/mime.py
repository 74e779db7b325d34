"""Messages taken apart (RFC 5322, 2045 to 2047, 2183, 2231): bytes in, parts out.

Whatever is in them gives an answer. It is no judge of mail: what is broken is read as well as can
be, and there is a bound to everything, parts, depth, header fields and lengths. For reading a
mailbox only; the server stores what comes.
"""

from __future__ import annotations

import base64
import codecs
import quopri
import re
import unicodedata
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header
from email.message import Message

import msgspec

MAX_PARTS = 500
MAX_DEPTH = 12
MAX_FIELDS = 1000
MAX_HEADER = 256 * 1024
"""Bytes of a header at the most; the rest is taken for the body."""
MAX_VALUE = 8192
"""Characters of a header field's value that are read."""

UNSAFE = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
"""Codecs that are no character sets of mail; some of them take hours over a megabyte."""
NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
MEDIA = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
FIELD = re.compile(r"([!-9;-~]{1,200})[ \t]*:(.*)\Z", re.DOTALL)


class Part(msgspec.Struct, frozen=True):
    """A leaf of the tree of parts: its media type, and where its body is in the message's bytes."""

    media: str
    charset: str
    encoding: str
    name: str
    cid: str
    attached: bool
    start: int
    end: int


def header(data: bytes, start: int = 0, end: int | None = None) -> tuple[list[tuple[str, str]], int]:
    """The fields at ``start``, unfolded, and where the body begins: also at a line that is none."""
    end = len(data) if end is None else end
    stop = min(end, start + MAX_HEADER)
    fields: list[tuple[str, list[str]]] = []
    at = start
    while at < stop and len(fields) < MAX_FIELDS:
        cut = data.find(b"\n", at, stop)
        after = cut + 1 if cut >= 0 else stop
        line = data[at:after].rstrip(b"\r\n")
        if not line:
            return _joined(fields), after
        if line[:1] in b" \t" and fields:
            fields[-1][1].append(to_text(line))
        else:
            match = FIELD.match(to_text(line))
            if match is None:
                break
            fields.append((match[1], [match[2]]))
        at = after
    return _joined(fields), at


def _joined(fields: list[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    return [(name, "".join(lines).strip()[:MAX_VALUE]) for name, lines in fields]


def first(fields: list[tuple[str, str]], name: str) -> str:
    """The value of the first field of that name; "" if there is none."""
    return next((value for key, value in fields if key.lower() == name), "")


def leaves(data: bytes) -> list[Part]:
    """The parts that have no parts, in order: the first MAX_PARTS of them."""
    found: list[Part] = []
    fields, start = header(data)
    _walk(data, fields, start, len(data), 0, found)
    return found


def _walk(
    data: bytes, fields: list[tuple[str, str]], start: int, end: int, depth: int, found: list[Part]
) -> None:
    described = _described(fields)
    media = described.get_content_type()
    boundary = parameter(described, "boundary")
    if media.startswith("multipart/") and boundary and depth < MAX_DEPTH:
        for begin, stop in _between(data, start, end, boundary):
            if len(found) >= MAX_PARTS:
                return
            inner, body = header(data, begin, stop)
            _walk(data, inner, body, stop, depth + 1, found)
        return
    found.append(_leaf(described, fields, media, start, end))


def _leaf(described: Message, fields: list[tuple[str, str]], media: str, start: int, end: int) -> Part:
    name = clean_name(parameter(described, "filename", "content-disposition") or parameter(described, "name"))
    disposition = first(fields, "content-disposition").partition(";")[0].strip().lower()
    return Part(
        media=media if MEDIA.fullmatch(media) else "application/octet-stream",
        charset=parameter(described, "charset"),
        encoding=first(fields, "content-transfer-encoding").lower(),
        name=name,
        cid=first(fields, "content-id").strip("<> "),
        attached=disposition == "attachment" or bool(name) or not media.startswith("text/"),
        start=start,
        end=end,
    )  # fmt: skip


def _described(fields: list[tuple[str, str]]) -> Message:
    described: Message = Message()
    for name in ("Content-Type", "Content-Disposition"):
        value = first(fields, name.lower())
        if value:
            described[name] = value.replace("\0", "")[:2000]
    return described


def parameter(described: Message, name: str, field: str = "content-type") -> str:
    """A parameter as text, RFC 2231 and 2047 decoded; "" if there is none."""
    try:
        found = described.get_param(name, "", field)
        if isinstance(found, tuple):
            return to_text(found[2].encode("latin-1", "replace"), found[0] or "utf-8")
        return decoded(str(found or ""))
    except (ValueError, LookupError, TypeError, MessageError):  # what the library raises at odd ones
        return ""


def _between(data: bytes, start: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    """Where the parts between the boundary's lines are (RFC 2046, 5.1.1)."""
    delimiter = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()[:200]) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
    )
    begin = -1
    for match in delimiter.finditer(data, max(0, start - 2), end):
        if begin >= 0:
            yield begin, max(begin, match.start())
        if match[1]:
            return
        line = data.find(b"\n", match.end(), end)
        begin = line + 1 if line >= 0 else end
    if begin >= 0:
        yield begin, end


def body(data: bytes, part: Part, limit: int | None = None) -> bytes:
    """A part's bytes, its transfer encoding undone as far as it can be; of at most ``limit`` encoded ones."""
    raw = data[part.start : part.end if limit is None else min(part.end, part.start + limit)]
    if part.encoding == "base64":
        return unbase64(raw)
    return quopri.decodestring(raw) if part.encoding == "quoted-printable" else raw


def unbase64(raw: bytes) -> bytes:
    """What base64 says, what is no base64 in it left out, as is an end that is cut."""
    kept = raw.translate(None, NO_BASE64)
    if len(kept) % 4 == 1:
        kept = kept[:-1]
    return base64.b64decode(kept + b"=" * (-len(kept) % 4))


def to_text(raw: bytes, charset: str = "") -> str:
    """Bytes as text, in the character set that is named, else in UTF-8, else in Latin 1."""
    try:
        codec = codecs.lookup(charset).name.replace("_", "-") if charset else "utf-8"
        if codec not in UNSAFE:
            return raw.decode(codec, "replace" if charset else "strict")
    except (LookupError, ValueError):  # UnicodeError is a ValueError
        pass
    return raw.decode("latin-1")


def decoded(value: str) -> str:
    """A header field's value with its encoded words (RFC 2047) read, on one line."""
    if "=?" in value:
        try:
            parts = decode_header(value[:2000])
            value = "".join(
                part if isinstance(part, str) else to_text(part, charset or "") for part, charset in parts
            )
        except (ValueError, MessageError):
            pass
    return one_line(value)


def one_line(text: str) -> str:
    """Text without controls and without what turns the direction of writing; white space as one blank."""
    line = " ".join(text.split())
    if line.isprintable():  # most are, and asking that is a hundred times faster than looking at each letter
        return line
    return " ".join("".join(letter for letter in line if unicodedata.category(letter)[0] != "C").split())


def clean_name(name: str) -> str:
    """A file's name without folders and without characters that mislead; "" if nothing is left."""
    last = re.split(r"[/\\]", one_line(name))[-1]
    return re.sub(r'[<>:"|?*]', "_", last).strip(". ")[-120:]
