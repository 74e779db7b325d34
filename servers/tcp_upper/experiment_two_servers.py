"""Experiment «two-servers»: what the second bind() on a port says, with no option and with two that share."""

from __future__ import annotations

import contextlib
import socket

from servers.tcp_upper.experiment_stage import Actor, Stage, errno_of

TITLE = "Two servers on one port"
ANSWERS = ("in-use", "works")
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
CLIENTS = 16
"""So many that chance does not give them all to one of two."""
SHOWN = 2
"""Clients whose calls are told one by one."""
OPTIONS = {"no option": None, "SO_REUSEADDR": "SO_REUSEADDR", "SO_REUSEPORT": "SO_REUSEPORT"}
BOOK = {
    (TCP, "no option"): "EADDRINUSE",
    (TCP, "SO_REUSEADDR"): "EADDRINUSE",
    (TCP, "SO_REUSEPORT"): "works, both get some",
    (UDP, "no option"): "EADDRINUSE",
    (UDP, "SO_REUSEADDR"): "works, the second gets all",
    (UDP, "SO_REUSEPORT"): "works, both get some",
}
"""The second bind(), when both servers set the option; socket(7) and ip(7) of Linux."""
MEANS = {
    ("bind", "EADDRINUSE"): "One port, one server: the first has it.",
    ("setsockopt", ""): "Both servers set it: one alone is not enough.",
}


def play(stage: Stage) -> str:
    """Each kind of socket with each option; then who gets what the clients send."""
    found = {}
    for kind in (TCP, UDP):
        name = "TCP" if kind == TCP else "UDP"
        for option in OPTIONS:
            stage.remark(f"{name}, both with {option}")
            found[kind, option] = seen = attempt(stage, kind, OPTIONS[option])
            stage.claim(f"{name}, {option}", BOOK[kind, option], seen)
    return "in-use" if found[TCP, "SO_REUSEADDR"] == "EADDRINUSE" else "works"


def attempt(stage: Stage, kind: int, option: str | None) -> str:
    """What the second bind() says; where it works, who gets what."""
    servers = [stage.socket("server", kind), stage.socket("second server", kind)]
    address = (stage.host, 0)
    for number, server in enumerate(servers):
        if option and not hasattr(socket, option):
            return f"this system has no {option}"
        if option:
            server.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
        said = errno_of(server.bind, address)
        if said == "works" and kind == TCP:
            said = errno_of(server.listen, CLIENTS)
        if said != "works":
            close(servers)
            return said
        if number == 0:
            address = server.getsockname()[:2]
    counts = [0, 0]
    clients = [send(stage, kind, address) for _ in range(SHOWN)]
    with stage.hushed("clients"):
        clients += [send(stage, kind, address) for _ in range(CLIENTS - SHOWN)]
    stage.select("server", servers, [], 1.0)
    for number, server in enumerate(servers):
        with stage.hushed(server.conn):
            counts[number] = drain(stage, server, kind)
    with stage.hushed("clients"):
        close(clients)
    close(servers)
    stage.remark(f"The server got {counts[0]} of {CLIENTS}, the second server {counts[1]}.")
    who = {(True, True): "both get some", (True, False): "the first gets all"}
    return f"works, {who.get((counts[0] > 0, counts[1] > 0), 'the second gets all')}"


def send(stage: Stage, kind: int, address: tuple[str, int]) -> Actor:
    """A client that connects, or sends a datagram."""
    client = stage.socket("clients", kind)
    with contextlib.suppress(OSError):
        if kind == TCP:
            client.connect(address)
        else:
            client.sendto(b"hello", address)
    return client


def drain(stage: Stage, server: Actor, kind: int) -> int:
    """How many connections or datagrams wait at this server."""
    count = 0
    server.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            if kind == TCP:
                stage.accept(server, server.conn).close()
            else:
                server.recvfrom(100)
            count += 1
    return count


def close(sockets: list[Actor]) -> None:
    """Close them all."""
    for sock in sockets:
        sock.close()
