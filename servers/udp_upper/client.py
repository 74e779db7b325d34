"""The UDP upper-case client: sends a text as a datagram, or many of them, and waits for the replies.

Run it alone:   python -m servers.udp_upper.client 127.0.0.1 12001 hello

Nobody tells a UDP client that a datagram or its reply was lost: it waits as long as it likes. Which reply
belongs to which datagram, protocol.py knows; what came of them all, results.py.
"""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import time
from typing import Any

from servers.kit.addresses import show
from servers.kit.command import run_client
from servers.kit.events import DatagramReceived, DatagramSent, preview, printable
from servers.kit.family import named, reachable
from servers.kit.report import Report, now
from servers.kit.traced import Traced
from servers.udp_upper.lab import LAB
from servers.udp_upper.protocol import judge, messages, place_of
from servers.udp_upper.receiving import Receiver
from servers.udp_upper.results import REFUSED, STATUS, Row, Status, UpperResult, outcome, text_of, why_not
from servers.udp_upper.settings import Request

DRAIN = 100
"""Datagrams taken at the most when the next one is already due."""
INTERNET = (socket.AF_INET, socket.AF_INET6)
"""Families where ECONNREFUSED is the answer to an earlier datagram; a Unix-domain socket knows at once."""


def send_all(host: str, port: int, request: Request, report: Report) -> int:
    """Send the datagrams, wait for the replies, print what came. Exit code 1 if no reply came."""
    family, address = reachable(host, port, socket.SOCK_DGRAM)
    with Traced(report, family, socket.SOCK_DGRAM) as sock, named(sock):
        if request.connected:
            sock.connect(address)  # no packet leaves: it only names the peer
        if request.blocking:
            sock.settimeout(request.timeout)
        else:
            sock.setblocking(False)
        run = Run(sock, address, request, report)
        try:
            run.go()
        except KeyboardInterrupt:
            report.say("")  # ended by hand: tell what was found
        result = run.result()
    report.say(result.summary)
    report.result(result)
    return 0 if result.replies else 1


