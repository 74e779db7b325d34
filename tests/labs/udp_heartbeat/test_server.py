"""The heartbeat server on a real socket, driven by clients that are not ours."""

from __future__ import annotations

import io
import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from servers.kit.report import JsonOutput, Report
from servers.udp_heartbeat.loss import Loss
from servers.udp_heartbeat.server import HeartbeatServer
from servers.udp_heartbeat.settings import Counters, Settings
from tests.programs import DEADLINE, Dashboard, Program, eventually

SERVER = "servers.udp_heartbeat.server"
HERE = Path(__file__).parent


class Peer:
    """An independent client: plain socket calls."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.connect((host, port))
        own = self.sock.getsockname()
        self.name = f"[{own[0]}]:{own[1]}" if ":" in host else f"{own[0]}:{own[1]}"

    def beat(self, *seqs: int, time_: float | None = None) -> None:
        for seq in seqs:
            self.sock.send(b"HB %d %.6f" % (seq, time.time() if time_ is None else time_))

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()


@contextmanager
def serving(*words: str, host: str = "127.0.0.1") -> Iterator[Program]:
    with Program(SERVER, "--port", "0", "--host", host, "--json", *words) as server:
        eventually(lambda: server.events("server_listening"), "listening")
        yield server
        assert server.stop() == 0
        assert server.errors == []


def port_of(server: Program) -> int:
    return int(server.events("server_listening")[0]["address"].rpartition(":")[2])


def states(server: Program, peer: str) -> list[str]:
    return [event["state"] for event in server.events("heartbeat_state") if event["peer"] == peer]


def beats(server: Program, count: int) -> list[dict]:
    return eventually(
        lambda: len(found := server.events("heartbeat_arrived")) >= count and found, f"{count} heartbeats"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_alive_lost_late_dead_back_alive(host: str) -> None:
    with serving("--timeout", "0.6", host=host) as server, Peer(port_of(server), host) as peer:
        for seq in (1, 2, 3):
            peer.beat(seq)
            time.sleep(0.1)
        peer.beat(6)
        eventually(lambda: states(server, peer.name)[-1:] == ["dead"], "dead")
        peer.beat(7, 8)
        eventually(lambda: states(server, peer.name)[-1:] == ["alive"], "alive again")
        found = states(server, peer.name)
        assert [state for state in found if state != "late"] == ["alive", "lost", "dead", "back", "alive"]
        assert "late" in found
        told = {event["state"]: event for event in server.events("heartbeat_state")}
        assert told["lost"]["why"] == "SEQ went from 3 to 6: 2 are missing"
        assert told["dead"]["since"] == pytest.approx(beats(server, 4)[3]["t"] + 0.6, abs=0.01)
        assert told["back"]["away"] >= 0.6
        last = beats(server, 6)[-1]
        assert (last["received"], last["lost"], last["seq"]) == (6, 2, 8)


def test_nothing_is_ever_sent_back() -> None:
    with serving() as server, Peer(port_of(server)) as peer:
        peer.beat(1)
        peer.sock.send(b"nonsense")
        peer.sock.send(b"")
        eventually(lambda: len(server.events("heartbeat_malformed")) == 2, "both refused")
        peer.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            peer.sock.recv(100)
        whys = [event["why"] for event in server.events("heartbeat_malformed")]
        assert whys == [
            "not a heartbeat: there is no SEQ after «nonsense»",
            "not a heartbeat: the datagram is empty",
        ]


def test_copies_and_overtaken_ones_are_named_and_the_loss_is_corrected() -> None:
    with serving() as server, Peer(port_of(server)) as peer:
        t = time.time()
        for seq in (1, 2, 2, 4, 3, 5):
            peer.beat(seq, time_=t + seq / 1000)
        found = beats(server, 6)
        assert [event.get("how", "next") for event in found] == [
            "first", "next", "duplicate", "gap", "reordered", "next",
        ]  # fmt: skip
        assert [event.get("lost", 0) for event in found] == [0, 0, 0, 1, 0, 0]
        assert found[-1]["received"] == 5


def test_the_delay_is_arrival_less_time_with_its_sign_and_above_the_smallest() -> None:
    with serving() as server, Peer(port_of(server)) as peer:
        for seq, late in ((1, 0.5), (2, 0.2), (3, -3.0), (4, -2.9)):
            peer.beat(seq, time_=time.time() - late)
        first, second, third, fourth = beats(server, 4)
        assert first["delay_ms"] == pytest.approx(500, abs=100)
        assert (first["above_ms"], second["above_ms"]) == (0, 0)
        assert third["delay_ms"] == pytest.approx(-3000, abs=100)
        assert fourth["above_ms"] == pytest.approx(100, abs=90)
        (step,) = server.events("heartbeat_clock")
        assert step["by_ms"] == pytest.approx(-3200, abs=200)


@pytest.mark.parametrize(
    ("form", "word", "comparable"),
    [("word", "Heartbeat", True), ("ping", "Ping", True), ("bare", "", True),
     ("ctime", "Heartbeat", False), ("counter", "Heartbeat", False)],
)  # fmt: skip
def test_programs_written_to_the_sheet_are_understood(form: str, word: str, comparable: bool) -> None:
    with serving("--timeout", "0.5") as server:
        done = subprocess.run(
            [sys.executable, HERE / "sheet_client.py", "127.0.0.1", str(port_of(server)), form],
            timeout=DEADLINE, check=True, capture_output=True,
        )  # fmt: skip
        assert done.stderr == b""
        found = beats(server, 5)
        assert [(event["word"], event["seq"]) for event in found] == [(word, n) for n in (1, 2, 3, 5, 6)]
        assert [event.get("gap", 0) for event in found] == [0, 0, 0, 1, 0]
        assert all(("delay_ms" in event) == comparable for event in found)
        if form == "ping":  # whole seconds: up to one second late, and what a busy machine adds
            assert all(0 <= event["delay_ms"] < 20_000 for event in found)
        eventually(lambda: states(server, found[0]["peer"])[-1:] == ["dead"], "the client has stopped")


def test_a_terminal_shows_a_line_per_heartbeat_and_that_the_client_has_stopped() -> None:
    with Program(SERVER, "--port", "0", "--timeout", "0.3") as server, Peer(server.port()) as peer:
        peer.beat(1, 2, 4)
        server.line(rf"^{peer.name} HB 1: time difference -?[\d.]+ ms, the first$")
        server.line(rf"^{peer.name} HB 4: time difference -?[\d.]+ ms, 1 lost before it$")
        server.line(rf"^{peer.name} is dead: nothing for 0\.3 s, .*: the client has stopped$")
        assert not any("recv" in line for line in server.lines)
        assert server.stop() == 0


def test_a_seed_loses_the_same_heartbeats_for_every_client() -> None:
    with serving("--loss", "40", "--seed", "7") as server:
        seen = []
        for _ in range(2):
            with Peer(port_of(server)) as peer:
                peer.beat(*range(1, 41))
                peer.sock.send(b"end")
                eventually(
                    lambda name=peer.name: (
                        len(
                            [e for e in server.events("datagram_received") if e["peer"] == name]
                            + [e for e in server.events("datagram_dropped") if e["peer"] == name]
                        )
                        == 41
                    ),
                    "all came",
                )
                seen.append([e["seq"] for e in server.events("heartbeat_arrived") if e["peer"] == peer.name])
        assert seen[0] == seen[1]
        assert 10 < len(seen[0]) < 38


def test_settings_take_effect_while_it_runs() -> None:
    with (
        Dashboard() as board,
        Program(SERVER, "--port", "0", "--timeout", "600", env=board.env, stdin=subprocess.PIPE),
    ):
        board.accept()
        with Peer(board.port()) as peer:
            peer.beat(1)
            eventually(lambda: board.counters().get("alive") == 1, "alive")
            assert not board.call("settings", {"timeout": 0.2}).error
            eventually(lambda: board.counters().get("dead") == 1, "dead by the new time-out")
            assert not board.call("settings", {"loss": 100.0}, number=2).error
            time.sleep(0.1)
            peer.beat(2)
            eventually(lambda: board.counters()["dropped"] == 1, "the next one is lost")
            assert board.counters() | {"bytes_in": 0} == {
                "received": 1, "lost": 0, "alive": 0, "dead": 1, "late": 0, "duplicates": 0, "reordered": 0,
                "restarts": 0, "malformed": 0, "dropped": 1, "bytes_in": 0,
            }  # fmt: skip


def flooded(waiting: int) -> Report:
    """What is told of 2001 datagrams where so many events have room, and none is written meanwhile."""
    report = Report(Counters(), output=JsonOutput(io.StringIO()), waiting=waiting)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        server = HeartbeatServer(sock, Settings(), report, Loss(1, alike=True))  # type: ignore[arg-type]
        for seq in range(1, 2001):
            server._take(b"HB %d 5" % seq, ("127.0.0.1", 4000 + seq % 4))
        server._take(b"HB x", ("127.0.0.1", 1))
    return report


def test_in_a_flood_the_counters_stay_exact_and_what_is_left_out_is_counted(monkeypatch) -> None:
    steady = itertools.count()  # a pause of this machine would make somebody late
    monkeypatch.setattr(SERVER + ".time", SimpleNamespace(monotonic=lambda: next(steady) / 1000))
    full, short = flooded(10**6), flooded(50)
    for report in (full, short):
        counters = report.counters
        assert (counters.received, counters.malformed, counters.alive) == (2000, 1, 4)
        assert counters.lost == 4 * 3 * 499  # each of the four sees every fourth number
    assert full.missed == 0
    assert (len(short.queue), short.missed) == (50, len(full.queue) - 50)
