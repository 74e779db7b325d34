"""The proxy in a process of its own, between origins that do as they are told and clients made of bytes."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.programs import DEADLINE, Program, eventually

SERVER = "servers.caching_proxy.server"
POLL = 0.02
TIMEOUT = 0.5
"""Seconds: the proxy's --timeout in most tests."""


class Asked(NamedTuple):
    """A request that an origin got: its connection (from 1), its bytes up to the empty line, the rest."""

    connection: int
    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.partition(b"\r\n")[0].decode()

    def fields(self, name: str) -> list[str]:
        return re.findall(rf"(?im)^{name}: ?(.*?)\r$", self.head.decode("latin-1"))


class Step:
    """What an origin does on a connection beside sending (bytes) and waiting (seconds)."""

    def __init__(self, name: str) -> None:
        self.name = name


ASK = Step("read a request, with its body")
HEAD = Step("read a request's head, not its body")
STAY = Step("say nothing more, until the peer closes")
RESET = Step("close with a reset")
CLOSE = Step("close at once, with whatever is unread")
AGAIN = Step("begin the script anew")

Script = Sequence["bytes | float | Step | Callable[[Origin, socket.socket], Any]"]


def ok(body: bytes = b"hello", *fields: str, status: str = "200 OK") -> bytes:
    """An answer with Content-Length."""
    lines = "".join(f"{field}\r\n" for field in fields)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Origin:
    """The n-th connection gets the n-th script, further ones the last. Bytes: that for every request."""

    def __init__(self, *scripts: bytes | Script, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family, backlog=128)
        self.listener.settimeout(POLL)
        self.port: int = self.listener.getsockname()[1]
        self.authority = f"{f'[{host}]' if ':' in host else host}:{self.port}"
        self.url = f"http://{self.authority}"
        self.scripts = scripts
        self.connections = 0
        self.ended = 0
        self.asked: list[Asked] = []
        self.numbers: dict[int, int] = {}  # of connections, by their file
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._accepter = threading.Thread(target=self._accept)
        self._accepter.start()

    def __enter__(self) -> Origin:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.over.set()
        self._accepter.join()
        for thread in self._threads:
            thread.join()
        self.listener.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                sock, _ = self.listener.accept()
            except TimeoutError:
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.numbers[sock.fileno()] = self.connections
            script = self.scripts[min(self.connections, len(self.scripts)) - 1]
            steps: Script = (ASK, script, AGAIN) if isinstance(script, bytes) else script
            thread = threading.Thread(target=self._run, args=(sock, self.connections, steps))
            self._threads.append(thread)
            thread.start()

    def _run(self, sock: socket.socket, number: int, steps: Script) -> None:
        sock.settimeout(POLL)
        with sock, contextlib.suppress(OSError, EOFError):
            self._play(sock, number, steps)
        self.ended += 1

    def _play(self, sock: socket.socket, number: int, steps: Script) -> None:
        at = 0
        rest = bytearray()
        while at < len(steps):
            step = steps[at]
            at += 1
            if isinstance(step, bytes):
                self._send(sock, step)
            elif isinstance(step, int | float):
                self.over.wait(step)
            elif callable(step):
                step(self, sock)
            elif step is AGAIN:
                at = 0
            elif step is ASK or step is HEAD:
                self._ask(sock, number, rest, step is ASK)
            elif step is STAY:
                while self._receive(sock):
                    pass
            elif step is RESET:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            elif step is CLOSE:
                return
        sock.shutdown(socket.SHUT_WR)
        while self._receive(sock):  # unread bytes at a close would reset what is under way
            pass

    def _send(self, sock: socket.socket, data: bytes) -> None:
        view = memoryview(data)
        while view and not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                view = view[sock.send(view[:262144]) :]

    def _receive(self, sock: socket.socket) -> bytes:
        sock.settimeout(POLL)
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                return sock.recv(65536)
        return b""

    def _more(self, sock: socket.socket, rest: bytearray) -> None:
        data = self._receive(sock)
        if not data:
            raise EOFError
        rest += data

    def _ask(self, sock: socket.socket, number: int, rest: bytearray, whole: bool) -> None:
        """Read one request, as naively as it can be done, into ``asked``."""
        while b"\r\n\r\n" not in rest:
            self._more(sock, rest)
        end = rest.index(b"\r\n\r\n") + 4
        head = bytes(rest[:end])
        del rest[:end]
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        if whole and b"chunked" in head.lower():
            while not re.search(rb"(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n\Z", bytes(rest)):
                self._more(sock, rest)
            size = len(rest)
        while whole and len(rest) < size:
            self._more(sock, rest)
        body = bytes(rest[:size]) if whole else b""
        if whole:
            del rest[:size]
        with self._lock:
            self.asked.append(Asked(number, head, body))


