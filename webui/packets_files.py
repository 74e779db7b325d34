"""An instance's packets on disk: what was captured, and files that the teacher uploaded. Read off the loop.

Everything here is called by ``run_blocking``, one call at a time for an instance.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from servers.kit.errors import SettingError
from servers.walk.capture_file import CaptureFile
from servers.walk.packet import Frame
from servers.walk.rows import Connection
from webui import packets_notes as notes
from webui.packets_capture import Counts
from webui.packets_notes import Upload
from webui.packets_walk import Captured
from webui.states import WrongState

READ = 100_000
"""Packets that are read of a file in one go: about a second. The rest is read when it is asked for again."""
LONG = 0.05
"""Seconds of reading after which as many pass before the next: others need the processor as well."""
UPLOADS = 10
LADDERS, LADDER_ROWS = 8, 150_000
"""Ladders that are kept at the most, and rows of all of them."""
CAPTURE = "capture.pcapng"


class Shelf:
    """The files of one instance, in its ``folder``, and the ladders made of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = notes.read(folder)
        self._open: dict[str, tuple[tuple[int, int], CaptureFile]] = {}
        self._ladders: OrderedDict[tuple[Any, ...], Captured] = OrderedDict()
        self._due = float("-inf")
        for path in folder.glob("coming-*"):  # of a dashboard that was killed
            path.unlink(missing_ok=True)

    # -- what there is

    def refresh(self, ports: frozenset[int], *, whole: bool = False) -> bool:
        """Read what is new, a part of it unless the ``whole`` is wanted; whether more is left to read."""
        began = time.monotonic()
        left = False
        if began < self._due and not whole:
            return True
        for prefix, path in self._paths():
            file = self._file(prefix, path, ports)
            if file is not None:
                while (more := file.more(READ) >= READ) and whole:
                    pass
                left = more or left
        took = time.monotonic() - began
        self._due = began + 2 * took if took > LONG else began
        return left

    def connections(self, prefix: str, most: int) -> list[Connection]:
        """The newest connections of the capture (prefix "c"), or of an upload ("u1-")."""
        found = self._open.get(prefix)
        return found[1].connections(most) if found else []

    def packets(self, prefix: str) -> int:
        """How many packets were read of it."""
        found = self._open.get(prefix)
        return found[1].packets_read if found else 0

    def others(self, prefix: str) -> int:
        """How many of them are no TCP or UDP that can be read, and so of no connection."""
        found = self._open.get(prefix)
        return found[1].others if found else 0

    def troubles(self, prefix: str) -> list[str]:
        """What is wrong with it, in words."""
        found = self._open.get(prefix)
        return found[1].troubles() if found else ["The file is gone."]

    def captured(self) -> Iterable[Frame]:
        """Every frame of the capture that belongs to a connection."""
        found = self._open.get("c")
        return found[1].all_frames() if found else ()

    def ladder(self, id: str, *, masks: bool) -> Captured:
        """The ladder of a captured or uploaded connection. Raises KeyError."""
        prefix = id[: id.find("-") + 1] or id[:1]
        inode, file = self._open[prefix]
        key = (prefix, inode, id, masks)
        found = self._ladders.get(key)
        if found is None:
            found = self._ladders[key] = Captured(file, id, masks=masks)
        self._ladders.move_to_end(key)
        self._forget_old()
        return found

    # -- files come and go

    def clear(self, captures: bool) -> None:
        """Remove all. Where a program ``captures``, it has begun a new file itself."""
        for upload in list(self.kept.uploads):
            self.remove(upload.id)
        self._close("c")
        if not captures:
            (self.folder / CAPTURE).unlink(missing_ok=True)
        self.kept.counts = Counts()
        notes.write(self.folder, self.kept)

    def begin_upload(self) -> Path:
        """An empty file for one that comes. Raises WrongState for one too many, those under way counted."""
        if len(self.kept.uploads) + len(list(self.folder.glob("coming-*"))) >= UPLOADS:
            raise WrongState(f"There are {UPLOADS} uploaded files. Remove one that is not used.")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"coming-{secrets.token_hex(8)}"
        path.touch(mode=0o600)
        return path

    def take(self, path: Path, name: str, ports: frozenset[int]) -> Upload:
        """Take in the file that was written there. Raises SettingError where nothing in it can be read."""
        with CaptureFile(path, ports=ports, prefix="x", now=False) as file:
            file.more(1)
            if not file.packets_read:
                said = " ".join(file.troubles()) or "There is no packet in the file."
                raise SettingError(
                    said, field="file", hint="Give a file of tcpdump or Wireshark: pcap or pcapng."
                )
        shown = "".join(c for c in name if c.isprintable()).strip()[:80] or "upload.pcap"
        upload = Upload(id=f"u{self.kept.next}", name=shown)
        path.replace(self.folder / f"{upload.id}.cap")
        self.kept.next += 1
        self.kept.uploads.append(upload)
        notes.write(self.folder, self.kept)
        return upload

    def remove(self, id: str) -> None:
        """Remove an upload. Raises KeyError."""
        upload = next((each for each in self.kept.uploads if each.id == id), None)
        if upload is None:
            raise KeyError(id)
        self._close(f"{id}-")
        (self.folder / f"{id}.cap").unlink(missing_ok=True)
        self.kept.uploads.remove(upload)
        notes.write(self.folder, self.kept)

    def save(self, counts: Counts) -> None:
        """Write down what was counted."""
        self.kept.counts = counts
        notes.write(self.folder, self.kept)

    def forget(self) -> None:
        """Close everything and remove the folder."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Close the files."""
        for prefix in list(self._open):
            self._close(prefix)

    # -- inside

    def _paths(self) -> list[tuple[str, Path]]:
        uploads = [(f"{each.id}-", self.folder / f"{each.id}.cap") for each in self.kept.uploads]
        return [("c", self.folder / CAPTURE), *uploads]

    def _file(self, prefix: str, path: Path, ports: frozenset[int]) -> CaptureFile | None:
        """The open file; anew where another has taken its place."""
        try:
            found = path.stat()
        except OSError:
            self._close(prefix)
            return None
        inode = (found.st_dev, found.st_ino)
        known = self._open.get(prefix)
        if known and known[0] == inode:
            return known[1]
        self._close(prefix)
        file = CaptureFile(path, ports=ports, prefix=prefix, now=False)
        self._open[prefix] = (inode, file)
        return file

    def _close(self, prefix: str) -> None:
        known = self._open.pop(prefix, None)
        if known:
            known[1].close()
        for key in [key for key in self._ladders if key[0] == prefix]:
            del self._ladders[key]

    def _forget_old(self) -> None:
        while len(self._ladders) > 1 and (
            len(self._ladders) > LADDERS or sum(each.size for each in self._ladders.values()) > LADDER_ROWS
        ):
            self._ladders.popitem(last=False)
