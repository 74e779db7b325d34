"""SMTP over the replay server: a server that speaks first, and lines that nobody answers."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.labs.tcp_replay.rig import connect, outcomes, port_of, server
from tests.programs import Program, eventually
from tests.reading import everything

NOWHERE = "127.0.0.1:1"
LINES = ("--framing", "line")


@contextmanager
def recording(tape: Path, *words: str) -> Iterator[tuple[Program, int]]:
    """The mail server with the recorder before it."""
    sink = ("servers.smtp_sink.server", "--port", "0", "--json", "--mailbox", str(tape.with_name("mail")))
    with (
        Program(*sink) as mail,
        server(f"127.0.0.1:{port_of(mail)}", *LINES, "--tape", str(tape), *words) as program,
    ):
        yield program, port_of(program)


@contextmanager
def replaying(tape: Path, *words: str) -> Iterator[tuple[Program, int]]:
    """The tape alone."""
    with server(NOWHERE, *LINES, "--mode", "replay", "--tape", str(tape), *words) as program:
        yield program, port_of(program)


def letter(subject: str = "Tape") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ana@example.org", "ben@example.org", subject
    message["Date"], message["Message-ID"] = "Sat, 21 Nov 2026 10:00:00 +0000", "<1@example.org>"
    message.set_content("Hello!\n\n.a line with a dot\n\nThree lines; one is empty.\n")
    return message


def send(port: int, *subjects: str, login: str = "") -> list[tuple[int, bytes]]:
    """Send these with smtplib, on one connection; what the server said to each step."""
    said = []
    with smtplib.SMTP("127.0.0.1", port, local_hostname="me.test", timeout=10) as smtp:
        said.append(smtp.ehlo())
        if login:
            smtp.user, smtp.password = "ana", "secret"
            said.append(smtp.auth("LOGIN", smtp.auth_login, initial_response_ok=login == "initial"))
        for subject in subjects:
            message = letter(subject)
            assert smtp.send_message(message) == {}
        said.append(smtp.noop())
        said.append(smtp.quit())
    return said


def whole(program: Program) -> None:
    eventually(lambda: program.events("connection_closed"), "the session is over")


def test_a_letter_recorded_is_sent_again_without_the_server_in_two_sessions(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recording(tape) as (program, port):
        first = send(port, "one", "two")
        whole(program)
        assert set(outcomes(program)) == {"recorded"}
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 2
    with replaying(tape) as (program, port):
        assert send(port, "one", "two") == first
        assert send(port, "one", "two") == first
        eventually(lambda: len(program.events("connection_closed")) == 2, "both sessions are over")
        assert set(outcomes(program)) == {"hit"}
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 2


def test_another_letter_is_a_miss_at_the_line_that_differs(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recording(tape) as (program, port):
        send(port, "one")
        whole(program)
    with replaying(tape) as (program, port):
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(port, "two")
        event = eventually(lambda: [e for e in program.events("exchanged") if e["outcome"] == "miss"], "told")
    assert event[0]["differs_at"] == len("Subject: ")


@pytest.mark.parametrize("how", ["initial", "prompted"])
def test_auth_login_is_replayed(tmp_path: Path, how: str) -> None:
    tape = tmp_path / "tape"
    with recording(tape) as (program, port):
        first = send(port, "one", login=how)
        whole(program)
    with replaying(tape) as (program, port):
        assert send(port, "one", login=how) == first
        assert send(port, "one", login=how) == first
        eventually(lambda: len(program.events("connection_closed")) == 2, "both sessions are over")
        assert set(outcomes(program)) == {"hit"}


def test_our_own_client_with_its_date_and_number_is_answered(tmp_path: Path) -> None:
    tape = tmp_path / "tape"

    def run(port: int) -> int:
        words = ("--from", "ana@example.org", "--to", "ben@example.org", "--text", "Hello\n.\nagain")
        with Program("servers.smtp_sink.client", "127.0.0.1", str(port), *words, "--no-tls") as client:
            return client.wait()

    with recording(tape) as (program, port):
        assert run(port) == 0
        whole(program)
    with replaying(tape, "--match", "numbers") as (program, port):  # it tells the letter's size
        assert [run(port), run(port)] == [0, 0]
        eventually(lambda: len(program.events("connection_closed")) == 2, "both sessions are over")
        assert set(outcomes(program)) == {"hit"}


def test_what_comes_after_starttls_passes_but_cannot_be_replayed(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    context = ssl._create_unverified_context()

    def secret(port: int) -> list[tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="me.test", timeout=10) as smtp:
            said = [smtp.starttls(context=context), smtp.ehlo()]
            smtp.send_message(letter("sealed"))
            return said

    with recording(tape) as (program, port):
        assert [code for code, _ in secret(port)] == [220, 250]
        whole(program)
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 1
    assert b"sealed" not in tape.read_bytes()
    with replaying(tape) as (program, port):
        with pytest.raises((smtplib.SMTPException, OSError)):
            secret(port)
        whole(program)
        told = program.events("exchanged")
        assert [event["outcome"] for event in told][-1] == "miss"
        assert "TLS" in told[-1]["reason"]


def test_a_client_that_does_not_wait_for_the_greeting_is_answered_in_order(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with recording(tape) as (program, port):
        with connect(port) as sock:
            for line in (b"ehlo me.test\r\n", b"noop\r\n", b"quit\r\n"):
                assert sock.recv(65536)
                sock.sendall(line)
            everything(sock)  # it is the server who ends it, and is seen to
        whole(program)
    with replaying(tape) as (program, port), connect(port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(b"ehlo me.test\r\nnoop\r\nquit\r\n")
        said = everything(sock)
        codes = [line[:4] for line in said.splitlines()]
        assert codes[0] == b"220 "
        assert codes[-2:] == [b"250 ", b"221 "]
