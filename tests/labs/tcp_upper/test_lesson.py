"""The lesson and the skeleton say what is so."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from servers.kit.settings import fields, merge
from servers.kit.upper_case import answer
from servers.tcp_upper import experiment
from servers.tcp_upper.lab import LAB
from servers.tcp_upper.options import set_options
from tests.labs.tcp_upper.rig import MODULE, asked, connect, server
from tests.lessons import check_commands, fields_of
from tests.programs import DEADLINE, Program
from tests.reading import everything

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")
SKELETON = LAB.folder / LAB.view.skeleton
linux = pytest.mark.skipif(sys.platform != "linux", reason="the lesson says it of Linux")


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = fields_of(LAB)
    links = set(re.findall(r"\]\(#([\w-]+)\)", LESSON))
    assert links <= known | {"try", "traffic", "source", "picture"}
    assert known - links <= {"control-port"}, "each control has something to try"
    played = {f"tools/experiments#{name}" for name in experiment.SCRIPTS}
    assert set(re.findall(r"\]\(([^#)][^)]*)\)", LESSON)) == {"/labs/udp_upper"} | played


def test_every_experiment_has_its_place_in_the_lesson() -> None:
    named = set(re.findall(r"«([a-z-]+)»", "\n".join(re.findall(r"^\*Play it\*.*$", LESSON, re.M))))
    assert named == set(experiment.SCRIPTS)


def test_the_lessons_commands_are_right() -> None:
    check_commands(LAB, LESSON.replace("$(printf 'x%.0s' $(seq 1500))", "xxx"))


def test_the_lessons_bytes_are_right() -> None:
    found = re.findall(r"^\w+ -> \w+ +((?:[0-9a-fA-F]{2} )+) +(.+)$", LESSON, re.M)
    sent, reply = (bytes.fromhex(shown) for shown, _ in found)
    assert [sent.decode(), reply.decode()] == [text for _, text in found]
    assert answer(sent) == (reply, None)
    rows = re.findall(r"^\| `([^` ]+)` \| (\d) \| `([^`]+)` \| (\d) \|", LESSON, re.M)
    assert len(rows) == 2
    for text, size, back, after in rows:
        assert (len(text.encode()), answer(text.encode())[0].decode()) == (int(size), back)
        assert len(back.encode()) == int(after)
    assert answer(bytes.fromhex("61 ff 62"))[0] == bytes.fromhex("41 ff 42")


@pytest.mark.parametrize("preset", LAB.view.presets, ids=lambda preset: preset.name)
def test_every_preset_is_valid(preset: Any) -> None:
    merge(LAB.settings(), preset.settings)


def test_every_source_of_the_page_exists_and_every_stream_control() -> None:
    for name in (*LAB.view.sources, LAB.view.skeleton):
        assert LAB.source(name).is_file()
    live = {field.name for field in fields(LAB.settings) if field.live}
    request = {field.name for field in fields(LAB.request)}
    assert all((name in live) != (name in request) for name in LAB.view.stream)
    assert set(LAB.view.tiles) | {LAB.view.spark} <= set(LAB.counters.__struct_fields__)


# -- claims


@linux
@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
def test_time_wait_after_the_server_closed_first(first: bool, second: bool) -> None:
    cells = {True: "with", False: "without"}
    row = next(
        line
        for line in LESSON.splitlines()
        if re.match(rf"\| the server \| {cells[first]}( SO_REUSEADDR)? \| {cells[second]} \|", line)
    )
    with server("--reuse-address" if first else "--no-reuse-address") as made:
        assert asked(made, b"once") == b"ONCE"
        port = str(made.port)
    words = ("--port", port, "--reuse-address" if second else "--no-reuse-address")
    with Program(MODULE, *words) as program:
        if "works" in row:
            assert program.port() == int(port)
        else:
            assert program.wait() == 1
            assert "TIME-WAIT" in program.errors[-1]


@linux
def test_no_time_wait_at_the_server_where_the_client_closed_first_or_it_reset() -> None:
    for words, say in ((("--keep-open",), b""), (("--linger", "0"), b"x")):
        with server("--no-reuse-address", *words) as made:
            with made.connect() as sock:
                sock.send(say)
                if say:
                    with contextlib.suppress(ConnectionResetError):
                        everything(sock)
            made.closed()
            port = str(made.port)
        with Program(MODULE, "--port", port, "--no-reuse-address") as program:
            assert program.port() == int(port)


@linux
@pytest.mark.parametrize("reuse", ["--reuse-address", "--no-reuse-address"])
def test_two_servers_on_one_port_are_refused_either_way(reuse: str) -> None:
    with server(reuse) as made:
        with Program(MODULE, "--port", str(made.port), reuse) as second:
            assert second.wait() == 1
        assert f"in use by pid {made.program.process.pid}" in second.errors[-1]


@linux
def test_who_waits_in_a_backlog_whose_server_is_killed_is_reset() -> None:
    with (
        Program(MODULE, "--port", "0", "--no-accepting") as program,
        connect(f"127.0.0.1:{program.port()}") as sock,
    ):
        program.process.kill()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


@linux
def test_a_killed_servers_unix_path_is_used_again(tmp_path: Path) -> None:
    words = ("--family", "unix", "--path", str(tmp_path / "u"))
    with Program(MODULE, *words) as program:
        program.line("listening on unix:")
        program.process.kill()
    assert (tmp_path / "u").exists()
    with server(*words) as made:
        assert asked(made, b"again") == b"AGAIN"


@pytest.mark.parametrize(
    ("words", "bound"),
    re.findall(r"^\| `([^`]+)`(?:, .*)? \| `([^`]+)` \| ", LESSON.partition("## What bind()")[2], re.M),
)
def test_what_each_host_is_bound_to(words: str, bound: str) -> None:
    family = "ipv6" if ":" in bound else "ipv4"
    with server("--host", words, "--family", family) as made:
        assert made.address == (f"[{bound}]:{made.port}" if family == "ipv6" else f"{bound}:{made.port}")
        assert asked_at("127.0.0.1" if bound != "::1" else "[::1]", made.port) == b"HI"


def asked_at(host: str, port: int) -> bytes:
    with connect(f"{host}:{port}") as sock:
        sock.send(b"hi")
        return everything(sock)


def test_the_options_are_those_that_were_asked_for() -> None:
    """As getsockopt() sees them."""
    from servers.kit.traced import Traced
    from tests.labs.tcp_upper.rig import Told

    told = Told()
    with Traced(told, socket.AF_INET, socket.SOCK_STREAM) as sock:
        set_options(sock, nodelay=True, linger=7)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == b"\1\0\0\0\7\0\0\0"
    with Traced(told, socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        set_options(sock, nodelay=True, linger=None)
    told.close()


# -- the skeleton


def filled_in(host: str, port: int) -> str:
    """The skeleton as a student fills it in, host and port as the page does."""
    text = SKELETON.read_text()
    text = re.sub(r'HOST = ".*"', f'HOST = "{host}"', text)
    text = re.sub(r"PORT = \d+", f"PORT = {port}", text)
    steps = {
        1: "return socket.create_connection((HOST, PORT))",
        2: "sock.sendall(sentence.encode())",
        3: "return sock.recv(BUFFER).decode()",
        4: "sock.close()",
    }
    for step, code in steps.items():
        text = re.sub(rf'raise NotFilledIn\("STEP {step} .*"\)', code, text)
    return text


def test_the_skeleton_says_which_step_is_next_and_works_when_filled_in(tmp_path: Path) -> None:
    empty = subprocess.run([sys.executable, str(SKELETON)], capture_output=True, text=True, timeout=DEADLINE)
    assert "STEP 1 is not filled in yet" in empty.stderr.splitlines()[-1]
    with server() as made:
        program = tmp_path / "client.py"
        program.write_text(filled_in("127.0.0.1", made.port))
        said = subprocess.run(
            [sys.executable, str(program)], input="hello\n", capture_output=True, text=True, timeout=DEADLINE
        )
    assert said.stdout == "Input lowercase sentence: From Server: HELLO\n", said.stderr
