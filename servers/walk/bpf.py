"""The filter that the kernel runs on every packet: classic BPF for the ports that are asked for.

It sees a packet from its IP header on (a SOCK_DGRAM packet socket), IPv4 or IPv6, TCP or UDP. Of a fragmented
datagram only the first part has ports (RFC 791, 3.2; RFC 8200, 4.5): the others cannot be told from anybody
else's, and are left out. IPv6 extension headers are followed for EXTENSIONS of them: it has no loops.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal, NamedTuple

from servers.kit.errors import SettingError

Transport = Literal["tcp", "udp", "both"]
Ends = Literal["either", "own"]

PORTS = 32
"""Ports of a filter at the most: a jump in classic BPF reaches 255 instructions."""
EXTENSIONS = 3
KEEP, DROP = "keep", "drop"
SNAP = 262_144
"""Bytes of a packet that are kept: all, since the longest segment on loopback is shorter."""
OUTGOING = 4
"""PACKET_OUTGOING of packet(7)."""

LDH, LDB, LDH_X, LDB_X, LDX, LDX_HEADER = 0x28, 0x30, 0x48, 0x50, 0x01, 0xB1
LD_MEM, ST, JA, JEQ, JSET, RET, TAX, TXA = 0x60, 0x02, 0x05, 0x15, 0x45, 0x06, 0x07, 0x87
ADD, ADD_X, LSH, LD = 0x04, 0x0C, 0x64, 0x20
"""Opcodes, as linux/bpf_common.h puts them together."""
AD_PROTOCOL, AD_PKTTYPE = 0xFFFFF000, 0xFFFFF004
"""What the kernel knows beside the bytes (SKF_AD_OFF of linux/filter.h)."""
IPV4, IPV6 = 0x0800, 0x86DD
NUMBERS = {"tcp": (6,), "udp": (17,), "both": (6, 17)}
FRAGMENT, EXTENSION = 44, (0, 43, 60)
"""Next header: a fragment; hop-by-hop, routing and destination options, which are alike (RFC 8200, 4.2)."""


class Instruction(NamedTuple):
    """One struct sock_filter: where to go on is counted from the next instruction."""

    code: int
    yes: int
    no: int
    k: int


def program(
    ports: Sequence[int], transport: Transport = "both", *, ends: Ends = "either", without: Sequence[int] = ()
) -> list[Instruction]:
    """The filter. ``ends`` "own": these ports only on this machine's side, as on a network's interface, where
    others' servers may have the same ones. ``without``: packets of these ports are never taken.

    Raises SettingError (field ``ports``) for too many of them.
    """
    if not ports or len(ports) + len(without) > PORTS:
        raise SettingError(f"Give from 1 to {PORTS} ports.", field="ports")
    made = _Assembler()
    numbers = NUMBERS[transport]
    made.add(LD, AD_PROTOCOL)
    made.add(JEQ, IPV4, "v4", None)
    made.add(JEQ, IPV6, "v6", DROP)
    made.label("v4")
    made.add(LDB, 9)
    for number in numbers:
        made.add(JEQ, number, "v4 ours", None)
    made.add(JA, 0, DROP)
    made.label("v4 ours")
    made.add(LDH, 6)
    made.add(JSET, 0x1FFF, DROP, None)
    made.add(LDX_HEADER, 0)
    made.add(JA, 0, "ports")
    made.label("v6")
    _extensions(made, numbers)
    made.label("ports")
    _ports(made, ports, ends, without)
    made.label(DROP)
    made.add(RET, 0)
    made.label(KEEP)
    made.add(RET, SNAP)
    return made.done()


def expression(
    ports: Sequence[int],
    transport: Transport = "both",
    *,
    ends: Ends = "either",
    without: Sequence[int] = (),
    loopback: int = 1,
) -> str:
    """The same in pcap-filter(7)'s words, for tcpdump and dumpcap. ``loopback``: that interface's index."""

    def any_of(word: str) -> str:
        return "(" + " or ".join(f"{word} {port}" for port in ports) + ")"

    words: list[str] = [] if transport == "both" else [transport]
    either = any_of("port") if len(ports) > 1 else f"port {ports[0]}"
    if ends == "own":  # of what goes out on loopback libpcap shows nothing, so there both ways come in
        ours = f"(inbound and {any_of('dst port')}) or (outbound and {any_of('src port')})"
        words.append(f"((ifindex {loopback} and {either}) or (not ifindex {loopback} and ({ours})))")
    else:
        words.append(either)
    return " and ".join([*words, *(f"not port {port}" for port in without)])


def packed(instructions: Sequence[Instruction]) -> bytes:
    """An array of struct sock_filter."""
    return b"".join(struct.pack("HBBI", *each) for each in instructions)


def _extensions(made: _Assembler, numbers: Sequence[int]) -> None:
    """IPv6: X to where the transport's header is, following next headers: A is the number of each."""
    made.add(LDX, 40)
    made.add(LDB, 6)
    for turn in range(EXTENSIONS + 1):
        for number in numbers:
            made.add(JEQ, number, "ports", None)
        if turn == EXTENSIONS:
            made.add(JA, 0, DROP)
            return
        for number in EXTENSION:
            made.add(JEQ, number, f"extension {turn}", None)
        made.add(JEQ, FRAGMENT, None, DROP)
        made.add(LDH_X, 2)
        made.add(JSET, 0xFFF8, DROP, None)  # not the first fragment
        made.add(LDB_X, 0)
        made.add(ST, 0)
        made.add(TXA, 0)
        made.add(ADD, 8)
        made.add(JA, 0, f"after {turn}")
        made.label(f"extension {turn}")
        made.add(LDB_X, 0)
        made.add(ST, 0)
        made.add(LDB_X, 1)
        made.add(ADD, 1)
        made.add(LSH, 3)
        made.add(ADD_X, 0)
        made.label(f"after {turn}")
        made.add(TAX, 0)
        made.add(LD_MEM, 0)


def _ports(made: _Assembler, ports: Sequence[int], ends: Ends, without: Sequence[int]) -> None:
    """X is where the source port is; the destination port follows it, in TCP and UDP alike."""
    source, target = 0, 2
    for place in (source, target) if without else ():
        made.add(LDH_X, place)
        for port in without:
            made.add(JEQ, port, DROP, None)
    if ends == "own":
        made.add(LD, AD_PKTTYPE)
        made.add(JEQ, OUTGOING, "outgoing", None)
    made.add(LDH_X, target)
    for port in ports:
        made.add(JEQ, port, KEEP, None)
    if ends == "own":
        made.add(JA, 0, DROP)
        made.label("outgoing")
    made.add(LDH_X, source)
    for port in ports:
        made.add(JEQ, port, KEEP, None)


class _Assembler:
    """Instructions with names to jump to, which must come later; None is the next instruction."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, int, str | None, str | None]] = []
        self._labels: dict[str, int] = {}

    def add(self, code: int, k: int, yes: str | None = None, no: str | None = None) -> None:
        self._lines.append((code, k, yes, no))

    def label(self, name: str) -> None:
        self._labels[name] = len(self._lines)

    def done(self) -> list[Instruction]:
        return [self._made(at, *line) for at, line in enumerate(self._lines)]

    def _made(self, at: int, code: int, k: int, yes: str | None, no: str | None) -> Instruction:
        true, false = (self._labels[name] - at - 1 if name else 0 for name in (yes, no))
        if code == JA:
            return Instruction(code, 0, 0, true)
        return Instruction(code, true, false, k)
