"""How the client prints what it found, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Callable

from servers.caching_proxy.comparing import ms
from servers.caching_proxy.explain import MEANINGS
from servers.caching_proxy.results import Comparison, Fetch, Result

WIDE = 16
"""Letters before the words: «20. REVALIDATED»."""
INDENT = WIDE * " "


def print_fetch(fetch: Fetch, say: Callable[[str], None]) -> None:
    """One fetch in a few lines."""
    name = "direct" if fetch.way == "direct" else f"{fetch.number}. {fetch.verdict or '–'}"
    times = f"connected after {ms(fetch.connect_ms)}, first byte {ms(fetch.first_byte_ms)}"
    if fetch.status is None:
        say(harmless(f"{name:<{WIDE}}no answer: {fetch.error}"))
        return
    size = "1 byte" if fetch.size == 1 else f"{fetch.size:,} bytes"
    what = f"{fetch.status} {fetch.phrase}".rstrip()
    say(harmless(f"{name:<{WIDE}}{what}, {size} in {ms(fetch.total_ms)} ({times})"))
    lines = [fetch.reason] if fetch.way == "proxy" else []
    if fetch.way == "proxy" and not fetch.verdict:
        lines.append(MEANINGS[""])
    lines += [f"Cache-Status: {fetch.cache_status}"] if fetch.cache_status else []
    lines += [f"SHA-256 {fetch.sha256}"] if fetch.size and fetch.sha256 else []
    lines += [f"Fault: {fault}" for fault in fetch.faults]
    lines += [f"| {line}" for line in fetch.message.splitlines()[:12]]
    lines += [f"No whole answer: {fetch.error}"] if fetch.error else []
    for line in lines:
        if line:
            say(harmless(INDENT + line))


def print_outcome(result: Result, say: Callable[[str], None]) -> None:
    """What the comparison says, and the summary."""
    if result.comparison:
        _differences(result.comparison, say)
    if result.no_direct:
        say(harmless(result.no_direct))
    say("")
    say(harmless(result.summary))


def _differences(comparison: Comparison, say: Callable[[str], None]) -> None:
    rows = [("added", field.name, field.value, field.meaning) for field in comparison.added]
    rows += [("removed", field.name, field.value, field.meaning) for field in comparison.removed]
    rows += [
        ("changed", field.name, f"{field.proxy} (direct: {field.direct})", field.meaning)
        for field in comparison.changed
    ]
    if rows:
        say("The header through the proxy, beside the direct one:")
    for what, name, value, meaning in rows:
        say(harmless(f"  {what:<11}{name}: {value}" + (f"   {meaning}" if meaning else "")))
    for note in comparison.notes:
        say(harmless(note))


def harmless(text: str) -> str:
    """Text for eyes: a control character from the wire must not command the terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
