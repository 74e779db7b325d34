"""What nobody should do to the replay server, and what it must bear: floods, drips, no files left, itself."""

from __future__ import annotations

import resource
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.labs.tcp_replay.rig import Target, connect, outcomes, port_of, server, upper
from tests.programs import Program, eventually
from tests.reading import everything, until

NOWHERE = "127.0.0.1:1"
MEGABYTE = 1_000_000
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def memory(program: Program) -> int:
    """The most bytes that the program has held."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def count_of(program: Program, name: str) -> int:
    """How often it was told."""
    return len(program.events(name))


def answered(sock: socket.socket, size: int) -> int:
    got = 0
    while got < size and (data := sock.recv(MEGABYTE)):
        got += len(data)
    return got


def send_all(sock: socket.socket, data: bytes) -> threading.Thread:
    thread = threading.Thread(target=sock.sendall, args=(data,), daemon=True)
    thread.start()
    return thread


# -- much at once


@linux
@pytest.mark.slow
def test_a_hundred_thousand_requests_in_one_send(tmp_path: Path) -> None:
    tape, count = tmp_path / "tape", 100_000
    data = b"".join(b"n %d\n" % (number % 1000) for number in range(count))

    def sponge(sock: socket.socket) -> None:
        while more := sock.recv(MEGABYTE):
            sock.sendall(more.upper())

    target = Target(sponge)
    words = ("--framing", "line", "--tape", str(tape))
    with server(target.address, "--mode", "record", *words) as program, connect(port_of(program)) as sock:
        began = time.monotonic()
        sender = send_all(sock, data)
        assert answered(sock, len(data)) == len(data)
        sender.join()
        assert time.monotonic() - began < 15
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock) == b""
        eventually(lambda: tape.read_bytes().count(b"\n") >= count, "all are on the tape")
        assert memory(program) < 400 * MEGABYTE
    target.stop()
    with server(NOWHERE, "--mode", "replay", *words) as program, connect(port_of(program)) as sock:
        sender = send_all(sock, data)
        began = time.monotonic()
        total = 0
        while total < len(data):
            sock.settimeout(5)
            total += len(sock.recv(MEGABYTE))
        sender.join()
        assert time.monotonic() - began < 15


@linux
def test_a_line_of_a_hundred_megabytes_passes_and_is_not_held(tmp_path: Path) -> None:
    tape, size = tmp_path / "tape", 100 * MEGABYTE

    def counts(sock: socket.socket) -> None:
        sock.sendall(b"%d\n" % answered(sock, size))

    target = Target(counts)
    words = ("--framing", "line", "--tape", str(tape))
    with server(target.address, "--mode", "record", *words) as program, connect(port_of(program)) as sock:
        sender = send_all(sock, b"x" * (size - 1) + b"\n")
        assert until(sock, b"\n") == b"%d\n" % size
        sender.join()
        sock.close()
        eventually(lambda: outcomes(program) == ["too_large"], "it is told")
        event = program.events("exchanged")[0]
        assert event["sent"]["size"] == size
        assert memory(program) < 120 * MEGABYTE
    target.stop()
    assert tape.read_bytes() == b""
    with server(NOWHERE, "--mode", "replay", *words) as program, connect(port_of(program)) as sock:
        sender = send_all(sock, b"x" * (size - 1) + b"\n")
        assert everything(sock) == b""
        sender.join()
        eventually(lambda: outcomes(program) == ["miss"], "it is a miss")
        assert memory(program) < 120 * MEGABYTE


@linux
@pytest.mark.parametrize("floods", ["server", "client"])
def test_who_floods_one_that_does_not_read_is_not_read_either(floods: str) -> None:
    stop = threading.Event()

    def flood(sock: socket.socket) -> None:
        sock.settimeout(0.3)
        try:
            while not stop.is_set():
                sock.sendall(bytes(MEGABYTE))
        except OSError:
            pass

    def deaf(sock: socket.socket) -> None:
        stop.wait(10)

    target = Target(flood if floods == "server" else deaf)
    words = ("--mode", "record", "--framing", "pause")
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        if floods == "client":
            flood(sock)
        else:
            eventually(lambda: count_of(program, "data_received"), "it floods")
            time.sleep(0.5)
        with connect(port_of(program)) as other:  # and nobody else waits
            other.sendall(b"hello")
            eventually(lambda: count_of(program, "connection_opened") == 2, "the other is served")
        assert memory(program) < 120 * MEGABYTE
        stop.set()
    target.stop()


@linux
def test_a_replay_does_not_pile_up_answers_for_one_that_does_not_read(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    target = Target(lambda sock: [sock.sendall(b"B" * 3 * MEGABYTE + b"\n") for _ in sock.makefile("rb")])
    words = ("--framing", "line", "--tape", str(tape))
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        sock.sendall(b"big\n")
        assert answered(sock, 3 * MEGABYTE + 1)
        eventually(lambda: outcomes(program) == ["recorded"], "one exchange")
    target.stop()
    with server(NOWHERE, "--mode", "replay", *words) as program, connect(port_of(program)) as sock:
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.sendall(b"big\n" * 10 * MEGABYTE)
        assert memory(program) < 200 * MEGABYTE
        with connect(port_of(program)) as other:
            began = time.monotonic()
            other.sendall(b"big\n")
            assert answered(other, 3 * MEGABYTE + 1) == 3 * MEGABYTE + 1
            assert time.monotonic() - began < 2


# -- little at a time


def test_clients_that_drip_do_not_hold_up_others(tmp_path: Path) -> None:
    target = Target(upper)
    with server(target.address, "--framing", "line", "--tape", str(tmp_path / "t")) as program:
        port = port_of(program)
        drips = [connect(port) for _ in range(100)]
        took = []
        for turn in range(20):
            for sock in drips:
                sock.sendall(b"GET / HTTP/1.1\r\nX-Drip: ......................"[turn : turn + 1])
            with connect(port) as sock:
                began = time.monotonic()
                sock.sendall(b"quick\n")
                assert until(sock, b"\n") == b"QUICK\n"
                took.append(time.monotonic() - began)
        assert sorted(took)[10] < 0.2
        for sock in drips:
            sock.close()
        eventually(lambda: count_of(program, "connection_closed") == 120, "all are gone")
    target.stop()


# -- itself, the dashboard, and no files left


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "127.9.9.9", "[::1]"])
def test_the_dashboard_is_no_target_by_any_name(host: str) -> None:
    board = socket.create_server(("127.0.0.1", 0))
    port = board.getsockname()[1]
    words = ("servers.tcp_replay.server", "--port", "0", "--json", "--target", f"{host}:{port}")
    with Program(*words, env={"SOCKET_LAB_PORTS": f"{port}"}) as program:
        with connect(port_of(program)) as sock:
            assert everything(sock) == b""
        event = eventually(lambda: program.events("exchanged"), "told")[0]
        assert event["outcome"] == "unanswered"
        assert "dashboard" in event["reason"]
    board.setblocking(False)
    with pytest.raises(BlockingIOError):
        board.accept()
    board.close()


def test_over_udp_its_own_port_is_no_target_either() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ("--transport", "udp", "--json", "--port", str(port), "--target", f"127.0.0.1:{port}")
    with Program("servers.tcp_replay.server", *words) as program:
        program.line("server_listening")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"hello", ("127.0.0.1", port))
        event = eventually(lambda: program.events("exchanged"), "told")[0]
        assert "own" in event["reason"]
        assert count_of(program, "datagram_received") == 1


@linux
def test_without_files_left_clients_wait_and_are_served_then(tmp_path: Path) -> None:
    target = Target(upper)
    with server(target.address, "--framing", "line", "--tape", str(tmp_path / "t")) as program:
        port = port_of(program)
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (24, 24))
        socks = [connect(port) for _ in range(20)]
        for sock in socks:
            sock.sendall(b"word\n")
        served = [sock for sock in socks[:3] if until(sock, b"\n") == b"WORD\n"]
        assert len(served) == 3
        for sock in socks:
            sock.close()
        eventually(
            lambda: count_of(program, "connection_closed") == count_of(program, "connection_opened") >= 20,
            "all were accepted in the end",
        )
        with connect(port) as sock:
            sock.sendall(b"again\n")
            assert until(sock, b"\n") == b"AGAIN\n"
    target.stop()


@linux
def test_without_files_left_it_does_not_spin(tmp_path: Path) -> None:
    target = Target(upper)
    with server(target.address, "--framing", "line", "--tape", str(tmp_path / "t")) as program:
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (20, 20))
        socks = [connect(port_of(program)) for _ in range(20)]
        time.sleep(0.3)
        before = cpu(program)
        time.sleep(1)
        assert cpu(program) - before < 0.3
        for sock in socks:
            sock.close()
    target.stop()


def cpu(program: Program) -> float:
    """Seconds of processor time that the program has used."""
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@linux
def test_idle_connections_and_a_silent_fault_cost_no_time(tmp_path: Path) -> None:
    target = Target(upper)
    words = ("--framing", "line", "--tape", str(tmp_path / "t"), "--downstream-timeout", "0")
    with server(target.address, *words) as program:
        socks = [connect(port_of(program)) for _ in range(50)]
        for sock in socks:
            sock.sendall(b"word\n")
        eventually(lambda: count_of(program, "connection_opened") == 50, "all are there")
        time.sleep(0.2)
        for sock in socks[:25]:
            sock.shutdown(socket.SHUT_WR)
        time.sleep(0.3)
        before = cpu(program)
        time.sleep(1)
        assert cpu(program) - before < 0.2
        for sock in socks:
            sock.close()
    target.stop()
