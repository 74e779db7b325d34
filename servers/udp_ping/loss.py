"""A bad network, simulated: which datagrams it loses, delays, doubles, garbles.

Every peer (address and port) has a path of its own. The k-th datagram that arrives from
a peer meets the k-th number of each effect's generator, so that a seed that somebody
chose gives every peer the same losses, and turning one effect on does not move another.
Where nobody chose one, each peer begins elsewhere in the numbers: else the same ten pings
would lose the same ones each time. Nothing here opens a socket or reads a clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable

import msgspec

from servers.udp_ping.settings import Settings

MAX_PEERS = 4096
"""Peers remembered at the most; those that were silent longest are forgotten first."""

APART = 1 << 40
"""Numbers from one peer's first to the next one's, where each has its own."""

_MASK = (1 << 64) - 1


class Draws:
    """Evenly spread numbers in [0, 1), each found from its place alone.

    SplitMix64 (Steele, Lea, Flood, 2014): the k-th number is a hash of ``start + k * gamma``,
    so an effect that was off for a million datagrams costs nothing to turn on.
    """

    def __init__(self, seed: int, effect: str) -> None:
        digest = hashlib.sha256(f"{seed}/{effect}".encode()).digest()
        self._start = int.from_bytes(digest[:8], "big")

    def at(self, k: int) -> float:
        """The k-th number, k from 0."""
        z = (self._start + (k + 1) * 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return (z ^ (z >> 31)) / 2**64


def gilbert_elliott(percent: float, burst_length: float) -> tuple[float, float]:
    """The chances (p, r) of going from good to bad and from bad to good, per datagram.

    As tc-netem's ``loss gemodel p r`` with its other two at their defaults: all is lost
    while bad, nothing while good. ``percent`` is the long-run loss, ``burst_length`` the
    mean number of datagrams lost in a row. Where both cannot hold (90 % loss in bursts
    of 2 leaves no room for a good datagram between), the loss holds and bursts grow longer.
    """
    loss = percent / 100
    if loss >= 1:
        return 1.0, 0.0
    r = 1 / burst_length
    p = r * loss / (1 - loss)
    return (1.0, (1 - loss) / loss) if p > 1 else (p, r)


class Path:
    """One peer's way through the network: what has become of its datagrams so far."""

    __slots__ = (
        "arrived", "bad", "first", "highest", "last", "lost_to_client", "lost_to_server", "lowest", "seen",
    )  # fmt: skip

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.arrived = 0
        self.lost_to_server = 0
        self.lost_to_client = 0
        self.highest: int | None = None  # of the SEQs that came
        self.lowest: int | None = None
        self.bad: dict[str, bool] = {}
        self.last = b""
        self.seen = 0


class Fate(msgspec.Struct, frozen=True):
    """What becomes of one datagram and its reply.

    ``delay`` in seconds; ``corrupt`` is the place of the garbled byte as a share of the
    reply's length, -1 for none; ``held`` until another reply has overtaken it.
    """

    lost_to_server: bool = False
    lost_to_client: bool = False
    delay: float = 0.0
    copies: int = 1
    corrupt: float = -1.0
    held: bool = False

    @property
    def lost(self) -> bool:
        """Whether the client gets nothing."""
        return self.lost_to_server or self.lost_to_client


GOOD = Fate()


class Network:
    """The bad network in front of the server. ``settings`` may be replaced while it runs.

    ``alike``: every peer meets the same numbers. If not, the first meets those of the seed.
    """

    EFFECTS = ("to_server", "to_client", "jitter", "duplicate", "reorder", "corrupt")

    def __init__(self, settings: Settings, seed: int, alike: bool = True) -> None:
        self.seed = seed
        self._apart, self._peers = 0 if alike else APART, 0
        self.paths: dict[Hashable, Path] = {}
        self._draws = {effect: Draws(seed, effect) for effect in self.EFFECTS}
        self.apply(settings)

    def apply(self, settings: Settings) -> None:
        """From now on behave like this."""
        self.settings = settings
        s = settings
        self.plain = not (
            s.loss or s.reply_loss or s.delay or s.jitter or s.duplicate or s.reorder or s.corrupt
        )

    def path(self, peer: Hashable) -> Path:
        """The peer's path; a new one for a new peer."""
        found = self.paths.get(peer)
        if found is None:
            if len(self.paths) >= MAX_PEERS:
                self._forget()
            found = self.paths[peer] = Path(self._peers * self._apart)
            self._peers += 1
        return found

    def fate(self, path: Path) -> Fate:
        """What becomes of the datagram that just arrived on ``path`` (and was counted there)."""
        if self.plain:
            return GOOD
        s, k = self.settings, path.first + path.arrived - 1
        lost_to_server = self._lost(path, "to_server", s.loss, k)
        lost_to_client = self._lost(path, "to_client", s.reply_loss, k)
        if lost_to_server or lost_to_client:
            return Fate(lost_to_server, lost_to_client and not lost_to_server)
        delay = s.delay
        if s.jitter:
            delay += (2 * self._draws["jitter"].at(k) - 1) * s.jitter
        share = self._draws["corrupt"].at(k) * 100 if s.corrupt else 100.0
        return Fate(
            delay=max(0.0, delay) / 1000,
            copies=2 if self._happens("duplicate", s.duplicate, k) else 1,
            held=self._happens("reorder", s.reorder, k),
            corrupt=share / s.corrupt if share < s.corrupt else -1.0,
        )

    def _happens(self, effect: str, percent: float, k: int) -> bool:
        return percent > 0 and self._draws[effect].at(k) * 100 < percent

    def _lost(self, path: Path, effect: str, percent: float, k: int) -> bool:
        if percent <= 0:
            path.bad.pop(effect, None)
            return False
        u = self._draws[effect].at(k)
        if self.settings.loss_model == "random":
            return u * 100 < percent
        p, r = gilbert_elliott(percent, self.settings.burst_length)
        if effect not in path.bad:  # the first: as likely bad as in the long run
            path.bad[effect] = u * 100 < percent
        else:
            path.bad[effect] = u >= r if path.bad[effect] else u < p
        return path.bad[effect]

    def _forget(self) -> None:
        """Drop the peers that sent nothing since the last time, or else the older half."""
        silent = [peer for peer, path in self.paths.items() if path.arrived == path.seen]
        for peer in silent or list(self.paths)[: MAX_PEERS // 2]:
            del self.paths[peer]
        for path in self.paths.values():
            path.seen = path.arrived


def corrupt(reply: bytes, share: float) -> bytes:
    """``reply`` with one bit flipped in the byte at ``share`` (0 to 1) of its length."""
    if not reply:
        return reply
    place = min(int(share * len(reply)), len(reply) - 1)
    return reply[:place] + bytes([reply[place] ^ 0x04]) + reply[place + 1 :]
