"""Rows: relative numbers, windows, flags, times, options; the same ports used again; datagrams."""

from __future__ import annotations

import msgspec

from servers.walk.packet import Packet
from servers.walk.rows import Row
from servers.walk.tracker import Tracker, options
from tests.walk.talk import FIRST, Talk, rows_of, tracker_of


def article() -> Talk:
    """The article's example: one HTTP request in eleven packets, with its numbers."""
    talk = Talk()
    talk.c("S", 0, mss=65495, scale=7)
    talk.s("S.", 0, 1, mss=65495, scale=7)
    talk.c(".", 1, 1)
    talk.c("P.", 1, 1, b"GET / HTTP/1.1\r\n\r\n".ljust(322, b"x"))
    talk.s(".", 1, 323)
    talk.s("P.", 1, 323, b"HTTP/1.1 200 OK\r\n\r\n".ljust(279, b"x"))
    talk.s("F.", 280, 323)
    talk.c(".", 323, 280)
    talk.c(".", 323, 281)
    talk.c("F.", 323, 281)
    talk.s(".", 281, 324)
    return talk


def test_the_articles_eleven_packets_have_the_articles_numbers() -> None:
    rows = article().rows()
    assert [(row.seq, row.ack, row.length) for row in rows] == [
        (0, None, 0), (0, 1, 0), (1, 1, 0), (1, 1, 322), (1, 323, 0), (1, 323, 279), (280, 323, 0),
        (323, 280, 0), (323, 281, 0), (323, 281, 0), (281, 324, 0),
    ]  # fmt: skip
    assert [row.next_seq for row in rows] == [1, 1, 1, 323, 1, 280, 281, 323, 323, 324, 281]
    assert [row.n for row in rows] == list(range(1, 12))
    assert [row.flags for row in rows[:4]] == [("SYN",), ("SYN", "ACK"), ("ACK",), ("PSH", "ACK")]
    assert {row.way for row in rows if row.n in (1, 3, 4, 8, 9, 10)} == {"to_server"}
    assert rows[3].message == "GET / HTTP/1.1"
    assert rows[5].message == "HTTP/1.1 200 OK"
    assert not any(row.marks for row in rows)


def test_relative_numbers_go_on_where_raw_ones_wrap() -> None:
    talk = Talk().opened()
    talk.c("P.", 1, 1, b"x" * 400)
    talk.c("P.", 401, 1, b"x" * 10)
    rows = talk.rows()
    assert [row.raw_seq for row in rows[3:]] == [FIRST[0] + 1, (FIRST[0] + 401) % 2**32]
    assert [(row.seq, row.next_seq) for row in rows[3:]] == [(1, 401), (401, 411)]


def test_windows_are_scaled_if_both_syns_say_so_and_never_in_a_syn() -> None:
    for client, server, shift in ((7, 7, 7), (7, None, 0), (None, None, 0), (0, 14, 0)):
        talk = Talk()
        talk.c("S", 0, scale=client)
        talk.s("S.", 0, 1, scale=server)
        talk.c(".", 1, 1)
        assert [row.window for row in talk.rows()] == [1000, 1000, 1000 << shift]


def test_without_the_handshake_numbers_begin_at_1_and_windows_are_as_they_are() -> None:
    talk = Talk()
    talk.c("P.", 1001, 501, b"hello")
    talk.s(".", 501, 1006)
    first, second = talk.rows()
    assert (first.seq, first.ack, first.window) == (1, 1, 1000)
    assert (second.seq, second.ack) == (1, 6)


def test_times_count_from_the_first_packet() -> None:
    talk = Talk(step=0.25).opened()
    assert [round(row.after, 6) for row in talk.rows()] == [0, 0.25, 0.5]


def test_options_are_told_in_words() -> None:
    talk = Talk()
    syn = talk.c("S", 0, mss=1460, scale=7, sack_permitted=True, tsval=1, tsecr=0)
    assert options(syn) == "MSS 1460; SACK permitted; window scale ×128; time stamps 1, 0"
    assert options(talk.c(".", 1, 1, sack=((10, 20), (30, 40)))) == "SACK 10–20, 30–40"
    assert options(talk.c(".", 1, 1, scale=200)) == "window scale ×16384"


def test_a_syn_with_another_number_begins_a_new_connection() -> None:
    talk = Talk().opened()
    talk.c("F.", 1, 1)
    again = Talk(first=(77, 99)).opened()
    rows = rows_of([*talk.packets, *again.packets])
    assert [(row.n, row.seq, row.ack) for row in rows[4:]] == [(5, 0, None), (6, 0, 1), (7, 1, 1)]
    assert "new connection" in rows[4].why
    assert rows[4].client_state == "SYN_SENT"


def test_ipv6_addresses_are_told_apart() -> None:
    packet = Talk().c("S", 0)
    six = msgspec.structs.replace(packet, version=6, source="::1", target="::1")
    tracker = Tracker("[::1]:40000", "[::1]:80")
    assert tracker.feed(six).way == "to_server"
    back = msgspec.structs.replace(six, source_port=80, target_port=40000)
    assert tracker.feed(back).way == "to_client"


def datagram(data: bytes, length: int | None = None) -> Packet:
    return Packet(
        number=7, t=1.0, version=4, transport="udp", source="10.0.0.1", source_port=40000, target="10.0.0.2",
        target_port=80, length=len(data) if length is None else length, payload=data,
    )  # fmt: skip


def test_a_datagrams_row() -> None:
    row = tracker_of().feed(datagram(b"Ping 1 2.5"))
    assert row == Row(
        n=1, number=7, t=1.0, after=0.0, way="to_server", transport="udp", length=10, message="Ping 1 2.5"
    )
    cut = tracker_of().feed(datagram(b"Pi", 10))
    assert (cut.marks, cut.message) == (("cut",), "Pi (2 of 10 bytes captured)")
    assert "2 of its 10 bytes" in cut.why


def test_a_connection_of_many_gigabytes_is_counted_on() -> None:
    """The offsets that messages and stars go by do not wrap with the sequence numbers."""
    talk = Talk().opened()
    gap = 2**31 - 10
    for n in range(5):
        talk.c("P.", 1 + n * gap, 1, b"x\r\n")
        talk.s(".", 1, 4 + n * gap)
    talk.c("P.", 1 + 4 * gap + 3, 1, b"Authorization: Basic abc\r\n")
    last = talk.rows()[-1]
    assert last.marks == ()
    assert "abc" not in last.message


def test_a_secret_that_goes_on_where_the_capture_begins_is_not_seen() -> None:
    for before in (0, 1):
        talk = Talk()
        if before:
            talk.c(".", 500, 700)
        talk.c("P.", 500, 700, b"cmV0\r\nAccept: */*\r\n")
        talk.s("P.", 700, 520, b"HTTP/1.1 200 OK\r\n\r\n")
        talk.c("P.", 519, 720, b"GET / HTTP/1.1\r\n\r\n")
        rows = talk.rows()[before:]
        assert rows[0].message == "**** (and 1 more line)"
        assert [row.message for row in rows[1:]] == ["HTTP/1.1 200 OK", "GET / HTTP/1.1"]


def test_an_instance_made_for_others_shows_what_it_was_fed() -> None:
    tracker = tracker_of(masks=False)
    packets = Talk().opened().packets
    for packet in packets:
        tracker.feed(packet)
    assert tracker.shown == b""
    secret = b"GET / HTTP/1.1\r\nAuthorization: Basic YTpi\r\n\r\n"
    talk = Talk()
    talk.packets = list(packets)
    tracker.feed(talk.c("P.", 1, 1, secret))
    assert tracker.shown == secret
