"""Connections to origins: where a name leads, whether the proxy may go there, and what is kept open.

A name is looked up once, each address is asked about, and the connection is made to that very
address: a name that says something else a moment later opens no door.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from servers.caching_proxy.access import Rules, plain
from servers.caching_proxy.protocol import Target
from servers.caching_proxy.trouble import Failed, Refused
from servers.kit.addresses import is_here, show
from servers.kit.http import HttpError, Response
from servers.kit.http_stream import Data, End, ResponseReader
from servers.kit.report import Report
from servers.kit.sockets import Socket, in_words

RECEIVE = 256 * 1024
IDLE = 16
"""Connections to one origin that are kept open while they are not used."""
Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)
"""``poll()`` takes any file; ``select()`` only the first 1,024, where there is nothing else."""
MAX_INTERIM = 50
"""1xx answers before the final one, at the most."""


class Connection:
    """A connection to an origin, and how far its answer was read."""

    def __init__(self, sock: Socket, address: str, host: str, name: str) -> None:
        self.sock, self.address, self.host, self.name = sock, address, host, name
        self.reader = ResponseReader()
        self.number = 0  # of its requests
        self.since = time.monotonic()  # idle since
        self.broken = False
        self.received = 0
        self.held: Data | None = None  # of the body, for the one who goes on with it

    @property
    def alive(self) -> bool:
        """Whether it is still open, and silent, as an idle connection should be."""
        with contextlib.suppress(OSError, ValueError):
            return not self.reader.buffer and not readable(0, self.sock)
        return False

    def send(self, data: bytes, timeout: float) -> None:
        """Send all of it. Failed if the origin does not take it."""
        self.sock.settimeout(timeout)
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise self._failed(
                504, f"did not read the request for {timeout:g} s", "http_response_timeout"
            ) from None
        except OSError as error:
            raise self._failed(
                502, f"closed the connection ({in_words(error)})", "connection_terminated"
            ) from None

    def head(self, deadline: float, interim: Callable[[Response], None]) -> Response:
        """The final answer's head, before ``deadline`` (monotonic); 1xx go to ``interim``. Failed."""
        for _ in range(MAX_INTERIM):
            found = self._next(deadline, "sent no whole head")
            if not isinstance(found, Response):
                raise self._failed(502, "sent a body where a head was due", "http_protocol_error")
            if found.status == 101:
                raise self._failed(502, "changed the protocol, which nobody asked for", "http_upgrade_failed")
            if found.status >= 200:
                return found
            interim(found)
        raise self._failed(502, "sent 1xx answers without end", "http_protocol_error")

    def piece(self, timeout: float) -> Data | End:
        """The next piece of the body. Failed."""
        while (found := self.ready()) is None:
            self.more(timeout)
        return found

    def ready(self) -> Data | End | None:
        """The next piece of the body, if nothing need be received for it. Failed."""
        found, self.held = self.held or self._read(), None
        if isinstance(found, Response):
            raise self._failed(502, "sent a second head", "http_protocol_error")
        return found

    def more(self, timeout: float) -> None:
        """Receive some more of the body. Failed."""
        self._receive(time.monotonic() + timeout, f"sent nothing of the body for {timeout:g} s")

    def feed(self) -> bool:
        """Receive once, when there is something; whether the connection is still open."""
        data = self.sock.recv(RECEIVE)
        self.received += len(data)
        if data:
            self.reader.feed(data)
        else:
            self.reader.eof()
        return bool(data)

    def _next(self, deadline: float, slow: str) -> Response | Data | End:
        while (found := self._read()) is None:
            self._receive(deadline, slow)
        return found

    def _receive(self, deadline: float, slow: str) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._failed(504, slow, "http_response_timeout")
        self.sock.settimeout(left)
        try:
            self.feed()
        except TimeoutError:
            raise self._failed(504, slow, "http_response_timeout") from None
        except OSError as error:
            what = f"closed the connection ({in_words(error)})"
            raise self._failed(502, what, "connection_terminated") from None

    def _read(self) -> Response | Data | End | None:
        """What is whole of what has come."""
        try:
            return self.reader.next()
        except HttpError as error:
            ended = error.message.startswith("The connection ended")
            word = "http_response_incomplete" if ended else "http_protocol_error"
            raise self._failed(502, f"sent no proper HTTP: {error.message}", word) from None

    def _failed(self, status: int, what: str, error: str) -> Failed:
        self.broken = True
        words = f"The origin {named(self.host, self.address)} {what}."
        return Failed(status, words, error, begun=bool(self.received), fresh=self.number <= 1)

    def close(self) -> None:
        """Close it."""
        self.broken = True
        self.sock.close()


