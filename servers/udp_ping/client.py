"""The UDP ping client: sends pings at a steady pace, times the replies, counts the losses.

Run it alone:   python -m servers.udp_ping.client 127.0.0.1 12000 -c 10

UDP promises nothing: a reply may come late, twice, out of order, garbled, or never. So
each reply is matched to its ping by SEQ, and never counted as another ping's.
"""

from __future__ import annotations

import socket
import time

from servers.kit.addresses import resolve, show
from servers.kit.command import run_client
from servers.kit.errors import ProtocolError
from servers.kit.report import Report, now
from servers.kit.sockets import Socket
from servers.udp_ping.events import PingOutcome, PingStarted, Status
from servers.udp_ping.lab import LAB, Request
from servers.udp_ping.protocol import differing, is_answer, read_seq, write_ping
from servers.udp_ping.stats import Probe, ending, summarize

GARBLED = 4
"""A reply that differs from the right one in at most so many bytes is that one, garbled."""

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
        self._sent: dict[int, tuple[float, bytes]] = {}  # SEQ -> when (perf_counter), what
        self._place: dict[int, int] = {}  # SEQ -> place in probes, once its outcome is known
        self._open: dict[int, None] = {}  # SEQs that still wait, in order
        self._highest = 0  # the highest SEQ answered so far
        self._refused = False

    def go(self) -> None:
        """Send every ping at its time, and take replies in between."""
        peer = show(self.sock.getpeername())
        self.report.emit(PingStarted(t=now(), peer=self.me, server=peer, count=self.request.count))
        for seq in range(1, self.request.count + 1):
            self._receive_until(self._start + (seq - 1) * self.request.interval)
            self._send(seq)
        while self._open:
            last = next(reversed(self._open))
            self._receive_until(self._sent[last][0] + self.request.timeout, stop_when_done=True)
            self._expire()

    def give_up(self) -> None:
        """Stop here: pings that are still out count as lost."""
        for seq in list(self._open):
            self._known(seq, "timeout", None)

    def _send(self, seq: int) -> None:
        message = write_ping(seq, now(), self.request.size)
        self._sent[seq] = (time.perf_counter(), message)
        self._open[seq] = None
        try:
            self.sock.send(message)
        except ConnectionRefusedError:  # an answer to an earlier ping, told only now
            self._tell_refused()
            self.sock.send(message)

    def _receive_until(self, deadline: float, stop_when_done: bool = False) -> None:
        """Take replies until the clock says ``deadline``."""
        while not (stop_when_done and not self._open):
            self._expire()
            if stop_when_done and not self._open:
                return
            wake = deadline
            if self._open:
                wake = min(wake, self._sent[next(iter(self._open))][0] + self.request.timeout)
            wait = wake - time.perf_counter()
            if wait <= 0 and wake == deadline:
                return
            self.sock.settimeout(max(wait, 0.0001))
            try:
                reply = self.sock.recv(65535)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                self._tell_refused()
                continue
            self._take(reply, time.perf_counter())

    def _take(self, reply: bytes, at: float) -> None:
        seq = self._match(reply)
        if seq is None:
            self.report.say(f"A datagram that answers no ping of ours: {len(reply)} bytes")
            return
        rtt = at - self._sent[seq][0]
        if not is_answer(reply, self._sent[seq][1]):
            self._known(seq, "corrupt", rtt, reply)
        elif seq in self._place and self.probes[self._place[seq]].status != "timeout":
            self._known(seq, "duplicate", rtt, reply)
        elif rtt > self.request.timeout:
            self._known(seq, "late", rtt, reply)
        else:
            self._known(seq, "reply", rtt, reply)

    def _match(self, reply: bytes) -> int | None:
        """The SEQ that a reply answers; of a garbled one, the ping it is nearest to."""
        try:
            seq = read_seq(reply)
            if seq in self._sent and is_answer(reply, self._sent[seq][1]):
                return seq
        except ProtocolError:
            pass
        out = [*self._open, *(s for s in self._place if self.probes[self._place[s]].status == "timeout")]
        near = [(differing(reply, self._sent[s][1]), s) for s in out[-1000:]]
        best = min(near, default=(GARBLED + 1, 0))
        return best[1] if best[0] <= GARBLED else None

    def _expire(self) -> None:
        """Those that waited too long are lost."""
        clock = time.perf_counter()
        for seq in list(self._open):
            if clock - self._sent[seq][0] < self.request.timeout:
                return
            self._known(seq, "timeout", None)

    def _known(self, seq: int, status: Status, rtt: float | None, reply: bytes = b"") -> None:
        """Keep and tell one outcome. A late reply takes the place of its time-out."""
        self._open.pop(seq, None)
        sent = self._sent[seq][0] - self._start
        ms = None if rtt is None else 1000 * rtt
        early = status in ("reply", "late") and seq < self._highest
        if status in ("reply", "late"):
            self._highest = max(self._highest, seq)
        probe = Probe(seq, status, ms, round(sent, 6), early)
        if seq in self._place and status in ("late", "corrupt"):
            self.probes[self._place[seq]] = probe
        else:
            if status != "duplicate":
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
        text = reply[:48].decode("ascii", "replace")
        note = NOTES[probe.status] + (" (out of order)" if probe.reordered else "")
        self.report.say(f"{text} seq={probe.seq} RTT={(probe.rtt_ms or 0) / 1000:.6f} s{note}")

    def _tell_refused(self) -> None:
        if not self._refused:
            self._refused = True
            self.report.say("Refused: no program listens on that port. Is the server running?")


if __name__ == "__main__":
    run_client(LAB, ping)
