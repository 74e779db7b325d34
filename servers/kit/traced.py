"""Sockets that tell of every call made on them, for labs whose lesson is the calls."""

from __future__ import annotations

import socket
from typing import Any

from servers.kit.addresses import show
from servers.kit.report import Report
from servers.kit.sockets import Socket
from servers.kit.stream import Stream


class Traced(Socket):
    """A ``socket.socket`` that also tells ``accept``, ``send``, ``recv``, ``settimeout`` and the like.

    A connection's bytes are told by its ``stream``, once it has one; without one, what ``send`` and ``recv``
    move is told as any call. Datagrams (``sendto``, ``recvfrom``) the lab tells: it knows whose they are.
    """

    __slots__ = ("stream",)

    def __init__(self, report: Report, family: int, kind: int) -> None:
        self.stream: Stream | None = None
        super().__init__(report, family, kind)

    def accept(self) -> tuple[Traced, Any]:
        """As ``socket.accept``; the connection is told of as this socket is."""
        try:
            number, address = self._accept()  # type: ignore[attr-defined]  # as socket.accept() does itself
        except OSError as error:
            self.failed("accept", "", error)
            raise
        made = self.accepted(number)
        if self.report.room:
            self.told("accept", "", f"fd {number}, {show(address)}")
        else:
            self.report.missed += 1
        return made, address

    def accepted(self, number: int) -> Traced:
        """The connection with this file descriptor, which came to this socket."""
        made = Traced.__new__(Traced)
        socket.socket.__init__(made, self.family, self.type, self.proto, fileno=number)
        made.report, made.conn, made.stream = self.report, "", None
        if socket.getdefaulttimeout() is None and self.gettimeout():
            made.setblocking(True)
        return made

    def send(self, data: Any, flags: int = 0) -> int:
        """As ``socket.send``."""
        try:
            taken = super().send(data, flags)
        except OSError as error:
            self.failed("send", f"{len(data)} bytes", error)
            raise
        if self.stream is not None:
            self.stream.sent(memoryview(data)[:taken], len(data))
        elif self.report.room:
            self.told("send", f"{len(data)} bytes", str(taken))
        else:
            self.report.missed += 1
        return taken

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As ``socket.recv``."""
        try:
            data = super().recv(size, flags)
        except OSError as error:
            self.failed("recv", str(size), error)
            raise
        if data and self.stream is not None:
            self.stream.received(data, size)
        elif self.report.room:
            words = f"{len(data)} bytes" if data else "0 bytes: the other side has ended its side"
            self.told("recv", str(size), words)
        else:
            self.report.missed += 1
        return data

    def settimeout(self, seconds: float | None) -> None:
        """As ``socket.settimeout``."""
        super().settimeout(seconds)
        self.told("settimeout", str(seconds), "0")

    def setblocking(self, blocking: bool) -> None:
        """As ``socket.setblocking``."""
        super().setblocking(blocking)
        self.told("setblocking", str(blocking), "0")

    def getsockname(self) -> Any:
        """As ``socket.getsockname``."""
        address = super().getsockname()
        self.told("getsockname", "", show(address))
        return address

    def told(self, name: str, words: str, result: str, error: str = "") -> None:
        """Tell of a call: its arguments, what it returned, or why it failed."""
        self._told(name, words, result, error)
