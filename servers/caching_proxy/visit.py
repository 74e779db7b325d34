"""One visit to a proxy or an origin: connect, send, receive, hang up, and when each part of it came.

The bytes of the answer go to hearing.py as they come; nothing of the body is held here.
"""

from __future__ import annotations

import socket
import time
from typing import Literal

from msgspec import structs

from servers.caching_proxy.explain import MEANINGS, age_of, verdict_of
from servers.caching_proxy.hearing import Hearing
from servers.caching_proxy.results import Fetch, fields_shown
from servers.kit.addresses import show
from servers.kit.http import Headers
from servers.kit.http_events import HttpRequest, HttpResponse, masked, masked_preview
from servers.kit.http_events import shown as shown_fields
from servers.kit.masked_http import HttpSocket
from servers.kit.masked_stream import Spare
from servers.kit.report import Report, now
from servers.kit.sockets import Socket, in_words

SEGMENT = 256 * 1024
"""Bytes taken from the socket at once."""

Address = tuple[socket.AddressFamily, tuple[str, int]]


class Visit:
    """One request on a connection of its own, its answer, and when each part of it came."""

    def __init__(
        self, report: Report, timeout: float, way: Literal["proxy", "direct"], number: int,
        address: Address, method: str, head: bytes,
    ) -> None:  # fmt: skip
        self.report, self.timeout, self.way, self.number = report, timeout, way, number
        self.address, self.method, self.head = address, method, head
        self.where = show(address[1])
        self.hearing = Hearing(method)
        self.unreachable = False
        self._start = 0.0
        self._moments: dict[str, float] = {}
        self._conn = ""

    @property
    def error(self) -> str:
        """Why there is no whole answer; "" if there is one."""
        return self.hearing.error

    def run(self) -> None:
        """Connect, send, receive, hang up."""
        family, address = self.address
        self._start = time.perf_counter()
        with self._socket(family) as sock:
            sock.settimeout(self.timeout)
            try:
                sock.connect(address)
            except OSError as error:
                self.unreachable = True
                self.hearing.fail(unreachable(self.where, error, self.timeout))
                return
            self._moment("connect_ms")
            self._conn = f"{self.way}-{sock.getsockname()[1]}"
            self._send(sock)
            self._receive(sock)
        self._moment("total_ms")
        self._tell_response()

    def _socket(self, family: socket.AddressFamily) -> Socket:
        """Calls on a connection to the proxy are told; one past it is no connection of this lab's server."""
        if self.way == "proxy":
            return HttpSocket(Spare(self.report), family)
        return Socket(self.report, family, socket.SOCK_STREAM)

    def _send(self, sock: Socket) -> None:
        """Send the request. What goes wrong here shows when the answer is read: a proxy may answer first."""
        line, _, rest = self.head.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ")
        pairs = [part.partition(b": ")[::2] for part in rest.split(b"\r\n") if part]
        headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs])
        self._target = target
        self.report.emit(
            HttpRequest(
                t=now(), conn=self._conn, peer=self.where, way="to_server", number=1, method=method,
                target=target, version=version, headers=shown_fields(headers), data=masked_preview(self.head),
            )
        )  # fmt: skip
        try:
            sock.sendall(self.head)
        except OSError as error:
            self.report.say(f"The request was cut off: {in_words(error)}.")

    def _receive(self, sock: Socket) -> None:
        """Take the answer until it is whole, the other side closes, or nothing comes any more."""
        hearing = self.hearing
        while not hearing.over:
            try:
                data = sock.recv(SEGMENT)
            except TimeoutError:
                hearing.fail(hearing.silence(self.timeout))
            except OSError as error:
                hearing.fail(f"The connection broke: {in_words(error)}.")
            else:
                if data and not hearing.came:
                    self._moment("first_byte_ms")
                hearing.feed(data)

    def _moment(self, name: str) -> None:
        self._moments[name] = round(1000 * (time.perf_counter() - self._start), 3)

    def _tell_response(self) -> None:
        response = self.hearing.response
        if response:
            self.report.emit(
                HttpResponse(
                    t=now(), conn=self._conn, peer=self.where, way="to_client", number=1, method=self.method,
                    target=self._target, status=response.status, reason=response.reason,
                    version=response.version, headers=shown_fields(response.headers), size=self.hearing.size,
                    ms=self._moments["total_ms"], data=masked_preview(self.hearing.preview),
                )
            )  # fmt: skip

    def fetch(self) -> Fetch:
        """What came of it."""
        hearing, response = self.hearing, self.hearing.response
        request = masked(self.head).decode("utf-8", "replace")
        found = Fetch(way=self.way, number=self.number, address=self.where, request=request, error=self.error)
        found = structs.replace(found, faults=hearing.faults, **self._moments)
        if not response:
            return found
        verdict, reason = "", ""
        if self.way == "proxy":
            verdict, reason = verdict_of(self.method, response.status, response.headers, hearing.message)
        return structs.replace(
            found,
            status=response.status,
            phrase=response.reason,
            version=response.version,
            headers=fields_shown(response.headers),
            verdict=verdict,
            meaning=MEANINGS.get(verdict, "") if self.way == "proxy" else "",
            reason=reason,
            cache_status=response.headers.get("cache-status"),
            via=response.headers.get("via"),
            age=age_of(response.headers),
            size=hearing.size,
            sha256=hearing.sha256,
            framing=hearing.framing,
            message=hearing.message,
        )


def unreachable(where: str, error: OSError, seconds: float) -> str:
    """Why there is no connection, and what to do about it."""
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens on {where} (connection refused). Does the program run, and is this its port?"
    if isinstance(error, TimeoutError):
        return f"{where} did not take the connection within {seconds:g} s. Does a firewall stand between?"
    return f"{where} cannot be reached: {in_words(error)}. Check the address and the network."
