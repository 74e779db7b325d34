"""SMTP's log-in without its secrets (RFC 4954): what a client says after AUTH, until it is judged.

Both directions are heard, since the server's 334 says that the next line is a secret. Only for connections
that may be SMTP: those whose server's first bytes are known to be no greeting (220) are left alone.
"""

from __future__ import annotations

import re

from servers.kit.stars import hidden, stars

KEPT = 2048
"""Bytes of a line that are remembered at the most."""
UNREAD = 2
"""Lines after a refused AUTH that may be a name and a password all the same."""
DOUBT = 1 + UNREAD
"""Lines after bytes that were not captured, which may have held an AUTH: the rest of it, and those."""

_AUTH = re.compile(
    rb"(?i)[ \t]*AUTH[ \t]+(?:(?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2|OAUTHBEARER)(?:[ \t]+|(?=[\r\n]|$)))?"
)
_AUTH_WORD = re.compile(rb"(?i)AUTH")
_AUTH_LINE = re.compile(rb"(?im)^[ \t\r\v\f]*AUTH(?!\S)")
_LAST_REPLY = re.compile(rb"(?ms).*^([0-9]{3})(?!-)")
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
        self._doubt = 0

    @property
    def possible(self) -> bool:
        """Whether the server has greeted as SMTP does, or its greeting was not captured."""
        return self._greeted and not self.other

    def lost(self, *, client: bool) -> None:
        """Bytes were not captured: a line begins anew."""
        if client:
            self._begun, self._doubt = b"", DOUBT
        else:
            self._reply, self._greeted = b"", True

    def hears(self, data: bytes) -> None:
        """The server's next bytes."""
        if self.other:
            return
        if not self._greeted and data:
            self._greeted = True
            self.other = not data.startswith(b"220"[: len(data)])
        text = self._reply + data
        whole = text.rfind(b"\n") + 1
        if self._login or b"334" in text:
            last = _LAST_REPLY.match(text, 0, whole)
            self._login = last[1] == b"334" if last else self._login
        self._reply = text[whole : whole + KEPT]

    def says(self, data: bytes) -> bytes:
        """The client's next bytes, stars in them."""
        if self.other or not (
            self._login or self._unread or self._doubt or self._begun or b"\n" in data or _may_begin(data)
        ):
            return data
        begun, text = self._begun, self._begun + data
        found = self._lines(text)
        line = text.rfind(b"\n") + 1
        self._begun = text[line : line + KEPT]
        return found[len(begun) :]

    def _lines(self, text: bytes) -> bytes:
        """Lines with stars. Only those on which something depends are looked at one by one: a flood of
        short lines costs no more than a long one."""
        found, at = b"", 0
        while at < len(text) and not self._login:
            begin = at
            if not (self._unread or self._doubt):
                auth = _AUTH_LINE.search(text, at) if _AUTH_WORD.search(text, at) else None
                begin = auth.start() if auth else len(text)
            end = text.find(b"\n", begin) + 1 or len(text)
            found += text[at:begin] + self._line(text[begin:end])
            at = end
        return found + hidden(text[at:])

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
        return self._doubtful(line, whole) if self._doubt else line

    def _doubtful(self, line: bytes, whole: bool) -> bytes:
        """A line that may answer an AUTH which was not captured: a single word, and no command."""
        words = line.split()
        alone = len(words) < 2 and b"".join(words).upper() not in _VERBS
        if whole:  # the first may be the rest of any line, and says nothing of the next
            self._doubt = self._doubt - 1 if alone or self._doubt == DOUBT else 0
        return stars(line) if alone else line


def _may_begin(data: bytes) -> bool:
    return data.lstrip()[:4].upper() in (b"AUTH", b"AUT", b"AU", b"A")
