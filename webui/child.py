"""One child process: started, listened to, told things, stopped. No opinion about any of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from servers.kit import channel as wire
from servers.kit.addresses import PORTS_VARIABLE
from servers.kit.errors import LabError, SettingError
from webui.channel import ChannelServer

ROOT = Path(__file__).resolve().parents[1]
TAIL = 64 * 1024
"""Bytes of a child's output that are kept in memory."""
LOG_FILE = 1024 * 1024
"""Bytes of a child's output in a file, before the file begins anew."""
OUTPUT_RATE = 8 * 1024 * 1024
"""Bytes a second that are read of a child's output; one that says more waits."""
ANSWER_SECONDS = 3
LAST_WORDS_SECONDS = 1


class Child:
    """A program of a lab, run as ``python -m MODULE ARGUMENTS``.

    ``on_message(child, message)`` gets what comes up its channel; ``on_change()`` is
    called when something about it may have changed (it connected, hung up, or ended).
    ``variables`` go into its environment: what may not stand on its command line.
    Create it from a thread that lives as long as the dashboard: on Linux the kernel kills
    a child with the thread that started it.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        channel: ChannelServer,
        on_message: Callable[[Child, wire.Up], None],
        on_change: Callable[[], None],
        log_path: Path | None = None,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._on_message, self._on_change = on_message, on_change
        self._channel = channel
        self._sock: socket.socket | None = None
        self._send_lock = threading.Lock()
        self._calls: dict[int, tuple[threading.Event, list[wire.Answer]]] = {}
        self._next_call = 0
        self._log_path = log_path
        self.output = bytearray()
        self._hung_up = self._output_ended = False
        self._reached = threading.Event()  # it has connected, or will not any more
        self._exited = 0.0
        self._token = secrets.token_urlsafe(24)
        channel.expect(self._token, self)
        ours, theirs = socket.socketpair()
        environment = {**os.environ, **(variables or {})}
        environment[wire.ADDRESS_VARIABLE] = channel.address
        environment[wire.TOKEN_VARIABLE] = self._token
        environment["PYTHONIOENCODING"] = "utf-8"
        own = (os.environ.get(PORTS_VARIABLE, ""), channel.address.rpartition(":")[2])
        environment[PORTS_VARIABLE] = ",".join(filter(None, own))
        if folder is not None:
            environment["SOCKET_LAB_FOLDER"] = str(folder)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=theirs.fileno(),
                stderr=theirs.fileno(),
                cwd=ROOT,
                env=environment,
                start_new_session=True,  # Ctrl-C in the dashboard's terminal is the dashboard's
            )
        except (OSError, ValueError):  # ValueError: a NUL in an argument
            ours.close()
            channel.forget(self._token)
            raise
        finally:
            theirs.close()
        threading.Thread(target=self._read_output, args=(ours,), name="output", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        code = self._process.poll()
        if code is not None and self._process.stdin:
            self._exited = time.monotonic()
            self._signal_group(signal.SIGKILL)  # what it left running
            self._process.stdin.close()
            self._process.stdin = None
        return code

    @property
    def silent(self) -> bool:
        """Whether it has ended and all that it said has been heard.

        A second after its end nothing more is waited for: it may never have connected, or a
        process of its own may hold its output open.
        """
        if self.poll() is None:
            return False
        heard = self._hung_up and self._output_ended
        if not heard and time.monotonic() - self._exited <= LAST_WORDS_SECONDS:
            return False
        self._channel.forget(self._token)  # not before: what it said may not have been taken in yet
        return True

    def stop(self) -> None:
        """Ask it to end in order."""
        self.send(wire.Stop())
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and what it has started."""
        if self._process.poll() is None:
            self._signal_group(signal.SIGKILL)

    def send(self, message: wire.Down) -> None:
        """Send one message down; nothing happens if it is not connected."""
        with self._send_lock:
            if self._sock is not None:
                with contextlib.suppress(OSError):
                    self._sock.sendall(wire.encode(message) + b"\n")

    def call(self, name: str, arguments: Any) -> Any:
        """Have the child do something, and return its answer.

        Raises SettingError with what the child found wrong, LabError if it does not answer.
        """
        self._reached.wait(ANSWER_SECONDS)  # it may only just have been started
        done = threading.Event()
        answers: list[wire.Answer] = []
        with self._send_lock:
            self._next_call += 1
            number = self._next_call
            self._calls[number] = (done, answers)
        try:
            raw = msgspec.Raw(wire.encode(arguments))
            self.send(wire.Call(id=number, name=name, arguments=raw))
            if not done.wait(ANSWER_SECONDS) or not answers:
                raise LabError("The program did not answer. It may be busy, or ending.")
        finally:
            self._calls.pop(number, None)
        answer = answers[0]
        if answer.error:
            raise SettingError(answer.error, field=answer.field, hint=answer.hint)
        return msgspec.json.decode(answer.value)

    def text(self) -> str:
        """What it printed, the newest part."""
        return self.output.decode("utf-8", "replace")

    def last_line(self) -> str:
        """The last line that it printed; "" if none."""
        lines = [line for line in self.text().splitlines() if line.strip()]
        return lines[-1][:500] if lines else ""

    # -- the channel's listener

    def connected(self, sock: socket.socket) -> None:
        """It has said Hello."""
        sock.settimeout(5)  # for sending: a stopped child must not stop us
        self._sock = sock
        self._reached.set()
        self._on_change()

    def message(self, message: wire.Up) -> None:
        """It said something."""
        if isinstance(message, wire.Answer):
            waiting = self._calls.get(message.id)
            if waiting:
                waiting[1].append(message)
                waiting[0].set()
        else:
            self._on_message(self, message)

    def hung_up(self) -> None:
        """Its connection ended."""
        self._sock = None
        self._hung_up = True
        self._reached.set()
        for done, _ in list(self._calls.values()):
            done.set()
        self._on_change()

    # -- inside

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                self._process.send_signal(number)

    def _signal_group(self, number: int) -> None:
        """To all processes that it has started; it leads a session, and so a group, of its own."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    def _read_output(self, sock: socket.socket) -> None:
        with sock:
            while True:
                try:
                    data = sock.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    break
                time.sleep(len(data) / OUTPUT_RATE)  # a child that floods must not keep the others waiting
                self.output += data
                del self.output[:-TAIL]
                if self._log_path:
                    _append(self._log_path, data)
        self._output_ended = True
        self._on_change()


def _append(path: Path, data: bytes) -> None:
    try:
        if path.exists() and path.stat().st_size > LOG_FILE:
            path.replace(path.with_suffix(".old"))
        with path.open("ab") as file:
            file.write(data)
    except OSError:
        pass  # a full disk must not end the watching
