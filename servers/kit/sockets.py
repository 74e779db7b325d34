"""Sockets that tell of the calls made on them. The calls are the standard ones."""

from __future__ import annotations

import errno
import socket
import struct
from functools import lru_cache
from typing import Any

from servers.kit.addresses import show
from servers.kit.events import SocketCall
from servers.kit.report import Report, now
from servers.kit.timeval import seconds_of


class Socket(socket.socket):
    """A ``socket.socket`` whose set-up calls are reported as events.

    Sending and receiving stay as they are, and as fast.
    """

    __slots__ = ("conn", "report")

    def __init__(self, report: Report, family: int, kind: int) -> None:
        super().__init__(family, kind)
        self.report = report
        self.conn = ""
        self._told("socket", f"{_word('AF_', family)}, {_word('SOCK_', kind)}", f"fd {self.fileno()}")

    def bind(self, address: Any) -> None:
        """As ``socket.bind``."""
        self._call("bind", show(address), super().bind, address)

    def listen(self, *backlog: int) -> None:
        """As ``socket.listen``."""
        self._call("listen", ", ".join(map(str, backlog)), super().listen, *backlog)

    def connect(self, address: Any) -> None:
        """As ``socket.connect``."""
        self._call("connect", show(address), super().connect, address)

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        """As ``socket.setsockopt``."""
        words = f"{_option(level, option)}, {', '.join(_value((level, option), each) for each in value)}"
        self._call("setsockopt", words, super().setsockopt, level, option, *value)

    def shutdown(self, how: int) -> None:
        """As ``socket.shutdown``."""
        self._call("shutdown", ("SHUT_RD", "SHUT_WR", "SHUT_RDWR")[how], super().shutdown, how)

    def close(self) -> None:
        """As ``socket.close``."""
        if self.fileno() >= 0:
            self._told("close", "", "0")
        super().close()

    def _call(self, name: str, words: str, function: Any, *arguments: Any) -> None:
        try:
            function(*arguments)
        except OSError as error:
            self.failed(name, words, error)
            raise
        self._told(name, words, "0")

    def failed(self, name: str, words: str, error: OSError) -> None:
        """Tell of a call that failed. A time-out is Python's own, without an errno."""
        reason = in_words(error)
        if isinstance(error, TimeoutError) and error.errno is None:
            reason = f"TimeoutError: nothing happened for {self.gettimeout():g} s"
        self._told(name, words, "-1", reason)

    def _told(self, name: str, words: str, result: str, error: str = "") -> None:
        if not self.report.room:
            self.report.missed += 1
            return
        self.report.emit(
            SocketCall(t=now(), call=name, arguments=words, result=result, error=error, conn=self.conn)
        )


def in_words(error: OSError) -> str:
    """``EADDRINUSE: Address already in use``."""
    name = errno.errorcode.get(error.errno or 0, "")
    return f"{name}: {error.strerror}" if name else str(error)


NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Why accept() fails where no file can be opened any more: until some are closed, it is no use to try."""
_ELSEWHERE = ("SO_J1939_", "SO_VM_SOCKETS_")
"""Options of other levels that share SO_ and its numbers."""


@lru_cache(maxsize=64)
def _word(prefix: str, value: int) -> str:
    for name in dir(socket):
        if name.startswith(prefix) and not name.startswith(_ELSEWHERE) and getattr(socket, name) == value:
            return name
    return str(value)


def _value(option: tuple[int, int], value: Any) -> str:
    """An option's value; of struct linger its two numbers, of a time-out its seconds (socket(7))."""
    lingers = option == (socket.SOL_SOCKET, socket.SO_LINGER)
    if lingers and isinstance(value, bytes) and len(value) == struct.calcsize("ii"):
        onoff, seconds = struct.unpack("ii", value)
        return f"onoff={onoff} linger={seconds}"
    waits = option in ((socket.SOL_SOCKET, socket.SO_RCVTIMEO), (socket.SOL_SOCKET, socket.SO_SNDTIMEO))
    if waits and isinstance(value, bytes) and (wait := seconds_of(value)) is not None:
        return f"{wait:g} s"
    return str(value)


def _option(level: int, option: int) -> str:
    if level == socket.SOL_SOCKET:
        return "SOL_SOCKET, " + _word("SO_", option)
    if level == socket.IPPROTO_TCP:
        return "IPPROTO_TCP, " + _word("TCP_", option)
    if level == socket.IPPROTO_IPV6:
        return "IPPROTO_IPV6, " + _word("IPV6_", option)
    return f"{level}, {option}"
