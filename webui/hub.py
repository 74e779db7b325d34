"""Where events meet: numbers them, keeps the newest, and hands them on in frames.

One Topic per instance. A browser that comes late gets a snapshot at number n and then
all frames after n. What did not fit was left out by the child before it got a number,
so all browsers see the same events. The hub knows neither Flask nor sockets.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from servers.kit.events import Event, snake
from servers.kit.events import decoder as decoder_of
from servers.kit.lab import Lab

KEPT = 10_000
"""Events kept per instance, and marks kept per kind."""
SECONDS = 3600
"""Points of the per-second series kept in memory."""
RESERVE = 20_000
"""Numbers are reserved on disk so far ahead, so that none is given twice after a crash."""


def decoder(lab: Lab) -> msgspec.json.Decoder[Any]:
    """The decoder of a lab's events."""
    return decoder_of(lab.kinds)


class Frame(msgspec.Struct, frozen=True):
    """What happened on one instance since the last frame."""

    instance: str
    n: int
    events: list[Event]
    counters: dict[str, int]
    dropped: int
    t: float


class Series(msgspec.Struct, frozen=True):
    """What the pictures are drawn from: marks, and (t, counters) for seconds that had traffic."""

    marks: list[Event]
    seconds: list[tuple[float, dict[str, int]]]


class Topic:
    """One instance's events and counters."""

    def __init__(self, lab: Lab, n: int = 0, dropped: int = 0) -> None:
        self.lab = lab
        self.n = n
        self.reserved = n
        self.events: deque[Event] = deque(maxlen=KEPT)
        self.marks: dict[str, deque[Event]] = {snake(k.__name__): deque(maxlen=KEPT) for k in lab.marks}
        self.seconds: deque[tuple[float, dict[str, int]]] = deque(maxlen=SECONDS)
        self.counters: dict[str, int] = dict.fromkeys(lab.counters.__struct_fields__, 0)
        self.dropped = dropped
        self._drops: dict[int, int] = {}
        self.fresh: list[Event] = []
        self.dirty = False
        self.rate = 0.0
        self._second: tuple[float, dict[str, int]] | None = None

    def drop(self, source: int, total: int) -> None:
        """The source (a child's pid) has left out ``total`` events so far."""
        self.dropped += max(0, total - self._drops.get(source, 0))
        self._drops[source] = total
        if len(self._drops) > 100:
            self._drops.pop(next(iter(self._drops)))


