"""Follow stream: bytes in order, once; gaps named; secrets starred; bounded."""

from __future__ import annotations

import random

import msgspec
import pytest

from servers.walk.packet import Packet
from servers.walk.rows import Piece
from servers.walk.stream import follow
from tests.walk.talk import Talk
from tests.walk.test_tracker import datagram

CLIENT = "10.0.0.1:40000"


def said(talk: Talk) -> list[tuple[str, int, bytes, int]]:
    """The pieces: ``c`` or ``s``, offset, bytes, gap before."""
    return [_short(piece) for piece in follow(talk.packets, CLIENT, masks=False)[0]]


def _short(piece: Piece) -> tuple[str, int, bytes, int]:
    return ("c" if piece.way == "to_server" else "s", piece.offset, piece.data, piece.gap)


def test_both_sides_in_turn() -> None:
    talk = Talk().opened()
    talk.c("P.", 1, 1, b"hello")
    talk.s(".", 1, 6)
    talk.s("P.", 1, 6, b"HELLO")
    talk.c("P.", 6, 6, b"bye")
    assert said(talk) == [("c", 0, b"hello", 0), ("s", 0, b"HELLO", 0), ("c", 5, b"bye", 0)]


def test_pieces_of_one_side_without_an_answer_between_are_joined() -> None:
    talk = Talk().opened()
    talk.c("P.", 1, 1, b"one ")
    talk.c("P.", 5, 1, b"two")
    assert said(talk) == [("c", 0, b"one two", 0)]


def test_what_is_sent_again_stands_once_and_new_bytes_in_it_are_taken() -> None:
    talk = Talk().opened()
    talk.c("P.", 1, 1, b"hello")
    talk.c("P.", 1, 1, b"hello")
    talk.c("P.", 3, 1, b"llo world")
    talk.c("P.", 2, 1, b"ello")
    assert said(talk) == [("c", 0, b"hello world", 0)]


def test_what_came_early_waits() -> None:
    talk = Talk().opened()
    talk.c("P.", 7, 1, b"three")
    talk.c("P.", 4, 1, b"two")
    talk.c("P.", 1, 1, b"one")
    assert said(talk) == [("c", 0, b"onetwothree", 0)]


def test_a_gap_is_named_once_the_other_side_has_acknowledged_it() -> None:
    talk = Talk().opened()
    talk.c("P.", 11, 1, b"after")
    talk.s("P.", 1, 16, b"got it")
    assert said(talk) == [("c", 10, b"after", 10), ("s", 0, b"got it", 0)]


def test_a_gap_at_the_end_is_named_at_last() -> None:
    talk = Talk().opened()
    talk.c("P.", 1, 1, b"a")
    talk.c("P.", 11, 1, b"b")
    talk.c("P.", 31, 1, b"c")
    assert said(talk) == [("c", 0, b"a", 0), ("c", 10, b"b", 9), ("c", 30, b"c", 19)]


def test_what_was_not_kept_of_a_segment_is_a_gap() -> None:
    talk = Talk().opened()
    talk.c("P.", 1, 1, b"0123456789", kept=4)
    talk.c("P.", 11, 1, b"ab")
    assert said(talk) == [("c", 0, b"0123", 0), ("c", 10, b"ab", 6)]


def test_a_segment_that_was_not_kept_whole_and_waits_leaves_its_gap_too() -> None:
    talk = Talk().opened()
    talk.c("P.", 11, 1, b"0123456789", kept=4)
    talk.c("P.", 21, 1, b"ab")
    talk.c("P.", 1, 1, b"x" * 10)
    assert said(talk) == [("c", 0, b"x" * 10 + b"0123", 0), ("c", 20, b"ab", 6)]


def test_secrets_are_starred_across_segments() -> None:
    talk = Talk().opened()
    talk.c("P.", 1, 1, b"GET / HTTP/1.1\r\nAuthorization: Ba")
    talk.c("P.", 34, 1, b"sic c2VjcmV0\r\n\r\n")
    whole = follow(talk.packets, CLIENT)[0][0].data
    assert b"c2VjcmV0" not in whole
    assert len(whole) == 33 + 16
    clear = follow(talk.packets, CLIENT, masks=False)[0]
    assert clear[0].data.endswith(b"Basic c2VjcmV0\r\n\r\n")


def test_a_capture_that_begins_in_a_secret_shows_none_of_it() -> None:
    talk = Talk()
    talk.c("P.", 500, 700, b"cmV0\r\n\r\n")
    talk.s("P.", 700, 508, b"HTTP/1.1 200 OK\r\n")
    assert [piece.data for piece in follow(talk.packets, CLIENT)[0]] == [
        b"****\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ]


def test_more_than_is_wanted_is_cut_and_said() -> None:
    talk = Talk().opened()
    for n in range(10):
        talk.c("P.", 1 + n * 100, 1, b"x" * 100)
    pieces, cut = follow(talk.packets, CLIENT, most=350)
    assert (sum(len(piece.data) for piece in pieces), cut) == (300, True)
    assert follow(talk.packets, CLIENT)[1] is False


def test_datagrams_are_pieces_of_their_own() -> None:
    pieces, cut = follow([datagram(b"one"), datagram(b"two")], CLIENT)
    assert [_short(piece) for piece in pieces] == [("c", 0, b"one", 0), ("c", 3, b"two", 0)]
    assert not cut
    assert follow([datagram(b"o", 3)], CLIENT)[1] is True


def test_a_new_connection_between_the_same_ports_follows() -> None:
    talk = Talk().opened()
    talk.c("P.", 1, 1, b"old")
    again = Talk(first=(7, 8)).opened()
    again.c("P.", 1, 1, b"new")
    pieces, _ = follow([*talk.packets, *again.packets], CLIENT)
    assert [piece.data for piece in pieces] == [b"old", b"new"]


@pytest.mark.parametrize("seed", range(20))
def test_any_order_gives_the_bytes_that_were_sent(seed: int) -> None:
    rng = random.Random(seed)
    data = rng.randbytes(5000)
    talk = Talk().opened()
    place = 0
    while place < len(data):
        size = rng.randrange(1, 700)
        talk.c("P.", 1 + place, 1, data[place : place + size])
        place += size
    segments: list[Packet] = talk.packets[3:]
    mixed = segments + rng.sample(segments, 3)
    mixed += [_widened(packet, data, rng) for packet in rng.sample(segments, 3)]
    rng.shuffle(mixed)
    pieces, cut = follow([*talk.packets[:3], *mixed], CLIENT, masks=False)
    assert b"".join(piece.data for piece in pieces) == data
    assert not cut
    assert not any(piece.gap for piece in pieces)


def _widened(packet: Packet, data: bytes, rng: random.Random) -> Packet:
    """Sent again, cut elsewhere."""
    start = (packet.seq - Talk().first[0] - 1) % 2**32
    start = max(0, start - rng.randrange(50))
    payload = data[start : start + rng.randrange(1, 900)]
    seq = (Talk().first[0] + 1 + start) % 2**32
    return msgspec.structs.replace(packet, seq=seq, payload=payload, length=len(payload))
