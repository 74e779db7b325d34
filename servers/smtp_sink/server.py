"""An SMTP server that takes every message, keeps it, and relays none.

Protocol: the server speaks first, 220. The client says EHLO, MAIL FROM, RCPT TO, DATA, each
a line; each gets a reply, three digits and words. After 354 the message follows, up to a
line with a dot alone; 250 promises that it is kept (RFC 5321). What the lines mean is in
protocol.py, which knows no socket; here is a thread for each connection that carries bytes.

Run it alone:   python -m servers.smtp_sink.server --port 1025 --mailbox mail
Then, in another terminal:   python -m servers.smtp_sink.client 127.0.0.1 1025
"""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from servers.kit import certificate
from servers.kit.addresses import resolve, show
from servers.kit.command import run_server
from servers.kit.report import Report
from servers.kit.sockets import Socket, in_words
from servers.smtp_sink.book import Book, Line
from servers.smtp_sink.faults import Fault, Faults
from servers.smtp_sink.lab import LAB
from servers.smtp_sink.maildir import Draft, Maildir, delete_all
from servers.smtp_sink.protocol import (
    Drop,
    Envelope,
    Heard,
    HeardMessage,
    Policy,
    Reply,
    Session,
    StartTls,
    Step,
)  # fmt: skip
from servers.smtp_sink.settings import Settings, accounts_of

BACKLOG = 128
RECEIVE = 65536
GOODBYE = 1.0
"""Seconds to read on after the last reply, so that a reset does not take it away."""


def serve(settings: Settings, report: Report) -> None:
    """Take mail until the program is told to stop."""
    with ExitStack() as stack:
        own = os.environ.get("SOCKET_LAB_FOLDER") or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="socket-lab-")
        )
        folder = Path(settings.mailbox).expanduser() if settings.mailbox else Path(own) / "mailbox"
        server = Server(settings, Maildir(folder, settings.hello), Path(own), Book(report))
        server.answer_actions()
        family, address = resolve(settings.host, settings.port, socket.SOCK_STREAM)
        with Socket(report, family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
            report.listening(listener.getsockname())
            report.say(f"Mail is kept in {folder}. None is relayed.")
            server.run(listener)


class Server:
    """What all connections share."""

    def __init__(self, settings: Settings, maildir: Maildir, own: Path, book: Book) -> None:
        self.settings, self.maildir, self.book = settings, maildir, book
        self.faults = Faults()
        self.policy = Policy(
            settings.hello, settings.size, settings.tls, accounts_of(settings.accounts), settings.require_auth
        )
        self.tls: ssl.SSLContext | None = None
        if settings.tls != "off":
            self.tls = certificate.context(own, (settings.hello,))
        self._places = threading.BoundedSemaphore(settings.max_connections)

    def answer_actions(self) -> None:
        """What the teacher can do from the page."""
        actions: dict[str, Any] = {
            "fault": lambda given: self.faults.set(msgspec.convert(given, Fault)),
            "clear_faults": lambda _: self.faults.clear(),
            "faults": lambda _: [
                {**msgspec.structs.asdict(fault), "words": fault.words()} for fault in self.faults.active
            ],
            "reveal": lambda _: list(self.book.logins),
            "delete": lambda given: self.maildir.delete(str(given["id"])),
            "delete_all": lambda _: delete_all(self.maildir.folder),
        }
        for name, function in actions.items():
            self.book.report.on_action(name, function)

    def run(self, listener: socket.socket) -> None:
        """Accept, and leave each connection to a thread."""
        while True:
            self._places.acquire()  # when all are taken, further clients wait in the backlog
            try:
                sock, peer = listener.accept()
            except OSError as error:  # no file is left, or the client is gone already
                self._places.release()
                self.book.report.say(in_words(error))
                time.sleep(0.1)
                continue
            threading.Thread(target=self._talk, args=(sock, show(peer)), daemon=True).start()

    def _talk(self, sock: socket.socket, peer: str) -> None:
        line = self.book.opened(peer)
        connection = Connection(self, sock, line)
        reason = "the server ends"
        try:
            reason = connection.run()
        except OSError as error:
            reason = in_words(error)
        finally:
            connection.close()
            line.closed(reason)
            self._places.release()


class Connection:
    """One client: its socket, and the session that says what to do."""

    def __init__(self, server: Server, sock: socket.socket, line: Line) -> None:
        self.server, self.sock, self.line = server, sock, line
        self._draft: tuple[Draft, Envelope] | None = None
        self.session = Session(
            server.policy, self._keep, peer=line.peer, faults=server.faults, tried=line.tried
        )

    def run(self) -> str:
        """Greet, then answer until one side has enough; why it ended."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(self.server.settings.timeout)
        if self._do(self.session.greeting()):
            return "we closed it"
        while True:
            try:
                data = self.sock.recv(RECEIVE)
            except TimeoutError:
                self._do(self.session.timed_out())
                return "silent for too long"
            if not data:
                return "the client closed it"
            self.line.received(len(data))
            if self._do(self.session.receive(data)):
                return "we closed it"

    def _do(self, steps: Iterator[Step]) -> bool:
        """Do what the session says; whether the connection ends."""
        for step in steps:
            if isinstance(step, Reply):
                self._reply(step)
            elif isinstance(step, Heard):
                self.line.heard(step)
            elif isinstance(step, HeardMessage):
                self.line.heard_message(step)
            elif isinstance(step, StartTls):
                self._secure()
            elif isinstance(step, Drop):
                if step.fault:
                    self.line.hit(step.fault)
                else:
                    self._say_goodbye()
                return True
        return False

    def _reply(self, step: Reply) -> None:
        if step.delay:
            time.sleep(step.delay)
        data = step.encode()
        if self._draft and step.verb == "message":
            draft, envelope = self._draft
            self._draft = None
            if step.code == 250:
                self.line.stored(draft.name, envelope, bytes(draft.start), draft.size)
        self.sock.sendall(data)
        self.line.replied(step, data)

    def _keep(self, envelope: Envelope) -> Draft:
        draft = self.server.maildir.open(envelope)
        self._draft = (draft, envelope)
        return draft

    def _secure(self) -> None:
        assert self.server.tls is not None  # STARTTLS is not known where there is no context
        secure = self.server.tls.wrap_socket(self.sock, server_side=True)
        self.sock = secure
        self.session.secured()
        self.line.secured(secure)

    def _say_goodbye(self) -> None:
        """Close in order: say that no more comes, and read what still does."""
        end = time.monotonic() + GOODBYE
        self.sock.shutdown(socket.SHUT_WR)
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            if not self.sock.recv(RECEIVE):
                return

    def close(self) -> None:
        """The connection is over, whole or not."""
        self.session.close()
        self.sock.close()


if __name__ == "__main__":
    run_server(LAB, serve)
