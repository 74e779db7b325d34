"""SMTP's log-in without its secrets (RFC 4954): what a client says after AUTH, until it is judged.

Both directions are heard, since the server's 334 says that the next line is a secret. Only for connections
that may be SMTP: those whose server's first bytes are known to be no greeting (220) are left alone.
"""

from __future__ import annotations

import re

from servers.kit.stars import LINES, stars

KEPT = 2048
"""Bytes of a line that are remembered at the most."""
UNREAD = 2
"""Lines after a refused AUTH that may be a name and a password all the same."""

_AUTH = re.compile(
    rb"(?i)[ \t]*AUTH[ \t]+(?:(?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2|OAUTHBEARER)(?:[ \t]+|(?=[\r\n]|$)))?"
)
_VERBS = frozenset(b"EHLO HELO LHLO MAIL RCPT DATA RSET NOOP QUIT VRFY EXPN HELP STARTTLS BDAT AUTH".split())


class SmtpMask:
    """One connection."""

    def __init__(self) -> None:
        self._begun = b""  # of the client's line
        self._reply = b""  # of the server's
        self._greeted = False
        self.other = False
        self._login = False
        self._unread = 0

    @property
    def possible(self) -> bool:
        """Whether the server has greeted as SMTP does, or its greeting was not captured."""
        return self._greeted and not self.other

    def lost(self, *, client: bool) -> None:
        """Bytes were not captured: a line begins anew."""
        if client:
            self._begun = b""
        else:
            self._reply, self._greeted = b"", True

    def hears(self, data: bytes) -> None:
        """The server's next bytes."""
        if self.other:
            return
        if not self._greeted and data:
            self._greeted = True
            self.other = not data.startswith(b"220"[: len(data)])
        for line in LINES.findall(self._reply + data):
            if not line.endswith(b"\n"):
                self._reply = line[:KEPT]
                return
            if line[:3].isdigit() and line[3:4] != b"-":
                self._login = line.startswith(b"334")
        self._reply = b""

    def says(self, data: bytes) -> bytes:
        """The client's next bytes, stars in them."""
        if self.other or not (
            self._login or self._unread or self._begun or b"\n" in data or _may_begin(data)
        ):
            return data
        found = bytearray()
        begun, line = self._begun, b""
        for line in LINES.findall(begun + data):
            found += self._line(line)
        self._begun = b"" if line.endswith(b"\n") else line[:KEPT]
        return bytes(found[len(begun) :])

    def _line(self, line: bytes) -> bytes:
        whole = line.endswith(b"\n")
        if self._login:
            return stars(line)
        found = _AUTH.match(line)
        if found or line.strip().upper() == b"AUTH":
            if whole:
                self._login, self._unread = True, UNREAD
            return stars(line, found.end()) if found else line
        verb = line.strip().partition(b" ")[0].upper()
        if self._unread and verb not in _VERBS:
            self._unread -= whole
            return stars(line)
        if whole:
            self._unread = 0
        return line


def _may_begin(data: bytes) -> bool:
    return data.lstrip()[:4].upper() in (b"AUTH", b"AUT", b"AU", b"A")
