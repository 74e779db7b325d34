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
import sys
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

    def open(self, envelope: Envelope) -> Draft:
        """A new message. OSError if it cannot be begun."""
        seconds, fraction = divmod(time.time(), 1)
        name = f"{int(seconds)}.M{int(1e6 * fraction):06d}P{os.getpid()}Q{next(self._numbers)}"
        return Draft(self, name, trace(envelope, self._host, seconds, name))

    def sync(self) -> None:
        """Make durable which messages there are."""
        os.fsync(self._new)

    def delete(self, name: str) -> bool:
        """Remove a message; whether there was one. SettingError for what is no message's name."""
        return delete(self.folder, name)


class Draft:
    """A message that is being written."""

    def __init__(self, maildir: Maildir, name: str, head: bytes) -> None:
        self.name = name
        self.maildir = maildir
        self._draft = os.path.join(maildir.folder, "tmp", name)
        self._file = -1  # opened when there is more than fits in memory, or to be kept
        self._waiting = [head]
        self._waits = len(head)
        self.start = b""
        self.size = 0

    def write(self, data: bytes) -> None:
        """The next bytes."""
        if not self.size:
            self.start = data[:BUFFER]
        self.size += len(data)
        self._waiting.append(data)
        self._waits += len(data)
        if self._waits > BUFFER:
            self._write()

    def begin_commit(self) -> None:
        """Hand all bytes to the kernel, and let it begin to write them."""
        self._write()
        _begin_writing(self._file)

    def sync(self) -> None:
        """Wait until the bytes are on the disk."""
        os.fsync(self._file)
        os.close(self._file)
        self._file = -1

    def show(self) -> None:
        """Make it visible; the folder must be synced after that."""
        os.rename(self._draft, f"{self.maildir.folder}/new/{self.name}")

    def abandon(self) -> None:
        """Leave no trace."""
        self._waiting, self._waits = [], 0
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        with contextlib.suppress(OSError):
            os.unlink(self._draft)

    def _write(self) -> None:
        if self._file < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._file = os.open(self._draft, flags, 0o600)
        data = memoryview(b"".join(self._waiting))
        self._waiting, self._waits = [], 0
        while data:
            data = data[os.write(self._file, data) :]


def commit_all(drafts: list[Draft]) -> dict[Draft, OSError]:
    """Make drafts of one mailbox durable, then visible, then that durable; those that could not be, and why.

    All bytes are handed to the kernel before the first file is waited for, and the folder is
    synced once for all: what ten messages that end together cost is little more than what one does.
    """
    failed: dict[Draft, OSError] = {}
    for step in (Draft.begin_commit, Draft.sync, Draft.show):
        for draft in drafts:
            if draft not in failed:
                try:
                    step(draft)
                except OSError as error:
                    draft.abandon()
                    failed[draft] = error
    try:
        if len(failed) < len(drafts):
            drafts[0].maildir.sync()
    except OSError as error:
        for draft in drafts:
            failed.setdefault(draft, error)
    return failed


def _no_hint(file: int) -> None:
    """Where the system takes none."""


def _hint() -> Callable[[int], None]:
    """sync_file_range(2) with SYNC_FILE_RANGE_WRITE: begin to write, do not wait. Linux alone has it."""
    if sys.platform != "linux":
        return _no_hint
    import ctypes

    try:
        function = ctypes.CDLL(None).sync_file_range
    except (OSError, AttributeError):
        return _no_hint
    whole = ctypes.c_int64(0)
    return lambda file: function(file, whole, whole, 2)


_begin_writing = _hint()


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
