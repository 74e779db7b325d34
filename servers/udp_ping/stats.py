"""The numbers at the end of a ping run, as iputils counts them, and the losses to expect."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from servers.udp_ping.events import Status
from servers.udp_ping.loss import gilbert_elliott
from servers.udp_ping.settings import Settings

EXACT = 200
"""Up to so many pings the burst model's range is computed exactly, beyond as a normal curve."""


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """One ping, or one more reply to it. ``sent`` is in seconds since the first ping."""

    seq: int
    status: Status
    rtt_ms: float | None
    sent: float = 0.0
    reordered: bool = False


class PingResult(msgspec.Struct, frozen=True):
    """What a run of pings found. Times in ms; null where there was no reply."""

    transmitted: int
    received: int
    lost: int
    loss_percent: float
    rtt_min_ms: float | None
    rtt_avg_ms: float | None
    rtt_max_ms: float | None
    rtt_mdev_ms: float | None
    duplicates: int
    late: int
    corrupted: int
    reordered: int
    time_ms: int
    probes: list[Probe]


def summarize(probes: Iterable[Probe], time_ms: float) -> PingResult:
    """The result of a run. Only a whole reply in time is received; mdev is iputils'.

    mdev is the root of the mean of the squares less the square of the mean.
    """
    probes = sorted(probes, key=lambda probe: probe.seq)  # a duplicate stays behind its ping
    sent = [probe for probe in probes if probe.status != "duplicate"]
    times = [p.rtt_ms for p in sent if p.status == "reply" and p.rtt_ms is not None]
    mean = sum(times) / len(times) if times else None
    mdev = None
    if mean is not None:
        mdev = math.sqrt(max(0.0, sum(t * t for t in times) / len(times) - mean * mean))
    lost = len(sent) - len(times)
    return PingResult(
        transmitted=len(sent),
        received=len(times),
        lost=lost,
        loss_percent=100 * lost / len(sent) if sent else 0.0,
        rtt_min_ms=min(times, default=None),
        rtt_avg_ms=mean,
        rtt_max_ms=max(times, default=None),
        rtt_mdev_ms=mdev,
        duplicates=sum(p.status == "duplicate" for p in probes),
        late=sum(p.status == "late" for p in probes),
        corrupted=sum(p.status == "corrupt" for p in probes),
        reordered=sum(p.reordered for p in probes),
        time_ms=round(time_ms),
        probes=probes,
    )


def ending(result: PingResult) -> list[str]:
    """The last lines, as iputils' ping writes them."""
    extra = f", +{result.duplicates} duplicates" if result.duplicates else ""
    extra += f", +{result.corrupted} corrupted" if result.corrupted else ""
    lines = [
        f"{result.transmitted} packets transmitted, {result.received} received{extra}, "
        f"{result.loss_percent:g}% packet loss, time {result.time_ms}ms"
    ]
    if result.rtt_avg_ms is not None:
        numbers = (result.rtt_min_ms, result.rtt_avg_ms, result.rtt_max_ms, result.rtt_mdev_ms)
        lines.append("rtt min/avg/max/mdev = " + "/".join(f"{n:.3f}" for n in numbers) + " ms")
    return lines


class Expected(msgspec.Struct, frozen=True):
    """How many of ``count`` pings are lost in 95 of 100 runs: from ``low`` to ``high``."""

    count: int
    percent: Annotated[float, Meta(description="lost in the long run, both ways together")]
    low: int
    high: int


def expected_range(settings: Settings, count: int) -> Expected:
    """The losses to expect of ``count`` pings, from the settings alone.

    Only what the simulated network loses: not what a time-out shorter than the delay makes late.
    """
    there, back = settings.loss / 100, settings.reply_loss / 100
    loss = 1 - (1 - there) * (1 - back)
    if settings.loss_model == "random" or loss in (0, 1):
        chances = binomial(count, loss)
    elif count <= EXACT:
        chances = bursts(count, settings)
    else:
        chances = _normal(count, loss, _variance(count, settings))
    low, high = likeliest(chances)
    return Expected(count, round(100 * loss, 6), low, high)  # 30, not 30.000000000000004


def binomial(count: int, loss: float) -> list[float]:
    """The chances of 0, 1, ... ``count`` losses, each ping on its own."""
    if loss <= 0 or loss >= 1:
        return [float(k == (count if loss >= 1 else 0)) for k in range(count + 1)]
    logs = (
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        + k * math.log(loss) + (count - k) * math.log1p(-loss)
        for k in range(count + 1)
    )  # fmt: skip
    return [math.exp(value) for value in logs]


def bursts(count: int, settings: Settings) -> list[float]:
    """The chances of 0, 1, ... ``count`` losses under the Gilbert-Elliott model, both ways."""
    ways = [_way(settings.loss, settings.burst_length), _way(settings.reply_loss, settings.burst_length)]
    states = [(a, b) for a in (0, 1) for b in (0, 1)]
    start = {(a, b): ways[0][2][a] * ways[1][2][b] for a, b in states}
    moves = {
        (old, new): ways[0][old[0]][new[0]] * ways[1][old[1]][new[1]]
        for old in states
        for new in states
    }
    table = {s: [0.0] * (count + 1) for s in states}
    for s in states:
        table[s][int(any(s))] = start[s]
    for n in range(2, count + 1):
        after = {}
        for new in states:
            shift, row = int(any(new)), [0.0] * (count + 1)
            for old in states:
                chance = moves[old, new]
                if chance:
                    for k in range(n):
                        row[k + shift] += table[old][k] * chance
            after[new] = row
        table = after
    return [sum(table[s][k] for s in states) for k in range(count + 1)]


Pair = tuple[float, float]


def _way(percent: float, burst_length: float) -> tuple[Pair, Pair, Pair]:
    """From good, from bad, and at the start: the chances of (good, bad)."""
    p, r = gilbert_elliott(percent, burst_length) if percent > 0 else (0.0, 1.0)
    return (1 - p, p), (r, 1 - r), (1 - percent / 100, percent / 100)


def _variance(count: int, settings: Settings) -> float:
    """Of the number of losses, with the correlation of bursts in both directions."""
    good, decay = [], []
    for percent in (settings.loss, settings.reply_loss):
        (_, p), (r, _), _ = _way(percent, settings.burst_length)
        good.append(1 - percent / 100)
        decay.append(1 - p - r)
    through = good[0] * good[1]
    total = count * through * (1 - through)
    for lag in range(1, count):
        both = math.prod(q * q + q * (1 - q) * d**lag for q, d in zip(good, decay, strict=True))
        total += 2 * (count - lag) * (both - through * through)
    return max(total, 1e-9)


def _normal(count: int, loss: float, variance: float) -> list[float]:
    weights = [math.exp(-((k - count * loss) ** 2) / (2 * variance)) for k in range(count + 1)]
    whole = sum(weights) or 1.0
    return [weight / whole for weight in weights]


def likeliest(chances: list[float], share: float = 0.95) -> tuple[int, int]:
    """The first and last of the likeliest numbers that together make up ``share``."""
    order = sorted(range(len(chances)), key=lambda k: -chances[k])
    total, taken = 0.0, []
    for k in order:
        taken.append(k)
        total += chances[k]
        if total >= share:
            break
    return min(taken), max(taken)
