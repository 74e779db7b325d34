"""The server on real sockets of every family, driven by clients that are not ours."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.kit.report import Report, TextOutput
from servers.udp_upper.book import Book
from servers.udp_upper.server import UpperServer
from servers.udp_upper.settings import Counters, Settings
from tests.programs import DEADLINE, Dashboard, Program, eventually

SERVER = "servers.udp_upper.server"
HERE = Path(__file__).parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells this")


class Served:
    """A running server, what it says, and plain sockets that know its address."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._open = contextlib.ExitStack()
        listening = eventually(lambda: program.events("server_listening"), "listening")[0]
        self.address: Any = listening["address"]
        if not self.address.startswith("unix:"):
            host, _, port = self.address.rpartition(":")
            self.address = (host.strip("[]").replace("0.0.0.0", "127.0.0.1"), int(port))
        else:
            self.address = self.address.removeprefix("unix:")

    def peer(self, family: int = socket.AF_INET, name: str = "") -> socket.socket:
        sock = self._open.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        sock.settimeout(DEADLINE)
        if name:
            sock.bind(name)
        return sock

    def ask(self, datagram: bytes, sock: socket.socket | None = None) -> bytes:
        sock = sock or self.peer(socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET)
        sock.sendto(datagram, self.address)
        return sock.recvfrom(65535)[0]

    def told(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """The events of that kind with those fields, once there is one."""

        def found() -> list[dict[str, Any]]:
            events = self.program.events(kind)
            return [e for e in events if all(e.get(name) == value for name, value in fields.items())]

        return eventually(found, f"{kind} {fields} in {self.program.lines[-10:]} {self.program.errors}")

    def calls(self) -> list[str]:
        return [event["text"] for event in self.program.events("socket_call")]

    def close(self) -> None:
        self._open.close()


@contextlib.contextmanager
def serving(*words: str) -> Iterator[Served]:
    with Program(SERVER, "--port", "0", "--json", *words) as program:
        served = Served(program)
        try:
            yield served
        finally:
            served.close()
        assert program.stop() == 0
        assert program.errors == []


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with serving("--buffer", "65507") as served:
        yield served


# -- what it answers


@pytest.mark.parametrize(
    ("datagram", "reply"),
    [
        (b"hello", b"HELLO"),
        (b"", b""),
        ("straße ŉ".encode(), "STRASSE ʼN".encode()),
        (b"x" * 65507, b"X" * 65507),
        (b"\xff" * 65507, b"\xff" * 65507),
    ],
    ids=lambda value: f"{len(value)} bytes",
)
def test_a_datagram_comes_back_in_upper_case(server: Served, datagram: bytes, reply: bytes) -> None:
    assert server.ask(datagram) == reply


def test_invalid_utf8_is_told_with_the_byte_and_ends_nothing(server: Served) -> None:
    assert server.ask(b"ok\xc3(") == b"OK\xc3("
    event = server.told("datagram_not_utf8", at=2)[0]
    assert (event["byte"], event["reason"]) == (0xC3, "invalid continuation byte")
    assert server.ask(b"still here") == b"STILL HERE"


def test_an_answer_that_grew_too_long_to_be_sent_is_told_and_ends_nothing(server: Served) -> None:
    sock = server.peer()
    sock.sendto("ΐ".encode() * 32000, server.address)  # two bytes each, six in upper case
    error = server.told("server_error")[0]
    assert error["message"].startswith("sendto() of 192000 bytes to 127.0.0.1:")
    assert "EMSGSIZE" in error["message"]
    assert server.ask(b"a", sock) == b"A"


def test_a_client_that_has_gone_ends_nothing(server: Served) -> None:
    for _ in range(5):
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.sendto(b"bye", server.address)
    assert server.ask(b"a") == b"A"


def test_each_datagram_is_one_recvfrom_and_one_sendto(server: Served) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(DEADLINE)
        for text in (b"one", b"", b"three"):
            sock.sendto(text, server.address)
        assert [sock.recv(100) for _ in range(3)] == [b"ONE", b"", b"THREE"]
        name = f"127.0.0.1:{sock.getsockname()[1]}"
        eventually(lambda: len(server.told("datagram_sent", peer=name)) == 3, "three answers told")
        came = server.told("datagram_received", peer=name)
        assert [(e["data"]["size"], e["asked"], e.get("lost", 0)) for e in came] == [
            (3, 65507, 0), (0, 65507, 0), (5, 65507, 0),
        ]  # fmt: skip


@LINUX
@pytest.mark.parametrize("family", ["ipv4", "unix"])
def test_what_had_no_room_in_the_buffer_is_told_to_the_byte(family: str, tmp_path: Path) -> None:
    with serving("--buffer", "8", "--family", family, "--path", str(tmp_path / "s")) as server:
        unix = family == "unix"
        sock = server.peer(socket.AF_UNIX if unix else socket.AF_INET, str(tmp_path / "c") if unix else "")
        assert server.ask(b"hello, world", sock) == b"HELLO, W"
        assert server.ask(b"next", sock) == b"NEXT", "the rest does not come with the next call"
        assert server.ask(b"x" * 8, sock) == b"X" * 8
        eventually(lambda: len(server.told("datagram_received")) == 3, "three told")
        came = server.told("datagram_received")
        assert [(e["data"]["size"], e.get("lost", 0)) for e in came] == [(8, 4), (4, 0), (8, 0)]


def test_a_cut_may_go_through_a_letter() -> None:
    with serving("--buffer", "2") as server:
        assert server.ask("für".encode()) == b"F\xc3"
        assert server.told("datagram_not_utf8")[0]["reason"] == "unexpected end of data"


def test_ipv6_works_the_same() -> None:
    with serving("--family", "ipv6") as server:
        assert server.address[0] == "::1"
        assert server.ask(b"six") == b"SIX"
        assert server.told("datagram_received")[0]["peer"].startswith("[::1]:")


def test_unix_answers_who_has_a_name_and_says_so_of_who_has_none(tmp_path: Path) -> None:
    with serving("--family", "unix", "--path", str(tmp_path / "server.sock")) as server:
        nobody = server.peer(socket.AF_UNIX)
        nobody.sendto(b"hello?", server.address)
        error = server.told("server_error")[0]
        assert "socket without a name" in error["message"]
        assert "bind()" in error["hint"]
        somebody = server.peer(socket.AF_UNIX, str(tmp_path / "client.sock"))
        assert server.ask(b"hello", somebody) == b"HELLO"
        assert server.told("datagram_sent")[0]["peer"] == f"unix:{tmp_path}/client.sock"
    assert not (tmp_path / "server.sock").exists()


def test_a_unix_client_that_does_not_read_does_not_stop_the_server(tmp_path: Path) -> None:
    with serving("--family", "unix", "--path", str(tmp_path / "s")) as server:
        deaf = server.peer(socket.AF_UNIX, str(tmp_path / "deaf"))
        for _ in range(600):  # more than any queue of datagrams holds
            deaf.sendto(b"x" * 1000, server.address)
        assert "EAGAIN" in server.told("server_error")[0]["message"]
        assert server.ask(b"me", server.peer(socket.AF_UNIX, str(tmp_path / "other"))) == b"ME"
        gone = server.peer(socket.AF_UNIX, str(tmp_path / "gone"))
        gone.sendto(b"x", server.address)
        gone.close()


# -- settings, and the calls that they make


def test_every_option_is_a_call_that_is_told() -> None:
    words = ("--reuse-address", "--receive-buffer", "5000", "--timeout", "0.05")
    with serving(*words) as server:
        server.told("socket_call", call="recvfrom")
        calls = server.calls()
        size = 10000 if sys.platform == "linux" else 5000
        assert [call.partition(" =")[0] for call in calls[:6]] == [
            "socket(AF_INET, SOCK_DGRAM)", "setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)",
            "setsockopt(SOL_SOCKET, SO_RCVBUF, 5000)", "getsockopt(SOL_SOCKET, SO_RCVBUF)",
            "settimeout(0.05)", "bind(127.0.0.1:0)",
        ]  # fmt: skip
        assert calls[3].endswith(f"= {size} bytes")
        assert "recvfrom(2048) = TimeoutError: nothing happened for 0.05 s" in calls
        assert server.ask(b"a") == b"A", "it goes on"


def test_without_blocking_recvfrom_says_eagain_and_select_waits() -> None:
    with serving("--no-blocking", "--timeout", "0.05") as server:
        server.told("socket_call", call="select", result="nothing came")
        assert server.ask(b"a") == b"A"
        server.told("socket_call", call="select", result="a datagram is there")
        eagain = server.told("socket_call", call="recvfrom")[0]
        assert eagain["error"].startswith("EAGAIN" if sys.platform == "linux" else "E")
        assert "setblocking(False) = 0" in server.calls()


def test_the_pause_changes_while_it_runs() -> None:
    with (
        Dashboard() as dashboard,
        Program(SERVER, "--port", "0", "--pause", "10000", env=dashboard.env, stdin=subprocess.PIPE),
    ):
        dashboard.accept()
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.settimeout(DEADLINE)
            sock.connect(("127.0.0.1", dashboard.port()))
            sock.send(b"hello, world")
            assert dashboard.call("settings", {"pause": 0}, 1).error == ""
            assert sock.recv(100) == b"HELLO, WORLD", "ten seconds of pause were cut short"
        refused = dashboard.call("settings", {"buffer": 5}, 2)
        assert refused.field == "buffer", "a recvfrom() that waits keeps its size: that takes a restart"


@LINUX
def test_what_found_the_receive_buffer_full_is_counted_as_the_kernel_counts_it() -> None:
    with Dashboard() as dashboard, Program(
        SERVER, "--port", "0", "--pause", "10000", "--receive-buffer", "2304", env=dashboard.env,
        stdin=subprocess.PIPE,
    ):  # fmt: skip
        dashboard.accept()
        port = dashboard.port()
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", port))
            for _ in range(50):
                sock.send(b"x" * 100)
            lost = eventually(lambda: dashboard.counters().get("overflowed"), "some lost")
            assert lost == kernel_drops(port) > 30
            told = eventually(lambda: dashboard.events("datagrams_overflowed"), "the loss is told")
            assert sum(event["lost"] for event in told) == lost
            dashboard.call("settings", {"pause": 0}, 1)
            eventually(lambda: dashboard.counters()["received"] == 50 - lost, "the others were received")


def kernel_drops(port: int) -> int:
    rows = Path("/proc/net/udp").read_text().splitlines()[1:]
    return next(int(row.split()[-1]) for row in rows if row.split()[1].endswith(f":{port:04X}"))


@pytest.mark.parametrize(
    ("words", "field"),
    [(("--family", "ipv6", "--host", "10.0.0.1"), "ipv6"), (("--buffer", "0"), "--buffer"),
     (("--pause", "-1"), "--pause"), (("--receive-buffer", "0"), "--receive-buffer")],
)  # fmt: skip
def test_a_wrong_setting_is_named(words: tuple[str, ...], field: str) -> None:
    with Program(SERVER, "--port", "0", *words) as program:
        assert program.wait() == 2
        assert field in program.errors[0]


# -- floods


def test_counters_are_exact_where_details_are_left_out() -> None:
    with (
        Dashboard() as dashboard,
        Program(SERVER, "--port", "0", env=dashboard.env, stdin=subprocess.PIPE) as server,
    ):
        dashboard.accept()
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.settimeout(DEADLINE)
            sock.connect(("127.0.0.1", dashboard.port()))
            for turn in range(300):
                for place in range(20):
                    sock.send(b"\xffab" if place == 7 and turn % 2 else "straße".encode())
                for _ in range(20):
                    assert sock.recv(100) in (b"\xffAB", b"STRASSE")
        assert server.stop(signal.SIGTERM) == 0
        assert dashboard.ended.wait(DEADLINE)
        counters = dashboard.counters()
        assert (counters["received"], counters["replied"], counters["invalid"]) == (6000, 6000, 150)
        assert counters["bytes_in"] == counters["bytes_out"] == 5850 * 7 + 150 * 3
        others = 5  # socket, bind, getsockname, listening, close
        dropped = dashboard.batches()[-1].dropped
        assert dropped > 0, "the flood was no flood"
        assert len(dashboard.events()) + dropped == 2 * 6000 + 150 + others


class Refusing:
    """A socket of four calls: a datagram, an old error, a datagram, the end. No reply can be sent."""

    family = socket.AF_INET

    def __init__(self) -> None:
        self.script: list[Any] = [b"a", ConnectionResetError(), b"b", KeyboardInterrupt()]
        self.failures = 0

    def recvfrom_into(self, room: Any, size: int, flags: int) -> tuple[int, Any]:
        next_ = self.script.pop(0)
        if isinstance(next_, BaseException):
            raise next_
        room[: len(next_)] = next_
        return len(next_), ("127.0.0.1", 9)

    def sendto(self, data: bytes, flags: int, address: Any) -> int:
        raise OSError(101, "Network is unreachable")

    def failed(self, *words: Any) -> None:
        self.failures += 1

    def getsockopt(self, *words: Any) -> bytes:
        raise OSError


@LINUX
@pytest.mark.parametrize("waiting", [0, 1000], ids=["fast path", "with details"])
def test_an_answer_that_cannot_be_sent_does_not_end_the_server(waiting: int) -> None:
    report = Report(Counters(), output=TextOutput(sys.stdout), waiting=waiting)
    try:
        sock: Any = Refusing()
        server = UpperServer(sock, Settings(), Book(report, sock))
        with pytest.raises(KeyboardInterrupt):
            server.run()
        counters, _ = server.book.totals()
        assert (counters["received"], counters["replied"], counters["bytes_out"]) == (2, 0, 0)
        assert (counters["unanswered"], sock.failures) == (2, 1)
    finally:
        report.close()


# -- programs written to the sheet


def test_the_sheets_client_works_with_our_server(server: Served) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "sheet_client.py"), "127.0.0.1", str(server.address[1])],
        input="Grüße, Herr Strauß\n", capture_output=True, text=True, timeout=DEADLINE, check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.stdout == "Input lowercase sentence:GRÜSSE, HERR STRAUSS\n"
