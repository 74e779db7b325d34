"""The lesson and the skeleton say what is so."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from servers.kit.settings import merge
from servers.kit.upper_case import answer
from servers.udp_upper import skeleton
from servers.udp_upper.lab import LAB
from tests.labs.udp_upper.test_server import LINUX, SERVER, serving
from tests.lessons import check_commands, fields_of
from tests.programs import DEADLINE, ROOT, Program, eventually

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")
SKELETON = LAB.folder / LAB.view.skeleton


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = fields_of(LAB) | {"try", "traffic", "source", "lesson"}
    links = re.findall(r"\]\(#([\w-]+)\)", LESSON)
    assert set(links) <= known
    assert known - set(links) <= {"control-port", "request-text"}, "each control has something to try"
    assert set(re.findall(r"\]\((/[^)]*)\)", LESSON)) == {"/labs/tcp_upper"}


def test_the_lessons_commands_are_right() -> None:
    check_commands(LAB, LESSON)


def test_the_lessons_bytes_are_right() -> None:
    found = re.findall(r"^\w+ -> \w+ +((?:[0-9a-fA-F]{2} )+) +(.+)$", LESSON, re.M)
    sent, reply = (bytes.fromhex(shown) for shown, _ in found)
    assert [sent.decode(), reply.decode()] == [text for _, text in found]
    assert answer(sent) == (reply, None)
    for text, size, back, after in re.findall(
        r"^\| `([^` ]+)` \| (\d) \| `([^`]+)` \| (\d) \|", LESSON, re.M
    ):
        assert (len(text.encode()), answer(text.encode())[0].decode()) == (int(size), back)
        assert len(back.encode()) == int(after)


def test_both_labs_say_that_the_sheet_gives_port_12000_twice() -> None:
    for folder in ("udp_upper", "udp_ping"):
        said = (ROOT / "servers" / folder / "README.md").read_text(encoding="utf-8")
        assert "Port 12000 is taken twice" in said


@pytest.mark.parametrize("preset", LAB.view.presets, ids=lambda preset: preset.name)
def test_every_preset_is_valid(preset: object) -> None:
    chosen = preset.settings  # type: ignore[attr-defined]
    merge(LAB.settings(), chosen)


def test_every_source_of_the_page_exists() -> None:
    for name in (*LAB.view.sources, LAB.view.skeleton):
        assert LAB.source(name).is_file()


# -- the claims


@pytest.mark.parametrize(
    ("words", "bound", "reached", "not_reached"),
    [
        (("--host", "127.0.0.1"), "127.0.0.1", ["127.0.0.1"], ["127.0.0.2", "::1"]),
        (("--host", "localhost"), "127.0.0.1", ["127.0.0.1"], ["127.0.0.2", "::1"]),
        (("--host", "''"), "0.0.0.0", ["127.0.0.1", "127.0.0.2"], ["::1"]),
        (("--host", "0.0.0.0"), "0.0.0.0", ["127.0.0.1", "127.0.0.2"], ["::1"]),
        (("--family", "ipv6", "--host", "::1"), "::1", ["::1"], ["127.0.0.1"]),
        (("--family", "ipv6", "--host", "::"), "::", ["::1", "127.0.0.1"], []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
@LINUX
def test_what_bind_is_given_says_who_reaches_the_server(
    words: tuple[str, ...], bound: str, reached: list[str], not_reached: list[str]
) -> None:
    with serving(*words) as server:
        told = server.told("server_listening")[0]["address"]
        assert told.rpartition(":")[0].strip("[]") == bound
        for host in [*reached, *not_reached]:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.settimeout(DEADLINE)
                sock.sendto(b"a", (host, server.address[1]))
                if host in reached:
                    assert sock.recv(9) == b"A", host
                else:
                    sock.connect((host, server.address[1]))
                    sock.send(b"a")
                    with pytest.raises(ConnectionRefusedError):
                        sock.recv(9)


@LINUX
def test_the_answer_of_all_addresses_comes_from_the_one_that_the_system_chose() -> None:
    with serving("--host", "0.0.0.0") as server:
        port = server.address[1]
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.settimeout(DEADLINE)
            sock.sendto(b"a", ("127.0.0.2", port))
            assert sock.recvfrom(9) == (b"A", ("127.0.0.1", port))
        aim = ("127.0.0.2", str(port), "a", "-W", "0.3")
        with Program(LAB.client, *aim, "--connected") as client:
            assert client.wait() == 1


@LINUX
def test_ipv4_reaches_all_addresses_of_ipv6_by_a_mapped_address() -> None:
    with serving("--family", "ipv6", "--host", "::") as server:
        server.peer().sendto(b"a", ("127.0.0.1", server.address[1]))
        assert server.told("datagram_received")[0]["peer"].startswith("[::ffff:127.0.0.1]:")


def test_a_second_server_on_the_port_is_refused() -> None:
    with serving() as server, Program(SERVER, "--port", str(server.address[1])) as second:
        assert second.wait() == 1
        assert f"Port {server.address[1]} is in use" in second.errors[0]


@LINUX
def test_with_so_reuseaddr_the_server_that_was_bound_last_gets_the_datagrams() -> None:
    with serving("--reuse-address") as first:
        port = str(first.address[1])
        with Program(SERVER, "--port", port, "--json") as half:
            assert half.wait() == 1, "both must set it"
        with Program(SERVER, "--port", port, "--reuse-address", "--json") as second:
            eventually(lambda: second.events("server_listening"), "both listen")
            assert first.ask(b"a") == b"A"
            eventually(lambda: second.events("datagram_received"), "the second got it")
            assert first.program.events("datagram_received") == []
            assert second.stop() == 0
        assert first.ask(b"b") == b"B"
        first.told("datagram_received")


@LINUX
def test_a_full_unix_buffer_loses_nothing_the_sender_waits(tmp_path: Path) -> None:
    with serving("--family", "unix", "--path", str(tmp_path / "s"), "--pause", "10000") as server:
        sock = server.peer(socket.AF_UNIX, str(tmp_path / "c"))
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            fill(sock, server.address)


def fill(sock: socket.socket, address: str) -> None:
    for _ in range(10_000):
        sock.sendto(b"x" * 100, address)


def test_broadcast_asks_for_its_option() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(PermissionError):
        sock.sendto(b"a", ("255.255.255.255", 9))


# -- the skeleton


def test_host_and_port_stand_on_lines_of_their_own_to_be_filled_in() -> None:
    lines = SKELETON.read_text(encoding="utf-8").splitlines()
    assert lines.count('HOST = "127.0.0.1"') == 1
    assert lines.count("PORT = 12001") == 1


def test_the_skeleton_says_which_step_is_next() -> None:
    done = subprocess.run(
        [sys.executable, str(SKELETON)], cwd=ROOT, input="hello\n", capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "STEP 1 is not filled in yet: open_socket() must make a UDP socket"
    )
    for step in (lambda: skeleton.ask(None, ""), lambda: skeleton.text_of(b"")):  # type: ignore[arg-type]
        with pytest.raises(skeleton.NotFilledIn, match=r"STEP [23] is not filled in yet"):
            step()


def test_the_skeleton_does_not_solve_the_exercise() -> None:
    code = re.sub(r'""".*?"""|#.*', "", SKELETON.read_text(encoding="utf-8"), flags=re.M)
    code = re.sub(r'"[^"\n]*"', '""', code)
    assert not re.search(r"\.(sendto|recvfrom|settimeout|encode|decode)\(|SOCK_DGRAM", code)


def test_the_skeleton_works_once_it_is_filled_in(capsys: pytest.CaptureFixture[str]) -> None:
    def ask(sock: socket.socket, line: str) -> bytes:
        sock.settimeout(DEADLINE)
        sock.sendto(line.encode(), (skeleton.HOST, port))
        return sock.recvfrom(skeleton.BUFFER)[0]

    with Program(LAB.server, "--port", "0") as server, pytest.MonkeyPatch.context() as patch:
        port = server.port()
        patch.setattr(skeleton, "open_socket", lambda: socket.socket(type=socket.SOCK_DGRAM))
        patch.setattr(skeleton, "ask", ask)
        patch.setattr(skeleton, "text_of", bytes.decode)
        patch.setattr("builtins.input", lambda words: "hello")
        skeleton.main()
    assert capsys.readouterr().out == "HELLO\n"
