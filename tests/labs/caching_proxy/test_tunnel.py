"""Tunnels (RFC 9110, 9.3.6): bytes both ways, unchanged, with each side's end passed on by itself."""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from tests.labs.caching_proxy.rig import STAY, Origin, Proxy, read_all, read_answer
from tests.programs import DEADLINE, eventually

HEAD = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Ends:
    """A listener whose connections the test itself holds."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.listener.settimeout(DEADLINE)
        self.port = int(self.listener.getsockname()[1])

    def accept(self) -> socket.socket:
        sock, _ = self.listener.accept()
        sock.settimeout(DEADLINE)
        return sock


@pytest.fixture(scope="module")
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.listener.close()


@pytest.fixture(scope="module")
def proxy(ends: Ends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    words = ("--connect-ports", f"{ends.port}, 1")
    with Proxy(tmp_path_factory.mktemp("proxy") / "cache", *words) as started:
        yield started


def connect(
    proxy: Proxy, ends: Ends, early: bytes = b"", fields: str = ""
) -> tuple[socket.socket, socket.socket]:
    """Both ends of a tunnel, the answer's head read."""
    sock = proxy.connect()
    host = f"127.0.0.1:{ends.port}"
    sock.sendall(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode() + early)
    data = b""
    while len(data) < len(HEAD):
        piece = sock.recv(len(HEAD) - len(data))
        assert piece, data
        data += piece
    assert data == HEAD
    return sock, ends.accept()


def test_bytes_go_both_ways(proxy: Proxy, ends: Ends) -> None:
    client, origin = connect(proxy, ends)
    with client, origin:
        client.sendall(b"\x16\x03\x01\0\r\n\r\nGET")
        assert origin.recv(100) == b"\x16\x03\x01\0\r\n\r\nGET"
        origin.sendall(b"HTTP/1.1 100\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100\r\n\r\n"


def test_what_follows_connect_at_once_is_not_lost(proxy: Proxy, ends: Ends) -> None:
    for early in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"x" * 100_000, b"\r\n", b"\0"):
        client, origin = connect(proxy, ends, early)
        with client, origin:
            client.sendall(b"more")
            client.shutdown(socket.SHUT_WR)
            assert read_all(origin) == early + b"more"


def test_the_origin_may_speak_first(proxy: Proxy, ends: Ends) -> None:
    with proxy.connect() as client:
        client.sendall(f"CONNECT 127.0.0.1:{ends.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with ends.accept() as origin:
            origin.sendall(b"220 hello\r\n")
            data = b""
            while not data.endswith(b"hello\r\n"):
                data += client.recv(100)
            assert data == HEAD + b"220 hello\r\n"


def test_the_clients_half_close_is_passed_on(proxy: Proxy, ends: Ends) -> None:
    client, origin = connect(proxy, ends)
    with client, origin:
        client.sendall(b"all")
        client.shutdown(socket.SHUT_WR)
        assert read_all(origin) == b"all"
        time.sleep(0.1)
        origin.sendall(b"x" * 1_000_000)
        origin.close()
        assert read_all(client) == b"x" * 1_000_000


def test_the_origins_half_close_is_passed_on(proxy: Proxy, ends: Ends) -> None:
    client, origin = connect(proxy, ends)
    with client, origin:
        origin.sendall(b"all")
        origin.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"all"
        time.sleep(0.1)
        client.sendall(b"still here")
        client.shutdown(socket.SHUT_WR)
        assert read_all(origin) == b"still here"


def test_twenty_megabytes_both_ways_at_once(proxy: Proxy, ends: Ends) -> None:
    size = 20_000_000
    up, down = random.Random(1).randbytes(size), random.Random(2).randbytes(size)
    client, origin = connect(proxy, ends)

    def pour(sock: socket.socket, data: bytes) -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    with client, origin:
        threads = [threading.Thread(target=pour, args=pair) for pair in ((client, up), (origin, down))]
        digests: dict[str, str] = {}

        def take(name: str, sock: socket.socket) -> None:
            digest = hashlib.sha256()
            while piece := sock.recv(262144):
                digest.update(piece)
            digests[name] = digest.hexdigest()

        threads += [threading.Thread(target=take, args=pair) for pair in (("down", client), ("up", origin))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert digests == {"up": hashlib.sha256(up).hexdigest(), "down": hashlib.sha256(down).hexdigest()}
    verdict = proxy.verdicts(f"127.0.0.1:{ends.port}")
    eventually(
        lambda: any(
            event["verdict"] == "TUNNEL" and event.get("size") == size
            for event in proxy.verdicts(f"127.0.0.1:{ends.port}")
        ),
        f"a tunnel of {size} bytes: {verdict}",
    )


def test_who_does_not_read_holds_the_other_back_and_loses_nothing(proxy: Proxy, ends: Ends) -> None:
    client, origin = connect(proxy, ends)
    with client, origin:
        origin.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 50_000_000:
                sent += origin.send(bytes(100_000))
        assert sent < 50_000_000
        origin.close()
        left = sent
        while piece := client.recv(1_000_000):
            left -= len(piece)
        assert left == 0


def test_what_the_origin_said_last_comes_though_it_takes_no_more(proxy: Proxy, ends: Ends) -> None:
    client, origin = connect(proxy, ends)
    with client:
        origin.sendall(b"y" * 60_000)
        origin.shutdown(socket.SHUT_RDWR)
        origin.close()
        client.sendall(b"x" * 100_000)  # nobody is there to read it
        time.sleep(0.1)
        client.sendall(b"x")
        assert len(read_all(client)) == 60_000


@pytest.mark.parametrize("side", ["client", "origin"])
def test_a_reset_ends_the_other_side_too(proxy: Proxy, ends: Ends, side: str) -> None:
    client, origin = connect(proxy, ends)
    gone, other = (client, origin) if side == "client" else (origin, client)
    with other:
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
        assert read_all(other) == b""


@pytest.mark.parametrize("fields", ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"])
def test_what_looks_like_a_body_of_connect_is_the_tunnels(proxy: Proxy, ends: Ends, fields: str) -> None:
    client, origin = connect(proxy, ends, b"12345678", fields)
    with client, origin:
        client.shutdown(socket.SHUT_WR)
        assert read_all(origin) == b"12345678"


def test_a_tunnel_to_nobody_is_502(proxy: Proxy) -> None:
    answer = proxy.ask("127.0.0.1:1", method="CONNECT")
    assert answer.status == 502
    assert b"refused" in answer.body
    assert "connection_refused" in answer.get("proxy-status")


def test_only_ports_that_are_allowed(proxy: Proxy) -> None:
    with Origin((STAY,)) as origin:
        answer = proxy.ask(origin.authority, method="CONNECT")
        assert answer.status == 403
        assert b"--connect-ports" in answer.body
        assert origin.connections == 0


def test_a_refused_tunnel_takes_the_next_request(proxy: Proxy) -> None:
    with proxy.connect() as sock:
        for _ in range(2):
            sock.sendall(b"CONNECT 127.0.0.1:2 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(sock).status == 403


def test_a_tunnel_into_the_proxy_itself_is_refused(
    proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Proxy(tmp_path_factory.mktemp("own") / "cache", "--connect-ports", "443") as other:
        answer = other.ask(f"127.0.0.1:{other.own_port}", method="CONNECT")
        assert answer.status == 403
