"""Where the cache is on disk, and that only one server at a time has it."""

from __future__ import annotations

import contextlib
import os
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from servers.kit.errors import SettingError
from servers.kit.place import ROOT, own_place, place_of

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

INDEX, OBJECTS = "index.sqlite", "objects"
"""What the folder has in it."""
NAME = re.compile(r"[0-9a-f]{20}\Z")
"""A file that the cache has made. Whatever else lies in its folder is left alone."""


def cache_of(folder: Path, settings: Any, at: Path = ROOT) -> Path:
    """The cache's folder: the one that is set, else that in ``folder``, the instance's own."""
    return place_of(folder, settings.cache, "cache", at)


def own_cache(settings: Any) -> AbstractContextManager[Path]:
    """For the server: its cache's folder. Run alone without one set, it is removed at the end."""
    return own_place(settings.cache, "cache")


class Place:
    """The folder, made and locked. SettingError if it cannot be, or if another server has it.

    ``objects/`` has the stored bodies in 256 folders, ``tmp/`` what is coming in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = folder / INDEX
        self.objects = folder / OBJECTS
        self.tmp = folder / "tmp"
        try:
            folder.mkdir(0o700, parents=True, exist_ok=True)
            self._lock = open(folder / "lock", "a")  # noqa: SIM115  (closed by close())
        except OSError as error:
            raise _refused(folder, error) from error
        try:
            self._take()
            self._make()
        except OSError as error:
            self.close()
            raise _refused(folder, error) from error
        except SettingError:
            self.close()
            raise

    def _take(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingError(
                f"Another server uses the cache in {self.folder}.", field="cache",
                hint="Stop that one, or give this one a folder of its own.",
            ) from None  # fmt: skip

    def _make(self) -> None:
        for made in (self.objects, self.tmp):
            made.mkdir(0o700, exist_ok=True)
        for left in list(self.tmp.iterdir()):  # of a server that was killed
            if NAME.match(left.name):
                left.unlink()

    def set_aside(self) -> Path:
        """Move the index away; where it is now. The next one begins empty."""
        away = self.folder / "index.damaged"
        with contextlib.suppress(FileNotFoundError):
            os.replace(self.index, away)
        for ending in ("-wal", "-shm"):
            Path(f"{self.index}{ending}").unlink(missing_ok=True)
        return away

    def close(self) -> None:
        """Let another server have it."""
        self._lock.close()


def _refused(folder: Path, error: OSError) -> SettingError:
    return SettingError(
        f"The cache cannot be kept in {folder}: {error.strerror or error}.", field="cache",
        hint="Give a folder that you may write to.",
    )  # fmt: skip
