"""Where the tape is on disk."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from servers.kit.place import ROOT, own_place, place_of


def tape_of(folder: Path, settings: Any, at: Path = ROOT) -> Path:
    """The tape: the file that is set, else the one in ``folder``, the instance's own."""
    return place_of(folder, settings.tape, "tape.jsonl", at)


def own_tape(settings: Any) -> AbstractContextManager[Path]:
    """For the server: its tape. Run alone without one set, it is removed at the end."""
    return own_place(settings.tape, "tape.jsonl")
