"""A tape's file: added to at its end, or written anew as a whole. One server at a time has it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from servers.kit.errors import SettingError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class TapeFile:
    """An open file. SettingError (``tape``) if it cannot be, or if another server writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        try:
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            self._fd = os.open(path, FLAGS, 0o600)
            _own(self._fd, path)
            self._size = os.fstat(self._fd).st_size
        except OSError as error:
            self.close()
            raise SettingError(
                f"The tape cannot be kept in {path}: {error.strerror or error}.", field="tape",
                hint="Give a file that you may write to.",
            ) from error  # fmt: skip
        except SettingError:
            self.close()
            raise

    def read(self) -> bytes:
        """All of it."""
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            return file.read()

    def cut(self, size: int) -> None:
        """Take away what is behind so many bytes."""
        if size < self._size:
            os.ftruncate(self._fd, size)
            self._size = size

    def append(self, line: bytes) -> None:
        """One call writes it, at the end. OSError if the disk refuses: then nothing of it is left."""
        try:
            done = os.write(self._fd, line)
            while done < len(line):  # the disk is full: the next call says so
                done += os.write(self._fd, line[done:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)

    def replace(self, data: bytes) -> None:
        """Write all of it anew, and put it in the old one's place. SettingError if the disk refuses."""
        made = self.path.with_name(self.path.name + ".new")
        fd = -1
        try:
            made.unlink(missing_ok=True)
            fd = os.open(made, FLAGS, 0o600)
            _own(fd, made)
            with open(fd, "wb", closefd=False) as file:
                file.write(data)
            os.fsync(fd)
            os.replace(made, self.path)
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            with contextlib.suppress(OSError):
                made.unlink(missing_ok=True)
            raise SettingError(
                f"The tape cannot be written: {error.strerror or error}.", hint="It is as it was."
            ) from error
        os.close(self._fd)
        self._fd, self._size = fd, len(data)

    def close(self) -> None:
        """Let another server have it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _own(fd: int, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingError(
            f"Another server uses the tape {path}.", field="tape",
            hint="Stop that one, or give this one a tape of its own.",
        ) from None  # fmt: skip
