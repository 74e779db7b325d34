"""The web server against clients that mean no good, over real sockets: it stays, and loses nothing."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import DEADLINE, Program, eventually

SERVER = "servers.http_web.server"
MODELS = ("iterative", "threads", "processes", "select")
GET = b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"x" * 1000)
    os.utime(folder / "a.txt", (1e9, 1e9))
    return folder


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(model: str, root: Path) -> Iterator[Program]:
    words = ["--port", "0", "--model", model, "--root", str(root), "--allow-put", "--keep-alive", "60"]
    with Program(SERVER, *words) as program:
        program.port()
        yield program
        assert program.process.poll() is None, program.errors
        assert not [line for line in program.errors if "Traceback" in line], program.errors


def connect(server: Program) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port()), timeout=DEADLINE)


def ask(server: Program, data: bytes) -> bytes:
    """All that is answered to these bytes."""
    with connect(server) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def descriptors(server: Program) -> int:
    """Open files of the server and its workers, sockets of connections included."""
    pids = [str(server.process.pid)]
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended meanwhile
            pids += (task / "children").read_text().split()
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in set(pids))


def threads(server: Program) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


def test_who_is_reset_in_the_backlog_ends_nothing(server: Program) -> None:
    busy = [connect(server) for _ in range(5)]  # all workers of the pool wait for these
    for sock in busy:
        sock.sendall(b"GET / HT")
    time.sleep(0.2)
    for _ in range(20):
        reset(connect(server))
    for sock in busy:
        reset(sock)
    assert b" 200 OK" in ask(server, GET)


@pytest.mark.parametrize("model", ["select"], indirect=True)
def test_who_does_not_read_loses_no_answer(server: Program) -> None:
    size, count = len(ask(server, GET)), 12000  # each answer is as long as the first
    with connect(server) as sock:
        sock.settimeout(5)

        def write() -> None:
            for _ in range(count):
                sock.sendall(GET)
                time.sleep(0)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        time.sleep(1)
        left = size * count
        while left:
            left -= len(sock.recv(min(left, 65536)))
        writer.join()


@pytest.mark.parametrize(
    "kind", [b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n", GET]
)
def test_thousands_in_one_piece_are_all_answered(server: Program, kind: bytes) -> None:
    with connect(server) as sock:
        writer = threading.Thread(target=lambda: (sock.sendall(kind * 3000), sock.shutdown(socket.SHUT_WR)))
        writer.start()
        assert len(re.findall(rb"HTTP/1.1 \d\d\d [A-Z]", read_all(sock))) == 3000
        writer.join()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts files in /proc")
def test_nothing_is_left_of_what_was_aborted(server: Program, root: Path) -> None:
    (root / "large.bin").write_bytes(b"x" * 3_000_000)
    large = b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n"
    put = b"PUT /new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000
    simple = b"GET /large.bin\r\n"
    for _ in range(20):
        ask(server, GET)
    time.sleep(1)  # until the last of them is closed, and all workers have started
    before = descriptors(server), threads(server)
    for number in range(150):
        for data in (large, put, simple, b"GET /large.bin HTTP/1.1\r\n"):
            sock = connect(server)
            sock.sendall(data)
            if number % 3 == 0:
                _ = sock.recv(1) if data in (large, simple) else b""
            reset(sock) if number % 2 else sock.close()
    eventually(lambda: (descriptors(server), threads(server)) == before, f"{before} as before")
    assert sorted(os.listdir(root)) == ["a.txt", "large.bin"]


@pytest.mark.parametrize("field", ["If-None-Match: *", "If-Match: {etag}"])
def test_of_many_writers_one_wins(server: Program, root: Path, field: str) -> None:
    for turn in range(8):
        path = f"/race{turn}.txt"
        if "{etag}" in field:
            made = ask(server, f"PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n0".encode())
            etag = re.search(rb"ETag: (\S+)", made)[1].decode()
        else:
            etag = ""
        answers: list[bytes] = []

        def write(number: int, path: str = path, etag: str = etag, answers: list[bytes] = answers) -> None:
            condition = field.format(etag=etag)
            head = f"PUT {path} HTTP/1.1\r\nHost: a\r\n{condition}\r\nContent-Length: 1\r\n\r\n{number}"
            answers.append(b"%d %b" % (number, ask(server, head.encode())))

        writers = [threading.Thread(target=write, args=(number,)) for number in range(1, 9)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        won = [answer for answer in answers if re.match(rb"\d HTTP/1.1 20[14] ", answer)]
        assert len(won) == 1, answers
        assert sum(b" 412 " in answer for answer in answers) == 7
        assert (root / path[1:]).read_bytes() == won[0][:1]
    assert not [name for name in os.listdir(root) if name.startswith(".")]


def test_more_than_a_thousand_threads_still_get_their_files(root: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 6000:
        pytest.skip("too few files may be open")
    (root / "large.bin").write_bytes(b"x" * 300_000)
    if soft < 6000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (6000, hard))
    socks: list[socket.socket] = []
    try:
        with Program(SERVER, "--port", "0", "--model", "threads", "--root", str(root)) as server:
            socks += [connect(server) for _ in range(1100)]
            answer = ask(server, b"GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert answer.endswith(b"\r\n\r\n" + b"x" * 300_000)
            assert not server.errors
    finally:
        for sock in socks:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("name", ["iterative", "threads", "select"])
def test_without_a_file_left_it_waits_and_goes_on(root: Path, name: str) -> None:
    with Program(SERVER, "--port", "0", "--model", name, "--root", str(root)) as server:
        pid = server.process.pid
        assert b" 200 OK" in ask(server, GET)  # it has opened by then all that it opens once
        server.line(r"\d closed after")  # only its own files are open
        old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        taken = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (taken, old[1]))
        socks = [connect(server) for _ in range(4)]
        time.sleep(0.5)
        used = sum(float(n) for n in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])
        time.sleep(1)
        more = sum(float(n) for n in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])
        assert (more - used) / os.sysconf("SC_CLK_TCK") < 0.5, "it spins"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
        for sock in socks:
            sock.close()
        assert b" 200 OK" in ask(server, GET)
        assert server.process.poll() is None
        assert not [line for line in server.errors if "Traceback" in line]
