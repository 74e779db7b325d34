"""Tables of bytes."""

from __future__ import annotations

import pytest

from servers.kit.errors import ProtocolError
from servers.udp_ping.protocol import (
    BUFFER,
    MAX_DATAGRAM,
    answer,
    differing,
    is_answer,
    read_seq,
    write_ping,
)


@pytest.mark.parametrize(
    ("seq", "time", "size", "datagram"),
    [
        (1, 0.0, 0, b"Ping 1 0.000000"),
        (10, 1700000000.25, 0, b"Ping 10 1700000000.250000"),
        (1, 0.0, 15, b"Ping 1 0.000000"),
        (1, 0.0, 3, b"Ping 1 0.000000"),
        (1, 0.0, 16, b"Ping 1 0.000000 "),
        (1, 0.0, 20, b"Ping 1 0.000000 ...."),
    ],
)
def test_a_ping_is_one_line(seq: int, time: float, size: int, datagram: bytes) -> None:
    assert write_ping(seq, time, size) == datagram


@pytest.mark.parametrize("size", [16, 17, 1024, MAX_DATAGRAM])
def test_a_ping_is_filled_up_to_the_very_byte(size: int) -> None:
    assert len(write_ping(1, 0.0, size)) == size
    assert read_seq(write_ping(1, 0.0, size)) == 1


@pytest.mark.parametrize(
    ("datagram", "reply"),
    [
        (b"Ping 1 0.5", b"PING 1 0.5"),
        (b"", b""),
        (b"ABC", b"ABC"),
        (bytes(range(256)), bytes(range(97)) + bytes(range(65, 91)) + bytes(range(123, 256))),
        ("straße é".encode(), b"STRA\xc3\x9fE \xc3\xa9"),
        (b"\xff\xfe\x00a", b"\xff\xfe\x00A"),
        (b"a" * BUFFER, b"A" * BUFFER),
        (b"a" * (BUFFER + 1), b"A" * BUFFER),
        (b"a" * MAX_DATAGRAM, b"A" * BUFFER),
        (b"ping\r\n", b"PING\r\n"),
    ],
)
def test_the_answer_is_upper_case_ascii_of_the_first_1024_bytes(datagram: bytes, reply: bytes) -> None:
    assert answer(datagram) == reply


@pytest.mark.parametrize(
    ("datagram", "seq"),
    [
        (b"Ping 1 0.5", 1),
        (b"PING 10 0.5", 10),
        (b"ping 007", 7),
        (b"Ping 0 x y z", 0),
        (b"Ping 3", 3),
        (b"  Ping\t4\r\n", 4),
        (b"Ping 5 " + b"." * 65000, 5),
        (b"Ping 999999999999999999 1", 10**18 - 1),
    ],
)
def test_seq_is_read_from_pings_and_answers(datagram: bytes, seq: int) -> None:
    assert read_seq(datagram) == seq


@pytest.mark.parametrize(
    "datagram",
    [
        b"", b"Ping", b"Ping ", b"Pong 1 2", b"1 Ping", b"Ping one 2", b"Ping -1 2", b"Ping +1 2",
        b"Ping 1.5 2",
        b"Ping 0x1 2", b"Ping 1_0 2", b"Ping \xd9\xa3 2", b"Ping 9999999999999999999 1", b"\xff\x00\x01",
        b"Ping1 2", b" " * 1024 + b"Ping 1 2",
    ],
)  # fmt: skip
def test_what_is_no_ping_is_the_peers_fault(datagram: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_seq(datagram)


LONG = write_ping(1, 0.5, 2000)


@pytest.mark.parametrize(
    ("reply", "ping", "whole"),
    [
        (b"PING 1 0.5", b"Ping 1 0.5", True),
        (b"Ping 1 0.5", b"Ping 1 0.5", True),
        (b"PING 1 0.6", b"Ping 1 0.5", False),
        (b"PING 1 0.", b"Ping 1 0.5", False),
        (b"PING 1 0.5!", b"Ping 1 0.5", False),
        (b"", b"Ping 1 0.5", False),
        (LONG[:1024].upper(), LONG, True),
        (LONG.upper(), LONG, True),
        (LONG[:1500].upper(), LONG, True),
        (LONG[:1023].upper(), LONG, False),
    ],
)
def test_an_answer_is_known_whole_and_unharmed(reply: bytes, ping: bytes, whole: bool) -> None:
    assert is_answer(reply, ping) is whole


@pytest.mark.parametrize(
    ("reply", "bits"),
    [
        (b"PING 1", 0),
        (b"PING 0", 1),
        (b"PING 2", 2),
        (b"QING 1", 1),
        (b"PING ", 8),
        (b"PING 12", 8),
        (b"", 48),
    ],
)
def test_the_distance_to_a_right_answer_is_counted_in_bits(reply: bytes, bits: int) -> None:
    assert differing(reply, b"Ping 1") == bits