class Answer(NamedTuple):
    """An answer as the standard library reads it. ``whole``: its body came to its end."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes
    whole: bool = True

    def get(self, name: str) -> str:
        return ", ".join(self.headers.get_all(name) or [])


def read_answer(sock: socket.socket, method: str = "GET") -> Answer:
    """One answer off the connection."""
    with http.client.HTTPResponse(sock, method=method) as response:
        response.begin()
        body, whole = b"", True
        try:
            body = response.read()
        except http.client.IncompleteRead as error:
            body, whole = error.partial, False
        except ConnectionResetError:
            whole = False
        return Answer(response.status, response.reason, response.headers, body, whole)


def read_all(sock: socket.socket) -> bytes:
    """Everything until the peer closes; a reset is an end, too."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65536):
            data += piece
    return data


class Proxy(Program):
    """The proxy, and ways to ask it. At its end it must be alive, and have reported no fault of its own."""

    def __init__(
        self, folder: Path, *words: str, timeout: float = TIMEOUT, env: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        common = ("--port", "0", "--json", "--cache", str(folder), "--timeout", str(timeout))
        super().__init__(SERVER, *common, *words, env=env)

    def __enter__(self) -> Proxy:
        try:
            self.own_port = self.port()
        except BaseException:
            super().__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        alive = self.process.poll() is None
        super().__exit__(*exc)
        assert alive, self.errors
        assert not self.errors, self.errors
        assert not [line for line in self.lines if '"server_error"' in line]

    def port(self) -> int:
        return int(self.line(r'"address":"[^"]*:(\d+)"')[1])

    def connect(self, source: str = "") -> socket.socket:
        where = (source, 0) if source else None
        return socket.create_connection(("127.0.0.1", self.own_port), DEADLINE, source_address=where)

    def raw(self, *pieces: bytes | float, half: bool = False) -> bytes:
        """All that comes back until the proxy closes. ``half``: the client ends its side first."""
        with self.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                if isinstance(piece, bytes):
                    try:
                        sock.sendall(piece)
                    except OSError:
                        break
                else:
                    time.sleep(piece)
            if half:
                sock.shutdown(socket.SHUT_WR)
            return read_all(sock)

    def ask(self, url: str, *fields: str, method: str = "GET", body: bytes = b"") -> Answer:
        """One request on a connection of its own, which is closed by the client when the answer is there."""
        with self.connect() as sock:
            sock.sendall(request(url, *fields, method=method, body=body))
            return read_answer(sock, method)

    def verdicts(self, url: str = "") -> list[dict[str, Any]]:
        """What was told of each request so far, of one URL or all."""
        return [event for event in self.events("cache_verdict") if event.get("url", "") == url or not url]

    def verdict(self, url: str, count: int = 1) -> dict[str, Any]:
        """The last of ``count`` verdicts on this URL, once it was told."""
        found: list[dict[str, Any]] = eventually(
            lambda: self.verdicts(url) if len(self.verdicts(url)) >= count else None, f"{count} of {url}"
        )
        return found[-1]


def request(url: str, *fields: str, method: str = "GET", body: bytes = b"", version: str = "1.1") -> bytes:
    """A request's bytes, its Host taken from the URL; a body makes a Content-Length."""
    host = re.split("[/?#]", url.partition("://")[2] or url.lstrip("/"))[0]
    lines = [f"{method} {url} HTTP/{version}", f"Host: {host}", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def status_of(data: bytes) -> int:
    """The status of the final answer that these bytes begin with."""
    found = re.findall(rb"(?m)^HTTP/1\.1 ([2-5]\d\d) ", data)
    assert found, data[:200]
    return int(found[0])
