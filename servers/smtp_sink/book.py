"""The SMTP server's book: what it counts and tells, and the passwords that only the teacher may see."""

from __future__ import annotations

import itertools
import ssl
import time
from collections import deque
from email.header import decode_header, make_header
from typing import Any

import msgspec

from servers.kit.events import ConnectionClosed, ConnectionOpened, Event, preview
from servers.kit.masked_stream import MaskedStream, Plain, Spare
from servers.kit.report import Report, now
from servers.smtp_sink.events import FaultHit, MessageStored, SmtpCommand, SmtpData, SmtpReply, TlsStarted
from servers.smtp_sink.protocol import Envelope, Heard, HeardMessage, Reply
from servers.smtp_sink.settings import Counters

SECRETS = 1000
"""Log-ins that are remembered, in memory alone."""


class Login(msgspec.Struct, frozen=True):
    """A log-in that was tried."""

    conn: str
    peer: str
    t: float
    user: str
    password: str


class Book:
    """Counts and tells for all connections; one thread uses it."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.counters: Counters = report.counters
        self.logins: deque[Login] = deque(maxlen=SECRETS)
        self.spare = Spare(report)
        self._numbers = itertools.count(1)

    def opened(self, peer: str) -> Line:
        """A connection was accepted."""
        self.counters.connections += 1
        self.counters.open += 1
        line = Line(self, f"c{next(self._numbers)}", peer)
        line.tell(ConnectionOpened(t=now(), conn=line.conn, peer=peer))
        return line


class Line:
    """What is told of one connection.

    Its ``stream`` tells the calls. With TLS that is what was decrypted, and what is to be encrypted: offsets
    count bytes of plain text, and those of the handshake are in none.
    """

    def __init__(self, book: Book, conn: str, peer: str) -> None:
        self.book, self.conn, self.peer = book, conn, peer
        self.began = time.monotonic()
        self.stream = MaskedStream(book.spare, conn, peer, Plain(), Plain())
        self.tls = False

    def tell(self, event: Event) -> None:
        """Tell it if there is room."""
        self.book.report.emit(event)

    @property
    def room(self) -> bool:
        """Whether an event would be told; if not, it is counted as left out."""
        if self.book.report.room:
            return True
        self.book.report.missed += 1
        return False

    def received(self, data: bytes, asked: int) -> None:
        """A ``recv(asked)`` returned ``data``."""
        self.stream.received(data, asked)
        self.book.counters.bytes_in += len(data)

    def tried(self, user: str, password: str) -> None:
        """A log-in was tried."""
        self.book.logins.append(Login(self.conn, self.peer, now(), user, password))

    def heard(self, step: Heard) -> None:
        """A command, or a line of a log-in."""
        self.book.counters.commands += 1
        if self.room:
            self.tell(
                SmtpCommand(
                    t=now(), conn=self.conn, peer=self.peer, verb=step.verb, shown=step.shown[:1000],
                    decoded=step.decoded[:1000], tls=self.tls, data=preview(step.data),
                )
            )  # fmt: skip

    def heard_message(self, step: HeardMessage) -> None:
        """A message's bytes."""
        if self.room:
            self.tell(
                SmtpData(
                    t=now(), conn=self.conn, peer=self.peer, size=step.size, stuffed=step.stuffed,
                    tls=self.tls, data=preview(step.start),
                )
            )  # fmt: skip

    def replied(self, step: Reply, verb: str, data: bytes) -> None:
        """A reply to that command leaves."""
        if step.code >= 400:
            self.book.counters.refused += 1
        if step.fault:
            self.hit(step.fault)
        if self.room:
            self.tell(
                SmtpReply(
                    t=now(), conn=self.conn, peer=self.peer, verb=verb, code=step.code,
                    enhanced=step.enhanced, lines=step.lines, decoded=step.decoded,
                    fault=bool(step.fault), tls=self.tls, data=preview(data),
                )
            )  # fmt: skip

    def hit(self, fault: str) -> None:
        """A fault came into effect."""
        self.tell(FaultHit(t=now(), conn=self.conn, peer=self.peer, fault=fault))

    def secured(self, sock: ssl.SSLSocket) -> None:
        """The handshake is done."""
        self.tls = True
        cipher = sock.cipher()
        self.tell(
            TlsStarted(
                t=now(), conn=self.conn, peer=self.peer, version=sock.version() or "",
                cipher=cipher[0] if cipher else "",
            )
        )  # fmt: skip

    def stored(self, name: str, envelope: Envelope, start: bytes, size: int) -> None:
        """A message is on disk."""
        self.book.counters.stored += 1
        if self.room:
            self.tell(
                MessageStored(
                    t=now(), conn=self.conn, peer=self.peer, id=name, sender=envelope.sender,
                    recipients=tuple(envelope.recipients[:100]), subject=subject_of(start), size=size,
                    user=envelope.user,
                )
            )  # fmt: skip

    def closed(self, reason: str) -> None:
        """The connection ended."""
        self.book.counters.open -= 1
        self.tell(
            ConnectionClosed(
                t=now(), conn=self.conn, peer=self.peer, bytes_in=self.stream.bytes_in,
                bytes_out=self.stream.bytes_out, seconds=round(time.monotonic() - self.began, 6),
                reason=reason,
            )
        )  # fmt: skip


def subject_of(start: bytes) -> str:
    """The Subject in a message's first bytes, decoded (RFC 2047); "" if there is none."""
    head = start.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    lines: list[bytes] = []
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t") and lines:
            lines.append(line)
        elif lines:
            break
        elif line[:8].lower() == b"subject:":
            lines.append(line[8:])
    raw = b" ".join(line.strip() for line in lines)[:2000].decode("utf-8", "backslashreplace")
    try:
        decoded: Any = make_header(decode_header(raw))
        words = str(decoded)
    except (ValueError, LookupError, UnicodeError):
        words = raw
    return words.encode("utf-8", "backslashreplace").decode()[:400]
