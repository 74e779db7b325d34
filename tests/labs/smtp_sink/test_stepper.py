"""A dialogue by hand: where it stands, what is due, what comes next."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import msgspec

from servers.kit import channel as wire
from servers.kit.settings import MASK, parse
from servers.smtp_sink.replies import Reply
from servers.smtp_sink.request import Request
from servers.smtp_sink.steps import Steps, script
from tests.labs.smtp_sink.scripted import SHEET, Scripted
from tests.programs import Dashboard, Program, eventually

CLIENT = "servers.smtp_sink.client"
PASSWORD = base64.b64encode(b"geheim").decode()


def say(steps: Steps, line: str, code: int) -> None:
    typed = steps.typed(line)
    assert typed.due
    steps.heard(typed.verb, Reply(code=code, lines=("",)))


def test_the_hints_lead_to_a_message_that_is_sent() -> None:
    wanted = parse(Request, {"recipients": "a@x,b@x", "auth": "ana:geheim", "tls": True, "text": "hi\n.dot"})
    steps = Steps(wanted, "[127.0.0.1]")
    codes = {"EHLO": 250, "STARTTLS": 220, "AUTH": 334, "MAIL": 250, "RCPT": 250, "DATA": 354, "QUIT": 221}
    said = []
    while not steps.over:
        line = steps.hint().line
        said.append(line)
        typed = steps.typed(line)
        if not typed.due:
            continue
        code = 235 if line == PASSWORD else 250 if line == "." else codes.get(line.split(" ")[0], 334)
        steps.heard(typed.verb, Reply(code=code, lines=("",)))
        if line == "STARTTLS":
            steps.encrypted()
    assert said == [
        "EHLO [127.0.0.1]", "STARTTLS", "EHLO [127.0.0.1]", "AUTH LOGIN", "YW5h", PASSWORD,
        "MAIL FROM:<student@example.org>", "RCPT TO:<a@x>", "RCPT TO:<b@x>", "DATA", *script(wanted),
        ".", "QUIT",
    ]  # fmt: skip
    assert steps.sent
    assert script(wanted)[-3:] == ["", "hi", "..dot"]


def test_a_refusal_changes_what_is_proposed() -> None:
    steps = Steps(parse(Request, {"tls": True}), "me")
    say(steps, "EHLO me", 500)
    assert steps.hint().line == "HELO me"
    say(steps, "HELO me", 250)
    say(steps, "STARTTLS", 502)
    assert steps.hint().line.startswith("MAIL")
    say(steps, steps.hint().line, 250)
    say(steps, steps.hint().line, 550)
    assert (steps.state, steps.hint().line) == ("mail", "RSET")
    say(steps, "RSET", 250)
    assert steps.hint().line.startswith("MAIL")
    say(steps, "NOOP", 421)
    assert steps.over


def test_a_password_is_masked_and_a_log_in_can_be_cancelled() -> None:
    steps = Steps(parse(Request, {}), "me")
    say(steps, "EHLO me", 250)
    say(steps, "AUTH LOGIN", 334)
    assert steps.typed("YW5h").decoded == "ana"
    steps.heard("AUTH", Reply(code=334, lines=("",)))
    typed = steps.typed(PASSWORD)
    assert (typed.shown, typed.decoded) == (MASK, MASK)
    assert steps.typed("*").shown == "*"
    steps.heard("AUTH", Reply(code=501, lines=("",)))
    assert (steps.state, steps.logged_in) == ("greeted", False)
    say(steps, "AUTH LOGIN YW5h", 334)
    assert steps.state == "log-in: password"


def test_an_auth_out_of_order_leaves_the_message_as_it_is() -> None:
    steps = Steps(parse(Request, {}), "me")
    for line, code in (("EHLO me", 250), ("MAIL FROM:<a@b>", 250), ("AUTH LOGIN", 503)):
        say(steps, line, code)
    assert (steps.state, steps.hint().line) == ("mail", "RCPT TO:<teacher@example.org>")


def test_the_proposals_follow_what_was_typed_of_a_message() -> None:
    steps = Steps(parse(Request, {"text": "one\ntwo"}), "me")
    for line, code in (("EHLO me", 250), ("MAIL FROM:<a@b>", 250), ("RCPT TO:<a@b>", 250), ("DATA", 354)):
        say(steps, line, code)
    steps.typed("subject : mine")
    steps.typed("X-Own: 1")
    assert steps.hint().line == "From: student@example.org"
    steps.typed("From: me@example.org")
    assert steps.hint().line == "To: teacher@example.org"
    assert "empty line" in steps.typed("").meaning
    assert steps.hint().line == "one"
    assert steps.typed("").meaning == ""
    assert steps.hint().line == "two"
    steps.typed("2")
    assert steps.hint().line == "."


def test_what_is_no_command_is_told() -> None:
    steps = Steps(parse(Request, {}), "me")
    assert steps.typed("").meaning == "An empty line is no command."
    assert steps.typed("hello").meaning == "No command that mail servers know."


def test_the_meaning_of_dots() -> None:
    steps = Steps(parse(Request, {}), "me")
    for line, code in (("EHLO me", 250), ("MAIL FROM:<a@b>", 250), ("RCPT TO:<a@b>", 250), ("DATA", 354)):
        say(steps, line, code)
    assert "type two" in steps.typed(".x").meaning
    assert "stuffed" in steps.typed("..x").meaning
    assert not steps.typed("QUIT").due
    assert steps.typed(".").due


@contextmanager
def stepping(server: Scripted, *words: str) -> Iterator[tuple[Any, Dashboard, Program]]:
    """The client as the dashboard runs it; ``step(line)`` gives its answer."""
    with Dashboard() as board:
        given = ("127.0.0.1", str(server.port), "--step", *words)
        with Program(CLIENT, *given, env=board.env, stdin=subprocess.PIPE) as client:
            board.accept()
            numbers = count(1)

            def step(line: str | None) -> Any:
                answer = board.call("input", {} if line is None else {"text": line}, next(numbers))
                return {"refused": answer.error} if answer.error else msgspec.json.decode(answer.value)

            yield step, board, client


def test_a_dialogue_line_by_line() -> None:
    with Scripted(SHEET) as server, stepping(server) as (step, board, client):
        first = step(None)
        assert (first["reply"]["code"], first["ok"], first["state"]) == (220, True, "connected")
        assert (first["sent"], first["hint"]) == (None, "EHLO [127.0.0.1]")
        refused = step("EHLO x")
        assert (refused["reply"]["code"], refused["expected"], refused["ok"]) == (500, "250", False)
        assert refused["hint"] == "HELO [127.0.0.1]"
        assert step("HELO  two spaces")["ok"]
        assert step("MAIL FROM: <a@b>")["state"] == "mail"
        assert step("RCPT TO:<c@d>")["state"] == "recipients"
        assert step("DATA")["state"] == "data"
        line = step(".x")
        assert (line["reply"], line["ok"], line["state"]) == (None, None, "data")
        assert step("")["sent"] == ""
        assert "refused" in step("a\nb")
        done = step(".")
        assert (done["reply"]["code"], done["state"], done["hint"]) == (250, "greeted", "QUIT")
        assert step("QUIT")["state"] == "closed"
        result = eventually(lambda: board.of(wire.Result), "the result")[0]
        assert client.wait() == 0
    assert server.heard[1:] == [
        "HELO  two spaces", "MAIL FROM: <a@b>", "RCPT TO:<c@d>", "DATA", ".x", "", ".", "QUIT",
    ]  # fmt: skip
    assert msgspec.json.decode(result.value)["sent"] is True


def test_nobody_reads_the_password_in_what_is_printed_or_kept() -> None:
    replies = {**SHEET, "YW5H": "334 UGFzc3dvcmQ6", PASSWORD.upper(): "235 in"}
    with Scripted(replies) as server, stepping(server, "--auth", "ana:geheim") as (step, board, client):
        step("HELO me")
        named = step("AUTH LOGIN")
        assert (named["hint"], named["decoded"]) == ("YW5h", "Username:")
        asked = step("YW5h")
        assert (asked["sent"], asked["decoded"], asked["hint"]) == ("YW5h", "ana → Password:", PASSWORD)
        told = step(PASSWORD)
        assert (told["sent"], told["reply"]["code"]) == (MASK, 235)
        step("QUIT")
        result = bytes(eventually(lambda: board.of(wire.Result), "the result")[0].value).decode()
        client.wait()
    assert PASSWORD in server.heard
    for secret in (PASSWORD, "geheim"):
        assert secret not in "\n".join(client.lines + client.errors)
        assert secret not in result


def test_a_server_that_hangs_up_is_told() -> None:
    with Scripted({**SHEET, "MAIL": None}) as server, stepping(server) as (step, board, client):
        step("HELO me")
        told = step("MAIL FROM:<a@b>")
        assert (told["state"], told["reply"], told["hint"]) == ("closed", None, "")
        assert "closed the connection" in told["note"]
        result = eventually(lambda: board.of(wire.Result), "the result")[0]
        assert client.wait() == 1
    assert msgspec.json.decode(result.value)["error"]


def test_at_a_terminal_an_empty_line_takes_the_hint() -> None:
    with Scripted(SHEET) as server:
        words = ("127.0.0.1", str(server.port), "--step", "--text", "hi")
        with Program(CLIENT, *words, stdin=subprocess.PIPE) as client:
            lines = ["", "", "", "", "", "typed", ".", ""]
            client.process.stdin.write("\n".join(lines) + "\n")  # type: ignore[union-attr]
            client.process.stdin.close()  # type: ignore[union-attr]
            assert client.wait() == 0
    assert server.heard[-3:] == ["typed", ".", "QUIT"]
