"""The sheet's client as a skeleton: it says which step is next, and works once it is filled in."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading

import pytest

from servers.http_web import skeleton
from servers.http_web.lab import LAB
from tests.programs import DEADLINE


def test_host_and_port_stand_on_lines_of_their_own():
    text = (LAB.folder / LAB.view.skeleton).read_text(encoding="utf-8")
    assert len(re.findall(r"^HOST = .+$", text, re.M)) == 1
    assert len(re.findall(r"^PORT = \d+$", text, re.M)) == 1


def test_it_says_which_step_is_next():
    file = str(LAB.folder / LAB.view.skeleton)
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 1
    assert "STEP 1 is not filled in yet" in done.stderr
    steps = [
        lambda: skeleton.make_request("x"),
        lambda: skeleton.receive_all(None),  # type: ignore[arg-type]
        lambda: skeleton.split(b""),
    ]
    for number, step in enumerate(steps, 2):
        with pytest.raises(skeleton.NotFilledIn, match=f"STEP {number} is not filled in yet"):
            step()


def test_it_works_once_it_is_filled_in(monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        address = listener.getsockname()
        monkeypatch.setattr(skeleton, "connect", lambda: socket.create_connection(address, DEADLINE))
        monkeypatch.setattr(skeleton, "make_request", lambda name: f"GET /{name} HTTP/1.1\r\n\r\n".encode())
        monkeypatch.setattr(skeleton, "receive_all", lambda sock: sock.makefile("rb").read())
        monkeypatch.setattr(skeleton, "split", split)
        monkeypatch.setattr(sys, "argv", ["skeleton.py", "a.html"])
        skeleton.main()
        thread.join()
    assert capsys.readouterr().out == "HTTP/1.1 200 OK\nX-Asked: GET /a.html HTTP/1.1\n\nhello\n"


def answer(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    with sock:
        line = sock.recv(1000).partition(b"\r\n")[0]
        sock.sendall(b"HTTP/1.1 200 OK\r\nX-Asked: " + line + b"\r\n\r\nhello")


def split(data: bytes) -> tuple[str, list[str], bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return status, headers, body
