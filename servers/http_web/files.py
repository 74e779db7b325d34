"""The folder that is served: nothing outside it is found, and what is stored in it is whole or absent."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from servers.http_web.answer import FilePart
from servers.http_web.protocol import Found, segments
from servers.kit.errors import SettingError
from servers.kit.http import HttpError

try:
    import fcntl
except ImportError:  # Windows: one process alone writes there
    fcntl = None  # type: ignore[assignment]

FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY"):  # no pipe blocks, no link is followed any more
    FLAGS |= getattr(os, _name, 0)
TEMPORARY = ".put-"
"""How the names of files begin that are not whole yet. They are never served."""


class Folder:
    """The root. Its methods take decoded paths that begin with a slash."""

    def __init__(self, root: Path | str) -> None:
        try:
            Path(root).mkdir(parents=True, exist_ok=True)
            self.root = os.path.realpath(root)
            os.listdir(self.root)
        except (OSError, ValueError) as error:
            is_file = isinstance(error, FileExistsError | NotADirectoryError)
            why = "it is a file, or in one" if is_file else getattr(error, "strerror", None) or error
            raise SettingError(f"The folder {root} cannot be served: {why}.", field="root") from None
        self._lock = threading.Lock()

    def find(self, path: str) -> Found:
        """The file of that path, open. HttpError 403 or 404, or a Moved to a folder's own address."""
        place = self._place(path)
        if os.path.isdir(place):
            if not path.endswith("/"):
                raise Moved()
            return self._open(self.real(path), "index.html", folder=True)
        if path.endswith("/"):
            raise HttpError(404, "There is no such folder.")
        return self._open(place, os.path.basename(path))

    def real(self, path: str) -> str:
        """The file's own place: of a folder, its index.html's."""
        place = self._place(path)
        return self._inside(os.path.join(place, "index.html")) if os.path.isdir(place) else place

    def literal(self, path: str) -> str:
        """Its place with the links in it not followed: where it leads may change."""
        place = os.path.join(self.root, *segments(path))
        return os.path.join(place, "index.html") if os.path.isdir(place) else place

    def validators(self, path: str) -> Found | None:
        """What a PUT to that path would replace; None if nothing is there."""
        try:
            state = os.stat(self._place(path))
        except OSError:
            return None
        return _found(-1, path, state)

    def store(self, path: str) -> Upload:
        """Begin to store a file there. HttpError where none can be."""
        real = self._place(path)
        if path.endswith("/") or os.path.isdir(real):
            raise HttpError(409, "A file is stored under a name, not under a folder's.")
        if not os.path.isdir(os.path.dirname(real)):
            raise HttpError(409, "The folder for it does not exist.")
        if os.path.lexists(real) and not os.path.isfile(real):
            raise HttpError(409, "What is there is no file.")
        try:
            return Upload(real)
        except OSError as error:
            raise HttpError(403, f"The file cannot be stored: {error.strerror}.") from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Alone to look and to replace, among threads and among processes."""
        with self._lock:
            if fcntl is None:
                yield
                return
            folder = os.open(self.root, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield
            finally:
                os.close(folder)

    def _place(self, path: str) -> str:
        """Where a path leads, symbolic links followed. HttpError 403 if that is not in the folder."""
        names = segments(path)
        if any(name.startswith(TEMPORARY) for name in names):
            raise HttpError(404, "There is no such file.")
        return self._inside(os.path.join(self.root, *names))

    def _inside(self, place: str) -> str:
        real = os.path.realpath(place)
        if real != self.root and not real.startswith(self.root.rstrip(os.sep) + os.sep):
            raise HttpError(403, "A link leads out of the folder.")
        return real

    def _open(self, real: str, name: str, folder: bool = False) -> Found:
        try:
            file = os.open(real, FLAGS)
        except (FileNotFoundError, NotADirectoryError):
            raise HttpError(
                403 if folder else 404,
                "The folder has no index.html, and its list is not shown." if folder
                else "There is no such file.",
            ) from None  # fmt: skip
        except OSError as error:  # a name too long, no permission, no file left to open
            statuses = {errno.EACCES: 403, errno.EPERM: 403, errno.ENAMETOOLONG: 404, errno.ELOOP: 404}
            raise HttpError(
                statuses.get(error.errno or 0, 503), f"The file cannot be read: {error.strerror}."
            ) from None
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            os.close(file)
            raise HttpError(403, "That is no file.")
        return _found(file, name, state)


def _found(file: int, name: str, state: os.stat_result) -> Found:
    return Found(file, name, state.st_size, state.st_mtime_ns, state.st_ino)


def read_part(part: FilePart) -> bytes:
    """The bytes of a part of a file; fewer if it has become shorter."""
    if hasattr(os, "pread"):
        return os.pread(part.file, part.size, part.start)
    os.lseek(part.file, part.start, os.SEEK_SET)
    return os.read(part.file, part.size)


class Moved(Exception):
    """A folder was asked for without the slash at its end."""


class Upload:
    """A file that arrives: beside its place under another name until it is whole."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._name = os.path.join(os.path.dirname(place), TEMPORARY + secrets.token_hex(8))
        self._file = open(self._name, "xb")  # noqa: SIM115 - closed by commit() or abandon()
        self.size = 0

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._file.write(data)
        self.size += len(data)

    def commit(self) -> Found:
        """Put it in its place, at once: readers see the old file or the new one."""
        self._file.flush()
        if os.utime in os.supports_fd:  # to the nanosecond, so that no two versions have one entity tag
            clock = time.time_ns()
            os.utime(self._file.fileno(), ns=(clock, clock))
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._name, self._place)
        return _found(-1, self._place, os.stat(self._place))

    def abandon(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):  # a full disk: what is in the buffer cannot be written
            self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self._name)


def sweep(root: str) -> None:
    """Remove what a server that was killed left unfinished."""
    for folder, _, names in os.walk(root):
        for name in names:
            if name.startswith(TEMPORARY):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))