class Run:
    """One run: its datagrams, when each left, and what came of it."""

    def __init__(self, sock: Traced, address: Any, request: Request, report: Report) -> None:
        self.sock, self.address, self.request, self.report = sock, address, request, report
        self.messages = messages(request.text, request.count, request.size)
        self.receiver = Receiver(sock)
        self.rows: dict[int, Row] = {}
        self.others = 0
        self.trouble = ""
        self._left: list[float] = []
        self._me = ""

    def go(self) -> None:
        """Send every datagram at its time, take replies in between, and wait for the last ones."""
        start = time.perf_counter()
        for place, message in enumerate(self.messages):
            self._receive_until(start + place * self.request.gap / 1000)
            self._send(place, message)
        deadline = time.perf_counter() + self.request.timeout
        while len(self.rows) < len(self.messages) and (left := deadline - time.perf_counter()) > 0:
            if self.request.blocking and left < 0.9 * self.request.timeout:
                socket.socket.settimeout(self.sock, left)  # the rest of the time that was told
            if not self._receive() and not self._wait(deadline):
                return

    def _receive_until(self, due: float) -> None:
        """Take replies until the next datagram is due; then those that are there, within reason."""
        for turn in itertools.count():
            left = due - time.perf_counter()
            if not select.select([self.sock], [], [], max(0.0, left))[0] or (left <= 0 and turn >= DRAIN):
                return
            self._receive()

    def _send(self, place: int, message: bytes) -> None:
        """Send one datagram. A connected socket may only now tell of an earlier one: then once more."""
        self._left.append(time.perf_counter())
        for _ in range(2):
            try:
                if self.request.connected:
                    self.sock.send(message)
                else:
                    self.sock.sendto(message, self.address)
                break
            except OSError as error:
                if not self.request.connected:
                    self.sock.failed("sendto", f"{len(message)} bytes, {show(self.address)}", error)
                if not self._refused(error):
                    self._did_not_leave(place, message, error)
                    return
        else:
            self._did_not_leave(place, message, ConnectionRefusedError())
            return
        self._me = self._me or own_address(self.sock, self.address)
        data = preview(message)
        self.report.emit(DatagramSent(t=now(), peer=self._me, way="to_server", data=data))
        self.report.say(f"sent {len(message)} bytes: {text_of(message)}")

    def _refused(self, error: OSError) -> bool:
        """Whether it is the answer to an earlier datagram: its port is closed."""
        if not isinstance(error, ConnectionRefusedError) or self.sock.family not in INTERNET:
            return False
        self._say(REFUSED)
        for place in range(len(self._left) - 1, -1, -1):
            if place not in self.rows:
                self.rows[place] = Row(place + 1, "refused", len(self.messages[place]))
                break
        return True

    def _did_not_leave(self, place: int, message: bytes, error: OSError) -> None:
        self._say(why_not(error))
        self.rows.setdefault(place, Row(place + 1, "not sent", len(message)))

    def _receive(self) -> bool:
        """Take the next datagram; whether one was there."""
        try:
            reply, lost, peer = self.receiver.receive(self.request.read)
        except OSError as error:
            self.sock.failed("recvfrom", str(self.request.read), error)
            if not isinstance(error, BlockingIOError | TimeoutError) and not self._refused(error):
                raise
            return self.request.blocking and not isinstance(error, TimeoutError)
        event = DatagramReceived(
            t=now(), peer=self._me, way="to_client", data=preview(reply), asked=self.request.read, lost=lost
        )
        self.report.emit(event)
        self._take(reply, lost, show(peer or ""))
        return True

    def _wait(self, deadline: float) -> bool:
        """recvfrom() found nothing: without blocking, select() waits; whether it is worth another try."""
        if self.request.blocking:
            return False
        left = max(0.0, deadline - time.perf_counter())
        ready = select.select([self.sock], [], [], left)[0]
        self.sock.told("select", f"{left:.3f} s", "a datagram is there" if ready else "nothing came")
        return bool(ready)

    def _take(self, reply: bytes, lost: int, peer: str) -> None:
        """Find out which datagram this answers, and how."""
        place = place_of(reply, len(self.messages))
        known = place is not None and place < len(self._left)
        if place is None or not known or (place in self.rows and self.rows[place].status != "refused"):
            self.others += 1
            self.report.say(f"from {peer}: {len(reply)} bytes that answer none of ours: {printable(reply)}")
            return
        ms = 1000 * (time.perf_counter() - self._left[place])
        status = STATUS[judge(self.messages[place], reply)]
        self.rows[place] = Row(
            place + 1, status, len(self.messages[place]), len(reply), lost, round(ms, 3),
            text_of(reply),
        )  # fmt: skip
        more = f", and {lost} more are lost" if lost else ""
        self.report.say(f"from {peer}: {len(reply)} bytes{more}, {ms:.3f} ms: {text_of(reply)}")

    def _say(self, words: str) -> None:
        """Say why datagrams do not get through; the same reason only once."""
        if words != self.trouble:
            self.trouble = words
            self.report.say(words)

    def result(self) -> UpperResult:
        """What came of all of them; those that have no row got no reply, or were never sent."""
        for place, message in enumerate(self.messages):
            silent: Status = "no reply" if place < len(self._left) else "not sent"
            self.rows.setdefault(place, Row(place + 1, silent, len(message)))
        rows = [self.rows[place] for place in range(len(self.messages))]
        return outcome(rows, self.others, self.trouble, self.request.connected)


def own_address(sock: socket.socket, address: Any) -> str:
    """The client's address as the server sees it. A socket that is not connected knows its port alone."""
    own = socket.socket.getsockname(sock)  # the port that sendto() gave it
    if sock.family in INTERNET:
        with contextlib.suppress(OSError), socket.socket(sock.family, sock.type) as probe:
            probe.connect(address)  # no packet leaves: the system chooses the way, and with it the address
            own = (probe.getsockname()[0], own[1])
    return show(own)


if __name__ == "__main__":
    run_client(LAB, send_all)
