"""What a run of the heartbeat client found out: only what was sent. What arrived, the server knows."""

from __future__ import annotations

import msgspec

from servers.udp_heartbeat.crowd import Simulated


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated client. ``skipped`` were numbered and lost on purpose; ``last`` is its last SEQ."""

    client: int
    peer: str
    sent: int
    skipped: int
    copies: int
    last: int


class HeartbeatResult(msgspec.Struct, frozen=True, kw_only=True):
    """All of them. ``refused``: the server's machine said that nobody listens on that port."""

    summary: str
    sent: int
    skipped: int
    refused: int
    seconds: float
    clients: list[Sender]


def result_of(
    clients: list[Simulated], peers: dict[int, str], seconds: float, refused: int
) -> HeartbeatResult:
    """The result of a run of so many seconds."""
    rows = [
        Sender(
            client=c.number, peer=peers.get(c.number, ""), sent=c.sent, skipped=c.skipped, copies=c.copies,
            last=c.seq,
        )
        for c in clients
    ]  # fmt: skip
    sent, skipped = sum(row.sent for row in rows), sum(row.skipped for row in rows)
    summary = _summary(sent, skipped, refused, seconds)
    return HeartbeatResult(
        summary=summary, sent=sent, skipped=skipped, refused=refused, seconds=round(seconds, 3), clients=rows
    )


def _summary(sent: int, skipped: int, refused: int, seconds: float) -> str:
    words = f"{sent} heartbeats sent, {skipped} lost on purpose, time {1000 * seconds:.0f}ms. "
    if refused and refused >= sent:
        return words + "Each was refused: no program listens there."
    if refused:
        return words + f"{refused} were refused: no program listened there."
    return words + "No answer, as agreed: whether they arrived, only the server knows."
