"""What may be shown of the bytes that one call moved: passwords are stars, as many as they have bytes.

No socket here. A call's bytes begin and end anywhere, so whoever asks says what came before: the line that
the last call ended in, and whether a log-in or a message goes on. Rather too much is masked than too little.
With TLS these are the bytes before they are encrypted, or after they are decrypted.
"""

from __future__ import annotations

import re

from servers.kit.events import PREVIEW, Data
from servers.kit.stars import LINES, stars
from servers.smtp_sink.protocol import UNREAD, VERBS, Ahead, Session

_AUTH = re.compile(rb"(?i)AUTH(?: *| +(?:PLAIN|LOGIN) *)$")
"""Nothing but the command and its mechanism."""
_SECRET = re.compile(rb"(?i)AUTH +(?:(?:PLAIN|LOGIN) +)?")
_VERBS = frozenset(verb.encode() for verb in VERBS)


def masked_lines(data: bytes, ahead: Ahead) -> bytes:
    """The first PREVIEW bytes of what a client sent, secrets masked; ``ahead``: what they belong to."""
    begun, login, unread, message = ahead.begun, ahead.login, ahead.unread, ahead.message
    found = bytearray()
    after = False  # behind an AUTH in the same call: its reply, and so what follows, is not known
    for line in LINES.findall(begun + data[:PREVIEW]):
        whole = line.endswith(b"\n")
        if message:
            found += line
            message = line.rstrip(b"\r\n") != b"."
        elif login or after:
            found += stars(line)
            login, after = False, True
        elif line.lstrip()[:4].upper() == b"AUTH":
            found += auth_stars(line)
            after = True
        elif whole and is_command(line):
            found += line
            unread = 0
        else:
            found += stars(line) if unread else line
            unread = max(0, unread - whole)
    return bytes(found[len(begun) :])


def auth_stars(line: bytes) -> bytes:
    """An AUTH command, stars in place of all behind its mechanism."""
    words = line.rstrip(b"\r\n")
    if _AUTH.match(words):
        return line
    found = _SECRET.match(words)
    return stars(line, found.end() if found else 0)


def is_command(line: bytes) -> bool:
    """Whether a whole line begins with a verb."""
    return line.rstrip(b"\r\n").partition(b" ")[0].upper() in _VERBS


class Hearing:
    """The server's mask: its session knows what goes on, whether calls were told or not."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def head(self, data: Data) -> bytes:
        """What may be shown; b"" where the session has stopped to read. Ask before the session is fed."""
        ahead = self._session.ahead
        return b"" if ahead is None else masked_lines(bytes(data[:PREVIEW]), ahead)

    def lost(self) -> None:
        """The session remembers."""


class Saying:
    """The client's mask, which is told what each line is before it is sent."""

    def __init__(self) -> None:
        self._ahead = Ahead()
        self._unread = 0  # lines that may be the rest of a log-in

    def line(self, line: str, *, secret: bool) -> None:
        """This line is next; ``secret``: it is a log-in's answer."""
        data = line.encode()
        self._ahead = Ahead(login=secret, unread=self._unread)
        if data.lstrip()[:4].upper() == b"AUTH":
            self._unread = UNREAD
        elif is_command(data) and not secret:
            self._unread = 0
        else:
            self._unread = max(0, self._unread - 1)

    def message(self) -> None:
        """A message is next."""
        self._ahead, self._unread = Ahead(message=True), 0

    def head(self, data: Data) -> bytes:
        """What may be shown."""
        return masked_lines(bytes(data[:PREVIEW]), self._ahead)

    def lost(self) -> None:
        """Nothing to remember: a line goes out in one call."""
