"""Loss on the way to the server, simulated. No socket, no clock.

Each peer has numbers of its own, and draws one for each datagram that comes, lost or not: so a seed that
somebody chose loses the same heartbeats for every client alike, whatever was set before.
"""

from __future__ import annotations

from collections.abc import Hashable
from random import Random

PEERS = 1000
"""Peers remembered at the most; the one that came first is forgotten first."""


class Loss:
    """Draws for each datagram whether it is lost. ``alike``: every peer has the same numbers."""

    def __init__(self, seed: int, alike: bool) -> None:
        self._seed, self._alike = seed, alike
        self._peers: dict[Hashable, Random] = {}
        self._met = 0

    def loses(self, peer: Hashable, percent: float) -> bool:
        """Whether the datagram that just came from ``peer`` is lost."""
        numbers = self._peers.get(peer)
        if numbers is None:
            if len(self._peers) >= PEERS:
                del self._peers[next(iter(self._peers))]
            numbers = Random(f"{self._seed}/{0 if self._alike else self._met}")
            self._peers[peer] = numbers
            self._met += 1
        return 100 * numbers.random() < percent
