"""What a benchmark found: figures, what is asked of them, and the table that is printed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec

Verdict = Literal["ok", "BELOW", "not run", ""]

SIGNIFICANT = 3
"""Digits that are shown; no machine repeats itself to more."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table.

    ``value`` is a median unless the name says otherwise; ``values`` are the single
    measurements it was made from. Without ``at_least`` and ``at_most`` nothing is asked of
    it. ``missing`` says why it was not measured.
    """

    name: str
    value: float = math.nan
    unit: str = ""
    values: tuple[float, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    missing: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether it is as asked; "" where nothing is asked."""
        if self.missing:
            return "not run"
        if self.at_least is None and self.at_most is None:
            return ""
        enough = self.at_least is None or self.value >= self.at_least
        little = self.at_most is None or self.value <= self.at_most
        return "ok" if enough and little else "BELOW"

    @property
    def asked(self) -> str:
        """What is asked of it, in words."""
        words = []
        if self.at_least is not None:
            words.append(f"≥ {shown(self.at_least)}")
        if self.at_most is not None:
            words.append(f"≤ {shown(self.at_most)}")
        return " ".join([*words, self.unit] if words else []).strip()

    @property
    def measured(self) -> str:
        """The figure with its unit, and the least and the most of what it was made from."""
        if self.missing:
            return f"not run: {self.missing}"
        text = f"{shown(self.value)} {self.unit}".strip()
        if len(self.values) > 1:
            text += f" ({shown(min(self.values))} to {shown(max(self.values))})"
        return text


def median(
    name: str, values: Sequence[float], unit: str = "", *,
    at_least: float | None = None, at_most: float | None = None,
) -> Figure:  # fmt: skip
    """The median of some measurements; not run where there is none."""
    value = statistics.median(values) if values else math.nan
    return Figure(
        name=name, value=value, unit=unit, values=tuple(values), at_least=at_least, at_most=at_most,
        missing="" if values else "nothing was measured",
    )  # fmt: skip


def ratio(name: str, ours: Sequence[float], peers: Sequence[float], *, at_least: float) -> Figure:
    """Our median over the peer's. Its spread is that of the pairs measured one after the other."""
    if not ours or not peers:
        return Figure(name=name, at_least=at_least, missing="one of the two was not measured")
    pairs = tuple(a / b for a, b in zip(ours, peers, strict=False))
    value = statistics.median(ours) / statistics.median(peers)
    return Figure(name=name, value=value, values=pairs, at_least=at_least)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` (0 to 1) of all are at or below: nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table that a terminal shows as well."""
    rows = [("figure", "measured", "asked", "verdict")]
    rows += [(each.name, each.measured, each.asked, each.verdict) for each in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    rows.insert(1, tuple("-" * width for width in widths))  # type: ignore[arg-type]
    return "\n".join("| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows)


def exit_code(figures: Sequence[Figure]) -> int:
    """1 if a figure is worse than asked, else 0. What was not run is no failure."""
    return int(any(each.verdict == "BELOW" for each in figures))


def shown(value: float) -> str:
    """A number with three digits that mean something: 0.968, 41.2, 53,300."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = SIGNIFICANT - 1 - math.floor(math.log10(abs(value)))
    text = f"{round(value, places):,.{max(0, places)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
