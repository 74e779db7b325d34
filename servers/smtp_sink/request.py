"""What the SMTP client is asked to do: the form and the flags are made from it."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.settings import RequestSettings, ui

_BETWEEN = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
"""A comma that is in no quoted local part."""
_UNFIT = re.compile(r"[\x00-\x1f\x7f<>]")
"""What would end the address, or the line."""


def _flag(name: str) -> dict[str, object]:
    return ui(flags=(name,))


class Request(RequestSettings, frozen=True, kw_only=True):
    """One message, or with ``step`` a dialogue by hand."""

    sender: Annotated[
        str,
        Meta(
            max_length=320,
            title="From",
            description="The envelope's and the header's.",
            extra=_flag("--from"),
        ),
    ] = "student@example.org"
    recipients: Annotated[
        str,
        Meta(max_length=4000, title="To", description="With commas between several.", extra=_flag("--to")),
    ] = "teacher@example.org"
    subject: Annotated[str, Meta(max_length=400, title="Subject", description="Any letters.")] = "Hello"
    text: Annotated[
        str, Meta(max_length=20000, title="Text", description="The message.", extra=ui(multiline=True))
    ] = "I love computer networks!"
    image: Annotated[
        str,
        Meta(
            max_length=1000,
            title="Image",
            description="demo: a small one of ours. In a terminal also the name of a file.",
            extra=ui(advanced=True),
        ),
    ] = ""
    auth: Annotated[
        str,
        Meta(
            max_length=400,
            title="Log in as",
            description="NAME:PASSWORD; empty: no AUTH.",
            extra=ui(advanced=True, secret=True),
        ),
    ] = ""
    tls: Annotated[
        bool, Meta(title="STARTTLS", description="Encrypt before anything is sent.", extra=ui(advanced=True))
    ] = False
    step: Annotated[bool, Meta(title="Step by step", description="You type each line yourself.")] = False

    def __post_init__(self) -> None:
        if _UNFIT.search(self.sender):
            raise SettingError("An address has no < or > and no control characters.", field="sender")
        if _UNFIT.search(self.recipients):
            raise SettingError("An address has no < or > and no control characters.", field="recipients")
        if not recipients_of(self.recipients):
            raise SettingError("There is nobody to send it to.", field="recipients", hint="Give an address.")
        if re.search(r"[\r\n\x00]", self.subject):
            raise SettingError("A subject is one line.", field="subject")
        if self.auth and not self.auth.partition(":")[1]:
            raise SettingError("The log-in has no colon.", field="auth", hint="Give NAME:PASSWORD.")


def recipients_of(text: str) -> list[str]:
    """The addresses, without the spaces around them; none twice."""
    return list(dict.fromkeys(each.strip() for each in _BETWEEN.split(text) if each.strip()))
