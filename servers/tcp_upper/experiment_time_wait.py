"""Experiment «time-wait»: who closes first keeps the port for a while (RFC 9293, 3.6.1, 3.3.2)."""

from __future__ import annotations

import socket

from servers.kit.addresses import time_waits
from servers.tcp_upper.experiment_stage import Stage, errno_of

TITLE = "Why a server cannot start again at once"
ANSWERS = ("in-use", "works")
MEANS = {
    ("bind", "EADDRINUSE"): "Nobody listens, and still: a closed connection of this port is in TIME-WAIT.",
    ("recv", "end"): "The other side has closed first: it is the one that will wait.",
    ("setsockopt", ""): "A port with connections in TIME-WAIT may be bound again.",
}


def play(stage: Stage) -> str:
    """Close in both orders, and start the server again."""
    plain = again(stage, server_first=True, reuse=False)
    stage.claim("the server closes first, then bind()", "EADDRINUSE", plain)
    shared = again(stage, server_first=True, reuse=True)
    stage.claim("the same with SO_REUSEADDR on both", "works", shared)
    other = again(stage, server_first=False, reuse=False)
    stage.claim("the client closes first, then bind()", "works", other)
    return "in-use" if plain == "EADDRINUSE" else "works"


def again(stage: Stage, server_first: bool, reuse: bool) -> str:
    """One connection; one side closes first; what bind() of the same port says then."""
    words = "the server closes first" if server_first else "the client closes first"
    stage.remark(words[0].upper() + words[1:] + (", with SO_REUSEADDR." if reuse else "."))
    server = stage.socket("server")
    if reuse:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((stage.host, 0))
    server.listen(5)
    address = server.getsockname()[:2]
    client = stage.socket("client")
    client.connect(address)
    connection = stage.accept(server)
    first, last = (connection, client) if server_first else (client, connection)
    first.close()
    last.recv(100)
    last.close()
    server.close()
    waiting = time_waits(address[1])
    if waiting:
        stage.remark(f"In TIME-WAIT at port {address[1]}: {waiting} (the system tells, as ss -tan does).")
    second = stage.socket("second server")
    if reuse:
        second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    said = errno_of(second.bind, address)
    second.close()
    return said
