"""What the SMTP lab's programs report beside the shared kinds.

Passwords never stand in an event: the line and what base64 in it says are masked before.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.events import Bytes, Event, Way


class SmtpCommand(Event, frozen=True, kw_only=True):
    """A line that the client sent outside of a message. ``data`` are its bytes, masked."""

    conn: str
    peer: str
    way: Way = "to_server"
    verb: Annotated[str, Meta(description="MAIL, RCPT, …; AUTH for the lines of a log-in")] = ""
    shown: Annotated[str, Meta(description="the line, secrets masked")] = ""
    decoded: Annotated[str, Meta(description="what base64 in it says, secrets masked")] = ""
    tls: Annotated[bool, Meta(description="it came encrypted")] = False
    data: Bytes

    def line(self) -> str:
        """The event in words."""
        more = f" ({self.decoded})" if self.decoded else ""
        return f"{self.peer} C: {self.shown}{more}"


class SmtpReply(Event, frozen=True, kw_only=True):
    """A reply of the server: one or more lines with the same code."""

    conn: str
    peer: str
    way: Way = "to_client"
    verb: Annotated[str, Meta(description="the command it answers; empty: the greeting, or nobody's")] = ""
    code: int
    enhanced: Annotated[str, Meta(description="the enhanced status code (RFC 3463), such as 2.1.0")] = ""
    lines: tuple[str, ...] = ()
    decoded: Annotated[str, Meta(description="what base64 in it says: «Username:»")] = ""
    fault: Annotated[bool, Meta(description="it comes from a fault that was set")] = False
    tls: bool = False
    data: Bytes

    def line(self) -> str:
        """The event in words."""
        more = f" ({self.decoded})" if self.decoded else ""
        return f"{self.peer} S: {self.code} {' / '.join(self.lines)}{more}"


class SmtpData(Event, frozen=True, kw_only=True):
    """A message's bytes as they came, dots as they were stuffed; the first part of them."""

    conn: str
    peer: str
    way: Way = "to_server"
    size: Annotated[int, Meta(description="bytes of the message, the dots that were added not counted")]
    stuffed: Annotated[
        int, Meta(description="dots that the client added before lines that begin with one")
    ] = 0
    tls: bool = False
    data: Bytes

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} C: a message of {self.size} bytes"


class MessageStored(Event, frozen=True, kw_only=True):
    """A message is on disk, as a file of the Maildir."""

    conn: str
    peer: str
    id: Annotated[str, Meta(description="its name in the mailbox")]
    sender: str
    recipients: tuple[str, ...]
    subject: str = ""
    size: int = 0
    user: Annotated[str, Meta(description="who logged in; empty: nobody")] = ""

    def line(self) -> str:
        """The event in words."""
        to = ", ".join(self.recipients[:3]) + (" …" if len(self.recipients) > 3 else "")
        return f"{self.peer} stored {self.size} bytes from <{self.sender}> to {to}: {self.subject}"


class TlsStarted(Event, frozen=True, kw_only=True):
    """The handshake is done: from here on what is on the wire is encrypted."""

    conn: str
    peer: str
    version: str
    cipher: str

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} {self.version} with {self.cipher}"


class FaultsSet(Event, frozen=True, kw_only=True):
    """The teacher has set or cleared faults: those that are set now, in words."""

    faults: tuple[str, ...] = ()

    def line(self) -> str:
        """The event in words."""
        return f"faults on purpose: {'; '.join(self.faults) or 'none'}"


class FaultHit(Event, frozen=True, kw_only=True):
    """A fault that was set has come into effect."""

    conn: str
    peer: str
    fault: str

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} fault: {self.fault}"
