"""The kernel's filter: which packets it takes, by an interpreter and by the kernel itself."""

from __future__ import annotations

import ctypes
import shutil
import socket
import struct
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.kit.errors import SettingError
from servers.walk import bpf
from servers.walk.bpf import expression, packed, program
from servers.walk.link import decode
from servers.walk.packet import Frame
from servers.walk.ring import SO_ATTACH_FILTER, Ring
from tests.walk.bpf_machine import ETHERTYPES, Seen, taken
from tests.walk.capturing import needs_ring, receiver, send
from tests.walk.files import ip_of, packet

TO, FROM = {"target_port": 12000}, {"source_port": 12000, "target_port": 50000}
OTHER = {"source_port": 50000, "target_port": 12001}


def seen(outgoing: bool = False, **changes: Any) -> Seen:
    made = packet(**changes)
    return Seen(ip_of(made), ETHERTYPES[made.version], outgoing)


def extended(*headers: tuple[int, bytes], version_6: bytes = b"") -> Seen:
    """A segment over IPv6 with extension headers: each one's number, and its bytes after «next header»."""
    data = version_6 or ip_of(packet(version=6, **TO))
    numbers = [number for number, _ in headers] + [data[6]]
    chain = b"".join(bytes([after]) + rest for (_, rest), after in zip(headers, numbers[1:], strict=True))
    return Seen(data[:6] + bytes([numbers[0]]) + data[7:40] + chain + data[40:], 0x86DD)


HOP = (0, b"\0" + bytes(6))
LONG_OPTIONS = (60, b"\1" + bytes(14))
FIRST_FRAGMENT = (44, b"\0\0\1" + bytes(4))
LATER_FRAGMENT = (44, b"\0\0\x09" + bytes(4))


def fragment(offset: int) -> Seen:
    data = ip_of(packet(**TO))
    return Seen(data[:6] + struct.pack(">H", 0x2000 | offset) + data[8:], 0x0800)


