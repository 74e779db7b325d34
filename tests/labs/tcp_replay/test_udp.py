"""UDP over the replay server: the ping lab's own programs, large datagrams, many clients, IPv6."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.labs.tcp_replay.rig import outcomes, port_of, server
from tests.labs.tcp_replay.scripted import ScriptedUdp
from tests.programs import Dashboard, Program, eventually

NOWHERE = "127.0.0.1:1"
UDP = ("--transport", "udp", "--framing", "pause")


def asker(port: int, host: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect((host, port))
    return sock


def ask(sock: socket.socket, data: bytes) -> bytes:
    sock.send(data)
    return sock.recv(65535)


def upper(data: bytes) -> list[bytes]:
    return [data.upper()]


@contextmanager
def recorder(answer: Callable[[bytes], list[bytes]], *words: str) -> Iterator[Program]:
    """The replay server before one that answers so."""
    with ScriptedUdp(answer) as target, server(f"127.0.0.1:{target.port}", *words) as program:
        yield program


@contextmanager
def live(*words: str) -> Iterator[tuple[Dashboard, int]]:
    """The replay server under a dashboard that can change its settings."""
    with Dashboard() as board:
        named = ("servers.tcp_replay.server", "--port", "0", *UDP, *words)
        with Program(*named, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            yield board, board.port()


def ping(port: int, *words: str) -> tuple[int, str]:
    """The ping lab's client: its exit code, and what it printed."""
    named = ("127.0.0.1", str(port), "-i", "0.1", "-W", "2", *words)  # one is answered before the next
    with Program("servers.udp_ping.client", *named) as program:
        return program.wait(), "\n".join(program.lines)


@pytest.mark.parametrize("size", ["0", "1400"])
def test_the_ping_lab_s_client_loses_nothing_against_the_tape(tmp_path: Path, size: str) -> None:
    tape = tmp_path / "tape"
    words = (*UDP, "--tape", str(tape))
    with (
        Program("servers.udp_ping.server", "--port", "0", "--loss", "0", "--json") as pings,
        server(f"127.0.0.1:{port_of(pings)}", "--mode", "record", *words) as program,
    ):
        code, said = ping(port_of(program), "-c", "5", "-s", size)
        assert (code, "5 received, 0% packet loss" in said) == (0, True), said
        eventually(lambda: outcomes(program) == ["recorded"] * 5, "five exchanges")
    with server(NOWHERE, "--mode", "replay", "--match", "numbers", *words) as program:
        code, said = ping(port_of(program), "-c", "9", "-s", size)
        assert code == 0
        assert "9 received, 0% packet loss" in said, said
        eventually(lambda: len(outcomes(program)) == 9, "all are told")
        assert set(outcomes(program)) == {"hit"}
    with server(NOWHERE, "--mode", "replay", *words) as program:  # the time in it is another one
        assert ping(port_of(program), "-c", "2", "-W", "0.1")[0] != 0
        eventually(lambda: outcomes(program) == ["miss"] * 2, "two misses")


def test_the_largest_datagrams_and_empty_ones_and_any_bytes(tmp_path: Path) -> None:
    datagrams = [b"", b"\0", bytes(range(256)), b"z" * 9000, b"q" * 65507]
    words = (*UDP, "--tape", str(tmp_path / "tape"))

    def talk(port: int) -> list[bytes]:
        with asker(port) as sock:
            return [ask(sock, data) for data in datagrams]

    with recorder(lambda data: [data[::-1]], *words) as program:
        first = talk(port_of(program))
        eventually(lambda: outcomes(program) == ["recorded"] * 5, "five exchanges")
    assert first == [data[::-1] for data in datagrams]
    with server(NOWHERE, "--mode", "replay", *words) as program:
        assert talk(port_of(program)) == first


