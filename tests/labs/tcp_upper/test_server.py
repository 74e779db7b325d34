"""The server on real sockets, in each family and both ways of waiting, with clients that are not ours."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.labs.tcp_upper.rig import MODULE, Server, asked, connect, exactly, server
from tests.programs import DEADLINE, ROOT, Program, eventually
from tests.reading import everything

BOTH = [(), ("--no-blocking",)]
SHEET = Path(__file__).with_name("sheet_client.py")


@pytest.fixture(scope="module", params=BOTH, ids=["blocking", "non-blocking"])
def shared(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server(*request.param) as made:
        yield made


@pytest.fixture
def ours(shared: Server) -> Iterator[Server]:
    """A server with the sheet's settings; what a test changes is set back."""
    yield shared
    shared.set(accepting=True, buffer=1024, pause=0, keep_open=False, timeout=30)


# -- the sheet


def test_the_sheets_client_is_answered(ours: Server) -> None:
    words = [sys.executable, str(SHEET), "127.0.0.1", str(ours.port)]
    for _ in range(2):
        said = subprocess.run(words, input="hello world\n", capture_output=True, text=True, timeout=DEADLINE)
        assert said.stdout == "Input lowercase sentence:From Server:  HELLO WORLD\n", said.stderr


def test_one_recv_one_send_and_close(ours: Server) -> None:
    with ours.connect() as sock:
        sock.sendall("straße".encode())
        assert everything(sock) == b"STRASSE"
        closed = ours.end_of(sock)
    conn = closed["conn"]
    assert (closed["bytes_in"], closed["bytes_out"], closed["reason"]) == (
        7,
        7,
        "we closed it, after one answer",
    )
    kinds = [event["kind"] for event in ours.events("") if event.get("conn") == conn]
    assert [kind for kind in kinds if kind != "socket_call"] == [
        "connection_opened", "data_received", "data_sent", "connection_closed",
    ]  # fmt: skip
    received = [event for event in ours.events("data_received") if event["conn"] == conn]
    assert (received[0]["asked"], received[0]["data"]["size"], received[0]["way"]) == (1024, 7, "to_server")
    assert [call["call"] for call in ours.events("socket_call") if call.get("conn") == conn][-1] == "close"


