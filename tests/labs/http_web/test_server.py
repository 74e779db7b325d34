"""The web server in its four models, over real sockets."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs import DEADLINE, ROOT, Dashboard, Program, eventually

SERVER = "servers.http_web.server"
MODELS = ("iterative", "threads", "processes", "select")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    (folder / "HelloWorld.html").write_text("<h1>Hello, World!</h1>\n")
    (folder / "index.html").write_text("front page\n")
    (folder / "1k.txt").write_bytes(b"x" * 1024)
    return folder


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(model: str, root: Path) -> Iterator[Program]:
    with Program(SERVER, "--port", "0", "--model", model, "--root", str(root)) as program:
        program.port()
        yield program


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def get(port: int, path: str = "/", **headers: str) -> http.client.HTTPResponse:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    line.close()
    return answer


def test_it_serves_the_sheets_page(server: Program) -> None:
    answer: Any = get(server.port(), "/HelloWorld.html")
    assert (answer.status, answer.body) == (200, b"<h1>Hello, World!</h1>\n")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert get(server.port(), "/missing.html").status == 404


def test_several_requests_on_one_connection_are_answered_in_order(server: Program) -> None:
    with connect(server.port()) as sock:
        line = b"GET /%b HTTP/1.1\r\nHost: a\r\n%b\r\n"
        sock.sendall(
            line % (b"1k.txt", b"")
            + line % (b"nothing", b"")
            + line % (b"HelloWorld.html", b"Connection: close\r\n")
        )
        answers = read_all(sock)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"404", b"200"]
    assert answers.endswith(b"Hello, World!</h1>\n")


def test_it_stops_at_once_with_clients_connected(server: Program) -> None:
    with connect(server.port()) as idle, connect(server.port()) as half:
        half.sendall(b"GET / HT")
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        server.line("200 OK to GET /")
        began = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 5
    assert not server.errors


def test_a_port_in_use_is_explained(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Program(SERVER, "--port", port, "--root", str(root)) as program:
            assert program.wait() == 1
    assert f"Port {port} is in use" in program.errors[0]


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    with Program(SERVER, "--port", "0", "--root", str(tmp_path / "new" / "folder")) as program:
        assert get(program.port()).status == 403
    assert (tmp_path / "new" / "folder").is_dir()


def test_a_folder_that_cannot_be_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Program(SERVER, "--port", "0", "--root", str(tmp_path / "file")) as program:
        assert program.wait() == 2
    assert "cannot be served: it is a file" in program.errors[0]


# -- the models differ in who waits


def occupied(port: int, count: int, request: bytes) -> list[socket.socket]:
    """So many connections that have sent this much."""
    socks = [connect(port) for _ in range(count)]
    for sock in socks:
        sock.sendall(request)
    return socks


@pytest.mark.parametrize(
    ("name", "drips", "waits"),
    [("iterative", 1, True), ("processes", 4, True), ("processes", 3, False), ("threads", 100, False),
     ("select", 100, False)],
)  # fmt: skip
def test_half_a_request_holds_up_only_whom_the_model_says(
    root: Path, name: str, drips: int, waits: bool
) -> None:
    words = ("--port", "0", "--model", name, "--root", str(root), "--header-timeout", "3")
    with Program(SERVER, *words) as program:
        port = program.port()
        socks = occupied(port, drips, b"GET / HTTP/1.1\r\n")
        for _ in range(drips):
            program.line(r"connected")
        eventually(lambda: sum("connected" in line for line in program.lines) >= drips, "all are taken")
        with connect(port) as sock:
            sock.settimeout(1)
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            try:
                answered = bool(sock.recv(10))
            except TimeoutError:
                answered = False
            assert answered is not waits
            sock.settimeout(DEADLINE)
            assert answered or sock.recv(10), "it is answered once their time is over"
        for held in socks:
            answer = read_all(held)
            assert answer.startswith(b"HTTP/1.1 408 ")
            held.close()


@pytest.mark.parametrize("name", ["threads", "select"])
def test_five_hundred_dripping_clients_stop_nobody_and_cost_little(root: Path, name: str) -> None:
    words = ("--port", "0", "--model", name, "--root", str(root), "--header-timeout", "600")
    with Program(SERVER, *words) as program:
        port = program.port()
        get(port, "/1k.txt")
        before = memory(program.process.pid)
        socks = occupied(port, 500, b"GET / HTTP/1.1\r\nHost: ")
        for turn in range(8):
            for sock in socks:
                sock.sendall(b"x")
            answer: Any = get(port, "/1k.txt")
            assert (answer.status, len(answer.body)) == (200, 1024), turn
        assert memory(program.process.pid) - before < 40e6
        for sock in socks:
            sock.close()
        eventually(lambda: sum("closed after" in line for line in program.lines) >= 500, "all are gone")
        assert get(port, "/1k.txt").status == 200


def memory(pid: int) -> int:
    """The bytes of memory that are the process's own."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(found) for found in re.findall(r"Private_\w+:\s+(\d+)", text))


