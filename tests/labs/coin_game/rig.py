"""What the coin game is tested with: its programs, raw sockets, and servers that do what a test wants."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.programs import DEADLINE, Program

SERVER, CLIENT = "servers.coin_game.server", "servers.coin_game.client"


@contextmanager
def server(*words: str) -> Iterator[Program]:
    """The server with --json, ready."""
    with Program(SERVER, "--port", "0", "--json", *words) as program:
        program.line(r'"server_listening"')
        yield program


def port_of(program: Program) -> int:
    """Where it listens."""
    return int(program.line(r'"address":"[^"]*:(\d+)"')[1])


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A connection of no program of ours."""
    return socket.create_connection((host, port), timeout=DEADLINE)


def everything(sock: socket.socket) -> bytes:
    """What comes until the connection ends; a reset ends it, too."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while more := sock.recv(65536):
            data += more
    return data


def coin_of(greeting: bytes) -> random.Random:
    """The server's coin, tossed as Python 3 does: from the second that the greeting announces."""
    found = re.search(rb"Server time: \[(.+)\]\n\n", greeting)
    assert found
    return random.Random(int(time.mktime(time.strptime(found[1].decode()))))


def toss(coin: random.Random) -> bytes:
    """One toss, as it is guessed."""
    return coin.choice(["0", "1"]).encode()


def ended(program: Program, count: int = 1) -> list[dict[str, Any]]:
    """The first so many endings that the server told."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        found = program.events("coin_game_ended")
        if len(found) >= count:
            return found
        time.sleep(0.005)
    raise AssertionError(f"{count} games have not ended: {program.lines[-5:]} {program.errors}")


def play(
    port: int | str, *words: str, host: str = "127.0.0.1"
) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Our client with --json: exit code, result, events. Only the naive reader needs the pause."""
    pause = "0" if "framed" in words else "200"
    with Program(CLIENT, host, str(port), "--json", "--pause", pause, *words) as client:
        code = client.wait()
        found = client.events("result")
        return code, found[0] if found else {}, client.events()


class Scripted:
    """A TCP server: ``talk(sock)`` with each connection, in a thread."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._talk = talk
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._run)]
        self._threads[0].start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                sock.settimeout(DEADLINE)
                self._threads.append(threading.Thread(target=self._one, args=(sock,)))
                self._threads[-1].start()

    def _one(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            self._talk(sock)

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self._threads:
            thread.join()
