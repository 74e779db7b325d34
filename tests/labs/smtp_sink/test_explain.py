"""What is said of commands, keywords and codes."""

from __future__ import annotations

import base64

import pytest

from servers.kit.settings import MASK
from servers.smtp_sink import explain
from servers.smtp_sink.dialogue import Dialogue, as_expected, auth_masked
from servers.smtp_sink.replies import Reply

PLAIN = base64.b64encode(b"\0ana\0geheim").decode()


def test_every_verb_has_a_sentence_and_a_code_of_success() -> None:
    assert set(explain.VERBS) == set(explain.EXPECTED)
    for words in (*explain.VERBS.values(), *explain.CODES.values()):
        assert words[0].isupper()
        assert words[-1] in ".?"


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("mail from:<a@b>", "MAIL"),
        ("QUIT", "QUIT"),
        ("MAILX", ""),
        ("", ""),
        ("connect", ""),
        ("message", ""),
    ],
)
def test_the_verb_of_a_line(line: str, verb: str) -> None:
    assert explain.verb_of(line) == verb


def test_a_code_means_what_it_means_for_the_command() -> None:
    assert explain.reply("RCPT", 250) != explain.reply("MESSAGE", 250) != explain.reply("NOOP", 250)
    assert explain.reply("MAIL", 599) == "No: the same will not work later either."
    assert explain.reply("MAIL", 499) == "Not now: the same may work later."
    assert as_expected("DATA", 250) is False
    assert as_expected("DATA", 354) is True
    assert as_expected("", 500) is None
    assert explain.expected("AUTH") == "235 or 334"


def test_keywords() -> None:
    assert "largest" in explain.keyword("SIZE 1000")
    assert explain.keyword("auth=LOGIN PLAIN") == explain.keyword("AUTH LOGIN")
    assert explain.keyword("XYZZY") == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [("VXNlcm5hbWU6", "Username:"), (PLAIN, "␀ana␀geheim"), ("no base64", ""), ("/w==", ""), ("Cg==", "")],
)
def test_base64(text: str, says: str) -> None:
    assert explain.decoded(text) == says


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"AUTH PLAIN {PLAIN}", (f"AUTH PLAIN {MASK}", f"␀ana␀{MASK}")),
        ("AUTH PLAIN geheim", (f"AUTH PLAIN {MASK}", "")),
        ("AUTH LOGIN YW5h", (f"AUTH LOGIN {MASK}", "ana")),
        ("AUTH LOGIN", ("AUTH LOGIN", "")),
        ("AUTH geheim", (f"AUTH {MASK}", "")),
    ],
)
def test_a_log_in_is_shown_without_its_password(line: str, shown: tuple[str, str]) -> None:
    assert auth_masked(line) == shown


def test_a_long_message_is_shown_in_part_with_its_end() -> None:
    said: list[str] = []
    Dialogue(said.append).message(b"line\r\n" * 500 + b".\r\n", 1.0, False)
    assert len(said) == 41
    assert said[-2:] == ["C: … 461 more lines, 3003 bytes in all", "C: ."]
    said.clear()
    Dialogue(said.append).message(b"a\r\nb\r\n.\r\n", 1.0, False)
    assert said == ["C: a", "C: b", "C: ."]


def test_the_lines_of_ehlo_are_explained_one_by_one() -> None:
    dialogue = Dialogue(lambda line: None)
    dialogue.server(Reply(code=250, lines=("me", "SIZE 9", "HELP")), "EHLO", 1.0, False)
    assert [line.line for line in dialogue.lines] == ["250-me", "250-SIZE 9", "250 HELP"]
    assert dialogue.lines[1].meaning.startswith("The largest message")
    assert [line.ok for line in dialogue.lines] == [None, None, True]
