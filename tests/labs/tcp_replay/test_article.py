"""The article's log over live sockets: what its stub wrote replays here, and what we write replays there."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.labs.tcp_replay.rig import Target, connect, outcomes, port_of, server, silent
from tests.labs.tcp_replay.scripted import ScriptedUdp
from tests.labs.tcp_replay.stub import Stub
from tests.programs import Program, eventually
from tests.reading import everything, until

NOWHERE = "127.0.0.1:1"
BODY = bytes(range(256)) + b"~tilde a+b %41\r\n\r\nRequested%20data\n"


def old_server(sock: socket.socket) -> None:
    """HTTP/1.0: one answer, and the end of the connection is its end."""
    path = until(sock, b"\r\n\r\n").split(b" ")[1]
    if path != b"/nothing":
        sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/x\r\n\r\n" + path + b"\n" + BODY)


def curl(port: int, path: str, code: int = 0) -> bytes:
    done = subprocess.run(
        ["curl", "-q", "-sS", "-i", "-0", "-m", "5", "--noproxy", "*", "-H", "Host: x", "-A", "a~b",
         f"http://127.0.0.1:{port}{path}"],
        capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout


def raw(port: int, request: bytes) -> bytes:
    with connect(port) as sock:
        sock.sendall(request)
        return everything(sock)


@pytest.mark.parametrize("framing", ["crlfcrlf", "http"])
def test_what_the_stub_wrote_is_replayed_here(tmp_path: Path, framing: str) -> None:
    log, target = tmp_path / "old.txt", Target(old_server)
    with Stub("capture", log, target.port) as stub:
        first = [curl(stub.port, path) for path in ("/a", "/b%20c")]
        bare = raw(stub.port, b"GET /bare\r\n\r\n")
        assert raw(stub.port, b"GET /nothing HTTP/1.0\r\n\r\n") == b""
    target.stop()
    before = log.read_bytes()
    words = ("--mode", "replay", "--framing", framing, "--tape", str(log))
    with server(NOWHERE, *words) as program:
        for _ in range(2):
            assert [curl(port_of(program), path) for path in ("/a", "/b%20c")] == first
            assert raw(port_of(program), b"GET /bare\r\n\r\n") == bare
            assert raw(port_of(program), b"GET /nothing HTTP/1.0\r\n\r\n") == b""
        curl(port_of(program), "/unknown", code=52)  # an empty reply
        eventually(lambda: outcomes(program) == ["hit"] * 8 + ["miss"], "eight hits and a miss")
    assert log.read_bytes() == before


def test_what_is_written_here_is_replayed_by_the_stub(tmp_path: Path) -> None:
    log, target = tmp_path / "new.log", Target(old_server)
    words = ("--mode", "record", "--framing", "crlfcrlf", "--tape", str(log))
    with server(target.address, *words) as program:
        first = [curl(port_of(program), path) for path in ("/a", "/b%20c")]
        bare = raw(port_of(program), b"GET /bare\r\n\r\n")
        eventually(lambda: outcomes(program) == ["recorded"] * 3, "three exchanges")
    target.stop()
    with Stub("replay", log) as stub:
        assert [curl(stub.port, path) for path in ("/b%20c", "/a")] == first[::-1]
        assert raw(stub.port, b"GET /bare\r\n\r\n") == bare
        curl(stub.port, "/unknown", code=52)
        assert stub.stop() == "not found\n"


def test_both_write_the_same_bytes_but_for_ports(tmp_path: Path) -> None:
    target = Target(old_server)
    ours, theirs = tmp_path / "ours.log", tmp_path / "theirs.log"
    with Stub("capture", theirs, target.port) as stub:
        curl(stub.port, "/a")
    words = ("--mode", "record", "--framing", "crlfcrlf", "--tape", str(ours))
    with server(target.address, *words) as program:
        curl(port_of(program), "/a")
        eventually(lambda: outcomes(program) == ["recorded"], "one exchange")
    target.stop()
    one, other = (path.read_bytes().split(b"\n") for path in (ours, theirs))
    assert [number for number, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]] == [2]
    assert one[4:7] == [b"Responsed%20data", b"127.0.0.1", b"%d" % target.port]


def test_of_equal_requests_the_last_one_answers_in_both(tmp_path: Path) -> None:
    answers = [b"HTTP/1.0 200 OK\r\n\r\nfirst", b"HTTP/1.0 200 OK\r\n\r\nlast"]
    left = list(answers)

    def counts(sock: socket.socket) -> None:
        until(sock, b"\r\n\r\n")
        sock.sendall(left.pop(0))

    log, target = tmp_path / "log", Target(counts)
    with Stub("capture", log, target.port) as stub:
        assert [raw(stub.port, b"GET /\r\n\r\n") for _ in range(2)] == answers
    target.stop()
    with Stub("replay", log) as stub:
        assert raw(stub.port, b"GET /\r\n\r\n") == answers[1]
    with server(NOWHERE, "--mode", "replay", "--framing", "crlfcrlf", "--tape", str(log)) as program:
        assert [raw(port_of(program), b"GET /\r\n\r\n") for _ in range(2)] == [answers[1]] * 2


def test_a_log_of_many_lines_on_one_connection_goes_on_after_an_answer(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = ("Requested%20data", "127.0.0.1", "5", "a%0A", "Responsed%20data", "127.0.0.1", "6", "A%0A", "")
    log.write_text("\n".join(lines) + "\n")
    words = ("--mode", "replay", "--framing", "line", "--tape", str(log))
    with server(NOWHERE, *words) as program, connect(port_of(program)) as sock:
        for _ in range(2):
            sock.sendall(b"a\n")
            assert until(sock, b"\n") == b"A\n"
        assert silent(sock, 0.1)


def test_udp_logs_go_both_ways(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.log", tmp_path / "theirs.log"
    datagrams = [b"Ping 1 ~", b"\0\n\xff" * 400]

    def ask(port: int) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect(("127.0.0.1", port))
            found = []
            for data in datagrams:
                sock.send(data)
                found.append(sock.recv(65535))
            return found

    words = ("--transport", "udp", "--framing", "pause")
    with ScriptedUdp(lambda data: [data.upper()]) as target:
        with Stub("capture", theirs, target.port, "udp") as stub:
            first = ask(stub.port)
        with server(f"127.0.0.1:{target.port}", *words, "--tape", str(ours)) as program:
            assert ask(port_of(program)) == first
            eventually(lambda: outcomes(program) == ["recorded"] * 2, "two exchanges")
    with Stub("replay", ours, transport="udp") as stub:
        assert ask(stub.port) == first
    with server(NOWHERE, *words, "--mode", "replay", "--tape", str(theirs)) as program:
        assert ask(port_of(program)) == first


def test_an_example_of_the_article_is_read_as_it_stands(tmp_path: Path) -> None:
    log = tmp_path / "article.log"
    log.write_bytes(
        b"Requested%20data\n127.0.0.1\n50312\nGET%20/%0D%0A%0D%0A\n"
        b"Responsed%20data\nwww.example.org\n80\nHTTP/1.0%20200%20OK%0D%0A%0D%0AHello%7E%0A\n\n"
    )
    with Program(
        "servers.tcp_replay.server", "--port", "0", "--mode", "replay", "--tape", str(log)
    ) as program:
        assert raw(program.port(), b"GET /\r\n\r\n") == b"HTTP/1.0 200 OK\r\n\r\nHello~\n"
