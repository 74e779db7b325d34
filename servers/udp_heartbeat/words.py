"""The reasons of a client's states in words. Pure."""

from __future__ import annotations

from servers.udp_heartbeat.numbering import How


def seconds(value: float) -> str:
    """A time as people say it: 40 ms, 1.5 s."""
    if value < 0.1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"


def beat_words(how: How, was: str, numbers: tuple[int, int, int], passed: float) -> str:
    """Why a client is alive or lost. ``numbers``: the highest before, this one, how many are missing."""
    before, seq, gap = numbers
    if how == "restarted":
        return f"SEQ began again at {seq} after {before}: the client was restarted"
    if how == "jumped":
        return f"SEQ jumped from {before} to {seq}: too far to be loss, so it counts anew"
    if gap:
        what = "1 is missing" if gap == 1 else f"{gap} are missing"
        return f"SEQ went from {before} to {seq}: {what}"
    if was == "late":
        return f"SEQ {seq} came after {seconds(passed)}"
    return f"SEQ goes on with {seq}"


def back_words(away: float, how: How, gap: int) -> str:
    """Why a client is back, and what its numbers tell of the time between."""
    if how == "restarted":
        return f"away for {seconds(away)}; SEQ began again: the client was restarted"
    if how == "jumped":
        return f"away for {seconds(away)}; SEQ jumped: it counts anew"
    if gap:
        return f"away for {seconds(away)}; {gap} missing: it sent on, and the network lost them"
    return f"away for {seconds(away)}; no number is missing: the client itself was silent"


def late_words(silent: float, interval: float) -> str:
    """Why a client is late."""
    return f"nothing for {seconds(silent)}; one is due every {seconds(interval)}"


def dead_words(silent: float, timeout: float) -> str:
    """Why a client is taken for dead."""
    return f"nothing for {seconds(silent)}, the time-out is {seconds(timeout)}: the client has stopped"


def forgotten_words(most: int) -> str:
    """Why a client is not watched any more."""
    return f"{most} clients are watched at the most: it was silent longest"
