"""The coin game's server over real sockets: its bytes, its sends, its endings, its crowd."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import struct
import time
from collections.abc import Iterator
from subprocess import PIPE
from typing import Any

import pytest

from servers.coin_game.protocol import BANNER
from tests.labs.coin_game.article import naive_client
from tests.labs.coin_game.rig import SERVER, coin_of, connect, ended, everything, port_of, server, toss
from tests.programs import Dashboard, Program, eventually
from tests.reading import until

ASKS = b"guess:"


@pytest.fixture(scope="module")
def short() -> Iterator[Program]:
    """A game of three rounds."""
    with server("--rounds", "3", "--nodelay") as program:
        yield program


def greeting_sends(stamp: str, rounds: int) -> list[bytes]:
    """What the server sends first, a send() each; written down from the article's description."""
    return [
        BANNER + b"\n\n",
        b"Server time: [%s]\n\n" % stamp.encode(),
        b"Welcome to CCTF final battle.\n\nI think you are good at programing, so let's play coin game.\n",
        b"Rules: just guess positive(1) or negative(0) of coin status in each round.\n\n",
        b"I will print flag to you, if you guess all status in %d rounds. :)\n\n" % rounds,
    ]


def game(program: Program, number: int) -> list[dict[str, Any]]:
    """All events of the connection that was accepted as this one, once it has closed."""
    name = f"c{number}"

    def closed() -> bool:
        return any(event["conn"] == name for event in program.events("connection_closed"))

    eventually(closed, f"the end of {name}")
    return [event for event in program.events() if event.get("conn") == name]


