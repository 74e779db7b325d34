"""Programs that a program of a lab starts beside itself, and that end when it does.

A worker is run as ``python -m MODULE ARGUMENTS`` with one end of a socket pair as its
channel: it tells its starter what every program tells the dashboard, and takes settings
and the word to stop from it. It also watches its standard input, and on Linux its parent,
so that it ends with its starter, however that ends. POSIX only: file descriptors are
handed down.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from servers.kit import channel as wire

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """One worker. ``on_message(worker, message)`` and ``on_end(worker)`` are called from a thread of its own.

    ``handed`` are file descriptors that it gets under the same numbers, ``environment`` variables of its own.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        on_message: Callable[[Worker, wire.Up], None],
        on_end: Callable[[Worker], None],
        handed: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._on_message, self._on_end = on_message, on_end
        self._sock, theirs = socket.socketpair()
        self._lock = threading.Lock()
        environment = {**os.environ, **(environment or {})}
        environment[wire.ADDRESS_VARIABLE] = f"fd:{theirs.fileno()}"
        environment[wire.TOKEN_VARIABLE] = "worker"
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment,
                pass_fds=(theirs.fileno(), *handed),
            )  # fmt: skip
        self._thread = threading.Thread(target=self._listen, name="worker", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def send(self, message: wire.Down) -> None:
        """Send one message down; nothing happens if it has ended."""
        with self._lock, contextlib.suppress(OSError):
            self._sock.sendall(wire.encode(message) + b"\n")

    def settle(self, changes: dict[str, Any]) -> None:
        """Hand down live settings; what it answers is not waited for."""
        self.send(wire.Call(id=0, name="settings", arguments=msgspec.Raw(wire.encode(changes))))

    def end(self, seconds: float = 2.0) -> None:
        """Ask it to end, and end it by force if it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def join(self, seconds: float = 2.0) -> None:
        """Wait until all that it told has been heard."""
        self._thread.join(seconds)

    def _listen(self) -> None:
        decode = msgspec.json.Decoder(wire.Up).decode
        with contextlib.suppress(OSError), self._sock, self._sock.makefile("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):  # one that was killed leaves half a line
                    self._on_message(self, decode(line))
        self._on_end(self)
