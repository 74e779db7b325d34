"""What the page asks of the mailbox and may do to it: queries, and actions that work on its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from servers.kit.certificate import fingerprint
from servers.kit.errors import SettingError
from servers.kit.lab import Action, Download, Query
from servers.smtp_sink import mailbox
from servers.smtp_sink.explain import CODES, KEYWORDS, VERBS, reply
from servers.smtp_sink.faults import Fault
from servers.smtp_sink.mime import clean_name


class Search(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages."""

    q: Annotated[str, Meta(max_length=400, title="Words", description="All of them are in it.")] = ""
    recipient: Annotated[str, Meta(max_length=400, title="To")] = ""
    peer: Annotated[str, Meta(max_length=100, title="From the machine")] = ""
    user: Annotated[str, Meta(max_length=400, title="Logged in as")] = ""
    offset: Annotated[int, Meta(ge=0, le=1_000_000, title="From the")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000, title="At most")] = 100


class Id(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message."""

    id: Annotated[str, Meta(max_length=255, title="Id", description="Its name in the mailbox.")]


class PartOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of a message."""

    id: Annotated[str, Meta(max_length=255, title="Id", description="Its name in the mailbox.")]
    n: Annotated[int, Meta(ge=0, le=10_000, title="Part")]


def mailbox_of(folder: Path, settings: Any) -> Path:
    """The Maildir: the one that is set, else the instance's own."""
    return Path(settings.mailbox) if settings.mailbox else folder / "mailbox"


def messages(folder: Path, settings: Any, arguments: Any) -> Any:
    """The list."""
    return mailbox.list_messages(mailbox_of(folder, settings), **msgspec.structs.asdict(arguments))


def message(folder: Path, settings: Any, arguments: Any) -> Any:
    """One message, taken apart."""
    return mailbox.message(mailbox_of(folder, settings), arguments.id)


def attachment(folder: Path, settings: Any, arguments: Any) -> Any:
    """A part of a message, as a file."""
    return Download(*mailbox.attachment(mailbox_of(folder, settings), arguments.id, arguments.n))


def eml(folder: Path, settings: Any, arguments: Any) -> Any:
    """A message as it is stored, as a file."""
    place = mailbox_of(folder, settings)
    data = mailbox.read(place, arguments.id, 2**31)
    summary = mailbox.summarize(arguments.id, data[: mailbox.HEAD], len(data), 0.0)
    return Download(f"{clean_name(summary.subject)[:80] or 'message'}.eml", "message/rfc822", data)


def certificate(folder: Path, settings: Any, arguments: Any) -> Any:
    """The fingerprint; null before the certificate is made."""
    path = folder / "certificate.pem"
    return {"sha256": fingerprint(path)} if path.exists() else None


def certificate_file(folder: Path, settings: Any, arguments: Any) -> Any:
    """The certificate, as a file."""
    path = folder / "certificate.pem"
    if not path.exists():
        raise SettingError("There is no certificate yet: it is made when the server starts with TLS.")
    return Download("certificate.pem", "application/x-pem-file", path.read_bytes())


def meanings(folder: Path, settings: Any, arguments: Any) -> Any:
    """What commands, EHLO's keywords and reply codes mean."""
    own = {
        f"{verb} {code}": words
        for verb in VERBS
        for code in CODES
        if (words := reply(verb, code)) != CODES[code]
    }
    return {"verbs": VERBS, "keywords": KEYWORDS, "codes": CODES, "replies": own}


def delete(folder: Path, settings: Any, arguments: Any) -> Any:
    """Delete one message."""
    mailbox.delete(mailbox_of(folder, settings), arguments.id)


def delete_all(folder: Path, settings: Any, arguments: Any) -> Any:
    """Delete all messages; how many there were."""
    return mailbox.delete_all(mailbox_of(folder, settings))


QUERIES = (
    Query(name="messages", title="Messages", function=messages, arguments=Search),
    Query(name="message", title="A message", function=message, arguments=Id),
    Query(name="attachment", title="An attachment", function=attachment, arguments=PartOf, help="As a file."),
    Query(name="eml", title="A message as .eml", function=eml, arguments=Id, help="As a file."),
    Query(name="meanings", title="What the words mean", function=meanings),
    Query(name="certificate", title="Certificate", function=certificate, help="Its SHA-256 fingerprint."),
    Query(name="certificate_file", title="The certificate as a file", function=certificate_file),
)
ACTIONS = (
    Action(name="fault", title="Set the fault", arguments=Fault, help="From now on, in every connection."),
    Action(
        name="clear_fault", title="Clear one fault", arguments=Fault, help="The one that is set like this."
    ),
    Action(name="clear_faults", title="Clear all faults"),
    Action(name="faults", title="Faults that are set", role="student"),
    Action(name="reveal", title="Reveal passwords", help="Those of the newest log-ins."),
    Action(name="delete", title="Delete a message", arguments=Id, offline=delete),
    Action(name="delete_all", title="Delete all messages", offline=delete_all),
)
