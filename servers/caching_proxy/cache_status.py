"""The Cache-Status field: what the cache did, for whoever looks at the response (RFC 9211)."""

from __future__ import annotations

from typing import Literal

from servers.caching_proxy.protocol import NAME

Forward = Literal["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"]
"""Why the origin was asked (RFC 9211, 2.2)."""


def cache_status(
    *,
    hit: bool = False,
    forward: Forward | None = None,
    forward_status: int | None = None,
    ttl: int | None = None,
    stored: bool = False,
    collapsed: bool = False,
    detail: str = "",
) -> str:
    """``socketlab; hit; ttl=42; detail="…"`` or ``socketlab; fwd=uri-miss; fwd-status=200; stored``.

    hit                        the answer came from the cache, and the origin was not asked
    forward, forward_status    why it was asked, and what it answered
    ttl                        seconds that the answer stays fresh
    stored                     the origin's answer is in the cache now
    collapsed                  another request's answer was waited for, instead of asking again
    """
    words = [NAME]
    if hit:
        words.append("hit")
    elif forward:
        words.append(f"fwd={forward}")
        if forward_status is not None:
            words.append(f"fwd-status={forward_status}")
    if ttl is not None:
        words.append(f"ttl={ttl}")
    if forward and not hit:
        words += ["stored"] * stored + ["collapsed"] * collapsed
    if detail:
        words.append(f"detail={quoted(detail)}")
    return "; ".join(words)


def quoted(text: str) -> str:
    """Text as a String of RFC 8941, 3.3.3: visible ASCII alone, what is not becomes a question mark."""
    plain = text.replace("«", "'").replace("»", "'")
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in plain)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
