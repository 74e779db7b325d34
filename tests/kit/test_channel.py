"""The program's end of the channel: in this process over a real loopback socket, and in children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from servers.kit import channel as wire
from servers.kit.errors import SettingError
from servers.kit.events import DatagramDuplicated, Event
from servers.kit.report import ALIVE, BATCH, WAITING, Report, now
from servers.kit.settings import ServerSettings, ui
from tests.programs import DEADLINE, ROOT, Dashboard, Program, eventually

SERVER = "servers.udp_ping.server"
CLIENT = "servers.udp_ping.client"


class Counters(msgspec.Struct):
    things: int = 0


class Knobs(ServerSettings, frozen=True, kw_only=True):
    loss: Annotated[float, Meta(ge=0, le=100, title="Loss", extra=ui(unit="%", live=True))] = 0.0


def event() -> Event:
    return DatagramDuplicated(t=now(), peer="p", way="to_client")


@pytest.fixture
def dashboard() -> Iterator[Dashboard]:
    with Dashboard() as one:
        yield one


class Pair:
    """A Report in this process whose channel ends at a dashboard."""

    def __init__(self, dashboard: Dashboard) -> None:
        host, port = dashboard.listener.getsockname()
        self.sock = socket.create_connection((host, port))
        self.counters = Counters()
        self.dashboard = dashboard
        dashboard.accept()
        self.report = Report(self.counters, channel=wire.Channel(self.sock), settings=Knobs())

    def end(self) -> None:
        self.report.close()
        self.dashboard.reads.set()
        assert self.dashboard.ended.wait(DEADLINE)
        self.dashboard.hang_up()
        for thread in self.report._threads:
            thread.join(DEADLINE)
        self.sock.close()


@pytest.fixture
def pair(dashboard: Dashboard) -> Iterator[Pair]:
    pair = Pair(dashboard)
    yield pair
    pair.end()


def test_events_and_counters_arrive_in_order(pair: Pair) -> None:
    for number in range(120):
        pair.counters.things += 1
        pair.report.emit(DatagramDuplicated(t=float(number), peer="p", way="to_client"))
    eventually(lambda: len(pair.dashboard.events()) == 120, "120 events")
    assert [e["t"] for e in pair.dashboard.events()] == list(range(120))
    assert pair.dashboard.counters() == {"things": 120}
    assert pair.dashboard.events()[0]["text"] == "p sent twice"


def test_a_batch_holds_at_most_so_many_events(pair: Pair) -> None:
    for _ in range(3 * BATCH):
        pair.report.emit(event())
    eventually(lambda: len(pair.dashboard.events()) == 3 * BATCH, "all events")
    assert max(len(batch.events) for batch in pair.dashboard.batches()) == BATCH


def test_resize_changes_the_batches(pair: Pair) -> None:
    pair.dashboard.send(wire.Resize(events=5))
    eventually(lambda: pair.report._output.size == 5, "the new size")
    for _ in range(20):
        pair.report.emit(event())
    eventually(lambda: len(pair.dashboard.events()) == 20, "all events")
    assert max(len(batch.events) for batch in pair.dashboard.batches()) <= 5


def test_resize_to_nothing_still_sends_one(pair: Pair) -> None:
    pair.dashboard.send(wire.Resize(events=0))
    eventually(lambda: pair.report._output.size == 1, "the new size")


def test_under_a_flood_counters_are_exact_and_left_out_details_are_counted(pair: Pair) -> None:
    for _ in range(50_000):
        pair.counters.things += 1
        pair.report.emit(event())
    pair.report.flush()

    def whole() -> bool:
        batches = pair.dashboard.batches()
        return bool(batches) and len(pair.dashboard.events()) + batches[-1].dropped == 50_000

    eventually(whole, "told plus dropped is all")
    assert pair.dashboard.counters() == {"things": 50_000}
    assert 0 < pair.dashboard.batches()[-1].dropped < 50_000
    assert len(pair.report.queue) <= WAITING


def test_counters_never_go_back(pair: Pair) -> None:
    for _ in range(2000):
        pair.counters.things += 1
        pair.report.emit(event())
    eventually(lambda: pair.dashboard.counters() == {"things": 2000}, "the last counter")
    seen = [batch.counters["things"] for batch in pair.dashboard.batches()]
    assert seen == sorted(seen)


def test_a_quiet_program_gives_a_sign_of_life_each_second(pair: Pair) -> None:
    eventually(lambda: len(pair.dashboard.batches()) >= 1, "the first batch")
    began, before = time.monotonic(), len(pair.dashboard.batches())
    eventually(lambda: len(pair.dashboard.batches()) >= before + 2, "two signs of life", 5)
    took = time.monotonic() - began
    assert took < 2 * ALIVE + 1
    assert took > ALIVE * 0.9, "a quiet program must not chatter"
    assert pair.dashboard.batches()[-1].events == []


def test_a_stalled_dashboard_does_not_slow_the_loop() -> None:
    with Dashboard(reads=False) as dashboard:
        pair = Pair(dashboard)
        slowest, end = 0.0, time.monotonic() + 1.5
        big = DatagramDuplicated(t=0.0, peer="p" * 2000, way="to_client")
        while time.monotonic() < end:
            began = time.perf_counter()
            for _ in range(100):
                pair.counters.things += 1
                pair.report.emit(big)
            slowest = max(slowest, time.perf_counter() - began)
        told = pair.counters.things
        assert pair.report.missed > 0
        assert slowest < 0.5, "an emit waited for the dashboard"
        dashboard.reads.set()
        eventually(lambda: dashboard.counters() == {"things": told}, "exact counters once it reads again")
        pair.end()
        assert len(dashboard.events()) + dashboard.batches()[-1].dropped == told


def test_a_live_setting_is_answered_applied_and_told(pair: Pair) -> None:
    applied: list[Any] = []
    pair.report.on_change(applied.append)
    answer = pair.dashboard.call("settings", {"loss": 40})
    assert (answer.error, bytes(answer.value)) == ("", b"null")
    assert [knobs.loss for knobs in applied] == [40.0]
    eventually(lambda: pair.dashboard.events("settings_changed"), "the change as an event")
    assert pair.dashboard.events("settings_changed")[0]["changes"] == {"Loss": "40.0 %"}


def test_a_wrong_live_setting_is_answered_with_the_field_and_changes_nothing(pair: Pair) -> None:
    applied: list[Any] = []
    pair.report.on_change(applied.append)
    answer = pair.dashboard.call("settings", {"loss": 140})
    assert answer.field == "loss"
    assert "from 0 to 100 %" in answer.error
    fixed = pair.dashboard.call("settings", {"port": 1, "loss": 2}, 2)
    assert fixed.field == "port"
    assert "cannot change while the server runs" in fixed.error
    assert applied == []


def test_settings_are_refused_where_none_are_taken(pair: Pair) -> None:
    assert "takes no settings" in pair.dashboard.call("settings", {"loss": 1}).error


def test_actions_and_input_are_answered(pair: Pair) -> None:
    given: list[Any] = []
    pair.report.on_action("add", lambda arguments: arguments["a"] + arguments["b"])
    pair.report.on_input(given.append)
    assert bytes(pair.dashboard.call("add", {"a": 1, "b": 2}, 1).value) == b"3"
    assert pair.dashboard.call("input", {"line": "HELO"}, 2).error == ""
    assert given == [{"line": "HELO"}]
    assert "does not take «nosuch»" in pair.dashboard.call("nosuch", {}, 3).error


def test_an_action_that_fails_is_told_to_the_one_who_asked_and_the_program_goes_on(pair: Pair) -> None:
    def refuse(arguments: Any) -> None:
        raise SettingError("No.", field="a", hint="Ask again.")

    pair.report.on_action("fail", lambda arguments: 1 // 0)
    pair.report.on_action("refuse", refuse)
    assert "ZeroDivisionError" in pair.dashboard.call("fail", {}, 1).error
    answer = pair.dashboard.call("refuse", {}, 2)
    assert (answer.error, answer.field, answer.hint) == ("No.", "a", "Ask again.")


def test_close_tells_the_rest_and_the_final_counters(dashboard: Dashboard) -> None:
    pair = Pair(dashboard)
    pair.counters.things = 3
    pair.report.emit(event())
    pair.report.close()
    eventually(lambda: dashboard.ended.is_set(), "the end of the stream")
    assert dashboard.counters() == {"things": 3}
    assert len(dashboard.events()) == 1
    pair.end()


def test_close_does_not_wait_for_a_dashboard_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.kit.report.PATIENCE", 0.2)
    with Dashboard(reads=False) as dashboard:
        pair = Pair(dashboard)
        pair.report.waiting = 100_000
        for _ in range(20_000):
            pair.report.emit(DatagramDuplicated(t=0.0, peer="p" * 2000, way="to_client"))
        began = time.monotonic()
        pair.report.close()
        assert time.monotonic() - began < 2
        pair.end()


# -- in children, as the dashboard starts them


def test_a_child_says_hello_with_its_token_then_listens(dashboard: Dashboard) -> None:
    with Program(SERVER, "--port", "0", env=dashboard.env, stdin=subprocess.PIPE) as child:
        dashboard.accept()
        listening = eventually(lambda: dashboard.events("server_listening"), "listening")[0]
        assert dashboard.messages[0] == wire.Hello(token=Dashboard.TOKEN, pid=child.process.pid)
        assert listening["pid"] == child.process.pid
        assert listening["address"].startswith("127.0.0.1:")
        assert 0 <= listening["seed"] < 2**32
        assert [e["call"] for e in dashboard.events("socket_call")] == ["socket", "bind"]
        dashboard.send(wire.Stop())
        assert child.wait() == 0
        assert child.errors == []
        assert child.lines == []


def test_the_token_is_not_left_in_the_environment(dashboard: Dashboard) -> None:
    code = (
        "import os; from servers.kit import channel; channel.connect(); "
        "print([name for name in os.environ if name.startswith('SOCKET_LAB')])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **dashboard.env},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with child:
        assert child.stdout
        assert child.stdout.read().strip() == "[]"


def test_a_child_that_is_told_settings_takes_them(dashboard: Dashboard) -> None:
    words = ("--port", "0", "--loss", "100")
    with Program(SERVER, *words, env=dashboard.env, stdin=subprocess.PIPE), socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM
    ) as sock:
        dashboard.accept()
        address = eventually(lambda: dashboard.events("server_listening"), "listening")[0]["address"]
        sock.connect(("127.0.0.1", int(address.rpartition(":")[2])))
        sock.settimeout(DEADLINE)
        assert dashboard.call("settings", {"loss": 0}).error == ""
        sock.send(b"ping 1 x")
        assert sock.recv(100) == b"PING 1 X"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_child_in_order(dashboard: Dashboard, number: int) -> None:
    with Program(SERVER, "--port", "0", env=dashboard.env, stdin=subprocess.PIPE) as child:
        dashboard.accept()
        eventually(lambda: dashboard.events("server_listening"), "listening")
        assert child.stop(number) == 0
        eventually(lambda: dashboard.ended.is_set(), "the end of the stream")
        assert dashboard.events()[-1]["call"] == "close"
        assert child.errors == []


def test_a_dashboard_that_hangs_up_ends_the_child(dashboard: Dashboard) -> None:
    with Program(SERVER, "--port", "0", env=dashboard.env, stdin=subprocess.PIPE) as child:
        dashboard.accept()
        eventually(lambda: dashboard.events("server_listening"), "listening")
        dashboard.hang_up()
        assert child.wait() == 0


def test_nonsense_from_the_dashboard_ends_the_child(dashboard: Dashboard) -> None:
    with Program(SERVER, "--port", "0", env=dashboard.env, stdin=subprocess.PIPE) as child:
        sock = dashboard.accept()
        eventually(lambda: dashboard.events("server_listening"), "listening")
        sock.sendall(b"not json\n")
        assert child.wait() == 0


def test_end_of_file_on_stdin_ends_the_child(dashboard: Dashboard) -> None:
    with Program(SERVER, "--port", "0", env=dashboard.env, stdin=subprocess.PIPE) as child:
        dashboard.accept()
        eventually(lambda: dashboard.events("server_listening"), "listening")
        assert child.process.stdin
        child.process.stdin.close()
        assert child.wait() == 1


def test_a_program_run_alone_does_not_watch_stdin() -> None:
    with Program(SERVER, "--port", "0") as server, socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.3)  # stdin is /dev/null: at its end from the start
        port = server.port()
        for _ in range(3):
            sock.sendto(b"x", ("127.0.0.1", port))
        server.line("received 1 bytes")
        assert server.process.poll() is None
        assert server.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_child_dies_with_a_parent_that_was_killed_even_if_stdin_stays_open(dashboard: Dashboard) -> None:
    ours, theirs = os.pipe()  # its reading end is the child's stdin; we keep the writing end open
    parent_code = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-m', '{SERVER}', '--port', '0'], stdin=0)\n"
        "time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_code], cwd=ROOT, stdin=ours, env={**os.environ, **dashboard.env}
    )
    try:
        os.close(ours)
        dashboard.accept()
        eventually(lambda: dashboard.events("server_listening"), "listening")
        child = dashboard.messages[0].pid
        assert child != parent.pid
        parent.kill()
        parent.wait()
        assert dashboard.ended.wait(DEADLINE), "the child lives on"
        eventually(lambda: not _alive(child), "the child's end")
    finally:
        parent.kill()
        parent.wait()
        os.close(theirs)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_child_stopped_while_the_dashboard_does_not_read_ends_in_time() -> None:
    with Dashboard() as dashboard, Program(
        SERVER, "--port", "0", "--loss", "0", env=dashboard.env, stdin=subprocess.PIPE
    ) as child:
        dashboard.accept()
        port = dashboard.port()
        dashboard.reads.clear()  # from now on it does not read
        flood(port, 3000)
        began = time.monotonic()
        assert child.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 3, "the dashboard would have killed it"


def test_a_server_answers_at_full_pace_while_the_dashboard_does_not_read() -> None:
    with Dashboard() as dashboard, Program(
        SERVER, "--port", "0", "--loss", "0", env=dashboard.env, stdin=subprocess.PIPE
    ):
        dashboard.accept()
        port = dashboard.port()
        dashboard.reads.clear()  # from now on it does not read
        slowest = flood(port, 20_000)
        assert slowest < 1.0
        dashboard.reads.set()
        eventually(lambda: dashboard.counters().get("received") == 20_000, "exact counters")
        counters = dashboard.counters()
        assert counters["replied"] == 20_000
        assert counters["bytes_in"] == counters["bytes_out"] == 20_000 * 300


def flood(port: int, count: int) -> float:
    """Ping-pong so many datagrams; the longest time for one answer."""
    slowest = 0.0
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(DEADLINE)
        for _ in range(count):
            began = time.perf_counter()
            sock.send(b"x" * 300)
            assert sock.recv(1000) == b"X" * 300
            slowest = max(slowest, time.perf_counter() - began)
    return slowest


def test_fatal_names_the_port_at_fault_and_a_free_one(dashboard: Dashboard) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with Program(SERVER, "--port", str(port), env=dashboard.env, stdin=subprocess.PIPE) as child:
            dashboard.accept()
            assert child.wait() == 1
            eventually(lambda: dashboard.ended.is_set(), "the end of the stream")
        fatal = dashboard.of(wire.Fatal)[0]
        assert fatal.field == "port"
        assert f"Port {port} is in use" in fatal.message
        assert fatal.port is None or fatal.port > port


def test_a_client_tells_its_events_then_its_result(dashboard: Dashboard) -> None:
    with Program(SERVER, "--port", "0", "--loss", "0") as server:
        words = ("127.0.0.1", str(server.port()), "-c", "3", "-i", "0.01")
        with Program(CLIENT, *words, env=dashboard.env, stdin=subprocess.PIPE) as client:
            dashboard.accept()
            assert client.wait() == 0
            eventually(lambda: dashboard.ended.is_set(), "the end of the stream")
            result = msgspec.json.decode(dashboard.of(wire.Result)[0].value)
            assert (result["transmitted"], result["received"], result["lost"]) == (3, 3, 0)
            assert [probe["status"] for probe in result["probes"]] == ["reply"] * 3
            assert len(dashboard.events("ping_outcome")) == 3
            assert client.line("3 packets transmitted, 3 received, 0% packet loss")


def test_a_channel_to_nobody_ends_the_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    env = {wire.ADDRESS_VARIABLE: f"127.0.0.1:{port}", wire.TOKEN_VARIABLE: "t"}
    with Program(SERVER, "--port", "0", env=env, stdin=subprocess.PIPE) as child:
        assert child.wait() == 1


def test_messages_survive_the_wire() -> None:
    decoder = msgspec.json.Decoder(wire.Up | wire.Down)
    messages = [
        wire.Hello(token="t", pid=1),
        wire.Batch(counters={"a": 1}, events=[msgspec.Raw(b'{"x":1}')], dropped=2),
        wire.Answer(id=1, value=msgspec.Raw(b"[1]"), error="e", field="f", hint="h"),
        wire.Result(value=msgspec.Raw(b"{}")),
        wire.Fatal(message="m", port=5),
        wire.Call(id=2, name="settings", arguments=msgspec.Raw(b"{}")),
        wire.Resize(events=3),
        wire.Stop(),
    ]
    for message in messages:
        line = wire.encode(message)
        assert b"\n" not in line
        again = decoder.decode(line)
        assert type(again) is type(message)
        assert wire.encode(again) == line
