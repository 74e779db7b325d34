"""Removes, in the background, the files of the cache that no row names: left by a kill, or by «purge all»."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Set

from servers.caching_proxy.change import Change
from servers.caching_proxy.drafts import open_body
from servers.caching_proxy.ledger import Ledger
from servers.caching_proxy.place import NAME, Place

PAUSE = 0.002
"""Seconds between two folders: others work meanwhile."""


class Sweeper:
    """Goes through the 256 folders at the start, and whenever it is woken.

    ``arriving`` are files that have their name already, and their row in a moment.
    """

    def __init__(self, place: Place, ledger: Ledger, arriving: Set[str]) -> None:
        self._objects, self._ledger, self._arriving = place.objects, ledger, arriving
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Sweep once now, in a thread of its own, and when woken."""
        self._wanted.set()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something to remove. Without a thread it is done at once."""
        self._wanted.set()
        if self._thread is None:
            self.sweep()

    def stop(self) -> None:
        """End, in the midst of it if need be: the next start goes on."""
        self._ended.set()
        self._wanted.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wanted.wait()
            self._wanted.clear()
            self.sweep()

    def sweep(self) -> None:
        """Go through all folders once."""
        for number in range(256):
            if self._ended.is_set():
                return
            part = f"{number:02x}"
            try:
                nobodys = self._nobodys(part, self._sizes(part))
            except OSError:  # the index cannot be read now: the next time
                continue
            for name in nobodys:
                with contextlib.suppress(OSError):  # gone already
                    os.unlink(self._objects / name)
            if self._thread is not None:
                self._ended.wait(PAUSE)

    def _sizes(self, part: str) -> dict[str, int]:
        """The cache's own files in a folder; others are nobody's business."""
        sizes = {}
        try:
            with os.scandir(self._objects / part) as found:
                for file in found:
                    if NAME.match(file.name) and file.is_file(follow_symlinks=False):
                        sizes[f"{part}/{file.name}"] = file.stat(follow_symlinks=False).st_size
        except OSError:  # no such folder, or a file went meanwhile: the next time
            pass
        return sizes

    def _nobodys(self, part: str, sizes: dict[str, int]) -> list[str]:
        """Which of these files no entry has. Entries whose files are missing go."""
        known, arriving = self._ledger.write(self._known, part)
        for name, (id, size) in known.items():
            if sizes.get(name) != size:
                self._ledger.write(self._check, id)
        return [name for name in sizes if name not in known and name not in arriving]

    def _known(self, change: Change, part: str) -> tuple[dict[str, tuple[int, int]], set[str]]:
        return change.index.files(part), set(self._arriving)

    def _check(self, change: Change, id: int) -> None:
        entry = change.index.get(id)
        body = open_body(self._objects, entry.segments) if entry else None
        if body is not None:
            body.close()
        elif entry is not None:
            change.drop(entry, "damaged")
