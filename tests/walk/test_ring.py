"""The memory-mapped ring: each packet once, with its time and length, and what the kernel had to drop."""

from __future__ import annotations

import io
import struct
import time

import pytest

from servers.walk.bpf import Ends, program
from servers.walk.link import decode
from servers.walk.packet import Frame
from servers.walk.pcapng import PcapngReader
from servers.walk.ring import Ring, enhanced
from servers.walk.write import interface, section
from tests.programs import DEADLINE
from tests.walk.capturing import needs_ring, receiver, send


def frames(blocks: bytes) -> list[Frame]:
    file = io.BytesIO(section() + interface(101, "lo") + blocks)
    return [frame for _, frame in PcapngReader(file).read()]


def collect(ring: Ring, count: int) -> tuple[bytes, int, int]:
    """What is read until so many packets have come, or for a while."""
    found, packets, size = b"", 0, 0
    end = time.monotonic() + DEADLINE
    while packets < count and time.monotonic() < end:
        blocks, number, bytes_ = ring.read(0.1)
        found, packets, size = found + blocks, packets + number, size + bytes_
    return found, packets, size


def in_memory(*packets: tuple[int, int, bytes, int]) -> bytes:
    """Packets as the kernel lays them in a block: seconds, nanoseconds, what was kept, true length."""
    found = b""
    for sec, nsec, data, size in packets:
        whole = 80 + (len(data) + 15) // 16 * 16
        head = struct.pack("=IIIIIIHH", whole, sec, nsec, len(data), size, 1, 80, 80)
        found += head.ljust(80, b"\xee") + data.ljust(whole - 80, b"\xee")
    return found


def test_a_blocks_packets_become_pcapng_blocks() -> None:
    memory = b"before" + in_memory(
        (1_700_000_000, 123_456_789, b"one", 3), (5, 0, b"", 7), (6, 1, b"four", 9)
    )
    blocks, size = enhanced(memory, 6, 3)
    found = frames(blocks)
    assert [(frame.data, frame.size) for frame in found] == [(b"one", 3), (b"", 7), (b"four", 9)]
    assert size == 19
    assert found[0].t == pytest.approx(1_700_000_000.123456789, abs=1e-6)


@pytest.mark.parametrize("interface", ["lo", "any"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_each_packet_on_loopback_comes_once_both_ways(interface: str, host: str) -> None:
    needs_ring()
    ends: Ends = "own" if interface == "any" else "either"
    with (
        receiver(host) as (server, port), receiver(host) as (client, other),
        Ring(program([port], "udp", ends=ends), interface) as ring,
    ):  # fmt: skip
        client.sendto(b"question", (host, port))
        server.sendto(b"the answer", (host, other))
        blocks, count, size = collect(ring, 2)
        assert ring.read(0.1)[1] == 0
        assert ring.drops() == 0
    found = [packet for packet in map(decode, frames(blocks)) if packet]
    assert [(p.source_port, p.target_port, p.payload) for p in found] == [
        (other, port, b"question"), (port, other, b"the answer"),
    ]  # fmt: skip
    assert count == 2
    assert size == sum(frame.size for frame in frames(blocks))
    assert abs(found[0].t - time.time()) < DEADLINE


def test_a_whole_segment_of_loopback_is_kept() -> None:
    needs_ring()
    with receiver() as (_, port), Ring(program([port], "udp")) as ring:
        send(port, b"x" * 65_507)
        blocks, _, _ = collect(ring, 1)
    packet = decode(frames(blocks)[0])
    assert packet
    assert packet.payload == b"x" * 65_507


def test_what_finds_no_room_is_counted_by_the_kernel() -> None:
    needs_ring()
    count, big = 2500, b"x" * 30_000
    with receiver() as (_, port), Ring(program([port], "udp")) as ring:
        send(port, *[big] * count)
        lost = ring.drops()
        assert lost > 0
        _, kept, _ = collect(ring, count - lost)
        assert kept + ring.drops() == count
    assert ring.drops() == lost


def test_a_ring_that_is_closed_reads_no_more() -> None:
    needs_ring()
    ring = Ring(program([9], "udp"))
    ring.close()
    ring.close()
    with pytest.raises(ValueError, match="closed"):
        ring.read(0)


def test_an_interface_that_is_not_there_is_an_error() -> None:
    needs_ring()
    with pytest.raises(OSError, match="no interface"):
        Ring(program([9], "udp"), "nowhere9")
