"""Where a dialogue by hand stands: what a typed line means, which reply is due, what may come next.

No socket and no clock; stepper.py has the connection.
"""

from __future__ import annotations

from email.header import Header
from typing import Literal

import msgspec

from servers.kit.settings import MASK
from servers.smtp_sink import explain
from servers.smtp_sink.dialogue import auth_masked, plain_shown
from servers.smtp_sink.replies import Reply
from servers.smtp_sink.request import Request, recipients_of

_LINE = "A line of the message."
State = Literal[
    "connected", "greeted", "log-in: name", "log-in: password", "log-in: plain", "mail", "recipients", "data",
    "closed",
]  # fmt: skip


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """A typed line: as it may be shown, what it is, and whether a reply is due."""

    verb: str
    shown: str
    decoded: str = ""
    meaning: str = ""
    due: bool = True


class Hint(msgspec.Struct, frozen=True):
    """The line that could come next, and why."""

    line: str
    why: str


class Steps:
    """The state, moved by ``typed`` and ``heard``."""

    def __init__(self, request: Request, name: str) -> None:
        self.state: State = "connected"
        self.request, self.name = request, name
        self.tls = self.logged_in = self.plain_hello = False
        self.sent = self.tls_refused = False
        self.recipients: list[str] = []
        self._asked = 0
        self._lines = 0  # of the text
        self._named: set[str] = set()  # the header fields that were typed
        self._body = False  # the empty line after the header was typed
        self._script = script(request)

    @property
    def over(self) -> bool:
        """There is no connection any more."""
        return self.state == "closed"

    # -- what is typed

    def typed(self, line: str) -> Typed:
        """What this line is, here and now."""
        if self.state == "data":
            return self._data(line)
        if self.state.startswith("log-in"):
            return self._secret(line)
        verb = explain.verb_of(line)
        shown, decoded = auth_masked(line) if verb == "AUTH" else (line, "")
        if verb == "AUTH":
            self._mechanism = line.split()[1].upper() if len(line.split()) > 1 else ""
            self._asked = len(line.split()) - 2
        if verb == "RCPT":
            self._recipient = line.partition(":")[2].strip().strip("<>")
        meaning = explain.command(verb) if line else "An empty line is no command."
        return Typed(verb=verb, shown=shown, decoded=decoded, meaning=meaning)

    def _data(self, line: str) -> Typed:
        if line == ".":
            return Typed(verb="MESSAGE", shown=line, meaning=explain.command("MESSAGE"))
        meaning = ""
        if self._body:
            self._lines += 1
        elif line == "":
            self._body, meaning = True, "The empty line between the headers and the text."
        else:
            self._named.add(_field(line))
        if line.startswith("."):
            meaning = "A dot was stuffed before the line: the server takes it off again."
            if not line.startswith(".."):
                meaning = "A line that begins with one dot loses it: type two."
        return Typed(verb="", shown=line, meaning=meaning, due=False)

    def _secret(self, line: str) -> Typed:
        if line == "*":
            return Typed(verb="AUTH", shown=line, meaning="The client cancels the log-in.")
        if self.state == "log-in: name":
            decoded = explain.decoded(line)
            words = "The name, in base64." if decoded else "This is no base64."
            return Typed(verb="AUTH", shown=line if decoded else MASK, decoded=decoded, meaning=words)
        plain = plain_shown(line, "PLAIN") if self.state == "log-in: plain" else MASK
        return Typed(verb="AUTH", shown=MASK, decoded=plain, meaning="The password, in base64.")

    # -- what is heard

    def heard(self, verb: str, reply: Reply) -> None:
        """The reply to what was typed last."""
        if reply.code in (421, 221):
            self.state = "closed"
        elif verb == "AUTH":
            self._heard_auth(reply)
        elif reply.code not in explain.EXPECTED.get(verb, ()):
            self._refused(verb, reply)
        elif (verb in ("HELO", "EHLO", "RSET") and self.state != "connected") or verb in ("HELO", "EHLO"):
            self.state, self.recipients = "greeted", []
        elif verb == "MAIL":
            self.state, self.recipients = "mail", []
        elif verb == "RCPT":
            self.state = "recipients"
            self.recipients.append(self._recipient)
        elif verb == "DATA":
            self.state, self._lines, self._body = "data", 0, False
            self._named = set()
        elif verb == "MESSAGE":
            self.state, self.sent = "greeted", True

    def _refused(self, verb: str, reply: Reply) -> None:
        self.plain_hello = self.plain_hello or verb == "EHLO"
        self.tls_refused = self.tls_refused or verb == "STARTTLS"
        if verb == "RCPT":
            self.recipients.append(self._recipient)  # asked; not to be asked again
        if verb == "MESSAGE":
            self.state = "greeted"

    def _heard_auth(self, reply: Reply) -> None:
        if reply.code == 334 and self._mechanism == "PLAIN":
            self.state = "log-in: plain"
        elif reply.code == 334:
            self.state = "log-in: password" if self._asked else "log-in: name"
            self._asked += 1
        else:
            self.logged_in = reply.code == 235 or self.logged_in
            if self.state.startswith("log-in"):
                self.state = "greeted"

    def encrypted(self) -> None:
        """The handshake is done: all that was said before is forgotten (RFC 3207, 4.2)."""
        self.tls, self.state, self.logged_in = True, "connected", False

    def closed(self) -> None:
        """There is no connection any more."""
        self.state = "closed"

    # -- what next

    def hint(self) -> Hint:
        """The next line of a dialogue that sends the request's message."""
        if self.state == "connected":
            verb = "HELO" if self.plain_hello else "EHLO"
            return Hint(f"{verb} {self.name}", explain.command(verb))
        if self.state == "data":
            return self._next_data()
        if self.state.startswith("log-in"):
            return self._next_secret()
        if self.state == "closed":
            return Hint("", "The connection is closed. Send the form again for a new one.")
        line = self._next_command()
        return Hint(line, explain.command(explain.verb_of(line)))

    def _next_command(self) -> str:
        request = self.request
        if self.state in ("mail", "recipients"):
            missing = [each for each in recipients_of(request.recipients) if each not in self.recipients]
            return f"RCPT TO:<{missing[0]}>" if missing else "DATA" if self.state == "recipients" else "RSET"
        if self.sent:
            return "QUIT"
        if request.tls and not self.tls and not self.tls_refused:
            return "STARTTLS"
        if request.auth and not self.logged_in:
            return "AUTH LOGIN"
        return f"MAIL FROM:<{request.sender}>"

    def _next_secret(self) -> Hint:
        name, _, password = self.request.auth.partition(":")
        if self.state == "log-in: name":
            return Hint(explain.encoded(name) if name else "", f"The name in base64: {_how('NAME')}")
        if self.state == "log-in: plain":
            line = explain.encoded(f"\0{name}\0{password}") if name else ""
            return Hint(line, "Nothing, NUL, the name, NUL, the password, together in base64.")
        line = explain.encoded(password) if password else ""
        return Hint(line, f"The password in base64: {_how('PASSWORD')}")

    def _next_data(self) -> Hint:
        end = self._script.index("")
        if not self._body:
            missing = [line for line in self._script[:end] if _field(line) not in self._named]
            return Hint(missing[0], _LINE) if missing else Hint("", "The empty line ends the headers.")
        rest = self._script[end + 1 + self._lines :]
        return Hint(rest[0], _LINE) if rest else Hint(".", explain.command("MESSAGE"))


def _field(line: str) -> str:
    """The name of a header field, in small letters."""
    return line.partition(":")[0].strip().lower()


def script(request: Request) -> list[str]:
    """The lines of a plain message, dots stuffed."""
    subject = Header(request.subject, "utf-8").encode(linesep="") if not request.subject.isascii() else ""
    head = [
        f"From: {request.sender}",
        f"To: {', '.join(recipients_of(request.recipients))}",
        f"Subject: {subject or request.subject}",
        "",
    ]
    return head + [f".{line}" if line.startswith(".") else line for line in request.text.splitlines()]


def _how(word: str) -> str:
    return f"python -c \"import base64; print(base64.b64encode(b'{word}').decode())\""
