"""SMTP without a socket: bytes in, replies out."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from servers.smtp_sink.faults import Fault, Faults
from servers.smtp_sink.protocol import (
    MAX_LINE,
    Commit,
    Drop,
    Envelope,
    Heard,
    HeardMessage,
    Policy,
    Reply,
    Session,
    StartTls,
)


class Kept:
    """A message that is kept in memory."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope, self.data, self.state, self.name = envelope, b"", "open", "1.M1"

    def write(self, data: bytes) -> None:
        self.data += data

    def abandon(self) -> None:
        self.state = "abandoned"


class Talk:
    """A session and all that it said."""

    def __init__(self, faults: Faults | None = None, **policy: Any) -> None:
        self.messages: list[Kept] = []
        self.logins: list[tuple[str, str]] = []
        self.steps: list[Any] = []
        self.full = ""
        self.session = Session(
            Policy(**policy), self._keep, peer="127.0.0.1:1", faults=faults,
            tried=lambda user, password: self.logins.append((user, password)),
        )  # fmt: skip
        self._do(self.session.greeting())

    def _keep(self, envelope: Envelope) -> Kept:
        self.messages.append(Kept(envelope))
        return self.messages[-1]

    def _do(self, steps: Any) -> list[Any]:
        new = []
        for step in steps:
            new.append(step)
            if isinstance(step, Commit):
                if self.full:
                    self.session.failed(self.full)
                else:
                    step.message.state = "kept"
            elif isinstance(step, StartTls):
                self.session.secured()
        self.steps += new
        return new

    def say(self, *lines: str | bytes) -> list[int]:
        """Send lines (CRLF is added); the codes of the replies."""
        data = b"".join(line.encode() + b"\r\n" if isinstance(line, str) else line for line in lines)
        return codes(self._do(self.session.receive(data)))

    def last(self) -> Reply:
        return next(step for step in reversed(self.steps) if isinstance(step, Reply))


def codes(steps: list[Any]) -> list[int]:
    return [step.code for step in steps if isinstance(step, Reply)]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


START = ("EHLO me", "MAIL FROM:<a@b.org>", "RCPT TO:<c@d.org>")


def test_the_sheets_dialogue() -> None:
    talk = Talk()
    assert codes(talk.steps) == [220]
    said = talk.say(
        "HELO alice",
        "AUTH LOGIN",
        b64("alice"),
        b64("secret"),
        "MAIL FROM: <a@b.org>",
        "RCPT TO: <c@d.org>",
        "DATA",
    )
    assert said == [250, 334, 334, 235, 250, 250, 354]
    assert talk.say(b"Subject: hi\t\n", b"\r\nI love computer networks!\r\n.\r\n", "QUIT") == [250, 221]
    (message,) = talk.messages
    assert message.data == b"Subject: hi\t\n\r\nI love computer networks!\r\n"
    assert message.state == "kept"
    envelope = message.envelope
    assert (envelope.sender, envelope.recipients, envelope.user) == ("a@b.org", ["c@d.org"], "alice")
    assert talk.logins == [("alice", "secret")]
    assert isinstance(talk.steps[-1], Drop)


def test_helo_is_one_line_and_ehlo_lists_what_the_server_can() -> None:
    talk = Talk(tls="offer", size=12345)
    talk.say("HELO me")
    assert talk.last().encode().count(b"\r\n") == 1
    talk.say("EHLO me")
    words = talk.last().encode().decode().split("\r\n")[:-1]
    assert [word[:4] for word in words] == ["250-"] * (len(words) - 1) + ["250 "]
    offered = {word[4:] for word in words[1:]}
    assert offered == {
        "PIPELINING", "SIZE 12345", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "STARTTLS",
        "AUTH LOGIN PLAIN", "HELP",
    }  # fmt: skip


