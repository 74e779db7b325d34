"""The replay server over TCP: what passes, what is written down, what is answered without the target."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from base64 import b64encode
from pathlib import Path

import pytest

from tests.labs.tcp_replay.rig import Target, connect, greets, outcomes, port_of, server, silent, upper
from tests.programs import Dashboard, Program, eventually
from tests.reading import everything, until


def lines_of(tape: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in tape.read_text().splitlines()] if tape.exists() else []


# -- passing and recording


def test_pass_writes_nothing_down_and_tells_every_exchange(tmp_path: Path) -> None:
    tape, target = tmp_path / "t", Target(upper)
    with server(target.address, "--mode", "pass", "--framing", "line", "--tape", str(tape)) as program:
        with connect(port_of(program)) as sock:
            for word in (b"one\n", b"two\n"):
                sock.sendall(word)
                assert until(sock, b"\n") == word.upper()
        eventually(lambda: len(outcomes(program)) == 2, "two exchanges")
    assert outcomes(program) == ["passed", "passed"]
    assert lines_of(tape) == []
    target.stop()


def test_what_was_recorded_is_replayed_without_the_target(tmp_path: Path) -> None:
    tape, target = tmp_path / "t", Target(greets)
    words = ("--framing", "line", "--tape", str(tape))
    with server(target.address, "--mode", "record", *words) as program:
        with connect(port_of(program)) as sock:
            said = until(sock, b"hello\r\n")
            for word in (b"EHLO a\r\n", b"NOOP\r\n", b"NOOP\r\n"):
                sock.sendall(word)
                said += until(sock, word)
            sock.sendall(b"QUIT\r\n")
            said += everything(sock)
        eventually(lambda: len(lines_of(tape)) == 5, "five lines on the tape")
        eventually(lambda: outcomes(program) == ["recorded"] * 5, "all are told")
    target.stop()
    with server(target.address, "--mode", "replay", *words) as program:
        for _ in range(2):
            with connect(port_of(program)) as sock:
                again = until(sock, b"hello\r\n")
                for word in (b"EHLO a\r\n", b"NOOP\r\n", b"NOOP\r\n"):
                    sock.sendall(word)
                    again += until(sock, word)
                sock.sendall(b"QUIT\r\n")
                again += everything(sock)
            assert again == said
        eventually(lambda: len(outcomes(program)) == 10, "ten exchanges")
        assert set(outcomes(program)) == {"hit"}
    assert target.connections == 1


def test_record_if_new_writes_down_only_what_the_tape_does_not_know(tmp_path: Path) -> None:
    tape, target = tmp_path / "t", Target(upper)
    words = ("--mode", "record-if-new", "--framing", "line", "--tape", str(tape))
    with server(target.address, *words) as program:
        with connect(port_of(program)) as sock:
            for word in (b"a\n", b"b\n", b"a\n"):
                sock.sendall(word)
                assert until(sock, b"\n") == word.upper()
        eventually(lambda: len(outcomes(program)) == 3, "three exchanges")
        assert outcomes(program) == ["recorded", "recorded", "known"]
    assert len(lines_of(tape)) == 2
    target.stop()


def test_half_close_passes_through_both_ways() -> None:
    def after_the_end(sock: socket.socket) -> None:
        data = everything(sock)
        sock.sendall(b"%d bytes" % len(data))

    target = Target(after_the_end)
    with server(target.address, "--mode", "pass", "--framing", "connection") as program:
        with connect(port_of(program)) as sock:
            sock.sendall(bytes(300_000))
            sock.shutdown(socket.SHUT_WR)
            assert everything(sock) == b"300000 bytes"
        eventually(lambda: outcomes(program) == ["passed"], "one exchange")
        event = program.events("exchanged")[0]
        assert (event["sent"]["size"], event["received"]["size"]) == (300_000, 12)
    target.stop()


def test_both_sides_may_talk_at_once_and_no_byte_is_lost() -> None:
    size = 8_000_000

    def talks(sock: socket.socket) -> None:

        sender = threading.Thread(target=sock.sendall, args=(b"s" * size,))
        sender.start()
        left = size
        while left:
            left -= len(sock.recv(65536))
        sender.join()

    target = Target(talks)
    words = ("--mode", "record", "--framing", "pause")
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        sender = threading.Thread(target=sock.sendall, args=(b"c" * size,))
        sender.start()
        came = everything(sock)
        sender.join()
    assert came == b"s" * size
    target.stop()


def test_a_target_that_is_not_there_is_told_and_the_client_let_go() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with server(f"127.0.0.1:{port}", "--mode", "record") as program:
        with connect(port_of(program)) as sock:
            assert everything(sock) == b""
        event = eventually(lambda: program.events("exchanged"), "an exchange")[0]
    assert event["outcome"] == "unanswered"
    assert "ECONNREFUSED" in event["reason"]


def test_its_own_port_is_no_target() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ("servers.tcp_replay.server", "--json", "--port", str(port), "--target", f"localhost:{port}")
    with Program(*words) as program:
        program.line("server_listening")
        with connect(port) as sock:
            assert everything(sock) == b""
        assert "own" in eventually(lambda: program.events("exchanged"), "told")[0]["reason"]


# -- replay


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Of a line protocol: a is answered A, then B; long is answered in two pieces, 300 ms apart."""
    path = tmp_path / "tape"

    def exchange(id: int, request: bytes, *chunks: tuple[float, bytes]) -> str:

        response = [{"ms": ms, "data": b64encode(data).decode()} for ms, data in chunks]
        value = {"id": id, "at": 1.0, "framing": "line", "request": b64encode(request).decode()}
        return json.dumps({**value, "response": response})

    rows = [
        exchange(1, b"a\n", (1, b"A\n")),
        exchange(2, b"a\n", (1, b"B\n")),
        exchange(3, b"long\n", (0, b"first "), (300, b"second\n")),
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


def replay(tape: Path, *words: str) -> tuple[str, ...]:
    return ("--mode", "replay", "--framing", "line", "--tape", str(tape), *words)


def test_repeated_requests_are_answered_in_order_and_then_with_the_last(tape: Path) -> None:
    with server("127.0.0.1:1", *replay(tape)) as program:
        with connect(port_of(program)) as sock:
            sock.sendall(b"a\na\na\n")
            assert until(sock, b"B\nB\n") == b"A\nB\nB\n"
        turns = [event["turn"] for event in eventually(lambda: program.events("exchanged"), "told")]
        assert turns[:2] == ["1 of 2", "2 of 2"]


def test_asked_too_often_is_a_miss_if_that_is_set(tape: Path) -> None:
    with server("127.0.0.1:1", *replay(tape, "--repeat", "miss")) as program:
        with connect(port_of(program)) as sock:
            sock.sendall(b"a\na\na\n")
            assert everything(sock) == b"A\nB\n"
        eventually(lambda: outcomes(program) == ["hit", "hit", "miss"], "hit, hit, miss")


def test_a_miss_closes_without_a_byte_and_names_the_nearest(tape: Path) -> None:
    with server("127.0.0.1:1", *replay(tape)) as program:
        with connect(port_of(program)) as sock:
            sock.sendall(b"lone\n")
            assert everything(sock) == b""
        event = eventually(lambda: program.events("exchanged"), "told")[0]
    assert (event["outcome"], event["near"], event["differs_at"]) == ("miss", 3, 3)
    assert event["reason"]


def test_a_miss_may_send_a_text_of_one_s_own(tape: Path) -> None:
    words = ("--miss", "text", "--miss-text", "no\\r\\n\\x21")
    with server("127.0.0.1:1", *replay(tape, *words)) as program, connect(port_of(program)) as sock:
        sock.sendall(b"what\n")
        assert everything(sock) == b"no\r\n!"


@pytest.mark.parametrize(
    ("words", "least", "most"),
    [
        (("--timing", "recorded"), 0.29, 2.0),
        (("--timing", "scaled", "--speed", "3"), 0.09, 0.28),
        ((), 0, 0.25),
    ],
)
def test_answers_come_as_recorded_or_faster_or_at_once(
    tape: Path, words: tuple[str, ...], least: float, most: float
) -> None:
    with server("127.0.0.1:1", *replay(tape, *words)) as program, connect(port_of(program)) as sock:
        took = []
        for _ in range(3):
            began = time.monotonic()
            sock.sendall(b"long\n")
            assert until(sock, b"second\n") == b"first second\n"
            took.append(time.monotonic() - began)
    assert least <= min(took) <= most, took


def test_bytes_that_drip_in_make_the_same_request(tape: Path) -> None:
    with server("127.0.0.1:1", *replay(tape)) as program, connect(port_of(program)) as sock:
        for letter in b"long\n":
            sock.sendall(bytes([letter]))
            time.sleep(0.01)
        assert until(sock, b"second\n") == b"first second\n"


# -- faults


def test_latency_and_slices_reach_the_client_and_change_no_byte() -> None:
    target = Target(upper)
    words = ("--mode", "pass", "--downstream-latency", "150", "--downstream-average-size", "3")
    with server(target.address, *words, "--framing", "line") as program, connect(port_of(program)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.monotonic()
        sock.sendall(b"a line of words\n")
        assert until(sock, b"\n") == b"A LINE OF WORDS\n"
        assert time.monotonic() - began >= 0.149
    target.stop()


def test_a_reset_on_purpose_is_a_reset() -> None:
    target = Target(upper)
    words = ("--mode", "pass", "--downstream-reset-peer", "200")
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        with pytest.raises(ConnectionResetError):
            everything(sock)
        eventually(lambda: program.events("toxic_hit"), "the fault is told")
    target.stop()


def test_a_timeout_is_silent_and_then_closes() -> None:
    target = Target(upper)
    words = ("--mode", "pass", "--downstream-timeout", "600", "--framing", "line")
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        sock.sendall(b"anybody\n")
        assert silent(sock)
        assert everything(sock) == b""
    target.stop()


# -- live


def test_the_mode_is_switched_while_it_runs(tmp_path: Path) -> None:
    target, tape = Target(upper), tmp_path / "tape"
    with Dashboard() as board:
        words = ("--port", "0", "--target", target.address, "--framing", "line", "--tape", str(tape))
        with Program("servers.tcp_replay.server", *words, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            port = board.port()
            with connect(port) as sock:
                sock.sendall(b"word\n")
                assert until(sock, b"\n") == b"WORD\n"
            eventually(lambda: len(lines_of(tape)) == 1, "it is recorded")
            board.call("settings", {"mode": "replay"})
            target.stop()
            with connect(port) as sock:
                sock.sendall(b"word\n")
                assert until(sock, b"\n") == b"WORD\n"
    assert target.connections == 1


def test_killed_in_the_middle_what_was_answered_before_is_on_the_tape(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(upper)
    words = ("--mode", "record", "--framing", "line", "--tape", str(tape))
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        for _ in range(200):
            sock.sendall(b"x" * 3000 + b"\n")
            until(sock, b"\n")
        program.process.send_signal(signal.SIGKILL)
    target.stop()
    assert len(lines_of(tape)) >= 199  # the last one's answer was heard, and then might have gone on
