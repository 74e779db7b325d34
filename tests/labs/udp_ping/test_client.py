"""The ping client against servers that are not ours: scripted ones, and one written to the sheet."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servers.udp_ping.stats import PingResult
from tests.programs import DEADLINE, Dashboard, Program, eventually

CLIENT = "servers.udp_ping.client"
SERVER = "servers.udp_ping.server"
HERE = Path(__file__).parent

Reply = tuple[float, bytes]
"""Seconds to wait, and the datagram to send then."""
Script = Callable[[int, bytes], "list[Reply]"]
"""What to send for ping SEQ (counted by arrival, from 1), given the datagram."""


class FakeServer:
    """Answers as its script says."""

    def __init__(self, script: Script, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.port = self.sock.getsockname()[1]
        self.script = script
        self.arrived: list[bytes] = []
        self.times: list[float] = []
        self._timers: list[threading.Timer] = []
        self._stop = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.sock.settimeout(0.05)
        while not self._stop:
            try:
                datagram, peer = self.sock.recvfrom(65535)
            except (TimeoutError, ConnectionError):
                continue
            self.arrived.append(datagram)
            self.times.append(time.monotonic())
            for seconds, reply in self.script(len(self.arrived), datagram):
                if seconds <= 0:
                    self.sock.sendto(reply, peer)
                else:
                    timer = threading.Timer(seconds, self._late, (reply, peer))
                    self._timers.append(timer)
                    timer.start()

    def _late(self, reply: bytes, peer: Any) -> None:
        self.sock.sendto(reply, peer)

    def close(self) -> None:
        self._stop = True
        self._thread.join()
        for timer in self._timers:
            timer.cancel()
            timer.join()
        self.sock.close()


@contextmanager
def serving(script: Script, host: str = "127.0.0.1") -> Iterator[FakeServer]:
    server = FakeServer(script, host)
    try:
        yield server
    finally:
        server.close()


def ping(port: int, *words: str, host: str = "127.0.0.1") -> tuple[int, list[str]]:
    """The exit code and the lines of a run."""
    with Program(CLIENT, host, str(port), *words) as client:
        code = client.wait()
        assert client.errors == []
        return code, client.lines


def result(port: int, *words: str) -> PingResult:
    """The result that the dashboard would get."""
    from servers.kit import channel as wire

    with Dashboard() as dashboard, Program(
        CLIENT, "127.0.0.1", str(port), *words, env=dashboard.env, stdin=-1
    ) as client:
        dashboard.accept()
        client.wait()
        assert client.errors == []
        assert dashboard.ended.wait(DEADLINE)
        found = msgspec.json.decode(dashboard.of(wire.Result)[0].value, type=PingResult)
        told = [(e["seq"], e["status"]) for e in dashboard.events("ping_outcome")]
        last = {seq: status for seq, status in told if status != "duplicate"}
        assert last == {p.seq: p.status for p in found.probes if p.status != "duplicate"}
        return found


def statuses(found: PingResult) -> list[tuple[int, str]]:
    return [(probe.seq, probe.status) for probe in found.probes]


def echo(seq: int, datagram: bytes) -> list[Reply]:
    return [(0, datagram[:1024].upper())]


# -- a good network


def test_a_run_reads_as_the_sheet_and_ends_as_iputils() -> None:
    with serving(echo) as server:
        code, lines = ping(server.port, "-c", "3", "-i", "0.05")
        assert code == 0
        assert lines[0] == f"PING 127.0.0.1:{server.port} with 3 datagrams, time-out 1 s"
        for seq in (1, 2, 3):
            found = re.fullmatch(rf"PING {seq} \d+\.\d{{6}} seq={seq} RTT=(0\.\d{{6}}) s", lines[seq])
            assert found
            assert 0 < float(found[1]) < 0.5
        assert lines[4:6] == ["", f"--- 127.0.0.1:{server.port} ping statistics ---"]
        assert re.fullmatch(r"3 packets transmitted, 3 received, 0% packet loss, time \d+ms", lines[6])
        number = r"\d+\.\d{3}"
        assert re.fullmatch(rf"rtt min/avg/max/mdev = {number}/{number}/{number}/{number} ms", lines[7])
        assert len(lines) == 8
        assert [datagram[:7] for datagram in server.arrived] == [b"Ping 1 ", b"Ping 2 ", b"Ping 3 "]


def test_the_default_is_ten_pings() -> None:
    with serving(echo) as server:
        _, lines = ping(server.port, "-i", "0.01")
        assert "10 packets transmitted, 10 received, 0% packet loss" in lines[-2]


def test_ping_lines_carry_the_time_of_sending() -> None:
    with serving(echo) as server:
        before = time.time()
        ping(server.port, "-c", "2", "-i", "0.01")
        times = [float(datagram.split()[2]) for datagram in server.arrived]
        assert before <= times[0] < times[1] <= time.time()


def test_pings_leave_at_a_steady_pace() -> None:
    with serving(echo) as server:
        ping(server.port, "-c", "6", "-i", "0.1")
        took = server.times[-1] - server.times[0]
        assert 0.45 < took < 1.5


@pytest.mark.parametrize("size", [64, 1024, 1500, 65507])
def test_size_fills_each_ping_up(size: int) -> None:
    with serving(echo) as server:
        code, lines = ping(server.port, "-c", "2", "-i", "0.01", "-s", str(size))
        assert code == 0
        assert [len(datagram) for datagram in server.arrived] == [size, size]
        assert "2 received" in lines[-2]


def test_a_server_that_does_not_cut_is_understood_too() -> None:
    with serving(lambda seq, d: [(0, d.upper())]) as server:
        assert "2 received, 0% packet loss" in ping(server.port, "-c", "2", "-i", "0.01", "-s", "3000")[1][-2]


def test_ipv6_is_pinged_the_same() -> None:
    with serving(echo, host="::1") as server:
        code, lines = ping(server.port, "-c", "1", host="::1")
        assert code == 0
        assert lines[0].startswith(f"PING [::1]:{server.port} with")


# -- a bad one


def test_a_lost_ping_is_a_time_out() -> None:
    with serving(lambda seq, d: [] if seq == 2 else echo(seq, d)) as server:
        code, lines = ping(server.port, "-c", "3", "-i", "0.02", "-W", "0.2")
        assert code == 0
        assert "Request timed out (ping 2)" in lines
        assert "3 packets transmitted, 2 received, 33.3333% packet loss" in lines[-2]


def test_no_reply_at_all_exits_1_without_an_rtt_line() -> None:
    with serving(lambda seq, d: []) as server:
        code, lines = ping(server.port, "-c", "2", "-i", "0.02", "-W", "0.1")
        assert code == 1
        assert "2 packets transmitted, 0 received, 100% packet loss" in lines[-1]


def test_the_time_out_is_kept() -> None:
    with serving(lambda seq, d: echo(seq, d) if seq < 3 else []) as server:
        found = result(server.port, "-c", "3", "-i", "0.01", "-W", "0.6")
        assert 620 <= found.time_ms < 2000
        assert statuses(found)[-1] == (3, "timeout")


def test_a_late_reply_is_named_so_and_counts_as_lost() -> None:
    with serving(lambda seq, d: [(0.3 if seq == 1 else 0, d.upper())]) as server:
        found = result(server.port, "-c", "5", "-i", "0.1", "-W", "0.15")
        assert sorted(statuses(found)) == [(1, "late"), *((s, "reply") for s in (2, 3, 4, 5))]
        assert (found.transmitted, found.received, found.lost, found.late) == (5, 4, 1, 1)
        late = next(probe for probe in found.probes if probe.status == "late")
        assert 300 <= (late.rtt_ms or 0) < 600
        assert late.reordered
        assert (found.rtt_max_ms or 0) < 150, "a late reply's time is in no average"


def test_where_all_are_slow_the_last_ones_are_named_late_too() -> None:
    with serving(lambda seq, d: [(0.4, d.upper())]) as server:
        found = result(server.port, "-c", "3", "-i", "0.01", "-W", "0.1")
        assert statuses(found) == [(1, "late"), (2, "late"), (3, "late")]
        assert (found.received, found.lost, found.loss_percent) == (0, 3, 100.0)


def test_on_a_very_slow_network_all_are_named_late_not_only_the_first() -> None:
    """The first late reply shows how long the others may take."""
    with serving(lambda seq, d: [(1.5, d.upper())]) as server:
        found = result(server.port, "-c", "8", "-i", "0.1", "-W", "0.1")
        assert {probe.status for probe in found.probes} == {"late"}


def test_a_duplicate_is_one_more_reply_not_another_pings() -> None:
    with serving(lambda seq, d: [(0, d.upper())] * (3 if seq == 1 else 1)) as server:
        found = result(server.port, "-c", "3", "-i", "0.02")
        assert sorted(statuses(found)) == [
            (1, "duplicate"), (1, "duplicate"), (1, "reply"), (2, "reply"), (3, "reply"),
        ]  # fmt: skip
        assert (found.transmitted, found.received, found.duplicates) == (3, 3, 2)


def test_a_duplicate_of_the_last_reply_is_seen() -> None:
    with serving(lambda seq, d: [(0, d.upper()), (0.01, d.upper())]) as server:
        assert result(server.port, "-c", "1").duplicates == 1


def test_replies_out_of_order_are_matched_by_seq() -> None:
    with serving(lambda seq, d: [(0.12 if seq == 1 else 0, d.upper())]) as server:
        found = result(server.port, "-c", "4", "-i", "0.04", "-W", "1")
        by_seq = {probe.seq: probe for probe in found.probes}
        assert {probe.status for probe in found.probes} == {"reply"}
        assert [seq for seq, probe in by_seq.items() if probe.reordered] == [1]
        assert (by_seq[1].rtt_ms or 0) >= 120
        assert all((by_seq[seq].rtt_ms or 0) < 60 for seq in (2, 3, 4))
        assert found.reordered == 1


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


@pytest.mark.parametrize("place", [0, 4, 5, 6, 9, -1])
def test_a_garbled_reply_is_its_own_pings_and_counts_as_lost(place: int) -> None:
    def script(seq: int, datagram: bytes) -> list[Reply]:
        reply = datagram.upper()
        return [(0, flip(reply, place % len(reply)) if seq == 2 else reply)]

    with serving(script) as server:
        found = result(server.port, "-c", "3", "-i", "0.02", "-W", "0.3")
        assert sorted(statuses(found)) == [(1, "reply"), (2, "corrupt"), (3, "reply")]
        assert (found.received, found.lost, found.corrupted) == (2, 1, 1)


def test_a_garbled_seq_is_not_taken_for_another_ping() -> None:
    """«PING 5» with one bit wrong is «PING 1»: the time behind it tells them apart."""
    with serving(lambda seq, d: [(0, flip(d.upper(), 5) if seq == 5 else d.upper())]) as server:
        found = result(server.port, "-c", "6", "-i", "0.02", "-W", "0.3")
        assert (5, "corrupt") in statuses(found)
        assert (found.received, found.duplicates) == (5, 0)


def test_a_garbled_copy_does_not_undo_a_good_reply() -> None:
    with serving(lambda seq, d: [(0, d.upper()), (0, flip(d.upper(), 3))]) as server:
        found = result(server.port, "-c", "3", "-i", "0.02")
        assert (found.received, found.corrupted, found.duplicates) == (3, 0, 3)


def test_a_good_copy_makes_a_garbled_ping_a_reply() -> None:
    with serving(lambda seq, d: [(0, flip(d.upper(), 3)), (0, d.upper())]) as server:
        found = result(server.port, "-c", "2", "-i", "0.02")
        assert statuses(found) == [(1, "reply"), (2, "reply")]


def test_two_garbled_copies_are_not_two_pings() -> None:
    with serving(lambda seq, d: [(0, flip(d.upper(), 8)), (0, flip(d.upper(), 8))]) as server:
        found = result(server.port, "-c", "4", "-i", "0.01", "-W", "0.2")
        assert sorted(seq for seq, status in statuses(found) if status == "corrupt") == [1, 2, 3, 4]
        assert (found.transmitted, found.duplicates) == (4, 4)


def test_a_reply_s_control_characters_do_not_reach_the_terminal() -> None:
    """A server that does not cut: the reply differs by few bits, and is shown escaped."""
    with serving(lambda seq, d: [(0, d.upper()[:4] + b"\x1b" + d.upper()[5:])]) as server:
        _, lines = ping(server.port, "-c", "1", "-W", "0.1")
        assert any(line.startswith("PING\\x1b1 ") for line in lines), lines
        assert not any("\x1b" in line for line in lines)


def test_a_stranger_is_told_and_counted_nowhere() -> None:
    with serving(lambda seq, d: [(0, b"HELLO"), (0, b""), (0, b"PING 99 1.0"), (0, d.upper())]) as server:
        code, lines = ping(server.port, "-c", "2", "-i", "0.02")
        assert code == 0
        assert sum("answers no ping of ours" in line for line in lines) == 6
        assert "2 packets transmitted, 2 received, 0% packet loss" in lines[-2]


def test_a_reply_that_was_cut_is_corrupt_or_a_strangers() -> None:
    with serving(lambda seq, d: [(0, d.upper()[:-1])]) as server:
        found = result(server.port, "-c", "2", "-i", "0.02", "-W", "0.1")
        assert {probe.status for probe in found.probes} == {"corrupt"}


def test_a_closed_port_is_told_once_and_every_ping_is_lost() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code, lines = ping(port, "-c", "3", "-i", "0.02", "-W", "0.1")
    assert code == 1
    assert sum(line.startswith("Refused: no program listens") for line in lines) == 1
    assert sum("timed out" in line for line in lines) == 3
    assert "3 packets transmitted, 0 received, 100% packet loss" in lines[-1]


def test_every_ping_has_one_outcome_whatever_comes() -> None:
    """A bad network of every kind at once."""
    words = ("--loss", "20", "--reply-loss", "10", "--duplicate", "20", "--reorder", "20", "--corrupt", "10")
    with Program(SERVER, "--port", "0", "--delay", "30", "--jitter", "30", "--seed", "3", *words) as server:
        found = result(server.port(), "-c", "100", "-i", "0.005", "-W", "0.05")
        seqs = [probe.seq for probe in found.probes if probe.status != "duplicate"]
        assert sorted(seqs) == list(range(1, 101))
        seen = {probe.status for probe in found.probes}
        assert seen == {"reply", "late", "timeout", "duplicate", "corrupt"}
        assert found.received + found.lost == found.transmitted == 100
        assert all((p.rtt_ms or 0) <= 50 for p in found.probes if p.status == "reply")
        assert all((p.rtt_ms or 99) > 50 for p in found.probes if p.status == "late")


# -- fast and slow


def test_a_thousand_pings_a_millisecond_apart_take_a_second_and_lose_none() -> None:
    with serving(echo) as server:
        found = result(server.port, "-c", "1000", "-i", "0.001")
        assert 999 <= found.time_ms < 3000
        assert (found.received, found.lost) == (1000, 0)
        assert (found.rtt_avg_ms or 99) < 50


def test_replies_are_taken_also_where_the_pings_are_behind() -> None:
    """With a thousand of them still open, and each reply half a second away."""
    with Program(SERVER, "--port", "0", "--loss", "0", "--delay", "500") as server:
        found = result(server.port(), "-c", "1000", "-i", "0.001", "-W", "1.0")
        assert (found.received, found.lost) == (1000, 0)
        assert (found.rtt_min_ms or 0) >= 500
        assert (found.rtt_max_ms or 999) < 800


def test_ctrl_c_prints_the_statistics_so_far() -> None:
    with serving(echo) as server, Program(
        CLIENT, "127.0.0.1", str(server.port), "-i", "0.1", "-c", "100"
    ) as client:
        client.line("seq=3 ")
        assert client.stop(signal.SIGINT) == 0
        assert client.errors == []
        found = client.line(r"(\d+) packets transmitted, (\d+) received")
        assert 3 <= int(found[1]) < 100
        assert 3 <= int(found[2]) <= int(found[1])
        client.line("rtt min/avg/max/mdev")


def test_ctrl_c_before_any_reply_exits_1() -> None:
    with serving(lambda seq, d: []) as server, Program(
        CLIENT, "127.0.0.1", str(server.port), "-i", "0.1", "-c", "100"
    ) as client:
        eventually(lambda: len(server.arrived) >= 2, "two pings")
        assert client.stop(signal.SIGINT) == 1
        client.line("100% packet loss")


def test_a_run_that_is_too_long_is_refused_with_what_would_do() -> None:
    with Program(CLIENT, "127.0.0.1", "9", "-c", "10000", "-i", "1") as client:
        assert client.wait() == 2
        assert "the longest run is 600 s" in client.errors[0]
        assert "Give at most 600 pings" in client.errors[0]


@pytest.mark.parametrize(
    "words", [("-c", "0"), ("-c", "10001"), ("-i", "0"), ("-W", "61"), ("-s", "65508"), ("-c", "x")]
)
def test_wrong_numbers_are_refused(words: tuple[str, str]) -> None:
    with Program(CLIENT, "127.0.0.1", "9", *words) as client:
        assert client.wait() == 2
        assert client.errors[0].startswith(f"error: {words[0]}: ")


def test_json_tells_each_outcome_as_an_event() -> None:
    with serving(lambda seq, d: [] if seq == 2 else echo(seq, d)) as server, Program(
        CLIENT, "127.0.0.1", str(server.port), "-c", "3", "-i", "0.02", "-W", "0.1", "--json"
    ) as client:
        assert client.wait() == 0
        outcomes = client.events("ping_outcome")
        assert sorted((o["seq"], o["status"]) for o in outcomes) == [
            (1, "reply"), (2, "timeout"), (3, "reply"),
        ]  # fmt: skip
        started = client.events("ping_started")[0]
        assert (started["count"], started["server"]) == (3, f"127.0.0.1:{server.port}")
        assert {o["peer"] for o in outcomes} == {started["peer"]}
        assert all(abs(o["t"] - started["t"]) < 1 for o in outcomes)


# -- a server written to the sheet


def test_our_client_works_with_the_sheets_server() -> None:
    server = subprocess.Popen(
        [sys.executable, str(HERE / "sheet_server.py"), "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout
        port = int(server.stdout.readline().split()[-1])
        found = result(port, "-c", "200", "-i", "0.002", "-W", "0.3")
        assert {probe.status for probe in found.probes} <= {"reply", "timeout"}
        assert 45 <= found.lost <= 102, "4/11 of 200, five standard deviations"
        long = result(port, "-c", "20", "-i", "0.002", "-W", "0.3", "-s", "3000")
        assert {probe.status for probe in long.probes} <= {"reply", "timeout"}
        assert long.received > 0
    finally:
        server.kill()
        server.wait()
        assert server.stdout
        server.stdout.close()