ORDER = [
    (["MAIL FROM:<a@b>"], 503),
    (["EHLO x", "RCPT TO:<a@b>"], 503),
    (["EHLO x", "DATA"], 503),
    (["EHLO x", "MAIL FROM:<a@b>", "DATA"], 554),
    (["EHLO x", "MAIL FROM:<a@b>", "MAIL FROM:<a@b>"], 503),
    (["EHLO x", "MAIL FROM:<a@b>", "AUTH LOGIN"], 503),
    (["AUTH LOGIN"], 503),
    (["EHLO x", "AUTH PLAIN " + b64("\0u\0p"), "AUTH PLAIN " + b64("\0u\0p")], 503),
    (["EHLO x", "MAIL FROM:<a@b>", "EHLO x", "RCPT TO:<a@b>"], 503),
    (["EHLO x", "MAIL FROM:<a@b>", "RSET", "RCPT TO:<a@b>"], 503),
    (["EHLO x", "MAIL FROM:<a@b>", "NOOP", "RCPT TO:<a@b>"], 250),
    (["NOOP", "RSET", "VRFY someone"], 252),
    (["HELP"], 214),
    (["QUIT now"], 501),
]


@pytest.mark.parametrize(("lines", "code"), ORDER, ids=[" / ".join(case[0]) for case in ORDER])
def test_commands_out_of_order(lines: list[str], code: int) -> None:
    assert Talk().say(*lines)[-1] == code


