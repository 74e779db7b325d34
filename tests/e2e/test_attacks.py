"""What a stranger or a student in the network does to a dashboard, and that it goes on for the others."""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.programs import DEADLINE, eventually
from tests.started import Browser, Started

Start = Callable[..., Started]


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """A client's WebSocket frame (RFC 6455, 5.2), masked with zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    return bytes([0x80 * final | opcode]) + length + bytes(4) + payload


@contextlib.contextmanager
def flood(browser: Browser, data: bytes) -> Iterator[None]:
    """Send ``data`` over the browser's line again and again meanwhile."""
    over = threading.Event()
    line = browser.socket.sock
    line.settimeout(0.2)

    def send() -> None:
        rest = data
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                rest = rest[line.send(rest) :] or data

    talker = threading.Thread(target=send)
    talker.start()
    try:
        yield
    finally:
        over.set()
        talker.join()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux'")
def test_more_connections_than_files_do_not_end_it(start_dashboard: Start) -> None:
    it = start_dashboard()
    resource.prlimit(it.process.pid, resource.RLIMIT_NOFILE, (80, 80))
    with contextlib.ExitStack() as many:
        for _ in range(120):
            many.enter_context(socket.create_connection((it.host, it.port), DEADLINE))
        time.sleep(0.5)
        assert it.process.poll() is None, it.lines
    eventually(lambda: it.call("GET", "/healthz")[0] == 200, "it answers again", DEADLINE)
    assert it.create()["state"] == "running"


@pytest.mark.parametrize(
    "data",
    [frame(1, b'42["leave",{"instance":"x"}]'), frame(9, b""), frame(1, b"3")],
    ids=["events", "pings", "pongs"],
)
@pytest.mark.slow
def test_a_student_who_floods_the_websocket_keeps_nobody_waiting(start_dashboard: Start, data: bytes) -> None:
    it = start_dashboard()
    with Browser(it.port, it.student("Mallory")["Cookie"]) as mallory, flood(mallory, data * 2000):
        end = time.monotonic() + 4
        while time.monotonic() < end:
            assert it.call("GET", "/healthz", timeout=3)[0] == 200
            time.sleep(0.1)


def test_a_message_without_end_ends_its_line(start_dashboard: Start) -> None:
    it = start_dashboard()
    with Browser(it.port, it.student("Mallory")["Cookie"]) as mallory:
        line = mallory.socket.sock
        line.settimeout(DEADLINE)
        pieces = [frame(1, b"x" * 60_000, final=False)] + 200 * [frame(0, b"x" * 60_000, final=False)]
        with pytest.raises(OSError, match=r"reset|Broken|abort"):
            line.sendall(b"".join(pieces))
    assert it.call("GET", "/healthz")[0] == 200


def test_one_connection_with_request_upon_request_keeps_nobody_waiting(start_dashboard: Start) -> None:
    it = start_dashboard()
    over = threading.Event()
    requests = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000

    def hear(line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while line.recv(1 << 20):
                pass

    def talk(line: socket.socket) -> None:
        rest = requests
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                rest = rest[line.send(rest) :] or requests

    with socket.create_connection((it.host, it.port), DEADLINE) as line:
        line.settimeout(0.2)
        threading.Thread(target=hear, args=(line,), daemon=True).start()
        talker = threading.Thread(target=talk, args=(line,))
        talker.start()
        try:
            time.sleep(0.5)
            for _ in range(5):
                assert it.call("GET", "/healthz", timeout=3)[0] == 200
        finally:
            over.set()
            talker.join()


@pytest.mark.parametrize("length", ["Transfer-Encoding: chunked", "Content-Length: 1000000000000"])
def test_a_body_without_an_end_is_not_read(start_dashboard: Start, length: str) -> None:
    it = start_dashboard()
    with socket.create_connection((it.host, it.port), DEADLINE) as line:
        line.sendall(f"POST /healthz HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n".encode())

        def is_closed() -> bool:
            try:
                line.sendall(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
            except (ConnectionResetError, BrokenPipeError):
                return True
            return False

        eventually(is_closed, "it was closed", 5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_no_lab_can_be_led_to_the_dashboard_itself(dashboard_process: Started, host: str) -> None:
    """A request at the proxy, or bytes through the replay server, would come from this machine."""
    board = dashboard_process
    port = str(board.port)
    proxy = board.create("caching_proxy", allow_target="127.0.0.0/8,localhost")
    there = ("127.0.0.1", int(proxy["address"].rpartition(":")[2]))
    for asked in (f"GET http://{host}:{port}/healthz HTTP/1.1", f"CONNECT {host}:{port} HTTP/1.1"):
        with socket.create_connection(there, timeout=DEADLINE) as line:
            line.sendall(f"{asked}\r\nHost: {host}:{port}\r\n\r\n".encode())
            assert line.recv(4096).startswith(b"HTTP/1.1 403 "), asked
    replay = board.create("tcp_replay", mode="pass", target=f"{host}:{port}")
    there = ("127.0.0.1", int(replay["address"].rpartition(":")[2]))
    with socket.create_connection(there, timeout=DEADLINE) as line:
        with contextlib.suppress(OSError):  # it may hang up before it has read all
            line.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(4096) == b""
