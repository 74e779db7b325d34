"""An interpreter of classic BPF, as far as the filter uses it, written from linux/filter.h."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

ETHERTYPES = {4: 0x0800, 6: 0x86DD}


class Beyond(Exception):
    """A load beyond the packet's end: the packet is not taken."""


class Seen(NamedTuple):
    """A packet as the kernel has it: its bytes from the IP header on, its protocol, whether it goes out."""

    data: bytes
    protocol: int
    outgoing: bool = False


def taken(program: Sequence[tuple[int, int, int, int]], seen: Seen) -> int:
    """What the filter returns: how many bytes to keep, 0 for none."""
    a = x = at = 0
    memory = [0] * 16
    while True:
        code, yes, no, k = program[at]
        at += 1
        try:
            if code == 0x06:
                return k
            if code in (0x20, 0x28, 0x30, 0x48, 0x50):
                a = load(seen, code, k, x)
            elif code == 0xB1:
                x = 4 * (byte(seen.data, k, 1) & 15)
            elif code == 0x01:
                x = k
            elif code in (0x05, 0x15, 0x45):
                at += k if code == 0x05 else yes if (a == k if code == 0x15 else a & k) else no
            elif code == 0x60:
                a = memory[k]
            elif code == 0x02:
                memory[k] = a
            elif code == 0x07:
                x = a
            elif code == 0x87:
                a = x
            elif code in (0x04, 0x0C):
                a = (a + (k if code == 0x04 else x)) % 2**32
            elif code == 0x64:
                a = (a << k) % 2**32
            else:
                raise AssertionError(f"opcode {code:#x}")
        except Beyond:
            return 0


def load(seen: Seen, code: int, k: int, x: int) -> int:
    if k == 0xFFFFF000:
        return seen.protocol
    if k == 0xFFFFF004:
        return 4 if seen.outgoing else 0
    return byte(seen.data, k + (x if code & 0x40 else 0), {0x00: 4, 0x08: 2, 0x10: 1}[code & 0x18])


def byte(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise Beyond
    return int.from_bytes(data[at : at + size], "big")