def sends(events: list[dict[str, Any]]) -> list[bytes]:
    return [base64.b64decode(e["data"]["head"]) for e in events if e["kind"] == "data_sent"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("together", [False, True])
def test_bytes_and_sends_are_the_articles(host: str, together: bool) -> None:
    words = ["--rounds", "2", "--host", host, "--nodelay", "--flag", "CCTF{me}"]
    with server(*words, *(["--together"] if together else [])) as program:
        with connect(port_of(program), host) as sock:
            heard = until(sock, ASKS)
            coin = coin_of(heard)
            for _ in range(2):
                sock.send(toss(coin))
                heard += until(sock, ASKS) if b"Round 2" not in heard else everything(sock)
        events = game(program, 1)
    started = next(e for e in events if e["kind"] == "coin_game_started")
    stamp = time.asctime(time.localtime(started["seed"]))
    nice, hit = b"Nice job, go on.\n", b"You hit it! Flag is CCTF{me}"
    first, second = b"::::: Round 1 :::::\nguess:", b"::::: Round 2 :::::\nguess:"
    rest = [first, nice + second, nice + hit] if together else [first, nice, second, nice, hit]
    assert sends(events) == greeting_sends(stamp, 2) + rest
    assert heard == b"".join(sends(events))
    assert [e["asked"] for e in events if e["kind"] == "data_received"] == [8, 8]
    offsets = [e.get("offset", 0) for e in events if e["kind"] == "data_sent"]
    assert offsets == [len(b"".join(sends(events)[:at])) for at in range(len(offsets))]
    assert {e["peer"] for e in events if "peer" in e} == {started["peer"]}
    kinds = [e["kind"] for e in events if e["kind"] not in ("socket_call", "data_sent", "data_received")]
    assert kinds == [
        "connection_opened", "coin_game_started", "coin_round", "coin_round", "coin_game_ended",
        "connection_closed",
    ]  # fmt: skip
    end = events[kinds_at(events, "coin_game_ended")]
    assert (end["ending"], end["rounds"], end["right"]) == ("won", 2, 2)


def kinds_at(events: list[dict[str, Any]], kind: str) -> int:
    return [event["kind"] for event in events].index(kind)


def test_a_naive_client_written_to_the_article_plays_a_thousand_rounds_and_wins() -> None:
    with Program(SERVER, "--port", "0", "--together") as program:
        heard, flag = naive_client(program.port(), 1000)
    assert flag == b"You hit it! Flag is CCTF{no_message_boundary}"
    assert len(heard) == 1001
    assert len(heard[0]) <= 512
    assert heard[7] == b"Nice job, go on.\n::::: Round 8 :::::\nguess:"


def test_with_a_gap_the_naive_client_is_asked_when_it_has_guessed_and_its_guesses_are_glued() -> None:
    with server("--gap", "40") as program:
        heard, flag = naive_client(port_of(program), 1000)
        end = ended(program)[0]
        stuck = eventually(lambda: program.events("coin_guesses_glued"), "glued guesses")[0]
    assert b"Nice job, go on.\n" in heard, "a verdict that came by itself"
    assert flag == b""
    assert end["ending"] == "wrong"
    assert stuck["round"] == end["rounds"]
    assert stuck["guesses"] >= 2  # mostly two; what waited longer on a busy machine is more
    assert re.fullmatch(r"([01]\\n)+", stuck["got"])
    assert stuck["got"].count("\\n") == stuck["guesses"]


@pytest.mark.parametrize(
    ("guess", "shown", "glued"),
    [
        (b"2\n", "2", 0), (b"\n", "", 0), (b"heads\n", "heads", 0), (b"\xff", "\\xff", 0),
        (b"0\n1\n", "0\\n1", 2), (b"11", "11", 2), (b"1\n0\n1\n0\n1\n0\n", "1\\n0\\n1\\n0", 4),
    ],
)  # fmt: skip
def test_a_guess_that_is_no_toss_is_wrong(short: Program, guess: bytes, shown: str, glued: int) -> None:
    before = len(short.events("coin_game_ended"))
    with connect(port_of(short)) as sock:
        until(sock, ASKS)
        sock.send(guess)
        heard = everything(sock)
    assert heard in (b"Wrong :(\n", b"")  # what was not read resets the connection, and may take it along
    end = ended(short, before + 1)[-1]
    assert (end["ending"], end["rounds"], end.get("right", 0)) == ("wrong", 1, 0)
    events = [e for e in short.events() if e.get("conn") == end["conn"]]
    told = next(e for e in events if e["kind"] == "coin_round")
    assert (told["guess"], told["right"]) == (shown, False)
    stuck = [e["guesses"] for e in events if e["kind"] == "coin_guesses_glued"]
    assert stuck == ([glued] if glued else [])


@pytest.mark.parametrize("ends", [b"", b"\n", b"\r\n", b" \n"])
def test_white_space_around_a_guess_does_not_matter(short: Program, ends: bytes) -> None:
    with connect(port_of(short)) as sock:
        coin = coin_of(until(sock, ASKS))
        sock.send(toss(coin) + ends)
        assert until(sock, ASKS) == b"Nice job, go on.\n::::: Round 2 :::::\nguess:"


@pytest.mark.parametrize("rounds", [0, 1])
def test_silence_ends_the_game_without_a_word(rounds: int) -> None:
    with server("--timeout", "0.3", "--nodelay") as program, connect(port_of(program)) as sock:
        coin = coin_of(until(sock, ASKS))
        for _ in range(rounds):
            sock.send(toss(coin))
            until(sock, ASKS)
        began = time.monotonic()
        assert sock.recv(100) == b""
        assert time.monotonic() - began > 0.2
        end = ended(program)[0]
    assert (end["ending"], end["rounds"], end["silence"]) == ("timeout", rounds + 1, 0.3)


def test_who_leaves_is_missed_and_nobody_else_is_disturbed(short: Program) -> None:
    before = len(short.events("coin_game_ended"))
    port = port_of(short)
    with connect(port) as staying:
        coin = coin_of(until(staying, ASKS))
        connect(port).close()
        with connect(port) as sock:
            until(sock, ASKS)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close is a reset
        assert [e["ending"] for e in ended(short, before + 2)[before:]] == ["left", "left"]
        for _ in range(2):
            staying.send(toss(coin))
            until(staying, ASKS)
        staying.send(toss(coin))
        heard = everything(staying)
    assert heard.endswith(b"You hit it! Flag is CCTF{no_message_boundary}")
    assert short.errors == []


def test_a_hundred_play_each_with_a_coin_of_its_own_and_the_next_hears_a_word() -> None:
    with server("--rounds", "2", "--together", "--timeout", "0") as program, contextlib.ExitStack() as stack:
        port = port_of(program)
        socks = [stack.enter_context(connect(port)) for _ in range(100)]
        coins = [coin_of(until(sock, ASKS)) for sock in socks]
        with connect(port) as sock:
            assert everything(sock) == b"All 100 places are taken. Come again later.\n"
        assert ended(program)[0]["ending"] == "refused"
        for sock, coin in zip(socks, coins, strict=True):
            sock.send(toss(coin))
        for sock, coin in zip(socks, coins, strict=True):
            assert until(sock, ASKS).endswith(b"Round 2 :::::\nguess:")
            sock.send(toss(coin))
        for sock in socks:
            assert b"You hit it!" in everything(sock)
        assert {e["ending"] for e in ended(program, 101)[1:]} == {"won"}
        with connect(port) as sock:
            assert until(sock, ASKS), "places are free again"


# -- how messages are marked


def by_delimiter(stream: bytes) -> list[bytes]:
    assert stream.endswith(b";")
    parts = stream[:-1].split(b";")
    return [re.sub(rb"\\(.)", lambda m: b";" if m[1] == b"d" else m[1], part) for part in parts]


def by_length(stream: bytes) -> list[bytes]:
    found = []
    while stream:
        size = int.from_bytes(stream[:4], "big")
        found.append(stream[4 : 4 + size])
        assert len(found[-1]) == size
        stream = stream[4 + size :]
    return found


def by_blocks(stream: bytes) -> list[bytes]:
    """The messages' beginnings: a long one takes several blocks."""
    assert len(stream) % 32 == 0
    found, whole = [], True
    for at in range(0, len(stream), 32):
        block = stream[at : at + 32].rstrip(b"\0")
        if whole:
            found.append(block)
        else:
            found[-1] += block
        whole = len(block) < 32
    return found


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["--framing", "delimiter", "--delimiter", ";"], by_delimiter),
        (["--framing", "length"], by_length),
        (["--framing", "fixed"], by_blocks),
    ],
)
def test_messages_are_marked_as_the_framing_says(words: list[str], read: Any, together: bool) -> None:
    more = ["--together"] if together else []
    with (
        server("--rounds", "1", "--nodelay", "--flag", "a;b\\c", *words, *more) as program,
        connect(port_of(program)) as sock,
    ):
        heard = until(sock, ASKS + {"delimiter": b";", "length": b"", "fixed": bytes(6)}[words[1]])
        sock.send(toss(coin_of(heard)))
        heard += everything(sock)
        ended(program)
        stamp = time.asctime(time.localtime(program.events("coin_game_started")[0]["seed"]))
    assert read(heard) == [
        *greeting_sends(stamp, 1), b"::::: Round 1 :::::\nguess:", b"Nice job, go on.\n",
        b"You hit it! Flag is a;b\\c",
    ]  # fmt: skip