SYNTAX = [
    ("FOO", 500), ("", 500), ("helo", 501), ("EHLO", 501), ("MAIL", 501), ("MAIL FROM", 501),
    ("MAIL FROM:a@b", 501), ("MAIL FROM:<a@b", 501), ("MAIL FROM:<a b@c>", 501),
    ("MAIL FROM:<a@b>SIZE=1", 501),
    ("MAIL FROM:<@b>", 501), ("MAIL FROM:<a@-b>", 501), ("MAIL FROM:<a..b@c>", 501),
    ("MAIL FROM:<a@b> =1", 501),
    ("MAIL FROM:<a@b> SIZE=x", 501), ("MAIL FROM:<a@b> SIZE=1 SIZE=1", 501), ("MAIL FROM:<a@b> FOO=1", 555),
    ("MAIL FROM:<a@b> BODY=BINARYMIME", 501), ("MAIL FROM:<a@b> SMTPUTF8=1", 501),
    ("MAIL FROM:<a@b> SIZE=99999999999", 552), ("MAIL FROM:<ä@b>", 553), ("mail from:<a@b>", 250),
    ("MAIL FROM:  <a@b>", 250), ("MAIL FROM:<>", 250), ("MAIL FROM:<@x,@y:a@b>", 250),
    ("MAIL FROM:<a@[127.0.0.1]>", 250), ("MAIL FROM:<a@[IPv6:::1]>", 250),
    ('MAIL FROM:<"john doe@home"@b>', 250), ('MAIL FROM:<"a\\"b"@b>', 250),
    ("MAIL FROM:<a@b> SIZE=100 BODY=8BITMIME SMTPUTF8 AUTH=<>", 250), ("MAIL FROM:<ä@b> SMTPUTF8", 250),
    ("MAIL FROM:<" + 64 * "l" + "@b>", 250), ("MAIL FROM:<" + 65 * "l" + "@b>", 501),
    ("EXPN list", 502), ("TURN", 502), ("VRFY", 501), ("AUTH", 501), ("AUTH CRAM-MD5", 504),
    ("AUTH PLAIN !!!", 501), ("AUTH PLAIN =", 501), ("STARTTLS", 502), ("NOOP with words", 250),
    ("MAIL FROM:<a@b>\0", 500), ("X" * (MAX_LINE + 10), 500),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code"), SYNTAX, ids=[case[0][:50] for case in SYNTAX])
def test_syntax(line: str, code: int) -> None:
    talk = Talk()
    talk.say("EHLO me")
    assert talk.say(line) == [code]
    assert talk.say("NOOP") == [250], "the session goes on"


RECIPIENTS = [
    ("RCPT TO:<a@b>", 250), ("RCPT TO: <a@b>", 250), ("rcpt to:<a@b>", 250), ("RCPT TO:<Postmaster>", 250),
    ("RCPT TO:<>", 501), ("RCPT TO:<someone>", 501), ("RCPT TO:<a@b> NOTIFY=NEVER", 555), ("RCPT a@b", 501),
    ('RCPT TO:<"a b"@c>', 250), ("RCPT TO:<ö@b>", 553),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code"), RECIPIENTS)
def test_recipients(line: str, code: int) -> None:
    talk = Talk()
    talk.say("EHLO me", "MAIL FROM:<a@b>")
    assert talk.say(line) == [code]


def test_a_hundred_recipients_and_more() -> None:
    talk = Talk()
    talk.say("EHLO me", "MAIL FROM:<a@b>")
    assert talk.say(*(f"RCPT TO:<r{n}@b>" for n in range(1001))) == [250] * 1000 + [452]


def test_parameters_need_ehlo() -> None:
    assert Talk().say("HELO x", "MAIL FROM:<a@b> SIZE=1") == [250, 555]


# -- the message


def stored(*pieces: bytes, **policy: Any) -> tuple[list[int], bytes, str]:
    talk = Talk(**policy)
    assert talk.say(*START, "DATA")[-1] == 354
    said = []
    for piece in pieces:
        said += talk.say(piece)
    return said, talk.messages[0].data, talk.messages[0].state


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"a\r\n.\r\n", b"a\r\n"),
        (b".\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"..a\r\n...b\r\n.\r\n", b".a\r\n..b\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n"),
        (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n"),
        (b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n"),
        (b"a\r.\rb\r\n.\r\n", b"a\r.\rb\r\n"),
        (b"a\r.\r\nb\r\n.\r\n", b"a\r.\r\nb\r\n"),
        (b"a\r\r\n.\r\r\n.\r\n", b"a\r\r\n\r\r\n"),
        (b"\x00\xff\xfe\r\n.\r\n", b"\x00\xff\xfe\r\n"),
        (b"x" * 998 + b"\r\n.\r\n", b"x" * 998 + b"\r\n"),
        (b"x" * 100_000 + b"\r\n.\r\n", b"x" * 100_000 + b"\r\n"),
    ],
)
def test_only_a_dot_alone_between_crlfs_ends_a_message(sent: bytes, kept: bytes) -> None:
    for pieces in ([sent], [sent[n : n + 1] for n in range(min(len(sent), 3000))] + [sent[3000:]]):
        assert stored(*pieces) == ([250], kept, "kept")


def test_messages_arrive_the_same_however_they_are_cut() -> None:
    draw = random.Random(7)
    for _ in range(300):
        body = bytes(draw.choice(b"\r\n.ax") for _ in range(draw.randrange(60)))
        sent = body + b"\r\n.\r\nNOOP\r\n"
        whole = stored(sent)
        pieces, rest = [], sent
        while rest:
            size = draw.randrange(1, 6)
            pieces.append(rest[:size])
            rest = rest[size:]
        assert stored(*pieces) == whole


def test_what_follows_a_message_is_the_next_command() -> None:
    talk = Talk()
    said = talk.say(
        *START, "DATA", b"one\r\n.\r\nMAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n"
    )
    assert said == [250, 250, 250, 354, 250, 250, 250, 354, 250, 221]
    assert [message.data for message in talk.messages] == [b"one\r\n", b"two\r\n"]
    assert talk.messages[1].envelope.sender == "x@y"


def test_too_large_a_message_is_refused_after_its_end_and_leaves_nothing() -> None:
    assert stored(b"x" * 2000 + b"\r\n.\r\n", b"NOOP\r\n", size=1000)[0] == [552, 250]
    assert stored(b"x" * 2000 + b"\r\n.\r\n", size=1000)[2] == "abandoned"
    assert stored(b"x" * 998 + b"\r\n.\r\n", size=1000)[0] == [250]


def test_a_disk_that_is_full_is_a_452_and_not_a_250() -> None:
    talk = Talk()
    talk.full = "No space left on device"
    assert talk.say(*START, "DATA", b"a\r\n.\r\n", "NOOP") == [250, 250, 250, 354, 452, 250]
    assert "No space" in next(s for s in talk.steps if isinstance(s, Reply) and s.code == 452).lines[0]


def test_a_client_that_leaves_in_the_message_leaves_no_trace() -> None:
    talk = Talk()
    talk.say(*START, "DATA", b"half a mess")
    talk.session.close()
    assert talk.messages[0].state == "abandoned"


def test_the_dots_that_were_added_are_told() -> None:
    talk = Talk()
    talk.say(*START, "DATA", b"..one\r\ntwo\r\n...\r\n.\r\n")
    told = next(step for step in talk.steps if isinstance(step, HeardMessage))
    assert (told.start, told.stuffed) == (b"..one\r\ntwo\r\n...\r\n.\r\n", 2)


# -- log-ins


LOGINS = [
    (["AUTH LOGIN", b64("u"), b64("p")], [334, 334, 235]),
    (["AUTH LOGIN " + b64("u"), b64("p")], [334, 235]),
    (["AUTH PLAIN", b64("\0u\0p")], [334, 235]),
    (["AUTH PLAIN " + b64("\0u\0p")], [235]),
    (["AUTH PLAIN " + b64("x\0u\0p")], [235]),
    (["auth login", b64("u"), b64("p")], [334, 334, 235]),
    (["AUTH LOGIN", "*"], [334, 501]),
    (["AUTH LOGIN", b64("u"), "*"], [334, 334, 501]),
    (["AUTH PLAIN", "*"], [334, 501]),
    (["AUTH LOGIN", "no base64!"], [334, 501]),
    (["AUTH PLAIN " + b64("u\0p")], [501]),
    (["AUTH LOGIN", b64("u"), b64("wrong")], [334, 334, 535]),
    (["AUTH PLAIN " + b64("\0nobody\0p")], [535]),
]


@pytest.mark.parametrize(("lines", "said"), LOGINS, ids=[" / ".join(case[0]) for case in LOGINS])
def test_logging_in(lines: list[str], said: list[int]) -> None:
    talk = Talk(accounts={"u": "p"})
    talk.say("EHLO me")
    assert talk.say(*lines) == said
    assert talk.say("NOOP") == [250]


def test_any_account_will_do_where_none_is_set_and_none_where_nobody_may() -> None:
    assert Talk().say("EHLO x", "AUTH PLAIN " + b64("\0any\0thing")) == [250, 235]
    talk = Talk(accounts={})
    assert talk.say("EHLO x", "AUTH PLAIN " + b64("\0any\0thing")) == [250, 502]
    assert b"AUTH" not in talk.steps[2].encode()


def test_where_a_login_is_required_mail_waits_for_it() -> None:
    talk = Talk(require_auth=True)
    assert talk.say("EHLO x", "MAIL FROM:<a@b>", "AUTH PLAIN " + b64("\0u\0p"), "MAIL FROM:<a@b>") == [
        250,
        530,
        235,
        250,
    ]


def test_no_password_is_told() -> None:
    for lines in (["AUTH LOGIN", b64("user1"), b64("pass1")], ["AUTH PLAIN " + b64("\0user1\0pass1")],
                  ["AUTH PLAIN", b64("\0user1\0pass1")], ["AUTH LOGIN " + b64("user1"), b64("pass1")]):  # fmt: skip  # noqa: E501
        talk = Talk()
        talk.say("EHLO x", *lines)
        told = [step for step in talk.steps if isinstance(step, Heard)]
        text = repr(told)
        assert "pass1" not in text
        assert b64("pass1") not in text
        assert b64("\0user1\0pass1") not in text
        assert "user1" in text
        assert talk.logins == [("user1", "pass1")]


@pytest.mark.parametrize(
    "lines",
    [
        [b"AUTH LOGIN\r\n", b"dXNlcg==\r\n", b"geh\xfcim\r\n"], [b"AUTH PLAIN \xffgeheim\r\n"],
        [b"AUTH\tPLAIN geheim\r\n"], [b"  AUTH PLAIN geheim\r\n"], [b"auth plain geheim\xff\r\n"],
        [b"AUTH geheim\r\n"],
        [b"MAIL FROM:<a@b>\r\n", b"AUTH LOGIN\r\n", b"dXNlcg==\r\n", b"geheim==\r\n"],
    ],
)  # fmt: skip
def test_no_password_is_told_of_a_log_in_that_goes_wrong(lines: list[bytes]) -> None:
    talk = Talk()
    talk.say("EHLO x")
    talk.say(*lines)
    told = repr([step for step in talk.steps if isinstance(step, Heard)])
    assert "geh" not in told


def test_after_a_refused_log_in_commands_are_told_again() -> None:
    talk = Talk(accounts={})
    talk.say("EHLO x", "AUTH LOGIN", "MAIL FROM:<a@b>", "nonsense")
    told = [step.shown for step in talk.steps if isinstance(step, Heard)]
    assert told[-2:] == ["MAIL FROM:<a@b>", "nonsense"]


@pytest.mark.parametrize("line", ["POST / HTTP/1.1", "GET / HTTP/1.1", "CONNECT a:25 HTTP/1.1"])
def test_a_browser_is_sent_away(line: str) -> None:
    assert Talk().say(line, "Host: a", "", "HELO x", "MAIL FROM:<a@b>") == [421]


# -- TLS


def test_after_starttls_the_session_begins_anew_and_nothing_sent_before_is_obeyed() -> None:
    talk = Talk(tls="offer")
    said = talk.say(
        b"EHLO x\r\nAUTH PLAIN " + b64("\0u\0p").encode() + b"\r\nSTARTTLS\r\nMAIL FROM:<evil@x>\r\nNOOP\r\n"
    )
    assert said == [250, 235, 220]
    assert talk.session.tls
    assert talk.say("MAIL FROM:<a@b>") == [503]
    assert talk.say("EHLO x", "STARTTLS") == [250, 503]
    assert (
        b"STARTTLS"
        not in next(s for s in reversed(talk.steps) if isinstance(s, Reply) and s.code == 250).encode()
    )
    assert talk.say("AUTH PLAIN " + b64("\0u\0p")) == [235], "the log-in before does not count"


def test_where_tls_is_required_nothing_goes_without() -> None:
    talk = Talk(tls="require")
    assert talk.say("EHLO x", "MAIL FROM:<a@b>", "AUTH PLAIN " + b64("\0u\0p")) == [250, 530, 530]
    assert b"AUTH" not in talk.steps[2].encode()
    assert talk.say("STARTTLS", "QUIT") == [220], "what was pipelined behind it is thrown away"
    assert talk.say("EHLO x", "AUTH PLAIN " + b64("\0u\0p"), "MAIL FROM:<a@b>") == [250, 235, 250]


@pytest.mark.parametrize(
    ("lines", "protocol"),
    [
        (["HELO x"], "SMTP"), (["EHLO x"], "ESMTP"), (["EHLO x", "AUTH PLAIN " + b64("\0u\0p")], "ESMTPA"),
        (["EHLO x", "STARTTLS"], "ESMTPS"),
    ],
)  # fmt: skip
def test_the_envelope_names_the_protocol(lines: list[str], protocol: str) -> None:
    talk = Talk(tls="offer")
    talk.say(*lines)
    talk.say(*(["EHLO x"] if "STARTTLS" in lines else []), "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA")
    assert talk.messages[0].envelope.protocol == protocol


# -- faults on purpose


@pytest.mark.parametrize(
    ("fault", "lines", "said"),
    [
        (
            Fault(verb="RCPT", nth=2, code=451),
            [*START, "RCPT TO:<e@f>", "RCPT TO:<g@h>"],
            [250, 250, 250, 451, 250],
        ),
        (Fault(verb="any", nth=3, code=421), ["EHLO x", "NOOP", "NOOP", "NOOP"], [250, 250, 421]),
        (
            Fault(verb="MAIL", nth=1, once=False, code=550),
            ["EHLO x", "MAIL FROM:<a@b>", "MAIL FROM:<a@b>"],
            [250, 550, 550],
        ),
        (Fault(verb="message", code=552), [*START, "DATA", "a", "."], [250, 250, 250, 354, 552]),
        (Fault(what="drop", verb="message"), [*START, "DATA", "a"], [250, 250, 250, 354]),
        (Fault(what="drop", verb="EHLO"), ["EHLO x", "NOOP"], []),
        (Fault(verb="DATA", code=421), [*START, "DATA", "NOOP"], [250, 250, 250, 421]),
    ],
    ids=lambda value: value.words() if isinstance(value, Fault) else None,
)
def test_faults_on_purpose(fault: Fault, lines: list[str], said: list[int]) -> None:
    faults = Faults()
    faults.set(fault)
    for _ in range(2):  # each connection meets it anew
        talk = Talk(faults)
        assert talk.say(*lines) == said
        assert all(message.state != "kept" for message in talk.messages)
        hits = [step.fault for step in talk.steps if getattr(step, "fault", "")]
        assert hits == [fault.words()] * (2 if not fault.once else 1), "each is told once"
    faults.clear()
    assert Talk(faults).say(*START, "DATA", "a", ".")[-1] == 250


def test_a_late_reply_is_the_right_one() -> None:
    faults = Faults()
    faults.set(Fault(what="delay", verb="DATA", seconds=3))
    talk = Talk(faults)
    assert talk.say(*START, "DATA") == [250, 250, 250, 354]
    assert talk.last().delay == 3


def test_the_greeting_can_be_a_fault() -> None:
    faults = Faults()
    faults.set(Fault(verb="connect", code=421, text="Busy"))
    talk = Talk(faults)
    assert codes(talk.steps) == [421]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(verb="RCPT", nth=2), "451 on the 2nd RCPT"),
        (Fault(what="delay", verb="DATA", seconds=5), "5 s before the reply to the 1st DATA"),
        (Fault(what="delay", verb="DATA", once=False, seconds=0.5), "0.5 s before the reply to every DATA"),
        (Fault(what="delay", verb="connect"), "5 s before the greeting"),
        (Fault(what="drop", verb="message"), "connection dropped in the 1st message"),
        (
            Fault(what="drop", verb="MAIL", nth=2, once=False),
            "connection dropped at the 2nd MAIL and all after it",
        ),
        (Fault(verb="any", nth=4, code=421), "421 after 3 commands"),
        (Fault(verb="any", nth=2, code=421), "421 after 1 command"),
        (Fault(verb="any", nth=11), "451 on the 11th command"),
        (Fault(verb="connect", code=421), "421 as the greeting"),
    ],
)
def test_faults_in_words(fault: Fault, words: str) -> None:
    assert fault.words() == words


