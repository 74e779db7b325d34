"""Faults on the way as the two ends see them: each of Toxiproxy's names, per direction, changed live."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servers.tcp_replay.tape import load
from tests.labs.tcp_replay.rig import Target, connect, outcomes, port_of, server, silent, upper
from tests.programs import Dashboard, Program, eventually
from tests.reading import everything, until

BOTH = ["upstream", "downstream"]


@contextmanager
def live(target: str, *words: str) -> Iterator[tuple[Dashboard, int]]:
    """The replay server under a dashboard that can change its settings."""
    with Dashboard() as board:
        named = ("servers.tcp_replay.server", "--port", "0", "--target", target, *words)
        with Program(*named, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            yield board, board.port()


class Timed:
    """A target that notes what it receives, and when; then it answers with ``answer``."""

    def __init__(self, answer: bytes = b"", size: int = 1) -> None:
        self.answer, self.size = answer, size
        self.pieces: list[tuple[float, bytes]] = []
        self.segments = 0
        self.target = Target(self._talk)

    def _talk(self, sock: socket.socket) -> None:
        got = 0
        while got < self.size:
            data = sock.recv(1_000_000)
            if not data:
                return
            self.pieces.append((time.monotonic(), data))
            got += len(data)
        self.segments = segments_in(sock)
        sock.sendall(self.answer)


def segments_in(sock: socket.socket) -> int:
    """How many segments with data this socket received, however many reads took them (tcpi_data_segs_in)."""
    (count,) = struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232), 152)
    return int(count)


def received(sock: socket.socket, size: int) -> list[tuple[float, bytes]]:
    found: list[tuple[float, bytes]] = []
    while sum(len(data) for _, data in found) < size:
        data = sock.recv(1_000_000)
        assert data
        found.append((time.monotonic(), data))
    return found


def one_way(way: str, size: int, *faults: str) -> tuple[float, list[tuple[float, bytes]], bytes]:
    """Send so many bytes this way: when they were sent, the pieces that came, and all that was sent."""
    began, pieces, data, _ = one_way_counted(way, size, *faults)
    return began, pieces, data


def one_way_counted(
    way: str, size: int, *faults: str
) -> tuple[float, list[tuple[float, bytes]], bytes, int]:
    """As one_way, and in how many segments the pieces came: a busy machine reads two of them as one."""
    data = bytes(number % 251 for number in range(size))
    timed = Timed(b"" if way == "upstream" else data, size if way == "upstream" else 1)
    words = ("--mode", "pass", "--framing", "line", *faults)
    with server(timed.target.address, *words) as program, connect(port_of(program)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        eventually(lambda: timed.target.connections, "the target is reached")
        began = time.monotonic()
        if way == "upstream":
            sock.sendall(data)
            everything(sock)
            pieces, segments = timed.pieces, timed.segments
        else:
            sock.sendall(b"g")
            pieces, segments = received(sock, size), segments_in(sock)
    timed.target.stop()
    return began, pieces, data, segments


def joined(pieces: list[tuple[float, bytes]]) -> bytes:
    return b"".join(data for _, data in pieces)


@pytest.mark.parametrize("way", BOTH)
def test_latency_delays_all_by_as_much(way: str) -> None:
    began, pieces, data = one_way(way, 100_000, f"--{way}-latency", "200")
    assert joined(pieces) == data
    assert pieces[0][0] - began >= 0.2
    assert pieces[-1][0] - pieces[0][0] < 0.4  # all later by as much: the last did not wait for the first


def test_latency_and_jitter_stay_within_their_bounds_and_keep_the_order() -> None:
    timed = Timed(b"", 400)
    words = ("--mode", "pass", "--upstream-latency", "100", "--upstream-jitter", "60")
    with server(timed.target.address, *words) as program, connect(port_of(program)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        eventually(lambda: timed.target.connections, "the target is reached")
        sent = []
        for number in range(8):
            sent.append(time.monotonic())
            sock.sendall(b"%050d" % number)
            time.sleep(0.2)  # longer than the jitter: none waits for another
        eventually(lambda: len(timed.pieces) == 8, "all came")
    timed.target.stop()
    assert [int(data) for _, data in timed.pieces] == list(range(8))
    waits = [came - left for left, (came, _) in zip(sent, timed.pieces, strict=True)]
    assert min(waits) >= 0.039
    assert sorted(waits)[4] < 0.3
    assert max(waits) - min(waits) > 0.01  # the chance that all eight are alike is below 1 in 10,000


@pytest.mark.parametrize("way", BOTH)
def test_rate_lets_so_many_bytes_through_in_a_time(way: str) -> None:
    began, pieces, data = one_way(way, 100_000, f"--{way}-rate", "100")
    assert joined(pieces) == data
    whole = pieces[-1][0] - began
    assert 0.75 <= whole <= 3
    half = next(
        came for number, (came, _) in enumerate(pieces) if len(joined(pieces[: number + 1])) >= 50_000
    )
    assert 0.3 <= half - began <= 0.8 * whole  # it flows, and does not come all at its end


@pytest.mark.parametrize("way", BOTH)
def test_the_slicer_cuts_and_leaves_gaps(way: str) -> None:
    words = (f"--{way}-average-size", "100", f"--{way}-size-variation", "30", f"--{way}-delay", "10")
    began, pieces, data, segments = one_way_counted(way, 2000, *words)
    assert joined(pieces) == data
    # 70 to 130 bytes each, but for the last, which may be short.
    assert 2000 / 130 <= segments <= 2000 / 70 + 1
    assert all(len(piece) >= 70 for _, piece in pieces[:-1])  # two may be read as one; none is cut again
    assert pieces[-1][0] - began >= 0.13  # fifteen gaps or more of 10 ms


@pytest.mark.parametrize("way", BOTH)
def test_reset_peer_resets_after_a_time(way: str) -> None:
    target = Target(upper)
    words = ("--mode", "pass", "--framing", "line", f"--{way}-reset-peer", "250")
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        began = time.monotonic()
        sock.sendall(b"word\n")
        assert until(sock, b"\n") == b"WORD\n"  # until then all passes
        with pytest.raises(ConnectionResetError):
            sock.recv(10)
        assert 0.2 <= time.monotonic() - began < 3
    target.stop()


@pytest.mark.parametrize("way", BOTH)
def test_timeout_closes_after_a_silence(way: str) -> None:
    target = Target(upper)
    words = ("--mode", "pass", "--framing", "line", f"--{way}-timeout", "300")
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        began = time.monotonic()
        sock.sendall(b"word\n")
        assert everything(sock) == b""
        assert 0.28 <= time.monotonic() - began < 3
        eventually(lambda: outcomes(program) == (["passed"] if way == "downstream" else []), "who heard it")
    target.stop()


@pytest.mark.parametrize("way", BOTH)
def test_timeout_0_is_silent_until_it_is_taken_off(way: str) -> None:
    target = Target(upper)
    words = ("--mode", "pass", "--framing", "line", f"--{way}-timeout", "0")
    with live(target.address, *words) as (board, port), connect(port) as sock:
        sock.sendall(b"lost\n")
        assert silent(sock, 0.4)
        board.call("settings", {f"{way}_timeout": -1})
        sock.sendall(b"heard\n")
        assert until(sock, b"\n") == b"HEARD\n"
    target.stop()


def test_timeout_0_holds_back_the_end_of_a_connection_too() -> None:
    target = Target(lambda sock: sock.sendall(b"good-bye"))
    with live(target.address, "--mode", "pass", "--downstream-timeout", "0") as (board, port):
        with connect(port) as sock:
            assert silent(sock, 0.3)
            board.call("settings", {"downstream_timeout": -1})
            assert sock.recv(10) == b""
        with connect(port) as sock:
            assert everything(sock) == b"good-bye"
    target.stop()


def test_a_silenced_client_that_leaves_takes_no_place() -> None:
    target = Target(upper)
    words = ("--mode", "pass", "--framing", "line", "--downstream-timeout", "0")
    with server(target.address, *words) as program:
        for _ in range(5):
            with connect(port_of(program)) as sock:
                sock.sendall(b"word\n")
                assert silent(sock, 0.05)
        eventually(lambda: len(program.events("connection_closed")) == 5, "all are over")
    target.stop()


def test_all_of_them_change_while_a_connection_is_open() -> None:
    target = Target(upper)
    with live(target.address, "--mode", "pass", "--framing", "line") as (board, port):
        calls = iter(range(1, 99))

        def took(**settings: float) -> float:
            board.call("settings", settings, next(calls))
            began = time.monotonic()
            sock.sendall(b"x" * 99 + b"\n")
            assert until(sock, b"\n") == b"X" * 99 + b"\n"
            return time.monotonic() - began

        with connect(port) as sock:
            assert min(took() for _ in range(5)) < 0.15
            assert took(upstream_latency=200) >= 0.199
            assert took(upstream_latency=0, downstream_rate=0.5) >= 0.18
            assert took(downstream_rate=0, downstream_average_size=20, downstream_delay=50) >= 0.19
            took(downstream_average_size=0)
            assert min(took() for _ in range(5)) < 0.15
            began = time.monotonic()
            board.call("settings", {"downstream_timeout": 300}, next(calls))
            sock.sendall(b"lost\n")
            assert everything(sock) == b""
            assert 0.28 <= time.monotonic() - began < 3  # from the change on, not from the opening
        board.call("settings", {"downstream_timeout": -1}, next(calls))
        with connect(port) as sock:
            assert min(took() for _ in range(5)) < 0.15
            board.call("settings", {"upstream_reset_peer": 0}, next(calls))
            with pytest.raises(ConnectionResetError):
                sock.recv(10)
    target.stop()


def test_what_is_recorded_under_faults_is_unharmed(tmp_path: Path) -> None:
    tape, target = tmp_path / "tape", Target(upper)
    words = ["--framing", "line", "--tape", str(tape)]
    for way in BOTH:
        words += [f"--{way}-latency", "20", f"--{way}-jitter", "20", f"--{way}-average-size", "7"]
        words += [f"--{way}-size-variation", "3", f"--{way}-rate", "50"]
    sent = [b"line %d of a text\n" % number * 3 for number in range(10)]
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        for line in sent:
            sock.sendall(line)
            until_size = b"".join(data for _, data in received(sock, len(line)))
            assert until_size == line.upper()
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock) == b""
        eventually(lambda: program.events("connection_closed"), "it is over")
    target.stop()
    kept = load(tape.read_bytes()).exchanges
    assert b"".join(each.request for each in kept) == b"".join(sent)
    assert b"".join(each.answer for each in kept) == b"".join(sent).upper()


@pytest.mark.parametrize("fault", ["upstream-timeout", "downstream-reset-peer"])
def test_a_request_that_a_fault_swallowed_is_not_on_the_tape(tmp_path: Path, fault: str) -> None:
    tape = tmp_path / "tape"
    target = Target(
        lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") or silent(sock, 2)
    )
    words = ("--tape", str(tape), f"--{fault}", "250")
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            everything(sock)
        except ConnectionResetError:
            assert "reset" in fault
        eventually(lambda: program.events("connection_closed"), "it is over")
        assert "recorded" not in outcomes(program)
    target.stop()
    assert tape.read_bytes() == b""


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """a is answered A; big is answered with 50,000 bytes."""
    path = tmp_path / "tape"
    big = b"B" * 49_999 + b"\n"
    target = Target(
        lambda sock: [sock.sendall(big if line == b"big\n" else line.upper()) for line in sock.makefile("rb")]
    )
    with server(target.address, "--framing", "line", "--tape", str(path)) as program:
        with connect(port_of(program)) as sock:
            for word, size in ((b"a\n", 2), (b"big\n", 50_000)):
                sock.sendall(word)
                received(sock, size)
        eventually(lambda: len(outcomes(program)) == 2, "two exchanges")
    target.stop()
    return path


@pytest.mark.parametrize(
    ("words", "least", "most"),
    [
        (("--upstream-latency", "200"), 0.199, 2),
        (("--downstream-latency", "200"), 0.199, 2),
        (("--upstream-latency", "100", "--downstream-latency", "100"), 0.199, 2),
        (("--upstream-average-size", "1", "--upstream-delay", "100"), 0.299, 2),
        (("--downstream-rate", "100"), 0.375, 2),
    ],
)
def test_replay_has_them_too_in_both_directions(
    tape: Path, words: tuple[str, ...], least: float, most: float
) -> None:
    named = ("--mode", "replay", "--framing", "line", "--tape", str(tape), *words)
    with server("127.0.0.1:1", *named) as program, connect(port_of(program)) as sock:
        began = time.monotonic()
        sock.sendall(b"big\n")
        assert len(joined(received(sock, 50_000))) == 50_000
        assert least <= time.monotonic() - began < most
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock) == b""
        eventually(lambda: outcomes(program) == ["hit"], "one hit")


@pytest.mark.parametrize("way", BOTH)
def test_in_replay_too_timeout_0_is_silent_until_it_is_taken_off(tape: Path, way: str) -> None:
    words = ("--mode", "replay", "--framing", "line", "--tape", str(tape), f"--{way}-timeout", "0")
    with live("127.0.0.1:1", *words) as (board, port), connect(port) as sock:
        sock.sendall(b"a\n")
        assert silent(sock, 0.3)
        board.call("settings", {f"{way}_timeout": -1})
        sock.sendall(b"a\n")
        assert until(sock, b"\n") == b"A\n"


def test_slices_of_one_byte_do_not_fill_the_memory(tape: Path) -> None:
    size = 3_000_000
    target = Target(lambda sock: sock.sendall(b"z" * size))
    words = (
        "--mode",
        "pass",
        "--framing",
        "connection",
        "--downstream-average-size",
        "1",
        "--downstream-latency",
        "1",
    )
    with server(target.address, *words) as program, connect(port_of(program)) as sock:
        reader = threading.Thread(target=silent, args=(sock, 0.1))
        reader.start()
        reader.join()
        time.sleep(0.5)
        status = Path(f"/proc/{program.process.pid}/status").read_text()
        assert int(status.split("VmRSS:")[1].split()[0]) < 120_000
    target.stop()