def test_more_clients_than_are_remembered_are_all_answered(tmp_path: Path) -> None:
    words = (*UDP, "--tape", str(tmp_path / "tape"), "--max-connections", "20")
    count = 60

    def talk(port: int) -> None:
        for number in range(count):
            with asker(port) as sock:
                assert ask(sock, b"client %d" % number) == b"CLIENT %d" % number

    with recorder(upper, *words) as program:
        talk(port_of(program))
        eventually(lambda: outcomes(program) == ["recorded"] * count, "all are on the tape")
        assert len(program.events("connection_closed")) == count - 20
    with server(NOWHERE, "--mode", "replay", *words) as program:
        talk(port_of(program))
        eventually(lambda: len(outcomes(program)) == count, "all are told")
        assert set(outcomes(program)) == {"hit"}
        closed = program.events("connection_closed")[0]
        assert (closed["bytes_in"], closed["bytes_out"]) == (8, 8)


def test_many_clients_at_once_get_their_own_answers() -> None:
    with recorder(upper, "--mode", "pass", *UDP) as program:
        port, wrong = port_of(program), []

        def one(number: int) -> None:
            with asker(port) as sock:
                for turn in range(20):
                    if ask(sock, b"n%d t%d" % (number, turn)) != b"N%d T%d" % (number, turn):
                        wrong.append(number)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_over_ipv6() -> None:
    target = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    target.bind(("::1", 0))

    def serve() -> None:
        data, peer = target.recvfrom(100)
        target.sendto(data.upper(), peer)

    thread = threading.Thread(target=serve)
    thread.start()
    where = f"[::1]:{target.getsockname()[1]}"
    words = ("--host", "::1", "--mode", "pass")
    with server(where, *words, *UDP) as program, asker(port_of(program), "::1") as sock:
        assert ask(sock, b"six") == b"SIX"
    thread.join()
    target.close()


def test_the_modes_change_while_it_runs(tmp_path: Path) -> None:
    words = ("--mode", "pass", "--tape", str(tmp_path / "tape"), "--pause", "20")
    with ScriptedUdp(upper) as target, live("--target", f"127.0.0.1:{target.port}", *words) as (board, port):
        with asker(port) as sock:
            ask(sock, b"a")
            for number, mode in enumerate(("record", "replay", "record-if-new")):
                time.sleep(0.1)  # until the exchange is whole
                board.call("settings", {"mode": mode}, number + 1)
                assert ask(sock, b"b") == b"B"
            ask(sock, b"c")
            told = eventually(lambda: board.events("exchanged")[4:] and board.events("exchanged"), "five")
        assert [event["outcome"] for event in told] == ["passed", "recorded", "hit", "known", "recorded"]
        assert target.heard == [b"a", b"b", b"b", b"c"]


def test_what_the_way_there_swallows_is_not_on_the_tape(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    words = ("--mode", "record", "--tape", str(tape), "--pause", "20", "--upstream-timeout", "0")
    with ScriptedUdp(upper) as target, live("--target", f"127.0.0.1:{target.port}", *words) as (board, port):
        with asker(port) as sock:
            sock.send(b"lost")
            eventually(lambda: board.events("toxic_hit"), "the fault is told")
            time.sleep(0.1)
            assert tape.read_bytes() == b""
            board.call("settings", {"upstream_timeout": -1})
            assert ask(sock, b"heard") == b"HEARD"
            eventually(lambda: tape.read_bytes(), "it is on the tape")
        assert target.heard == [b"heard"]


def test_the_way_there_is_slow_in_replay_too(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recorder(upper, *UDP, "--tape", str(tape)) as program:
        with asker(port_of(program)) as sock:
            ask(sock, b"a")
        eventually(lambda: outcomes(program) == ["recorded"], "one exchange")
    words = ("--mode", "replay", "--tape", str(tape), "--upstream-latency", "150")
    with server(NOWHERE, *UDP, *words) as program, asker(port_of(program)) as sock:
        began = time.monotonic()
        assert ask(sock, b"a") == b"A"
        assert 0.149 <= time.monotonic() - began < 3
