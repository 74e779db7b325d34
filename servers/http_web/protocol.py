"""What a static web server answers, without a file or a socket: RFC 9110's rules for GET, HEAD and OPTIONS.

The messages themselves are read and written in ``servers/kit/http.py``; here is what a
target names, which methods are allowed, and which status, fields and parts of a file are
the answer.
"""

from __future__ import annotations

import html
import mimetypes
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import msgspec

from servers.http_web.answer import Answer, Fields, FilePart, Piece
from servers.kit.http import REASONS, HttpError, Request, write_response
from servers.kit.http_fields import Validators, precondition, read_ranges, write_date
from servers.kit.http_stream import write_chunk, write_last_chunk

SERVER = "SocketLab"
READING = ("GET", "HEAD", "OPTIONS")
WRITING = (*READING, "PUT")
KNOWN = frozenset((*WRITING, "POST", "DELETE", "PATCH", "TRACE", "CONNECT"))
"""Methods that exist. Another word is 501, one of these where it is not allowed 405 (RFC 9110, 9.1)."""

TYPES = {
    ".css": "text/css", ".csv": "text/csv", ".gif": "image/gif", ".html": "text/html", ".htm": "text/html",
    ".ico": "image/x-icon", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript",
    ".json": "application/json", ".md": "text/markdown", ".mjs": "text/javascript", ".mp3": "audio/mpeg",
    ".mp4": "video/mp4", ".pdf": "application/pdf", ".png": "image/png", ".py": "text/x-python",
    ".svg": "image/svg+xml", ".txt": "text/plain", ".wasm": "application/wasm", ".webp": "image/webp",
    ".xml": "application/xml", ".zip": "application/zip",
}  # fmt: skip
"""Media types that do not depend on the machine; others are the machine's to know."""


class Found(msgspec.Struct, frozen=True):
    """A file that is there: open as ``file``, with what its validators are made of."""

    file: int
    name: str
    size: int
    modified_ns: int
    inode: int

    @property
    def etag(self) -> str:
        """A strong entity tag: it changes with every change of the file (RFC 9110, 8.8.3)."""
        return f'"{self.inode:x}-{self.size:x}-{self.modified_ns:x}"'


# -- what is asked for


def target_of(request: Request) -> tuple[str, str]:
    """The target's path, percent-decoded, and its query. ``*`` stays ``*``. Raises HttpError.

    The four forms are in RFC 9112, 3.2: origin, absolute (sent to proxies, and to be taken by
    every server), authority (CONNECT alone), and asterisk (OPTIONS alone).
    """
    target = request.target
    if request.method == "CONNECT":
        return target, ""  # it is for proxies, and not allowed here
    if target == "*":
        if request.method != "OPTIONS":
            raise HttpError(400, "The target * is for OPTIONS alone.")
        return "*", ""
    if "#" in target:
        raise HttpError(400, "A target has no fragment (#): that part stays in the browser.")
    if not target.startswith("/"):
        target = _absolute(target)
    path, _, query = target.partition("?")
    return decode_path(path), query


def _absolute(target: str) -> str:
    if not re.match(r"https?://", target, re.IGNORECASE):
        raise HttpError(400, "The target must begin with a slash, or be a whole http:// address.")
    try:
        parts = urlsplit(target)
    except ValueError:
        raise HttpError(400, "The target is no address.") from None
    if not parts.netloc or "@" in parts.netloc:
        raise HttpError(400, "The target is an address without a host, or with a password.")
    return (parts.path or "/") + ("?" + parts.query if parts.query else "")


def decode_path(path: str) -> str:
    """``/gr%C3%BC%C3%9Fe`` as text. HttpError 400 for what is no percent-encoded UTF-8, or has controls.

    A slash that was encoded would be a name's letter, which no file has: 404.
    """
    if re.search(r"%(?![0-9A-Fa-f]{2})", path):
        raise HttpError(400, "A % is not followed by two hexadecimal digits.")
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), path.encode("latin-1"))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise HttpError(400, "The path is not UTF-8.") from None
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise HttpError(400, "The path has a control character.")
    if re.search("%2f", path, re.IGNORECASE):
        segments(text)  # whoever wants to get out that way is told so
        raise HttpError(404, "No file has a slash in its name, and an encoded one is no separator.")
    return text


