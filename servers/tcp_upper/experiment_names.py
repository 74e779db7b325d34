"""Experiment «names»: what '' , localhost, 0.0.0.0, 127.0.0.1, :: and ::1 mean to bind(), and who gets in."""

from __future__ import annotations

import socket

from servers.tcp_upper.experiment_stage import Stage, errno_of

TITLE = "What bind() makes of a name"
ANSWERS = ("both", "six", "other")
FOUR, SIX = socket.AF_INET, socket.AF_INET6
BOOK = (
    ("''", "", FOUR, "0.0.0.0", "127.0.0.1"),
    ("'0.0.0.0'", "0.0.0.0", FOUR, "0.0.0.0", "127.0.0.1"),
    ("'127.0.0.1'", "127.0.0.1", FOUR, "127.0.0.1", "127.0.0.1"),
    ("'localhost'", "localhost", FOUR, "127.0.0.1", "127.0.0.1"),
    ("'::1'", "::1", SIX, "::1", "::1"),
    ("'::'", "::", SIX, "::", "127.0.0.1 and ::1"),
)
"""What is written, host, family; what it becomes, and from where it is reached (RFC 3493, 3.7 and 5.3)."""
MEANS = {
    ("getsockname", ""): "0.0.0.0 and :: are all addresses of this machine; 127.0.0.1 and ::1 its inside.",
    ("connect", ""): "This way in is open.",
    ("connect", "ECONNREFUSED"): "Nobody listens on this address: this way in is shut.",
}


def play(stage: Stage) -> str:
    """Bind each, ask what became of it, and knock from both families."""
    found = {}
    for written, host, family, becomes, ways in BOOK:
        stage.remark(f"bind(({written}, 0)) with {'AF_INET' if family == FOUR else 'AF_INET6'}")
        bound, reached = attempt(stage, host, family)
        found[written] = reached
        stage.claim(
            f"bind(({written}, port))", f"{becomes}, reached from {ways}", f"{bound}, reached from {reached}"
        )
    return {"127.0.0.1 and ::1": "both", "::1": "six"}.get(found["'::'"], "other")


def attempt(stage: Stage, host: str, family: int) -> tuple[str, str]:
    """What the name became, and from where the server is reached."""
    server = None
    try:
        found = socket.getaddrinfo(host or None, 0, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
        stage.told("server", "getaddrinfo", f"{host or None!r}, …, AI_PASSIVE", str(found[0][4][0]))
        server = stage.socket("server", family=family)
        server.bind((host, 0))
        server.listen(5)
        bound, port = server.getsockname()[:2]
    except OSError as error:
        if server is not None:
            server.close()
        return f"failed ({error.strerror})", "nowhere"
    open_ways = []
    for way, kind in (("127.0.0.1", FOUR), ("::1", SIX)):
        if errno_of(knock, stage, way, kind, port) == "works":
            open_ways.append(way)
    server.close()
    return str(bound), " and ".join(open_ways) or "nowhere"


def knock(stage: Stage, way: str, family: int, port: int) -> None:
    """Connect from there. Raises OSError if that way in is shut."""
    with stage.socket(f"client at {way}", family=family) as visitor:
        visitor.connect((way, port))
