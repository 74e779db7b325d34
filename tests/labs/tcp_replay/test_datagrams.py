"""The replay server over UDP: one datagram in, and the datagrams that come back within a time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.labs.tcp_replay.rig import outcomes, port_of, server
from tests.programs import Program, eventually

UDP = ("--transport", "udp", "--framing", "pause")


@contextmanager
def echo(times: int = 1) -> Iterator[int]:
    """A UDP server that answers each datagram in upper case, so often; its port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, peer = sock.recvfrom(65535)
            if data == b"stop":
                return
            for _ in range(times):
                sock.sendto(data.upper(), peer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"stop", sock.getsockname())
        thread.join()
        sock.close()


def client(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect(("127.0.0.1", port))
    return sock


def ask(sock: socket.socket, data: bytes) -> bytes:
    sock.send(data)
    return sock.recv(65535)


def test_datagrams_pass_are_recorded_and_replayed_without_the_server(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    words = (*UDP, "--tape", str(tape))
    with echo() as port, server(f"127.0.0.1:{port}", "--mode", "record", *words) as program:
        with client(port_of(program)) as one, client(port_of(program)) as two:
            assert [ask(one, b"a"), ask(two, b"b"), ask(one, b"c" * 9000)] == [b"A", b"B", b"C" * 9000]
        eventually(lambda: outcomes(program) == ["recorded"] * 3, "three exchanges")
    with server("127.0.0.1:1", "--mode", "replay", *words) as program:
        with client(port_of(program)) as sock:
            assert [ask(sock, b"c" * 9000), ask(sock, b"a"), ask(sock, b"b")] == [b"C" * 9000, b"A", b"B"]
            sock.send(b"unknown")
            sock.settimeout(0.2)
            with pytest.raises(TimeoutError):
                sock.recv(100)
        eventually(lambda: outcomes(program) == ["hit", "hit", "hit", "miss"], "three hits and a miss")


def test_all_answers_within_the_time_belong_to_the_exchange(tmp_path: Path) -> None:
    with echo(3) as port, server(f"127.0.0.1:{port}", *UDP, "--tape", str(tmp_path / "t")) as program:
        with client(port_of(program)) as sock:
            sock.send(b"x")
            assert [sock.recv(10) for _ in range(3)] == [b"X"] * 3
        event = eventually(lambda: program.events("exchanged"), "an exchange")[0]
    assert (event["outcome"], event["chunks"]) == ("recorded", 3)


def test_a_ping_recorded_answers_pings_with_other_numbers(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with (
        Program("servers.udp_ping.server", "--port", "0", "--loss", "0", "--json") as pings,
        server(f"127.0.0.1:{port_of(pings)}", *UDP, "--tape", str(tape)) as program,
    ):
        with client(port_of(program)) as sock:
            assert ask(sock, b"Ping 1 1700000000.25") == b"PING 1 1700000000.25"
        eventually(lambda: outcomes(program) == ["recorded"], "one exchange")
    words = ("--mode", "replay", "--match", "numbers", "--tape", str(tape))
    with server("127.0.0.1:1", *UDP, *words) as program, client(port_of(program)) as sock:
        assert ask(sock, b"Ping 7 1800000000.5") == b"PING 7 1800000000.5"


def test_a_lossy_way_loses_and_a_slow_one_delays() -> None:
    with echo() as port:
        words = ("--mode", "pass", "--upstream-latency", "100", "--downstream-latency", "100")
        with server(f"127.0.0.1:{port}", *UDP, *words) as program, client(port_of(program)) as sock:
            began = time.monotonic()
            assert ask(sock, b"slow") == b"SLOW"
            assert time.monotonic() - began >= 0.199
        words = ("--mode", "pass", "--downstream-timeout", "0")
        with server(f"127.0.0.1:{port}", *UDP, *words) as program, client(port_of(program)) as sock:
            sock.send(b"lost")
            sock.settimeout(0.3)
            with pytest.raises(TimeoutError):
                sock.recv(100)


def test_nobody_at_the_target_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with server(f"127.0.0.1:{port}", *UDP) as program, client(port_of(program)) as sock:
        sock.send(b"hello")
        event = eventually(lambda: program.events("exchanged"), "told")[0]
    assert event["outcome"] == "unanswered"
    assert "ECONNREFUSED" in event["reason"]