def segments(path: str) -> list[str]:
    """The names along a decoded path; HttpError 403 where one could lead out of the folder."""
    names = path.split("/")[1:]
    if any(name in (".", "..") or "\\" in name or ":" in name[1:2] for name in names):
        raise HttpError(403, "The path leads out of the folder, or could on another system.")
    if "" in names[:-1]:
        raise HttpError(404, "There are two slashes in a row.")
    return names


def media_type(name: str) -> str:
    """The Content-Type of a file by its name."""
    ending = re.search(r"\.[^./]*\Z", name.lower())
    kind = (
        TYPES.get(ending[0] if ending else "") or mimetypes.guess_type(name)[0] or "application/octet-stream"
    )
    plain = kind.startswith("text/") or kind in ("application/json", "image/svg+xml", "application/xml")
    return f"{kind}; charset=utf-8" if plain else kind


# -- what is answered


def file_answer(request: Request, found: Found, now: float) -> Answer:
    """The answer to GET or HEAD for a file: 200, 206, 304, 412 or 416."""
    modified = max(0, min(found.modified_ns // 10**9, int(now)))  # never after Date: RFC 9110, 8.8.2.1
    current = Validators(found.etag, modified)
    fields: Fields = [
        ("Last-Modified", write_date(modified)),
        ("ETag", found.etag),
        ("Accept-Ranges", "bytes"),
    ]
    status = precondition(request.method, request.headers, current, now)
    if status == 304:
        return Answer(304, [("ETag", found.etag)])  # no more than finds the copy: RFC 9110, 15.4.5
    if status:
        return refusal(HttpError(status, "The file is not as the request wants it."))
    kind = media_type(found.name)
    if request.method == "GET" and "range" in request.headers:
        parts = read_ranges(request.headers, found.size, current, now)
        if parts == []:
            answer = refusal(HttpError(416, f"The file has only {found.size} bytes."))
            answer.fields.append(("Content-Range", f"bytes */{found.size}"))
            return answer
        if parts and len(parts) == 1:
            begin, end = parts[0]
            fields.append(("Content-Range", f"bytes {begin}-{end - 1}/{found.size}"))
            body = (FilePart(found.file, begin, end - begin),)
            return Answer(206, [("Content-Type", kind), *fields], body, end - begin)
        if parts:
            return _several(fields, found, kind, parts)
    body = (FilePart(found.file, 0, found.size),)
    return Answer(200, [("Content-Type", kind), *fields], body if found.size else (), found.size)


def _several(fields: Fields, found: Found, kind: str, parts: list[tuple[int, int]]) -> Answer:
    """Several ranges as multipart/byteranges (RFC 9110, 14.6)."""
    boundary = f"part-{found.inode:x}-{found.modified_ns:x}"  # what the file's own bytes cannot know
    body: list[Piece] = []
    size = 0
    for begin, end in parts:
        head = (
            f"--{boundary}\r\nContent-Type: {kind}\r\n"
            f"Content-Range: bytes {begin}-{end - 1}/{found.size}\r\n\r\n"
        ).encode()
        body += [head, FilePart(found.file, begin, end - begin), b"\r\n"]
        size += len(head) + end - begin + 2
    last = f"--{boundary}--\r\n".encode()
    kind = f"multipart/byteranges; boundary={boundary}"
    return Answer(206, [("Content-Type", kind), *fields], [*body, last], size + len(last))


def options_answer(allowed: Iterable[str]) -> Answer:
    """What OPTIONS says: the methods that may be used (RFC 9110, 9.3.7)."""
    return Answer(204, [("Allow", ", ".join(allowed)), ("Accept-Ranges", "bytes")])


def check_method(method: str, allowed: Iterable[str]) -> None:
    """HttpError 501 for an unknown method, 405 for one that is not allowed here."""
    if method not in KNOWN:
        raise HttpError(501, f"This server does not know the method {method}.")
    if method not in allowed:
        raise NotAllowed(method, tuple(allowed))


class NotAllowed(HttpError):
    """405, with the methods that are allowed."""

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(405, f"{method} is not allowed here. Allowed: {', '.join(allowed)}.")
        self.allowed = allowed


def refusal(error: HttpError) -> Answer:
    """The page that explains a refusal."""
    reason = REASONS.get(error.status, "")
    fields: Fields = [("Content-Type", "text/html; charset=utf-8")]
    if isinstance(error, NotAllowed):
        fields.append(("Allow", ", ".join(error.allowed)))
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{error.status} {reason}</title>\n"
        f"<h1>{error.status} {reason}</h1>\n<p>{html.escape(error.message)}</p>\n</html>\n"
    ).encode()
    return Answer(error.status, fields, (page,), len(page))


# -- the answer's bytes


class Written(msgspec.Struct):
    """An answer as it goes out: the head's bytes, the body's pieces, and what becomes of the connection.

    ``size`` are the bytes of the body that will follow the head; where that is not known, those made so far.
    ``wait`` are seconds to let pass before the first byte, ``start`` the first bytes, to be told.
    """

    status: int
    head: bytes
    body: Iterator[Piece]
    size: int
    close: bool
    file: int | None = None
    wait: float = 0.0
    start: bytes = b""


def write_answer(answer: Answer, request: Request | None, now: float, keep: bool = True) -> Written:
    """An answer made ready to send. ``request`` is None where none could be read.

    RFC 9112, 6: 1xx, 204 and 304 have no body; a body of unknown length goes in chunks to
    HTTP/1.1 and until the end of the connection to others. HTTP/0.9 gets the bare body.
    """
    version = request.version if request else "HTTP/1.1"
    head_only = request is not None and request.method == "HEAD"
    chunked = answer.size is None and version == "HTTP/1.1"
    close = answer.close or not keep or not request or not request.keep_alive
    close = close or (answer.size is None and not chunked)
    if version == "HTTP/0.9":
        return _counted(answer, Written(answer.status, b"", iter(answer.body), 0, True, answer.file))
    fields = [("Date", write_date(int(now))), ("Server", SERVER), *answer.fields]
    bodyless = answer.status in (204, 304)
    if chunked and not bodyless:
        fields.append(("Transfer-Encoding", "chunked"))
    elif answer.size is not None and not bodyless:
        fields.append(("Content-Length", str(answer.size)))
    if close:
        fields.append(("Connection", "close"))
    elif version == "HTTP/1.0":
        fields.append(("Connection", "keep-alive"))
    head = write_response(answer.status, fields)
    if head_only or bodyless:
        return Written(answer.status, head, iter(()), 0, close, answer.file)
    written = _counted(answer, Written(answer.status, head, iter(answer.body), 0, close, answer.file))
    if chunked:
        written.body = in_chunks(written.body)
    return written


def _counted(answer: Answer, written: Written) -> Written:
    """Its size, or the counting of it."""
    if answer.size is None:
        written.body = _counting(written, written.body)
    else:
        written.size = answer.size
    return written


def _counting(written: Written, body: Iterator[Piece]) -> Iterator[Piece]:
    for piece in body:
        if isinstance(piece, FilePart):
            written.size += piece.size
        elif isinstance(piece, bytes):
            written.size += len(piece)
        yield piece


def in_chunks(body: Iterable[Piece]) -> Iterator[Piece]:
    """A body's pieces, each as a chunk (RFC 9112, 7.1)."""
    for piece in body:
        if isinstance(piece, FilePart):
            yield b"%x\r\n" % piece.size
            yield piece
            yield b"\r\n"
        else:
            yield write_chunk(piece) if isinstance(piece, bytes) else piece
    yield write_last_chunk()
