"""The documents that are made from the code, or that say what can be run."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from servers.docs import events_page
from servers.kit.events import snake
from servers.registry import LABS
from tests.programs import DEADLINE, ROOT


def test_the_table_of_events_is_up_to_date() -> None:
    written = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert written == events_page(), "run: python -m servers.docs > docs/events.md"


def test_the_table_names_every_kind_and_field() -> None:
    page = events_page()
    for lab in LABS.values():
        for kind in lab.kinds:
            section = page.split(f"### {snake(kind.__name__)}\n")[1].split("\n##")[0]
            own = [name for name in kind.__struct_fields__ if name not in ("t", "n", "request", "text")]
            assert all(f"| `{name}` |" in section for name in own)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the servers with the lab of servers/README.md added as that page says."""
    root = tmp_path_factory.mktemp("with-example")
    shutil.copytree(ROOT / "servers", root / "servers", ignore=shutil.ignore_patterns("__pycache__"))
    page = (ROOT / "servers" / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^ *`(servers/[\w/]+\.py)`\n( *)```python\n(.*?)^\2```", page, re.S | re.M)
    for name, _, text in blocks:
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    assert [name.rpartition("/")[2] for name, _, _ in blocks] == [
        "__init__.py", "protocol.py", "lab.py", "server.py", "client.py",
    ]  # fmt: skip
    registry = root / "servers" / "registry.py"
    source = registry.read_text(encoding="utf-8")
    assert '    "udp_ping",\n' in source
    registry.write_text(source.replace('    "udp_ping",\n', '    "udp_ping",\n    "udp_reverse",\n'))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def python(root: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", *words],
        cwd=root, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_example_lab_runs_as_written(example: Path) -> None:
    with python(example, "-m", "servers.udp_reverse.server", "--port", "0") as server:
        try:
            assert server.stdout
            address = server.stdout.readline().split()[-1]
            port = address.rpartition(":")[2]
            words = ("-m", "servers.udp_reverse.client", "127.0.0.1", port, "--text", "abc")
            with python(example, *words) as client:
                out, err = client.communicate(timeout=DEADLINE)
            assert (client.returncode, out, err) == (0, "cba\n", "")
            with socket.socket(type=socket.SOCK_DGRAM) as sock:
                sock.settimeout(DEADLINE)
                sock.sendto(b"\x00\xff1", ("127.0.0.1", int(port)))
                assert sock.recv(100) == b"1\xff\x00"
            server.terminate()
            out, err = server.communicate(timeout=DEADLINE)
            assert (server.returncode, err) == (0, "")
            assert "received 3 bytes: abc" in out
        finally:
            server.kill()


def test_the_example_lab_is_in_the_registry_and_obeys_the_rules(example: Path) -> None:
    from tests.test_imports import complaints

    code = "from servers.registry import LABS; print(LABS['udp_reverse'].title)"
    with python(example, "-c", code) as child:
        assert child.communicate(timeout=DEADLINE) == ("UDP reverse\n", "")
    assert complaints(example) == []
    with python(example, "-m", "ruff", "check", "servers") as ruff:
        out, _ = ruff.communicate(timeout=60)
        assert ruff.returncode == 0, out


def test_the_reading_order_names_files_that_exist() -> None:
    page = (ROOT / "servers" / "README.md").read_text(encoding="utf-8")
    order = page.split("## Rules")[0]
    for name in re.findall(r"`((?:kit|udp_ping)/\w+\.\w+)`", order):
        assert (ROOT / "servers" / name).exists(), name
