"""Experiment «backlog»: listen(n), nobody accepts, N clients connect. Who is connected? (listen(2))"""

from __future__ import annotations

import errno
import os
import select
import socket
import time

from servers.tcp_upper.experiment_stage import Actor, Stage

TITLE = "More clients than the backlog"
ANSWERS = ("stall", "refused", "all", "none")
SETTLE_S = 0.05
"""Seconds in which a client that can be connected is."""
AGAIN_S = 4.0
"""Seconds in which a client that was not let in asks again: TCP does after 1 s and 3 s (RFC 6298)."""
MEANS = {
    ("listen", ""): "So many connections may wait for accept(). Linux keeps one more.",
    ("connect_ex", "EINPROGRESS"): "The first segment (SYN) has left.",
    ("select", ""): "The server's system has answered, without an accept().",
    ("select", "nothing"): "The queue is full: the SYN was dropped, without a word.",
    ("select", "again"): "TCP repeats a SYN that was not answered.",
    ("accept", ""): "One leaves the queue: there is room for one more.",
}


def play(stage: Stage) -> str:
    """Let N clients connect to a queue of n, look who got in, then accept one."""
    backlog, count = stage.request.backlog, stage.request.connections
    server = stage.socket("server")
    server.bind((stage.host, 0))
    server.listen(backlog)
    address = server.getsockname()[:2]
    states = [knock(stage, number, address) for number in range(1, count + 1)]
    connected = sum(code == 0 for _, code in states)
    waiting = [client for client, code in states if code is None]
    refused = count - connected - len(waiting)
    stage.remark(f"{connected} of {count} are connected, {tally(len(waiting), refused)}. No accept() yet.")
    book = min(backlog + 1, count)
    stage.claim(f"listen({backlog}), {count} clients: connected", str(book), str(connected))
    stage.claim("the others", tally(count - book, 0), tally(len(waiting), refused))
    if waiting:
        let_in(stage, server, waiting)
        return "stall" if connected else "none"
    return "refused" if refused else "all"


def knock(stage: Stage, number: int, address: tuple[str, int]) -> tuple[Actor, int | None]:
    """A client that begins to connect, and what came of it so far: an errno, 0, or None for nothing yet."""
    client = stage.socket(f"client {number}")
    socket.socket.setblocking(client, False)
    code = client.connect_ex(address)
    if code == errno.EINPROGRESS:
        ready = select.select([], [client], [], SETTLE_S)[1]
        code = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if ready else -1
        said = os.strerror(code) if code > 0 else "connected" if ready else "nothing yet"
        stage.told(client.conn, "select", f"to write, {SETTLE_S:g} s", said, key="" if ready else "nothing")
    return client, code if code >= 0 else None


def let_in(stage: Stage, server: Actor, waiting: list[Actor]) -> None:
    """Accept one, and wait for one of those that wait to get in."""
    connection = stage.accept(server)
    began = time.monotonic()
    ready = select.select([], waiting, [], AGAIN_S)[1]
    ms = round(1000 * (time.monotonic() - began))
    if ready:
        stage.told(ready[0].conn, "select", f"to write, {AGAIN_S:g} s", "connected", key="again")
        stage.remark(f"{ms} ms after the accept() its system asked again, and found room.")
    stage.claim("after one accept()", "one more gets in", "one more gets in" if ready else "nobody")
    connection.close()


def tally(waiting: int, refused: int) -> str:
    """What became of those that are not connected."""
    parts = [f"{waiting} still wait" if waiting else "", f"{refused} refused" if refused else ""]
    return " and ".join(part for part in parts if part) or "none waits"
