"""What the benchmarks measure: a dashboard as a person starts it, and programs beside it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "benchmark"
DEADLINE = 60.0
"""Seconds after which whatever is waited for will not come."""


class Missing(Exception):
    """Something that a benchmark needs is not there; it is then not run."""


class Program:
    """A Python module run in a process of its own, spoken to by lines, ended with the ``with``."""

    def __init__(self, *words: str, interpreter: tuple[str, ...] = (sys.executable,)) -> None:
        self.process = subprocess.Popen(
            [*interpreter, *words], cwd=ROOT, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._timer = threading.Timer(10 * DEADLINE, self.process.kill)
        self._timer.daemon = True
        self._timer.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def say(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin
        self.process.stdin.write(line + "\n")

    def line(self, pattern: str = "") -> str:
        """The next line that it prints in which the pattern is found."""
        assert self.process.stdout
        for line in self.process.stdout:
            if re.search(pattern, line):
                return line.rstrip("\n")
        raise RuntimeError(f"{self.process.args!r} ended without saying «{pattern}»")

    def ask(self, line: str) -> Any:
        """Say a line and return the JSON that is printed in answer."""
        self.say(line)
        return json.loads(self.line())

    def end(self) -> None:
        """Ask it to end; by force after a while."""
        self._timer.cancel()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()


class Dashboard(Program):
    """``python app.py`` on a port of its own, with a data folder of its own."""

    def __init__(self, *, start: tuple[str, ...] = ("app.py",), data: Path | None = None) -> None:
        self._folder = None if data else tempfile.TemporaryDirectory()
        folder = str(data) if data else self._folder.name  # type: ignore[union-attr]
        super().__init__(*start, "--port", "0", "--no-browser", "--token", TOKEN, "--data-dir", folder)
        link = re.search(r"http://([^/]+):(\d+)/", self.line("http://"))
        assert link
        self.host, self.port = link[1], int(link[2])
        self.folder = Path(folder)

    @property
    def address(self) -> str:
        """HOST:PORT of its pages."""
        return f"{self.host}:{self.port}"

    def end(self) -> None:
        """End it with its children."""
        super().end()
        if self._folder:
            self._folder.cleanup()

    def api(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """What the API answers; raises RuntimeError for an error."""
        status, _, text = self.http(
            method, "/api/v1" + path, None if body is None else json.dumps(body),
            {"Content-Type": "application/json", **(headers or {"Authorization": f"Bearer {TOKEN}"})},
        )  # fmt: skip
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {text[:300]}")
        return json.loads(text) if text else None

    def http(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Status, headers and text of one request."""
        link = http.client.HTTPConnection(self.host, self.port, timeout=2 * DEADLINE)
        try:
            link.request(method, path, body, headers or {})
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            link.close()

    def create(self, lab: str = "udp_ping", **settings: Any) -> dict[str, Any]:
        """A new instance, running, on a port that the system chose."""
        wanted = {"lab": lab, "settings": {"port": 0, **settings}}
        made: dict[str, Any] = self.api("POST", "/instances", wanted)
        return made

    def instance(self, id: str) -> dict[str, Any]:
        """The instance as the API shows it now."""
        found: dict[str, Any] = self.api("GET", f"/instances/{id}")
        return found

    def cookie(self) -> str:
        """A session of the teacher's browser."""
        return cookie(self.http("GET", f"/?token={TOKEN}")[1])

    def join(self, name: str) -> dict[str, str]:
        """The headers of a student's browser that has joined the class."""
        code = (self.folder / "class-code").read_text().strip()
        _, headers, page = self.http("GET", "/join")
        form = urlencode({"code": code, "name": name, "csrf_token": _form_token(page)})
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie(headers)}
        status, headers, text = self.http("POST", "/join", form, kind)
        if status != 303:
            raise RuntimeError(f"joining: {status} {text[:300]}")
        session = cookie(headers)
        _, headers, page = self.http("GET", "/", headers={"Cookie": session})
        return {"Cookie": cookie(headers) or session, "X-CSRFToken": _form_token(page)}

    def browsers(self, instance: str, count: int) -> Program:
        """A process with so many simulated browsers that have joined the instance (watchers.py)."""
        words = (str(self.port), self.cookie(), instance, str(count))
        program = Program("-m", "tests.bench.watchers", *words)
        program.line("joined")
        return program

    def processes(self) -> list[psutil.Process]:
        """The dashboard and its children."""
        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]


def _form_token(page: str) -> str:
    """The CSRF token of a page."""
    found = re.search(r'csrf-token"\s+content="([^"]+)"', page)
    if not found:
        raise RuntimeError("the page has no CSRF token")
    return found[1]


def cookie(headers: http.client.HTTPMessage) -> str:
    """The session cookie that an answer sets; "" for none."""
    return (headers.get("Set-Cookie") or "").partition(";")[0]


def cpu_seconds(process: psutil.Process) -> float:
    """The processor time that a process has used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """The condition's value once it is true."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise RuntimeError(f"not within {DEADLINE:g} s: {what}")


def machine() -> str:
    """What the figures were measured on, in a line."""
    import platform

    cores = os.cpu_count()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"load average {load}"
    )
