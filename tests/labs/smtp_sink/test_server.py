"""The SMTP server over real sockets: TLS, time, faults, counters, the end."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import resource
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.kit.certificate import fingerprint
from tests.programs import DEADLINE, Dashboard, Program, eventually

SERVER = "servers.smtp_sink.server"
MESSAGE = "Subject: Grüße\r\nFrom: a@b.org\r\nTo: c@d.org\r\n\r\nhello\r\n".encode()


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def server(mailbox: Path) -> Iterator[Program]:
    with Program(SERVER, "--port", "0", "--mailbox", str(mailbox)) as program:
        program.port()
        yield program


def connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    assert sock.recv(1000).startswith(b"220 ")
    return sock


def say(sock: socket.socket, line: bytes) -> bytes:
    sock.sendall(line)
    return sock.recv(4000)


def send(port: int, data: bytes = MESSAGE) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=DEADLINE) as client:
        client.sendmail("a@b.org", ["c@d.org", "e@f.org"], data)


def messages(mailbox: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((mailbox / "new").iterdir())]


def test_a_message_is_kept_with_its_envelope_before_it(server: Program, mailbox: Path) -> None:
    send(server.port())
    (kept,) = messages(mailbox)
    head, _, rest = kept.partition(b"Subject:")
    assert b"Subject:" + rest == MESSAGE
    lines = head.decode().split("\r\n")
    assert lines[:3] == ["Return-Path: <a@b.org>", "X-Envelope-To: <c@d.org>", "X-Envelope-To: <e@f.org>"]
    assert re.fullmatch(r"X-Envelope-Peer: 127\.0\.0\.1:\d+", lines[3])
    assert lines[4].startswith("Received: from ")
    assert list((mailbox / "tmp").iterdir()) == []


def test_each_reply_is_one_piece(server: Program) -> None:
    with connect(server.port()) as sock:
        assert say(sock, b"EHLO me\r\n").endswith(b"250 HELP\r\n")
        assert say(sock, b"NOOP\r\n").startswith(b"250 ")


def test_pipelined_commands_are_answered_in_order(server: Program) -> None:
    with connect(server.port()) as sock:
        sock.sendall(
            b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<bad>\r\nDATA\r\none\r\n.\r\n"
            b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n"
        )
        said = b""
        while piece := sock.recv(4000):
            said += piece
    codes = re.findall(rb"^(\d\d\d) ", said, re.MULTILINE)
    assert codes == [b"250", b"250", b"250", b"501", b"354", b"250", b"250", b"250", b"354", b"250", b"221"]


def test_many_clients_at_once(server: Program, mailbox: Path) -> None:
    socks = [connect(server.port()) for _ in range(50)]
    dialogue = [
        (b"EHLO x\r\n", b"250"), (b"MAIL FROM:<a@b>\r\n", b"250"), (b"RCPT TO:<c@d>\r\n", b"250"),
        (b"DATA\r\n", b"354"), (b"hi\r\n.\r\n", b"250"), (b"QUIT\r\n", b"221"),
    ]  # fmt: skip
    for line, code in dialogue:
        for sock in socks:
            sock.sendall(line)
        for sock in socks:
            assert sock.recv(4000).startswith(code)
    for sock in socks:
        sock.close()
    assert len(messages(mailbox)) == 50


# -- TLS


def test_a_client_that_hangs_up_after_quit_broke_nothing() -> None:
    with Dashboard() as board, Program(SERVER, "--port", "0", env=board.env, stdin=subprocess.PIPE):
        board.accept()
        with smtplib.SMTP("127.0.0.1", board.port(), timeout=DEADLINE) as client:
            client.starttls()
        (closed,) = eventually(lambda: board.events("connection_closed"), "it is told")
    assert closed["reason"] == "the server closed it"


def test_starttls_with_the_servers_own_certificate(mailbox: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    with Program(SERVER, "--port", "0", env={"SOCKET_LAB_FOLDER": str(own)}) as program:
        port = program.port()
        context = ssl.create_default_context(cafile=str(own / "certificate.pem"))
        with smtplib.SMTP("127.0.0.1", port, timeout=DEADLINE) as client:
            client.starttls(context=context)
            client.login("alice", "secret")
            client.sendmail("a@b.org", ["c@d.org"], MESSAGE * 20_000)
            der = client.sock.getpeercert(binary_form=True)
        program.line("TLSv1.3 with ")
    assert fingerprint(own / "certificate.pem").replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    (kept,) = messages(own / "mailbox")
    assert kept.endswith(MESSAGE * 20_000)
    assert b"\r\nX-Envelope-User: alice\r\n" in kept
    assert b" with ESMTPSA id " in kept
    assert (own / "key.pem").stat().st_mode & 0o077 == 0


def test_a_certificate_is_made_once(tmp_path: Path) -> None:
    prints = []
    for _ in range(2):
        with Program(SERVER, "--port", "0", env={"SOCKET_LAB_FOLDER": str(tmp_path)}) as program:
            program.port()
            prints.append(fingerprint(tmp_path / "certificate.pem"))
    assert prints[0] == prints[1]


def test_what_is_pipelined_before_the_handshake_is_not_obeyed_after_it(
    server: Program, mailbox: Path
) -> None:
    with connect(server.port()) as sock:
        say(sock, b"EHLO x\r\n")
        sock.sendall(b"STARTTLS\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<a@b>\r\n")
        assert sock.recv(1000) == b"220 2.0.0 Ready to start TLS\r\n"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            secure = context.wrap_socket(sock)
        except ssl.SSLError:
            return  # what came too early stood where the handshake belongs: refused as well
        with secure:
            assert say(secure, b"RCPT TO:<a@b>\r\n").startswith(b"503 ")


def test_no_tls_where_a_handshake_should_be_ends_that_connection_alone(server: Program) -> None:
    with connect(server.port()) as sock:
        say(sock, b"EHLO x\r\n")
        say(sock, b"STARTTLS\r\n")
        sock.sendall(b"EHLO again\r\n" * 10)
        with contextlib.suppress(ConnectionResetError):
            while sock.recv(1000):
                pass
    send(server.port())


def test_tls_ends_with_a_goodbye(server: Program) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connect(server.port()) as sock:
        say(sock, b"EHLO x\r\n")
        say(sock, b"STARTTLS\r\n")
        with context.wrap_socket(sock, suppress_ragged_eofs=False) as secure:
            assert say(secure, b"QUIT\r\n").startswith(b"221 ")
            assert secure.recv(100) == b""


# -- time


def test_a_silent_client_is_sent_away(mailbox: Path) -> None:
    with Program(SERVER, "--port", "0", "--mailbox", str(mailbox), "--timeout", "0.5") as program:
        with connect(program.port()) as idle, connect(program.port()) as half:
            half.sendall(b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf")
            assert idle.recv(1000).startswith(b"421 4.4.2 ")
            said = b""
            while piece := half.recv(4000):
                said += piece
        assert b"\r\n421 4.4.2 " in said
        program.line("closed after .* silent for too long")
    assert messages(mailbox) == []
    assert list((mailbox / "tmp").iterdir()) == []


def test_one_who_does_not_read_keeps_nobody_waiting(server: Program) -> None:
    with connect(server.port()) as deaf:
        deaf.setblocking(False)
        try:
            for _ in range(2000):
                deaf.send(b"HELP\r\n" * 1000)
        except BlockingIOError:
            pass
        send(server.port())


# -- faults


def test_faults_are_set_over_the_channel_and_repeat(mailbox: Path) -> None:
    with Dashboard() as board:
        words = ("--port", "0", "--mailbox", str(mailbox))
        with Program(SERVER, *words, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            port = board.port()
            assert board.call("fault", {"verb": "RCPT", "nth": 2, "code": 451}).error == ""
            assert b"451 on the 2nd RCPT" in bytes(board.call("faults", {}, 2).value)
            for _ in range(2):
                with smtplib.SMTP("127.0.0.1", port, timeout=DEADLINE) as client:
                    refused = client.sendmail("a@b.org", ["c@d.org", "e@f.org", "g@h.org"], MESSAGE)
                assert list(refused) == ["e@f.org"]
                assert refused["e@f.org"][0] == 451
            assert board.call("fault", {"verb": "MAIL"}, 13).error == ""
            assert board.call("clear_fault", {"verb": "RCPT", "nth": 2, "code": 451}, 14).error == ""
            left = bytes(board.call("faults", {}, 15).value)
            assert b"451 on the 1st MAIL" in left
            assert b"RCPT" not in left
            assert board.call("clear_faults", {}, 3).error == ""
            send(port)
            assert (
                "Code must be" in board.call("fault", {"code": 200}, 4).error
                or board.call("fault", {"code": 200}, 5).error
            )
            eventually(lambda: len(board.events("faults_set")) == 4, "set and cleared")
            told = [event.get("faults", []) for event in board.events("faults_set")]
            both = ["451 on the 2nd RCPT", "451 on the 1st MAIL"]
            assert told == [both[:1], both, both[1:], []]
            hits = eventually(
                lambda: len(board.events("fault_hit")) == 2 and board.events("fault_hit"), "two told"
            )
            assert {event["fault"] for event in hits} == {"451 on the 2nd RCPT"}
            board.call("fault", {"what": "delay", "verb": "DATA", "seconds": 0.5}, 6)
            began = time.monotonic()
            send(port)
            assert time.monotonic() - began >= 0.5
            board.call("fault", {"what": "drop", "verb": "message"}, 7)
            with pytest.raises(smtplib.SMTPServerDisconnected):
                send(port)
            kept = len(messages(mailbox))
            assert board.call("delete_all", {}, 8).error == ""
    assert kept == 4
    assert messages(mailbox) == []


def test_passwords_are_for_the_teacher_alone(mailbox: Path) -> None:
    with Dashboard() as board:
        words = ("--port", "0", "--mailbox", str(mailbox), "--accounts", "alice:secret1")
        with Program(SERVER, *words, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            with smtplib.SMTP("127.0.0.1", board.port(), timeout=DEADLINE) as client:
                with pytest.raises(smtplib.SMTPAuthenticationError):
                    client.login("alice", "wrong2")
                client.login("alice", "secret1")
            revealed = bytes(board.call("reveal", {}).value)
            eventually(lambda: board.events("connection_closed"), "it is told")
            told = repr(board.messages)
    assert b"secret1" in revealed
    assert b"wrong2" in revealed
    for text in ("secret1", "wrong2", "c2VjcmV0MQ", "d3Jvbmcy", "AGFsaWNlAHNlY3JldDE"):
        assert text not in told.replace(revealed.decode(), "")


def test_counters_and_events(mailbox: Path) -> None:
    with Dashboard() as board:
        words = ("--port", "0", "--mailbox", str(mailbox))
        with Program(SERVER, *words, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            for _ in range(3):
                send(board.port())
            eventually(
                lambda: board.counters().get("stored") == 3 and board.counters()["open"] == 0, "counted"
            )
            (first, *_) = eventually(
                lambda: len(board.events("message_stored")) == 3 and board.events("message_stored"), "told"
            )
            assert board.counters()["connections"] == 3
            assert board.counters()["commands"] == 3 * 6
    assert (first["sender"], first["recipients"], first["subject"]) == (
        "a@b.org",
        ["c@d.org", "e@f.org"],
        "Grüße",
    )
    assert (mailbox / "new" / first["id"]).exists()


# -- the end


def test_it_stops_in_order_with_clients_in_the_middle(server: Program, mailbox: Path) -> None:
    with connect(server.port()) as sock:
        say(sock, b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
        sock.sendall(b"x" * 200_000)
        server.line("C: DATA")
        assert server.stop(signal.SIGTERM) == 0
    assert not server.errors
    assert messages(mailbox) == []
    assert list((mailbox / "tmp").iterdir()) == []


def test_a_mailbox_that_cannot_be_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Program(SERVER, "--port", "0", "--mailbox", str(tmp_path / "file")) as program:
        assert program.wait() == 2
    assert "cannot be used" in program.errors[0]


def test_bad_accounts_are_a_wrong_setting() -> None:
    with Program(SERVER, "--port", "0", "--accounts", "nonsense") as program:
        assert program.wait() == 2
    assert "NAME:PASSWORD" in program.errors[0]


def test_max_connections_wait_in_the_backlog(mailbox: Path) -> None:
    words = ("--port", "0", "--mailbox", str(mailbox), "--max-connections", "1")
    with Program(SERVER, *words) as program:
        first = connect(program.port())
        second = socket.create_connection(("127.0.0.1", program.port()), timeout=0.5)
        with pytest.raises(TimeoutError):
            second.recv(10)
        first.close()
        second.settimeout(DEADLINE)
        assert second.recv(10).startswith(b"220")
        second.close()


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limit is set with prlimit(2)")
def test_without_a_file_left_it_waits_and_goes_on(server: Program) -> None:
    pid = server.process.pid
    port = server.port()
    send(port)
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), old[1]))
    socks = [socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) for _ in range(4)]
    time.sleep(0.5)
    used = processor_seconds(pid)
    time.sleep(1)
    assert processor_seconds(pid) - used < 0.5, "it spins"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
    for sock in socks:
        sock.close()
    send(port)


def processor_seconds(pid: int) -> float:
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(float, times)) / os.sysconf("SC_CLK_TCK")
