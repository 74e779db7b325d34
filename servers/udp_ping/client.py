"""The UDP ping client: sends pings at a steady pace, times the replies, counts the losses.

Run it alone:   python -m servers.udp_ping.client 127.0.0.1 12000 -c 10

UDP promises nothing: a reply may come late, twice, out of order, garbled, or never. So
each reply is matched to its ping by SEQ, and never counted as another ping's.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections import OrderedDict

from servers.kit.addresses import resolve, show
from servers.kit.command import run_client
from servers.kit.errors import ProtocolError
from servers.kit.events import printable
from servers.kit.report import Report, now
from servers.kit.sockets import Socket, in_words
from servers.udp_ping.events import PingOutcome, PingStarted, Status
from servers.udp_ping.lab import LAB
from servers.udp_ping.protocol import differing, is_answer, read_seq, write_ping
from servers.udp_ping.settings import Request
from servers.udp_ping.stats import Probe, ending, summarize

GARBLED = 8
"""A reply that differs from the right one in at most so many bits is that one, garbled."""
NEAR = 1000
"""A garbled reply is compared with so many of the newest pings."""
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
            run.give_up()
    result = summarize(run.probes, 1000 * run.seconds)
    report.say(f"\n--- {show(address)} ping statistics ---")
    for line in ending(result):
        report.say(line)
    report.result(result)
    return 0 if result.received else 1


class PingRun:
    """One run: the pings that are out, and what is known of those that are not."""

    def __init__(self, sock: Socket, request: Request, report: Report) -> None:
        self.sock, self.request, self.report = sock, request, report
        self.me = show(sock.getsockname())
        self.probes: list[Probe] = []
        self.seconds = 0.0
        self._start = time.perf_counter()
        self._wall = now()
        self._sent: dict[int, tuple[float, float]] = {}  # SEQ -> perf_counter(), TIME
        self._place: dict[int, int] = {}  # SEQ -> place in probes, once its outcome is known
        self._open: OrderedDict[int, None] = OrderedDict()  # SEQs that still wait
        self._highest = 0  # the highest SEQ answered so far
        self._slowest = 0.0  # the longest RTT of a late reply, in seconds
        self._told = ""

    def go(self) -> None:
        """Send every ping at its time, and take replies in between."""
        peer = show(self.sock.getpeername())
        self.report.emit(PingStarted(t=now(), peer=self.me, server=peer, count=self.request.count))
        for seq in range(1, self.request.count + 1):
            self._receive_until(self._start + (seq - 1) * self.request.interval)
            self._send(seq)
        last = self._sent[self.request.count][0]
        self._receive_until(last + self.request.timeout, until_known=True)
        self._receive_until(time.perf_counter() + GRACE_S)
        self._receive_until(last + self._patience(), until_known=True, late_too=True)

    def give_up(self) -> None:
        """Stop here: pings that are still out count as lost."""
        for seq in list(self._open):
            self._known(seq, "timeout", None)

    def _patience(self) -> float:
        """Seconds after which a reply to the last ping is no longer looked for.

        Where replies came late, or none came at all, the network may be slow, and what is
        late should be named so. Where the others came in time, the rest is lost.
        """
        least, most = PATIENCE_S
        if self._slowest:
            return min(2 * self._slowest, most)
        answered = any(probe.status != "timeout" for probe in self.probes)
        return 0.0 if answered or self._told else self.request.timeout + least

    def _send(self, seq: int) -> None:
        clock = now()
        message = write_ping(seq, clock, self.request.size)
        self.sock.settimeout(None)
        self._sent[seq] = (time.perf_counter(), clock)
        self._open[seq] = None
        for _ in range(2):
            try:
                self.sock.send(message)
                return
            except OSError as error:  # may be the answer to an earlier ping, told only now
                self._tell(error)

    def _message(self, seq: int) -> bytes:
        return write_ping(seq, self._sent[seq][1], self.request.size)

    def _receive_until(self, deadline: float, until_known: bool = False, late_too: bool = False) -> None:
        """Take replies until the clock says ``deadline``, or until every ping's outcome is known.

        With ``late_too`` a time-out is not the last word on a ping.
        """
        for turn in itertools.count():
            self._expire()
            if until_known and not self._open and not (late_too and self._lost()):
                return
            wake = deadline
            if self._open:
                wake = min(wake, self._sent[next(iter(self._open))][0] + self.request.timeout)
            some = self._receive(wake - time.perf_counter())
            if time.perf_counter() >= deadline and (not some or turn >= DRAIN):
                self._expire()
                return

    def _receive(self, seconds: float) -> bool:
        """Take the next reply; False if none came in so many seconds (0 or less: none is there)."""
        self.sock.settimeout(max(0.0, seconds))
        try:
            reply = self.sock.recv(65535)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as error:  # an ICMP answer to an earlier ping: the port is closed, say
            self._tell(error)
            return False
        self._take(reply, time.perf_counter())
        return True

    def _lost(self) -> bool:
        return any(probe.status == "timeout" for probe in self.probes)

    def _take(self, reply: bytes, at: float) -> None:
        """Tell what a reply is, and to which ping."""
        seq = self._match(reply)
        if seq is None:
            self.report.say(f"A datagram that answers no ping of ours: {len(reply)} bytes")
            return
        rtt = at - self._sent[seq][0]
        before = self.probes[self._place[seq]].status if seq in self._place else None
        whole = is_answer(reply, self._message(seq))
        if before in ("reply", "late") or (before == "corrupt" and not whole):
            self._known(seq, "duplicate", rtt, reply)
        elif not whole:
            self._known(seq, "corrupt", rtt, reply)
        elif rtt > self.request.timeout:
            self._slowest = max(self._slowest, rtt)
            self._known(seq, "late", rtt, reply)
        else:
            self._known(seq, "reply", rtt, reply)

    def _match(self, reply: bytes) -> int | None:
        """The SEQ that a reply answers; of a garbled one, the ping it is nearest to."""
        try:
            seq = read_seq(reply)
            if seq in self._sent and is_answer(reply, self._message(seq)):
                return seq
        except ProtocolError:
            pass
        newest = itertools.islice(reversed(self._sent), NEAR)
        near = ((differing(reply, self._message(s)), s) for s in newest)
        best = min(near, default=(GARBLED + 1, 0))
        return best[1] if best[0] <= GARBLED else None

    def _expire(self) -> None:
        """Those that waited too long are lost."""
        clock = time.perf_counter()
        while self._open:
            first = next(iter(self._open))
            if clock - self._sent[first][0] < self.request.timeout:
                return
            self._known(first, "timeout", None)

    def _known(self, seq: int, status: Status, rtt: float | None, reply: bytes = b"") -> None:
        """Keep and tell one outcome. A reply takes the place of its ping's time-out or garbled reply."""
        self._open.pop(seq, None)
        sent = self._sent[seq][0] - self._start
        ms = None if rtt is None else 1000 * rtt
        early = status in ("reply", "late") and seq < self._highest
        if status in ("reply", "late"):
            self._highest = max(self._highest, seq)
        probe = Probe(seq, status, ms, round(sent, 6), early)
        if status == "duplicate":
            self.probes.append(probe)
        elif seq in self._place:
            self.probes[self._place[seq]] = probe
        else:
            self._place[seq] = len(self.probes)
            self.probes.append(probe)
        self.seconds = time.perf_counter() - self._start
        self.report.emit(
            PingOutcome(
                t=self._wall + sent, peer=self.me, seq=seq, status=status, rtt_ms=ms, reordered=early
            )
        )
        self._print(probe, reply)

    def _print(self, probe: Probe, reply: bytes) -> None:
        if probe.status == "timeout":
            self.report.say(f"Request timed out (ping {probe.seq})")
            return
        text, seconds = printable(reply, 48), (probe.rtt_ms or 0) / 1000
        note = NOTES[probe.status] + (" (out of order)" if probe.reordered else "")
        self.report.say(f"{text} seq={probe.seq} RTT={seconds:.6f} s{note}")

    def _tell(self, error: OSError) -> None:
        """Say why pings do not get through; the same reason only once."""
        words = in_words(error)
        if isinstance(error, ConnectionRefusedError):
            words = "Refused: no program listens on that port. Is the server running?"
        if words != self._told:
            self._told = words
            self.report.say(words)


if __name__ == "__main__":
    run_client(LAB, ping)
