"""The article's stub as a skeleton: it says which step is next, and works once it is filled in."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import pytest

from servers.tcp_replay import skeleton
from servers.tcp_replay.lab import LAB
from tests.labs.tcp_replay.scripted import Scripted
from tests.labs.tcp_replay.stub import Stub
from tests.programs import DEADLINE

SKELETON = LAB.folder / "skeleton.py"
REQUEST, RESPONSE = b"GET /~a%b HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n\x00\xff\n~"


def test_the_lab_offers_it() -> None:
    assert LAB.view.skeleton == SKELETON.name


def test_host_and_port_stand_on_lines_of_their_own() -> None:
    text = SKELETON.read_text(encoding="utf-8")
    assert len(re.findall(r"^HOST = .+$", text, re.M)) == 1
    assert len(re.findall(r"^PORT = \d+$", text, re.M)) == 1
    assert LAB.settings().port == skeleton.PORT
    assert LAB.settings().target == f"{skeleton.TARGET_HOST}:{skeleton.TARGET_PORT}"


def test_it_says_which_step_is_next() -> None:
    done = subprocess.run(
        [sys.executable, str(SKELETON)], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 1
    assert "STEP 1 is not filled in yet" in done.stderr
    steps = [
        lambda: skeleton.receive_request(None),  # type: ignore[arg-type]
        lambda: skeleton.ask_target(b""),
        lambda: skeleton.encode(b""),
        lambda: skeleton.decode(""),
        lambda: skeleton.read_log([]),
    ]
    for number, step in enumerate(steps, 2):
        with pytest.raises(skeleton.NotFilledIn, match=f"STEP {number} is not filled in yet"):
            step()


def test_it_does_not_solve_the_exercise() -> None:
    code = re.sub(r'""".*?"""', "", SKELETON.read_text(encoding="utf-8"), flags=re.S)
    code = re.sub(r"#.*", "", code)
    assert not re.search(r"\.(send|recv|connect|bind|listen)\(|SOCK_STREAM|quote|fromhex|\\r\\n", code)


def test_it_works_once_it_is_filled_in_and_its_log_is_the_stubs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "tape.log"
    fill_in(monkeypatch, log)
    with Scripted(target) as server:
        monkeypatch.setattr(skeleton, "TARGET_PORT", server.port)
        assert served(monkeypatch, "capture", [REQUEST, b"", REQUEST]) == [RESPONSE, b"", RESPONSE]
        assert server.connections == 2
        served(monkeypatch, "replay", [REQUEST])
        assert server.connections == 2, "replay asks nobody"
    assert served(monkeypatch, "replay", [REQUEST, b"other\r\n\r\n"]) == [RESPONSE, b""]
    assert "not found other%0D%0A%0D%0A" in capsys.readouterr().out
    with Stub("replay", log) as stub:
        assert ask(stub.port, REQUEST) == RESPONSE
        assert ask(stub.port, b"other\r\n\r\n") == b""
        assert stub.stop() == "not found\n"


def test_it_replays_the_stubs_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "tape.log"
    with Scripted(target) as server, Stub("capture", log, server.port) as stub:
        assert ask(stub.port, REQUEST) == RESPONSE
    lines = log.read_bytes().split(b"\n")
    assert lines[0] == b"Requested%20data"
    assert lines[3:6] == [b"GET%20/%7Ea%25b%20HTTP/1.0%0D%0A%0D%0A", b"Responsed%20data", b"127.0.0.1"]
    assert lines[7:] == [b"HTTP/1.0%20200%20OK%0D%0A%0D%0A%00%FF%0A%7E", b"", b""]
    fill_in(monkeypatch, log)
    assert served(monkeypatch, "replay", [REQUEST]) == [RESPONSE]


# -- a student's steps, and those who ask


def target(sock: socket.socket) -> None:
    sock.recv(1000)
    sock.sendall(RESPONSE)


def fill_in(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    monkeypatch.setattr(skeleton, "LOG", log)
    monkeypatch.setattr(skeleton, "receive_request", receive_request)
    monkeypatch.setattr(skeleton, "ask_target", ask_target)
    monkeypatch.setattr(skeleton, "encode", lambda data: quote(data).replace("~", "%7E"))
    monkeypatch.setattr(skeleton, "decode", unquote_to_bytes)
    monkeypatch.setattr(skeleton, "read_log", read_log)


def receive_request(sock: socket.socket) -> bytes:
    return sock.recv(4096)


def ask_target(request: bytes) -> bytes:
    return ask(skeleton.TARGET_PORT, request)


def read_log(lines: list[str]) -> dict[bytes, bytes]:
    marks = [number for number, line in enumerate(lines) if line == "Requested%20data"]
    return {skeleton.decode(lines[at + 3]): skeleton.decode(lines[at + 7]) for at in marks}


def ask(port: int, request: bytes) -> bytes:
    """One connection: the request, and all that comes."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as sock, sock.makefile("rb") as file:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return file.read()


class Enough(Exception):
    """The test has asked for all that it wants."""


class Listener(socket.socket):
    """Takes so many connections."""

    left = 0

    def accept(self):  # type: ignore[no-untyped-def]
        if not self.left:
            raise Enough
        self.left -= 1
        return super().accept()


def served(monkeypatch: pytest.MonkeyPatch, mode: str, requests: list[bytes]) -> list[bytes]:
    """What the skeleton's main() answers."""
    listener = Listener(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.left = len(requests)
    port = listener.getsockname()[1]
    monkeypatch.setattr(skeleton, "listen", lambda: listener)
    monkeypatch.setattr(sys, "argv", ["stub", mode])
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.extend(ask(port, each) for each in requests))
    asking.start()
    with pytest.raises(Enough):
        skeleton.main()
    asking.join()
    return answers
