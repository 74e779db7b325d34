"""The stage on which an experiment plays: sockets that belong to actors, and tell each call.

They are the standard ones; a script reads as any program does. No call waits for longer than PATIENCE, so
that every experiment ends by itself.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from servers.kit.addresses import show
from servers.kit.events import DataReceived, DataSent, SocketCall, printable
from servers.kit.report import Report, now
from servers.kit.sockets import in_words
from servers.kit.stream import Stream
from servers.kit.traced import Traced
from servers.tcp_upper.experiment_events import ExperimentCall, ExperimentClaim
from servers.tcp_upper.experiment_means import meaning
from servers.tcp_upper.experiments import ExperimentRequest, ExperimentRow

PATIENCE = 3.0
"""Seconds that a call waits at the most."""


class Stage:
    """Makes the actors' sockets, tells what they do, and keeps what was found."""

    def __init__(self, request: ExperimentRequest, report: Report) -> None:
        self.request, self._report = request, report
        self.means: Mapping[tuple[str, str], str] = {}
        self.rows: list[ExperimentRow] = []
        self._ear: Any = Ear(self)
        self._hushed: list[str] | None = None  # calls that are not told
        self._sockets = contextlib.ExitStack()
        six = request.family == "ipv6"
        self.family = socket.AF_INET6 if six else socket.AF_INET
        self.host = "::1" if six else "127.0.0.1"

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *exc: object) -> None:
        self._sockets.close()

    def socket(self, actor: str, kind: int = socket.SOCK_STREAM, family: int = 0) -> Actor:
        """A new socket of that actor. Raises OSError where the system lacks the family."""
        self._ear.naming = actor
        try:
            sock = Actor(self._ear, family or self.family, kind)
        except OSError as error:  # a machine without IPv6
            self.told(actor, "socket", "", "-1", in_words(error))
            raise
        finally:
            self._ear.naming = ""
        self._cast(sock, actor)
        return sock

    def accept(self, listener: Traced, actor: str = "connection") -> Traced:
        """``listener.accept()``: the new socket, which is the actor's."""
        sock = listener.accept()[0]
        self._cast(sock, actor)
        return sock

    def _cast(self, sock: Traced, actor: str) -> None:
        """Give a socket to its actor; at the end of the experiment it is closed, if it is not yet."""
        sock.conn = actor
        sock.stream = Stream(self._ear, actor, "")
        socket.socket.settimeout(sock, PATIENCE)
        self._sockets.callback(lambda: socket.socket.close(sock))

    def select(self, actor: str, read: Sequence[Any], write: Sequence[Any], seconds: float) -> Any:
        """``select.select()``, told with how many sockets were ready."""
        found = select.select(read, write, [], seconds)
        words = f"{len(read)} to read, {len(write)} to write, {seconds:g} s"
        self.told(actor, "select", words, f"{len(found[0]) + len(found[1])} ready")
        return found

    def told(self, actor: str, call: str, words: str, result: str, error: str = "", key: str = "") -> None:
        """Tell of a call: its arguments, what it returned, or why it failed. ``key``: the errno's name."""
        if self._hushed is not None:
            self._hushed.append(call)
            return
        means = meaning(self.means, call, key or error.partition(":")[0])
        self._tell(
            ExperimentCall(
                t=now(), actor=actor, call=call, arguments=words, result=result, error=error, means=means
            )
        )

    @contextlib.contextmanager
    def hushed(self, actor: str) -> Iterator[None]:
        """Tell the actor's calls in here as one line: how many of each there were."""
        self._hushed = []
        try:
            yield
        finally:
            calls, self._hushed = self._hushed, None
            count = ", ".join(f"{calls.count(call)} × {call}()" for call in dict.fromkeys(calls))
            self._tell(ExperimentCall(t=now(), actor=actor, call="…", means=f"Not told one by one: {count}."))

    def remark(self, words: str) -> None:
        """Tell something that is no call."""
        self._tell(ExperimentCall(t=now(), actor="", means=words))

    def claim(self, what: str, predicted: str, seen: str, agree: bool | None = None) -> None:
        """Put down what the book says beside what was seen."""
        same = predicted == seen if agree is None else agree
        self.rows.append(ExperimentRow(what, predicted, seen, same))
        self._tell(ExperimentClaim(t=now(), what=what, predicted=predicted, seen=seen, agree=same))

    def _tell(self, event: Any) -> None:
        self._report.emit(event)
        self._report.say(event.line())


class Ear:
    """What the actors' sockets take for their report: it passes their calls on to the stage."""

    room = True
    missed = 0
    naming = ""  # whose socket is just being made

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def emit(self, event: Any) -> None:
        """Hear of a call."""
        told = self._stage.told
        if isinstance(event, DataSent):
            told(event.conn, "send", _text(event.data.head, event.data.size), str(event.data.size))
        elif isinstance(event, DataReceived):
            told(event.conn, "recv", str(event.asked), _text(event.data.head, event.data.size))
        elif isinstance(event, SocketCall) and (event.conn or self.naming):
            end = event.call == "recv" and event.result.startswith("0 bytes")
            result = "b''" if end else event.result
            key = "end" if end else ""
            told(event.conn or self.naming, event.call, event.arguments, result, event.error, key)


class Actor(Traced):
    """A socket that also tells ``connect_ex``, ``sendto`` and ``recvfrom``."""

    __slots__ = ()

    def connect_ex(self, address: Any) -> int:
        """As ``socket.connect_ex``: what it returns is the errno."""
        code = super().connect_ex(address)
        words = f"{errno.errorcode.get(code, code)}" if code else "0"
        self.told("connect_ex", show(address), words, words if code else "")
        return code

    def sendto(self, data: Any, address: Any) -> int:  # type: ignore[override]
        """As ``socket.sendto``."""
        words = f"{_text(data, len(data))}, {show(address)}"
        try:
            count = super().sendto(data, address)
        except OSError as error:
            self.failed("sendto", words, error)
            raise
        self.told("sendto", words, str(count))
        return count

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        """As ``socket.recvfrom``."""
        try:
            data, peer = super().recvfrom(size, flags)
        except OSError as error:
            self.failed("recvfrom", str(size), error)
            raise
        self.told("recvfrom", str(size), f"{_text(data, len(data))}, {show(peer)}")
        return data, peer


def errno_of(function: Callable[..., Any], *arguments: Any) -> str:
    """Call it: "works", or the errno's name: "EADDRINUSE". A time-out is Python's own: "TimeoutError"."""
    try:
        function(*arguments)
    except TimeoutError:
        return "TimeoutError"
    except OSError as error:
        return in_words(error).partition(":")[0] or type(error).__name__
    return "works"


def _text(data: bytes, size: int) -> str:
    return f"{size} bytes: {printable(data, 40)}"
