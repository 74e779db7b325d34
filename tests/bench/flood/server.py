"""Reports batches of events, each written out at once, so that ``t`` is when it left."""

from __future__ import annotations

import socket
import time

from servers.kit.addresses import resolve
from servers.kit.command import run_server
from servers.kit.events import DatagramReceived, preview
from servers.kit.report import Report, now
from servers.kit.sockets import Socket
from tests.bench.flood.lab import LAB, Settings

PING, PEER = b"Ping 123 1234567.123456", "127.0.0.1:50000"


def serve(settings: Settings, report: Report) -> None:
    """Report until told to stop; nobody connects."""
    family, address = resolve(settings.host, settings.port, socket.SOCK_STREAM)
    with Socket(report, family, socket.SOCK_STREAM) as sock:
        sock.bind(address)
        sock.listen()
        report.listening(sock.getsockname())
        due = time.monotonic()
        while True:
            due += 1 / settings.batches
            time.sleep(max(0.0, due - time.monotonic()))
            clock = now()
            for _ in range(settings.events):
                report.emit(DatagramReceived(t=clock, peer=PEER, way="to_server", data=preview(PING)))
            report.counters.sent += settings.events
            report.flush()


if __name__ == "__main__":
    run_server(LAB, serve)
