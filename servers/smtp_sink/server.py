"""An SMTP server that takes every message, keeps it, and relays none.

Protocol: the server speaks first, 220. The client says EHLO, MAIL FROM, RCPT TO, DATA, each
a line; each gets a reply, three digits and words. After 354 the message follows, up to a
line with a dot alone; 250 promises that it is kept (RFC 5321). What the lines mean is in
protocol.py, which knows no socket; loop.py carries the bytes of all connections.

Run it alone:   python -m servers.smtp_sink.server --port 1025 --mailbox mail
Then, in another terminal:   python -m servers.smtp_sink.client 127.0.0.1 1025
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from servers.kit import certificate
from servers.kit.addresses import resolve
from servers.kit.command import run_server
from servers.kit.report import Report, now
from servers.kit.sockets import Socket
from servers.smtp_sink.book import Book
from servers.smtp_sink.events import FaultsSet
from servers.smtp_sink.faults import Fault, Faults
from servers.smtp_sink.lab import LAB
from servers.smtp_sink.loop import Loop
from servers.smtp_sink.maildir import Maildir, delete_all
from servers.smtp_sink.protocol import Policy
from servers.smtp_sink.settings import Settings, accounts_of

BACKLOG = 128


def serve(settings: Settings, report: Report) -> None:
    """Take mail until the program is told to stop."""
    with ExitStack() as stack:
        own = os.environ.get("SOCKET_LAB_FOLDER")  # the dashboard's folder for this server
        if not own:
            own = stack.enter_context(tempfile.TemporaryDirectory(prefix="socket-lab-"))
        folder = Path(settings.mailbox).expanduser() if settings.mailbox else Path(own) / "mailbox"
        maildir, book, faults = Maildir(folder, settings.hello), Book(report), Faults()
        answer_actions(report, faults, maildir, book)
        tls = None if settings.tls == "off" else certificate.context(Path(own), (settings.hello,))
        family, address = resolve(settings.host, settings.port, socket.SOCK_STREAM)
        with Socket(report, family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # restart without waiting
            listener.bind(address)
            listener.listen(BACKLOG)
            report.listening(listener.getsockname())
            report.say(f"Mail is kept in {folder}. None is relayed.")
            loop = Loop(
                listener, policy=policy_of(settings), tls=tls, maildir=maildir, book=book, faults=faults,
                timeout=settings.timeout, most=settings.max_connections,
            )  # fmt: skip
            try:
                loop.run()
            finally:
                loop.close()


def policy_of(settings: Settings) -> Policy:
    """What the session needs to know of the settings."""
    return Policy(
        settings.hello, settings.size, settings.tls, accounts_of(settings.accounts), settings.require_auth
    )


def answer_actions(report: Report, faults: Faults, maildir: Maildir, book: Book) -> None:
    """What the teacher can do from the page."""

    def told() -> None:
        report.emit(FaultsSet(t=now(), faults=tuple(fault.words() for fault in faults.active)))

    def set_fault(given: Any) -> None:
        faults.set(msgspec.convert(given, Fault))
        told()

    def clear_fault(given: Any) -> None:
        faults.unset(msgspec.convert(given, Fault))
        told()

    def clear_faults(_: Any) -> None:
        faults.clear()
        told()

    actions: dict[str, Callable[[Any], Any]] = {
        "fault": set_fault,
        "clear_fault": clear_fault,
        "clear_faults": clear_faults,
        "faults": lambda _: [
            {**msgspec.structs.asdict(fault), "words": fault.words()} for fault in faults.active
        ],
        "reveal": lambda _: list(book.logins),
        "delete": lambda given: maildir.delete(str(given["id"])),
        "delete_all": lambda _: delete_all(maildir.folder),
    }
    for name, function in actions.items():
        report.on_action(name, function)


if __name__ == "__main__":
    run_server(LAB, serve)
