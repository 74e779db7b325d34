"""Captures the packets of some ports into a pcapng file that is appended to, until it is told to stop.

The dashboard runs it, so that it needs no rights itself; it runs alone as well:
python -m servers.walk.capture --ports 12000 --write walk.pcapng
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.kit.addresses import PORTS_VARIABLE
from servers.kit.command import run_alone
from servers.kit.errors import LabError, SettingError
from servers.kit.events import Event
from servers.kit.report import Report, now
from servers.kit.settings import RequestSettings
from servers.walk import write
from servers.walk.allowed import NAMES, Source, Wanted, better, opened
from servers.walk.appended import Appended
from servers.walk.bpf import Transport
from servers.walk.rights import CAVEAT

PAUSE = 0.2
"""Seconds that are waited for packets; what has come is in the file at once."""
LOOK = 0.25
"""Seconds from one look at the kernel's counter to the next."""


class Request(RequestSettings, frozen=True, kw_only=True):
    """What is captured, and where to."""

    ports: Annotated[
        str,
        Meta(max_length=200, pattern=r"^[0-9]+(,[0-9]+)*\Z", description="One port, or more with commas."),
    ]
    write: Annotated[str, Meta(min_length=1, max_length=4000, description="The pcapng file to append to.")]
    transport: Annotated[Transport, Meta(description="Which packets.")] = "both"
    interface: Annotated[
        Literal["lo", "any"],
        Meta(description="lo: this machine's own; any: networks too, this machine's end."),
    ] = "lo"
    without: Annotated[
        str, Meta(max_length=200, pattern=r"^([0-9]+(,[0-9]+)*)?\Z", description="Ports that are left out.")
    ] = ""
    most: Annotated[int, Meta(ge=1, le=100_000, description="MB (1,000,000 bytes) at the most.")] = 200
    way: Annotated[Literal["auto", "ring", "dumpcap", "tcpdump"], Meta(description="How.")] = "auto"
    comment: Annotated[str, Meta(max_length=1000, description="What the file says of itself.")] = ""

    def wanted(self) -> Wanted:
        """The same as numbers; the dashboard's own ports are always left out. Raises SettingError."""
        ports, without = _ports(self.ports, "ports"), _ports(self.without, "without")
        if self.transport != "udp":  # the dashboard speaks TCP
            own = _ports(os.environ.get(PORTS_VARIABLE, ""), "ports")
            if shared := set(ports) & set(own):
                raise SettingError(f"Port {min(shared)} is the dashboard's own.", field="ports")
            without = tuple(dict.fromkeys((*without, *own)))
        return Wanted(ports=ports, transport=self.transport, interface=self.interface, without=without)


class Counters(msgspec.Struct):
    """What is counted. ``full`` is 1 when the file has reached its limit: then nothing is captured."""

    packets: int = 0
    bytes: int = 0
    dropped: int = 0
    full: int = 0


class CaptureBegan(Event, frozen=True, kw_only=True):
    """From now on packets are captured."""

    way: str
    interface: str
    filter: str

    def line(self) -> str:
        """The event in words."""
        return f"capturing {self.filter} on {self.interface} ({self.way})"


def capture(request: Request, report: Report) -> int:
    """Capture until it is told to stop, or the way ends. Raises LabError where there is none."""
    wanted = request.wanted()
    counters = report.counters = Counters()
    name, source = first(wanted, NAMES if request.way == "auto" else (request.way,))
    head = write.section(request.comment) + write.interface(source.link, request.interface)
    try:
        file = Appended(Path(request.write), head, request.most * 1_000_000)
    except OSError as error:
        source.close()
        raise SettingError(f"The file cannot be written: {error.strerror}.", field="write") from None
    try:
        began = CaptureBegan(t=now(), way=name, interface=request.interface, filter=wanted.words())
        report.emit(began)
        report.say(began.line())
        Capture(source, file, counters, report).run()
    finally:
        source.close()
        counters.dropped = source.drops()
        file.close()
        report.say(f"{counters.packets:,} packets; the kernel had no room for {counters.dropped:,} more")
    return 0


class Capture:
    """Packets from a source to a file, and what the dashboard asks meanwhile."""

    def __init__(self, source: Source, file: Appended, counters: Counters, report: Report) -> None:
        self._source, self._file, self._counters = source, file, counters
        self._clear, self._cleared = threading.Event(), threading.Event()
        report.on_action("clear", self._asked_to_clear)

    def run(self) -> None:
        """Until it is told to stop. Raises LabError or OSError where the source has ended."""
        look = time.monotonic()
        try:
            while True:
                if self._clear.is_set():
                    self._begin_anew()
                self._take(PAUSE)
                if time.monotonic() - look >= LOOK:
                    look = time.monotonic()
                    self._counters.dropped = self._source.drops()
        except KeyboardInterrupt:
            self._take_the_rest()

    def _take(self, seconds: float) -> int:
        """Write what comes within the time; once the file is full it is thrown away. How many came."""
        blocks, packets, size = self._source.read(seconds)
        counters = self._counters
        if packets and not counters.full:
            if self._file.write(blocks):
                counters.packets += packets
                counters.bytes += size
            else:
                counters.full = 1
        return packets

    def _take_the_rest(self) -> None:
        """What the kernel has still in hand: it gives a block away after a while only."""
        end = time.monotonic() + self._source.holds
        with contextlib.suppress(LabError):  # Ctrl-C has ended the other program, too
            while (left := end - time.monotonic()) > 0:
                self._take(min(PAUSE, left))

    def _begin_anew(self) -> None:
        self._file.clear()
        self._counters.packets = self._counters.bytes = self._counters.full = 0
        self._clear.clear()
        self._cleared.set()

    def _asked_to_clear(self, _: object) -> None:
        """From another thread: answered when it is done."""
        self._cleared.clear()
        self._clear.set()
        if not self._cleared.wait(2):
            raise LabError("The capture is busy.")


def first(wanted: Wanted, names: tuple[str, ...]) -> tuple[str, Source]:
    """The first way that works, open. Raises LabError with what was wrong with each."""
    wrong = []
    for name in names:
        try:
            return name, opened(name, wanted)
        except (OSError, LabError) as error:
            wrong.append(f"{name}: {getattr(error, 'strerror', None) or error}".rstrip(".") + ".")
    help = f"«{better('ring')}» would allow it. {CAVEAT}" if better("ring") else better("tcpdump")
    raise LabError(" ".join(["Nothing here may capture.", *wrong, help]))


def _ports(text: str, field: str) -> tuple[int, ...]:
    found = tuple(int(word) for word in text.split(",") if word)
    if any(not 0 < port < 65536 for port in found):
        raise SettingError("A port is a number from 1 to 65,535.", field=field)
    return found


if __name__ == "__main__":
    run_alone("servers.walk.capture", "Captures the packets of some ports.", Request, capture)
