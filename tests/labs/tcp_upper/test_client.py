"""Our client against servers that are not ours: what it sends, when, and what it says of the end."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from servers.kit.errors import SettingError
from servers.kit.events import ConnectionClosed, ConnectionOpened, DataReceived, DataSent, SocketCall
from servers.tcp_upper.protocol import SENTENCE
from servers.tcp_upper.request import Request
from tests.labs.tcp_upper.rig import Asked, Scripted, server
from tests.programs import DEADLINE, ROOT, Program
from tests.reading import everything

SHEET = Path(__file__).with_name("sheet_server.py")
MODULE = "servers.tcp_upper.client"


def upper(sock: socket.socket) -> None:
    """One answer, and the end, as in the sheet."""
    sock.send(sock.recv(1024).decode().upper().encode())


def stays(sock: socket.socket) -> None:
    """Answers until the client ends."""
    while data := sock.recv(65536):
        sock.sendall(data.upper())


# -- the sheet


def test_the_sheets_server_answers_it() -> None:
    with subprocess.Popen([sys.executable, str(SHEET)], stdout=subprocess.PIPE, text=True) as sheet:
        assert sheet.stdout
        port = sheet.stdout.readline().split()[-1]
        said = subprocess.run(
            [sys.executable, "-m", MODULE, "127.0.0.1", port, "straße, ñandú"],
            cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE,
        )  # fmt: skip
        sheet.kill()
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-1] == "STRASSE, ÑANDÚ"


@pytest.mark.parametrize(("family", "where"), [(socket.AF_INET6, ("::1", 0)), (socket.AF_UNIX, "s")])
@pytest.mark.parametrize("blocking", [True, False])
def test_it_reaches_servers_of_other_families(
    family: int, where: Any, blocking: bool, tmp_path: Path
) -> None:
    place = str(tmp_path / where) if isinstance(where, str) else where
    with Scripted(upper, family, place) as made:
        run = Asked(made.address, blocking=blocking, nodelay=True)
    assert (run.code, run.result.text, run.result.matches) == (0, SENTENCE.upper(), True)
    opened, closed = run.of(ConnectionOpened)[0], run.of(ConnectionClosed)[0]
    assert opened.conn == closed.conn == "client-" + opened.own.rpartition(":")[2]
    assert opened.own != "unix:"
    asked = [event.arguments for event in run.of(SocketCall) if event.call == "setsockopt"]
    assert asked == ([] if family == socket.AF_UNIX else ["IPPROTO_TCP, TCP_NODELAY, 1"])


# -- the sends


def test_a_text_goes_in_one_send_and_its_calls_are_told() -> None:
    with Scripted(upper) as made:
        run = Asked(made.address, text="hello")
    sent, received = run.of(DataSent), run.of(DataReceived)
    assert [(e.data.head, e.asked, e.way) for e in sent] == [(b"hello", 5, "to_server")]
    assert [(e.data.head, e.asked) for e in received] == [(b"HELLO", 1024)]
    assert [(c.call, c.asked, c.size, c.text) for c in run.result.calls] == [
        ("send", 5, 5, "hello"), ("recv", 1024, 5, "HELLO"),
    ]  # fmt: skip
    calls = [event.call for event in run.of(SocketCall)]
    assert calls == ["socket", "settimeout", "connect", "getsockname", "close"]
    assert "Sent 5 bytes in 1 send, received 5 bytes in 1 recv" in run.result.summary
    assert run.of(ConnectionClosed)[0].reason == run.result.ended == "all was back, and we closed it"


def test_a_slice_and_a_gap_make_sends_that_come_one_by_one() -> None:
    heard: list[bytes] = []

    def listens(sock: socket.socket) -> None:
        while data := sock.recv(1024):
            heard.append(data)
            sock.sendall(data.upper())

    with Scripted(listens) as made:
        run = Asked(made.address, text="abcdefgh", slice=3, gap=60)
    assert heard == [b"abc", b"def", b"gh"]
    assert [(c.call, c.size) for c in run.result.calls if c.call == "send"] == [
        ("send", 3),
        ("send", 3),
        ("send", 2),
    ]
    assert (run.result.send_calls, run.result.text) == (3, "ABCDEFGH")


def test_shutting_down_ends_our_side_alone() -> None:
    def at_the_end(sock: socket.socket) -> None:
        sock.sendall(everything(sock).upper() + b"!")

    with Scripted(at_the_end) as made:
        run = Asked(made.address, text="abc", shutdown=True)
    assert run.result.text == "ABC!"
    assert run.result.ended == "the server closed it"
    assert ("shutdown", "SHUT_WR") in [(e.call, e.arguments) for e in run.of(SocketCall)]


def test_an_answer_before_a_reset_is_still_read_though_shutdown_came_too_late() -> None:
    def answers_and_resets(sock: socket.socket) -> None:
        upper(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    for _ in range(10):  # Which comes first is chance: the reset, or our shutdown().
        with Scripted(answers_and_resets) as made:
            run = Asked(made.address, text="x", shutdown=True)
        assert (run.result.text, run.result.ended) == ("X", "ECONNRESET: Connection reset by peer, at recv()")


def test_an_answer_to_the_first_slice_alone_is_still_read() -> None:
    with Scripted(upper) as made:
        run = Asked(made.address, text="first and the rest", slice=5, gap=60)
    assert run.code == 1
    assert run.result.text.startswith("FIRST")
    assert not run.result.matches
    assert run.result.connections[0].outcome == "cut short"
    assert "bytes of the answer are missing" in run.result.error
    assert "ECONNRESET" in run.result.ended or "EPIPE" in run.result.ended


# -- the reads


def test_the_read_size_cuts_what_comes() -> None:
    with Scripted(upper) as made:
        run = Asked(made.address, text="nineteen characters", read=8, before=50)
    assert [c.size for c in run.result.calls if c.call == "recv"] == [8, 8, 3]
    assert run.result.recv_calls == 3


def test_waiting_before_the_first_recv_joins_what_was_sent() -> None:
    def in_two(sock: socket.socket) -> None:
        data = sock.recv(1024).upper()
        sock.send(data[:4])
        time.sleep(0.02)
        sock.send(data[4:])

    with Scripted(in_two) as made:
        assert Asked(made.address, text="one two").result.recv_calls == 2
        assert Asked(made.address, text="one two", before=200).result.recv_calls == 1


def test_calls_that_do_not_block_say_eagain_before_select_waits() -> None:
    def late(sock: socket.socket) -> None:
        time.sleep(0.05)
        upper(sock)

    with Scripted(late) as made:
        run = Asked(made.address, text="patience", blocking=False)
    told = [(e.call, e.error.partition(":")[0], e.result) for e in run.of(SocketCall)]
    assert ("connect", "EINPROGRESS", "-1") in told
    assert ("getsockopt", "", "0") in told
    again = told.index(("recv", "EAGAIN", "-1"))
    assert told[again + 1] == ("select", "", "ready")
    assert (run.code, run.result.text) == (0, "PATIENCE")


def test_with_nothing_to_say_it_connects_and_listens() -> None:
    with Scripted(lambda sock: sock.sendall(b"a banner")) as made:
        run = Asked(made.address, text="")
    assert (run.code, run.result.text, run.result.send_calls) == (0, "a banner", 0)
    assert run.result.connections[0].outcome == "open"


# -- the end


@pytest.mark.parametrize("blocking", [True, False])
def test_an_answer_that_does_not_come_is_a_time_out(blocking: bool) -> None:
    with Scripted(lambda sock: everything(sock) and None) as made:
        run = Asked(made.address, timeout=0.1, blocking=blocking)
    assert run.code == 1
    assert run.result.error == "Nothing came for 0.1 s."
    assert run.result.connections[0].outcome == "no answer"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda text: text, "It is not what was sent, in upper case."),
        (lambda text: b"Welcome\n" + text.upper(), "It is not what was sent, in upper case."),
        (lambda text: text.upper() + b"\n", "Behind the answer came 1 byte more."),
    ],
    ids=["lower case", "a greeting", "a line end"],
)
def test_what_is_wrong_with_an_answer_is_said(answer: Any, said: str) -> None:
    with Scripted(lambda sock: sock.sendall(answer(sock.recv(1024)))) as made:
        run = Asked(made.address, text="hello")
    assert (run.code, run.result.matches) == (0, False)
    assert run.result.summary.endswith(said)


def test_a_server_that_closes_without_a_byte_or_resets() -> None:
    def resets(sock: socket.socket) -> None:
        sock.recv(1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Scripted(lambda sock: sock.recv(1024) and None) as made:
        run = Asked(made.address)
    assert (run.code, run.result.error) == (1, "Nothing came back: the server closed it.")
    with Scripted(resets) as made:
        run = Asked(made.address)
    assert (run.code, run.result.error) == (1, "ECONNRESET: Connection reset by peer, at recv().")
    assert run.result.connections[0].outcome == "failed"


@pytest.mark.parametrize("blocking", [True, False])
def test_a_port_where_nobody_listens_refuses(blocking: bool) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        run = Asked(f"127.0.0.1:{port}", blocking=blocking)
    assert run.code == 1
    assert run.result.error.startswith("ECONNREFUSED: Connection refused. No program listens there")
    assert run.result.connections[0].outcome == "refused"
    assert run.of(ConnectionOpened) == []


def test_a_path_that_is_not_there_says_so(tmp_path: Path) -> None:
    run = Asked(f"unix:{tmp_path}/none")
    assert (run.code, run.result.connections[0].outcome) == (1, "refused")
    assert run.result.error.startswith("ENOENT")


def test_linger_of_zero_resets_the_server() -> None:
    ends: list[str] = []

    def hears(sock: socket.socket) -> None:
        sock.sendall(sock.recv(1024).upper())
        try:
            sock.recv(1)
            ends.append("closed")
        except ConnectionResetError:
            ends.append("reset")

    with Scripted(hears) as made:
        for linger in (None, 0):
            Asked(made.address, linger=linger)
    assert ends == ["closed", "reset"]


def test_holding_keeps_the_connection_open_after_the_answer() -> None:
    held: list[float] = []

    def measures(sock: socket.socket) -> None:
        sock.sendall(sock.recv(1024).upper())
        began = time.monotonic()
        sock.recv(1)
        held.append(time.monotonic() - began)

    with Scripted(measures) as made:
        Asked(made.address, hold=0.3)
        Asked(made.address)
    assert held[0] > 0.25 > held[1]


# -- many at once


def test_many_connections_are_open_at_once_and_each_is_told() -> None:
    with server("--no-blocking", "--keep-open") as made:
        run = Asked(made.address, connections=30, hold=0.3)
        made.closed(30)
        kinds = [event["kind"] for event in made.events("") if event["kind"].startswith("connection_")]
    assert kinds[:30] == ["connection_opened"] * 30
    assert (run.code, len(run.result.connections), run.result.calls) == (0, 30, [])
    assert {row.outcome for row in run.result.connections} == {"answered"}
    assert all(0 < (row.connected_ms or 0) <= (row.answered_ms or 0) for row in run.result.connections)
    assert run.result.summary.startswith("30 connections: 30 answered;")
    assert len({row.own for row in run.result.connections}) == 30
    assert len(run.lines) == 31


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count the backlog in their own way")
@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("family", ["ipv4", "unix"])
def test_past_the_backlog_they_stall_and_say_so(family: str, blocking: bool) -> None:
    with server("--backlog", "1", "--no-accepting", "--family", family) as made:
        run = Asked(made.address, connections=6, timeout=0.6, blocking=blocking)  # SYNs come again after 1 s
        assert made.board.counters()["connections"] == 0
    outcomes = sorted(row.outcome for row in run.result.connections)
    assert outcomes == ["no answer"] * 2 + ["not connected"] * 4
    assert run.code == 1
    assert "2 connected, but not answered in time, 4 not even connected in time" in run.result.summary


def test_an_iterative_server_answers_them_one_after_the_other() -> None:
    with server("--pause", "50") as made:
        run = Asked(made.address, connections=4)
    times = sorted(row.answered_ms or 0 for row in run.result.connections)
    assert run.code == 0
    assert times[3] - times[0] > 100


# -- the command line


def test_it_can_be_stopped_and_says_how_far_it_came() -> None:
    for more in ((), ("--connections", "3")):
        with Scripted(lambda sock: sock.recv(1024) and everything(sock) and None) as made:
            port = made.address.rpartition(":")[2]
            with Program(MODULE, "127.0.0.1", port, "--timeout", "60", "--json", *more) as program:
                program.line("data_sent")
                program.stop()
                result = program.events("result")[0]
        assert {row["outcome"] for row in result["connections"]} == {"stopped"}
        assert len(result["connections"]) == int(more[-1] if more else 1)


def test_json_ends_with_the_result() -> None:
    with server() as made:
        said = subprocess.run(
            [sys.executable, "-m", MODULE, "127.0.0.1", str(made.port), "--json", "--", "-x y"],
            cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE,
        )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert '"kind":"result"' in said.stdout.splitlines()[-1]
    assert '"text":"-X Y"' in said.stdout.splitlines()[-1]


def test_bytes_of_a_terminal_that_are_no_utf8_go_as_they_are() -> None:
    with server() as made:
        text = "éa".encode() + b"\xffb"
        words: list[Any] = [sys.executable, "-m", MODULE, "127.0.0.1", str(made.port), text]
        said = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=DEADLINE)
        made.counts(not_utf8=1, bytes_in=5)
    assert said.returncode == 0
    assert said.stdout.splitlines()[-1] == "éA\\xffB".encode(), "ASCII letters alone are raised"


def test_gaps_that_take_too_long_are_refused_beforehand() -> None:
    with pytest.raises(SettingError, match="take") as caught:
        Request(text="x" * 100, slice=1, gap=10_000)
    assert (caught.value.field, bool(caught.value.hint)) == ("gap", True)
    with pytest.raises(SettingError):
        Request(text="\ud800")
