"""The game's words and their framings: tables of bytes, no socket."""

from __future__ import annotations

import random
import string
import time

import pytest

from servers.coin_game.coin import Coin, second_of, stamp
from servers.coin_game.framing import BLOCK, LIMIT, Framer, Framing, Unframer, delimiter_of
from servers.coin_game.protocol import (
    BANNER,
    FLAG,
    GREETING,
    MOST_ROUNDS,
    NICE,
    READ,
    WRONG,
    flag_in,
    glued,
    greeting,
    prize,
    prompt,
    round_in,
    rounds_in,
    stamp_in,
)
from servers.coin_game.results import escaped
from servers.kit.errors import ProtocolError, SettingError

STAMP = "Sat May 14 10:00:00 2016"
DELIMITERS = [r"\0", r"\n", r"\r", r"\t", *string.punctuation.replace("\\", "")]
FRAMINGS: list[tuple[Framing, str]] = [
    ("article", r"\0"), ("length", r"\0"), ("fixed", r"\0"), *(("delimiter", sign) for sign in DELIMITERS),
]  # fmt: skip


def test_the_words_are_the_articles() -> None:
    assert greeting(STAMP, 1000) == (
        BANNER + b"\n\n",
        b"Server time: [Sat May 14 10:00:00 2016]\n\n",
        b"Welcome to CCTF final battle.\n\nI think you are good at programing, so let's play coin game.\n",
        b"Rules: just guess positive(1) or negative(0) of coin status in each round.\n\n",
        b"I will print flag to you, if you guess all status in 1000 rounds. :)\n\n",
    )
    assert prompt(312) == b"::::: Round 312 :::::\nguess:"
    assert (NICE, WRONG) == (b"Nice job, go on.\n", b"Wrong :(\n")
    assert prize("CCTF{x}") == b"You hit it! Flag is CCTF{x}"
    assert len(BANNER.splitlines()) > 3


@pytest.mark.parametrize(("framing", "sign"), FRAMINGS)
def test_all_up_to_the_first_prompt_fits_whatever_is_set(framing: Framing, sign: str) -> None:
    framer = Framer(framing, delimiter_of(sign))
    for rounds in (1, 1000, MOST_ROUNDS):
        whole = b"".join(map(framer.mark, (*greeting(STAMP, rounds), prompt(1))))
        assert len(whole) <= GREETING
    assert len(NICE + prompt(MOST_ROUNDS)) <= READ
    assert len(NICE + prize(FLAG)) < READ


@pytest.mark.parametrize(("framing", "sign"), FRAMINGS)
@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    framing: Framing, sign: str, size: int
) -> None:
    messages = [*greeting(STAMP, 1000), prompt(1), NICE, prompt(100_000), NICE, prompt(3), WRONG]
    if framing == "delimiter":
        messages.append(b"\\d \\\\ " + string.punctuation.encode() + b"\0\r\n\t")
    framer, reader = Framer(framing, delimiter_of(sign)), Unframer(framing, delimiter_of(sign))
    stream = b"".join(map(framer.mark, messages))
    found: list[bytes] = []
    for at in range(0, len(stream), size):
        found += reader.feed(stream[at : at + size])
    assert reader.rest == b""
    assert b"".join(found) == b"".join(messages)
    if framing in ("delimiter", "length"):
        assert found == messages
    if framing == "delimiter":
        assert stream.count(delimiter_of(sign)) == len(messages), "it stands in no message"
    if framing == "fixed":
        assert len(stream) % BLOCK == 0


@pytest.mark.parametrize(
    ("framing", "data"),
    [("length", b"   ."), ("length", b"\xff\xff\xff\xff"), ("delimiter", b"x" * (LIMIT + 1))],
)
def test_what_cannot_be_a_message_is_refused(framing: Framing, data: bytes) -> None:
    with pytest.raises(ProtocolError, match="limit is 4,096"):
        Unframer(framing).feed(data)


@pytest.mark.parametrize("text", ["a", "7", "\\", r"\x", "", ";;", "ü", "\n", " "])
def test_not_everything_is_a_delimiter(text: str) -> None:
    with pytest.raises(SettingError):
        delimiter_of(text)


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"1", 1), (b"1\n", 1), (b"1\n0\n", 2), (b"10", 2), (b"1\r\n0\r\n", 2), (b"0\n1\n0\n1\n", 4),
        (b"", 0), (b"\n", 0), (b"2", 0), (b"1 x", 0), (b"hello", 0),
    ],
)  # fmt: skip
def test_guesses_that_came_together_are_counted(data: bytes, count: int) -> None:
    assert glued(data) == count


def test_what_a_reader_looks_for_is_found() -> None:
    whole = b"".join(greeting(STAMP, 250)) + prompt(1)
    assert (stamp_in(whole), rounds_in(whole), round_in(whole)) == (STAMP, 250, 1)
    assert (rounds_in(b"nothing"), round_in(b"guess:")) == (1000, None)
    assert flag_in(NICE + prize("CCTF{ü}")) == "CCTF{ü}"
    assert flag_in(NICE) == ""
    with pytest.raises(ProtocolError):
        stamp_in(b"Server time: [Sat May")


def test_the_coin_is_python_3s_and_the_seconds() -> None:
    coin, twin = Coin(1463220000), random.Random(1463220000)
    assert [coin.toss() for _ in range(50)] == [twin.choice(["0", "1"]) for _ in range(50)]


@pytest.mark.parametrize("hours", [0, 1, -5, 5.5, 14])
def test_the_announced_second_is_found_in_another_time_zone_too(hours: float) -> None:
    second = 1_700_000_000
    shown = stamp(second + int(3600 * hours))  # what a clock there shows
    assert second_of(shown, second + 2.5) == second


def test_a_second_long_ago_is_taken_as_it_stands() -> None:
    assert second_of(STAMP, time.time()) == int(time.mktime(time.strptime(STAMP)))
    with pytest.raises(ProtocolError):
        second_of("half past ten", 0.0)


def test_bytes_that_are_no_text_are_shown_with_one_backslash() -> None:
    assert escaped(b"\0\0\0\x80Nice\\ job.\n") == r"\x00\x00\x00\x80Nice\\ job.\n"
    assert escaped("Münze".encode(), 3) == "Mü…"
