"""Which ways of capturing work here and now, why others do not, and the line that would give a better one.

Run as a program it tells the dashboard, which captures nothing itself and needs no rights.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Sequence
from typing import Protocol

import msgspec

from servers.kit.command import run_alone
from servers.kit.errors import LabError
from servers.kit.report import Report
from servers.kit.settings import RequestSettings
from servers.walk import bpf
from servers.walk.bpf import Ends, Transport
from servers.walk.piped import Piped, command
from servers.walk.rights import LOOPBACK, MAC
from servers.walk.ring import Ring

NAMES = ("ring", "dumpcap", "tcpdump")
"""From the best to the least: each is tried in turn."""


class Source(Protocol):
    """An open capture."""

    def read(self, seconds: float) -> tuple[bytes, int, int]:
        """Packets as pcapng blocks, how many, and their true bytes."""

    def drops(self) -> int:
        """Packets that the kernel had no room for."""

    def close(self) -> None:
        """End it."""

    @property
    def link(self) -> int:
        """The link type of its packets."""

    @property
    def holds(self) -> float:
        """Seconds after which a packet is given at the latest."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A way of capturing: whether it works, how or why not in words, the command that would help (or "")."""

    name: str
    works: bool
    words: str
    better: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the program tells."""

    ways: tuple[Way, ...]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be captured. ``interface`` is "lo" or "any"."""

    ports: tuple[int, ...]
    transport: Transport = "both"
    interface: str = "lo"
    without: tuple[int, ...] = ()

    @property
    def ends(self) -> Ends:
        """On loopback both ends are ours; elsewhere a port may be another machine's as well."""
        return "own" if self.interface == "any" else "either"

    def words(self) -> str:
        """The filter as tcpdump takes it."""
        index = socket.if_nametoindex(LOOPBACK) if self.interface == "any" else 1
        return bpf.expression(
            self.ports, self.transport, ends=self.ends, without=self.without, loopback=index
        )


def opened(name: str, wanted: Wanted) -> Source:
    """An open capture by that way. Raises OSError or LabError, with the reason."""
    if name == "ring":
        if not hasattr(socket, "AF_PACKET"):
            raise LabError("Packet sockets with a ring (AF_PACKET) are Linux's.")
        code = bpf.program(wanted.ports, wanted.transport, ends=wanted.ends, without=wanted.without)
        return Ring(code, wanted.interface)
    interface = LOOPBACK if wanted.interface == "lo" else wanted.interface
    return Piped(command(name, interface, wanted.words()))


def ways(wanted: Wanted, names: Sequence[str] = NAMES) -> tuple[Way, ...]:
    """Each way, tried out: that it is installed says nothing yet."""
    return tuple(_tried(name, wanted) for name in names)


def _tried(name: str, wanted: Wanted) -> Way:
    try:
        opened(name, wanted).close()
    except (OSError, LabError) as error:
        return Way(name=name, works=False, words=_reason(name, error), better=better(name))
    return Way(name=name, works=True, words=WORKS[name])


WORKS = {
    "ring": "Captured by the kernel's own ring (AF_PACKET): the fastest way.",
    "dumpcap": "Captured by dumpcap, Wireshark's program, which may do it here.",
    "tcpdump": "Captured by tcpdump, which may do it here.",
}


def _reason(name: str, error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "Python may not open a packet socket: that needs the right CAP_NET_RAW."
    if isinstance(error, OSError):
        return f"{'The packet socket' if name == 'ring' else name}: {error.strerror or error}."
    return str(error)


def better(name: str) -> str:
    """The command that gives the way the right; "" where there is none."""
    if MAC:
        return "" if name == "ring" else "sudo chmod o+r /dev/bpf*"
    if name == "ring":
        python = shlex.quote(os.path.realpath(sys.executable))
        return f"sudo setcap cap_net_raw=eip {python}" if sys.platform == "linux" else ""
    if name == "dumpcap":
        return "sudo dpkg-reconfigure wireshark-common && sudo usermod -aG wireshark $USER"
    return "sudo setcap cap_net_raw=eip $(readlink -f $(command -v tcpdump))"


class Question(RequestSettings, frozen=True, kw_only=True):
    """The program takes nothing."""


def tell(question: Question, report: Report) -> int:
    """Try all of them, on a port that nobody uses."""
    found = ways(Wanted(ports=(1,)))
    for way in found:
        report.say(f"{way.name}: {way.words} {way.better}".rstrip())
    report.result(Found(ways=found))
    return 0 if any(way.works for way in found) else 1


if __name__ == "__main__":
    run_alone("servers.walk.allowed", "Which ways of capturing packets work here.", Question, tell)
