"""The files of the cache: a draft that grows while a body comes, and a stored body to be read.

Both are read by their open file, so that they stay readable when somebody removes the name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers.caching_proxy.entry import Segment

PIECE = 1024 * 1024
_CLOSED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Draft:
    """A body that is coming in. One thread writes, any number read what is there already.

    It stays readable after it was kept or abandoned, as long as anybody holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _CLOSED, 0o600)
        self._named = True
        weakref.finalize(self, _forget, self._fd, path)

    def fileno(self) -> int:
        """The open file, for ``os.sendfile``."""
        return self._fd

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Put ``data`` at the end. OSError if the disk does not take it: then abandon it."""
        rest = memoryview(data)
        while rest:
            written = os.write(self._fd, rest)
            self.size += written
            rest = rest[written:]

    def read(self, at: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``at``; fewer, or none, where no more has come yet."""
        return os.pread(self._fd, min(size, max(0, self.size - at)), at)

    def copy_to(self, other: Draft, start: int, end: int) -> None:
        """Write the bytes from ``start`` to ``end`` into another draft."""
        while start < end:
            piece = self.read(start, min(PIECE, end - start))
            other.write(piece)
            start += len(piece)

    def move(self, path: Path) -> None:
        """Give it its lasting name, at once."""
        try:
            os.rename(self.path, path)
        except FileNotFoundError:
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            os.rename(self.path, path)
        self._named = False

    def abandon(self) -> None:
        """It will not be kept: its name is removed, its bytes when the last reader is done."""
        if self._named:
            self._named = False
            with contextlib.suppress(OSError):
                os.unlink(self.path)


class Body:
    """The stored bytes of an entry, open. Close it; what is evicted meanwhile stays readable."""

    def __init__(self, parts: Sequence[tuple[Segment, int]]) -> None:
        self._parts = tuple(parts)
        self._closed = weakref.finalize(self, _close, [fd for _, fd in parts])

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """File, offset in it and number of bytes, in order, for ``os.sendfile``.

        ValueError if not all bytes from ``start`` to ``end`` (after the last) are stored.
        """
        for segment, fd in self._parts:
            if start >= end:
                return
            if segment.start <= start < segment.end:
                size = min(end, segment.end) - start
                yield fd, start - segment.start, size
                start += size
        if start < end:
            raise ValueError(f"The bytes from {start} to {end} are not stored.")

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to ``end`` (after the last)."""
        return b"".join(os.pread(fd, size, offset) for fd, offset, size in self.pieces(start, end))

    def close(self) -> None:
        """Let go of its files."""
        self._closed()

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _forget(fd: int, path: Path) -> None:
    os.close(fd)
    with contextlib.suppress(OSError):  # it has another name, or none, long since: as a rule
        os.unlink(path)


def _close(files: list[int]) -> None:
    for fd in files:
        os.close(fd)


def open_body(folder: Path, segments: Sequence[Segment]) -> Body | None:
    """The files of these segments, open; None if one is gone, no plain file, or of another size."""
    parts: list[tuple[Segment, int]] = []
    try:
        for segment in segments:
            fd = os.open(folder / segment.file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _CLOSED)
            parts.append((segment, fd))
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size != segment.end - segment.start:
                raise FileNotFoundError(segment.file)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        _close([fd for _, fd in parts])
        return None
    except OSError as error:
        _close([fd for _, fd in parts])
        if error.errno == errno.ELOOP:  # a link is none of ours
            return None
        raise
    return Body(parts)
