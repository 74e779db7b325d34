"""The line of a heartbeat, read and written."""

from __future__ import annotations

import pytest

from servers.kit.errors import ProtocolError
from servers.udp_heartbeat.protocol import Line, read_line, write_line

T = 1463200800.25


@pytest.mark.parametrize(
    ("datagram", "word", "seq", "sent"),
    [
        (b"Heartbeat 1 1463200800.25", "Heartbeat", 1, T),
        (b"Heartbeat 7 1463200800", "Heartbeat", 7, 1463200800.0),
        (b"Ping 3 1463200800.25", "Ping", 3, T),
        (b"3 1463200800.25", "", 3, T),
        (b"0 0", "", 0, 0.0),
        (b"007 1", "", 7, 1.0),
        (b"HB 1 1463200800.25\n", "HB", 1, T),
        (b"  HB\t1   1463200800.25 \r\n", "HB", 1, T),
        (b"HB 1 12.5 and more", "HB", 1, 12.5),
        (b"HB 1 -0.5", "HB", 1, -0.5),
        (b"HB 1 1.4632008e9", "HB", 1, 1463200800.0),
        (b"HB 1 .5", "HB", 1, 0.5),
        (b"HB 1 Mon May 16 10:00:00 2016", "HB", 1, None),
        (b"1 Mon May 16 10:00:00 2016", "", 1, None),
        (b"HB 1 2016-05-16T10:00:00", "HB", 1, None),
        (b"HB 1 nan", "HB", 1, None),
        (b"HB 1 inf", "HB", 1, None),
        (b"HB 1 1e999", "HB", 1, None),
        (b"HB 1 0x10", "HB", 1, None),
        (b"HB 1 1_000", "HB", 1, None),
        ("Herz 1 ５".encode(), "Herz", 1, None),
        ("Heartbéat 1 5".encode(), "Heartbéat", 1, 5.0),
        (b"\xff\xfe 1 5", "\\xff\\xfe", 1, 5.0),
        (b"999999999999999 5", "", 999999999999999, 5.0),
        (b"HB 1 5" + b" " * 3000, "HB", 1, 5.0),
    ],
)
def test_a_heartbeat_is_read(datagram: bytes, word: str, seq: int, sent: float | None) -> None:
    line = read_line(datagram)
    assert (line.word, line.seq, line.sent) == (word, seq, sent)


@pytest.mark.parametrize(
    ("datagram", "what"),
    [
        (b"", "the datagram is empty"),
        (b" \r\n", "the datagram is empty"),
        (b"Heartbeat", "there is no SEQ after «Heartbeat»"),
        (b"Heartbeat one 5", "SEQ is «one», not a whole number"),
        (b"Heartbeat -1 5", "SEQ is «-1», not a whole number"),
        (b"Heartbeat 1.5 5", "SEQ is «1.5», not a whole number"),
        (b"-1 5", "SEQ is «-1», not a whole number"),
        (b"1.5 5", "SEQ is «1.5», not a whole number"),
        (b"Heartbeat 5", "there is no TIME after SEQ 5"),
        (b"5", "there is no TIME after SEQ 5"),
        (b"Heartbeat 1000000000000000 5", "SEQ has 16 digits"),
        ("Heartbeat ５ 5".encode(), "SEQ is «\\xef\\xbc\\x95», not a whole number"),
        (b"\x00" * 50, "there is no SEQ after «" + "\x00" * 20 + "…»"),
        (b"GET / HTTP/1.1\r\n\r\n", "SEQ is «/», not a whole number"),
        (b"Heartbeat,5,1463200800.25", "SEQ after «Heartbeat,5,14632008…»; between WORD, SEQ and TIME are"),
        (b"('Heartbeat', 5, 1463200800.25)", "SEQ is «5,», not a whole number from 0 up; between WORD, SEQ"),
        (b"5, 1463200800.25", "are spaces, no commas"),
    ],
)
def test_what_is_no_heartbeat_is_told(datagram: bytes, what: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_line(datagram)
    assert what in str(caught.value)


def test_what_is_written_is_read() -> None:
    assert write_line(12, T) == b"Heartbeat 12 1463200800.250000"
    assert read_line(write_line(12, T)) == Line("Heartbeat", 12, T, b"1463200800.250000")
    assert read_line(write_line(12, T, word="Ping")).word == "Ping"


def test_a_long_word_is_cut() -> None:
    assert read_line(b"x" * 500 + b" 1 5").word == "x" * 40
    assert len(read_line(b"HB 1 " + b"y" * 500).time) == 40
