"""What the tests drive a whole dashboard with: its process, its HTTP, its WebSocket. None of our own code."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import websocket

from tests.programs import DEADLINE, ROOT, eventually

TOKEN = "t"


class Started:
    """``python app.py`` as a person starts it, on a port of the system's choice, ended with the ``with``."""

    def __init__(
        self,
        data: Path,
        *words: str,
        mode: str = "eventlet",
        root: Path = ROOT,
        env: dict[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable, "-W", "error", "app.py", "--port", "0", "--no-browser",
                "--data-dir", str(data), "--token", TOKEN, "--async-mode", mode, *words,
            ],
            cwd=root, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.link = self.host = ""
        self.port = 0

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    def __enter__(self) -> Started:
        try:
            self.ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._reader.join()

    def ready(self) -> None:
        """Wait for the printed link."""

        def found() -> re.Match[str] | None:
            said = "\n".join(self.lines)
            assert self.process.poll() is None, said
            return re.search(r"http://(\S+):(\d+)/\?token=\S+", said)

        match = eventually(found, f"the link in {self.lines}", 30)
        self.link, self.host, self.port = match[0], match[1], int(match[2])

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(DEADLINE)
        self._reader.join()
        return code

    # -- HTTP

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = 70,
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        """Status, body (decoded where it is JSON) and headers of one HTTP exchange."""
        line = http.client.HTTPConnection(self.host.strip("[]"), self.port, timeout=timeout)
        try:
            data = None if body is None else json.dumps(body).encode()
            line.request(
                method, path, data, headers if headers is not None else {"Authorization": f"Bearer {TOKEN}"}
            )
            answer = line.getresponse()
            raw = answer.read()
        finally:
            line.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(raw) if is_json else raw.decode("utf-8", "replace"), answer.headers

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The teacher's call of the API; its body. Fails on an error."""
        status, found, _ = self.call(method, "/api/v1" + path, body)
        assert status < 400, (method, path, status, found)
        return found

    def create(self, lab: str = "udp_ping", **settings: Any) -> dict[str, Any]:
        """A new instance, running, on a port of the system's choice."""
        made: dict[str, Any] = self.api(
            "POST", "/instances", {"lab": lab, "settings": {"port": 0, **settings}}
        )
        assert made["state"] == "running"
        return made

    def state(self, instance: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"/instances/{instance}")
        return found

    def session(self, path: str = f"/?token={TOKEN}") -> str:
        """The cookie of a browser that opened ``path``."""
        _, _, headers = self.call("GET", path, headers={})
        return headers["Set-Cookie"].partition(";")[0]

    def student(self, name: str) -> dict[str, str]:
        """The headers of a browser in which a student has joined, CSRF token included."""
        _, page, headers = self.call("GET", "/join", headers={})
        cookie = headers["Set-Cookie"].partition(";")[0]
        line = http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE)
        try:
            form = f"csrf_token={csrf(page)}&code={self.code()}&name={name}&next="
            kind = "application/x-www-form-urlencoded"
            line.request("POST", "/join", form, {"Cookie": cookie, "Content-Type": kind})
            answer = line.getresponse()
            answer.read()
            assert answer.status == 303, answer.status
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        finally:
            line.close()
        _, page, headers = self.call("GET", "/", headers={"Cookie": cookie})
        if "Set-Cookie" in headers:  # it now holds the CSRF token too
            cookie = headers["Set-Cookie"].partition(";")[0]
        return {"Cookie": cookie, "X-CSRFToken": csrf(page)}

    def code(self) -> str:
        """The class code, from the teacher's page."""
        _, page, _ = self.call("GET", "/class")
        match = re.search(r"/join\?code=(\w+)", page)
        assert match, page
        return match[1]


def csrf(page: str) -> str:
    """The CSRF token of a page."""
    match = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert match, page[:2000]
    return match[1]


class Browser:
    """A Socket.IO client spelt out: Engine.IO 4 packets over a WebSocket."""

    def __init__(self, port: int, cookie: str, **headers: str) -> None:
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket",
            header=[f"Cookie: {cookie}", *(f"{k}: {v}" for k, v in headers.items())],
            origin=f"http://127.0.0.1:{port}",
            timeout=DEADLINE,
        )
        self.heard: list[tuple[str, Any]] = []
        self.accepted = False
        assert self.socket.recv().startswith("0{")
        self.socket.send("40")
        self.accepted = self.socket.recv().startswith("40{")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.shutdown()

    def emit(self, name: str, *data: Any) -> None:
        self.socket.send("42" + json.dumps([name, *data]))

    def join(self, instance: str, after: int | None = None) -> dict[str, Any]:
        """Join an instance's room; the snapshot."""
        self.emit("join", {"instance": instance} | ({} if after is None else {"after": after}))
        found: dict[str, Any] = self.next("snapshot")
        return found

    def next(self, name: str, where: Any = lambda data: True, seconds: float = DEADLINE) -> Any:
        """The next message of that name for which ``where`` holds; what came before is kept in ``heard``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            said = self.receive(end - time.monotonic())
            if said and said[0] == name and where(said[1]):
                return said[1]
        raise AssertionError(f"no {name} within {seconds} s; heard {[n for n, _ in self.heard][-30:]}")

    def receive(self, seconds: float = DEADLINE) -> tuple[str, Any] | None:
        """One message; None for a ping, which is answered."""
        self.socket.settimeout(max(0.01, seconds))
        packet = self.socket.recv()
        if packet == "2":
            self.socket.send("3")
        if not packet.startswith("42"):
            return None
        name, data = json.loads(packet[2:])
        self.heard.append((name, data))
        return name, data
