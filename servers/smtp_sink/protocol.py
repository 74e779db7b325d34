"""SMTP as the server speaks it, without a socket: bytes in, steps out. A method for each verb.

RFC 5321, with AUTH (4954), STARTTLS (3207), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531),
PIPELINING (2920) and ENHANCEDSTATUSCODES (2034). ``Session.receive()`` yields what is to be
done, one Step after the other; whoever drives it does each before it asks for the next.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec

from servers.smtp_sink.address import PathError, read_parameters, read_path
from servers.smtp_sink.data import DataReader
from servers.smtp_sink.faults import Fault, Faults

MAX_LINE = 2048
"""Bytes of a command line at the most: RFC 5321 asks for 512, its extensions for more."""
MECHANISMS = frozenset(("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "XOAUTH2", "OAUTHBEARER", "EXTERNAL"))
"""Names of ways to log in that are shown: another word behind AUTH may be a secret."""
MAX_AUTH = 12288
"""Bytes of a line in AUTH at the most (RFC 4954, 4)."""
MAX_RECIPIENTS = 1000
"""RFC 5321, 4.5.3.1.8 asks for at least 100."""
MAX_MISTAKES = 100
"""Commands that are none, after which the client is sent away."""
UNREAD = 2
"""Lines after a refused AUTH that may be a name and a password."""
BROWSERS = frozenset(("GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "DELETE", "PATCH"))
"""HTTP's methods: a web page must not make a browser speak SMTP."""
MASK = "••••"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Message(Protocol):
    """A message on its way to the disk. ``name`` is what it will be found by."""

    name: str

    def write(self, data: bytes) -> None:
        """The next bytes. OSError if they cannot be kept."""

    def abandon(self) -> None:
        """Leave no trace."""


class Reply(msgspec.Struct, frozen=True):
    """Send this, all lines in one ``send()``: then one ``recv()`` is likely to get it whole."""

    code: int
    lines: tuple[str, ...]
    enhanced: str = ""
    decoded: str = ""
    fault: str = ""
    delay: float = 0.0

    def encode(self) -> bytes:
        """The lines as they go out: all but the last with a hyphen behind the code (RFC 5321, 4.2.1)."""
        start = f"{self.enhanced} " if self.enhanced else ""
        last = len(self.lines) - 1
        words = (
            f"{self.code}{'-' if n < last else ' '}{start}{line}\r\n" for n, line in enumerate(self.lines)
        )
        return "".join(words).encode()


class Heard(msgspec.Struct, frozen=True):
    """A line came: how it is shown, what base64 in it says, and its bytes, secrets masked in all."""

    verb: str
    shown: str
    decoded: str
    data: bytes


class HeardMessage(msgspec.Struct, frozen=True):
    """A message came: its first bytes as they were on the wire, its size, the dots that were added."""

    start: bytes
    size: int
    stuffed: int


class Ahead(msgspec.Struct, frozen=True):
    """What the next bytes of a client belong to, as far as there may be a password in them.

    ``begun`` is what came before of their first line. ``login``: that line belongs to a log-in; ``unread``:
    so many lines that are no commands may. ``message``: it belongs to a message's text.
    """

    begun: bytes = b""
    login: bool = False
    unread: int = 0
    message: bool = False


class StartTls(msgspec.Struct, frozen=True):
    """Shake hands now; then say ``secured()``."""


class Commit(msgspec.Struct, frozen=True):
    """Make the message durable now; where that fails, say ``failed()`` before the next step."""

    message: Any


class Drop(msgspec.Struct, frozen=True):
    """Close the connection; ``fault`` says in words why, "" in the ordinary course."""

    fault: str = ""


Step = Reply | Heard | HeardMessage | StartTls | Commit | Drop


class Envelope(msgspec.Struct):
    """Who sends to whom: what MAIL and RCPT said, whatever the message's header says."""

    peer: str
    hello: str = ""
    protocol: str = "SMTP"
    sender: str = ""
    recipients: list[str] = []
    user: str = ""


class Policy(msgspec.Struct, frozen=True):
    """What this server allows. ``accounts`` is None where any name and password will do."""

    name: str = "socketlab.test"
    size: int = 26_214_400
    tls: str = "off"
    accounts: dict[str, str] | None = None
    require_auth: bool = False


