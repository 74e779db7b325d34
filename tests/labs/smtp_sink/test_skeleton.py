"""The sheet's client as a skeleton: it says which step is next, and works once it is filled in."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading

import pytest

from servers.smtp_sink import skeleton
from servers.smtp_sink.lab import LAB
from tests.programs import DEADLINE

SKELETON = LAB.folder / LAB.view.skeleton
MESSAGE = "Subject: hello\r\n\r\nI love computer networks!\r\n"


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
        lambda: skeleton.read_reply(None),  # type: ignore[arg-type]
        lambda: skeleton.command(None, "", ""),  # type: ignore[arg-type]
        skeleton.make_message,
        lambda: skeleton.send_message(None, ""),  # type: ignore[arg-type]
    ]
    for number, step in enumerate(steps, 2):
        with pytest.raises(skeleton.NotFilledIn, match=f"STEP {number} is not filled in yet"):
            step()


def test_it_does_not_solve_the_exercise() -> None:
    code = re.sub(r'""".*?"""', "", SKELETON.read_text(encoding="utf-8"), flags=re.S)
    code = re.sub(r"#.*", "", code)
    assert not re.search(r"\.(send|sendall|recv|connect|settimeout)\(|SOCK_STREAM|\\r\\n", code)


def test_it_works_once_it_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        thread = threading.Thread(target=serve, args=(listener, lines))
        thread.start()
        address = listener.getsockname()
        monkeypatch.setattr(skeleton, "connect", lambda: socket.create_connection(address, DEADLINE))
        monkeypatch.setattr(skeleton, "read_reply", lambda sock: sock.recv(1024).decode())
        monkeypatch.setattr(skeleton, "command", command)
        monkeypatch.setattr(skeleton, "make_message", lambda: MESSAGE)
        monkeypatch.setattr(skeleton, "send_message", send_message)
        skeleton.main()
        thread.join()
    assert [line.split()[0] for line in lines[:4]] == [b"HELO", b"MAIL", b"RCPT", b"DATA"]
    assert lines[1:3] == [b"MAIL FROM:<student@example.org>\r\n", b"RCPT TO:<teacher@example.org>\r\n"]
    assert b"".join(lines[4:-1]) == MESSAGE.encode() + b".\r\n"
    assert lines[-1] == b"QUIT\r\n"


def serve(listener: socket.socket, lines: list[bytes]) -> None:
    """A mail server as short as can be; ``lines`` are what came."""
    sock, _ = listener.accept()
    sock.settimeout(DEADLINE)
    with sock, sock.makefile("rb") as received:
        sock.sendall(b"220 ready\r\n")
        in_data = False
        for line in received:
            lines.append(line)
            if in_data and line != b".\r\n":
                continue
            in_data = line == b"DATA\r\n"
            sock.sendall(
                {b"DATA\r\n": b"354 go on\r\n", b"QUIT\r\n": b"221 bye\r\n"}.get(line, b"250 OK\r\n")
            )


def command(sock: socket.socket, line: str, expected: str) -> str:
    sock.sendall(line.encode() + b"\r\n")
    reply = sock.recv(1024).decode()
    assert reply.startswith(expected)
    return reply


def send_message(sock: socket.socket, message: str) -> str:
    sock.sendall(message.encode() + b".\r\n")
    return sock.recv(1024).decode()
