"""The SMTP client against servers that are not ours: scripted ones, those of the sheet, aiosmtpd."""

from __future__ import annotations

import base64
import email
import email.policy
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from servers.kit import channel as wire
from servers.kit.settings import MASK
from tests.labs.smtp_sink.scripted import SHEET, Scripted
from tests.programs import Dashboard, Program, eventually

CLIENT = "servers.smtp_sink.client"
EHLO = {**SHEET, "EHLO": "250-me\n250-SIZE 100000\n250-AUTH LOGIN PLAIN\n250 8BITMIME"}
PLAIN = base64.b64encode(b"\0ana\0geheim").decode()


def run(port: int, *words: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, result, and all that was printed."""
    with Program(CLIENT, "127.0.0.1", str(port), "--json", *words) as client:
        code = client.wait()
        found = client.events("result")
        return code, found[0] if found else {}, "\n".join(client.lines + client.errors)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_server_of_the_sheet(end: str) -> None:
    with Scripted(SHEET, end) as server:
        code, result, _ = run(server.port, "--from", "a@b.c", "--to", "d@e.f", "--text", "one\n.two")
    assert code == 0
    assert (result["accepted"], result["refused"], result["id"], result["error"]) == (["d@e.f"], [], "A1", "")
    assert server.heard[:5] == [
        "EHLO [127.0.0.1]", "HELO [127.0.0.1]", "MAIL FROM:<a@b.c>", "RCPT TO:<d@e.f>", "DATA",
    ]  # fmt: skip
    assert server.heard[-4:] == ["one", "..two", ".", "QUIT"]


def test_the_dialogue_says_what_was_expected() -> None:
    with Scripted({**SHEET, "RCPT": "550 no"}) as server:
        code, result, _ = run(server.port)
    assert code == 1
    assert "No recipient" in result["error"]
    told = [(e["side"], e["line"], e["code"], e["expected"], e["ok"]) for e in result["dialogue"]]
    assert ("S", "550 no", 550, "250 or 251", False) in told
    assert ("S", "250 ok", 250, "250", True) in told
    assert "DATA" not in server.heard
    assert server.heard[-1] == "QUIT"
    assert all(e["meaning"] for e in result["dialogue"])


def test_partly_refused_is_no_success_and_is_told() -> None:
    with Scripted({**SHEET, "RCPT": ["250 ok", "451 later", "251 elsewhere"]}) as server:
        code, result, _ = run(server.port, "--to", "a@x, b@x, c@x")
    assert code == 1
    assert (result["accepted"], result["refused"]) == (["a@x", "c@x"], ["b@x"])


@pytest.mark.parametrize(
    ("verb", "reply", "words"),
    [
        ("", "554 no", "refused the connection: 554"), ("HELO", "501 no", "refused HELO: 501"),
        ("EHLO", "421 away", "refused EHLO: 421"), ("MAIL", "552 big", "refused MAIL: 552"),
        ("RCPT", "421 away", "refused RCPT: 421"), ("DATA", "250 no", "refused DATA: 250"),
        (".", "554 spam", "refused the message: 554"), ("RCPT", None, "without a reply to RCPT"),
        (".", None, "without a reply to the message"), ("MAIL", "hello", "no reply code"),
    ],
)  # fmt: skip
def test_every_reply_is_checked(verb: str, reply: str | None, words: str) -> None:
    with Scripted({**SHEET, verb: reply}) as server:
        code, result, _ = run(server.port)
    assert code == 1
    assert result["accepted"] == []
    assert words in result["error"]


def test_after_421_there_is_nobody_to_say_quit_to() -> None:
    with Scripted({**SHEET, "RCPT": "421 away"}) as server:
        _, result, _ = run(server.port)
    assert server.heard[-1].startswith("RCPT")
    assert result["error"].startswith("The server refused RCPT: 421")


def test_a_log_in_that_waits_for_tls_is_told_so() -> None:
    with Scripted({**EHLO, "EHLO": "250-me\n250 STARTTLS"}) as server:
        _, result, _ = run(server.port, "--auth", "a:b")
    assert "no log-in before STARTTLS" in result["error"]


@pytest.mark.parametrize("quit_", ["500 what", None])
def test_a_goodbye_that_fails_takes_no_message_back(quit_: str | None) -> None:
    with Scripted({**SHEET, "QUIT": quit_}) as server:
        assert run(server.port)[0] == 0


def test_plain_is_preferred_and_never_shown() -> None:
    with Scripted({**EHLO, "AUTH": "235 in"}) as server:
        code, _, said = run(server.port, "--auth", "ana:geheim")
    assert code == 0
    assert f"AUTH PLAIN {PLAIN}" in server.heard
    assert f"AUTH PLAIN {MASK}" in said
    for secret in ("geheim", PLAIN, base64.b64encode(b"geheim").decode()):
        assert secret not in said


def test_login_with_a_server_that_knows_only_helo() -> None:
    name, password = (base64.b64encode(word).decode() for word in (b"ana", b"geheim"))
    replies = {**SHEET, name.upper(): "334 UGFzc3dvcmQ6", password.upper(): "235 in"}
    with (
        Scripted(replies) as server,
        Program(CLIENT, "127.0.0.1", str(server.port), "--auth", "ana:geheim") as client,
    ):
        assert client.wait() == 0
    assert server.heard[2:5] == ["AUTH LOGIN", name, password]
    assert "C: YW5h   (ana)" in client.lines
    assert f"C: {MASK}   ({MASK})" in client.lines
    assert not [line for line in client.lines + client.errors if password in line or "geheim" in line]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--tls",), "does not offer STARTTLS"), (("--to", "grün@example.org"), "SMTPUTF8"),
        (("--auth", "a:b"), "no log-in"),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_not_tried(words: tuple[str, ...], error: str) -> None:
    with Scripted({**SHEET, "EHLO": "250 me"}) as server:
        code, result, _ = run(server.port, *words)
    assert code == 1
    assert error in result["error"]
    assert server.heard == ["EHLO [127.0.0.1]", "QUIT"]


def test_the_size_and_the_letters_are_announced_where_offered() -> None:
    with Scripted(EHLO) as server:
        _, result, _ = run(server.port, "--text", "grün")
    mail = next(line for line in server.heard if line.startswith("MAIL"))
    assert mail == f"MAIL FROM:<student@example.org> SIZE={result['size']} BODY=8BITMIME"
    sent = server.heard[server.heard.index("DATA") + 1 : server.heard.index(".")]
    assert len("\r\n".join(sent).encode()) + 2 == result["size"]


def test_nothing_is_obeyed_that_came_before_the_handshake() -> None:
    with Scripted({**SHEET, "EHLO": "250-me\n250 STARTTLS", "STARTTLS": "220 go\n250 injected"}) as server:
        code, result, _ = run(server.port, "--tls")
    assert code == 1
    assert "before the handshake" in result["error"]
    assert not [line for line in server.heard if line.startswith("MAIL")]


def test_nobody_listens() -> None:
    with Scripted(SHEET) as server:
        port = server.port
    code, result, said = run(port)
    assert (code, result) == (1, {})
    assert "connection refused" in said


# -- the image


def test_a_file_is_sent_from_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(b"\x89PNG not really")
    with Scripted(SHEET) as server:
        assert run(server.port, "--image", str(tmp_path / "dot.png"))[0] == 0
    body = "\n".join(server.heard[server.heard.index("DATA") + 1 : server.heard.index(".")])
    image = list(email.message_from_string(body, policy=email.policy.default).iter_parts())[1]  # type: ignore[attr-defined]
    assert (image.get_filename(), image.get_content()) == ("dot.png", b"\x89PNG not really")


def test_the_dashboards_client_reads_no_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_text("SECRET")
    for image, sends in ((str(path), False), ("/etc/passwd", False), ("demo", True)):
        with Scripted(SHEET) as server, Dashboard() as board:
            words = ("127.0.0.1", str(server.port), "--image", image)
            with Program(CLIENT, *words, env=board.env, stdin=subprocess.PIPE) as client:
                board.accept()
                assert client.wait() == (0 if sends else 2)
            if sends:
                assert eventually(lambda: board.of(wire.Result), "the result")
            else:
                assert "demo" in eventually(lambda: board.of(wire.Fatal), "why")[0].message
        assert ("DATA" in server.heard) == sends


# -- a real server


class Sink:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.envelopes.append((envelope, session.ssl is not None, session.authenticated))
        return "250 Message accepted for delivery"


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"ana", b"geheim"), handled=False)


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[tuple[Controller, Sink]]:
    """aiosmtpd, which asks for TLS and a log-in."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    made = ["openssl", *words.split(), "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    sink = Sink()
    controller = Controller(
        sink, hostname="127.0.0.1", port=0, tls_context=context, require_starttls=True, auth_required=True,
        authenticator=authenticate, enable_SMTPUTF8=True,
    )  # fmt: skip

    def trigger() -> None:
        controller.port = controller.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        Controller._trigger_server(controller)

    controller._trigger_server = trigger  # type: ignore[method-assign]  # it would connect to port 0
    controller.start()
    yield controller, sink
    controller.stop()


@pytest.mark.filterwarnings("ignore")
def test_tls_log_in_and_letters_of_all_kinds_with_aiosmtpd(foreign: tuple[Controller, Sink]) -> None:
    controller, sink = foreign
    words = (
        "--to",
        "grün@example.org,b@example.org",
        "--subject",
        "Grüße",
        "--text",
        ".\nä",
        "--image",
        "demo",
    )
    code, result, said = run(controller.port, *words, "--auth", "ana:geheim", "--tls")
    assert (code, result["error"]) == (0, "")
    [(envelope, tls, who)] = sink.envelopes
    assert tls
    assert who
    assert envelope.rcpt_tos == ["grün@example.org", "b@example.org"]
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    text, image = message.iter_parts()  # type: ignore[attr-defined]
    assert message["Subject"] == "Grüße"
    assert text.get_content().split() == [".", "ä"]
    assert image.get_content_type() == "image/png"
    assert [line["tls"] for line in result["dialogue"]][:: len(result["dialogue"]) - 1] == [False, True]
    assert "geheim" not in said
    code, result, _ = run(controller.port, "--auth", "ana:falsch", "--tls")
    assert code == 1
    assert "535" in result["error"]
