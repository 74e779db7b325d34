"""Experiment «long-line»: a line longer than the buffer. TCP keeps the rest, UDP loses it (RFC 768, 9293)."""

from __future__ import annotations

import socket

from servers.tcp_upper.experiment_stage import Stage, errno_of

TITLE = "A line longer than the buffer"
ANSWERS = ("lost", "kept")
LINE = b"abcdefghijklmnopqrstuvwxyz"
SIZE = 8
MEANS = {
    ("recv", ""): "The next bytes of the stream; the rest waits.",
    ("recvfrom", ""): "The head of the datagram. The rest is thrown away.",
    ("recvfrom", "EAGAIN"): "The rest does not come with the next call: there is none.",
}


def play(stage: Stage) -> str:
    """The same line over both, read eight bytes at a time."""
    stage.remark("Over TCP: a stream of bytes.")
    server = stage.socket("server")
    server.bind((stage.host, 0))
    server.listen(5)
    client = stage.socket("client")
    client.connect(server.getsockname()[:2])
    connection = stage.accept(server)
    client.send(LINE)
    client.close()
    parts = []
    while part := connection.recv(SIZE):
        parts.append(part)
    seen = " ".join(part.decode() for part in parts)
    stage.claim("TCP, recv(8) again and again", "abcdefgh ijklmnop qrstuvwx yz", seen)

    stage.remark("Over UDP: a datagram.")
    server = stage.socket("server", socket.SOCK_DGRAM)
    server.bind((stage.host, 0))
    client = stage.socket("client", socket.SOCK_DGRAM)
    client.sendto(LINE, server.getsockname()[:2])
    stage.select("server", [server], [], 1.0)
    server.setblocking(False)
    head, again = server.recvfrom(SIZE)[0], errno_of(server.recvfrom, SIZE)
    stage.claim("UDP, recvfrom(8)", "abcdefgh", head.decode())
    stage.claim("UDP, recvfrom(8) once more", "EAGAIN", again)
    return "lost" if again == "EAGAIN" else "kept"
