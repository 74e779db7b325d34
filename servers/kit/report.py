"""How a lab's program tells what happens, without being slowed down by telling.

The program's own loop only counts and appends to a bounded queue. A thread writes the
queue out about every 50 ms: to the terminal, as JSON lines, or up the channel. When
more happens than can be told, counters stay exact and details are left out and counted.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, TextIO

import msgspec

from servers.kit import channel as wire
from servers.kit.addresses import show
from servers.kit.errors import SettingError
from servers.kit.events import Event, ServerListening, SettingsChanged
from servers.kit.settings import changed, fields, masked, merge

PERIOD = 0.05
"""Seconds between two batches."""
ALIVE = 1.0
"""Seconds after which an empty batch says that the program lives."""
GATHER = 0.01
"""Seconds in which the first event after a quiet time is joined by those that belong to it."""
WAITING = 1000
"""Events that wait at the most; more are left out."""
PATIENCE = 2.0
"""Seconds that the end waits for a dashboard that does not read."""
BATCH = 50
"""Events in one batch at the most, until the dashboard says otherwise."""
INPUT_SECONDS = 2.0
"""Seconds that input or settings wait for a program that is only just starting to take them."""

now = time.time


class TextOutput:
    """A line per event, for a person at a terminal."""

    size = 10_000

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._dropped = 0

    def write(self, events: list[Event], counters: dict[str, int], dropped: int) -> None:
        """Print the events and how many are missing."""
        lines = [event.line() for event in events]
        if dropped > self._dropped:
            lines.append(f"({dropped - self._dropped} further events are not shown)")
            self._dropped = dropped
        self._print(lines)

    def _print(self, lines: list[str]) -> None:
        if not lines:
            return
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):  # nobody reads any more
            wire.stop_self()


class JsonOutput(TextOutput):
    """A JSON object per event, for a program."""

    def write(self, events: list[Event], counters: dict[str, int], dropped: int) -> None:
        """Print the events as JSON lines."""
        lines = [_worded(event).decode() for event in events]
        if dropped > self._dropped:
            lines.append(f'{{"kind":"details_dropped","count":{dropped - self._dropped}}}')
            self._dropped = dropped
        self._print(lines)


class ChannelOutput:
    """Batches for the dashboard."""

    def __init__(self, channel: wire.Channel) -> None:
        self._channel = channel
        self._last: Any = None
        self._quiet_since = time.monotonic()
        self.size = BATCH

    def write(self, events: list[Event], counters: dict[str, int], dropped: int) -> None:
        """Send what is new; nothing, if nothing is, but for a sign of life every second."""
        state, clock = (counters, dropped), time.monotonic()
        if not events and state == self._last and clock - self._quiet_since < ALIVE - PERIOD:
            return
        self._last, self._quiet_since = state, clock
        raw = [msgspec.Raw(_worded(event)) for event in events]
        self._channel.send(wire.Batch(counters=counters, events=raw, dropped=dropped))


def _worded(event: Event) -> bytes:
    msgspec.structs.force_setattr(event, "text", event.line())
    return wire.encode(event)


class Report:
    """What a lab's program is given to tell, and to be told.

    ``counters`` is the lab's own struct: count up its fields. ``room`` says whether one
    more event would be told; a fast loop asks it before it builds the event, and adds to
    ``missed`` what it left out. Nothing is written before ``listening()``, unless the
    program is ``ready`` from the start, as a client is.
    """

    def __init__(
        self,
        counters: msgspec.Struct | None = None,
        *,
        output: TextOutput | ChannelOutput | None = None,
        channel: wire.Channel | None = None,
        settings: msgspec.Struct | None = None,
        waiting: int = WAITING,
        ready: bool = False,
    ) -> None:
        self.counters: Any = counters
        self.missed = 0
        self.waiting = waiting
        self.queue: deque[Event] = deque()
        self._channel = channel
        self._output = output or (ChannelOutput(channel) if channel else TextOutput(sys.stdout))
        self._settings = settings
        self._count = self._counted
        self._change: Callable[[Any], None] | None = None
        self._takes_settings = threading.Event()
        self._actions: dict[str, Callable[[Any], Any]] = {}
        self._input: Callable[[Any], Any] | None = None
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._takes_input = threading.Event()
        self._closing = False
        self._idle = False
        self._told: Any = None
        self._ready = ready or channel is not None
        self._threads = [threading.Thread(target=self._write_on, name="report", daemon=True)]
        if channel:
            self._threads.append(threading.Thread(target=self._obey, name="control", daemon=True))
        for thread in self._threads:
            thread.start()

    # -- telling

    @property
    def room(self) -> bool:
        """Whether one more event would be told."""
        return len(self.queue) < self.waiting

    @property
    def audience(self) -> Literal["dashboard", "json", "text"]:
        """Who is told: the dashboard, a program that reads JSON lines, or a person's terminal."""
        if self._channel:
            return "dashboard"
        return "json" if isinstance(self._output, JsonOutput) else "text"

    def emit(self, event: Event) -> None:
        """Tell an event, or count it as left out."""
        if len(self.queue) < self.waiting:
            self.queue.append(event)
            if self._idle:
                self._idle = False
                self._wake.set()
        else:
            self.missed += 1

    def say(self, line: str) -> None:
        """Print a line for the person at the terminal; not where JSON was asked for."""
        if not isinstance(self._output, JsonOutput):
            print(line, flush=True)

    def listening(self, address: Any, seed: int | None = None) -> None:
        """Tell that the server is ready. ``address`` is what ``getsockname()`` returns."""
        event = ServerListening(t=now(), address=show(address), pid=os.getpid(), seed=seed)
        if self._channel:
            self.queue.append(event)
        else:  # a terminal's first line, whatever socket calls came before
            self.queue.appendleft(event)
        self._ready = True
        self.flush()

    def fatal(self, message: str, *, hint: str = "", field: str = "", port: int | None = None) -> None:
        """Tell why the program ends."""
        if self._channel:
            self._channel.send(wire.Fatal(message=message, hint=hint, field=field, port=port))
        else:
            print(f"error: {message} {hint}".rstrip(), file=sys.stderr)

    def result(self, value: msgspec.Struct) -> None:
        """Tell a client's result, after all its events."""
        self.flush()
        if self._channel:
            self._channel.send(wire.Result(value=msgspec.Raw(wire.encode(value))))
        elif isinstance(self._output, JsonOutput):
            print('{"kind":"result",' + wire.encode(value).decode()[1:], flush=True)

    def flush(self) -> None:
        """Write out all that waits, and wait for what the thread is just writing."""
        self._write()
        while self.queue:
            self._write()

    def close(self) -> None:
        """Write out the rest, and the final counters."""
        self._closing = True
        self._wake.set()
        if not self._channel:
            self._finish()
            return
        last = threading.Thread(target=self._finish, name="finish", daemon=True)
        last.start()
        last.join(PATIENCE)  # a dashboard that does not read does not keep the program alive
        self._channel.close()

    def count_by(self, function: Callable[[], tuple[dict[str, int], int]]) -> None:
        """Ask ``function`` for the counters and the number of events left out.

        For a loop so fast that it counts in a place of its own.
        """
        self._count = function

    # -- being told

    def on_change(self, function: Callable[[Any], None]) -> None:
        """Call ``function(settings)`` when live settings change (from another thread)."""
        self._change = function
        self._takes_settings.set()

    def on_action(self, name: str, function: Callable[[Any], Any]) -> None:
        """Let ``function(arguments)`` answer the lab's action ``name`` (from another thread)."""
        self._actions[name] = function

    def on_input(self, function: Callable[[Any], Any]) -> None:
        """Call ``function(value)`` with what a session is sent (from another thread)."""
        self._input = function
        self._takes_input.set()

    # -- inside

    def _write_on(self) -> None:
        while not self._closing:
            if not self._ready or self._write():
                self._wake.wait(PERIOD)
            else:
                self._rest()
            self._wake.clear()

    def _rest(self) -> None:
        """Nothing happens: sleep until an event comes, or a sign of life is due."""
        self._idle = True
        if not self.queue and self._wake.wait(ALIVE):
            time.sleep(GATHER)
        self._idle = False

    def _write(self) -> bool:
        """Write a batch; whether there was anything new."""
        with self._writing:
            take = min(len(self.queue), self._output.size)
            events = [self.queue.popleft() for _ in range(take)]
            counters, missed = told = self._count()
            self._output.write(events, counters, missed)
            new = bool(events) or told != self._told
            self._told = told
            return new

    def _finish(self) -> None:
        self.flush()
        self._write()

    def _counted(self) -> tuple[dict[str, int], int]:
        return msgspec.structs.asdict(self.counters) if self.counters else {}, self.missed

    def _obey(self) -> None:
        assert self._channel is not None  # for the type checker: the thread runs only with one
        try:
            for message in self._channel.messages():
                if isinstance(message, wire.Call):
                    self._channel.send(self._answer(message))
                elif isinstance(message, wire.Resize):
                    if isinstance(self._output, ChannelOutput):
                        self._output.size = max(1, message.events)
                else:
                    wire.stop_self()
        except (OSError, msgspec.DecodeError):
            pass
        if not self._closing:  # the dashboard hung up
            wire.stop_self()

    def _answer(self, call: wire.Call) -> wire.Answer:
        try:
            value = self._do(call.name, msgspec.json.decode(call.arguments))
        except SettingError as error:
            return wire.Answer(id=call.id, error=error.message, field=error.field, hint=error.hint)
        except Exception as error:  # told to the one who asked; the server goes on
            return wire.Answer(id=call.id, error=f"{call.name}: {type(error).__name__}: {error}")
        return wire.Answer(id=call.id, value=msgspec.Raw(wire.encode(value)))

    def _do(self, name: str, arguments: Any) -> Any:
        if name == "settings":
            return self._settle(arguments)
        if name == "input":
            self._takes_input.wait(INPUT_SECONDS)  # a session that only just began
            if self._input:
                return self._input(arguments)
        if name in self._actions:
            return self._actions[name](arguments)
        raise SettingError(f"This program does not take «{name}».")

    def _settle(self, changes: dict[str, Any]) -> None:
        if self._settings is not None and any(field.live for field in fields(type(self._settings))):
            self._takes_settings.wait(INPUT_SECONDS)  # a server that is only just starting
        if self._settings is None or self._change is None:
            raise SettingError("This program takes no settings while it runs.")
        after = merge(self._settings, changes)
        differ = changed(self._settings, after)
        for field in differ:
            if not field.live:
                raise SettingError(
                    f"{field.title} cannot change while the server runs.",
                    field=field.name,
                    hint="Restart it with the new value.",
                )
        self._change(after)
        self._settings = after
        values = masked(after)
        words = {f.title: f"{values[f.name]} {f.unit}".strip() for f in differ}
        if words:
            self.emit(SettingsChanged(t=now(), changes=words))
