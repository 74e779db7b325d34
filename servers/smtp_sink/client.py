"""The SMTP client: sends a message and checks every reply; with --step one types each line oneself.

Run it alone:   python -m servers.smtp_sink.client 127.0.0.1 1025 --to you@example.org

Here is the order of things. talk.py has the socket, compose.py makes the message, replies.py reads
the answers, explain.py says what they mean, stepper.py is --step.
"""

from __future__ import annotations

import re
from email.utils import formatdate, make_msgid
from pathlib import Path

import msgspec

from servers.kit.command import run_client
from servers.kit.errors import LabError, ProtocolError, SettingError
from servers.kit.report import Report
from servers.kit.settings import MASK
from servers.smtp_sink import explain
from servers.smtp_sink.compose import DEMO, Image, compose, demo_image, stuffed
from servers.smtp_sink.dialogue import Dialogue, Line, plain_shown
from servers.smtp_sink.lab import LAB
from servers.smtp_sink.replies import Reply
from servers.smtp_sink.request import Request, recipients_of
from servers.smtp_sink.stepper import step
from servers.smtp_sink.talk import Talk

REPLY_S, MESSAGE_S = 30.0, 120.0
"""Seconds to wait for a reply, and for the one after a message. RFC 5321, 4.5.3.2, asks for minutes."""
LARGEST_IMAGE = 20_000_000


class Refused(ProtocolError):
    """The server did not reply as it must for the message to go on."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``accepted`` and ``refused`` are recipients, ``size`` the message's bytes."""

    accepted: list[str]
    refused: list[str]
    id: str
    size: int
    dialogue: list[Line]
    error: str = ""


def send(host: str, port: int, request: Request, report: Report) -> int:
    """Send the message. Exit code 0 if it was accepted for all recipients, else 1."""
    if request.step:
        return step(host, port, request, report)
    image = image_of(request, report)
    dialogue = Dialogue(report.say)
    delivery = Delivery(Talk(host, port, report, dialogue), request, image)
    error = ""
    try:
        delivery.run()
    except TimeoutError:
        error = "The server did not reply in time."
    except (LabError, ProtocolError) as problem:
        error = str(problem)
    except KeyboardInterrupt:
        error = "Interrupted."
    finally:
        delivery.hang_up()
    _tell(delivery, error, dialogue)
    report.result(
        Result(
            accepted=delivery.accepted,
            refused=delivery.refused,
            id=delivery.id,
            size=delivery.size,
            dialogue=dialogue.lines,
            error=error,
        )
    )
    return 0 if delivery.accepted and not delivery.refused and not error else 1


def image_of(request: Request, report: Report) -> Image | None:
    """The image to attach. The dashboard's clients read no files: anybody in class could ask for any."""
    if not request.image:
        return None
    if request.image == DEMO:
        return demo_image()
    if report.audience == "dashboard":
        raise SettingError(
            "On the page only the image «demo» can be sent.", field="image",
            hint="Send a file of your own from a terminal, with --image FILE.",
        )  # fmt: skip
    path = Path(request.image)
    try:
        if path.stat().st_size > LARGEST_IMAGE:
            raise SettingError(f"The image is larger than {LARGEST_IMAGE} bytes.", field="image")
        return Image(path.name, path.read_bytes())
    except OSError as error:
        raise SettingError(f"The image cannot be read: {error.strerror}.", field="image") from None


