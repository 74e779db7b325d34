"""What the SMTP client is asked to do: the form and the flags are made from it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.settings import RequestSettings, ui


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
            description="A file to attach; «demo» attaches ours.",
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
