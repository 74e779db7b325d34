"""Any TCP protocol: who speaks first, where a message ends, how a connection does, what changes live."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from servers.tcp_replay.tape import load
from tests.labs.tcp_replay.rig import Target, connect, outcomes, port_of, server, silent, upper
from tests.programs import Dashboard, Program, eventually
from tests.reading import everything, until

NOWHERE = "127.0.0.1:1"


def exchanges(tape: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in tape.read_text().splitlines()]


def exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


@contextmanager
def live(*words: str) -> Iterator[tuple[Dashboard, int]]:
    """The replay server under a dashboard that can change its settings."""
    with Dashboard() as board:
        named = ("servers.tcp_replay.server", "--port", "0", *words)
        with Program(*named, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            yield board, board.port()


def told(board: Dashboard, count: int) -> list[str]:
    """The outcomes of the first so many exchanges."""
    eventually(lambda: len(board.events("exchanged")) >= count, f"{count} exchanges")
    return [event["outcome"] for event in board.events("exchanged")]


# -- who speaks, and when


def chatty(sock: socket.socket) -> None:
    """Greets, answers each line after a word that nobody asked for, and says good-bye."""
    sock.sendall(b"* welcome\n")
    with sock.makefile("rb") as lines:
        for number, line in enumerate(lines):
            if line == b"bye\n":
                sock.sendall(b"bye\n")
                return
            sock.sendall(b"* %d new\n" % number)
            sock.sendall(b"ok " + line)


def chat(port: int) -> bytes:
    with connect(port) as sock:
        said = until(sock, b"welcome\n")
        for word in (b"list\n", b"list\n", b"idle\n"):
            sock.sendall(word)
            said += until(sock, b"ok " + word)
        sock.sendall(b"bye\n")
        return said + everything(sock)


def test_a_server_that_speaks_first_and_by_itself_is_replayed_word_for_word(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(chatty)
    words = ("--framing", "line", "--tape", str(tape))
    with server(target.address, "--mode", "record", *words) as program:
        first = chat(port_of(program))
        eventually(lambda: len(outcomes(program)) == 5, "five exchanges")
    target.stop()
    with server(NOWHERE, "--mode", "replay", *words, "--repeat", "miss") as program:
        assert chat(port_of(program)) == first
        eventually(lambda: len(outcomes(program)) == 5, "five exchanges")
        assert set(outcomes(program)) == {"hit"}


def test_a_word_after_a_pause_is_replayed_with_the_answer_that_it_followed(tmp_path: Path) -> None:
    def late(sock: socket.socket) -> None:
        with sock.makefile("rb") as lines:
            for line in lines:
                sock.sendall(b"ok " + line)
                time.sleep(0.2)
                sock.sendall(b"* and more\n")

    tape, target = tmp_path / "tape", Target(late)
    words = ("--framing", "line", "--tape", str(tape))
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        sock.sendall(b"a\n")
        assert until(sock, b"more\n") == b"ok a\n* and more\n"
        sock.sendall(b"b\n")
        assert until(sock, b"more\n") == b"ok b\n* and more\n"
        eventually(lambda: outcomes(program) == ["recorded"] * 4, "two answers, two words later")
    target.stop()
    words += ("--mode", "replay", "--timing", "recorded")
    with server(NOWHERE, *words) as program, connect(port_of(program)) as sock:
        assert silent(sock, 0.1)  # the late word is no greeting
        sock.sendall(b"b\n")
        began = time.monotonic()
        assert until(sock, b"more\n") == b"ok b\n* and more\n"
        assert 0.15 < time.monotonic() - began < 2


def test_record_if_new_greets_once_and_puts_no_late_word_to_strangers(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(chatty)
    words = ("--framing", "line", "--mode", "record-if-new", "--tape", str(tape))
    with server(target.address, *words) as program:
        for _ in range(3):
            chat(port_of(program))
        eventually(lambda: len(outcomes(program)) == 15, "three times five exchanges")
    assert [each.get("greeting", False) for each in exchanges(tape)] == [True, False, False, False]
    target.stop()


def test_both_talk_at_once_and_each_line_is_on_the_tape_once(tmp_path: Path) -> None:
    count = 2000

    def busy(sock: socket.socket) -> None:
        def push() -> None:
            sock.sendall(b"".join(b"push %d\n" % number for number in range(count)))

        pusher = threading.Thread(target=push)
        pusher.start()
        with sock.makefile("rb") as lines:
            heard = [next(lines) for _ in range(count)]
        pusher.join()
        sock.sendall(b"heard %d\n" % len(heard))

    tape, target = tmp_path / "tape", Target(busy)
    sent = b"".join(b"word %d\n" % number for number in range(count))
    with server(target.address, "--framing", "line", "--tape", str(tape)) as program:
        with connect(port_of(program)) as sock:
            sender = threading.Thread(target=sock.sendall, args=(sent,))
            sender.start()
            came = everything(sock)
            sender.join()
        eventually(lambda: program.events("connection_closed"), "it is over")
    target.stop()
    assert came == b"".join(b"push %d\n" % number for number in range(count)) + b"heard 2000\n"
    all_of = load(tape.read_bytes()).exchanges
    assert b"".join(each.request for each in all_of) == sent
    assert b"".join(each.answer for each in all_of) == came


# -- where a message ends


def packed(width: int, body: bytes) -> bytes:
    return len(body).to_bytes(width, "big") + body


def mirror(width: int) -> Any:
    """A binary server: each message comes back turned round, with its length before it."""

    def talk(sock: socket.socket) -> None:
        while len(head := exactly(sock, width)) == width:
            body = exactly(sock, int.from_bytes(head, "big"))
            sock.sendall(packed(width, body[::-1]))

    return talk


@pytest.mark.parametrize("width", [1, 2, 4])
def test_binary_messages_with_their_length_before_them(tmp_path: Path, width: int) -> None:
    largest = 10_000
    bodies = [b"", b"\0", b"\0\n\r\n\r\n\xff", bytes(range(200)), b"", b"Q" * 255]
    bodies += [b"long" * 5000] if width > 1 else []  # beyond what a tape takes
    tape, target = tmp_path / "tape", Target(mirror(width))
    words = ("--framing", f"length{width}", "--tape", str(tape), "--largest", str(largest))

    def talk(port: int, bodies: list[bytes]) -> list[bytes]:
        found = []
        with connect(port) as sock:
            for body in bodies:
                for at in range(0, len(body) + width, 700):  # in pieces
                    sock.sendall(packed(width, body)[at : at + 700])
                size = int.from_bytes(exactly(sock, width), "big")
                found.append(exactly(sock, size))
        return found

    with server(target.address, "--mode", "record", *words) as program:
        assert talk(port_of(program), bodies) == [body[::-1] for body in bodies]
        eventually(lambda: len(outcomes(program)) == len(bodies), "all are told")
        assert outcomes(program) == ["recorded"] * 6 + ["too_large"] * (len(bodies) - 6)
    target.stop()
    with server(NOWHERE, "--mode", "replay", *words) as program:
        assert talk(port_of(program), bodies[:6]) == [body[::-1] for body in bodies[:6]]
        if width > 1:
            with connect(port_of(program)) as sock:
                sock.sendall(packed(width, bodies[-1]))
                assert everything(sock) == b""
            eventually(lambda: outcomes(program)[-1:] == ["miss"], "too large is not on the tape")


def test_a_pause_ends_a_message(tmp_path: Path) -> None:
    def pieces(sock: socket.socket) -> None:
        while data := sock.recv(1000):
            sock.sendall(b"<" + data)
            time.sleep(0.03)
            sock.sendall(b">")

    tape, target = tmp_path / "tape", Target(pieces)
    words = ("--framing", "pause", "--pause", "150", "--tape", str(tape))

    def talk(port: int) -> list[bytes]:
        found = []
        with connect(port) as sock:
            for word in (b"\0one", b"two\n\n", b"three"):
                sock.sendall(word)
                found.append(until(sock, b">"))
        return found

    with server(target.address, "--mode", "record", *words) as program:
        first = talk(port_of(program))
        eventually(lambda: outcomes(program) == ["recorded"] * 3, "three exchanges")
    target.stop()
    with server(NOWHERE, "--mode", "replay", *words) as program:
        assert talk(port_of(program)) == first == [b"<\0one>", b"<two\n\n>", b"<three>"]


# -- how a connection ends


def after_the_end(sock: socket.socket) -> None:
    data = everything(sock)
    sock.sendall(b"%d bytes, " % len(data))
    sock.sendall(b"good-bye")


def speaks_and_goes(sock: socket.socket) -> None:
    """As daytime does (RFC 867)."""
    sock.sendall(b"Saturday, noon\r\n")


def ends_first(sock: socket.socket) -> None:
    """Ends its side, and still listens."""
    sock.sendall(b"that is all")
    sock.shutdown(socket.SHUT_WR)
    assert everything(sock) == b"thank you"


@pytest.mark.parametrize(
    ("talk", "said"), [(after_the_end, b"12 bytes, good-bye"), (speaks_and_goes, b"Saturday, noon\r\n")]
)
def test_a_whole_connection_is_one_exchange(tmp_path: Path, talk: Any, said: bytes) -> None:
    tape, target = tmp_path / "tape", Target(talk)
    words = ("--framing", "connection", "--tape", str(tape))

    def ask(port: int) -> bytes:
        with connect(port) as sock:
            if talk is after_the_end:
                sock.sendall(b"hello, ")
                sock.sendall(b"there")
                sock.shutdown(socket.SHUT_WR)
            return everything(sock)

    with server(target.address, "--mode", "record", *words) as program:
        assert ask(port_of(program)) == said
        eventually(lambda: outcomes(program) == ["recorded"], "one exchange")
    target.stop()
    with server(NOWHERE, "--mode", "replay", *words) as program:
        assert [ask(port_of(program)) for _ in range(2)] == [said, said]


def test_a_server_that_ends_its_side_first_still_hears_the_client(tmp_path: Path) -> None:
    heard = threading.Event()

    def talk(sock: socket.socket) -> None:
        ends_first(sock)
        heard.set()

    target = Target(talk)
    with server(target.address, "--framing", "connection", "--tape", str(tmp_path / "t")) as program:
        with connect(port_of(program)) as sock:
            assert everything(sock) == b"that is all"
            sock.sendall(b"thank you")
        assert heard.wait(10)
        eventually(lambda: outcomes(program) == ["recorded"], "one exchange")
    target.stop()
    (one,) = exchanges(tmp_path / "t")
    assert one["server_end"]


def test_a_client_that_leaves_after_its_answer_does_not_teach_the_server_to_leave(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(upper)
    words = ("--framing", "line", "--tape", str(tape), "--pause", "5000")
    with server(target.address, "--mode", "record", *words) as program:
        with connect(port_of(program)) as sock:
            assert say(sock, b"word\n") == b"WORD\n"
        eventually(lambda: outcomes(program) == ["recorded"], "one exchange")
    target.stop()
    with server(NOWHERE, "--mode", "replay", *words) as program, connect(port_of(program)) as sock:
        assert [say(sock, b"word\n") for _ in range(3)] == [b"WORD\n"] * 3


def break_off(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_reset_of_either_side_is_a_reset_for_the_other() -> None:
    seen: list[str] = []

    def resets(sock: socket.socket) -> None:
        if sock.recv(10) == b"you\n":
            break_off(sock)
            return
        try:
            while sock.recv(10):
                pass
            seen.append("end")
        except ConnectionResetError:
            seen.append("reset")

    target = Target(resets)
    with server(target.address, "--framing", "line", "--mode", "pass") as program:
        with connect(port_of(program)) as sock:
            sock.sendall(b"you\n")
            with pytest.raises(ConnectionResetError):
                everything(sock)
        sock = connect(port_of(program))
        sock.sendall(b"me\n")
        eventually(lambda: len(program.events("data_received")) == 2, "it came through")
        break_off(sock)
        eventually(lambda: seen == ["reset"], f"the server saw it: {seen}")
        closed = eventually(lambda: program.events("connection_closed")[1:], "both are over")
        assert "ECONNRESET" in closed[0]["reason"]
    target.stop()


# -- many


def test_two_hundred_connections_at_once(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(upper)
    words = ("--framing", "line", "--tape", str(tape))
    count = 200

    def talk(port: int) -> None:
        socks = [connect(port) for _ in range(count)]
        for turn in range(3):
            for number, sock in enumerate(socks):
                sock.sendall(b"client %d turn %d\n" % (number, turn))
            for number, sock in enumerate(socks):
                assert until(sock, b"\n") == b"CLIENT %d TURN %d\n" % (number, turn)
        for sock in socks:
            sock.close()

    with server(target.address, "--mode", "record", *words) as program:
        talk(port_of(program))
        eventually(lambda: len(program.events("connection_closed")) == count, "all are over")
        assert len(exchanges(tape)) == 3 * count
    target.stop()
    with server(NOWHERE, "--mode", "replay", *words) as program:
        talk(port_of(program))
        eventually(lambda: len(program.events("connection_closed")) == count, "all are over")
        assert "miss" not in outcomes(program)


def test_beyond_the_most_connections_clients_wait_until_others_go() -> None:
    target = Target(upper)
    with server(target.address, "--framing", "line", "--max-connections", "2") as program:
        port = port_of(program)
        socks = [connect(port) for _ in range(3)]
        for sock in socks:
            sock.sendall(b"word\n")
        assert [until(sock, b"\n") for sock in socks[:2]] == [b"WORD\n"] * 2
        assert silent(socks[2])
        socks[0].close()
        assert until(socks[2], b"\n") == b"WORD\n"
        for sock in socks[1:]:
            sock.close()
    target.stop()


# -- changes while it runs


def say(sock: socket.socket, word: bytes) -> bytes:
    sock.sendall(word)
    return until(sock, b"\n")


def test_all_modes_in_one_run_with_connections_open(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(upper)
    words = ("--mode", "pass", "--target", target.address, "--framing", "line", "--tape", str(tape))
    with live(*words, "--pause", "20") as (board, port):
        with connect(port) as sock:
            assert say(sock, b"passed\n") == b"PASSED\n"
            told(board, 1)
            board.call("settings", {"mode": "record"}, 1)
            assert say(sock, b"kept\n") == b"KEPT\n"  # the same connection goes on
            assert told(board, 2) == ["passed", "recorded"]
            board.call("settings", {"mode": "replay"}, 2)
            assert sock.recv(10) == b""  # the server's role changes: it is closed
        with connect(port) as sock:
            assert say(sock, b"kept\n") == b"KEPT\n"
            sock.sendall(b"passed\n")
            assert everything(sock) == b""
        assert told(board, 4)[2:] == ["hit", "miss"]
        with connect(port) as sock:
            say(sock, b"kept\n")
            board.call("settings", {"mode": "record-if-new"}, 3)
            assert sock.recv(10) == b""
        with connect(port) as sock:
            assert say(sock, b"kept\n") == b"KEPT\n"
            assert say(sock, b"new\n") == b"NEW\n"
            assert told(board, 7)[5:] == ["known", "recorded"]
    target.stop()
    assert len(exchanges(tape)) == 2
    assert target.connections == 2


def test_what_was_only_passed_is_not_written_down_by_a_change_of_the_mode(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(lambda sock: sock.sendall(sock.recv(99)) or time.sleep(5))
    words = ("--mode", "pass", "--target", target.address, "--framing", "line", "--tape", str(tape))
    with live(*words, "--pause", "60000") as (board, port), connect(port) as sock:
        say(sock, b"only passed\n")
        board.call("settings", {"mode": "replay"})
        assert told(board, 1) == ["passed"]
        assert tape.read_bytes() == b""
    target.stop()


def test_framing_and_timing_and_what_a_miss_gets_change_while_it_runs(tmp_path: Path) -> None:
    tape = tmp_path / "tape"

    def slow(sock: socket.socket) -> None:
        with sock.makefile("rb") as lines:
            for line in lines:
                time.sleep(0.3)
                sock.sendall(line.upper())

    target = Target(slow)
    words = ("--mode", "record", "--target", target.address, "--framing", "http", "--tape", str(tape))
    with live(*words) as (board, port):
        board.call("settings", {"framing": "line", "pause": 500}, 1)
        with connect(port) as sock:
            assert say(sock, b"word\n") == b"WORD\n"
        assert told(board, 1) == ["recorded"]
        assert exchanges(tape)[0]["framing"] == "line"
        board.call("settings", {"mode": "replay"}, 2)
        with connect(port) as sock:
            took = []
            for number, timing in enumerate(("at_once", "recorded", "at_once")):
                board.call("settings", {"timing": timing}, 3 + number)
                spent = []
                for _ in range(3):  # a busy machine can be late once
                    began = time.monotonic()
                    assert say(sock, b"word\n") == b"WORD\n"
                    spent.append(time.monotonic() - began)
                took.append(min(spent))
            assert took[0] < 0.25 <= took[1]
            assert took[2] < 0.25
            board.call("settings", {"miss": "text", "miss_text": "no such\\n"}, 9)
            sock.sendall(b"other\n")
            assert everything(sock) == b"no such\n"
    target.stop()


def test_another_target_is_for_connections_from_now_on() -> None:
    one, two = Target(lambda sock: sock.sendall(b"one")), Target(lambda sock: sock.sendall(b"two"))
    with live("--mode", "pass", "--target", one.address) as (board, port):
        with connect(port) as sock:
            assert everything(sock) == b"one"
        board.call("settings", {"target": two.address})
        with connect(port) as sock:
            assert everything(sock) == b"two"
        refused = board.call("settings", {"target": "nowhere"}, 2)
        assert (refused.field, bool(refused.error)) == ("target", True)
    one.stop()
    two.stop()


# -- where it is, and where it goes


def test_two_servers_do_not_share_a_tape(tmp_path: Path) -> None:
    words = ("--tape", str(tmp_path / "tape"), "--mode", "replay")
    with server(NOWHERE, *words):
        second = Program("servers.tcp_replay.server", "--port", "0", *words)
        with second:
            assert second.wait() != 0
        said = "\n".join(second.errors + second.lines)
    assert "Another server uses the tape" in said
    with server(NOWHERE, *words):  # and it is free again
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_targets_by_name_and_by_either_family_on_either_family(host: str) -> None:
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    listener = socket.create_server(("::1" if host == "::1" else "127.0.0.1", 0), family=family)

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.sendall(b"hello")

    thread = threading.Thread(target=serve)
    thread.start()
    where = f"[{host}]" if ":" in host else host
    with server(f"{where}:{listener.getsockname()[1]}", "--host", "::1", "--mode", "pass") as program:
        with socket.create_connection(("::1", port_of(program)), timeout=10) as sock:
            assert everything(sock) == b"hello"
        peer = eventually(lambda: program.events("connection_opened"), "told")[0]["peer"]
        assert peer.startswith("[::1]:")
    thread.join()
    listener.close()


def test_a_name_that_nobody_has_is_told_to_each_client() -> None:
    with server("nobody.invalid:80", "--mode", "pass") as program:
        with connect(port_of(program)) as sock:
            assert everything(sock) == b""
        event = eventually(lambda: program.events("exchanged"), "told")[0]
    assert event["outcome"] == "unanswered"
    assert "nobody.invalid" in event["reason"]


def test_a_target_that_appears_later_is_reached_then() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with server(f"127.0.0.1:{port}", "--mode", "pass") as program:
        with connect(port_of(program)) as sock:
            assert everything(sock) == b""
        with socket.create_server(("127.0.0.1", port)) as listener, connect(port_of(program)) as sock:
            served, _ = listener.accept()
            with served:
                served.sendall(b"here")
            assert everything(sock) == b"here"


def test_many_ask_at_once_through_the_standard_library(tmp_path: Path) -> None:
    target = Target(upper)
    with server(target.address, "--framing", "line", "--tape", str(tmp_path / "t")) as program:
        port = port_of(program)

        def one(number: int) -> bytes:
            with connect(port) as sock:
                return say(sock, b"n%d\n" % number)

        with ThreadPoolExecutor(20) as pool:
            assert list(pool.map(one, range(100))) == [b"N%d\n" % number for number in range(100)]
        eventually(lambda: len(outcomes(program)) == 100, "all are told")
    target.stop()
    assert len(exchanges(tmp_path / "t")) == 100
