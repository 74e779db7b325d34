"""The simulated clients by hand: orders from the page or from the terminal's lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from servers.kit.errors import SettingError
from servers.kit.keyboard import typed
from servers.kit.report import Report
from servers.udp_heartbeat.crowd import Crowd, Simulated
from servers.udp_heartbeat.events import Does
from servers.udp_heartbeat.orders import Order, Verb, read_order

DOES: dict[Verb, Does] = {
    "silence": "silent", "unplug": "unplugged", "wake": "sends", "restart": "restarted", "stop": "stopped",
}  # fmt: skip


class Standing(msgspec.Struct, frozen=True):
    """How one client stands: what it does, its last number, seconds from one to the next."""

    client: int
    does: Does
    seq: int
    interval: float


class Stands(msgspec.Struct, frozen=True):
    """The answer to an order."""

    note: str
    clients: list[Standing]


class Hand:
    """Takes orders for a crowd. ``take`` is called from another thread than the one that sends.

    ``told(client, does)`` is called when one does something else; ``wake`` is set when there is news,
    ``over`` when no more orders are taken.
    """

    def __init__(self, crowd: Crowd, told: Callable[[Simulated, Does], None]) -> None:
        self.crowd, self._told = crowd, told
        self.lock = threading.Lock()
        self.wake, self.over = threading.Event(), threading.Event()

    def take(self, given: Any) -> Stands:
        """Do what ``{"text": order}`` says; ``{}`` asks how they stand. Raises SettingError."""
        text = given.get("text") if isinstance(given, dict) else ""
        if not isinstance(given, dict) or not set(given) <= {"text"} or not isinstance(text, str | None):
            raise SettingError("An order is a text.", hint='Send {"text": "silence 2"}.')
        if text is None:
            return self._stands("")
        order = read_order(text, len(self.crowd.clients))
        with self.lock:
            if self.over.is_set():
                raise SettingError("It is over: the clients have stopped.")
            for number in order.numbers:
                self._do(order, self.crowd.clients[number - 1])
        self.wake.set()
        return self._stands(f"Done: {' '.join(text.split())}.")

    def _do(self, order: Order, client: Simulated) -> None:
        at = time.monotonic()
        if order.verb == "slow":
            self.crowd.pace(client, order.interval, at)
            self._told(client, client.does)
            return
        does = DOES[order.verb]
        if does == client.does:  # nothing new
            return
        self.crowd.tell(client, does, at)
        self._told(client, does)

    def _stands(self, note: str) -> Stands:
        rows = [Standing(c.number, c.does, c.seq, c.interval) for c in self.crowd.clients]
        return Stands(note, rows)


def typing(hand: Hand, report: Report) -> None:
    """Orders from the terminal; where it ends, so does the run."""
    for line in typed(hand.over.is_set):
        try:
            hand.take({"text": line.decode("utf-8", "replace")})
        except SettingError as error:
            report.say(f"   {error.message} {error.hint}".rstrip())
    hand.over.set()
    hand.wake.set()
