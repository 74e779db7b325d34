"""The web lab's client: sends a request, and shows the answer.

Run it alone:   python -m servers.http_web.client 127.0.0.1 6789 HelloWorld.html

Here are the socket and the clock. compose.py makes the request's bytes, exchange.py reads the
answer and names its faults, printing.py prints it.
"""

from __future__ import annotations

import socket
import sys
import time

from servers.http_web.compose import Composed, compose, curl_line
from servers.http_web.events import DownloadProgress
from servers.http_web.exchange import KEEP, KEEP_LATER, Exchange, Hearing, Result, Timing, request_shown
from servers.http_web.lab import LAB
from servers.http_web.printing import Output, Printer
from servers.http_web.settings import Request
from servers.kit.addresses import resolve, show
from servers.kit.command import run_client
from servers.kit.errors import LabError
from servers.kit.masked_http import HttpSocket
from servers.kit.masked_stream import Spare
from servers.kit.report import Report, now
from servers.kit.sockets import in_words

SEGMENT = 64 * 1024
"""Bytes taken from the socket at once."""
PROGRESS_S = 0.2
"""Seconds between two events that tell how much has come."""
GO_AHEAD_S = 1.0
"""Seconds to wait for 100 Continue before the body is sent unasked (RFC 9110, 10.1.1)."""
SAFE_AGAIN = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE")
"""Methods whose request may be sent a second time (RFC 9110, 9.2.2)."""


def ask(host: str, port: int, request: Request, report: Report) -> int:
    """Send the requests, print the answers. Exit code 0 if each answer came whole, else 1."""
    run = ClientRun(host, port, request, report)
    try:
        good = run.go()
    except KeyboardInterrupt:
        run.printer.note("Interrupted.")
        good = False
    finally:
        run.hang_up()
    if run.exchanges:
        report.result(Result(curl_line(host, port, request), run.exchanges))
    return 0 if good else 1


