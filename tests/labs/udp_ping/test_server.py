"""The ping server on a real socket, driven by a client that is not ours."""

from __future__ import annotations

import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from servers.kit.report import Report, TextOutput
from servers.kit.sockets import Socket
from servers.udp_ping.book import Book
from servers.udp_ping.lab import LAB, Counters, Settings
from servers.udp_ping.loss import Network
from servers.udp_ping.server import PingServer
from tests.programs import DEADLINE, Dashboard, Program, eventually

SERVER = "servers.udp_ping.server"
HERE = Path(__file__).parent


class Peer:
    """An independent client: plain socket calls."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.connect((host, port))
        self.sock.settimeout(DEADLINE)

    def ask(self, datagram: bytes) -> bytes:
        self.sock.send(datagram)
        return self.sock.recv(65535)

    def answers(self, count: int, gap: float = 0.0, quiet: float = 0.3) -> dict[int, list[float]]:
        """Send so many pings, wait till all is quiet: the RTTs of each ping's replies."""
        sent: dict[int, float] = {}
        came: dict[int, list[float]] = {}
        for seq in range(1, count + 1):
            sent[seq] = time.perf_counter()
            self.sock.send(b"Ping %d x" % seq)
            if gap:
                self._take(sent, came, time.perf_counter() + gap)
        self._take(sent, came, time.perf_counter() + quiet)
        return came

    def _take(self, sent: dict[int, float], came: dict[int, list[float]], until: float) -> None:
        while (left := until - time.perf_counter()) > 0:
            self.sock.settimeout(left)
            try:
                seq = int(self.sock.recv(65535).split()[1])
            except TimeoutError:
                return
            came.setdefault(seq, []).append(time.perf_counter() - sent[seq])


@contextmanager
def running(*words: str, host: str = "127.0.0.1") -> Iterator[tuple[Program, Peer]]:
    flags = words if "--loss" in words else ("--loss", "0", *words)
    with Program(SERVER, "--port", "0", "--host", host, *flags) as server:
        peer = Peer(server.port(), host)
        try:
            yield server, peer
        finally:
            peer.sock.close()
        assert server.stop() == 0
        assert server.errors == []


@pytest.fixture(scope="module")
def good() -> Iterator[Peer]:
    """A client of a server behind a good network."""
    with running() as (_, peer):
        yield peer


# -- what it answers


@pytest.mark.parametrize(
    ("datagram", "answer"),
    [
        (b"Ping 1 0.5", b"PING 1 0.5"),
        (b"hello", b"HELLO"),
        (b"", b""),
        (b"\x00\x01\xfe\xff", b"\x00\x01\xfe\xff"),
        (b"\xc3\x28 not utf-8", b"\xc3\x28 NOT UTF-8"),
        ("größe".encode(), b"GR\xc3\xb6\xc3\x9fE"),
        (b"line\r\nbreaks\n", b"LINE\r\nBREAKS\n"),
        (b"x" * 1023, b"X" * 1023),
        (b"x" * 1024, b"X" * 1024),
        (b"x" * 1025, b"X" * 1024),
        (b"ab" * 32753 + b"c", b"AB" * 512),
    ],
    ids=lambda value: f"{len(value)} bytes",
)
def test_a_datagram_comes_back_in_upper_case(good: Peer, datagram: bytes, answer: bytes) -> None:
    assert good.ask(datagram) == answer


def test_ipv6_works_the_same() -> None:
    with running(host="::1") as (server, peer):
        assert peer.ask(b"Ping 1 x") == b"PING 1 X"
        server.line(r"^\[::1\]:\d+ ping 1: answered")


def test_zero_loss_answers_every_ping_once_in_order(good: Peer) -> None:
    came = good.answers(200)
    assert list(came) == list(range(1, 201))
    assert all(len(times) == 1 for times in came.values())


def test_full_loss_drops_every_ping() -> None:
    with running("--loss", "100") as (server, peer):
        assert peer.answers(20) == {}
        server.line(r"lost on the way to the server: Ping 20 x")


