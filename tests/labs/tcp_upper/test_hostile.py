"""What clients do that nobody should, and what the server must bear. Also: many, quickly."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labs.tcp_upper.rig import Server, asked, exactly, server
from tests.programs import Program, eventually
from tests.reading import everything

BOTH = [(), ("--no-blocking",)]
MODES = pytest.mark.parametrize("words", BOTH, ids=["blocking", "non-blocking"])
MEGABYTE = 1_000_000


@MODES
def test_clients_that_reset_or_vanish_are_counted_and_others_are_answered(words: tuple[str, ...]) -> None:
    with server("--timeout", "0.3", *words) as made:
        for say in (b"", b"said before it"):
            sock = made.connect()
            sock.send(say)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            assert asked(made, b"next") == b"NEXT"
        for _ in range(5):
            made.connect().close()
        assert asked(made, b"last") == b"LAST"
        reasons = {event["reason"] for event in made.closed(9)}
        assert "the client ended its side" in reasons
        assert made.board.counters()["resets"] >= 1 or "reset by the client" in str(reasons)


@MODES
def test_one_that_never_reads_is_left_after_the_time_out(words: tuple[str, ...]) -> None:
    with server("--keep-open", "--buffer", "65536", "--timeout", "0.5", *words) as made:
        with made.connect() as deaf:
            deaf.settimeout(0.2)
            with contextlib.suppress(OSError):
                while True:
                    deaf.send(bytes(MEGABYTE))
            if words:  # side by side: others do not notice
                with made.connect() as other:
                    other.send(b"meanwhile")
                    assert exactly(other, 9) == b"MEANWHILE"
            assert made.end_of(deaf)["reason"] == "timed out: the client did not read for 0.5 s"
        made.counts(timeouts=1)
        with made.connect() as other:
            other.send(b"after")
            assert exactly(other, 5) == b"AFTER"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@MODES
def test_a_flood_costs_no_memory(words: tuple[str, ...]) -> None:
    size = 64 * MEGABYTE
    with server("--keep-open", "--buffer", "65536", *words) as made, made.connect() as sock:
        before = memory(made.program)
        sender = threading.Thread(target=sock.sendall, args=(b"x" * size,))
        sender.start()
        got = 0
        while got < size:
            got += len(sock.recv(MEGABYTE))
        sender.join()
        assert memory(made.program) - before < 20 * MEGABYTE
        made.counts(bytes_in=size, bytes_out=size)


def memory(program: Program) -> int:
    """The most bytes that the program has held."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_without_files_left_those_side_by_side_wait_and_are_served_then() -> None:
    import resource

    with server("--no-blocking", "--keep-open") as made:
        resource.prlimit(made.program.process.pid, resource.RLIMIT_NOFILE, (20, 20))
        socks = [made.connect() for _ in range(20)]
        eventually(lambda: "EMFILE" in str(made.calls("accept")[-1:]), "no file is left")
        for sock in socks:
            sock.send(b"word")
        for sock in socks:
            assert exactly(sock, 4) == b"WORD"
            sock.close()


# -- many, quickly: what finds no room is counted all the same


@pytest.fixture
def crowded() -> Iterator[Server]:
    """A server whose dashboard is told no more than 50 events in each 50 ms: its queue fills at once."""
    with server() as made:
        yield made


def flood(made: Server, count: int, text: bytes = b"flood") -> None:
    for _ in range(count):
        assert asked(made, text) == text.upper()


def test_what_is_not_told_is_counted(crowded: Server) -> None:
    flood(crowded, 1500)
    flood(crowded, 3, b"\xff")
    crowded.counts(connections=1503, open=0, bytes_in=7503, bytes_out=7503, recv_calls=1503, not_utf8=3)
    told = len(crowded.events("connection_opened"))
    dropped = crowded.board.batches()[-1].dropped
    assert told < 1503
    assert dropped >= 6 * (1503 - told)


def test_in_a_crowd_too_who_is_silent_is_waited_for_and_resets_are_counted(crowded: Server) -> None:
    crowded.set(timeout=0.3)
    stop = threading.Event()

    def crowd() -> None:
        while not stop.is_set():
            flood(crowded, 10)

    flood(crowded, 300)
    others = threading.Thread(target=crowd)
    others.start()
    with crowded.connect() as slow:
        slow.settimeout(5)
        threading.Timer(0.1, slow.send, (b"slow",)).start()
        assert everything(slow) == b"SLOW"
    with crowded.connect() as silent:
        assert silent.recv(1) == b""
    sock = crowded.connect()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    stop.set()
    others.join()
    crowded.counts(timeouts=1, open=0)
    eventually(lambda: crowded.board.counters()["resets"] == 1, "the reset is counted")


def test_in_a_crowd_too_the_switch_is_heard(crowded: Server) -> None:
    flood(crowded, 400)
    crowded.set(accepting=False)
    with crowded.connect() as sock:
        sock.send(b"wait")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        crowded.set(accepting=True, buffer=2)
        sock.settimeout(5)
        assert exactly(sock, 2) == b"WA"
