"""The SMTP server as strangers see it: smtplib, swaks, curl, and sockets used as a student would."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.programs import DEADLINE, ROOT, Program

SIZE = 300_000
FROM, TO = "alice@example.org", "bob@example.org"
MESSAGE = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: SMTP lab\r\n\r\nHello\r\n"


class Mail:
    """A running server, its mailbox, and ways to talk to it."""

    def __init__(self, server: Program, box: Path) -> None:
        self.server, self.port, self.box = server, server.port(), box

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)

    def names(self) -> set[str]:
        return {path.name for path in self.box.joinpath("new").iterdir()}

    def take(self) -> Stored:
        """The one message that is there, which is then deleted."""
        (path,) = self.box.joinpath("new").iterdir()
        data = path.read_bytes()
        path.unlink()
        assert not list(self.box.joinpath("tmp").iterdir())
        return Stored(data)

    def raw(self, *pieces: bytes) -> bytes:
        """All that the server says until it closes; each piece is sent by a call of its own."""
        with self.connect() as sock:
            for piece in pieces:
                sock.sendall(piece)
            return read_all(sock)


class Stored:
    """A message of the mailbox: the trace fields that the server put before it, and the rest."""

    def __init__(self, data: bytes) -> None:
        self.trace: dict[str, list[str]] = {}
        name = ""
        at = 0
        for line in data.splitlines(keepends=True):
            folded = line.startswith((b" ", b"\t"))
            if not folded:
                if name == "Received":
                    break
                name = line.decode().partition(":")[0]
                self.trace.setdefault(name, [])
            self.trace[name].append(line.decode().partition(": ")[2].rstrip("\r\n"))
            assert line.endswith(b"\r\n")
            at += len(line)
        self.sent = data[at:]

    @property
    def recipients(self) -> list[str]:
        return [value.strip("<>") for value in self.trace["X-Envelope-To"]]

    @property
    def sender(self) -> str:
        (path,) = self.trace["Return-Path"]
        assert path.startswith("<")
        assert path.endswith(">")
        return path[1:-1]

    @property
    def user(self) -> str:
        return (self.trace.get("X-Envelope-User") or [""])[0]


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def codes(said: bytes) -> list[int]:
    """The codes of replies, one for each reply."""
    assert said.endswith(b"\r\n") or not said
    return [int(line[:3]) for line in said.decode().splitlines() if line[3:4] != "-"]


def in_turn(sock: socket.socket, *lines: bytes) -> list[int]:
    """Say line after line, and take what one recv() brings; the codes, the greeting's first."""
    found = [sock.recv(1024)]
    for line in lines:
        sock.sendall(line)
        found.append(sock.recv(1024))
    assert all(reply.endswith(b"\r\n") for reply in found)
    return [int(reply[:3]) for reply in found]


def b64(text: bytes | str) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


