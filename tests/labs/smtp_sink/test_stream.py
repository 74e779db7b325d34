"""The byte stream beneath SMTP: each call of both ends with its place, told aside, without passwords."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from servers.kit.events import DataReceived, DataSent
from servers.smtp_sink.faults import Fault, Faults
from servers.smtp_sink.lab import LAB
from servers.smtp_sink.masking import Hearing, masked_lines
from servers.smtp_sink.protocol import MAX_AUTH, Ahead, Heard, Policy, Reply, Session
from tests.labs.smtp_sink.test_client import CLIENT
from tests.labs.smtp_sink.test_server import SERVER, connect, say
from tests.programs import Dashboard, Program, eventually
from tests.reading import text, total

WORD = b"s3cret-4711"
LINE = base64.b64encode(WORD)
PLAIN = base64.b64encode(b"\0ana\0" + WORD)


class Nowhere:
    """A message that is kept nowhere."""

    name = "m1"

    def write(self, data: bytes) -> None:
        """Forget it."""

    def abandon(self) -> None:
        """Nothing to forget."""


def session(*, accounts: dict[str, str] | None = None, faults: Faults | None = None) -> Session:
    found = Session(Policy(accounts=accounts), lambda _: Nowhere(), faults=faults)
    list(found.greeting())
    return found


def shown(calls: list[bytes], hearer: Session) -> list[bytes]:
    """What is shown of each call; the session does what it is asked in between."""
    heads = []
    for call in calls:
        heads.append(Hearing(hearer).head(call))
        list(hearer.receive(call))
    return heads


DIALOGUES = {
    "LOGIN": (b"EHLO a\r\nAUTH LOGIN\r\nYW5h\r\n%b\r\nMAIL FROM:<a@b.c>\r\n" % LINE, LINE),
    "LOGIN with a name": (b"EHLO a\r\nAUTH LOGIN YW5h\r\n%b\r\nNOOP\r\n" % LINE, LINE),
    "PLAIN at once": (b"EHLO a\r\nauth plain %b\r\nQUIT\r\n" % PLAIN, PLAIN),
    "PLAIN when asked": (b"EHLO a\r\nAUTH PLAIN\r\n%b\r\nQUIT\r\n" % PLAIN, PLAIN),
    "raw, like a verb": (b"EHLO a\r\nAUTH PLAIN\r\nHELP %b\r\nQUIT\r\n" % WORD, WORD),
    "not greeted": (b"AUTH LOGIN\r\nYW5h\r\n%b\r\nQUIT\r\n" % LINE, LINE),
    "no mechanism": (b"EHLO a\r\nAUTH %b\r\nQUIT\r\n" % PLAIN, PLAIN),
    "no command": (b"EHLO a\r\n AUTHPLAIN %b\r\n%b\r\nQUIT\r\n" % (PLAIN, WORD), WORD),
    "behind a message": (
        b"EHLO a\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\nhi\r\n.\r\nAUTH PLAIN %b\r\n" % PLAIN,
        PLAIN,
    ),
    "LF": (b"EHLO a\nAUTH PLAIN %b\nQUIT\n" % PLAIN, PLAIN),
}  # fmt: skip


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_password_is_masked_wherever_calls_cut_it(name: str) -> None:
    data, secret = DIALOGUES[name]
    at = data.index(secret)
    for cut in range(len(data)):
        for second in (cut + 1, cut + 4, len(data)):
            found = b"".join(shown([data[:cut], data[cut:second], data[second:]], session()))
            assert found[at : at + len(secret)] == b"*" * len(secret), (cut, second, found)
            assert all(each in (true, ord("*")) for each, true in zip(found, data, strict=True))
    lines = shown(data.splitlines(keepends=True), session())
    assert lines[0] in (b"EHLO a\r\n", b"EHLO a\n", b"AUTH LOGIN\r\n")
    assert (
        lines[-1] in (b"QUIT\r\n", b"QUIT\n", b"NOOP\r\n", b"MAIL FROM:<a@b.c>\r\n")
        or b"AUTH PLAIN *" in lines[-1]
    )


@pytest.mark.parametrize("prepared", ["no accounts", "a fault"])
def test_who_does_not_read_that_auth_is_refused_tells_nobody_the_password(prepared: str) -> None:
    faults = Faults()
    if prepared == "a fault":
        faults.set(Fault(what="reply", verb="AUTH", code=451))
    hearer = session(accounts={} if prepared == "no accounts" else None, faults=faults)
    told: list[Any] = []
    heads = []
    for call in (b"EHLO a\r\n", b"AUTH LOGIN\r\n", b"YW5h\r\n", WORD + b"\r\n", b"QUIT\r\n"):
        heads.append(Hearing(hearer).head(call))
        told += hearer.receive(call)
    assert heads[2:] == [b"****\r\n", b"*" * len(WORD) + b"\r\n", b"QUIT\r\n"]
    words = [step.shown for step in told if isinstance(step, Heard)]
    words += [line for step in told if isinstance(step, Reply) for line in step.lines]
    assert WORD.decode().upper() not in "\n".join(words).upper()


def test_what_is_not_read_has_no_text() -> None:
    hearer = session()
    heads = shown(
        [b"EHLO a\r\nAUTH PLAIN " + PLAIN * (MAX_AUTH // len(PLAIN) + 2), PLAIN, b"\r\nQUIT\r\n"], hearer
    )
    assert heads[1:] == [b"", b""]
    assert heads[0].startswith(b"EHLO a\r\nAUTH PLAIN ***")
    assert shown([b"QUIT\r\n", PLAIN], session()) == [b"QUIT\r\n", b""]


def test_a_messages_text_is_shown_as_it_is() -> None:
    text = b"AUTH PLAIN is explained here\r\n.\r\nAUTH PLAIN abc\r\nQUIT\r\n"
    assert masked_lines(text, Ahead(message=True)) == text.replace(b"abc\r\nQUIT", b"***\r\n****")


def test_calls_are_quiet_and_no_marks() -> None:
    assert {DataSent, DataReceived} <= set(LAB.quiet)
    assert not {DataSent, DataReceived} & set(LAB.marks)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    box = str(tmp_path_factory.mktemp("box") / "mail")
    words = (
        "--port",
        "0",
        "--mailbox",
        box,
        "--tls",
        "offer",
        "--accounts",
        f"ana:{WORD.decode()}",
        "--json",
    )
    with Program(SERVER, *words) as program:
        eventually(lambda: program.events("server_listening"), "it listens")
        yield program


@pytest.mark.parametrize("tls", [(), ("--tls",)], ids=["clear", "TLS"])
def test_both_ends_tell_the_same_plain_text_of_one_connection(server: Program, tls: tuple[str, ...]) -> None:
    port = server.events("server_listening")[0]["address"].rpartition(":")[2]
    words = ("--auth", f"ana:{WORD.decode()}", "--text", "one\n.two", *tls, "--json")
    with Program(CLIENT, "127.0.0.1", port, *words) as client:
        assert client.wait() == 0
    (opened,), (closed,) = client.events("connection_opened"), client.events("connection_closed")
    assert opened["conn"] == closed["conn"] == f"client-{opened['own'].rpartition(':')[2]}"
    here = eventually(lambda: of(server, "connection_closed", opened["own"]), "it is told")
    assert (here[0]["bytes_in"], here[0]["bytes_out"]) == (closed["bytes_out"], closed["bytes_in"])
    said, heard = client.events("data_sent"), of(server, "data_received", opened["own"])
    assert total(said) == total(heard) == closed["bytes_out"]
    assert (
        total(client.events("data_received"))
        == total(of(server, "data_sent", opened["own"]))
        == closed["bytes_in"]
    )
    assert text(said) == text(heard)
    assert b"\r\nAUTH PLAIN " + b"*" * len(PLAIN) + b"\r\n" in text(said)
    assert text(said).count(b"EHLO") == 1 + len(tls)
    assert b"\r\n..two\r\n.\r\nQUIT\r\n" in text(said)
    assert text(client.events("data_received")) == text(of(server, "data_sent", opened["own"]))


def of(server: Program, kind: str, peer: str) -> list[dict[str, Any]]:
    return [event for event in server.events(kind) if event["peer"] == peer]


def test_a_dialogue_by_hand_shows_no_password_either(server: Program) -> None:
    port = server.events("server_listening")[0]["address"].rpartition(":")[2]
    with Dashboard() as board:
        with Program(CLIENT, "127.0.0.1", port, "--step", env=board.env, stdin=subprocess.PIPE):
            board.accept()
            for number, line in enumerate(
                ("EHLO a", "AUTH LOGIN", "YW5h", LINE.decode(), "AUTH x", WORD.decode(), "NOOP", "QUIT")
            ):
                assert board.call("input", {"text": line}, number).error == ""
            eventually(lambda: board.events("connection_closed"), "it is over")
        said = text(board.events("data_sent"))
    assert said.startswith(b"EHLO a\r\nAUTH LOGIN\r\n****\r\n" + b"*" * len(LINE) + b"\r\nAUTH *\r\n")
    assert said.endswith(b"\r\n" + b"*" * len(WORD) + b"\r\nNOOP\r\nQUIT\r\n")


def test_what_a_client_says_behind_the_goodbye_has_no_text(server: Program) -> None:
    port = int(server.events("server_listening")[0]["address"].rpartition(":")[2])
    with connect(port) as sock:
        peer = f"127.0.0.1:{sock.getsockname()[1]}"
        assert say(sock, b"QUIT\r\n").startswith(b"221")
        sock.sendall(b"AUTH PLAIN " + PLAIN)
        last = eventually(lambda: of(server, "data_received", peer)[1:], "it is told")[0]
    assert (last["offset"], last["data"]["size"], last["data"]["head"]) == (6, 11 + len(PLAIN), "")