@pytest.mark.parametrize("family", ["ipv6", "unix"])
@pytest.mark.parametrize("words", BOTH, ids=["blocking", "non-blocking"])
def test_the_other_families(family: str, words: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "u" / "upper.sock"
    more = ("--path", str(path)) if family == "unix" else ()
    with server("--family", family, *more, *words, "--nodelay") as made:
        assert made.address.startswith("[::1]:" if family == "ipv6" else f"unix:{path}")
        assert [asked(made, b"one"), asked(made, b"two")] == [b"ONE", b"TWO"]
        assert {event["peer"] for event in made.closed(2)} != {""}
        assert made.program.stop(signal.SIGTERM) == 0
        assert not path.exists()
        made.program.process.poll = lambda: None  # type: ignore[method-assign]  # it was meant to end


@pytest.mark.skipif(not shutil.which("nc"), reason="there is no nc here")
def test_netcat_is_answered(ours: Server) -> None:
    words = ["nc", "127.0.0.1", str(ours.port)]
    said = subprocess.run(words, input=b"from netcat\n", capture_output=True, timeout=DEADLINE)
    assert said.stdout == b"FROM NETCAT\n"


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_curl_as_telnet_is_answered(ours: Server) -> None:
    words = ["curl", "-s", f"telnet://127.0.0.1:{ours.port}"]
    said = subprocess.run(words, input=b"from curl\n", capture_output=True, timeout=DEADLINE)
    assert said.stdout == b"FROM CURL\n"


# -- the buffer


def test_what_is_longer_than_the_buffer_is_lost_with_a_reset(ours: Server) -> None:
    ours.set(pause=50)  # all of it is there before recv()
    with ours.connect() as sock:
        sock.sendall(b"x" * 3000)
        assert exactly(sock, 1024) == b"X" * 1024
        with pytest.raises(ConnectionResetError):
            sock.recv(1024)
        assert ours.end_of(sock)["reason"].endswith("1,976 bytes were not read, so Linux sends a reset")


def test_keep_open_keeps_it(ours: Server) -> None:
    ours.set(keep_open=True)
    with ours.connect() as sock:
        text = b"abc" * 1000
        sock.sendall(text)
        assert exactly(sock, 3000) == text.upper()
        sock.sendall(b"and more")
        assert exactly(sock, 8) == b"AND MORE"
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
        conn = ours.end_of(sock)
    assert conn["bytes_in"] == 3008
    assert conn["reason"] == "the client ended its side"
    reads = [event for event in ours.events("data_received") if event["conn"] == conn["conn"]]
    assert [event["data"]["size"] for event in reads] == [1024, 1024, 952, 8]
    assert [event.get("offset", 0) for event in reads] == [0, 1024, 2048, 3000]


def test_the_size_of_recv_follows_the_buffer(ours: Server) -> None:
    ours.set(keep_open=True, buffer=8, pause=20)
    with ours.connect() as sock:
        sock.sendall(b"nineteen characters")
        assert exactly(sock, 19) == b"NINETEEN CHARACTERS"
        sock.shutdown(socket.SHUT_WR)
        conn = ours.end_of(sock)["conn"]
    sizes = [event["data"]["size"] for event in ours.events("data_received") if event["conn"] == conn]
    assert sizes == [8, 8, 3]


def test_a_character_that_the_buffer_cuts_is_told_not_fatal(ours: Server) -> None:
    before = ours.board.counters()["not_utf8"]
    ours.set(keep_open=True, buffer=4, pause=50)
    with ours.connect() as sock:
        sock.sendall("abcé d".encode())  # é is the bytes 3 and 4
        assert exactly(sock, 7) == b"ABC\xc3\xa9 D"  # é stayed small
    ours.counts(not_utf8=before + 2)
    first, second = ours.events("stream_not_utf8")[-2:]
    assert (first["at"], first["byte"], first["cut"]) == (3, 0xC3, True)
    assert (second["at"], second["byte"], second.get("cut", False)) == (0, 0xA9, False)
    assert "0xc3" in first["text"]


def test_a_pause_before_recv_joins_what_was_sent(ours: Server) -> None:
    ours.set(pause=150)
    with ours.connect() as sock:
        for part in (b"one ", b"two ", b"three"):
            sock.send(part)
        assert everything(sock) == b"ONE TWO THREE"


def test_a_shorter_pause_is_in_force_at_once(ours: Server) -> None:
    ours.set(pause=10_000)
    with ours.connect(seconds=8) as sock:
        sock.send(b"hurry")
        eventually(lambda: ours.board.counters()["open"] == 1, "accepted")
        ours.set(pause=0)
        assert everything(sock) == b"HURRY"


# -- time


def test_a_silent_client_is_closed_after_the_time_out(ours: Server) -> None:
    ours.set(timeout=0.1)
    before = ours.board.counters()["timeouts"]
    with ours.connect() as sock:
        assert sock.recv(1) == b""
        ours.counts(timeouts=before + 1, open=0)
        assert ours.end_of(sock)["reason"] == "timed out: nothing came for 0.1 s"


def test_a_time_out_of_zero_waits_for_ever(ours: Server) -> None:
    ours.set(timeout=0)
    with ours.connect() as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(DEADLINE)
        sock.send(b"late")
        assert everything(sock) == b"LATE"


# -- who waits


def test_blocking_calls_serve_one_after_the_other() -> None:
    with server("--keep-open") as made, made.connect() as first:
        first.send(b"first")
        assert exactly(first, 5) == b"FIRST"
        with made.connect() as second:  # connected, by the kernel
            second.send(b"second")
            second.settimeout(0.3)
            with pytest.raises(TimeoutError):
                second.recv(1)
            first.close()
            second.settimeout(DEADLINE)
            assert exactly(second, 6) == b"SECOND"


def test_calls_that_do_not_block_serve_side_by_side_and_say_eagain_first() -> None:
    with server("--no-blocking", "--keep-open") as made, ExitStack() as stack:
        socks = [stack.enter_context(made.connect()) for _ in range(20)]
        eventually(lambda: len(made.events("connection_opened")) == 20, "all accepted")
        for number, sock in reversed(list(enumerate(socks))):
            sock.send(b"client %d" % number)
            assert exactly(sock, 8) == b"CLIENT %d" % number or number > 9
        eventually(lambda: [c for c in made.calls("recv") if c.get("error")], "a recv that would block")
        errors = {
            (c["call"], c["error"].partition(":")[0]) for c in made.events("socket_call") if c.get("error")
        }
        assert errors == {("accept", "EAGAIN"), ("recv", "EAGAIN")}
        calls = [c["call"] for c in made.events("socket_call") if c["call"] in ("recv", "select")]
        assert calls.index("recv") < len(calls) - 1 - calls[::-1].index("select"), "it asks, then waits"
        made.counts(open=20, connections=20)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count the backlog in their own way")
@pytest.mark.parametrize("words", BOTH, ids=["blocking", "non-blocking"])
@pytest.mark.parametrize("backlog", [0, 3])
def test_who_is_not_accepted_waits_in_the_backlog_which_takes_one_more(
    words: tuple[str, ...], backlog: int
) -> None:
    with server("--backlog", str(backlog), "--no-accepting", *words) as made, ExitStack() as stack:
        waiting = [stack.enter_context(made.connect()) for _ in range(backlog + 1)]
        for _ in range(2):
            with pytest.raises(TimeoutError):  # it stalls: nothing refuses it
                made.connect(seconds=0.2)
        for sock in waiting:
            sock.send(b"hello")
        assert made.board.counters()["connections"] == 0
        assert not made.calls("accept")
        made.set(accepting=True)
        assert [everything(sock) for sock in waiting] == [b"HELLO"] * (backlog + 1)
        made.set(accepting=False)
        with made.connect() as sock:
            sock.settimeout(0.2)
            sock.send(b"too late")
            with pytest.raises(TimeoutError):
                sock.recv(1)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do otherwise")
def test_a_full_backlog_of_a_unix_domain_server_says_eagain(tmp_path: Path) -> None:
    with server(
        "--family", "unix", "--path", str(tmp_path / "u"), "--backlog", "0", "--no-accepting"
    ) as made, made.connect(), pytest.raises(BlockingIOError):
        made.connect()


# -- options


@pytest.mark.parametrize("words", BOTH, ids=["blocking", "non-blocking"])
def test_linger_of_zero_resets_instead_of_closing(words: tuple[str, ...]) -> None:
    with server("--linger", "0", "--nodelay", *words) as made:
        with made.connect() as sock:
            sock.send(b"bye")
            with pytest.raises(ConnectionResetError):
                everything(sock)
        made.closed()
        told = [call["arguments"] for call in made.calls("setsockopt")]
        assert told == [
            "SOL_SOCKET, SO_REUSEADDR, 1", "IPPROTO_TCP, TCP_NODELAY, 1",
            "SOL_SOCKET, SO_LINGER, onoff=1 linger=0",
        ]  # fmt: skip


def test_the_calls_that_make_a_server_are_told_in_order() -> None:
    with server("--backlog", "7", "--host", "localhost") as made:
        calls = [(c["call"], c.get("arguments", "")) for c in made.events("socket_call")]
    assert calls[1:4] == [
        ("setsockopt", "SOL_SOCKET, SO_REUSEADDR, 1"), ("bind", "localhost:0"), ("listen", "7"),
    ]  # fmt: skip
    assert calls[0] == ("socket", "AF_INET, SOCK_STREAM")


# -- its start and its end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", BOTH, ids=["blocking", "non-blocking"])
def test_it_ends_cleanly_while_a_client_is_connected(number: int, words: tuple[str, ...]) -> None:
    with Program(MODULE, "--port", "0", "--timeout", "0", "--json", *words) as program:
        port = int(program.line(r'"address":"[^"]*:(\d+)"')[1])
        with connect(f"127.0.0.1:{port}") as sock:
            program.line("connection_opened")
            assert program.stop(number) == 0
            assert sock.recv(1) == b""
        assert program.events("connection_closed")[0]["reason"] == "the server ends"
        assert program.errors == []


def test_a_killed_servers_clients_are_told_by_the_system() -> None:
    with Program(MODULE, "--port", "0") as program, connect(f"127.0.0.1:{program.port()}") as sock:
        program.line("connected")
        program.process.kill()
        assert sock.recv(1) == b""


def test_a_port_in_use_is_named_with_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Program(MODULE, "--port", str(port)) as program:
            assert program.wait() == 1
        assert f"Port {port} is in use by pid" in program.errors[-1]


def test_json_has_a_line_for_each_event() -> None:
    with Program(MODULE, "--port", "0", "--json") as program:
        port = int(program.line(r'"address":"[^"]*:(\d+)"')[1])
        with connect(f"127.0.0.1:{port}") as sock:
            sock.send(b"\xff!")
            assert everything(sock) == b"\xff!"
        program.line("connection_closed")
        kinds = [event["kind"] for event in program.events()]
    assert "stream_not_utf8" in kinds
    assert kinds[0] == "server_listening"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--buffer", "0"], "Buffer must be a whole number from 1 to 65,536 bytes"),
        (["--backlog", "1001"], "from 0 to 1,000"),
        (["--linger", "0.5"], "SO_LINGER must be a whole number"),
        (["--family", "ipv6", "--host", "10.0.0.1"], "no address of the family ipv6"),
    ],
)
def test_a_wrong_setting_is_named(words: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", MODULE, "--port", "0", *words], cwd=ROOT, capture_output=True, text=True,
        timeout=DEADLINE,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