class Delivery:
    """One message on its way: greeting, hello, TLS, log-in, envelope, data."""

    def __init__(self, talk: Talk, request: Request, image: Image | None) -> None:
        self.talk, self.request, self.image = talk, request, image
        self.offers: dict[str, str] = {}
        self.extended = False
        self.accepted: list[str] = []
        self.refused: list[str] = []
        self.id, self.size = "", 0

    def run(self) -> None:
        """All of it. Raises Refused where the server says no, Closed, TimeoutError."""
        self._await("CONNECT")
        self._hello()
        if self.request.tls:
            self._start_tls()
        if self.request.auth:
            self._log_in()
        self._send(*self._composed())

    def hang_up(self) -> None:
        """Say goodbye, where there is somebody; what comes of it no longer matters."""
        try:
            if self.talk.open:
                self._command("QUIT")
        except (TimeoutError, LabError, ProtocolError):
            self.talk.dialogue.note("The server did not say goodbye.")
        finally:
            self.talk.close()

    # -- the steps

    def _hello(self) -> None:
        """EHLO; HELO for a server that does not know it (RFC 5321, 3.2)."""
        reply = self._command(f"EHLO {self.talk.name}")
        self.extended = reply.code == 250
        if self.extended:
            lines = [line.replace("AUTH=", "AUTH ").partition(" ") for line in reply.lines[1:]]
            self.offers = {name.upper(): value.upper() for name, _, value in lines}
        elif reply.code >= 500:
            self.offers = {}
            self._must(f"HELO {self.talk.name}")
        else:
            raise _refused("EHLO", reply)

    def _start_tls(self) -> None:
        if "STARTTLS" not in self.offers:
            raise Refused("The server does not offer STARTTLS, so nothing was sent.")
        self._must("STARTTLS")
        self.talk.start_tls()
        self._hello()  # what was said before may not have been the server's (RFC 3207, 4.2)

    def _log_in(self) -> None:
        """AUTH PLAIN or LOGIN, as offered; LOGIN with a server of the sheet, which offers nothing."""
        name, _, password = self.request.auth.partition(":")
        ways = self.offers.get("AUTH", "").split() if self.extended else ["LOGIN"]
        if not self.talk.tls:
            self.talk.dialogue.note("The password goes unencrypted: base64 hides nothing.")
        if "PLAIN" in ways:
            secret = explain.encoded(f"\0{name}\0{password}")
            self._must(f"AUTH PLAIN {secret}", f"AUTH PLAIN {MASK}", plain_shown(secret, "PLAIN"), (235,))
        elif "LOGIN" in ways:
            self._must("AUTH LOGIN", codes=(334,))
            self._must(explain.encoded(name), decoded=name, verb="AUTH", codes=(334,))
            self._must(explain.encoded(password), MASK, MASK, codes=(235,), verb="AUTH")
        else:
            offered = f"only {' '.join(ways)}" if ways else "no log-in"
            if not self.talk.tls and "STARTTLS" in self.offers:
                offered += " before STARTTLS"
            raise Refused(f"The server offers {offered}; this client knows PLAIN and LOGIN.")

    def _composed(self) -> tuple[bytes, str]:
        """The message, and what MAIL says of it beside the sender."""
        request, people = self.request, recipients_of(self.request.recipients)
        utf8 = not all(each.isascii() for each in (request.sender, *people))
        if utf8 and "SMTPUTF8" not in self.offers:
            raise Refused("An address has letters beyond ASCII, and the server does not offer SMTPUTF8.")
        eight_bit = "8BITMIME" in self.offers
        domain = request.sender.rpartition("@")[2]
        fit = re.fullmatch(r"[A-Za-z0-9.-]+", domain)
        unique = make_msgid(domain=domain if fit else "localhost")
        message = compose(
            request, self.image, date=formatdate(localtime=True), message_id=unique,
            eight_bit=eight_bit, utf8=utf8,
        )  # fmt: skip
        self.size = len(message)
        words = f" SIZE={len(message)}" if "SIZE" in self.offers else ""
        words += " BODY=8BITMIME" if eight_bit and not message.isascii() else ""
        return message, words + (" SMTPUTF8" if utf8 else "")

    def _send(self, message: bytes, parameters: str) -> None:
        """The envelope, then the data."""
        self._must(f"MAIL FROM:<{self.request.sender}>{parameters}")
        taken: list[str] = []
        for recipient in recipients_of(self.request.recipients):
            reply = self._command(f"RCPT TO:<{recipient}>")
            if reply.code == 421:
                raise _refused("RCPT", reply)
            (taken if reply.code in explain.EXPECTED["RCPT"] else self.refused).append(recipient)
        if not taken:
            raise Refused("No recipient was accepted, so the message was not sent.")
        self._must("DATA")
        self.talk.send_message(stuffed(message))
        reply = self._await("MESSAGE")
        self.accepted = taken
        found = re.search(r"(?:queued as|stored as|id[=: ])\s*(\S+)", reply.text, re.I)
        self.id = found[1] if found else ""

    # -- lines

    def _command(self, line: str, shown: str = "", decoded: str = "", verb: str = "") -> Reply:
        verb = verb or explain.verb_of(line)
        self.talk.send(line, shown=shown, decoded=decoded, meaning=explain.command(verb))
        return self.talk.reply(verb, REPLY_S)

    def _must(
        self, line: str, shown: str = "", decoded: str = "", codes: tuple[int, ...] = (), verb: str = ""
    ) -> Reply:
        verb = verb or explain.verb_of(line)
        reply = self._command(line, shown, decoded, verb)
        if reply.code not in (codes or explain.EXPECTED[verb]):
            raise _refused(verb, reply)
        return reply

    def _await(self, verb: str) -> Reply:
        reply = self.talk.reply(verb, MESSAGE_S if verb == "MESSAGE" else REPLY_S)
        if reply.code not in explain.EXPECTED[verb]:
            raise _refused(verb, reply)
        return reply


def _refused(verb: str, reply: Reply) -> Refused:
    what = {"CONNECT": "the connection", "MESSAGE": "the message", "AUTH": "the log-in"}.get(verb, verb)
    return Refused(
        f"The server refused {what}: {reply.code} {reply.text} ({explain.reply(verb, reply.code)})"
    )


def _tell(delivery: Delivery, error: str, dialogue: Dialogue) -> None:
    """The outcome in a line or two."""
    if error:
        dialogue.note(f"Not sent: {error}")
    elif delivery.accepted:
        words = f"Accepted for {', '.join(delivery.accepted)}: {delivery.size} bytes"
        dialogue.note(words + (f", as {delivery.id}." if delivery.id else "."))
    if delivery.accepted and delivery.refused:
        dialogue.note(f"Refused for {', '.join(delivery.refused)}.")


if __name__ == "__main__":
    run_client(LAB, send)