def test_full_reply_loss_drops_every_reply_after_the_server_saw_the_ping() -> None:
    with Program(SERVER, "--port", "0", "--loss", "0", "--reply-loss", "100", "--json") as server:
        peer = Peer(running_json(server))
        assert peer.answers(20) == {}
        peer.sock.close()
        eventually(lambda: len(server.events("ping_fate")) == 20, "20 fates")
        assert {event["fate"] for event in server.events("ping_fate")} == {"lost_to_client"}
        dropped = server.events("datagram_dropped")
        assert {event["way"] for event in dropped} == {"to_client"}


def running_json(server: Program) -> int:
    found = eventually(lambda: server.events("server_listening"), "listening")
    return int(found[0]["address"].rpartition(":")[2])


def test_a_seed_loses_the_same_pings_in_each_run_and_for_each_client() -> None:
    seen = []
    for _ in range(2):
        with running("--loss", "30", "--seed", "1") as (server, peer):
            seen.append(set(peer.answers(50)))
            second = Peer(server.port())
            seen.append(set(second.answers(50)))
            second.sock.close()
    assert seen[0] == seen[1] == seen[2] == seen[3]
    assert set(range(1, 21)) - seen[0] == {7, 8, 13, 15, 17, 19, 20}


def test_without_a_seed_each_run_is_another() -> None:
    seen = []
    for _ in range(2):
        with running("--loss", "50") as (_, peer):
            seen.append(frozenset(peer.answers(64)))
    assert seen[0] != seen[1]


def test_adding_effects_loses_the_same_pings() -> None:
    with running("--loss", "30", "--seed", "1") as (_, peer):
        plain = set(peer.answers(40))
    words = ("--loss", "30", "--seed", "1", "--jitter", "5", "--delay", "5", "--duplicate", "30")
    with running(*words) as (_, peer):
        assert set(peer.answers(40)) == plain


# -- the other effects


def test_delay_holds_every_reply_back() -> None:
    with running("--delay", "60") as (server, peer):
        came = peer.answers(20)
        assert len(came) == 20
        times = [times[0] for times in came.values()]
        assert min(times) >= 0.060
        assert statistics.median(times) < 0.110
        server.line("held back for 60.0 ms")


def test_jitter_spreads_the_delay() -> None:
    with running("--delay", "40", "--jitter", "30", "--seed", "1") as (_, peer):
        times = [times[0] for times in peer.answers(60).values()]
        assert len(times) == 60
        assert min(times) >= 0.010
        assert min(times) < 0.025
        assert max(times) > 0.060


def test_duplicates_come_twice() -> None:
    with running("--duplicate", "100") as (server, peer):
        came = peer.answers(30)
        assert Counter(len(times) for times in came.values()) == {2: 30}
        server.line("sent twice")


def test_reordered_replies_are_overtaken_by_the_next() -> None:
    with running("--reorder", "30", "--seed", "1") as (_, peer):
        came = list(peer.answers(60, gap=0.002, quiet=1.0))
        assert sorted(came) == list(range(1, 61))
        assert came != sorted(came)
        assert max(abs(place + 1 - seq) for place, seq in enumerate(came)) < 10


def test_a_reordered_reply_that_nothing_overtakes_still_comes() -> None:
    with running("--reorder", "100") as (_, peer):
        began = time.perf_counter()
        assert peer.ask(b"Ping 1 x") == b"PING 1 X"
        assert 0.5 <= time.perf_counter() - began < 1.5


def test_reordered_replies_are_delayed_at_least_as_long_as_the_rest() -> None:
    with running("--reorder", "40", "--delay", "60", "--seed", "1") as (_, peer):
        came = peer.answers(40, gap=0.005, quiet=1.0)
        assert len(came) == 40
        assert list(came) != sorted(came)
        assert min(times[0] for times in came.values()) >= 0.060


