"""The command line of every server and client, run as a person runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from servers.kit.command import _parser, _read
from servers.kit.settings import RequestSettings, arguments, fields, ui
from servers.registry import LABS
from tests.programs import DEADLINE, ROOT, Program, eventually

SERVER = "servers.udp_ping.server"
CLIENT = "servers.udp_ping.client"


@pytest.fixture
def server() -> Iterator[Program]:
    with Program(SERVER, "--port", "0", "--loss", "0") as one:
        yield one


def send(port: int, *datagrams: bytes) -> list[bytes]:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(DEADLINE)
        answers = []
        for datagram in datagrams:
            sock.sendto(datagram, ("127.0.0.1", port))
            answers.append(sock.recv(65535))
        return answers


def test_the_first_line_says_where_the_server_listens(server: Program) -> None:
    server.line("listening")
    assert re.fullmatch(r"listening on 127\.0\.0\.1:[1-9]\d*", server.lines[0])


def test_a_line_follows_per_event(server: Program) -> None:
    send(server.port(), b"Ping 1 0.5")
    server.line(r"127\.0\.0\.1:\d+ received 10 bytes: Ping 1 0\.5")
    server.line(r"127\.0\.0\.1:\d+ ping 1: answered")
    server.line(r"127\.0\.0\.1:\d+ sent 10 bytes: PING 1 0\.5")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_a_server_cleanly(server: Program, number: int) -> None:
    server.line("listening")
    assert server.stop(number) == 0
    assert server.errors == []
    assert server.lines[-1] == "close() = 0"


def test_json_prints_one_object_a_line_and_nothing_else() -> None:
    with Program(SERVER, "--port", "0", "--loss", "0", "--json") as server:
        listening = eventually(lambda: server.events("server_listening"), "listening")[0]
        assert server.events()[0] == listening
        send(int(listening["address"].rpartition(":")[2]), b"Ping 1 x", b"\xff\x00")
        eventually(lambda: len(server.events("datagram_sent")) == 2, "two answers")
        assert server.stop() == 0
        kinds = [event["kind"] for event in server.events()]
        assert kinds[:3] == ["server_listening", "socket_call", "socket_call"]
        fates = server.events("ping_fate")
        assert [fate.get("seq") for fate in fates] == [1, None]
        assert all(event["text"] and event["t"] > 1e9 for event in server.events())
        assert server.events("datagram_received")[1]["data"] == {"head": "/wA=", "size": 2}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--loss", "130"], "--loss: Loss to the server must be a number from 0 to 100 %"),
        (["--loss", "nan"], "--loss:"),
        (["--loss", ""], "--loss: Loss to the server is empty."),
        (["--port", "70000"], "--port: Port must be a whole number from 0 to 65,535"),
        (["--port", "-1"], "--port:"),
        (["--loss-model", "bursts"], "one of random, burst"),
        (["--nosuch", "1"], "unrecognized arguments: --nosuch"),
        (["--los", "1"], "unrecognized arguments: --los"),
        (["--host", "a..b"], "has no address"),
        (["extra"], "unrecognized arguments: extra"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(words: list[str], says: str) -> None:
    with Program(SERVER, *words) as program:
        assert program.wait() == 2
        assert any(says in line for line in program.errors), program.errors
        assert not any("Traceback" in line for line in program.errors)
        assert not any("listening" in line for line in program.lines)


def test_every_wrong_flag_is_told_at_once() -> None:
    with Program(SERVER, "--loss", "x", "--seed", "y", "--reply-loss", "101") as program:
        assert program.wait() == 2
        told = [line for line in program.errors if line.startswith("error: ")]
        assert [line.split()[1] for line in told] == ["--loss:", "--reply-loss:", "--seed:"]


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "1.5", "", "٣"])
def test_a_client_refuses_a_port_that_is_none(port: str) -> None:
    with Program(CLIENT, "--", "127.0.0.1", port) as program:
        assert program.wait() == 2
        assert any("PORT must be a whole number from 1 to 65,535" in line for line in program.errors)


def test_a_client_without_a_port_exits_2() -> None:
    with Program(CLIENT, "127.0.0.1") as program:
        assert program.wait() == 2
        assert any("PORT" in line for line in program.errors)


def test_a_client_to_a_host_that_does_not_exist_exits_2() -> None:
    with Program(CLIENT, "a..b", "12000") as program:
        assert program.wait() == 2
        assert any("has no address" in line for line in program.errors)


def test_a_client_that_may_not_send_says_so_without_a_traceback() -> None:
    with Program(CLIENT, "255.255.255.255", "9", "-c", "1", "-W", "0.1") as program:  # broadcast: refused
        assert program.wait() == 1
        assert any("EACCES" in line or "ENETUNREACH" in line for line in [*program.errors, *program.lines])
        assert not any("Traceback" in line for line in program.errors)


def test_a_port_in_use_names_its_holder_and_the_next_free_one() -> None:
    with Program(SERVER, "--port", "0") as first:
        port = first.port()
        with Program(SERVER, "--port", str(port)) as second:
            assert second.wait() == 1
            words = second.errors[0]
            assert words.startswith(f"error: Port {port} is in use by pid {first.process.pid} (")
            assert "servers.udp_ping.server" in words
            free = re.search(r"Stop it, or use (\d+)\.$", words)
            assert free
            assert port < int(free[1]) <= port + 200
            assert not any("Traceback" in line for line in second.errors)


def test_an_address_of_another_machine_is_refused_with_a_hint() -> None:
    with Program(SERVER, "--host", "192.0.2.1", "--port", "0") as program:
        assert program.wait() == 1
        assert program.errors[0].startswith("error: This machine has no address 192.0.2.1.")
        assert "127.0.0.1" in program.errors[0]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() == 0, reason="root may listen on every port")
def test_a_privileged_port_is_refused_with_a_hint() -> None:
    with Program(SERVER, "--port", "7") as program:
        assert program.wait() == 1
        assert program.errors[0] == "error: You may not listen on port 7. Use a port from 1024 up."


def test_ipv6_is_shown_in_brackets() -> None:
    with Program(SERVER, "--host", "::1", "--port", "0") as server:
        server.line(r"^listening on \[::1\]:\d+$")
        assert server.stop() == 0


def test_a_reader_that_goes_away_ends_the_server_without_a_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", SERVER, "--port", "0", "--loss", "0"],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        assert process.stderr
        port = int(process.stdout.readline().rpartition(":")[2])
        process.stdout.close()

        def nudge() -> bool:
            with socket.socket(type=socket.SOCK_DGRAM) as sock:
                sock.sendto(b"x", ("127.0.0.1", port))
            return process.poll() is not None

        eventually(nudge, "the server's end")
        assert process.returncode == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_client_whose_reader_goes_away_ends_without_a_traceback(server: Program) -> None:
    words = ["127.0.0.1", str(server.port()), "-i", "0.01", "-c", "500"]
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", CLIENT, *words],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(DEADLINE) == 0


@pytest.mark.parametrize("lab", LABS.values(), ids=lambda lab: lab.name)
def test_help_names_every_setting(lab: object) -> None:
    programs = [(lab.server, lab.settings), (lab.client, lab.request)]  # type: ignore[attr-defined]
    programs += [(tool.client, tool.request) for tool in lab.tools]  # type: ignore[attr-defined]
    for module, struct in programs:
        with Program(module, "--help") as program:
            assert program.wait() == 0
            shown = "\n".join(program.lines)
            for field in fields(struct):
                assert (f"[{field.name.upper()}]" if field.positional else field.flag) in shown
            assert "--json" in shown


class Spoken(RequestSettings, frozen=True, kw_only=True):
    """A request with a word that needs no flag."""

    text: Annotated[str, Meta(title="Text", extra=ui(positional=True))] = "hello"
    times: Annotated[int, Meta(ge=1, le=9, title="Times")] = 1


@pytest.mark.parametrize("text", ["hello", "", "two words", "-c", "--times", "=x"])
def test_a_positional_setting_round_trips_through_the_command_line(text):
    wanted = Spoken(text=text, times=2)
    parser = _parser("x", "x", fields(Spoken), positional=True)
    found, flags = _read(parser, Spoken, ["127.0.0.1", "7", *arguments(wanted)], {})
    assert (found, flags.HOST, flags.PORT) == (wanted, "127.0.0.1", "7")


def test_a_positional_setting_may_be_left_out():
    parser = _parser("x", "x", fields(Spoken), positional=True)
    assert _read(parser, Spoken, ["h", "7", "--times", "3"], {})[0] == Spoken(times=3)


def test_a_wrong_positional_setting_is_not_called_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    class Short(RequestSettings, frozen=True, kw_only=True):
        text: Annotated[str, Meta(max_length=3, title="Text", extra=ui(positional=True))] = ""

    with pytest.raises(SystemExit):
        _read(_parser("x", "x", fields(Short), positional=True), Short, ["h", "7", "hello"], {})
    told = capsys.readouterr().err
    assert told.startswith("error: Text must be a text of at most 3 characters"), told


class Named(RequestSettings, frozen=True, kw_only=True):
    """A request whose fields have further flags, and switches."""

    people: Annotated[int, Meta(le=3, extra=ui(flags=("--to", "-t")))] = 0
    loud: bool = False
    kept: bool = True
    words: str = "Hello!"


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["--to", "9"], "--to"), (["--to=9"], "--to"), (["-t9"], "-t"), (["-t", "9"], "-t"),
        (["--people", "9"], "--people"),
    ],
)  # fmt: skip
def test_a_flag_is_told_as_it_was_typed(
    words: list[str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _read(_parser("x", "x", fields(Named)), Named, words, {})
    assert capsys.readouterr().err.startswith(f"error: {flag}: People must be")


def test_help_tells_a_default_unless_it_is_a_switch_that_is_off() -> None:
    told = _parser("x", "x", fields(Named)).format_help()
    assert "Default: 0." in told
    assert "Default: on." in told
    assert "Default: Hello!\n" in told
    assert "False" not in told
    assert "True" not in told


def test_a_second_sigterm_does_not_cut_off_what_the_first_set_going() -> None:
    """The dashboard asks twice: by signal and by channel."""
    with Program(SERVER, "--port", "0", "--loss", "100") as gone:
        port = gone.line("listening on .*:([0-9]+)")[1]
        with Program(CLIENT, "127.0.0.1", port, "-c", "50", "-i", "0.05") as client:
            client.line("PING")
            for _ in range(20):
                client.process.send_signal(signal.SIGTERM)
            client.line("packets transmitted")
            assert client.process.wait(DEADLINE) == 1
            assert not [line for line in client.errors if "Traceback" in line]


def test_a_client_s_json_comes_while_it_runs(server: Program) -> None:
    words = ("127.0.0.1", str(server.port()), "-c", "100", "-i", "0.1", "--json")
    with Program(CLIENT, *words) as client:
        eventually(lambda: client.events("ping_outcome"), "the first outcome", 5)
        assert client.stop() == 0
        assert client.events()[-1]["kind"] == "result"
        assert len(client.events("ping_outcome")) < 100


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_letter_does_not_end_the_server(encoding: str) -> None:
    """A long datagram is shown cut, with «…»."""
    with Program(SERVER, "--port", "0", "--loss", "0", env={"PYTHONIOENCODING": encoding}) as server:
        send(server.port(), b"x" * 100)
        server.line("sent 100 bytes: X+")
        send(server.port(), b"y")
        assert server.stop() == 0


def test_json_is_utf_8_whatever_the_terminal_is() -> None:
    with Program(SERVER, "--port", "0", "--loss", "0", "--json", env={"PYTHONIOENCODING": "ascii"}) as server:
        listening = eventually(lambda: server.events("server_listening"), "listening")[0]
        send(int(listening["address"].rpartition(":")[2]), b"x" * 100)
        told = eventually(lambda: server.events("datagram_sent"), "the answer")[0]
        assert told["text"].endswith("X…")
        assert server.stop() == 0


def test_a_second_ctrl_c_ends_a_server_whose_output_nobody_reads() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", SERVER, "--port", "0", "--loss", "0", "--json"],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with process:
        try:
            assert process.stdout
            address = msgspec.json.decode(process.stdout.readline())["address"]
            for _ in range(500):
                send(int(address.rpartition(":")[2]), b"x" * 300)

            def ended() -> bool:
                process.send_signal(signal.SIGINT)
                time.sleep(0.2)
                return process.poll() is not None

            eventually(ended, "the server's end", 5)
        finally:
            process.kill()


def test_a_file_that_may_not_be_read_is_not_called_a_port() -> None:
    code = (
        "import sys; from servers.kit.command import run_server; from servers.registry import LABS\n"
        "def serve(settings, report): raise PermissionError(13, 'Permission denied', '/some/file')\n"
        "run_server(LABS['udp_ping'], serve, [])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "/some/file" in done.stderr
    assert "port" not in done.stderr.splitlines()[-1]