CASES = [
    ("to the port", seen(**TO), True),
    ("from the port", seen(**FROM), True),
    ("another port", seen(**OTHER), False),
    ("IPv6", seen(version=6, **TO), True),
    ("IPv6, from the port", seen(version=6, **FROM), True),
    ("IPv6, another port", seen(version=6, **OTHER), False),
    ("UDP", seen(transport="udp", **TO), False),
    ("a first fragment", fragment(0), True),
    ("a later fragment, which has no ports", fragment(8), False),
    ("IPv6 with a hop-by-hop header", extended(HOP), True),
    ("IPv6 with long options", extended(LONG_OPTIONS), True),
    ("IPv6 with as many headers as are followed", extended(HOP, LONG_OPTIONS, FIRST_FRAGMENT), True),
    ("IPv6 with one more", extended(HOP, LONG_OPTIONS, HOP, FIRST_FRAGMENT), False),
    ("an IPv6 later fragment", extended(LATER_FRAGMENT), False),
    ("IPv6 with ESP", extended((50, b"\0" + bytes(6))), False),
    ("ARP whose bytes look like ours", Seen(ip_of(packet(**TO)), 0x0806), False),
    ("nothing", Seen(b"", 0x0800), False),
    ("a cut IPv4 header", Seen(ip_of(packet(**TO))[:9], 0x0800), False),
    ("a header cut before its ports", Seen(ip_of(packet(**TO))[:21], 0x0800), False),
    ("IPv4 options before the ports", Seen(b"\x46" + ip_of(packet(**TO))[1:20] + bytes(4)
                                           + ip_of(packet(**TO))[20:], 0x0800), True),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_filter_for_tcp_takes(what: str, given: Seen, wanted: bool) -> None:
    assert taken(program([12000], "tcp"), given) == (bpf.SNAP if wanted else 0)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("wanted", ["tcp", "udp", "both"])
def test_the_transport_is_asked_for(wanted: Any, transport: str, version: int) -> None:
    found = taken(program([12000], wanted), seen(transport=transport, version=version, **TO))
    assert bool(found) == (wanted in (transport, "both"))


@pytest.mark.parametrize(
    ("outgoing", "ports", "wanted"),
    [(False, TO, True), (True, FROM, True), (False, FROM, False), (True, TO, False), (False, OTHER, False)],
)
def test_with_own_ends_another_machines_server_of_that_port_is_left_alone(
    outgoing: bool, ports: dict[str, int], wanted: bool
) -> None:
    found = taken(program([12000], "tcp", ends="own"), seen(outgoing, **ports))
    assert bool(found) == wanted


@pytest.mark.parametrize("ends", ["either", "own"])
@pytest.mark.parametrize("ports", [{"source_port": 8000}, {"source_port": 12000, "target_port": 8000}])
def test_the_ports_without_are_never_taken(ports: dict[str, int], ends: Any) -> None:
    code = program([12000], "tcp", ends=ends, without=[8000])
    for outgoing in (False, True):
        assert not taken(code, seen(outgoing, **{**TO, **ports}))
    assert taken(code, seen(**TO))


PORT = st.sampled_from([0, 7, 12000, 12001, 65535])


@settings(max_examples=200)
@given(
    st.lists(PORT.filter(bool), min_size=1, max_size=4), st.sampled_from(["tcp", "udp", "both"]),
    st.sampled_from(["tcp", "udp"]), PORT, PORT, st.sampled_from([4, 6]),
)  # fmt: skip
def test_what_is_taken_is_what_the_decoder_reads(
    ports: list[int], wanted: Any, transport: str, source: int, target: int, version: int
) -> None:
    given = seen(transport=transport, source_port=source, target_port=target, version=version)
    found = decode(Frame(1, 0.0, 101, given.data, len(given.data)))
    assert found
    ours = bool({found.source_port, found.target_port} & set(ports))
    assert bool(taken(program(ports, wanted), given)) == (ours and wanted in (found.transport, "both"))


@given(st.binary(max_size=120), st.sampled_from([0x0800, 0x86DD, 0x0806]))
def test_any_bytes_end_the_filter(data: bytes, protocol: int) -> None:
    assert taken(program([12000], without=[8000]), Seen(data, protocol)) in (0, bpf.SNAP)


@pytest.mark.parametrize("ports", [[], list(range(1, bpf.PORTS + 2))])
def test_too_few_or_too_many_ports_are_refused(ports: list[int]) -> None:
    with pytest.raises(SettingError) as error:
        program(ports)
    assert error.value.field == "ports"


@pytest.mark.skipif(not hasattr(socket, "AF_PACKET"), reason="Linux only")
@pytest.mark.parametrize("ends", ["either", "own"])
def test_the_kernel_accepts_the_longest_filter(ends: Any) -> None:
    code = program(list(range(1, bpf.PORTS - 7)), ends=ends, without=list(range(9000, 9008)))
    data = packed(code)
    buffer = ctypes.create_string_buffer(data, len(data))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:  # any socket takes one, without rights
        whole = struct.pack("HP", len(code), ctypes.addressof(buffer))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, whole)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_kernel_takes_what_the_interpreter_takes(host: str) -> None:
    needs_ring()
    with (
        receiver(host) as (_, port), receiver(host) as (_, other), Ring(program([port], "udp")) as ring,
    ):  # fmt: skip
        send(other, b"not ours", host=host)
        send(port, b"ours", host=host)
        blocks, count, _ = ring.read(5)
    assert count == 1
    assert b"ours" in blocks
    assert b"not ours" not in blocks


EXPRESSIONS = [
    (([12000], "tcp"), {}, "tcp and port 12000"),
    (([1, 2], "both"), {"without": [8000]}, "(port 1 or port 2) and not port 8000"),
    (
        ([7], "udp"), {"ends": "own", "loopback": 1},
        "udp and ((ifindex 1 and port 7) or (not ifindex 1 and ((inbound and (dst port 7)) or "
        "(outbound and (src port 7)))))",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "named", "wanted"), EXPRESSIONS)
def test_tcpdump_is_told_the_same_in_words(given: Any, named: Any, wanted: str) -> None:
    assert expression(*given, **named) == wanted


@pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not installed")
@pytest.mark.parametrize("given", [each for each in EXPRESSIONS if "ends" not in each[1]])
def test_tcpdump_understands_the_words(given: Any) -> None:
    words = expression(*given[0], **given[1])
    tcpdump = shutil.which("tcpdump") or ""
    done = subprocess.run([tcpdump, "-y", "EN10MB", "-d", words], capture_output=True, text=True, timeout=20)
    assert "ret" in done.stdout or "permi" in done.stderr, done.stderr