def test_corruption_garbles_one_bit() -> None:
    with running("--corrupt", "100") as (_, peer):
        right = b"PING 1 0.123456"
        for _ in range(20):
            garbled = peer.ask(b"Ping 1 0.123456")
            assert sum((a ^ b).bit_count() for a, b in zip(garbled, right, strict=True)) == 1


def test_the_network_s_effects_work_together() -> None:
    words = ("--delay", "10", "--jitter", "10", "--duplicate", "20", "--reorder", "20", "--corrupt", "20")
    with running(*words, "--seed", "2") as (_, peer):
        received = 0
        for seq in range(100):
            peer.sock.send(b"Ping %d x" % seq)
        peer.sock.settimeout(1.0)
        try:
            while True:
                peer.sock.recv(2048)
                received += 1
        except TimeoutError:
            pass
        assert 105 < received < 140


# -- what it tells


def test_json_tells_the_fate_of_each_ping_with_tallies_and_gaps() -> None:
    with Program(SERVER, "--port", "0", "--loss", "40", "--seed", "1", "--json") as server:
        peer = Peer(running_json(server))
        for seq in (1, 2, 3, 5, 6, 9):
            peer.sock.send(b"Ping %d x" % seq)
        eventually(lambda: len(server.events("ping_fate")) == 6, "six fates")
        fates = server.events("ping_fate")
        name = "{}:{}".format(*peer.sock.getsockname())
        assert {fate["peer"] for fate in fates} == {name}
        assert [fate["seq"] for fate in fates] == [1, 2, 3, 5, 6, 9]
        assert [fate["arrived"] for fate in fates] == [1, 2, 3, 4, 5, 6]
        assert [fate.get("gaps", 0) for fate in fates] == [0, 0, 0, 1, 1, 3]
        lost = sum(fate["fate"] == "lost_to_server" for fate in fates)
        assert fates[-1].get("lost_to_server", 0) == lost
        assert len(server.events("datagram_received")) == 6
        assert len(server.events("datagram_sent")) == 6 - lost
        assert server.events("server_listening")[0]["seed"] == 1
        peer.sock.close()
        assert server.stop() == 0


def test_a_peer_that_counts_from_zero_has_its_gaps_counted_too() -> None:
    with Program(SERVER, "--port", "0", "--loss", "0", "--json") as server:
        peer = Peer(running_json(server))
        for seq in (0, 1, 3):
            assert peer.ask(b"Ping %d x" % seq)
        peer.sock.close()
        eventually(lambda: len(server.events("ping_fate")) == 3, "three fates")
        assert [fate.get("gaps", 0) for fate in server.events("ping_fate")] == [0, 0, 1]


def test_a_given_seed_and_a_drawn_one_are_told() -> None:
    with Program(SERVER, "--port", "0", "--json") as server:
        running_json(server)
        drawn = server.events("server_listening")[0]["seed"]
        assert 0 <= drawn < 2**32
        server.stop()
    with Program(SERVER, "--port", "0", "--json", "--seed", str(drawn)) as server:
        running_json(server)
        assert server.events("server_listening")[0]["seed"] == drawn


def test_live_loss_holds_for_the_next_ping() -> None:
    with Dashboard() as dashboard, Program(
        SERVER, "--port", "0", "--loss", "0", env=dashboard.env, stdin=subprocess.PIPE
    ):
        dashboard.accept()
        peer = Peer(dashboard.port())
        assert peer.ask(b"a") == b"A"
        assert dashboard.call("settings", {"loss": 100}, 1).error == ""
        assert peer.answers(10) == {}
        assert dashboard.call("settings", {"loss": 0, "delay": 50}, 2).error == ""
        began = time.perf_counter()
        peer.sock.settimeout(DEADLINE)
        assert peer.ask(b"b") == b"B"
        assert time.perf_counter() - began >= 0.05
        peer.sock.close()
        eventually(lambda: dashboard.counters().get("lost_to_server") == 10, "ten lost in the counters")
        eventually(lambda: dashboard.counters()["replied"] == 2, "both answers in the counters")
        assert dashboard.counters()["received"] == 12


