"""Experiment «nagle»: small sends that wait for an acknowledgement that waits, too (RFC 896; RFC 1122)."""

from __future__ import annotations

import socket
import statistics
import time

from servers.kit.traced import Traced
from servers.tcp_upper.experiment_stage import Stage

TITLE = "Write, write, read"
ANSWERS = ("waits", "same")
ROUNDS = 6
SHOWS_MS = 5.0
"""A round that takes so much longer has waited."""
NAGLE = (
    "With Nagle's algorithm, as every socket begins: a small segment leaves at once only if nothing that was "
    "sent before is unacknowledged."
)
WHY = (
    "The second send waits until the first is acknowledged, and the other side delays its acknowledgement "
    "(Linux: 40 ms), because it hopes to send it with an answer. With one send for both there is no wait."
)
MEANS = {
    ("setsockopt", ""): "Nagle's algorithm is off: a small segment does not wait for an acknowledgement.",
    ("send", ""): "",
    ("recv", ""): "",
}


def play(stage: Stage) -> str:
    """The same rounds with Nagle's algorithm and without, and how long each took."""
    with_nagle, without = rounds(stage, nodelay=False), rounds(stage, nodelay=True)
    slow, fast = statistics.median(with_nagle), statistics.median(without)
    waits = slow - fast > SHOWS_MS
    stage.claim("a round with Nagle's algorithm", "up to 40 ms longer", f"{slow - fast:.1f} ms longer", waits)
    stage.remark(WHY if waits else "Nobody waited here: on loopback acknowledgements often come at once.")
    return "waits" if waits else "same"


def rounds(stage: Stage, nodelay: bool) -> list[float]:
    """Milliseconds of each round: two small sends, then wait for the answer to both."""
    stage.remark("With TCP_NODELAY." if nodelay else NAGLE)
    server = stage.socket("server")
    server.bind((stage.host, 0))
    server.listen(5)
    client = stage.socket("client")
    client.connect(server.getsockname()[:2])
    connection = stage.accept(server)
    if nodelay:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        client.send(b"head ")
        client.send(b"body")
        read(connection, 9)
        connection.send(b"answer")
        read(client, 6)
        times.append(1000 * (time.perf_counter() - began))
    for sock in (client, connection, server):
        sock.close()
    stage.remark("Rounds: " + ", ".join(f"{ms:.1f}" for ms in times) + " ms.")
    return times


def read(sock: Traced, size: int) -> None:
    """Read so many bytes, however they come."""
    while size:
        size -= len(sock.recv(100))
