"""The UDP ping client: sends pings at a steady pace, times the replies, counts the losses.

Run it alone:   python -m servers.udp_ping.client 127.0.0.1 12000 -c 10

Here are the socket and the clock: when to send, and how long to listen. What a reply is,
and to which ping, pings.py finds out.
"""

from __future__ import annotations

import itertools
import socket
import time

from servers.kit.addresses import resolve, show
from servers.kit.command import run_client
from servers.kit.events import printable
from servers.kit.report import Report, now
from servers.kit.sockets import Socket, in_words
from servers.udp_ping.events import PingOutcome, PingStarted
from servers.udp_ping.lab import LAB
from servers.udp_ping.pings import Pings
from servers.udp_ping.settings import Request
from servers.udp_ping.stats import Probe, ending, summarize

DRAIN = 100
"""Replies taken at the most when the next ping is already due."""
GRACE_S = 0.05
"""Seconds to go on listening after the last outcome, for a duplicate."""
PATIENCE_S = (1.0, 20.0)
"""Seconds, at least and at the most, to go on listening for late replies on a slow network."""

NOTES = {"reply": "", "late": " (late: counts as lost)", "duplicate": " (DUP!)", "corrupt": " (garbled)"}
"""What stands behind a reply's line."""


def ping(host: str, port: int, request: Request, report: Report) -> int:
    """Ping until done or told to stop; print as ping does. Exit code 1 if no reply came."""
    family, address = resolve(host, port, socket.SOCK_DGRAM)
    with Socket(report, family, socket.SOCK_DGRAM) as sock:
        sock.connect(address)  # no packet leaves: it only names the peer
        run = PingRun(sock, request, report)
        report.say(f"PING {show(address)} with {request.count} datagrams, time-out {request.timeout:g} s")
        try:
            run.go()
        except KeyboardInterrupt:
            report.say("")  # as on Ctrl-C in ping: end here, and tell what was found
            run.pings.give_up()
    result = summarize(run.pings.probes, 1000 * run.seconds)
    report.say(f"\n--- {show(address)} ping statistics ---")
    for line in ending(result):
        report.say(line)
    report.result(result)
    return 0 if result.received else 1


class PingRun:
    """One run: sends the pings, listens for replies, and tells each outcome."""

    def __init__(self, sock: Socket, request: Request, report: Report) -> None:
        self.sock, self.request, self.report = sock, request, report
        self.me = show(sock.getsockname())
        self.seconds = 0.0  # until the last outcome
        self._start, self._wall = time.perf_counter(), now()
        self._trouble = ""  # why pings do not get through, as far as it was said
        self.pings = Pings(self._start, request.timeout, request.size, self._tell)

    def go(self) -> None:
        """Send every ping at its time, take replies in between, and wait for the last ones."""
        peer = show(self.sock.getpeername())
        self.report.emit(PingStarted(t=now(), peer=self.me, server=peer, count=self.request.count))
        for seq in range(1, self.request.count + 1):
            self._receive_until(self._start + (seq - 1) * self.request.interval)
            last = self._send(seq)
        self._receive_until(last + self.request.timeout, until_known=True)
        self._receive_until(time.perf_counter() + GRACE_S)
        waited = 0.0
        while (patience := self._patience()) > waited:  # a late reply may show that it takes more
            self._receive_until(last + patience, until_known=True, late_too=True)
            waited = patience

    def _patience(self) -> float:
        """Seconds after which a reply to the last ping is no longer looked for.

        Where replies came late, or none came at all, the network may be slow, and what is
        late should be named so. Where the others came in time, the rest is lost.
        """
        least, most = PATIENCE_S
        if self.pings.slowest:
            return min(2 * self.pings.slowest, most)
        answered = self.pings.has("reply") or self.pings.has("corrupt")
        return 0.0 if answered or self._trouble else self.request.timeout + least

    def _send(self, seq: int) -> float:
        """Send one ping; when it left."""
        self.sock.settimeout(None)
        left = time.perf_counter()
        message = self.pings.leaves(seq, left, now())
        for _ in range(2):
            try:
                self.sock.send(message)
                break
            except OSError as error:  # may be the answer to an earlier ping, told only now
                self._complain(error)
        return left

    def _receive_until(self, deadline: float, until_known: bool = False, late_too: bool = False) -> None:
        """Take replies until the clock says ``deadline``, or until every ping's outcome is known.

        With ``late_too`` a time-out is not the last word on a ping.
        """
        for turn in itertools.count():
            self.pings.expire(time.perf_counter())
            expiry = self.pings.next_expiry()
            if until_known and expiry is None and not (late_too and self.pings.has("timeout")):
                return
            wake = deadline if expiry is None else min(deadline, expiry)
            some = self._receive(wake - time.perf_counter())
            if time.perf_counter() >= deadline and (not some or turn >= DRAIN):
                self.pings.expire(time.perf_counter())
                return

    def _receive(self, seconds: float) -> bool:
        """Take the next reply; False if none came in so many seconds (0 or less: none is there)."""
        self.sock.settimeout(max(0.0, seconds))
        try:
            reply = self.sock.recv(65535)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as error:  # an ICMP answer to an earlier ping: the port is closed, say
            self._complain(error)
            return False
        if not self.pings.take(reply, time.perf_counter()):
            self.report.say(f"A datagram that answers no ping of ours: {len(reply)} bytes")
        return True

    def _tell(self, probe: Probe, reply: bytes) -> None:
        """Tell one outcome: to the dashboard as an event, to the terminal as a line."""
        self.seconds = time.perf_counter() - self._start
        self.report.emit(
            PingOutcome(
                t=self._wall + probe.sent,
                peer=self.me,
                seq=probe.seq,
                status=probe.status,
                rtt_ms=probe.rtt_ms,
                reordered=probe.reordered,
            )
        )
        if probe.rtt_ms is None:
            self.report.say(f"Request timed out (ping {probe.seq})")
            return
        note = NOTES[probe.status] + (" (out of order)" if probe.reordered else "")
        text, rtt = printable(reply, 48), probe.rtt_ms / 1000
        self.report.say(f"{text} seq={probe.seq} RTT={rtt:.6f} s{note}")

    def _complain(self, error: OSError) -> None:
        """Say why pings do not get through; the same reason only once."""
        words = in_words(error)
        if isinstance(error, ConnectionRefusedError):
            words = "Refused: no program listens on that port. Is the server running?"
        if words != self._trouble:
            self._trouble = words
            self.report.say(words)


if __name__ == "__main__":
    run_client(LAB, ping)