@pytest.mark.parametrize("field", ["loss", "reply_loss", "loss_model", "burst_length", "delay", "jitter",
                                   "duplicate", "reorder", "corrupt"])  # fmt: skip
def test_every_effect_is_live(field: str) -> None:
    from servers.kit.settings import fields

    assert next(each for each in fields(LAB.settings) if each.name == field).live


def test_counters_are_exact_where_details_are_left_out() -> None:
    with Dashboard() as dashboard, Program(
        SERVER, "--port", "0", "--loss", "0", env=dashboard.env, stdin=subprocess.PIPE
    ) as server:
        dashboard.accept()
        peer = Peer(dashboard.port())
        count = 0
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            for _ in range(100):
                assert peer.ask(b"x" * 40) == b"X" * 40
            count += 100
        peer.sock.close()
        assert server.stop(signal.SIGTERM) == 0
        assert dashboard.ended.wait(DEADLINE)
        counters = dashboard.counters()
        assert (counters["received"], counters["replied"]) == (count, count)
        assert (counters["bytes_in"], counters["bytes_out"]) == (40 * count, 40 * count)
        others = 4  # socket, bind, listening, close
        assert len(dashboard.events()) + dashboard.batches()[-1].dropped == 3 * count + others


@pytest.mark.parametrize(
    "words",
    [
        ("--loss", "30", "--reply-loss", "20", "--duplicate", "20"),
        ("--loss", "10", "--duplicate", "20", "--delay", "1", "--jitter", "1", "--corrupt", "5"),
        ("--loss", "0", "--reorder", "10"),
    ],
    ids=" ".join,
)
def test_told_and_left_out_add_up_to_all_that_happened(words: tuple[str, ...]) -> None:
    with Dashboard() as dashboard, Program(
        SERVER, "--port", "0", "--seed", "1", *words, env=dashboard.env, stdin=subprocess.PIPE
    ) as server:
        dashboard.accept()
        peer = Peer(dashboard.port())
        sent = 0
        for _ in range(20):
            for seq in range(150):  # as many as the kernel's buffer holds
                peer.sock.send(b"Ping %d x" % seq)
            sent += 150
            eventually(lambda n=sent: dashboard.counters().get("received") == n, "all arrived")
        peer.sock.close()

        def settled() -> bool:
            c = dashboard.counters()
            lost = c["lost_to_server"] + c["lost_to_client"]
            return c["received"] == sent and c["replied"] == c["received"] - lost + c["duplicated"]

        eventually(settled, f"all counted: {dashboard.counters()}")
        assert server.stop(signal.SIGTERM) == 0
        assert dashboard.ended.wait(DEADLINE)
        c = dashboard.counters()
        happened = 2 * c["received"] + c["lost_to_server"] + c["lost_to_client"] + c["duplicated"]
        happened += c["delayed"] + c["replied"] + 4  # socket, bind, listening, close
        assert len(dashboard.events()) + dashboard.batches()[-1].dropped == happened
        assert dashboard.batches()[-1].dropped > 0, "the flood was no flood"


# -- a socket that refuses


class Refusing:
    """A socket of three datagrams whose replies cannot be sent."""

    def __init__(self) -> None:
        self.left = 3

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        if self.left == 1:
            raise ConnectionResetError  # as on Windows, after a reply that found nobody
        return b"Ping 1 x", ("127.0.0.1", 9)

    def sendto(self, data: bytes, address: Any) -> int:
        raise OSError(101, "Network is unreachable")