# -- beside the dashboard


def test_counters_are_exact_where_details_are_left_out() -> None:
    with Dashboard() as board, Program(SERVER, "--port", "0", "--together", env=board.env, stdin=PIPE):
        board.accept()
        port = board.port()
        for _ in range(2):
            with connect(port) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                heard = until(sock, ASKS)
                coin, size = coin_of(heard), len(heard)
                for _ in range(1000):
                    sock.send(toss(coin))
                    heard = sock.recv(64)
                    size += len(heard)
                assert b"You hit it!" in heard
        counters = eventually(lambda: board.counters().get("won") == 2 and board.counters(), "two wins")
        eventually(lambda: len(board.events("connection_closed")) == 2, "what must be told")
        assert (counters["games"], counters["rounds"], counters["receives"]) == (2, 2000, 2000)
        assert (counters["sends"], counters["playing"]) == (2 * (5 + 1 + 1000), 0)
        assert (counters["bytes_in"], counters["bytes_out"]) == (2000, 2 * size)
        assert [e["right"] for e in board.events("coin_game_ended")] == [1000, 1000]
        assert len(board.events("coin_game_started")) == 2
        rounds = len(board.events("coin_round"))
        missed = board.batches()[-1].dropped
        assert rounds < 2000
        assert missed > 0


def test_live_settings_reach_games_that_are_being_played() -> None:
    with Dashboard() as board, Program(SERVER, "--port", "0", "--timeout", "0", env=board.env, stdin=PIPE):
        board.accept()
        with connect(board.port()) as sock:
            coin = coin_of(until(sock, ASKS))
            changes = {"together": True, "nodelay": True, "timeout": 0.3, "rounds": 5, "framing": "length"}
            assert board.call("settings", changes).error == ""
            for number in (2, 3):
                sock.send(toss(coin))
                assert until(sock, ASKS) == b"Nice job, go on.\n::::: Round %d :::::\nguess:" % number
            assert sock.recv(100) == b"", "the new time limit"
        calls = [e["arguments"] for e in board.events("socket_call") if e["call"] == "setsockopt"]
        assert "IPPROTO_TCP, TCP_NODELAY, 1" in calls
        with connect(board.port()) as sock:
            heard = until(sock, ASKS)
            assert heard[:4] == len(BANNER + b"\n\n").to_bytes(4, "big"), "the framing of new games"
            assert b"all status in 5 rounds" in heard


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rounds", "0"], "--rounds: Rounds must be a whole number from 1 to 100,000"),
        (["--delimiter", "x"], "--delimiter"),
        (["--flag", "a\nb"], "--flag"),
        (["--framing", "lines"], "--framing: Framing must be one of article, delimiter, length, fixed"),
    ],
)
def test_wrong_flags_are_named(words: list[str], said: str) -> None:
    with Program(SERVER, "--port", "0", *words) as program:
        assert program.wait() == 2
        assert said in "\n".join(program.errors)
