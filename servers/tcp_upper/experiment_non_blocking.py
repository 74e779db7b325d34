"""Experiment «non-blocking»: calls that do not wait say so, and select() waits for them."""

from __future__ import annotations

import errno
import os
import socket

from servers.tcp_upper.experiment_stage import Actor, Stage, errno_of

TITLE = "Calls that do not wait"
ANSWERS = ("eagain", "waits", "empty")


def play(stage: Stage) -> str:
    """recv() with nothing there, with data, at the end; then connect_ex()."""
    server = stage.socket("server")
    server.bind((stage.host, 0))
    server.listen(5)
    address = server.getsockname()[:2]
    client = stage.socket("client")
    client.connect(address)
    connection = stage.accept(server)

    client.setblocking(False)
    nothing = errno_of(client.recv, 100)
    stage.claim("recv() before anything has come", "EAGAIN", nothing)
    connection.send(b"hello")
    stage.select("client", [client], [], 1.0)
    data = client.recv(100)
    stage.claim("recv() when data is there", "b'hello'", repr(data))
    stage.claim("recv() once more", "EAGAIN", errno_of(client.recv, 100))
    connection.close()
    stage.select("client", [client], [], 1.0)
    stage.claim("recv() when the other side has closed", "b''", repr(client.recv(100)))

    stage.remark("And a connect() that does not wait.")
    stage.claim("connect_ex() to a server", "EINPROGRESS, then connected", begin(stage, address))
    server.close()
    stage.claim("connect_ex() where nobody listens", "EINPROGRESS, then ECONNREFUSED", begin(stage, address))
    return {"EAGAIN": "eagain", "TimeoutError": "waits"}.get(nothing, "empty")


def begin(stage: Stage, address: tuple[str, int]) -> str:
    """Begin to connect; how it began, and what came of it."""
    client: Actor = stage.socket("second client")
    client.setblocking(False)
    code = client.connect_ex(address)
    first = errno.errorcode.get(code, "connected at once")
    if code != errno.EINPROGRESS:
        client.close()
        return first
    stage.select("second client", [], [client], 2.0)
    code = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    said = errno.errorcode.get(code, str(code)) if code else "0"
    stage.told("second client", "getsockopt", "SOL_SOCKET, SO_ERROR", said, os.strerror(code) if code else "")
    client.close()
    return f"{first}, then {said if code else 'connected'}"
