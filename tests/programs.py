"""What the tests run programs with: as a person does, and as the dashboard does."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from servers.kit import channel as wire

ROOT = Path(__file__).resolve().parents[1]
DEADLINE = 30.0
"""Seconds that only a failure takes."""


def eventually(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """The condition's value once it is true; fails where it does not become so in time.

    What a condition looks for in a list or a table may not be there yet: that is no error.
    """
    end, pause = time.monotonic() + deadline, 0.005
    while time.monotonic() < end:
        with contextlib.suppress(LookupError, StopIteration):
            value = condition()
            if value:
                return value
        time.sleep(pause)
        pause = min(0.02, pause * 1.2)  # looking takes from what is looked at
    raise AssertionError(f"not within {deadline} s: {what}")


class Program:
    """``python -m MODULE WORDS...`` in a process of its own, ended with the ``with``."""

    def __init__(
        self, module: str, *words: str, env: dict[str, str] | None = None, stdin: int | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", module, *words],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.lines)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.errors)),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, into: list[str]) -> None:
        for line in stream:
            into.append(line.rstrip("\n"))

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def line(self, pattern: str) -> re.Match[str]:
        """The first line of stdout that the pattern is found in, once it is there."""

        def found() -> re.Match[str] | None:
            return next((m for m in (re.search(pattern, line) for line in list(self.lines)) if m), None)

        return eventually(found, f"{pattern!r} in {self.lines} {self.errors}")

    def port(self) -> int:
        """The port that a server said it listens on."""
        return int(self.line(r"listening on .*:(\d+)")[1])

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """What a program run with --json has said so far, of one kind or all."""
        all_events = [msgspec.json.decode(line) for line in list(self.lines)]
        return [event for event in all_events if kind in ("", event["kind"])]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """The exit code, once it ends by itself."""
        code = self.process.wait(DEADLINE)
        for reader in self._readers:
            reader.join()
        return code


class Dashboard:
    """The other end of the channel: starts a program, reads what it says, tells it things."""

    TOKEN = "one-time"

    def __init__(self, *, reads: bool = True) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE)
        host, port = self.listener.getsockname()
        self.env = {wire.ADDRESS_VARIABLE: f"{host}:{port}", wire.TOKEN_VARIABLE: self.TOKEN}
        self.messages: list[Any] = []
        self.reads = threading.Event()
        if reads:
            self.reads.set()
        self.ended = threading.Event()
        self.sock: socket.socket | None = None
        self._reader: threading.Thread | None = None

    def accept(self) -> socket.socket:
        """Take the program's connection and read from it, in a thread."""
        self.sock, _ = self.listener.accept()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self.sock

    def _read(self) -> None:
        assert self.sock
        decoder = msgspec.json.Decoder(wire.Up)
        self.reads.wait()
        try:
            with self.sock.makefile("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # a program that was cut short leaves half a line
                        self.messages.append(decoder.decode(line))
                    self.reads.wait()
        except OSError:
            pass
        self.ended.set()

    def send(self, message: Any) -> None:
        assert self.sock
        self.sock.sendall(wire.encode(message) + b"\n")

    def call(self, name: str, arguments: Any, number: int = 1) -> wire.Answer:
        """Ask the program for something; its answer."""
        self.send(wire.Call(id=number, name=name, arguments=msgspec.Raw(wire.encode(arguments))))
        found = eventually(lambda: [a for a in self.of(wire.Answer) if a.id == number], f"answer to {name}")
        return found[0]

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in list(self.messages) if isinstance(message, kind)]

    def batches(self) -> list[wire.Batch]:
        return self.of(wire.Batch)

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        decoded = [msgspec.json.decode(raw) for batch in self.batches() for raw in batch.events]
        return [event for event in decoded if kind in ("", event["kind"])]

    def counters(self) -> dict[str, int]:
        batches = self.batches()
        return batches[-1].counters if batches else {}

    def port(self) -> int:
        """The port that a server said it listens on."""
        listening = eventually(lambda: self.events("server_listening"), "listening")[0]
        return int(listening["address"].rpartition(":")[2])

    def hang_up(self) -> None:
        assert self.sock
        self.sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Dashboard:
        return self

    def __exit__(self, *exc: object) -> None:
        self.reads.set()
        if self.sock:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
            assert self._reader
            self._reader.join()
            self.sock.close()
        self.listener.close()