class Session:
    """One connection. ``keep(envelope)`` opens a message; ``tried(user, password)`` is told of log-ins."""

    def __init__(
        self,
        policy: Policy,
        keep: Callable[[Envelope], Message],
        *,
        peer: str = "",
        faults: Faults | None = None,
        tried: Callable[[str, str], None] = lambda user, password: None,
    ) -> None:
        self.policy, self._keep, self._peer, self._tried = policy, keep, peer, tried
        self._faults = faults or Faults()
        self._buffer = bytearray()
        self._counts: Counter[str] = Counter()
        self._mistakes = 0
        self._skipping = False
        self._closed = False
        self.tls = False
        self.verb = ""
        """The command that is being answered; «message» for a message's end, «connect» for the greeting."""
        self._data: DataReader | None = None
        self._message: Message | None = None
        self._failure = ""
        self._start_again()

    def _start_again(self) -> None:
        """As if the connection were new: after the greeting, and after STARTTLS (RFC 3207, 4.2)."""
        self._hello = ""
        self._extended = False
        self._user = ""
        self._login: Callable[[str], Iterator[Step]] | None = None
        self._unread = 0  # lines that may be the rest of a log-in that was refused
        self._reset()

    def _reset(self) -> None:
        """No transaction."""
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._utf8 = False

    # -- what the driver says

    def greeting(self) -> Iterator[Step]:
        """The first words are the server's."""
        reply = Reply(220, (f"{self.policy.name} ESMTP Socket Lab: takes all mail, relays none",))
        yield from self._faulty("connect", iter((reply,)))

    def receive(self, data: bytes) -> Iterator[Step]:
        """Bytes came; what to do about them."""
        self._buffer += data
        while not self._closed:
            if self._data is not None:
                steps = self._read_message()
            else:
                line = self._line()
                steps = None if line is None else self._hear(line)
            if steps is None:
                return
            for step in steps:
                yield step
                if isinstance(step, Drop) or (isinstance(step, Reply) and step.code == 421):
                    self._closed = True
                    if isinstance(step, Reply):
                        yield Drop()
                    return

    def secured(self) -> None:
        """The handshake is done. What was sent before it is not obeyed (RFC 3207, 5)."""
        self._buffer.clear()
        self.tls = True
        self._start_again()

    def timed_out(self) -> Iterator[Step]:
        """Nothing came for too long."""
        self._closed = True
        self.verb = ""
        yield Reply(421, (f"{self.policy.name} You were silent for too long",), "4.4.2")
        yield Drop()

    def close(self) -> None:
        """The connection is gone; a message that is not whole leaves no trace."""
        self._closed = True
        if self._message is not None:
            self._message.abandon()
            self._message = None

    @property
    def ahead(self) -> Ahead | None:
        """What the next bytes belong to; None: nobody knows, for they are not read."""
        if self._closed or self._skipping:
            return None
        return Ahead(bytes(self._buffer), self._login is not None, self._unread, self._data is not None)

    # -- lines

    def _line(self) -> bytes | None:
        """A line off the buffer, without its end; None: not whole yet. LF alone ends a command, too."""
        limit = MAX_AUTH if self._login or self._buffer[:5].upper() == b"AUTH " else MAX_LINE
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > limit:
                self._buffer.clear()
                self._skipping = True
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        if self._skipping or len(line) > limit:
            self._skipping = False
            return b"\0"  # no command: told as too long
        return line.removesuffix(b"\r")

    def _hear(self, raw: bytes) -> Iterator[Step]:
        """One line: of a log-in, or a command."""
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            line = "\0"
        if self._login is not None and line != "\0":
            yield from self._login(line)
            return
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        heard = self._shown(raw, line, verb, argument.strip())
        yield heard
        if verb in BROWSERS:
            yield Reply(421, ("This is SMTP, not HTTP",), "4.7.0")
        elif CONTROL.search(line.rstrip("\t")):
            yield from self._mistake(Reply(500, ("That line is too long, or no text",), "5.5.2"))
        elif verb not in VERBS:
            what = "That is no command" if heard.shown == MASK else f"There is no command {verb[:20]!a}"
            words = f"{what}: HELP lists them"
            yield from self._mistake(Reply(500, (words,), "5.5.1"))
        else:
            yield from self._faulty(verb, VERBS[verb](self, argument.strip()))

    def _shown(self, raw: bytes, line: str, verb: str, argument: str) -> Heard:
        """What is told of a line. Whatever may have a password in it is masked.

        So are the lines after a refused AUTH that are no commands: a client that does not
        read replies sends its name and password all the same.
        """
        begins = raw.lstrip()[:4].upper() == b"AUTH"
        secret = self._login is not None or begins
        if begins:
            self._unread = UNREAD
        if verb == "AUTH" and line != "\0":
            shown, decoded = mask_auth(argument)
            return Heard("AUTH", shown, decoded, shown.encode())
        if begins:
            pass
        elif verb not in VERBS and self._unread:
            self._unread -= 1
            secret = True
        elif verb in VERBS:
            self._unread = 0
        if secret:
            return Heard("", MASK, "", MASK.encode())
        shown = raw.decode("utf-8", "backslashreplace") if raw != b"\0" else "(a line too long)"
        return Heard(verb if verb in VERBS else "", shown, "", raw)

    def _mistake(self, reply: Reply) -> Iterator[Step]:
        self.verb = ""
        self._mistakes += 1
        if self._mistakes > MAX_MISTAKES:
            reply = Reply(421, (f"{self.policy.name} Too many mistakes",), "4.7.0")
        yield reply

    def _faulty(self, verb: str, right: Iterator[Step]) -> Iterator[Step]:
        """The right steps, or what a fault makes of them."""
        self._counts[verb] += 1
        self._counts["any"] += verb not in ("connect", "message")
        self.verb = verb
        fault = self._faults.at(verb, self._counts[verb], self._counts["any"])
        if fault is None:
            yield from right
        elif fault.what == "drop":
            yield Drop(fault.words())
        elif fault.what == "reply":
            self._spoilt(verb)
            yield _wrong(fault)
        else:
            for step in right:
                if isinstance(step, Reply):
                    step = msgspec.structs.replace(step, delay=fault.seconds, fault=fault.words())
                yield step

    def _spoilt(self, verb: str) -> None:
        """A reply that is not the right one: the command is not done."""
        if verb == "message":
            self.close_message()

    # -- the verbs, in the order of a dialogue

    def helo(self, argument: str) -> Iterator[Step]:
        """HELO domain: one line, no extensions (RFC 5321, 4.1.1.1)."""
        if not argument:
            yield Reply(501, ("HELO needs your host's name",), "5.5.4")
            return
        self._greet(argument, extended=False)
        yield Reply(250, (f"{self.policy.name} Hello {argument[:100]}",))

    def ehlo(self, argument: str) -> Iterator[Step]:
        """EHLO domain: what this server can beyond the basics, a line each."""
        if not argument:
            yield Reply(501, ("EHLO needs your host's name",), "5.5.4")
            return
        self._greet(argument, extended=True)
        lines = [f"{self.policy.name} Hello {argument[:100]}", "PIPELINING", f"SIZE {self.policy.size}"]
        lines += ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self.policy.tls != "off" and not self.tls:
            lines.append("STARTTLS")
        if self._offers_auth:
            lines.append("AUTH LOGIN PLAIN")
        yield Reply(250, (*lines, "HELP"))

    def _greet(self, name: str, extended: bool) -> None:
        self._hello, self._extended = name, extended
        self._reset()

    @property
    def _offers_auth(self) -> bool:
        return self.policy.accounts != {} and (self.policy.tls != "require" or self.tls)

    def starttls(self, argument: str) -> Iterator[Step]:
        """STARTTLS: from the reply on, a handshake (RFC 3207)."""
        if argument:
            yield Reply(501, ("STARTTLS takes no argument",), "5.5.4")
        elif self.policy.tls == "off":
            yield Reply(502, ("STARTTLS is off here",), "5.5.1")
        elif self.tls:
            yield Reply(503, ("The connection is encrypted already",), "5.5.1")
        else:
            self._buffer.clear()
            yield Reply(220, ("Ready to start TLS",), "2.0.0")
            yield StartTls()

    def auth(self, argument: str) -> Iterator[Step]:
        """AUTH LOGIN or PLAIN, with or without an initial response (RFC 4954)."""
        mechanism, _, initial = argument.partition(" ")
        mechanism, initial = mechanism.upper(), initial.strip()
        if self.policy.tls == "require" and not self.tls:
            yield Reply(530, ("Say STARTTLS first",), "5.7.0")
        elif self.policy.accounts == {}:
            yield Reply(502, ("Nobody can log in here",), "5.5.1")
        elif not self._hello:
            yield Reply(503, ("Say EHLO or HELO first",), "5.5.1")
        elif self._user:
            yield Reply(503, (f"You are logged in as {self._user}",), "5.5.1")
        elif self._sender is not None:
            yield Reply(503, ("Not within a message's transaction",), "5.5.1")
        elif mechanism == "PLAIN":
            yield from self._ask("", self._plain, initial)
        elif mechanism == "LOGIN":
            yield from self._ask("Username:", self._name, initial)
        elif not mechanism:
            yield Reply(501, ("AUTH needs a mechanism: LOGIN or PLAIN",), "5.5.4")
        else:
            yield Reply(504, ("Only LOGIN and PLAIN are known here",), "5.5.4")

    def _ask(self, prompt: str, then: Callable[[bytes], Iterator[Step]], initial: str = "") -> Iterator[Step]:
        """Ask for a line of base64, unless it came with the command."""
        if initial:
            yield from self._take(initial, then)
            return
        self._login = lambda line: self._answered(line, then)
        self._unread = 0
        yield Reply(334, (base64.b64encode(prompt.encode()).decode(),), decoded=prompt)

    def _answered(self, line: str, then: Callable[[bytes], Iterator[Step]]) -> Iterator[Step]:
        self._login = None
        shown, decoded = line, ""
        if line != "*":
            shown, decoded = mask_line(line, name=then == self._name)
        yield Heard("AUTH", shown, decoded, shown.encode())
        yield from self._take(line, then)

    def _take(self, line: str, then: Callable[[bytes], Iterator[Step]]) -> Iterator[Step]:
        if line == "*":
            yield Reply(501, ("The log-in was cancelled",), "5.7.0")
            return
        try:
            words = b"" if line == "=" else base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError):
            yield Reply(501, ("That is not base64",), "5.5.2")
            return
        yield from then(words)

    def _name(self, name: bytes) -> Iterator[Step]:
        yield from self._ask("Password:", lambda password: self._check(name, password))

    def _plain(self, words: bytes) -> Iterator[Step]:
        """RFC 4616: who one acts for, NUL, the name, NUL, the password."""
        parts = words.split(b"\0")
        if len(parts) != 3:
            yield Reply(501, ("PLAIN is [for whom] NUL name NUL password",), "5.5.2")
            return
        yield from self._check(parts[1], parts[2])

    def _check(self, name: bytes, password: bytes) -> Iterator[Step]:
        user, secret = name.decode("utf-8", "backslashreplace"), password.decode("utf-8", "backslashreplace")
        self._tried(user, secret)
        accounts = self.policy.accounts
        if not user or (accounts is not None and accounts.get(user) != secret):
            yield Reply(535, ("That name and password do not fit",), "5.7.8")
            return
        self._user = user
        yield Reply(235, ("You are logged in",), "2.7.0")

    def mail(self, argument: str) -> Iterator[Step]:
        """MAIL FROM:<address> parameters: a transaction begins (RFC 5321, 4.1.1.2)."""
        if refused := self._not_yet():
            yield refused
            return
        found = re.match(r"FROM:[ \t]*", argument, re.IGNORECASE)
        if not found:
            yield Reply(501, ("It is MAIL FROM:<address>",), "5.5.4")
            return
        try:
            sender, rest = read_path(argument[found.end() :], empty=True)
            parameters = read_parameters(rest)
        except PathError as error:
            yield Reply(501, (str(error),), error.enhanced)
            return
        refused = self._check_mail(sender, parameters)
        if refused:
            yield refused
            return
        self._sender, self._utf8 = sender, "SMTPUTF8" in parameters
        yield Reply(250, (f"<{sender}> may send",), "2.1.0")

    def _not_yet(self) -> Reply | None:
        if not self._hello:
            return Reply(503, ("Say EHLO or HELO first",), "5.5.1")
        if self.policy.tls == "require" and not self.tls:
            return Reply(530, ("Say STARTTLS first",), "5.7.0")
        if self.policy.require_auth and not self._user:
            return Reply(530, ("Log in first, with AUTH",), "5.7.0")
        if self._sender is not None:
            return Reply(503, ("There is a sender already: RSET begins anew",), "5.5.1")
        return None

    def _check_mail(self, sender: str, parameters: dict[str, str | None]) -> Reply | None:
        known = ("SIZE", "BODY", "SMTPUTF8", "AUTH") if self._extended else ()
        for name, value in parameters.items():
            if name not in known:
                return Reply(555, (f"The parameter {name[:30]} is not known here",), "5.5.4")
            if name == "SIZE" and not re.fullmatch(r"[0-9]{1,20}", value or ""):
                return Reply(501, ("SIZE= wants a number of bytes",), "5.5.4")
            if name == "SIZE" and int(value or 0) > self.policy.size:
                return Reply(552, (f"At most {self.policy.size} bytes are taken",), "5.3.4")
            if name == "BODY" and (value or "").upper() not in ("7BIT", "8BITMIME"):
                return Reply(501, ("BODY= is 7BIT or 8BITMIME",), "5.5.4")
            if name == "SMTPUTF8" and value is not None:
                return Reply(501, ("SMTPUTF8 takes no value",), "5.5.4")
        if not sender.isascii() and "SMTPUTF8" not in parameters:
            return Reply(553, ("Letters beyond ASCII need SMTPUTF8",), "5.6.7")
        return None

    def rcpt(self, argument: str) -> Iterator[Step]:
        """RCPT TO:<address>: one more recipient (RFC 5321, 4.1.1.3)."""
        if self._sender is None:
            yield Reply(503, ("Say MAIL first",), "5.5.1")
            return
        found = re.match(r"TO:[ \t]*", argument, re.IGNORECASE)
        if not found:
            yield Reply(501, ("It is RCPT TO:<address>",), "5.5.4")
            return
        try:
            recipient, rest = read_path(argument[found.end() :], postmaster=True)
            parameters = read_parameters(rest)
        except PathError as error:
            yield Reply(501, (str(error),), error.enhanced.replace("5.1.7", "5.1.3"))
            return
        if parameters:
            yield Reply(555, (f"The parameter {next(iter(parameters))[:30]} is not known here",), "5.5.4")
        elif not recipient.isascii() and not self._utf8:
            yield Reply(553, ("Letters beyond ASCII need SMTPUTF8 in MAIL",), "5.6.7")
        elif len(self._recipients) >= MAX_RECIPIENTS:
            yield Reply(452, ("Too many recipients: send the message again to the rest",), "4.5.3")
        else:
            self._recipients.append(recipient)
            yield Reply(250, (f"<{recipient}> will get it, in this mailbox only",), "2.1.5")

    def data(self, argument: str) -> Iterator[Step]:
        """DATA: the message follows, up to a line with a dot alone (RFC 5321, 4.1.1.4)."""
        if argument:
            yield Reply(501, ("DATA takes no argument",), "5.5.4")
        elif self._sender is None:
            yield Reply(503, ("Say MAIL first",), "5.5.1")
        elif not self._recipients:
            yield Reply(554, ("There is no recipient that was accepted",), "5.5.1")
        else:
            try:
                self._message = self._keep(self._envelope())
            except OSError as error:
                yield Reply(452, (f"The mailbox cannot be written: {error.strerror}",), "4.3.1")
                return
            yield Reply(354, ("Send the message; a line with a dot alone ends it",))
            self._data = DataReader(self.policy.size)

    def _envelope(self) -> Envelope:
        """RFC 3848 and RFC 6531, 4.3 name the protocol by what was used of it."""
        name = "SMTP"
        if self._extended:
            secure = ("S" if self.tls else "") + ("A" if self._user else "")
            name = ("UTF8SMTP" if self._utf8 else "ESMTP") + secure
        return Envelope(
            self._peer, self._hello, name, self._sender or "", list(self._recipients), self._user
        )  # fmt: skip

    def _read_message(self) -> Iterator[Step] | None:
        """The message's next bytes; None: more are needed."""
        data = self._data
        if data is None or not self._buffer:
            return None
        fault = self._faults.at("message", self._counts["message"] + 1, self._counts["any"])
        if fault and fault.what == "drop":
            self.close_message()
            return iter((Drop(fault.words()),))
        piece = data.take(self._buffer)
        if piece and self._message is not None:
            try:
                self._message.write(piece)
            except OSError:
                self.close_message()
                data.failed = True
        if data.too_large and self._message is not None:
            self.close_message()
        if not data.ended:
            return None
        self._data = None
        return self._finish(data)

    def _finish(self, data: DataReader) -> Iterator[Step]:
        """The message is whole."""
        yield HeardMessage(bytes(data.start), data.size, data.stuffed)
        yield from self._faulty("message", self._store(data))
        self._reset()

    def _store(self, data: DataReader) -> Iterator[Step]:
        message, self._message = self._message, None
        if data.too_large:
            yield Reply(552, (f"The message is larger than {self.policy.size} bytes",), "5.3.4")
        elif data.failed or message is None:
            yield Reply(452, ("The mailbox cannot be written",), "4.3.1")
        else:
            self._failure = ""
            yield Commit(message)
            if self._failure:
                yield Reply(452, (f"The mailbox cannot be written: {self._failure}",), "4.3.1")
            else:
                yield Reply(250, (f"Stored as {message.name}",), "2.0.0")

    def failed(self, reason: str) -> None:
        """The message could not be made durable."""
        self._failure = reason

    def close_message(self) -> None:
        """A message that will not be kept leaves no trace."""
        if self._message is not None:
            self._message.abandon()
            self._message = None

    def rset(self, argument: str) -> Iterator[Step]:
        """RSET: forget the transaction."""
        self._reset()
        yield Reply(250, ("Forgotten",), "2.0.0")

    def noop(self, argument: str) -> Iterator[Step]:
        """NOOP: do nothing."""
        yield Reply(250, ("Nothing done",), "2.0.0")

    def vrfy(self, argument: str) -> Iterator[Step]:
        """VRFY: no server tells strangers whom it knows (RFC 5321, 7.3)."""
        if not argument:
            yield Reply(501, ("VRFY needs a name",), "5.5.4")
        else:
            yield Reply(252, ("Every recipient is taken here; send and see",), "2.5.0")

    def help(self, argument: str) -> Iterator[Step]:
        """HELP: the commands."""
        yield Reply(
            214, ("Commands: " + " ".join(v for v in VERBS if v not in MISSING), "See RFC 5321"), "2.0.0"
        )

    def quit(self, argument: str) -> Iterator[Step]:
        """QUIT: goodbye, and the connection ends."""
        if argument:
            yield Reply(501, ("QUIT takes no argument",), "5.5.4")
            return
        yield Reply(221, (f"{self.policy.name} Goodbye",), "2.0.0")
        yield Drop()

    def missing(self, argument: str) -> Iterator[Step]:
        """A command that exists, and is not done here."""
        yield Reply(502, ("That command is not done here",), "5.5.1")