@pytest.mark.parametrize("waiting", [0, 1000], ids=["fast path", "with details"])
def test_a_reply_that_cannot_be_sent_does_not_end_the_server(waiting: int) -> None:
    report = Report(Counters(), output=TextOutput(sys.stdout), waiting=waiting)
    try:
        sock: Any = Refusing()
        server = PingServer(sock, Network(Settings(loss=0.0), 1), Book(report))
        with pytest.raises(KeyboardInterrupt):
            server.run()
        counters, left_out = server.book.totals()
        assert (counters["received"], counters["replied"], counters["bytes_out"]) == (2, 0, 0)
        errors = [event for event in report.queue if type(event).__name__ == "ServerError"]
        assert len(errors) == (2 if waiting else 0)
        assert left_out >= (0 if waiting else 2)
        if waiting:
            assert "ENETUNREACH: Network is unreachable" in errors[0].line()
    finally:
        report.close()


def test_a_reply_that_was_held_back_leaves_nothing_behind() -> None:
    """Else every peer that came by would stay in the memory for ever."""
    report = Report(Counters(), output=TextOutput(sys.stdout))
    try:
        with Socket(report, socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            server = PingServer(sock, Network(Settings(loss=0.0, reorder=100.0), 1), Book(report))
            path = server.network.path("peer")
            path.arrived += 1
            server._answer(b"Ping 1 x", sock.getsockname(), path)
            assert server._outbox._held
            while server._outbox.heap:
                server._wait()
                sock.setblocking(False)
            assert server._outbox._held == {}
    finally:
        report.close()


def test_counters_are_of_one_moment() -> None:
    """The server counts on while the report asks."""

    class Busy:
        bytes = 0
        reads = 0

        @property
        def count(self) -> int:
            self.reads += 1
            return self.reads

    report = Report(Counters(), output=TextOutput(sys.stdout))
    try:
        book = Book(report)
        busy: Any = Busy()
        book.plain = busy
        counters, left_out = book.totals()
        assert (counters["received"], counters["replied"], left_out) == (1, 1, 3)
    finally:
        report.close()


def test_a_peer_that_went_away_does_not_end_the_server(good: Peer) -> None:
    port = good.sock.getpeername()[1]
    for _ in range(20):
        with socket.socket(type=socket.SOCK_DGRAM) as gone:
            gone.sendto(b"Ping 1 x", ("127.0.0.1", port))
    good.sock.settimeout(DEADLINE)
    assert good.ask(b"still here") == b"STILL HERE"


def test_the_kit_s_socket_is_a_socket() -> None:
    report = Report(Counters(), output=TextOutput(sys.stdout))
    try:
        with Socket(report, socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", 0))
            with pytest.raises(OSError, match="Invalid argument"):
                sock.bind(("127.0.0.1", 0))
            assert sock.sendto.__self__ is sock
        lines = [event.line() for event in report.queue]
        assert re.fullmatch(r"socket\(AF_INET, SOCK_DGRAM\) = fd \d+", lines[0])
        assert lines[1] == "setsockopt(SOL_SOCKET, SO_REUSEADDR, 1) = 0"
        assert lines[2] == "bind(127.0.0.1:0) = 0"
        assert lines[3].startswith("bind(127.0.0.1:0) = EINVAL")
        assert lines[4] == "close() = 0"
    finally:
        report.close()


# -- programs written to the sheet


def test_the_sheets_client_works_with_our_server() -> None:
    with running("--loss", "30", "--seed", "4") as (server, _):
        done = subprocess.run(
            [sys.executable, str(HERE / "sheet_client.py"), "127.0.0.1", str(server.port())],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        lines = done.stdout.splitlines()
        assert len(lines) == 10
        lost = [k for k, line in enumerate(lines, 1) if line == "Request timed out"]
        assert lost
        for k, line in enumerate(lines, 1):
            if k not in lost:
                found = re.fullmatch(rf"PING {k} [\d.]+ ([\d.e-]+)", line)
                assert found
                assert 0 < float(found[1]) < 1
        network = Network(Settings(loss=30.0), 4)
        path = network.path("p")
        for k in range(1, 11):
            path.arrived += 1
            assert network.fate(path).lost_to_server == (k in lost)
