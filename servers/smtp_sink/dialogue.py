"""What was said, line by line: for the result, the terminal and the page. Passwords are masked here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from servers.kit.settings import MASK
from servers.smtp_sink import explain
from servers.smtp_sink.protocol import MECHANISMS
from servers.smtp_sink.replies import Reply

SHOWN = 40
"""Lines of a message that are shown at the most."""
LINES = 2000
"""Lines of a dialogue that are kept at the most."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the dialogue; a reply of several lines is several, the last one judged.

    ``expected`` the codes of success, ``ok`` whether one of them came (null: nothing to judge),
    ``t_ms`` milliseconds since the connection was asked for, ``tls`` whether it went encrypted.
    """

    side: Literal["C", "S"]
    line: str
    t_ms: float
    tls: bool
    decoded: str = ""
    code: int | None = None
    meaning: str = ""
    expected: str = ""
    ok: bool | None = None


class Dialogue:
    """The lines as they come. ``say`` gets each as text: «C: EHLO …»."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.lines: list[Line] = []

    def client(self, line: str, t_ms: float, tls: bool, *, decoded: str = "", meaning: str = "") -> None:
        """The client sent it; secrets are masked by now."""
        more = f"   ({decoded})" if decoded else ""
        self._say(f"C: {line}{more}" if line else "C:   (an empty line)")
        self._keep(Line(side="C", line=line, t_ms=t_ms, tls=tls, decoded=decoded, meaning=meaning))

    def message(self, data: bytes, t_ms: float, tls: bool) -> None:
        """The client sent a whole message, dots stuffed."""
        lines = data.decode("utf-8", "replace").split("\r\n")[:-1]
        for line in lines[: SHOWN - 1]:
            self.client(line, t_ms, tls)
        if len(lines) > SHOWN:
            self.client(f"… {len(lines) - SHOWN} more lines, {len(data)} bytes in all", t_ms, tls)
        if len(lines) >= SHOWN:
            self.client(lines[-1], t_ms, tls, meaning=explain.command("MESSAGE"))

    def server(self, reply: Reply, verb: str, t_ms: float, tls: bool) -> None:
        """The server answered ``verb``."""
        *first, last = reply.shown()
        for line in first:
            self._say(f"S: {line}")
            self._keep(Line(side="S", line=line, t_ms=t_ms, tls=tls, code=reply.code, meaning=_kept(line)))
        asked = explain.decoded(reply.lines[-1]) if reply.code == 334 else ""
        self._say(f"S: {last}" + (f"   ({asked})" if asked else ""))
        meaning = explain.reply(verb, reply.code)
        if verb == "EHLO" and first and reply.code == 250:
            meaning = _kept(last) or meaning
        self._keep(
            Line(
                side="S",
                line=last,
                t_ms=t_ms,
                tls=tls,
                decoded=asked,
                code=reply.code,
                meaning=meaning,
                expected=explain.expected(verb),
                ok=as_expected(verb, reply.code),
            )
        )
        for fault in reply.faults:
            self.note(f"Fault of the server: {fault}")

    def note(self, words: str) -> None:
        """Something that was not on the wire."""
        self._say(f"   {words}")

    def _keep(self, line: Line) -> None:
        if len(self.lines) < LINES:
            self.lines.append(line)


def _kept(line: str) -> str:
    """What the line announces, a keyword's words made a sentence."""
    words = explain.keyword(line[4:])
    return words[:1].upper() + words[1:] + "." if words else ""


def as_expected(verb: str, code: int) -> bool | None:
    """Whether the code is one of success; None where nothing is expected."""
    codes = explain.EXPECTED.get(verb)
    return code in codes if codes else None


def auth_masked(line: str) -> tuple[str, str]:
    """An AUTH command without its secret, and what its base64 says: ``("AUTH PLAIN •••", "ana, •••")``."""
    words = line.split()
    if len(words) > 1 and words[1].upper() not in MECHANISMS:
        return f"{words[0]} {MASK}", ""
    if len(words) < 3:
        return line, ""
    return f"{words[0]} {words[1]} {MASK}", plain_shown(words[2], words[1])


def plain_shown(secret: str, mechanism: str) -> str:
    """What base64 says of who logs in, the password masked; "" if it is not right."""
    found = explain.decoded(secret)
    if mechanism.upper() == "LOGIN":
        return found
    parts = found.split("␀")
    return f"{parts[0]}␀{parts[1]}␀{MASK}" if len(parts) == 3 else ""
