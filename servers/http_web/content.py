"""What the server has to offer: a folder's files, the /demo/ paths, and PUT where it is allowed."""

from __future__ import annotations

import os
import time
from urllib.parse import quote

import msgspec

from servers.http_web import demo
from servers.http_web.answer import Answer, FilePart, Piece
from servers.http_web.files import Folder, Moved, Upload, read_part
from servers.http_web.protocol import (
    READING,
    SERVER,
    WRITING,
    Found,
    check_method,
    file_answer,
    options_answer,
    target_of,
)
from servers.http_web.settings import Settings
from servers.kit.http import HttpError, Request
from servers.kit.http_fields import Validators, precondition, write_date

READY_SIZE = 32 * 1024
"""Bytes of a file at the most whose answer is kept ready to send."""
READY = 256
"""Answers kept ready at the most."""
IN_QUERY = "!$%&'()*+,;=:@/?"
"""What stands for itself in a query, percent-encoded bytes included (RFC 3986, 3.4)."""
SETTLED = 2.0
"""Seconds since a file's last change after which its time stamp tells every further change."""


class Site:
    """Answers requests from the folder. One for the whole server, whatever its model."""

    def __init__(self, folder: Folder, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self._ready: dict[Request, tuple[str, tuple[int, int, int], bytes]] = {}
        self._second = 0
        self._start = b""

    def apply(self, settings: Settings) -> None:
        """Live settings changed; the folder stays the one that was found for it."""
        self.settings = msgspec.structs.replace(settings, root=self.settings.root)

    def answer(self, request: Request, now: float) -> Answer:
        """The answer to a request without a body, or whose body does not matter. Raises HttpError."""
        path, query = target_of(request)
        if path == "*":
            return options_answer(self._allowed())
        if _is_demo(path):
            return self._demo(request, path, query, now)
        check_method(request.method, self._allowed())
        if request.method == "OPTIONS":
            return options_answer(self._allowed())
        try:
            return self._file(request, path, now)
        except Moved:
            more = "?" + quote(query.encode("latin-1"), safe=IN_QUERY) if query else ""
            return Answer(301, [("Location", quote(path.rstrip("/") + "/") + more)])

    def upload(self, request: Request, now: float) -> tuple[str, Upload]:
        """Where a PUT's body goes: its path, and the file to write. HttpError before a byte is read."""
        path, _ = target_of(request)
        check_method(request.method, demo.METHODS if _is_demo(path) else self._allowed())
        headers, limit = request.headers, int(1e6 * self.settings.max_body)
        if request.framing.kind == "none" and "content-length" not in headers:
            raise HttpError(411, "A PUT says how long its body is: Content-Length or chunked.")
        if "content-range" in headers:
            raise HttpError(400, "A part of a file cannot be stored: Content-Range is not taken in PUT.")
        if headers.tokens("content-encoding") not in ([], ["identity"]):
            raise HttpError(415, "Files are stored as they come: send them without Content-Encoding.")
        if request.framing.length > limit:
            raise HttpError(413, f"The body is larger than {limit} bytes.")
        self._check(request, path, now)
        return path, self.folder.store(path)

    def store(self, request: Request, path: str, upload: Upload, now: float) -> Answer:
        """The body is whole: put it in its place, and answer 201 or 204."""
        with self.folder.locked():
            before = self.folder.validators(path)
            self._check(request, path, now)
            found = upload.commit()
        fields = [("ETag", found.etag), ("Last-Modified", write_date(found.modified_ns // 1_000_000_000))]
        if before:
            return Answer(204, fields)
        return Answer(201, [*fields, ("Location", quote(path))])

    # -- the quick way, for what was asked before

    def ready(self, request: Request, now: float) -> bytes | None:
        """The whole answer to a request that was answered before, if its file is as it was then."""
        kept = self._ready.get(request)
        if kept is None:
            return None
        path, signature, rest = kept
        try:
            state = os.stat(path)
        except OSError:
            state = None
        if state is None or (state.st_ino, state.st_size, state.st_mtime_ns) != signature:
            del self._ready[request]
            return None
        if int(now) != self._second:
            self._second = int(now)
            date = write_date(self._second)
            self._start = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nServer: {SERVER}\r\n".encode()
        return self._start + rest

    # -- inside

    def _allowed(self) -> tuple[str, ...]:
        return WRITING if self.settings.allow_put else READING

    def _demo(self, request: Request, path: str, query: str, now: float) -> Answer:
        check_method(request.method, demo.METHODS)
        if request.method == "OPTIONS":
            return options_answer(demo.METHODS)
        found = demo.answer(request, path, query, now)
        if found is None:
            raise HttpError(404, "There is no such demonstration: /demo/ lists them.")
        return found

    def _file(self, request: Request, path: str, now: float) -> Answer:
        found = self.folder.find(path)
        try:
            answer = file_answer(request, found, now)
            if answer.status == 200 and request.method == "GET" and found.size <= READY_SIZE:
                self._keep(request, path, answer, found)
        except BaseException:
            os.close(found.file)
            raise
        parts = [piece for piece in answer.body if isinstance(piece, FilePart)]
        if request.method == "GET" and sum(part.size for part in parts) > READY_SIZE:
            answer.file = found.file  # too large for one piece: it is sent from the file
            return answer
        try:
            if request.method == "GET":
                answer.body = [_bytes(piece) for piece in answer.body]
        finally:
            os.close(found.file)
        return answer

    def _keep(self, request: Request, path: str, answer: Answer, found: Found) -> None:
        """Keep the answer ready, if the next one to the same request will be the same."""
        if request.version != "HTTP/1.1" or "connection" in request.headers:
            return
        state = os.fstat(found.file)
        if time.time() - max(state.st_mtime, state.st_ctime) < SETTLED:
            return
        body = read_part(FilePart(found.file, 0, READY_SIZE))
        if len(body) != state.st_size:
            return
        fields = "".join(f"{name}: {value}\r\n" for name, value in answer.fields)
        rest = f"{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body
        if len(self._ready) >= READY:
            self._ready.clear()
        signature = (state.st_ino, state.st_size, state.st_mtime_ns)
        self._ready[request] = (self.folder.literal(path), signature, rest)

    def _check(self, request: Request, path: str, now: float) -> None:
        """The preconditions of a PUT (RFC 9110, 13.1): no update of another's update is lost."""
        found = self.folder.validators(path)
        current = Validators(exists=False)
        if found:
            current = Validators(found.etag, found.modified_ns // 1_000_000_000)
        if status := precondition(request.method, request.headers, current, now):
            raise HttpError(status, "What is stored there is not as the request wants it.")


def _is_demo(path: str) -> bool:
    return path == "/demo" or path.startswith("/demo/")


def _bytes(piece: Piece) -> Piece:
    if not isinstance(piece, FilePart):
        return piece
    data = read_part(piece)
    if len(data) != piece.size:  # its length is promised in the head
        raise HttpError(503, "The file was cut while it was read.")
    return data
