"""The SMTP lab's settings, request and counters: the form, the flags and the checks are made from them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.kit.errors import SettingError
from servers.kit.settings import ServerSettings, ui

PORT = 1025
"""The protocol's own port is 25; below 1024 one needs to be root."""


class Settings(ServerSettings, frozen=True, kw_only=True):
    """What the server takes beside the host."""

    port: Annotated[
        int, Meta(ge=0, le=65535, title="Port", description="The TCP port; 0 lets the system choose.")
    ] = PORT
    accounts: Annotated[
        str,
        Meta(
            max_length=4000, title="Accounts", extra=ui(secret=True, plain=("none",)),
            description="Who may log in with AUTH: any, none, or NAME:PASSWORD,NAME:PASSWORD.",
        ),
    ] = "any"  # fmt: skip
    require_auth: Annotated[
        bool, Meta(title="Require AUTH", description="MAIL is refused with 530 before a log-in.")
    ] = False
    tls: Annotated[
        Literal["off", "offer", "require"],
        Meta(title="STARTTLS", description="off: not known; offer: who wants may; require: no mail without."),
    ] = "offer"
    size: Annotated[
        int,
        Meta(
            ge=1000, le=1_000_000_000, title="Largest message", extra=ui(unit="bytes"),
            description="Announced with SIZE; a larger message is refused with 552.",
        ),
    ] = 26_214_400  # fmt: skip
    mailbox: Annotated[
        str,
        Meta(
            max_length=1000, title="Mailbox", description="A Maildir; made if missing. Empty: the lab's own."
        ),
    ] = ""
    hello: Annotated[
        str,
        Meta(
            min_length=1, max_length=200, pattern=r"^[A-Za-z0-9.\-]+\Z", title="Name",
            description="The host name that it greets with.", extra=ui(advanced=True),
        ),
    ] = "socketlab.test"  # fmt: skip
    timeout: Annotated[
        float,
        Meta(
            ge=0.1, le=3600, title="Time-out", extra=ui(unit="s", advanced=True),
            description="A silent client is sent away with 421. RFC 5321 asks for five minutes.",
        ),
    ] = 300.0  # fmt: skip
    max_connections: Annotated[
        int,
        Meta(ge=1, le=2000, title="Connections", description="At the most at once.", extra=ui(advanced=True)),
    ] = 200

    def __post_init__(self) -> None:
        accounts_of(self.accounts)


def accounts_of(text: str) -> dict[str, str] | None:
    """NAME:PASSWORD pairs as a dict; None: any name and password will do; empty: nobody may log in."""
    if text == "any":
        return None
    if text == "none":
        return {}
    found = {}
    for pair in text.split(","):
        name, colon, password = pair.strip().partition(":")
        if not colon or not name:
            raise SettingError(
                "Accounts must be any, none, or NAME:PASSWORD pairs with commas between.", field="accounts"
            )
        found[name] = password
    return found


class Counters(msgspec.Struct):
    """What the server counts."""

    connections: Annotated[int, Meta(title="Connections, in all")] = 0
    open: Annotated[int, Meta(title="Connections open")] = 0
    commands: Annotated[int, Meta(title="Commands")] = 0
    stored: Annotated[int, Meta(title="Messages stored")] = 0
    refused: Annotated[int, Meta(title="Replies 4xx or 5xx")] = 0
    bytes_in: Annotated[int, Meta(title="Received", extra=ui(unit="bytes"))] = 0
