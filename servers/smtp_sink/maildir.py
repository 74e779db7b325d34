"""Messages on disk as a Maildir: whole and durable, or not there.

A message is written to ``tmp/``, synced, renamed into ``new/``, and the folder is synced.
Only then may a server say 250. The envelope stands before the message in trace fields
(RFC 5321, 4.4); the message follows as it was sent.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

from servers.kit.errors import SettingError
from servers.smtp_sink.protocol import Envelope

PARTS = ("tmp", "new", "cur")
NAME = re.compile(r"[0-9]+\.[A-Za-z0-9_.]+\Z")
"""A message's name: no path, no dot in front."""
BUFFER = 64 * 1024


class Maildir:
    """A mailbox. Threads share it."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder = folder
        self._host = host
        self._numbers = itertools.count(1)
        try:
            for part in PARTS:
                (folder / part).mkdir(parents=True, exist_ok=True)
            for left in (folder / "tmp").iterdir():  # of a server that was killed
                left.unlink()
            self._new = os.open(folder / "new", os.O_RDONLY)
        except OSError as error:
            raise SettingError(
                f"The mailbox {folder} cannot be used: {error.strerror}.", field="mailbox"
            ) from None
        self._sync = Together(lambda: os.fsync(self._new))

    def open(self, envelope: Envelope) -> Draft:
        """A new message. OSError if it cannot be begun."""
        seconds, fraction = divmod(time.time(), 1)
        name = f"{int(seconds)}.M{int(1e6 * fraction):06d}P{os.getpid()}Q{next(self._numbers)}"
        return Draft(self, name, trace(envelope, self._host, seconds, name))

    def sync(self) -> None:
        """Make durable what was renamed before this call."""
        self._sync()

    def delete(self, name: str) -> bool:
        """Remove a message; whether there was one. SettingError for what is no message's name."""
        return delete(self.folder, name)


class Draft:
    """A message that is being written."""

    def __init__(self, maildir: Maildir, name: str, head: bytes) -> None:
        self.name = name
        self._maildir = maildir
        self._draft = maildir.folder / "tmp" / name
        self._file = open(self._draft, "xb", BUFFER)  # noqa: SIM115 - closed by commit() or abandon()
        self._file.write(head)
        self.start = bytearray()
        self.size = 0

    def write(self, data: bytes) -> None:
        """The next bytes."""
        if len(self.start) < BUFFER:
            self.start += data[: BUFFER - len(self.start)]
        self._file.write(data)
        self.size += len(data)

    def commit(self) -> str:
        """Make it durable; its name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.rename(self._draft, self._maildir.folder / "new" / self.name)
        self._maildir.sync()
        return self.name

    def abandon(self) -> None:
        """Leave no trace."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._draft.unlink()


class Together:
    """Does the same thing for many threads at once: who comes while it is done waits for the next time.

    So ten messages that end together cost one sync of the folder, not ten.
    """

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._lock = threading.Condition()
        self._busy = False
        self._done = 0  # times that it was done
        self._begun = 0

    def __call__(self) -> None:
        """Return when it was begun after this call, and has ended."""
        with self._lock:
            wanted = self._begun + 1
            while self._done < wanted and self._busy:
                self._lock.wait()
            if self._done >= wanted:
                return
            self._busy = True
            self._begun += 1
            mine = self._begun
        try:
            self._function()
        finally:
            with self._lock:
                self._busy = False
                self._done = max(self._done, mine)
                self._lock.notify_all()


def trace(envelope: Envelope, host: str, seconds: float, name: str) -> bytes:
    """The fields that a server sets before a message (RFC 5321, 4.4)."""
    lines = [f"Return-Path: <{envelope.sender}>"]
    lines += [f"X-Envelope-To: <{recipient}>" for recipient in envelope.recipients]
    lines.append(f"X-Envelope-Peer: {envelope.peer}")
    if envelope.user:
        lines.append(f"X-Envelope-User: {_plain(envelope.user)}")
    hello = _plain(envelope.hello)
    lines.append(
        f"Received: from {hello} ({envelope.peer})\r\n\tby {host} with {envelope.protocol} id {name};"
    )
    lines.append(f"\t{formatdate(seconds, localtime=True)}")
    return ("\r\n".join(lines) + "\r\n").encode()


def _plain(text: str) -> str:
    """Text that can stand in a field: no line ends, not too long."""
    return "".join(letter for letter in text if letter.isprintable())[:200]


def delete(folder: Path, name: str) -> bool:
    """Remove a message; whether there was one. SettingError for what is no message's name."""
    if not NAME.match(name):
        raise SettingError("That is no message's name.", field="id")
    for part in ("new", "cur"):
        try:
            (folder / part / name).unlink()
        except FileNotFoundError:
            continue
        return True
    return False


def delete_all(folder: Path) -> int:
    """Remove every message; how many."""
    count = 0
    for part in ("new", "cur"):
        with contextlib.suppress(FileNotFoundError):
            for path in (folder / part).iterdir():
                path.unlink(missing_ok=True)
                count += 1
    return count
