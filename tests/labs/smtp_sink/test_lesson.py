"""The lesson says what is so."""

from __future__ import annotations

import base64
import email
import email.policy
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.kit.settings import fields
from servers.smtp_sink.data import DataReader
from servers.smtp_sink.lab import LAB
from tests.lessons import check_commands
from tests.programs import DEADLINE, Program

LESSON = (LAB.folder / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```(\w+)\n(.*?)^ *```$", LESSON, re.M | re.S)


def test_every_link_of_the_lesson_leads_to_something_on_the_page() -> None:
    known = {f"#control-{field.name}" for field in fields(LAB.settings)}
    known |= {f"#request-{field.name}" for field in fields(LAB.request)}
    known |= {"#try", "#traffic", "#source"}
    links = set(re.findall(r"\]\(([^)]+)\)", LESSON))
    assert links <= known
    assert {"#control-tls", "#request-step", "#try", "#traffic", "#source"} <= links


def test_the_lessons_commands_are_right() -> None:
    check_commands(LAB, LESSON)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    with Program(LAB.server, "--port", "0", "--mailbox", str(tmp_path / "box")) as found:
        yield found
        assert found.stop() == 0


def stored(tmp_path: Path) -> list[bytes]:
    return [path.read_bytes() for path in (tmp_path / "box" / "new").iterdir()]


@pytest.mark.parametrize("number", [0, 1], ids=["a message", "a log-in"])
def test_the_server_says_what_the_lessons_dialogue_says(server: Program, tmp_path: Path, number: int) -> None:
    dialogues = [text for kind, text in BLOCKS if kind == "text" and "\nS: " in text]
    lines = dialogues[number].splitlines()
    with socket.create_connection(("127.0.0.1", server.port()), DEADLINE) as sock:
        file = sock.makefile("rb")
        if not lines[0].startswith("S: 220"):
            file.readline()
            sock.sendall(b"HELO me\r\n")
            file.readline()
        for line in lines:
            if line.startswith("C:"):
                sock.sendall(line[2:].strip().encode() + b"\r\n")
            else:
                said = file.readline().decode().rstrip("\r\n")
                assert said.split(" as ")[0] == line[3:].split(" as ")[0]
        file.close()
    if number == 0:
        (message,) = stored(tmp_path)
        assert message.endswith(b"Subject: Hello\r\n\r\nI love computer networks!\r\n")


def test_what_the_lesson_says_of_base64_is_so() -> None:
    words = [
        base64.b64decode(word).decode() for word in ("VXNlcm5hbWU6", "YWxpY2U=", "UGFzc3dvcmQ6", "czNjcmV0")
    ]
    assert words == ["Username:", "alice", "Password:", "s3cret"]
    dialogue = next(text for _, text in BLOCKS if "AUTH LOGIN" in text)
    assert re.findall(r"(?:334|^C:) (\S+=?)$", dialogue, re.M) == [
        "VXNlcm5hbWU6", "YWxpY2U=", "UGFzc3dvcmQ6", "czNjcmV0",
    ]  # fmt: skip
    assert "That says `Username:`, `alice`, `Password:`, `s3cret`." in LESSON


def test_the_lessons_image_arrives() -> None:
    text = next(text for _, text in BLOCKS if "multipart/mixed" in text)
    message = email.message_from_string(text, policy=email.policy.default)
    assert message["Subject"] == "Grüße"
    words, image = message.iter_parts()
    assert words.get_content() == "Look at this!"
    assert (image.get_content_type(), image.get_filename()) == ("image/png", "dot.png")
    assert image.get_content().startswith(b"\x89PNG\r\n\x1a\n")
    assert image.get_content().endswith(b"IEND\xaeB`\x82")
    assert max(map(len, text.splitlines())) <= 76
    assert not message.defects
    assert not image.defects


def printed(command: str) -> bytes:
    """What the printf in a command prints."""
    said = re.search(r"printf '([^']*)'", command)
    assert said
    return said[1].encode().decode("unicode_escape").encode()


def commands_with(word: str) -> list[str]:
    return [
        line.strip()
        for kind, text in BLOCKS if kind == "sh"
        for line in text.splitlines() if line.strip().startswith("printf") and word in line
    ]  # fmt: skip


def test_the_lessons_smuggled_message_is_none(server: Program, tmp_path: Path) -> None:
    (command,) = commands_with("admin")
    assert codes(server, printed(command)) == [220, 250, 250, 250, 354, 250, 221]
    (message,) = stored(tmp_path)
    assert message.endswith(b"\r\nhello\n.\nMAIL FROM:<admin@b.example>\r\n")


def test_the_lessons_pipelined_message_is_stored(server: Program, tmp_path: Path) -> None:
    (command,) = commands_with("at once")
    assert codes(server, printed(command)) == [220, 250, 250, 250, 354, 250, 221]
    (message,) = stored(tmp_path)
    assert message.endswith(b"Subject: at once\r\n\r\nhi\r\n")


def codes(server: Program, sent: bytes) -> list[int]:
    with socket.create_connection(("127.0.0.1", server.port()), DEADLINE) as sock:
        sock.sendall(sent)
        with sock.makefile("rb") as lines:
            return [int(line[:3]) for line in lines if line[3:4] == b" "]


def test_the_lessons_python_sends_a_message(server: Program, tmp_path: Path) -> None:
    (program,) = (text for kind, text in BLOCKS if kind == "python")
    done = subprocess.run(
        [sys.executable, "-c", program.replace("1025", str(server.port()))],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "send: 'mail FROM:<student@example.org>" in done.stderr
    (message,) = stored(tmp_path)
    assert message.endswith(b"Subject: Hello\r\n\r\nfrom smtplib\r\n")


def test_the_lesson_says_what_dots_become() -> None:
    rows = re.findall(r"^\| `(\.\S*)` \| `(\.\S*)` \| `(\.\S*)` \|$", LESSON, re.M)
    assert len(rows) == 3
    for text, wire, kept in rows:
        assert text == kept
        reader = DataReader(1000)
        assert reader.take(bytearray(f"{wire}\r\n.\r\n".encode())) == kept.encode() + b"\r\n"
        assert reader.ended
