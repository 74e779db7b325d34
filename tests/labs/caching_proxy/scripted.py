"""A proxy, or an origin, that says what a test wants: bytes for each connection, or a function's doings."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from tests.programs import DEADLINE

Script = Callable[["Scripted", socket.socket], None]


class Scripted:
    """The first connection gets the first answer, and so on; the last one again and again.

    An answer is bytes, sent after a whole head came, or a function of this and the socket. ``heard`` are
    the heads that came. Use it in a ``with``; what fails in a script fails the test at its end.
    """

    def __init__(self, *answers: bytes | Script, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.listener.settimeout(0.05)
        self.port: int = self.listener.getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.answers = answers
        self.connections = 0
        self.heard: list[bytes] = []
        self.failed: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._stop.set()
        self._thread.join()
        self.listener.close()
        if self.failed:
            raise self.failed

    def head(self, sock: socket.socket) -> bytes:
        """A head off the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                break
            data += more
        self.heard.append(data)
        return data

    def wait(self) -> None:
        """Do nothing until the test is over."""
        self._stop.wait(DEADLINE)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                sock, _ = self.listener.accept()
            except TimeoutError:
                continue
            answer = self.answers[min(self.connections, len(self.answers) - 1)]
            self.connections += 1
            sock.settimeout(DEADLINE)
            with sock:
                try:
                    self._answer(sock, answer)
                except OSError:
                    pass
                except BaseException as error:  # an assertion: told to the test
                    self.failed = error

    def _answer(self, sock: socket.socket, answer: bytes | Script) -> None:
        if callable(answer):
            answer(self, sock)
        else:
            self.head(sock)
            sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):  # unread bytes at a close would reset what is under way
            pass
