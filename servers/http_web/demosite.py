"""The demo site: its folder, its large file, and a copy that PUT may write to."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

SITE = Path(__file__).resolve().parent / "site"
LARGE = "large.txt"
LINES = 156_250
"""Lines of the large file, each 64 bytes with its end: 10,000,000 bytes."""


def demo_site() -> Path:
    """The folder of the demo site. Its large file is made first, if it is missing and can be written."""
    _make_large(SITE)
    return SITE


def working_copy(folder: Path) -> Path:
    """The site copied to ``folder``, which is made; what an earlier call put there is kept.

    Raises OSError where it cannot be written.
    """
    if folder.is_dir() and any(folder.iterdir()):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        shutil.copytree(demo_site(), unfinished, ignore=shutil.ignore_patterns(".*"))
        with contextlib.suppress(OSError):  # another program may have been first: then its copy stays
            os.rename(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    if not folder.is_dir():
        raise OSError(f"The demo site could not be copied to {folder}.")
    return folder


def large_line(number: int) -> bytes:
    """Line ``number``, from 1, of the large file: it begins at byte 64 * (number - 1)."""
    return b"%08d %-54s\n" % (number, b"of %d lines: this one begins at byte %d" % (LINES, 64 * (number - 1)))


def _make_large(folder: Path) -> None:
    """Make the large file, whole or not at all. Without the right to write, the site is without it."""
    place = folder / LARGE
    with contextlib.suppress(OSError):
        if place.stat().st_size == 64 * LINES:
            return
    unfinished = folder / f".{LARGE}-{secrets.token_hex(4)}"
    with contextlib.suppress(OSError):
        try:
            unfinished.write_bytes(b"".join(map(large_line, range(1, LINES + 1))))
            os.replace(unfinished, place)
        finally:
            unfinished.unlink(missing_ok=True)
