"""How the index's file is opened and its rows are read: for the server, and for those who only read."""

from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path

import msgspec

from servers.caching_proxy.entry import Entry

BUSY = 2.0
"""Seconds to wait for whoever has locked the file."""
OF_URL = "SELECT head FROM entries WHERE key = ? AND url = ?"
"""With ``key_of(url)`` and the URL."""

_decode = msgspec.json.Decoder(Entry).decode


def connect(path: Path, *, only_read: bool = False, busy: float = BUSY) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time."""
    mode = "ro" if only_read else "rwc"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=busy, isolation_level=None,
        check_same_thread=False,
    )  # fmt: skip


def key_of(url: str) -> int:
    """A number that stands for a URL in the index: far smaller than the URLs, it is found far faster."""
    return zlib.crc32(url.encode())


def entry_of(head: str) -> Entry:
    """The entry that a row has."""
    try:
        return _decode(head)
    except msgspec.MsgspecError as error:
        raise sqlite3.DatabaseError(f"a row cannot be read: {error}") from error
