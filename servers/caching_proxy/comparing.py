"""With and without the proxy: what differs, and the outcome in a sentence. No socket, no clock."""

from __future__ import annotations

from servers.caching_proxy.results import Comparison, Fetch, FieldChanged, FieldShown

ALIKE = 1.15
"""Times that differ by less than this factor are called equal."""
OWN = ("REFUSED", "FAILED")
"""Verdicts of answers that the proxy made itself: there is nothing to compare them with."""
_VERDICTS = {
    "HIT": "From the cache in {ms}",
    "MISS": "From the origin, through the proxy, in {ms}",
    "REVALIDATED": "From the cache, after the origin said that it still holds, in {ms}",
    "EXPIRED": "A new one from the origin, through the proxy, in {ms}",
    "STALE": "From the cache, though too old, in {ms}",
    "COLLAPSED": "From a fetch that was just under way, in {ms}",
    "BYPASS": "Past the cache, from the origin, in {ms}",
}


def compare(proxy: Fetch, direct: Fetch) -> Comparison:
    """The answer through the proxy beside the direct one. Both came whole."""
    ours, theirs = _by_name(proxy.headers), _by_name(direct.headers)
    both = [name for name in theirs if name in ours]
    changed = [
        FieldChanged(theirs[name][0].name, _value(theirs[name]), _value(ours[name]), theirs[name][0].meaning)
        for name in both
        if _value(theirs[name]) != _value(ours[name])
    ]
    return Comparison(
        same_status=proxy.status == direct.status,
        same_bytes=(proxy.size, proxy.sha256) == (direct.size, direct.sha256),
        times_faster=faster(proxy, direct),
        added=[field for name, fields in ours.items() if name not in theirs for field in fields],
        removed=[field for name, fields in theirs.items() if name not in ours for field in fields],
        changed=changed,
        notes=_notes(proxy, direct),
    )


def faster(proxy: Fetch, direct: Fetch) -> float | None:
    """The direct time divided by that through the proxy."""
    if not proxy.total_ms or direct.total_ms is None:
        return None
    return round(direct.total_ms / proxy.total_ms, 2)


def _by_name(fields: list[FieldShown]) -> dict[str, list[FieldShown]]:
    found: dict[str, list[FieldShown]] = {}
    for field in fields:
        found.setdefault(field.name.lower(), []).append(field)
    return found


def _value(fields: list[FieldShown]) -> str:
    return ", ".join(field.value for field in fields)


def _notes(proxy: Fetch, direct: Fetch) -> list[str]:
    notes = []
    if proxy.status != direct.status:
        notes.append(f"Through the proxy the status is {proxy.status}, directly {direct.status}.")
    if proxy.sha256 == direct.sha256 or notes:
        return notes
    if proxy.age is not None:
        notes.append(
            f"The copy is {proxy.age} s old; the origin sends something else by now. Until the copy is "
            "stale, the cache may not know."
        )
    elif proxy.size != direct.size:
        notes.append(
            f"{proxy.size} bytes came through the proxy, {direct.size} directly: an answer that differs "
            "each time, or a proxy that changes what it passes on?"
        )
    else:
        notes.append("As many bytes, but others: an answer that differs each time, or a damaged one?")
    return notes


# -- the outcome in a sentence


def summary(fetches: list[Fetch], direct: Fetch | None, comparison: Comparison | None, wanted: bool) -> str:
    """«From the cache in 1.2 ms; direct 14.8 ms: 12 times faster. The same bytes.»

    ``wanted``: a direct fetch was asked for.
    """
    if not fetches:
        return "Nothing was fetched."
    last = fetches[-1]
    words = _outcome(last)
    first = fetches[0]
    if len(fetches) > 1 and first.verdict != last.verdict and not first.error and not last.error:
        words += f" (at first {first.verdict or first.status}, {ms(first.total_ms)})"
    if comparison and direct:
        words += f"; direct {ms(direct.total_ms)}{_speed(comparison)}. {_bytes(last, comparison)}"
    elif direct and direct.error and not last.error:
        words += f". Directly it did not come: {_sentence(direct.error)}"
    elif direct and last.verdict in OWN:
        words += (
            f". Directly it came, {direct.status} {direct.phrase}".rstrip() + f", in {ms(direct.total_ms)}."
        )
    elif wanted and not direct and not last.error and last.verdict not in OWN:
        words += ". No direct fetch to compare with."
    else:
        words = _sentence(words)
    return words


def _outcome(fetch: Fetch) -> str:
    if fetch.error:
        return f"No whole answer through the proxy: {_inside(fetch.error)}"
    status = f"{fetch.status} {fetch.phrase}".rstrip()
    why = f", {_inside(fetch.reason)}" if fetch.reason else ""
    if fetch.verdict == "TUNNEL":
        return f"The proxy opened the tunnel in {ms(fetch.total_ms)}: {status}"
    if fetch.verdict == "REFUSED":
        return f"The proxy refused: {status}{why}"
    if fetch.verdict == "FAILED":
        return f"The proxy got no answer from the origin: {status}{why}"
    template = _VERDICTS.get(fetch.verdict, "Through the proxy, which does not say from where, in {ms}")
    words = template.format(ms=ms(fetch.total_ms))
    return words if fetch.status is not None and fetch.status < 400 else f"{words}: {status}"


def _speed(comparison: Comparison) -> str:
    factor = comparison.times_faster
    if not factor:
        return ""
    if 1 / ALIKE < factor < ALIKE:
        return ": as fast"
    return f": {_times(factor)} faster" if factor > 1 else f": {_times(1 / factor)} slower"


def _times(factor: float) -> str:
    return f"{factor:.0f} times" if factor >= 9.95 else f"{factor:.1f} times"


def _bytes(fetch: Fetch, comparison: Comparison) -> str:
    if not comparison.same_status:
        return comparison.notes[0] if comparison.notes else ""
    if comparison.same_bytes:
        return "The same bytes." if fetch.size else "No body in either."
    return "Not the same bytes."


def _inside(text: str) -> str:
    """A sentence as the part of another one."""
    return text.rstrip(".")


def _sentence(text: str) -> str:
    """Text with its full stop."""
    return text if text.endswith((".", "?", "!")) else text + "."


def ms(value: float | None) -> str:
    """``1.2 ms``, ``340 ms``, ``2.3 s``."""
    if value is None:
        return "no time"
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"
