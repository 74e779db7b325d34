"""Real traffic of this machine, recordings of it, and what tshark says of a file."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs import DEADLINE, eventually


def needs(*programs: str) -> None:
    """Skip where one of these is missing, or may not capture here; in CI it is a failure."""
    missing = [name for name in programs if not shutil.which(name)]
    if os.environ.get("CI") == "true":
        assert not missing, f"CI needs {', '.join(missing)}"
        return
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    if {"tcpdump", "dumpcap"} & set(programs) and os.geteuid() != 0:
        pytest.skip("capturing needs root")


def tshark(path: Path, *fields: str, words: Iterable[str] = ()) -> list[tuple[str, ...]]:
    """These fields of every packet, as tshark prints them."""
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), *words, "-T", "fields", "-E", "separator=/t"]
        + [word for field in fields for word in ("-e", field)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def complaints(path: Path) -> list[str]:
    """What tshark has to say against a capture file when it dissects all of it."""
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-V"], capture_output=True, text=True, check=True, timeout=60
    )
    said = [line for line in done.stderr.splitlines() if "Running as user" not in line]
    return said + [line for line in done.stdout.splitlines() if "Malformed" in line]


ROOM = ("-s", "66000", "-B", "65536")
"""In immediate mode tcpdump has room for as many packets as the longest goes into its buffer: eight, else."""


@contextmanager
def recorded(path: Path, ports: Iterable[int], *command: str) -> Iterator[None]:
    """What this command writes to ``path`` meanwhile, of these ports: all of it is there after the ``with``.

    Datagrams to the discard port of 127.0.0.1 tell when it has begun, and that it has heard all before them.
    """
    chosen = " or ".join(f"port {port}" for port in [*ports, 9])
    words = ["-B", "64", "-f", chosen] if command[0] == "dumpcap" else [*ROOM, "-Z", "root", chosen]
    process = subprocess.Popen([*command, "-w", str(path), *words], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _heard(path, process, BEGINNING), f"{command[0]} captures")
        yield
        eventually(lambda: _heard(path, process, END), f"{command[0]} has written all")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE)


BEGINNING, END = b"here it begins", b"here it ends"


def _heard(path: Path, process: subprocess.Popen[bytes], mark: bytes) -> bool:
    assert process.poll() is None, "it has ended"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(mark, ("127.0.0.1", 9))
    return path.exists() and mark in path.read_bytes()


class Talk:
    """A TCP server and a UDP server on one loopback address that answer in capitals, and their clients."""

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._family = family
        self._tcp = socket.create_server((host, 0), family=family)
        self._udp = socket.socket(family, socket.SOCK_DGRAM)
        self._udp.bind((host, 0))
        self.tcp, self.udp = self._tcp.getsockname(), self._udp.getsockname()
        self._threads = [threading.Thread(target=serve) for serve in (self._serve_tcp, self._serve_udp)]
        for thread in self._threads:
            thread.start()

    def connect(self, text: bytes) -> bytes:
        """What a TCP client that says this is answered; it closes first."""
        with socket.create_connection(self.tcp[:2], DEADLINE) as sock:
            sock.sendall(text)
            sock.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    def ask(self, text: bytes) -> bytes:
        """What a UDP client that says this is answered."""
        with socket.socket(self._family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(DEADLINE)
            sock.sendto(text, self.udp)
            return sock.recv(65536)

    def _serve_tcp(self) -> None:
        while True:
            sock = self._tcp.accept()[0]
            with sock:
                text = b"".join(iter(lambda sock=sock: sock.recv(65536), b""))  # type: ignore[misc]
                if text == b"end":
                    return
                sock.sendall(text.upper())

    def _serve_udp(self) -> None:
        while (heard := self._udp.recvfrom(65536))[0] != b"end":
            self._udp.sendto(heard[0].upper(), heard[1])

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *error: object) -> None:
        self.connect(b"end")
        with socket.socket(self._family, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"end", self.udp)
        for thread in self._threads:
            thread.join(DEADLINE)
        self._tcp.close()
        self._udp.close()