def no_check() -> ssl.SSLContext:
    """A client's TLS that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Mail]]:
    """Start servers with these flags; each is used for the whole module, and must end well."""
    running: dict[tuple[str, ...], Mail] = {}

    def server(*words: str) -> Mail:
        if words not in running:
            box = tmp_path_factory.mktemp("box") / "mailbox"
            program = Program(
                "servers.smtp_sink.server", "--port", "0", "--mailbox", str(box), "--size", str(SIZE), *words
            )
            running[words] = Mail(program, box)
        mail = running[words]
        for path in mail.box.glob("new/*"):
            path.unlink()
        return mail

    yield server
    for mail in running.values():
        with mail.server:
            assert mail.server.stop() == 0
            assert mail.server.errors == []


@pytest.fixture
def mail(start: Callable[..., Mail]) -> Mail:
    return start()


@pytest.fixture
def strict(start: Callable[..., Mail]) -> Mail:
    """With an account, no mail without TLS and a log-in."""
    return start("--accounts", "alice:s3cret,bob:with:colon", "--tls", "require", "--require-auth")


@pytest.fixture
def client(mail: Mail) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", mail.port, timeout=DEADLINE) as found:
        yield found


# -- smtplib


def test_smtplib_learns_what_the_server_offers(client: smtplib.SMTP) -> None:
    assert client.ehlo()[0] == 250
    offered = {name.lower(): value for name, value in client.esmtp_features.items()}
    wanted = {"size", "8bitmime", "smtputf8", "pipelining", "enhancedstatuscodes", "starttls", "auth", "help"}
    assert wanted <= set(offered)
    assert int(offered["size"]) == SIZE
    assert {"PLAIN", "LOGIN"} <= set(offered["auth"].split())


def test_smtplib_sends_a_message(mail: Mail, client: smtplib.SMTP) -> None:
    assert client.sendmail(FROM, [TO], MESSAGE) == {}
    stored = mail.take()
    assert stored.sent == MESSAGE
    assert (stored.sender, stored.recipients, stored.user) == (FROM, [TO], "")
    assert re.fullmatch(r"127\.0\.0\.1:\d+", stored.trace["X-Envelope-Peer"][0])


def test_smtplib_starts_tls_and_says_hello_again(mail: Mail, client: smtplib.SMTP) -> None:
    client.ehlo()
    assert client.starttls(context=no_check())[0] == 220
    assert not client.esmtp_features
    client.ehlo()
    assert "starttls" not in client.esmtp_features
    assert client.docmd("STARTTLS")[0] in (502, 503, 554)
    client.sendmail(FROM, [TO], MESSAGE)
    assert mail.take().sent == MESSAGE


def test_the_envelope_is_forgotten_when_tls_starts(mail: Mail, client: smtplib.SMTP) -> None:
    client.ehlo()
    assert client.mail(FROM)[0] == 250
    assert client.rcpt(TO)[0] == 250
    client.starttls(context=no_check())
    assert client.docmd("DATA")[0] == 503
    client.ehlo()
    assert client.docmd("DATA")[0] == 503


@pytest.mark.parametrize("way", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("at_once", [True, False])
def test_smtplib_logs_in(strict: Mail, way: str, at_once: bool) -> None:
    with smtplib.SMTP("127.0.0.1", strict.port, timeout=DEADLINE) as client:
        client.starttls(context=no_check())
        client.ehlo()
        client.user, client.password = "bob", "with:colon"  # type: ignore[attr-defined]
        method = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[way]
        assert client.auth(way, method, initial_response_ok=at_once)[0] == 235
        assert client.docmd("AUTH", "PLAIN")[0] == 503
        client.sendmail(FROM, [TO], MESSAGE)
    assert strict.take().user == "bob"


@pytest.mark.parametrize(
    ("name", "password"), [("alice", "wrong"), ("nobody", "s3cret"), ("", ""), ("älice", "s3cret")]
)
def test_a_wrong_password_is_535_and_no_mail_is_taken(strict: Mail, name: str, password: str) -> None:
    with smtplib.SMTP("127.0.0.1", strict.port, timeout=DEADLINE) as client:
        client.starttls(context=no_check())
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN " + b64(f"\0{name}\0{password}").decode())[0] == 535
        assert client.mail(FROM)[0] == 530
    assert strict.names() == set()


def test_no_mail_and_no_login_without_tls_where_it_is_required(strict: Mail) -> None:
    with smtplib.SMTP("127.0.0.1", strict.port, timeout=DEADLINE) as client:
        client.ehlo()
        assert client.mail(FROM)[0] == 530
        assert client.docmd("AUTH", "PLAIN " + b64("\0alice\0s3cret").decode())[0] in (530, 538)
        assert client.noop()[0] == 250


def test_auth_is_refused_inside_a_transaction_and_may_be_cancelled(client: smtplib.SMTP) -> None:
    client.ehlo()
    assert client.mail(FROM)[0] == 250
    assert client.docmd("AUTH", "PLAIN " + b64("\0a\0b").decode())[0] == 503
    client.rset()
    assert client.docmd("AUTH", "LOGIN")[0] == 334
    assert client.docmd("*")[0] == 501
    assert client.docmd("AUTH", "PLAIN")[0] == 334
    assert client.docmd("!!! not base64 !!!")[0] == 501
    assert client.docmd("AUTH", "CRAM-MD5")[0] == 504
    assert client.docmd("AUTH", "PLAIN " + b64("\0a\0b").decode())[0] == 235


def test_two_hundred_recipients(mail: Mail, client: smtplib.SMTP) -> None:
    everybody = [f"student{number}@example.org" for number in range(200)]
    assert client.sendmail(FROM, everybody, MESSAGE) == {}
    stored = mail.take()
    assert stored.recipients == everybody
    assert stored.sent == MESSAGE


def test_letters_of_all_languages(mail: Mail, client: smtplib.SMTP) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "jürgen@exämple.org", "用户@例え.jp", "Grüße"
    message.set_content("Здравствуйте\n", cte="8bit")
    client.ehlo()
    assert client.send_message(message) == {}
    stored = mail.take()
    assert (stored.sender, stored.recipients) == ("jürgen@exämple.org", ["用户@例え.jp"])
    assert "Subject: Grüße\r\n".encode() in stored.sent
    assert stored.sent.endswith("\r\n\r\nЗдравствуйте\r\n".encode())


def test_an_address_with_umlauts_needs_smtputf8(client: smtplib.SMTP) -> None:
    client.ehlo()
    client.send("MAIL FROM:<jürgen@example.org>\r\n".encode())
    assert client.getreply()[0] in (501, 550, 553)
    client.send("MAIL FROM:<jürgen@example.org> SMTPUTF8\r\n".encode())
    assert client.getreply()[0] == 250


EVERY_BYTE = bytes(b for b in range(256) if b not in b"\r\n")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\r\n",
        b"no header at all\r\n",
        b"\r\n" + EVERY_BYTE + b"\r\n",
        b"Subject: \xfc\xff\x00\r\n\r\n\x80\x81\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 998 + b"\r\n",
        b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\n. \r\n\r\n.\r\n",
        b".first\r\n",
        b"\r\n" * 5000,
        b".\r\n" * 5000,
        b"Return-Path: <forged@example.org>\r\nX-Envelope-To: <forged>\r\nReceived: forged\r\n\r\nx\r\n",
        b"From mbox\r\n>From mbox\r\n",
    ],
    ids=[
        "empty", "empty line", "no header", "every byte", "8 bit", "998", "dots", "dot first", "lines",
        "dot lines", "forged", "mbox",
    ],
)  # fmt: skip
def test_what_is_stored_are_the_bytes_that_were_sent(
    mail: Mail, client: smtplib.SMTP, message: bytes
) -> None:
    client.ehlo()
    client.mail(FROM, ["BODY=8BITMIME"])
    client.rcpt(TO)
    assert client.docmd("DATA")[0] == 354
    stuffed = re.sub(rb"(?m)^\.", b"..", message)
    client.send(stuffed + b".\r\n")
    assert client.getreply()[0] == 250
    stored = mail.take()
    assert (stored.sent, stored.sender, stored.recipients) == (message, FROM, [TO])


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1024])
def test_how_the_bytes_are_cut_into_segments_does_not_matter(mail: Mail, piece: int) -> None:
    body = b"Subject: cut\r\n\r\n..\r\n.\nx\r.\r\n..x\r\n"
    talk = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n" + body + b"\r\n.\r\nQUIT\r\n"
    with mail.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(talk), piece):
            sock.sendall(talk[at : at + piece])
        assert codes(read_all(sock)) == [220, 250, 250, 250, 354, 250, 221]
    assert mail.take().sent == b"Subject: cut\r\n\r\n.\r\n\nx\r.\r\n.x\r\n\r\n"


@pytest.mark.parametrize("sender", ["", '"two words"@example.org', '"a>b"@example.org', "a@[127.0.0.1]"])
def test_senders_of_all_shapes(mail: Mail, client: smtplib.SMTP, sender: str) -> None:
    client.ehlo()
    assert client.docmd(f"MAIL FROM:<{sender}>")[0] == 250
    assert client.docmd("RCPT TO:<Postmaster>")[0] == 250
    assert client.docmd("RCPT TO:<@relay.example,@b.example:carol@example.org>")[0] == 250
    assert client.data(MESSAGE)[0] == 250
    stored = mail.take()
    assert stored.sender == sender
    assert stored.recipients[0].lower() == "postmaster"
    assert stored.recipients[1].endswith("carol@example.org")


def test_a_message_that_announces_too_much_is_refused_at_once(mail: Mail, client: smtplib.SMTP) -> None:
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        client.sendmail(FROM, [TO], b"x" * (SIZE + 1))
    assert refused.value.smtp_code == 552
    assert client.noop()[0] == 250
    assert mail.names() == set()


def test_a_message_that_grows_too_large_is_refused_at_its_end(mail: Mail, client: smtplib.SMTP) -> None:
    client.ehlo()
    client.mail(FROM)
    client.rcpt(TO)
    assert client.data((b"x" * 70 + b"\r\n") * (3 * SIZE // 72))[0] == 552
    assert mail.names() == set()
    assert not list(mail.box.joinpath("tmp").iterdir())
    assert client.sendmail(FROM, [TO], MESSAGE) == {}
    assert mail.take().sent == MESSAGE


def test_a_message_of_exactly_the_largest_size_is_taken(mail: Mail, client: smtplib.SMTP) -> None:
    message = (b"y" * 98 + b"\r\n") * (SIZE // 100)
    assert len(message) == SIZE
    assert client.sendmail(FROM, [TO], message) == {}
    assert mail.take().sent == message


def test_commands_that_tell_and_do_nothing(client: smtplib.SMTP) -> None:
    assert client.docmd("NOOP", "whatever")[0] == 250
    assert client.docmd("HELP")[0] in (211, 214)
    assert client.docmd("VRFY", "bob")[0] == 252
    assert client.docmd("RSET")[0] == 250
    assert client.docmd("EXPN", "everybody")[0] in (500, 502)
    assert client.docmd("TURN")[0] in (500, 502)


# -- swaks and curl


def run(*words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} here")
    return subprocess.run(words, input=data, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("words", "user"),
    [
        ((), ""),
        (("--protocol", "SMTP"), ""),
        (("--tls",), ""),
        (("--auth", "LOGIN", "--auth-user", "alice", "--auth-password", "x"), "alice"),
        (("--tls", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "x"), "alice"),
        (("--pipeline",), ""),
    ],
    ids=["plain", "HELO", "tls", "login", "tls and plain", "pipeline"],
)
def test_swaks_sends_a_message(mail: Mail, words: tuple[str, ...], user: str) -> None:
    done = run(
        "swaks", "--server", "127.0.0.1", "--port", str(mail.port), "--from", FROM,
        "--to", f"{TO},carol@x.org", "--body", "first\n.dot\n..two dots\nlast", "--timeout", "15", *words,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    stored = mail.take()
    assert (stored.sender, stored.recipients, stored.user) == (FROM, [TO, "carol@x.org"], user)
    assert b"\r\nfirst\r\n.dot\r\n..two dots\r\nlast\r\n" in stored.sent


def test_swaks_is_told_of_a_wrong_password(strict: Mail) -> None:
    done = run(
        "swaks", "--server", "127.0.0.1", "--port", str(strict.port), "--from", FROM, "--to", TO,
        "--tls", "--auth", "LOGIN", "--auth-user", "alice", "--auth-password", "x", "--timeout", "15",
    )  # fmt: skip
    assert done.returncode == 28, done.stdout.decode()  # AUTH failed
    assert strict.names() == set()


@pytest.mark.parametrize(
    ("words", "user"),
    [
        ((), ""),
        (("--ssl-reqd", "--insecure"), ""),
        (("--user", "alice:x", "--login-options", "AUTH=LOGIN"), "alice"),
        (("--user", "alice:x", "--login-options", "AUTH=PLAIN"), "alice"),
        (("--user", "alice:x", "--login-options", "AUTH=PLAIN", "--sasl-ir"), "alice"),
        (("--ssl", "--insecure", "--user", "alice:x"), "alice"),
        (("--mail-auth", "<alice@example.org>"), ""),
    ],
    ids=["plain", "tls", "login", "auth plain", "initial response", "tls and login", "mail-auth"],
)
def test_curl_sends_a_message(mail: Mail, words: tuple[str, ...], user: str) -> None:
    message = b"From: a\r\nSubject: curl\r\n\r\n.dot\r\n..dots\r\n.\r\nlast\r\n"
    done = run(
        "curl", "-q", "-sS", "-m", "30", "--noproxy", "*", f"smtp://127.0.0.1:{mail.port}/client.example.org",
        "--mail-from", FROM, "--mail-rcpt", TO, "--mail-rcpt", "carol@x.org", "-T", "-", *words, data=message,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    stored = mail.take()
    assert (stored.sender, stored.recipients, stored.user) == (FROM, [TO, "carol@x.org"], user)
    assert stored.sent == message


def test_curl_is_told_that_a_file_is_too_large(mail: Mail, tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"z" * (SIZE + 1))
    done = run(
        "curl", "-q", "-sS", "-m", "30", "--noproxy", "*", f"smtp://127.0.0.1:{mail.port}",
        "--mail-from", FROM, "--mail-rcpt", TO, "-T", str(file),
    )  # fmt: skip
    assert done.returncode == 55
    assert b"552" in done.stderr


# -- as a student writes it


@pytest.mark.parametrize("words", [(), ("login",)], ids=["no login", "login"])
def test_the_sheets_client_is_understood(mail: Mail, words: tuple[str, ...]) -> None:
    client = ROOT / "tests" / "labs" / "smtp_sink" / "sheet_client.py"
    done = run(sys.executable, str(client), "127.0.0.1", str(mail.port), *words)
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode()
    assert "not received" not in said
    assert [line[:3] for line in said.splitlines()] == (
        ["220", "250", "334", "334", "235", "250", "250", "354", "250"]
        if words
        else ["220", "250", "250", "250", "354", "250"]
    )
    stored = mail.take()
    assert stored.sent == (
        b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: SMTP lab\t\n"
        b"\r\n I love computer networks!\r\n"
    )
    assert (stored.sender, stored.recipients) == (FROM, [TO])
    assert stored.user == ("alice" if words else "")


def test_helo_is_answered_with_one_line(mail: Mail) -> None:
    said = mail.raw(b"HELO Alice\r\nQUIT\r\n")
    assert codes(said) == [220, 250, 221]
    assert said.count(b"\r\n") == 3


def test_auth_login_asks_in_base64(mail: Mail) -> None:
    said = mail.raw(b"HELO a\r\nAUTH LOGIN\r\n", b64("alice") + b"\r\n", b64("x") + b"\r\nQUIT\r\n")
    asked = [base64.b64decode(line[4:]) for line in said.splitlines() if line.startswith(b"334 ")]
    assert asked == [b"Username:", b"Password:"]
    assert codes(said) == [220, 250, 334, 334, 235, 221]


@pytest.mark.parametrize("line", [b"AUTH LOGIN " + b64("alice"), b"auth login " + b64("alice")])
def test_auth_login_takes_the_name_at_once(mail: Mail, line: bytes) -> None:
    said = mail.raw(b"EHLO a\r\n" + line + b"\r\n" + b64("x") + b"\r\nQUIT\r\n")
    assert codes(said) == [220, 250, 334, 235, 221]


@pytest.mark.parametrize(
    "lines",
    [
        (b"MAIL FROM: <a@b>\r\n", b"RCPT TO: <c@d>\r\n"),
        (b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n"),
        (b"mail from:<a@b>\r\n", b"rcpt to:<c@d>\r\n"),
        (b"MAIL FROM:  <a@b>  \r\n", b"RCPT TO:  <c@d> \r\n"),
        (b"MAIL FROM:<a@b> SIZE=100 BODY=7BIT\r\n", b"RCPT TO:<c@d>\r\n"),
    ],
)
def test_ways_to_write_an_envelope(mail: Mail, lines: tuple[bytes, ...]) -> None:
    with mail.connect() as sock:
        assert in_turn(sock, b"EHLO a\r\n", *lines, b"DATA\r\n", b"x\r\n.\r\n", b"QUIT\r\n") == [
            220, 250, 250, 250, 354, 250, 221,
        ]  # fmt: skip
    stored = mail.take()
    assert (stored.sender, stored.recipients) == ("a@b", ["c@d"])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"MAIL FROM:<a@b>"], [503]),
        ([b"HELO a", b"RCPT TO:<a@b>"], [250, 503]),
        ([b"HELO a", b"DATA"], [250, 503]),
        ([b"HELO a", b"MAIL FROM:<a@b>", b"DATA"], [250, 250, (503, 554)]),
        ([b"HELO a", b"MAIL FROM:<a@b>", b"MAIL FROM:<a@b>"], [250, 250, 503]),
        ([b"HELO a", b"MAIL FROM:<a@b>", b"RSET", b"RCPT TO:<a@b>"], [250, 250, 250, 503]),
        ([b"HELO a", b"MAIL FROM:<a@b>", b"HELO a", b"RCPT TO:<a@b>"], [250, 250, 250, 503]),
        ([b"HELO a", b"MAIL FROM:<a@b>", b"STARTTLS now"], [250, 250, 501]),
        ([b"HELO"], [501]),
        ([b"EHLO"], [501]),
        ([b"HELO a", b"MAIL"], [250, 501]),
        ([b"HELO a", b"MAIL FROM"], [250, 501]),
        ([b"HELO a", b"MAIL FROM:<a@b"], [250, 501]),
        ([b"HELO a", b"MAIL FROM:<a@b>", b"RCPT TO:<>"], [250, 250, (501, 550, 553)]),
        ([b"HELO a", b"MAIL FROM:<a@b>", b"RCPT FROM:<a@b>"], [250, 250, 501]),
        ([b"EHLO a", b"MAIL FROM:<a@b> COLOUR=blue"], [250, 555]),
        ([b"EHLO a", b"MAIL FROM:<a@b> SIZE=many"], [250, 501]),
        ([b"EHLO a", b"MAIL FROM:<a@b> SIZE=999999999"], [250, 552]),
        ([b"EHLO a", b"MAIL FROM:<a@b>", b"RCPT TO:<a@b> NOTIFY=NEVER"], [250, 250, 555]),
        ([b"HELO a", b"DATA now"], [250, (501, 503)]),
        ([b"HALLO a"], [500]),
        ([b""], [500]),
        ([b"NOOP " + b"x" * 3000], [500]),
        ([b"HELO \xff\xfe"], [(250, 500, 501)]),
        ([b"EHLO a", b"MAIL FROM:<a@\x00b>"], [250, (500, 501, 553)]),
    ],
    ids=lambda value: (
        " ".join(line.decode("latin-1")[:14] for line in value)
        if value and isinstance(value[0], bytes)
        else ""
    ),
)
def test_commands_out_of_order_and_wrong_ones(mail: Mail, lines: list[bytes], expected: list[Any]) -> None:
    with mail.connect() as sock:
        found = in_turn(sock, *(line + b"\r\n" for line in (*lines, b"NOOP")))
    assert (found[0], found[-1]) == (220, 250)
    for code, wanted in zip(found[1:-1], expected, strict=True):
        assert code in (wanted if isinstance(wanted, tuple) else (wanted,)), found
    assert mail.names() == set()


def test_quit_without_reading_loses_nothing(mail: Mail) -> None:
    sent = b"HELO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"
    with mail.connect() as sock:
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        assert codes(read_all(sock)) == [220, 250, 250, 250, 354, 250, 221]
    assert mail.take().sent == b"x\r\n"


def test_a_message_that_is_cut_off_leaves_no_trace(mail: Mail) -> None:
    with mail.connect() as sock:
        assert (
            in_turn(sock, b"HELO a\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n")[-1] == 354
        )
        sock.sendall(b"Subject: half\r\n\r\nthe first half" + b"x" * 100_000)
        sock.shutdown(socket.SHUT_WR)
        read_all(sock)
    assert mail.raw(b"QUIT\r\n")
    assert mail.names() == set()
    assert not list(mail.box.joinpath("tmp").iterdir())


def test_several_messages_on_one_connection(mail: Mail) -> None:
    one = b"MAIL FROM:<a@b>\r\nRCPT TO:<c%d@d>\r\nDATA\r\nnumber %d\r\n.\r\n"
    said = mail.raw(b"EHLO a\r\n" + b"".join(one % (n, n) for n in range(20)) + b"QUIT\r\n")
    assert codes(said) == [220, 250] + [250, 250, 354, 250] * 20 + [221]
    found = [Stored(path.read_bytes()) for path in mail.box.joinpath("new").iterdir()]
    assert {(each.recipients[0], each.sent) for each in found} == {
        (f"c{n}@d", b"number %d\r\n" % n) for n in range(20)
    }


def test_replies_to_pipelined_commands_come_in_order(mail: Mail) -> None:
    said = mail.raw(
        b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<wrong\r\nRCPT TO:<e@f>\r\nDATA\r\n",
        b"Subject: pipelined\r\n\r\n.\r\nVRFY x\r\nMAIL FROM:<g@h>\r\nRSET\r\nQUIT\r\nNOOP\r\n",
    )
    assert codes(said) == [220, 250, 250, 250, 501, 250, 354, 250, 252, 250, 250, 221]
    assert mail.take().recipients == ["c@d", "e@f"]


# -- what must not be possible


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\n\r.\r\n"]
)
def test_only_cr_lf_dot_cr_lf_ends_a_message(mail: Mail, end: bytes) -> None:
    inner = b"MAIL FROM:<admin@b>\r\nRCPT TO:<victim@d>\r\nDATA\r\nSubject: smuggled\r\n\r\n"
    body = b"Subject: outer\r\n\r\nhello" + end + inner
    said = mail.raw(b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", body + b"\r\n.\r\nQUIT\r\n")
    assert codes(said) == [220, 250, 250, 250, 354, 250, 221]
    stored = mail.take()
    assert (stored.sender, stored.recipients) == ("a@b", ["c@d"])
    assert stored.sent == re.sub(rb"(?<=\r\n)\.", b"", body) + b"\r\n"


@pytest.mark.parametrize("hello", [b"EHLO a\r\n", b"HELO a\r\n"])
def test_what_was_sent_before_the_handshake_is_not_obeyed_after_it(mail: Mail, hello: bytes) -> None:
    with mail.connect() as sock:
        assert in_turn(sock, hello)[-1] == 250
        sock.sendall(b"STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@b>\r\nRCPT TO:<c@d>\r\n")
        said = sock.recv(1024)
        if not said.startswith(b"220"):
            assert codes(said)[0] >= 400
            return
        assert said.count(b"\r\n") == 1, "nothing was answered in clear"
        try:
            secure = no_check().wrap_socket(sock)
        except (ssl.SSLError, ConnectionError):
            return  # the server took the bytes for a handshake, and gave up
        with secure:
            secure.sendall(b"EHLO a\r\nDATA\r\nQUIT\r\n")
            assert codes(read_all(secure)) == [250, 503, 221]
    assert mail.names() == set()


def test_tls_needs_a_handshake(mail: Mail) -> None:
    with mail.connect() as sock:
        assert in_turn(sock, b"EHLO a\r\n", b"STARTTLS\r\n") == [220, 250, 220]
        sock.sendall(b"EHLO in clear\r\nMAIL FROM:<a@b>\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"250" not in read_all(sock)
    assert codes(mail.raw(b"QUIT\r\n")) == [220, 221]


def test_starttls_is_unknown_where_it_is_off(start: Callable[..., Mail]) -> None:
    mail = start("--tls", "off")
    said = mail.raw(b"EHLO a\r\nSTARTTLS\r\nQUIT\r\n")
    assert codes(said) in ([220, 250, 500, 221], [220, 250, 502, 221], [220, 250, 454, 221])
    assert b"STARTTLS" not in said.split(b"\r\n", 1)[1].split(b"\r\n250 ")[0]


def test_no_password_is_printed(start: Callable[..., Mail]) -> None:
    mail = start("--accounts", "alice:s3cret")
    plain, words = b64("\0alice\0s3cret"), (b64("alice"), b64("s3cret"))
    mail.raw(b"EHLO a\r\nAUTH PLAIN " + plain + b"\r\nQUIT\r\n")
    mail.raw(b"EHLO a\r\nAUTH PLAIN\r\n" + plain + b"\r\nQUIT\r\n")
    mail.raw(b"EHLO a\r\nAUTH LOGIN\r\n" + words[0] + b"\r\n" + words[1] + b"\r\nVRFY done\r\nQUIT\r\n")
    mail.server.line("VRFY done")
    said = "\n".join(mail.server.lines)
    for secret in ("s3cret", plain.decode(), words[1].decode()):
        assert secret not in said


def test_thirty_clients_at_once(mail: Mail) -> None:
    socks = [mail.connect() for _ in range(30)]
    try:
        for sock in socks:
            assert (
                in_turn(sock, b"EHLO a\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n")[-1]
                == 354
            )
        for number, sock in enumerate(socks):
            sock.sendall(b"half of %d\r\n" % number)
        for number, sock in reversed(list(enumerate(socks))):
            sock.sendall(b"rest of %d\r\n.\r\n" % number)
            assert sock.recv(1024).startswith(b"250")
    finally:
        for sock in socks:
            sock.close()
    found = {Stored(path.read_bytes()).sent for path in mail.box.joinpath("new").iterdir()}
    assert found == {b"half of %d\r\nrest of %d\r\n" % (number, number) for number in range(30)}


def test_a_large_message_comes_through_whole(start: Callable[..., Mail]) -> None:
    mail = start()
    body = b"".join(b"%06d %s\r\n" % (n, hashlib.sha256(b"%d" % n).hexdigest().encode()) for n in range(4000))
    with smtplib.SMTP("127.0.0.1", mail.port, timeout=DEADLINE) as client:
        client.starttls(context=no_check())
        client.sendmail(FROM, [TO], body)
    assert mail.take().sent == body
