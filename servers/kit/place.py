"""Where a server keeps its files: where it is told to, in its instance's folder, or for the time being."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Where the dashboard starts a server: a relative path is meant from here."""


def place_of(folder: Path, given: str, name: str, at: Path = ROOT) -> Path:
    """The path that is set (``given``), else ``name`` in ``folder``, the instance's own."""
    return at / Path(given).expanduser() if given else folder / name


@contextlib.contextmanager
def own_place(given: str, name: str) -> Iterator[Path]:
    """For the server itself. Run alone without a path set, all of it is removed at the end."""
    own = os.environ.get("SOCKET_LAB_FOLDER")  # the dashboard's folder for this server
    if own or given:
        yield place_of(Path(own or "."), given, name, Path.cwd())
        return
    with tempfile.TemporaryDirectory(prefix="socket-lab-", ignore_cleanup_errors=True) as made:
        yield place_of(Path(made), given, name)
