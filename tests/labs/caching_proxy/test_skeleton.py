"""The sheet's proxy as a skeleton: it says which step is next, and works once it is filled in."""

from __future__ import annotations

import hashlib
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from servers.caching_proxy import skeleton
from servers.caching_proxy.lab import LAB
from tests.labs.caching_proxy.scripted import Scripted
from tests.programs import DEADLINE

SKELETON = LAB.folder / "skeleton.py"
ANSWER = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=30\r\nContent-Length: 5\r\n\r\nhello"


def test_the_lab_offers_it() -> None:
    assert LAB.view.skeleton == SKELETON.name


def test_host_and_port_stand_on_lines_of_their_own() -> None:
    text = SKELETON.read_text(encoding="utf-8")
    assert len(re.findall(r"^HOST = .+$", text, re.M)) == 1
    assert len(re.findall(r"^PORT = \d+$", text, re.M)) == 1
    assert LAB.settings().port == skeleton.PORT


def test_it_says_which_step_is_next() -> None:
    done = subprocess.run(
        [sys.executable, str(SKELETON)], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 1
    assert "STEP 1 is not filled in yet" in done.stderr
    steps = [
        lambda: skeleton.receive_head(None),  # type: ignore[arg-type]
        lambda: skeleton.read_target(b""),
        lambda: skeleton.fetch("", 0, ""),
        lambda: skeleton.may_keep(b""),
        lambda: skeleton.file_of("", 0, ""),
    ]
    for number, step in enumerate(steps, 2):
        with pytest.raises(skeleton.NotFilledIn, match=f"STEP {number} is not filled in yet"):
            step()


def test_it_does_not_solve_the_exercise() -> None:
    code = re.sub(r'""".*?"""', "", SKELETON.read_text(encoding="utf-8"), flags=re.S)
    code = re.sub(r"#.*", "", code)
    assert not re.search(r"\.(send|recv|connect|bind|listen|split)\(|SOCK_STREAM|sha256|\\r\\n", code)


def test_it_works_once_it_is_filled_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Enough(Exception):
        """The test has asked for all that it wants."""

    class Listener(socket.socket):
        """Takes three connections."""

        left = 3

        def accept(self):  # type: ignore[no-untyped-def]
            if not self.left:
                raise Enough
            self.left -= 1
            return super().accept()

    listener = Listener(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    monkeypatch.setattr(skeleton, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(skeleton, "listen", lambda: listener)
    monkeypatch.setattr(skeleton, "receive_head", receive_head)
    monkeypatch.setattr(skeleton, "read_target", read_target)
    monkeypatch.setattr(skeleton, "fetch", fetch)
    monkeypatch.setattr(skeleton, "may_keep", lambda answer: b"max-age" in answer)
    monkeypatch.setattr(
        skeleton, "file_of",
        lambda *place: tmp_path / "cache" / hashlib.sha256(repr(place).encode()).hexdigest(),
    )  # fmt: skip
    answers: list[bytes] = []
    with Scripted(ANSWER) as origin:
        asking = threading.Thread(target=ask, args=(port, origin.port, answers))
        asking.start()
        with pytest.raises(Enough):
            skeleton.main()
        asking.join()
        assert answers == [ANSWER, ANSWER]
        assert origin.connections == 1, "the second answer is the copy"
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ready:", "MISS", "HIT"]


def ask(port: int, origin: int, answers: list[bytes]) -> None:
    """An unused connection, as browsers make them, then the same page twice."""
    socket.create_connection(("127.0.0.1", port), DEADLINE).close()
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as sock, sock.makefile("rb") as file:
            sock.sendall(b"GET /127.0.0.1:%d/x HTTP/1.1\r\n\r\n" % origin)
            answers.append(file.read())


def receive_head(sock: socket.socket) -> bytes:
    return sock.recv(4096)


def read_target(head: bytes) -> tuple[str, int, str]:
    found = re.match(rb"GET /([^:/]+):(\d+)(/\S*)", head)
    assert found
    return found[1].decode(), int(found[2]), found[3].decode()


def fetch(host: str, port: int, path: str) -> bytes:
    with socket.create_connection((host, port), DEADLINE) as sock, sock.makefile("rb") as file:
        sock.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return file.read()
