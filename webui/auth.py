"""Who may do what: the teacher by token, students by class code and a name."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil
from flask import current_app, g, request, session

from servers.kit.errors import LabError
from servers.kit.lab import Role

F = TypeVar("F", bound=Callable[..., Any])

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""For codes that are read off a projector: no l, i, o, 0, 1."""
TRIES, TRIES_SECONDS = 20, 60.0
"""Wrong codes or tokens that one address may try in so many seconds."""
PEOPLE = 2000
"""Students remembered at the most."""
NAME_LENGTH = 40


class Person(msgspec.Struct, frozen=True):
    """Who is asking. ``id`` tells two students of one name apart."""

    id: str
    name: str
    role: Role

    @property
    def teaches(self) -> bool:
        """Whether it is the teacher."""
        return self.role == "teacher"


class Refused(Exception):
    """The one who asks may not. ``status`` is 401, 403 or 429."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.hint = status, message, hint


class Gate:
    """The token, the class code, and who has joined."""

    def __init__(self, token: str, folder: Path) -> None:
        self.token = token
        self.code = _kept(folder / "class-code", lambda: "".join(secrets.choice(ALPHABET) for _ in range(8)))
        self.secret = _kept(folder / "secret", lambda: secrets.token_hex(32))
        self._stamp = hashlib.sha256(f"{self.secret}/{token}".encode()).hexdigest()[:32]
        self._addresses: dict[str, tuple[str, str]] = {}  # person id -> address, name
        self._tries: dict[str, deque[float]] = {}

    def admit(self, token: str, address: str) -> Person:
        """The teacher, for the right token. Raises Refused."""
        self._check(
            token, self.token, address, "The token is wrong.", "Use the link that the dashboard printed."
        )
        return Person("teacher", "Teacher", "teacher")

    def join(self, code: str, name: str, address: str) -> Person:
        """A student, for the right class code and a name. Raises Refused."""
        words = " ".join("".join(c for c in name if c.isprintable()).split())[:NAME_LENGTH]
        if not words:
            raise Refused(400, "The name is empty.", "Give the name that the class knows you by.")
        if words.casefold() == "teacher":
            raise Refused(400, "That name is the teacher's.", "Give the name that the class knows you by.")
        typed = code.strip().lower().replace("-", "").replace(" ", "")
        self._check(
            typed,
            self.code,
            address,
            "The class code is wrong.",
            "Use the link or the code that the teacher shows.",
        )
        return Person(secrets.token_urlsafe(9), words, "student")

    def remember(self, person: Person) -> None:
        """Keep a person in the browser's session."""
        session.clear()
        session.permanent = True
        session["person"] = [person.id, person.name, person.role]
        session["stamp"] = self._stamp if person.teaches else self._class_stamp()

    def current(self) -> Person | None:
        """Who is asking: by bearer token, or by the browser's session. Raises Refused for a wrong token."""
        header = request.headers.get("Authorization", "")
        if header:
            kind, _, token = header.partition(" ")
            if kind.lower() != "bearer":
                raise Refused(
                    401, "The authorization is not of the kind Bearer.", "Send «Authorization: Bearer TOKEN»."
                )
            return self.admit(token.strip(), request.remote_addr or "")
        return self.of_session(session)

    def of_session(self, cookie: Any) -> Person | None:
        """The person of a browser's session; None for none, or one of an earlier token."""
        try:
            id, name, role = cookie["person"]
            stamp = self._stamp if role == "teacher" else self._class_stamp()
            if not hmac.compare_digest(str(cookie["stamp"]), stamp):
                return None
        except (KeyError, ValueError, TypeError):
            return None
        person = Person(id, name, role)
        if role == "student" and request.remote_addr:
            self._addresses.pop(id, None)
            self._addresses[id] = (request.remote_addr, name)
            if len(self._addresses) > PEOPLE:
                self._addresses.pop(next(iter(self._addresses)))
        return person

    def people(self) -> dict[str, str]:
        """Students' names by address, where only one student has it.

        Not of this machine's own address: the dashboard's clients and the teacher's programs have it too.
        """
        names: dict[str, set[str]] = {}
        for address, name in list(self._addresses.values()):
            if not address.startswith(("127.", "::1", "::ffff:127.")):
                names.setdefault(address, set()).add(name)
        return {address: next(iter(who)) for address, who in names.items() if len(who) == 1}

    def _class_stamp(self) -> str:
        return hashlib.sha256(f"{self.secret}/{self.code}".encode()).hexdigest()[:32]

    def _check(self, given: str, right: str, address: str, message: str, hint: str) -> None:
        if hmac.compare_digest(given.encode(), right.encode()):
            return
        tries = self._tries.setdefault(address, deque(maxlen=TRIES))
        if len(self._tries) > PEOPLE:
            self._tries.pop(next(iter(self._tries)))
        now = time.monotonic()
        if len(tries) == TRIES and now - tries[0] < TRIES_SECONDS:
            raise Refused(429, "Too many wrong tries.", "Wait a minute, then try again.")
        tries.append(now)
        raise Refused(401, message, hint)


def gate() -> Gate:
    """The application's gate."""
    found: Gate = current_app.extensions["gate"]
    return found


def person() -> Person:
    """Who is asking; Refused if nobody that we know."""
    if "person" not in g:
        g.person = gate().current()
    if g.person is None:
        raise Refused(
            401, "You have not joined.", "Open the class link, or send «Authorization: Bearer TOKEN»."
        )
    found: Person = g.person
    return found


def allow(role: Role) -> None:
    """Raise Refused unless the one who asks has the role; the teacher has each."""
    who = person()
    if role == "teacher" and not who.teaches:
        raise Refused(403, "Only the teacher may do that.", "Ask the teacher.")


def teacher(view: F) -> F:
    """A view that only the teacher may use."""
    return _guarded(view, "teacher")


def student(view: F) -> F:
    """A view for everyone who has joined."""
    return _guarded(view, "student")


def _guarded(view: F, role: Role) -> F:
    @wraps(view)
    def checked(*arguments: Any, **named: Any) -> Any:
        allow(role)
        return view(*arguments, **named)

    return checked  # type: ignore[return-value]


def own_addresses() -> list[str]:
    """This machine's addresses, those that a classroom most likely reaches first."""
    found = set()
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                found.add(entry.address.partition("%")[0])
    routed = _routed_address()
    return sorted(found, key=lambda a: (a != routed, a.startswith(("127.", "::1", "fe80")), ":" in a, a))


def _routed_address() -> str:
    """The address that this machine would use towards other networks; "" if it has no way there.

    Connecting a UDP socket sends nothing. 192.0.2.1 is for documentation and nobody's (RFC 5737).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _kept(path: Path, make: Callable[[], str]) -> str:
    """A secret that stays the same over restarts, readable by its owner only."""
    try:
        with contextlib.suppress(FileNotFoundError):
            path.chmod(0o600)
            text = path.read_text("ascii").strip()
            if text:
                return text
        text = make()
        path.touch(mode=0o600)
        path.write_text(text + "\n", "ascii")
    except (OSError, ValueError) as error:
        raise LabError(f"The file {path} cannot be used: {error}.") from None
    return text