def test_one_fault_is_cleared_and_the_others_stay() -> None:
    faults, one, other = Faults(), Fault(verb="RCPT"), Fault(verb="RCPT", nth=2)
    for fault in (one, other, one):
        faults.set(fault)
    faults.unset(one)
    assert faults.active == (other,)
    faults.unset(one)
    assert faults.active == (other,)


# -- odd input


def test_a_silent_client_hears_421() -> None:
    talk = Talk()
    assert codes(list(talk.session.timed_out())) == [421]


def test_too_many_mistakes_end_the_connection() -> None:
    assert Talk().say(*["FOO"] * 150)[-1] == 421


def test_lf_alone_ends_a_command_for_who_types_with_nc() -> None:
    assert Talk().say(b"EHLO x\nNOOP\n") == [250, 250]


def test_no_bytes_break_it() -> None:
    draw = random.Random(11)
    words = [b"EHLO x\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n", b".\r\n", b"AUTH LOGIN\r\n",  # noqa: E501
             b"AUTH PLAIN AAAA\r\n", b"RSET\r\n", b"STARTTLS\r\n", b"\xff\xfe\r\n", b"\0\r\n", b"=\r\n", b"*\r\n",  # noqa: E501
             "MAIL FROM:<ü@b> SMTPUTF8\r\n".encode(), b"x" * 5000 + b"\r\n"]  # fmt: skip
    for _ in range(400):
        talk = Talk(tls="offer")
        for _ in range(draw.randrange(1, 25)):
            piece = draw.choice(words)
            if draw.random() < 0.3:
                piece = bytes(draw.randrange(256) for _ in range(draw.randrange(20)))
            talk.say(piece)
        for step in talk.steps:
            if isinstance(step, Reply):
                assert step.encode().endswith(b"\r\n")
                assert 200 <= step.code < 600
