"""The UDP heartbeat client: says again and again that it lives. It expects no answer, and gets none.

Run it alone:   python -m servers.udp_heartbeat.client 127.0.0.1 12003 -c 10 -i 1

Each simulated client has a socket of its own. What leaves when, crowd.py says; here are the sockets.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
import time
from typing import Any

from servers.kit.addresses import resolve, show
from servers.kit.command import run_client
from servers.kit.events import DatagramDropped, preview
from servers.kit.report import Report, now
from servers.kit.sockets import Socket, in_words
from servers.udp_heartbeat.byhand import Hand, typing
from servers.udp_heartbeat.crowd import Beat, Crowd, Simulated
from servers.udp_heartbeat.events import HeartbeatClient
from servers.udp_heartbeat.lab import LAB
from servers.udp_heartbeat.request import LONGEST_S, Request
from servers.udp_heartbeat.results import HeartbeatResult, result_of

LOOK_S = 0.5
"""Seconds to sleep at the most: by then the server's refusal of the last one is here."""
GRACE_S = 0.02
"""Seconds in which a refusal of the last heartbeat comes back on this machine."""


def heartbeat(host: str, port: int, request: Request, report: Report) -> int:
    """Send heartbeats until done or told to stop. Exit code 1 if every one was refused."""
    family, address = resolve(host, port, socket.SOCK_DGRAM)
    run = HeartbeatRun(family, address, request, report)
    many = f"{request.clients} clients send" if request.clients > 1 else "sends"
    report.say(f"HEARTBEAT {show(address)}: {many} every {request.interval:g} s; there will be no reply")
    with contextlib.suppress(KeyboardInterrupt):
        run.go()
    run.close()
    result = run.result()
    report.say(f"\n--- {show(address)} heartbeat statistics ---\n{result.summary}")
    report.result(result)
    return 1 if result.sent and result.refused >= result.sent else 0


class HeartbeatRun:
    """One run: the sockets, the clients who use them, and what a person tells them meanwhile."""

    def __init__(self, family: int, address: Any, request: Request, report: Report) -> None:
        self.family, self.address, self.request, self.report = family, address, request, report
        self.started = time.monotonic()
        self.crowd = Crowd(request, self.started)
        self.hand = Hand(self.crowd, self.told)
        self.peers: dict[int, str] = {}
        self._socks: dict[int, Socket] = {}
        self._refused = 0
        self._trouble = ""
        self._ended = 0.0

    def go(self) -> None:
        """Send each heartbeat when it is due."""
        with self.hand.lock:
            for client in self.crowd.clients:
                self.told(client, "sends")
        if self.request.by_hand:
            self._listen()
        longest = LONGEST_S if self.report.audience == "dashboard" and not self.request.by_hand else math.inf
        while not self.hand.over.is_set() and time.monotonic() - self.started < longest:
            with self.hand.lock:
                self._turn()
                due = self.crowd.due()
            if due == math.inf and not self.request.by_hand:
                break
            self.hand.wake.wait(max(0.0, min(due - time.monotonic(), LOOK_S)))
            self.hand.wake.clear()
        time.sleep(GRACE_S)

    def told(self, client: Simulated, does: Any) -> None:
        """A client does something else from now on: open or close its socket, and tell of it."""
        if does != "stopped" and client.number not in self._socks:
            self._open(client)
        self.report.emit(
            HeartbeatClient(
                t=now(), peer=self.peers[client.number], server=show(self.address), number=client.number,
                does=does, seq=client.seq, interval=client.interval,
            )
        )  # fmt: skip
        if self.request.by_hand or does in ("silent", "unplugged"):
            self.report.say(f"client {client.number} ({self.peers[client.number]}): {does}")
        if does == "stopped" and self.request.by_hand:
            self._close(client.number)

    def result(self) -> HeartbeatResult:
        """What was sent, by whom."""
        seconds = (self._ended or time.monotonic()) - self.started
        return result_of(self.crowd.clients, self.peers, seconds, self._refused)

    def close(self) -> None:
        """End what is still open. Orders that come now come too late."""
        self._ended = time.monotonic()
        with self.hand.lock:
            self.hand.over.set()
            for client in self.crowd.clients:
                if client.number in self._socks and client.does != "stopped":
                    self.told(client, "stopped")
            for number in list(self._socks):
                self._close(number)

    # -- inside

    def _turn(self) -> None:
        """Send what is due by now."""
        beats, changed = self.crowd.take(time.monotonic(), now())
        for beat in beats:
            self._send(beat)
        for client in changed:
            self.told(client, client.does)

    def _send(self, beat: Beat) -> None:
        number = beat.client.number
        if number not in self._socks:  # it was stopped while this one was held back
            return
        if not beat.left:
            data = preview(beat.datagram)
            self.report.emit(DatagramDropped(t=now(), peer=self.peers[number], way="to_server", data=data))
        else:
            self._leave(self._socks[number], beat.datagram)
        if not self.request.by_hand:
            who = f"client {number}: " if self.request.clients > 1 else ""
            note = "" if beat.left else " (lost on purpose)"
            self.report.say(who + beat.datagram.decode() + (" (again)" if beat.copy else note))

    def _leave(self, sock: Socket, datagram: bytes) -> None:
        """Send a datagram. An error may be the answer to an earlier one, told only now: then once more."""
        for _ in range(2):
            try:
                sock.send(datagram)
                return
            except OSError as error:
                self._complain(error)

    def _complain(self, error: OSError) -> None:
        """Say why heartbeats do not get through; the same reason only once."""
        self._refused += 1
        words = in_words(error)
        if isinstance(error, ConnectionRefusedError):
            words = "Refused: no program listens on that port. Is the server running? We go on, it may come."
        if words != self._trouble:
            self._trouble = words
            self.report.say(words)

    def _open(self, client: Simulated) -> None:
        sock = Socket(self.report, self.family, socket.SOCK_DGRAM)
        self._socks[client.number] = sock
        sock.connect(self.address)  # no packet leaves: it only names the peer
        self.peers[client.number] = show(sock.getsockname())

    def _close(self, number: int) -> None:
        """End a client's socket, after a look whether its last heartbeat was refused."""
        sock = self._socks.pop(number)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._complain(OSError(code, os.strerror(code)))
        sock.close()

    def _listen(self) -> None:
        """Take orders: from the page, or from the terminal's lines."""
        if self.report.audience == "dashboard":
            self.report.on_input(self.hand.take)
            return
        self.report.say("Type «silence 1», «wake 1», «unplug 1», «restart 1»; Ctrl-D ends.")
        threading.Thread(target=typing, args=(self.hand, self.report), name="typing", daemon=True).start()


if __name__ == "__main__":
    run_client(LAB, heartbeat)
