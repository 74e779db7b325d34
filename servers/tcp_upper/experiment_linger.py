"""Experiment «linger»: a close() that ends a connection in good order, and two that reset it."""

from __future__ import annotations

import socket
import struct

from servers.kit.traced import Traced
from servers.tcp_upper.experiment_stage import Stage, errno_of

TITLE = "A close() that resets"
ANSWERS = ("reset", "end", "nothing")
RESET = struct.pack("ii", 1, 0)
"""struct linger: on, for 0 s. Then close() throws away what is not sent, and sends a reset (socket(7))."""
MEANS = {
    ("setsockopt", ""): "On, 0 s: close() will not end the connection but reset it.",
    ("recv", "ECONNRESET"): "A reset, not an end: was the answer whole? Nobody can tell.",
}


def play(stage: Stage) -> str:
    """Three connections: closed in good order, with SO_LINGER, and with bytes that nobody has read."""
    server = stage.socket("server")
    server.bind((stage.host, 0))
    server.listen(5)

    stage.remark("An ordinary close().")
    client, connection = pair(stage, server)
    connection.close()
    stage.claim("recv() after an ordinary close()", "b''", read(client))
    client.close()

    stage.remark("SO_LINGER: on, 0 s.")
    client, connection = pair(stage, server)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()
    reset = read(client)
    stage.claim("recv() after close() with SO_LINGER (1, 0)", "ECONNRESET", reset)
    client.close()

    stage.remark("Bytes that the server has not read when it closes (RFC 2525, 2.17).")
    client, connection = pair(stage, server)
    client.send(b"hello, are you there?")
    stage.select("server", [connection], [], 1.0)
    connection.close()
    stage.claim("recv() after close() with unread bytes", "ECONNRESET", read(client))
    return {"ECONNRESET": "reset", "b''": "end", "TimeoutError": "nothing"}.get(reset, "nothing")


def pair(stage: Stage, server: Traced) -> tuple[Traced, Traced]:
    """A connection's two ends."""
    client = stage.socket("client")
    client.connect(server.getsockname()[:2])
    return client, stage.accept(server)


def read(client: Traced) -> str:
    """What recv() returns, or the errno's name."""
    found: list[bytes] = []
    said = errno_of(lambda: found.append(client.recv(100)))
    return repr(found[0]) if found else said
