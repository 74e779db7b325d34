"""What stops the start, in words: a folder, a port, an option, libraries that cannot be fetched."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import DEADLINE, ROOT
from tests.started import Started
from tests.toy import copy_tree


def fails(
    *words: str, root: Path = ROOT, code: int = 1, mode: str = "eventlet", env: dict[str, str] | None = None
) -> str:
    """Start it, which must end with that exit code and without a traceback; what it said."""
    done = subprocess.run(
        [sys.executable, "app.py", "--no-browser", "--async-mode", mode, *words],
        cwd=root, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    assert "token=" not in said
    return said


@pytest.mark.parametrize("port", ["x", "-1", "70000", "", "1.5", "²", "9" * 5000, "80 80"])
def test_a_port_that_is_none_is_a_usage_error(port: str) -> None:
    assert "--port must be a whole number from 0 to 65,535" in fails(f"--port={port}", code=2)


@pytest.mark.parametrize(
    "words", [["--prot", "8000"], ["--async-mode", "gevent"], ["--token", "x" * 300], ["extra"]]
)
def test_a_wrong_option_is_a_usage_error(words: list[str]) -> None:
    assert "error:" in fails(*words, code=2)


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_a_port_in_use_names_its_holder_and_a_free_one(tmp_path: Path, mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        said = fails("--port", str(port), "--data-dir", str(tmp_path / "data"), mode=mode)
    assert f"Port {port} is in use by pid {os.getpid()} (" in said
    assert "use --port " in said


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.name.invalid"])
def test_a_host_that_is_not_this_machine_is_told(tmp_path: Path, host: str) -> None:
    said = fails("--port", "0", "--host", host, "--data-dir", str(tmp_path / "data"))
    assert host in said


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "data", Path("/proc/nowhere/data")):
        said = fails("--port", "0", "--data-dir", str(folder))
        assert str(folder) in said
        assert "--data-dir" in said


@pytest.mark.parametrize("name", ["secret", "class-code", "socket-lab.db", "socket-lab.lock"])
def test_a_damaged_file_in_the_data_folder_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe not what it was" * 100)
    assert str(tmp_path) in fails("--port", "0", "--data-dir", str(tmp_path))


def test_two_dashboards_do_not_share_a_data_folder(
    start_dashboard: Callable[..., Started], tmp_path: Path
) -> None:
    start_dashboard()
    said = fails("--port", "0", "--data-dir", str(tmp_path / "data"))
    assert "Another Socket Lab uses the folder" in said


def test_without_libraries_and_without_npm_it_says_so_and_serves_no_page(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path, libraries=False)
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {"PATH": str(empty), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    said = fails("--port", "0", "--data-dir", str(tmp_path / "data"), root=tree, env=env)
    assert "There is no npm here" in said
    assert "could not be fetched, so the pages would not work" in said
    assert "Later starts need no network" in said
    assert not (tree / "static" / "node_modules").exists()


def test_with_npm_but_without_network_it_says_so(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path, libraries=False)
    with socket.socket() as closed:  # bound, never listening: refused
        closed.bind(("127.0.0.1", 0))
        env = {
            "npm_config_registry": f"http://127.0.0.1:{closed.getsockname()[1]}/",
            "npm_config_fetch_retries": "0",
            "npm_config_cache": str(tmp_path / "cache"),
            "PIP_NO_INDEX": "1",
        }
        said = fails("--port", "0", "--data-dir", str(tmp_path / "data"), root=tree, env=env)
    assert "could not be fetched" in said


def test_two_first_starts_at_once_fetch_one_after_the_other(tmp_path: Path) -> None:
    """npm empties the folder that it fills: a second one meanwhile would break the first."""
    static = copy_tree(tmp_path, libraries=False) / "static"
    npm = tmp_path / "npm"
    npm.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, time\n"
        "pathlib.Path('busy').mkdir()\n"  # fails where another one is at it
        "time.sleep(0.3)\n"
        "for name, entry in json.load(open('package-lock.json'))['packages'].items():\n"
        "    if name:\n"
        "        pathlib.Path(name).mkdir(parents=True)\n"
        "        pathlib.Path(name, 'package.json').write_text(json.dumps({'version': entry['version']}))\n"
        "pathlib.Path('busy').rmdir()\n"
    )
    npm.chmod(0o755)
    npm.with_name("node").symlink_to(npm)
    words = "import pathlib, sys; from webui.frontend import *; fetch_libraries(pathlib.Path(sys.argv[1]))"
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    starts = [
        subprocess.Popen([sys.executable, "-c", words, str(static)], cwd=ROOT, env=env) for _ in range(3)
    ]
    assert [start.wait(60) for start in starts] == [0, 0, 0]


def test_libraries_of_another_version_are_not_taken(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path, libraries=False)
    package = tree / "static" / "node_modules" / "uplot" / "package.json"
    package.parent.mkdir(parents=True)
    package.write_text('{"version": "0.0.1"}')
    env = {"PATH": str(tmp_path), "PIP_NO_INDEX": "1"}
    said = fails("--port", "0", "--data-dir", str(tmp_path / "data"), root=tree, env=env)
    assert "uplot" in said


def test_it_starts_from_any_folder_with_its_data_beside_it(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path)
    words = [sys.executable, str(tree / "app.py"), "--no-browser", "--port", "0"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with subprocess.Popen(words, cwd=elsewhere, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "Teacher's link: http://127.0.0.1:" in process.stdout.readline()
        process.terminate()
        assert process.wait(DEADLINE) == 0
    assert (tree / "data" / "socket-lab.db").exists()
    assert list(elsewhere.iterdir()) == []


def test_ipv6_is_served_with_its_link(start_dashboard: Callable[..., Started]) -> None:
    dashboard = start_dashboard("--host", "::1")
    assert dashboard.link.startswith("http://[::1]:")
    assert dashboard.call("GET", "/healthz", headers={})[0] == 200


def test_an_old_python_is_told_in_words() -> None:
    """Before anything is imported that would fail with a traceback."""
    lines = (
        "import runpy, sys",
        "sys.version_info = (3, 9, 6, 'final', 0)",
        "sys.modules['eventlet'] = sys.modules['argparse'] = None",
        "runpy.run_path('app.py', run_name='__main__')",
    )
    ended = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (1, "Socket Lab needs Python 3.10 or newer.\n")
