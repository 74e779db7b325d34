"""What the lab is tested with: the server as a program, told live settings; clients; a scripted server."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from servers.kit.addresses import show
from servers.kit.events import Event
from servers.kit.family import reachable
from servers.kit.report import Report, TextOutput
from servers.tcp_upper.client import ask
from servers.tcp_upper.request import Request
from servers.tcp_upper.results import Result
from tests.programs import DEADLINE, Dashboard, Program, eventually
from tests.reading import everything

MODULE = "servers.tcp_upper.server"


class Server:
    """Our server under a dashboard of the test's own: events, counters, live settings."""

    def __init__(self, board: Dashboard, program: Program) -> None:
        self.board, self.program = board, program
        self.address: str = eventually(lambda: board.events("server_listening"), "listening")[0]["address"]
        self._asked = 0

    def set(self, **settings: Any) -> None:
        """Change live settings; in force once this returns."""
        self._asked += 1
        answer = self.board.call("settings", settings, self._asked)
        assert not answer.error, answer.error

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def connect(self, seconds: float = DEADLINE) -> socket.socket:
        """A client of this test's own, connected."""
        return connect(self.address, seconds)

    def events(self, kind: str) -> list[dict[str, Any]]:
        return self.board.events(kind)

    def closed(self, count: int = 1) -> list[dict[str, Any]]:
        """What was told of the ends of so many connections, once it was."""

        def enough() -> list[dict[str, Any]] | None:
            found = self.events("connection_closed")
            return found if len(found) >= count else None

        found: list[dict[str, Any]] = eventually(enough, f"{count} closed: {self.events('')[-8:]}")
        return found

    def end_of(self, sock: socket.socket | str) -> dict[str, Any]:
        """What was told of the end of a client's connection, once it was."""
        me = sock if isinstance(sock, str) else show(sock.getsockname())

        def found() -> dict[str, Any] | None:
            return next((event for event in self.events("connection_closed") if event["peer"] == me), None)

        ended: dict[str, Any] = eventually(found, f"{me} closed: {self.events('')[-8:]}")
        return ended

    def calls(self, name: str) -> list[dict[str, Any]]:
        """The socket calls of this name that were told."""
        return [event for event in self.events("socket_call") if event["call"] == name]

    def counts(self, **wanted: int) -> None:
        """Wait until the counters say so."""
        eventually(
            lambda: wanted.items() <= self.board.counters().items(), f"{wanted}: {self.board.counters()}"
        )


@contextmanager
def server(*words: str, port: str = "0") -> Iterator[Server]:
    """The server as the dashboard runs it."""
    with Dashboard() as board, Program(MODULE, "--port", port, *words, env=board.env, stdin=-1) as program:
        board.accept()
        yield Server(board, program)
        assert program.process.poll() is None, program.errors


def connect(address: str, seconds: float = DEADLINE) -> socket.socket:
    """Connected to ``127.0.0.1:1``, ``[::1]:1`` or ``unix:PATH``."""
    host, _, port = address.rpartition(":")
    family, where = (
        reachable(address, 0, socket.SOCK_STREAM)
        if address.startswith("unix:")
        else reachable(host.strip("[]"), int(port), socket.SOCK_STREAM)
    )
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(where)
    except OSError:
        sock.close()
        raise
    return sock


def exactly(sock: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


def asked(server: Server, text: bytes) -> bytes:
    """What a client of this test's own gets for it."""
    with server.connect() as sock:
        sock.sendall(text)
        return everything(sock)


# -- our client, in this process


class Heard(TextOutput):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, events: list[Event], counters: dict[str, int], dropped: int) -> None:
        self.events += events


class Told(Report):
    """A report that keeps the lines for the terminal, and the result."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.lines: list[str] = []
        self.results: list[Any] = []
        super().__init__(output=self.heard, ready=True, waiting=100_000)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def result(self, value: Any) -> None:
        self.results.append(value)


class Asked:
    """A run of our client: exit code, result, events."""

    def __init__(self, address: str, **request: Any) -> None:
        host, _, port = address.rpartition(":")
        told = Told()
        aim = (address, 0) if address.startswith("unix:") else (host.strip("[]"), int(port))
        self.code = ask(*aim, Request(**request), told)
        told.close()
        self.lines = told.lines
        self.result: Result = told.results[0]
        self.events = told.heard.events

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class Scripted:
    """A server that treats each connection as ``talk`` says, in any family."""

    def __init__(
        self,
        talk: Callable[[socket.socket], None],
        family: int = socket.AF_INET,
        where: Any = ("127.0.0.1", 0),
    ) -> None:
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind(where)
        self.listener.listen(50)
        self._talk = talk
        self.failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                with sock:
                    sock.settimeout(DEADLINE)
                    try:
                        self._talk(sock)
                    except Exception as error:
                        self.failed.append(error)

    @property
    def address(self) -> str:
        name = self.listener.getsockname()
        if isinstance(name, str):
            return f"unix:{name}"
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE)
        self.listener.close()
        assert self.failed == []
