"""Packets from the kernel without a call for each: AF_PACKET with a memory-mapped ring, TPACKET_V3. Linux.

packet(7), and Documentation/networking/packet_mmap.rst of Linux. The socket is opened without a protocol,
so that it gets nothing before the filter is attached; bound, it begins. On the loopback interface each packet
passes twice, out and in: only one of the two is taken.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import socket
import struct
from collections.abc import Sequence

from servers.walk.bpf import Instruction, packed

SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 263, 5, 6, 10, 23
SO_ATTACH_FILTER = 26
TPACKET_V3, ETH_P_ALL, TP_STATUS_USER = 2, 3, 1
SIZE, BLOCKS = 1 << 20, 32
"""A block's bytes, and how many: 100,000 small packets a second fill them in more than a second."""
FRAME = 1 << 17
RETIRE_MS = 20
"""After so many milliseconds the kernel hands over a block that is not full."""

_BLOCK = struct.Struct("=III")  # status, packets, offset of the first: at 8 in struct tpacket_block_desc
_PACKET = struct.Struct("=IIIII4xH")  # next, sec, nsec, kept, length, status, mac: struct tpacket3_hdr
_STATISTICS = struct.Struct("=III")
_EPB = struct.Struct("<IIIIIII")
_LENGTH = struct.Struct("<I")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class Ring:
    """An open capture. ``interface``: a name, or "any" for all.

    Raises OSError: PermissionError without CAP_NET_RAW.
    """

    link = 101
    """Raw IP: what a SOCK_DGRAM packet socket gives."""
    holds = 2 * RETIRE_MS / 1000

    def __init__(self, filter: Sequence[Instruction], interface: str = "lo") -> None:
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self._memory: mmap.mmap | None = None
        self._next = 0
        self.dropped = 0
        try:
            self._open(filter, interface)
        except BaseException:
            self.close()
            raise

    def _open(self, filter: Sequence[Instruction], interface: str) -> None:
        sock, code = self._sock, packed(filter)
        buffer = ctypes.create_string_buffer(code, len(code))
        sock.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(filter), ctypes.addressof(buffer))
        )
        if interface != "any":  # there the filter knows which of the two to take
            sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        frames = SIZE * BLOCKS // FRAME
        sock.setsockopt(
            SOL_PACKET, PACKET_RX_RING, struct.pack("IIIIIII", SIZE, BLOCKS, FRAME, frames, RETIRE_MS, 0, 0)
        )
        self._memory = mmap.mmap(sock.fileno(), SIZE * BLOCKS, mmap.MAP_SHARED)
        index = 0 if interface == "any" else socket.if_nametoindex(interface)
        _bind(sock, index)

    def __enter__(self) -> Ring:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the ring. Once more is harmless."""
        if self._memory is not None:
            self.drops()
            self._memory.close()
            self._memory = None
        self._sock.close()

    def read(self, seconds: float) -> tuple[bytes, int, int]:
        """A block's packets as pcapng blocks, how many, and their true bytes; waits at most ``seconds``.

        Without a packet: ``(b"", 0, 0)``.
        """
        memory, base = self._memory, self._next * SIZE
        if memory is None:
            raise ValueError("the ring is closed")
        status, count, first = _BLOCK.unpack_from(memory, base + 8)
        if not status & TP_STATUS_USER:
            select.select([self._sock], [], [], seconds)
            status, count, first = _BLOCK.unpack_from(memory, base + 8)
            if not status & TP_STATUS_USER:
                self._raise_error()
                return b"", 0, 0
        found, size = enhanced(memory, base + first, count)
        memory[base + 8 : base + 12] = b"\0\0\0\0"  # the kernel's again
        self._next = (self._next + 1) % BLOCKS
        return found, count, size

    def _raise_error(self) -> None:
        """The interface may have gone: without asking, the wait would end at once for ever."""
        number = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number))

    def drops(self) -> int:
        """How many packets the kernel had no room for, so far. Asking sets its own count to 0."""
        if self._memory is None:
            return self.dropped
        found = self._sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size)
        self.dropped += _STATISTICS.unpack(found)[1]
        return self.dropped


def enhanced(memory: mmap.mmap | bytes, at: int, count: int) -> tuple[bytes, int]:
    """``count`` packets from ``at`` on as enhanced packet blocks of interface 0, and their true bytes."""
    header, block, length, padding = _PACKET.unpack_from, _EPB.pack, _LENGTH.pack, _PADDING
    chunks: list[bytes] = []
    size = 0
    for _ in range(count):
        after, sec, nsec, kept, true, mac = header(memory, at)
        t = sec * 1_000_000_000 + nsec
        whole = 32 + kept + -kept % 4
        begin = at + mac
        chunks += (
            block(6, whole, 0, t >> 32, t & 0xFFFFFFFF, kept, true),
            memory[begin : begin + kept], padding[kept % 4], length(whole),
        )  # fmt: skip
        size += true
        at += after
    return b"".join(chunks), size


def _bind(sock: socket.socket, index: int) -> None:
    """bind(2) to an interface, 0 for all: Python's own bind() takes only a name."""
    address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(ETH_P_ALL), index, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).bind(sock.fileno(), address, len(address)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