class Hub:
    """All topics. Methods may be called from any thread."""

    def __init__(
        self,
        *,
        keep_marks: Callable[[str, list[Event]], None] = lambda instance, marks: None,
        keep_second: Callable[[str, float, dict[str, int]], None] = lambda instance, t, counters: None,
        reserve: Callable[[str, int, int], None] = lambda instance, n, dropped: None,
    ) -> None:
        self._keep_marks, self._keep_second, self._reserve = keep_marks, keep_second, reserve
        self._lock = threading.RLock()
        self.topics: dict[str, Topic] = {}
        self.ready = threading.Event()
        self.closed = threading.Event()

    def open(self, instance: str, lab: Lab, n: int = 0, dropped: int = 0) -> Topic:
        """Begin a topic; no number above ``n`` was ever given. See that the reservation is stored."""
        with self._lock:
            topic = self.topics[instance] = Topic(lab, n, dropped)
            self._reserve_ahead(instance, topic)
            return topic

    def keep_numbers(self) -> None:
        """At the end: nobody gets a number any more, so the next run goes on without a gap."""
        with self._lock:
            for instance, topic in self.topics.items():
                self._reserve(instance, topic.n, topic.dropped)

    def close(self, instance: str) -> None:
        """Forget a topic."""
        with self._lock:
            self.topics.pop(instance, None)

    def decode(self, instance: str, raw: Iterable[msgspec.Raw]) -> list[Event]:
        """Events from a child's batch. Raises msgspec.DecodeError for one that is none."""
        topic = self.topics.get(instance)
        return [decoder(topic.lab).decode(each) for each in raw] if topic else []

    def publish(self, instance: str, events: list[Event], request: str = "") -> int | None:
        """Number the events and keep them. Returns the first one's number."""
        with self._lock:
            topic = self.topics.get(instance)
            if topic is None or not events:
                return None
            first = topic.n + 1
            marked = []
            for event in events:
                topic.n += 1
                msgspec.structs.force_setattr(event, "n", topic.n)
                if request:
                    msgspec.structs.force_setattr(event, "request", request)
                marks = topic.marks.get(event.__struct_config__.tag)  # type: ignore[arg-type]
                if marks is not None:
                    marks.append(event)
                    marked.append(event)
            topic.events.extend(events)
            topic.fresh.extend(events)
            if topic.n > topic.reserved - RESERVE // 2:
                self._reserve_ahead(instance, topic)
            if marked:
                self._keep_marks(instance, marked)
            self._touch(topic)
            return first

    def count(self, instance: str, counters: dict[str, int], source: int, dropped: int) -> None:
        """Take a child's cumulative counters, and how many events it has left out."""
        with self._lock:
            topic = self.topics.get(instance)
            if topic is None:
                return
            before = topic.dropped
            topic.drop(source, dropped)
            now = {**topic.counters, **counters}
            if now != topic.counters:
                topic.counters = now
                self._touch(topic)
            elif topic.dropped != before:
                self._touch(topic)

    def reset(self, instance: str) -> None:
        """A new run begins: its counters begin at 0."""
        with self._lock:
            topic = self.topics[instance]
            topic.counters = dict.fromkeys(topic.counters, 0)
            self._touch(topic)

    def restore(self, instance: str, marks: list[Event], seconds: list[tuple[float, dict[str, int]]]) -> None:
        """Fill a topic with what was stored."""
        with self._lock:
            topic = self.topics[instance]
            for event in marks:
                kept = topic.marks.get(event.__struct_config__.tag)  # type: ignore[arg-type]
                if kept is not None:
                    kept.append(event)
            topic.seconds.extend(seconds)
            if seconds:
                topic.counters = {**topic.counters, **seconds[-1][1]}

    def frames(self) -> list[Frame]:
        """What is new since the last call, a frame for each instance that has something."""
        with self._lock:
            self.ready.clear()
            found = []
            for instance, topic in self.topics.items():
                if topic.dirty:
                    events, topic.fresh, topic.dirty = topic.fresh, [], False
                    found.append(Frame(instance, topic.n, events, topic.counters, topic.dropped, time.time()))
            return found

    def framed(self, instance: str) -> int | None:
        """The newest number that was in a frame; None for a topic that is not there."""
        with self._lock:
            topic = self.topics.get(instance)
            return topic.n - len(topic.fresh) if topic else None

    def second(self, t: float) -> int:
        """A second has passed: note counters that moved, and rates. Returns how many topics were busy."""
        busy = 0
        with self._lock:
            for instance, topic in self.topics.items():
                before = topic._second
                topic._second = (t, topic.counters)
                if before is None:
                    continue
                moved = topic.counters != before[1]
                busy += moved
                if moved:
                    topic.seconds.append((t, topic.counters))
                    self._keep_second(instance, t, topic.counters)
                spark = topic.lab.view.spark
                rise = topic.counters.get(spark, 0) - before[1].get(spark, 0)
                topic.rate = max(0.0, rise / max(t - before[0], 0.001))
        return busy

    def snapshot(self, instance: str, after: int | None = None) -> dict[str, Any]:
        """All that a browser needs; only what came after ``after`` where that is still known."""
        with self._lock:
            topic = self.topics[instance]
            oldest = topic.events[0].n if topic.events else topic.n + 1
            resumed = after is not None and oldest - 1 <= after <= topic.n
            since = (after or 0) if resumed else 0
            marks = [e for kept in topic.marks.values() for e in _after(kept, since)]
            marks.sort(key=lambda event: event.n)
            return {
                "n": topic.n,
                "resumed": resumed,
                "events": _after(topic.events, since),
                "counters": topic.counters,
                "dropped": topic.dropped,
                "series": Series(marks, list(topic.seconds)),
            }

    def events(self, instance: str, after: int) -> dict[str, Any]:
        """The events kept with a number above ``after``."""
        with self._lock:
            topic = self.topics[instance]
            return {"n": topic.n, "events": _after(topic.events, after), "dropped": topic.dropped}

    def _reserve_ahead(self, instance: str, topic: Topic) -> None:
        topic.reserved = topic.n + RESERVE
        self._reserve(instance, topic.reserved, topic.dropped)

    def _touch(self, topic: Topic) -> None:
        topic.dirty = True
        self.ready.set()


def _after(events: deque[Event], n: int) -> list[Event]:
    if not n:
        return list(events)
    found = []
    for event in reversed(events):
        if event.n <= n:
            break
        found.append(event)
    found.reverse()
    return found
