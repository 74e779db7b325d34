"""The scripts' own tests and types, run with Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from webui.frontend import fetch_libraries, node, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    fetch_libraries()
    try:
        return node(tmp_path_factory.mktemp("node"))
    except (OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"Node could not be had: {error}")


def test_the_scripts_tests_pass(commands):
    tests = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.js"))
    assert tests
    done = subprocess.run([*commands[0], "--test", *tests], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-4000:]


def test_the_scripts_types_hold(commands, tmp_path):
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / "static" / name, tmp_path)
    run([*commands[1], "ci", "--ignore-scripts", "--no-audit", "--no-fund"], tmp_path)
    compiler = tmp_path / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [*commands[0], str(compiler), "--noEmit", "-p", str(ROOT / "static")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