class Origins:
    """Makes connections, and keeps idle ones. Threads share it.

    ``own`` are the ports of this machine that are never gone to, each with what it is.
    """

    def __init__(self, report: Report, rules: Rules, timeout: float, keep: float) -> None:
        self.report, self.rules, self.timeout, self.keep = report, rules, timeout, keep
        self.own: dict[int, str] = {}
        self._idle: dict[tuple[str, int], list[Connection]] = {}
        self._lock = threading.Lock()
        self._names = itertools.count(1)
        self._closed = False

    def lend(self, target: Target, fresh: bool = False) -> Connection:
        """A connection to the target, an idle one if there is any. Refused, Failed."""
        key = target.host, target.port
        while not fresh:
            with self._lock:
                waiting = self._idle.get(key)
                found = waiting.pop() if waiting else None
                if not waiting:
                    self._idle.pop(key, None)
            if found is None:
                break
            if found.alive and not self._forbidden(target, found.address):
                found.received = 0
                return found
            found.close()
        return self._connect(target)

    def back(self, connection: Connection, key: tuple[str, int]) -> None:
        """The answer was read to its end: keep the connection for the next."""
        connection.since = time.monotonic()
        with self._lock:
            waiting = self._idle.setdefault(key, [])
            if not (self._closed or connection.broken or self.keep <= 0 or len(waiting) >= IDLE):
                waiting.append(connection)
                return
        connection.close()

    def sweep(self) -> None:
        """Close those that were idle for too long."""
        limit = time.monotonic() - self.keep
        with self._lock:
            old = [each for waiting in self._idle.values() for each in waiting if each.since < limit]
            for key, waiting in list(self._idle.items()):
                self._idle[key] = [each for each in waiting if each.since >= limit]
                if not self._idle[key]:
                    del self._idle[key]
        for each in old:
            each.close()

    def close(self) -> None:
        """Close all."""
        with self._lock:
            self._closed = True
            idle = [each for waiting in self._idle.values() for each in waiting]
            self._idle.clear()
        for each in idle:
            each.close()

    # -- where to

    def addresses(self, target: Target) -> list[tuple[int, Any]]:
        """The target's addresses that the proxy may go to, with their families. Refused, Failed."""
        found = _look_up(target.host, target.port, self.timeout)
        why, good = "", []
        for family, address in found:
            reason = self._forbidden(target, show(address))
            why = why or reason
            if not reason:
                good.append((family, address))
        if not good:
            raise Refused(403, why)
        return good

    def _forbidden(self, target: Target, address: str) -> str:
        host = address.rpartition(":")[0].strip("[]")
        if (owner := self.own.get(target.port)) and _here(host):
            if owner == "this proxy":
                raise Refused(508, f"{target.authority} is this proxy itself.", "proxy_loop_detected")
            return f"Port {target.port} of this machine is {owner}: the proxy never goes there."
        return self.rules.target(target.host, host)

    def _connect(self, target: Target) -> Connection:
        deadline = time.monotonic() + self.timeout
        failure = Failed(502, f"{target.host} has no address.", "dns_error")
        for family, address in self.addresses(target):
            try:
                sock = Socket(self.report, family, socket.SOCK_STREAM)
            except OSError as error:  # no file is left, say
                words = f"The proxy can open no further connection ({in_words(error)})."
                raise Failed(502, words, "proxy_internal_error") from None
            sock.conn = f"o{next(self._names)}"
            try:
                sock.settimeout(max(0.05, deadline - time.monotonic()))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return Connection(sock, show(address), target.host, sock.conn)
            except OSError as error:
                sock.close()
                failure = _unreachable(target, address, error, self.timeout)
        raise failure


def readable(seconds: float, *socks: socket.socket) -> list[Any]:
    """Those of the sockets that have something, or their end, to be read; waits so long for one."""
    with Selector() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(seconds)]


def named(host: str, address: str) -> str:
    """An origin in words: its name and the address behind it, or the address alone if it has no name."""
    return address if address.rpartition(":")[0].strip("[]") == host else f"{host} ({address})"


def _unreachable(target: Target, address: Any, error: OSError, timeout: float) -> Failed:
    where = named(target.host, show(address))
    if isinstance(error, TimeoutError):
        return Failed(504, f"{where} could not be reached within {timeout:g} s.", "connection_timeout")
    if isinstance(error, ConnectionRefusedError):
        return Failed(
            502, f"{where} refused the connection: no program listens on that port.", "connection_refused"
        )
    return Failed(502, f"{where} could not be reached ({in_words(error)}).", "destination_ip_unroutable")


def _here(host: str) -> bool:
    """Whether this is an address of this machine, however it is written."""
    address = plain(host)
    return address.is_loopback or address.is_unspecified or is_here(str(address))


def _look_up(host: str, port: int, timeout: float) -> list[tuple[int, Any]]:
    """The addresses of a host, IPv4 first. Failed. A resolver that hangs is not waited for."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    try:
        found: Any = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        threading.Thread(target=ask, name="look-up", daemon=True).start()
        try:
            found = answers.get(timeout=timeout)
        except queue.Empty:
            raise Failed(
                504, f"Nobody could say within {timeout:g} s where {host} is.", "dns_timeout"
            ) from None
    if isinstance(found, Exception):
        words = getattr(found, "strerror", None) or "it is no name"
        raise Failed(502, f"The name {host} is not known ({words}).", "dns_error")
    found = [
        (family, address) for family, _, _, _, address in found if family in (socket.AF_INET, socket.AF_INET6)
    ]
    return sorted(dict.fromkeys(found), key=lambda entry: entry[0] != socket.AF_INET)
