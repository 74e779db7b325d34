"""What is written down beside an instance's packets: which files were uploaded, and what was counted."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from webui.packets_capture import Counts

NAME = "packets.json"


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was uploaded."""

    id: str
    name: str


class Notes(msgspec.Struct, kw_only=True):
    """All of it."""

    uploads: list[Upload] = []
    counts: Counts = msgspec.field(default_factory=Counts)
    next: int = 1


def read(folder: Path) -> Notes:
    """The notes in the folder; new ones where there are none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Notes)
    except (OSError, msgspec.DecodeError):
        return Notes()


def write(folder: Path, notes: Notes) -> None:
    """Write them down, in one step; makes the folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / "packets.tmp"
    draft.write_bytes(msgspec.json.encode(notes))
    os.replace(draft, folder / NAME)