def _wrong(fault: Fault) -> Reply:
    kind = "4.3.0" if fault.code < 500 else "5.3.0"
    return Reply(fault.code, (fault.text or "On purpose",), kind, fault=fault.words())


def mask_auth(argument: str) -> tuple[str, str]:
    """An AUTH command and what it says, the password masked."""
    mechanism, _, initial = argument.partition(" ")
    if mechanism and mechanism.upper() not in MECHANISMS:
        return f"AUTH {MASK}", ""  # it may be the secret itself
    if not initial.strip():
        return f"AUTH {argument}", ""
    shown, decoded = mask_line(initial.strip(), name=mechanism.upper() == "LOGIN")
    return f"AUTH {mechanism} {shown}", decoded


def mask_line(line: str, name: bool) -> tuple[str, str]:
    """A line of base64 and what it says: a name in clear, a password masked."""
    if name:
        try:
            return line, base64.b64decode(line, validate=True).decode("utf-8", "backslashreplace")
        except (binascii.Error, ValueError):
            return MASK, "not base64"
    try:
        parts = base64.b64decode(line, validate=True).split(b"\0")
    except (binascii.Error, ValueError):
        return MASK, "not base64"
    if len(parts) == 3:
        return MASK, f"name {parts[1].decode('utf-8', 'backslashreplace')}, password {MASK}"
    return MASK, MASK


MISSING = ("EXPN", "TURN", "ETRN", "BDAT", "SEND", "SOML", "SAML")
VERBS: dict[str, Callable[[Session, str], Iterator[Step]]] = {
    "HELO": Session.helo, "EHLO": Session.ehlo, "STARTTLS": Session.starttls, "AUTH": Session.auth,
    "MAIL": Session.mail, "RCPT": Session.rcpt, "DATA": Session.data, "RSET": Session.rset,
    "NOOP": Session.noop, "VRFY": Session.vrfy, "HELP": Session.help, "QUIT": Session.quit,
    **dict.fromkeys(MISSING, Session.missing),
}  # fmt: skip