class ClientRun:
    """One run: one connection as long as it lasts, and the requests on it, one after the other."""

    def __init__(self, host: str, port: int, request: Request, report: Report) -> None:
        self.host, self.port, self.request, self.report = host, port, request, report
        self.sock: HttpSocket | None = None
        self._spare = Spare(report)
        self.exchanges: list[Exchange] = []
        text: Output = "terminal" if sys.stdout.isatty() else "pipe"
        self.printer = Printer(text if report.audience == "text" else report.audience, report.say)
        self._start = self._told = 0.0
        self._moments: dict[str, float] = {}

    def go(self) -> bool:
        """All requests; whether each was answered. Raises LabError where no connection can be made."""
        times = 1 if self.request.raw else self.request.times
        for number in range(1, times + 1):
            exchange = self._exchange(compose(self.host, self.port, self.request, last=number == times))
            self.exchanges.append(exchange)
            self._tell(exchange)
            if exchange.error:
                return False
            if number < times and self.sock is None:
                self.printer.note("The server closed the connection; the next request opens a new one.")
        return True

    def hang_up(self) -> None:
        """Close the connection, if one is open."""
        if self.sock:
            self.sock.close()
            self.sock = None

    def _exchange(self, composed: Composed) -> Exchange:
        """One request and its answer; sent once more if an idle connection had ended meanwhile."""
        reused, self._start, self._moments = self.sock is not None, time.perf_counter(), {}
        sock = self.sock or self._connect()
        self._moment("connect_ms")
        sock.begins()
        hearing = Hearing(composed, self.printer, KEEP_LATER if self.exchanges else KEEP)
        whole = self._send(sock, composed, hearing)
        self._listen(sock, hearing)
        self._moment("total_ms")
        self.printer.end()
        if not (whole and hearing.keeps):
            self.hang_up()
        if reused and hearing.error and not hearing.came and composed.method in SAFE_AGAIN:
            self.printer.note(
                "The server had closed the idle connection; the request is sent again on a new one."
            )
            return self._exchange(composed)
        timing = Timing(**self._moments)
        return Exchange(request_shown(composed), hearing.shown(), timing, reused, hearing.error)

    def _connect(self) -> HttpSocket:
        """A new connection, kept for the next request. Raises LabError with what to do."""
        family, address = resolve(self.host, self.port, socket.SOCK_STREAM)
        self.sock = sock = HttpSocket(self._spare, family)
        sock.settimeout(self.request.timeout)
        try:
            sock.connect(address)
        except OSError as error:
            raise LabError(unreachable(show(address), error, self.request.timeout)) from None
        return sock

    def _send(self, sock: HttpSocket, composed: Composed, hearing: Hearing) -> bool:
        """Send the request; whether all of it left. A server may answer and hang up before."""
        try:
            sock.sendall(composed.head if composed.asks else composed.head + composed.body)
            if composed.asks:
                self._await_go_ahead(sock, hearing)
                if hearing.response or hearing.over:
                    return False
                sock.settimeout(self.request.timeout)
                sock.sendall(composed.body)
        except TimeoutError:
            hearing.fail(f"The server took no more of the request for {self.request.timeout:g} s.")
            return False
        except OSError as error:
            self.printer.note(f"The request was cut off: {in_words(error)}.")
            return False
        self._moment("sent_ms")
        return True

    def _await_go_ahead(self, sock: HttpSocket, hearing: Hearing) -> None:
        """Wait for 100 Continue or a final answer; not for ever, for the server may not know it."""
        end = time.perf_counter() + GO_AHEAD_S
        while not (hearing.interim or hearing.response or hearing.over):
            sock.settimeout(max(0.001, end - time.perf_counter()))
            try:
                data = sock.recv(SEGMENT)
            except TimeoutError:
                return
            self._heard(hearing, data)

    def _listen(self, sock: HttpSocket, hearing: Hearing) -> None:
        """Take the answer until it is whole, the server closes, or nothing comes any more."""
        sock.settimeout(self.request.timeout)
        while not hearing.over:
            try:
                data = sock.recv(SEGMENT)
            except TimeoutError:
                hearing.fail(hearing.silence(self.request.timeout))
            except OSError as error:
                hearing.fail(f"The connection broke: {in_words(error)}.")
            else:
                self._heard(hearing, data)

    def _heard(self, hearing: Hearing, data: bytes) -> None:
        if data and not hearing.came:
            self._moment("first_byte_ms")
            self._told = time.perf_counter()
        hearing.feed(data)
        if hearing.size and time.perf_counter() - self._told >= PROGRESS_S:
            self._told = time.perf_counter()
            self.report.emit(DownloadProgress(t=now(), done=hearing.size, total=hearing.total))

    def _moment(self, name: str) -> None:
        self._moments[name] = round(1000 * (time.perf_counter() - self._start), 3)

    def _tell(self, exchange: Exchange) -> None:
        """Say in a few lines how it went."""
        answer, note = exchange.response, self.printer.note
        for fault in answer.faults if answer else ():
            note(f"Fault: {fault}")
        if exchange.error:
            note(f"No whole answer: {exchange.error}")
        elif answer:
            what = f"{answer.status} {answer.reason}".rstrip() if answer.status else answer.version
            size = f"{answer.body_size} bytes" if answer.body_size != 1 else "1 byte"
            note(f"--- {what}: a body of {size}, after {exchange.timing.total_ms:.1f} ms")


def unreachable(where: str, error: OSError, seconds: float) -> str:
    """Why there is no connection, and what to do about it."""
    if isinstance(error, ConnectionRefusedError):
        return (
            f"Nothing listens on {where} (connection refused). Is the server running, and is this its port?"
        )
    if isinstance(error, TimeoutError):
        return (
            f"{where} did not take the connection within {seconds:g} s. Is the machine on, does its firewall "
            "let you in, or are more clients waiting than the server can hold?"
        )
    return f"{where} cannot be reached: {in_words(error)}. Check the address and the network."


if __name__ == "__main__":
    run_client(LAB, ask)