def test_a_body_that_drips_is_refused_in_time(model: str, tmp_path: Path) -> None:
    words = ("--model", model, "--root", str(tmp_path), "--allow-put", "--body-timeout", "1")
    with Program(SERVER, "--port", "0", *words) as program:
        with connect(program.port()) as sock:
            sock.sendall(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nxx")
            assert read_all(sock).startswith(b"HTTP/1.1 408 ")
        assert list(tmp_path.iterdir()) == []


def test_an_idle_connection_is_closed_without_a_word(model: str, root: Path) -> None:
    words = ("--port", "0", "--model", model, "--root", str(root), "--keep-alive", "0.3")
    with Program(SERVER, *words) as program, connect(program.port()) as sock:
        sock.sendall(b"GET /1k.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        data = read_all(sock)
        program.line("it was idle")
    assert data.count(b"HTTP/1.1") == 1
    assert data.endswith(b"x" * 1024)
    assert b"Connection: close" not in data


def test_who_closed_a_connection_is_told(model: str, root: Path) -> None:
    with Program(SERVER, "--port", "0", "--model", model, "--root", str(root)) as program:
        with connect(program.port()) as sock:
            sock.sendall(b"GET /1k.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            read_all(sock)
        program.line("the server closed it")


def test_an_answer_of_unknown_length_is_told_with_the_bytes_that_it_had(model: str, root: Path) -> None:
    words = ("--port", "0", "--model", model, "--root", str(root))
    with Program(SERVER, *words) as program, connect(program.port()) as sock:
        sock.sendall(b"GET /demo/chunked HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        read_all(sock)
        program.line("200 OK to GET /demo/chunked: 157 bytes")


def test_without_keep_alive_each_answer_closes(model: str, root: Path) -> None:
    words = ("--port", "0", "--model", model, "--root", str(root), "--keep-alive", "0")
    with Program(SERVER, *words) as program, connect(program.port()) as sock:
        sock.sendall(b"GET /1k.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"\r\nConnection: close\r\n" in read_all(sock)


@pytest.mark.parametrize("name", ["iterative", "processes"])
def test_whoever_serves_one_at_a_time_lets_an_idle_one_go(root: Path, name: str) -> None:
    words = ("--port", "0", "--model", name, "--workers", "1", "--root", str(root), "--keep-alive", "600")
    with Program(SERVER, *words) as program, connect(program.port()) as first:
        first.sendall(b"GET /1k.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        assert first.recv(2000)
        assert get(program.port(), "/1k.txt").status == 200
        assert first.recv(10) == b""


@pytest.mark.slow
def test_the_delay_is_live_and_waits_in_no_ones_way(model: str, root: Path) -> None:
    with Dashboard() as board:
        words = ("--port", "0", "--model", model, "--root", str(root))
        with Program(SERVER, *words, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            port = board.port()
            assert board.call("settings", {"delay": 0.4}).error == ""
            eventually(lambda: all(slow(port) for _ in range(8)), "all workers have it")
            before = board.counters()["requests"]
            began = time.monotonic()
            threads = [threading.Thread(target=get, args=(port, "/1k.txt")) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took = time.monotonic() - began
            assert (took >= 3.2) if model == "iterative" else (0.4 <= took < 3)
            eventually(lambda: board.counters()["requests"] == before + 8, "all counted")


def slow(port: int) -> bool:
    """Whether an answer takes as long as the delay."""
    began = time.monotonic()
    get(port, "/1k.txt")
    return time.monotonic() - began >= 0.4


def test_counters_are_exact_and_events_tell_each_request(model: str, root: Path) -> None:
    with Dashboard() as board:
        words = ("--port", "0", "--model", model, "--root", str(root))
        with Program(SERVER, *words, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            port = board.port()
            for path in ("/1k.txt", "/HelloWorld.html", "/missing"):
                get(port, path, Cookie="socket-lab-8000=secret; a=b", Authorization="Basic c2VjcmV0")
            eventually(
                lambda: board.counters()["open"] == 0 and board.counters()["requests"] == 3, "all told"
            )
            assert (board.counters()["ok"], board.counters()["refused"]) == (2, 1)
            responses = eventually(
                lambda: len(board.events("http_response")) == 3 and board.events("http_response"),
                "three told",
            )
            closed = eventually(
                lambda: len(board.events("connection_closed")) == 3 and board.events("connection_closed"),
                "closed",
            )
            requests = board.events("http_request")
    assert {event["target"] for event in requests} == {"/1k.txt", "/HelloWorld.html", "/missing"}
    assert {(event["target"], event["status"]) for event in responses} == {
        ("/1k.txt", 200), ("/HelloWorld.html", 200), ("/missing", 404)
    }  # fmt: skip
    assert [event["size"] for event in responses if event["target"] == "/1k.txt"] == [1024]
    assert len({event["conn"] for event in requests}) == 3
    assert "secret" not in str(requests) + str(responses)
    assert "c2VjcmV0" not in str(requests)
    assert sum(event["bytes_out"] for event in closed) == board.counters()["bytes_out"] > 1024
    assert sum(event["bytes_in"] for event in closed) == board.counters()["bytes_in"] > 100


def test_many_requests_at_once_are_all_counted(model: str, root: Path) -> None:
    with Dashboard() as board:
        words = ("--port", "0", "--model", model, "--root", str(root))
        with Program(SERVER, *words, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            port = board.port()

            def ask() -> None:
                for _ in range(50):
                    assert get(port, "/1k.txt").status == 200

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            eventually(lambda: board.counters().get("requests") == 400, "all are counted")
            eventually(lambda: board.counters()["open"] == 0, "none is open")
            assert board.counters()["connections"] == 400


# -- processes


def children(pid: int) -> list[int]:
    out = subprocess.run(["ps", "-e", "-o", "ppid=,pid="], capture_output=True, text=True, check=True).stdout
    return [int(row.split()[1]) for row in out.splitlines() if int(row.split()[0]) == pid]


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_a_worker_that_dies_is_replaced(root: Path) -> None:
    with Program(
        SERVER, "--port", "0", "--model", "processes", "--workers", "2", "--root", str(root)
    ) as program:
        port = program.port()
        before = eventually(
            lambda: len(children(program.process.pid)) == 2 and children(program.process.pid), "2"
        )
        os.kill(before[0], signal.SIGKILL)
        program.line("A worker died; another takes its place")
        eventually(lambda: len(set(children(program.process.pid)) - set(before)) == 1, "another is there")
        assert get(port, "/1k.txt").status == 200
        assert program.stop(signal.SIGTERM) == 0
        assert not any(alive(pid) for pid in before)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells a child of its parent's death on Linux")
def test_workers_end_with_their_server_however_it_ends(root: Path) -> None:
    with Program(SERVER, "--port", "0", "--model", "processes", "--root", str(root)) as program:
        program.port()
        pids = eventually(
            lambda: len(children(program.process.pid)) == 4 and children(program.process.pid), "four"
        )
        get(program.port())
        program.stop(signal.SIGKILL)
        eventually(lambda: not any(alive(pid) for pid in pids), "all workers have ended")


# -- large files


def test_a_large_file_arrives_whole_and_is_not_read_into_memory(model: str, tmp_path: Path) -> None:
    size = 300_000_000
    with open(tmp_path / "big", "wb") as file:
        file.truncate(size)
        file.seek(size - 5)
        file.write(b"final")
    with Program(SERVER, "--port", "0", "--model", model, "--root", str(tmp_path)) as program:
        port = program.port()
        pids = [program.process.pid, *children(program.process.pid)]
        get(port, "/nothing")
        before = sum(memory(pid) for pid in pids)
        with connect(port) as sock:
            sock.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            count, most, last = 0, 0, b""
            buffer = bytearray(1 << 20)
            while got := sock.recv_into(buffer):
                count += got
                last = (last + bytes(buffer[max(0, got - 5) : got]))[-5:]
                if count // 100_000_000 > most:
                    most += 1
                    assert sum(memory(pid) for pid in pids) - before < 10e6
        assert size < count < size + 1000
        assert last == b"final"


def test_a_client_that_does_not_read_is_let_go(model: str, tmp_path: Path) -> None:
    with open(tmp_path / "big", "wb") as file:
        file.truncate(200_000_000)
    words = ("--model", model, "--root", str(tmp_path), "--body-timeout", "1")
    with Program(SERVER, "--port", "0", *words) as program, connect(program.port()) as sock:
        sock.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        program.line("closed after")
        assert get(program.port(), "/nothing").status == 404


def test_max_connections_wait_in_the_backlog(root: Path) -> None:
    for name in ("threads", "select"):
        words = ("--port", "0", "--model", name, "--root", str(root), "--max-connections", "2")
        with Program(SERVER, *words, "--header-timeout", "600") as program:
            socks = occupied(program.port(), 2, b"GET")
            eventually(lambda p=program: sum("connected" in line for line in p.lines) == 2, "two are taken")
            third = connect(program.port())
            third.sendall(b"GET /1k.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            third.settimeout(0.5)
            with pytest.raises(TimeoutError):
                third.recv(10)
            socks.pop().close()
            third.settimeout(DEADLINE)
            assert read_all(third).startswith(b"HTTP/1.1 200 ")
            third.close()
            socks.pop().close()


def test_the_terminal_shows_a_line_for_each_event(server: Program) -> None:
    get(server.port(), "/HelloWorld.html")
    server.line(r"127\.0\.0\.1:\d+ GET /HelloWorld\.html HTTP/1\.1")
    server.line(r"127\.0\.0\.1:\d+ 200 OK to GET /HelloWorld\.html: 23 bytes in ")


def test_it_runs_from_another_folder_too(tmp_path: Path) -> None:
    code = subprocess.run(
        [sys.executable, "-m", SERVER, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for flag in ("--root", "--model", "--delay", "--allow-put", "iterative|threads|processes|select"):
        assert flag in code
