"""The client's two readers: against our server, and against servers that are not ours."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.labs.coin_game import article
from tests.labs.coin_game.rig import CLIENT, SERVER, Scripted, ended, play, port_of, server
from tests.programs import Dashboard, Program, eventually
from tests.reading import until

FRAMINGS = ("article", "delimiter", "length", "fixed")


@pytest.fixture(scope="module")
def ours() -> Iterator[Program]:
    """Twenty rounds, sends together."""
    with server("--rounds", "20", "--together", "--flag", "CCTF{me}") as program:
        yield program


@pytest.fixture(scope="module")
def apart() -> Iterator[Program]:
    """Twenty rounds, verdict and prompt 10 ms apart."""
    with server("--rounds", "20", "--gap", "10") as program:
        yield program


@pytest.mark.parametrize("words", [["naive"], ["framed"], ["framed", "--read", "1"], ["framed", "--nodelay"]])
def test_both_readers_win_where_the_sends_are_together(ours: Program, words: list[str]) -> None:
    code, result, events = play(port_of(ours), "--reader", *words)
    assert (code, result["won"], result["flag"], result["rounds"]) == (0, True, "CCTF{me}", 20)
    assert (result["right"], result["out_of_step"], result["error"]) == (20, None, "")
    calls = [e for e in events if e["kind"] == "data_received"]
    assert (result["recv_calls"], result["received"]) == (len(calls), sum(e["data"]["size"] for e in calls))
    assert (result["send_calls"], result["sent"]) == (20, 40)
    if words == ["naive"]:
        assert [e["asked"] for e in calls] == [512] + 20 * [64]
        assert (result["joined"], result["cut"]) == (21, 0)
    if "1" in words:
        assert (result["joined"], {e["data"]["size"] for e in calls}) == (0, {1})


def test_its_connection_is_told_so_that_both_ends_calls_can_be_laid_over_each_other(ours: Program) -> None:
    _, _, events = play(port_of(ours), "--reader", "framed")
    opened = next(e for e in events if e["kind"] == "connection_opened")
    assert opened["conn"] == "client-" + opened["own"].rpartition(":")[2]
    assert opened["peer"] == f"127.0.0.1:{port_of(ours)}"

    def same() -> list[dict[str, Any]]:
        return [e for e in ours.events("connection_closed") if e["peer"] == opened["own"]]

    closed = eventually(same, "the server's end of it")[0]
    mine = next(e for e in events if e["kind"] == "connection_closed")
    assert (mine["bytes_in"], mine["bytes_out"]) == (closed["bytes_out"], closed["bytes_in"])
    heard = [e for e in events if e["kind"] == "data_received"]
    assert [e.get("offset", 0) for e in heard] == [
        sum(before["data"]["size"] for before in heard[:at]) for at in range(len(heard))
    ]
    assert {(e["conn"], e["way"]) for e in heard} == {(opened["conn"], "to_client")}


def test_the_framed_reader_wins_where_the_sends_are_apart(apart: Program) -> None:
    code, result, _ = play(port_of(apart), "--reader", "framed")
    assert (code, result["won"], result["out_of_step"]) == (0, True, None)


def test_the_naive_reader_says_where_it_fell_out_of_step(apart: Program) -> None:
    for _ in range(10):  # it may fall over the rules already, which are a send of their own
        code, result, events = play(port_of(apart), "--reader", "naive")
        step = result["out_of_step"]
        assert (code, result["won"]) == (1, False)
        if step["round"]:
            break
    assert step["got"] == "Nice job, go on.\\n"
    assert step["wanted"] == f"Nice job, go on.\\n::::: Round {step['round'] + 1} :::::\\nguess:"
    assert step["words"].startswith(f"After the guess of round {step['round']} recv(64) returned «Nice job")
    told = next(e for e in events if e["kind"] == "coin_out_of_step")
    assert {key: told[key] for key in ("round", "got", "wanted")} == {
        key: step[key] for key in ("round", "got", "wanted")
    }


def one_verdict_late(sock: socket.socket) -> None:
    """The prompt follows only when the next guess is there: the naive reader is one recv() behind."""
    now = int(time.time())
    sock.send(b"Server time: [%s]\n\nflag in 3 rounds.\n" % time.asctime(time.localtime(now)).encode())
    sock.send(b"::::: Round 1 :::::\nguess:")
    for number in (2, 3, 4):
        sock.recv(8)
        sock.send(b"Nice job, go on.\n")
        if number < 4:
            sock.recv(8, socket.MSG_PEEK)
            sock.send(b"::::: Round %d :::::\nguess:" % number)
            time.sleep(0.1)
    sock.recv(1)


def test_a_flag_that_comes_after_the_last_recv_is_not_read() -> None:
    with Scripted(one_verdict_late) as other:
        code, result, _ = play(other.port, "--reader", "naive")
    assert (code, result["won"], result["rounds"]) == (1, False, 3)
    assert result["out_of_step"]["round"] == 1
    assert "no flag" in result["summary"]


@pytest.mark.parametrize(
    ("words", "round", "said"),
    [
        (["--pause", "0"], 0, "Of the greeting recv(512) returned"),
        (["--read", "9"], 1, "It was asked for 9 bytes at the most: the rest stays for the next recv()"),
    ],
)
def test_why_a_recv_was_not_what_it_was_taken_for_is_said(words: list[str], round: int, said: str) -> None:
    with Scripted(article.server(5, gap=0.02)) as other:
        _, result, _ = play(other.port, "--reader", "naive", *words)
    assert result["out_of_step"]["round"] == round
    assert said in result["out_of_step"]["words"]


@pytest.mark.parametrize(
    ("marked", "believed"),
    [
        ("delimiter", "delimiter"), ("length", "length"), ("fixed", "fixed"), ("length", "article"),
        ("fixed", "delimiter"), ("article", "delimiter"), ("article", "length"), ("article", "fixed"),
        ("length", "delimiter"),
    ],
)  # fmt: skip
def test_which_framing_may_be_believed_of_which(
    servers: dict[str, Program], marked: str, believed: str
) -> None:
    works = believed in (marked, "article") or (marked, believed) == ("fixed", "delimiter")  # zero bytes, too
    patience = [] if works else ["--timeout", "0.1"]
    port = port_of(servers[marked])
    code, result, _ = play(port, "--reader", "framed", "--framing", believed, *patience)
    assert (code == 0, result["won"]) == (works, works)
    if works:
        assert (result["flag"], result["right"]) == ("CCTF{no_message_boundary}", 2)
    else:
        assert result["rounds"] == 0
        assert "limit is 4,096" in result["error"] or "Nothing came for 0.1 s" in result["error"]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Program]]:
    """One server of each framing, sends together, two rounds."""
    with (
        server("--rounds", "2", "--together") as first,
        server("--rounds", "2", "--together", "--framing", "delimiter") as second,
        server("--rounds", "2", "--together", "--framing", "length") as third,
        server("--rounds", "2", "--together", "--framing", "fixed") as fourth,
    ):
        yield dict(zip(FRAMINGS, (first, second, third, fourth), strict=True))


@pytest.mark.parametrize(
    ("marked", "flag"),
    [
        ("delimiter", "CCTF{no_message_boundary}"),
        ("length", "CCTF{no_message_bou"),
        ("fixed", "CCTF{no_mess"),
    ],
)
def test_the_naive_reader_takes_marks_for_text_and_may_lose_the_flags_end(
    servers: dict[str, Program], marked: str, flag: str
) -> None:
    _, result, _ = play(port_of(servers[marked]), "--reader", "naive")
    assert (result["flag"], result["out_of_step"]) == (flag, None)
    assert "The server marks where its messages end" in result["note"]
    assert "was full: the flag's end may have stayed behind" in result["note"]


@pytest.mark.parametrize(("cut", "read"), [(0, 64), (1, 64), (5, 3)])
def test_the_framed_reader_wins_against_a_server_that_is_not_ours(cut: int, read: int) -> None:
    with Scripted(article.server(10, cut=cut, second=1_463_220_000)) as other:
        code, result, _ = play(other.port, "--reader", "framed", "--read", str(read))
    assert (code, result["flag"], result["rounds"]) == (0, "CCTF{article}", 10)
    assert result["seed"] == 1_463_220_000


@pytest.mark.parametrize(
    ("words", "code", "rounds", "said"),
    [
        (["--guess", "wrong-at", "--wrong-at", "4"], 1, 4, "Guessed wrong in round 4"),
        (["--rounds", "3"], 0, 3, "Played 3 rounds"),
        (["--guess", "wrong-at", "--wrong-at", "30"], 0, 20, "Won: 20 rounds"),
    ],
)
def test_guesses_and_rounds_are_as_asked(
    ours: Program, words: list[str], code: int, rounds: int, said: str
) -> None:
    found, result, _ = play(port_of(ours), "--reader", "framed", *words)
    assert (found, result["rounds"]) == (code, rounds)
    assert result["summary"].startswith(said)


def test_the_server_that_hangs_up_or_is_silent_is_named() -> None:
    def talk(sock: socket.socket) -> None:
        sock.send(b"All 100 places are taken. Come again later.\n")

    with Scripted(talk) as other:
        code, result, _ = play(other.port)
    assert (code, "«All 100 places are taken." in result["error"]) == (1, True)
    with Scripted(lambda sock: sock.recv(1) and None) as other:
        code, result, _ = play(other.port, "--timeout", "0.1")
    assert (code, result["error"]) == (1, "Nothing came for 0.1 s.")


def test_at_a_terminal_it_says_how_it_went(ours: Program) -> None:
    with Program(CLIENT, "127.0.0.1", str(port_of(ours)), "--reader", "framed", "--pause", "0") as client:
        assert client.wait() == 0
    assert client.lines[0].startswith("Won: 20 rounds in ")
    assert "recv() calls" in client.lines[1]


def test_it_reaches_an_ipv6_server() -> None:
    with server("--host", "::1", "--rounds", "3", "--together") as program:
        code, result, _ = play(port_of(program), host="::1")
    assert (code, result["won"]) == (0, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["127.0.0.1", "1", "--reader", "clever"], 2, "--reader: Reader must be one of naive, framed"),
        (["127.0.0.1", "1", "--read", "0"], 2, "--read: Receive size must be a whole number from 1"),
        (["127.0.0.1", "1"], 1, "127.0.0.1:1 was not reached: no program listens there"),
    ],
)
def test_what_cannot_be_done_is_said_with_an_exit_code(words: list[str], code: int, said: str) -> None:
    with Program(CLIENT, *words) as client:
        assert client.wait() == code
    assert said in "\n".join(client.errors)


# -- by hand


def by_hand(board: Dashboard, port: int, *words: str) -> Program:
    """The client as the dashboard starts it, its session open."""
    client = Program(
        CLIENT, "127.0.0.1", str(port), "--by-hand", "--pause", "100", *words, env=board.env,
        stdin=subprocess.PIPE,
    )  # fmt: skip
    board.accept()
    return client


def test_a_person_plays_by_hand_and_wins() -> None:
    with (
        Program(SERVER, "--port", "0", "--rounds", "3", "--nodelay", "--json") as host,
        Dashboard() as board,
        by_hand(board, port_of(host), "--reader", "framed") as client,
    ):
        turn = value(board.call("input", {}))
        assert (turn["round"], turn["rounds"], turn["hint"]) == (1, 3, "")
        assert "".join(turn["came"]).endswith("::::: Round 1 :::::\\nguess:")
        for number in (1, 2, 3):
            hint = value(board.call("input", {"text": "s"}, 10 + number))
            assert (hint["came"], hint["round"]) == ([], number)
            assert "the coin, seeded with the announced second, tosses" in hint["why"]
            turn = value(board.call("input", {"text": hint["hint"]}, 20 + number))
            assert (turn["guess"], turn["toss"], turn["right"]) == (hint["hint"], hint["hint"], True)
            assert turn["recv_calls"] == len(turn["came"]) > 0
        assert (turn["over"], turn["flag"]) == (True, "CCTF{no_message_boundary}")
        assert client.wait() == 0
        assert ended(host)[0]["ending"] == "won"


def test_by_hand_a_wrong_guess_ends_it_and_nonsense_does_not() -> None:
    with (
        Program(SERVER, "--port", "0", "--rounds", "3", "--nodelay", "--json") as host,
        Dashboard() as board,
        by_hand(board, port_of(host), "--reader", "framed") as client,
    ):
        for number, nonsense in enumerate(({"text": "2"}, {"text": 1}, {"text": "heads"}), 1):
            assert "0 for tails or 1 for heads" in board.call("input", nonsense, number).error
        hint = value(board.call("input", {"text": "s"}, 5))["hint"]
        turn = value(board.call("input", {"text": "10"[int(hint)]}, 6))
        assert (turn["right"], turn["over"], turn["came"]) == (False, True, ["Wrong :(\\n"])
        assert client.wait() == 1


def test_by_hand_the_naive_reader_gets_one_recv_a_guess() -> None:
    def talk(sock: socket.socket) -> None:
        sock.send(b"flag in 9 rounds.\n::::: Round 1 :::::\nguess:")
        sock.recv(8)
        sock.send(b"Nice job, go on.\n")
        until(sock, b"0\n")
        sock.send(b"::::: Round 2 :::::\nguess:")
        sock.recv(8)

    with (
        Scripted(talk) as other,
        Dashboard() as board,
        by_hand(board, other.port, "--reader", "naive", "--guess", "random") as client,
    ):
        assert value(board.call("input", {}))["rounds"] == 9
        first = value(board.call("input", {"text": "1"}, 2))
        assert (first["came"], first["right"], first["toss"]) == (["Nice job, go on.\\n"], True, "")
        second = value(board.call("input", {"text": "0"}, 3))
        assert (second["came"], second["right"]) == (["::::: Round 2 :::::\\nguess:"], None)
        asked = value(board.call("input", {"text": "s"}, 4))
        assert "nobody can say" in asked["why"]
        client.stop()


def test_by_hand_the_servers_hanging_up_is_noticed_while_one_thinks() -> None:
    with (
        Program(SERVER, "--port", "0", "--timeout", "0.4", "--json") as host,
        Dashboard() as board,
        by_hand(board, port_of(host)) as client,
    ):
        assert client.wait() == 1
        assert ended(host)[0]["ending"] == "timeout"


def test_by_hand_at_a_terminal() -> None:
    with (
        server("--rounds", "2", "--nodelay") as host,
        Program(
            CLIENT, "127.0.0.1", str(port_of(host)), "--by-hand", "--pause", "50", stdin=subprocess.PIPE
        ) as client,
    ):
        client.line("Type 0 or 1")
        pipe = client.process.stdin
        assert pipe
        pipe.write("s\nmaybe\n")
        pipe.flush()
        side = client.line("tosses (heads|tails)")[1]
        client.line("0 for tails or 1 for heads")
        pipe.write("1\n" if side == "heads" else "0\n")
        pipe.flush()
        client.line(r"^\[Nice job, go on\.\\n")
        pipe.close()
        assert client.wait() == 0


def value(answer: Any) -> dict[str, Any]:
    """What a session answered."""
    import msgspec

    assert answer.error == ""
    return msgspec.json.decode(answer.value)
