"""Where the tape is on disk."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""Where the dashboard starts a server: a relative file is meant from here."""


def tape_of(folder: Path, settings: Any, at: Path = ROOT) -> Path:
    """The tape: the file that is set, else the one in ``folder``, the instance's own."""
    return at / Path(settings.tape).expanduser() if settings.tape else folder / "tape.jsonl"


@contextlib.contextmanager
def own_tape(settings: Any) -> Iterator[Path]:
    """For the server: its tape. Run alone without one set, it is removed at the end."""
    own = os.environ.get("SOCKET_LAB_FOLDER")  # the dashboard's folder for this server
    if own or settings.tape:
        yield tape_of(Path(own or "."), settings, Path.cwd())
        return
    with tempfile.TemporaryDirectory(prefix="socket-lab-") as made:
        yield tape_of(Path(made), settings)
