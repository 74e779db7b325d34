"""What the replay server is tested with: the program itself, a target as a test wants it, raw clients."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.programs import Program

Talk = Callable[[socket.socket], None]


class Target:
    """A TCP server that treats each connection as ``talk`` says."""

    def __init__(self, talk: Talk) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.talk = talk
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        """``HOST:PORT``."""
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Accept nobody any more."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.settimeout(10)
            self.talk(sock)


def upper(sock: socket.socket) -> None:
    """A line protocol: each line comes back in upper case."""
    with sock.makefile("rb") as lines:
        for line in lines:
            sock.sendall(line.upper())


def greets(sock: socket.socket) -> None:
    """Speaks first, then answers each line; QUIT ends it."""
    sock.sendall(b"220 hello\r\n")
    with sock.makefile("rb") as lines:
        for line in lines:
            if line.strip() == b"QUIT":
                sock.sendall(b"221 bye\r\n")
                return
            sock.sendall(b"250 " + line)


@contextmanager
def server(target: str, *words: str) -> Iterator[Program]:
    """The replay server before ``target``, with --json."""
    with Program("servers.tcp_replay.server", "--port", "0", "--json", "--target", target, *words) as program:
        program.line(r'"server_listening"')
        yield program


def port_of(program: Program) -> int:
    """Where it listens."""
    return int(program.line(r'"address":"[^"]*:(\d+)"')[1])


def connect(port: int) -> socket.socket:
    """A client's connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def silent(sock: socket.socket, seconds: float = 0.3) -> bool:
    """Whether nothing comes for so long."""
    sock.settimeout(seconds)
    began = time.monotonic()
    try:
        return not sock.recv(1) and time.monotonic() - began >= seconds
    except TimeoutError:
        return True
    finally:
        sock.settimeout(10)


def outcomes(program: Program) -> list[Any]:
    """The outcomes told so far."""
    return [event["outcome"] for event in program.events("exchanged")]
