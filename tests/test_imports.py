"""Who may import whom, read from the sources: app -> webui -> registry -> lab.py -> kit.

``complaints`` walks a tree of sources; the tests run it on ours, and on made-up bad ones to
see that each rule can fail.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WEB = {"flask", "flask_socketio", "flask_wtf", "jinja2", "markupsafe", "werkzeug", "socketio", "engineio"}
DOING = {"asyncio", "os", "random", "secrets", "select", "selectors", "socket", "ssl", "threading", "time"}
"""What does something with the world, or is told something by it: not for sans-I/O modules."""


class Sources:
    """The modules of a tree, and what each of them imports anywhere in its text."""

    def __init__(self, root: Path) -> None:
        files = [root / "app.py", *(root / "webui").rglob("*.py"), *(root / "servers").rglob("*.py")]
        self.trees = {
            ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
                path.read_text(encoding="utf-8")
            )
            for path in files
            if path.exists()
        }
        self.imports = {module: set(self._imported(module)) for module in self.trees}

    def _imported(self, module: str) -> Iterator[str]:
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                package = module.split(".")[: -node.level] if node.level else []
                base = ".".join([*package, *([node.module] if node.module else [])])
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    yield inner if inner in self.trees else base
            elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
                yield from (arg.value for arg in node.args if _is_text(arg))  # type: ignore[attr-defined]

    def reach(self, start: str) -> set[str]:
        """All that a module imports, itself or by way of others of this tree."""
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for name in self.imports.get(waiting.pop(), ()):
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return seen


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _under(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def complaints(root: Path) -> list[str]:
    """What is against the rules, in words; empty when nothing is."""
    sources = Sources(root)
    found: list[str] = []
    for module, imports in sorted(sources.imports.items()):
        for name in sorted(imports):
            found += [f"{module} imports {name}: {why}" for why in _direct(module, name)]
        for name in sorted(sources.reach(module)):
            found += [f"{module} reaches {name}: {why}" for why in _reached(module, name)]
        if _under(module, "webui") and module != "webui.live" and _emits(sources.trees[module]):
            found.append(f"{module} emits: only live.py does")
    return found


def _direct(module: str, name: str) -> Iterator[str]:
    top = name.partition(".")[0]
    if top == "eventlet" and module != "app":
        yield "only app.py names eventlet"
    if top == "app" and module != "app":
        yield "nothing imports app.py"
    if _under(module, "servers"):
        certificates = module == "servers.kit.certificate" and top == "cryptography"
        if top not in sys.stdlib_module_names and top not in ("servers", "msgspec") and not certificates:
            yield "servers need the standard library and msgspec alone"
        if top == "servers" and name != "servers":
            yield from _between_labs(module, name)
    if _under(module, "servers.walk") and not _captures(module) and top in DOING:
        yield "the packet walk is bytes in, values out, but for the program that captures"
    if _under(module, "webui") and top == "servers":
        if not any(_under(name, known) for known in ("servers.kit", "servers.walk", "servers.registry")):
            yield "webui knows labs by the registry alone"
        if name in ("servers.kit.sockets", "servers.kit.command"):
            yield "webui opens no lab socket"
    if module == "app" and top == "servers" and not _under(name, "servers.kit"):
        yield "app.py starts webui, and leaves labs to it"


def _captures(module: str) -> bool:
    """Whether it is of the program that captures packets."""
    names = ("ring", "piped", "allowed", "capture", "appended")
    return module in [f"servers.walk.{name}" for name in names]


def _between_labs(module: str, name: str) -> Iterator[str]:
    """What servers import of servers."""
    mine, theirs = _part(module), _part(name)
    if mine == "kit" and theirs != "kit":
        yield "the kit knows no lab"
    elif mine == "registry" and theirs != "kit":
        yield "the registry finds labs by their names"
    elif mine not in ("kit", "registry", "docs") and theirs not in ("kit", mine):
        yield "labs never import each other"


def _part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _reached(module: str, name: str) -> Iterator[str]:
    top, last = name.partition(".")[0], module.rpartition(".")[2]
    sans_io = last == "protocol" or module.startswith("servers.kit.http")
    if _under(module, "servers") and sans_io and top in DOING:
        yield "protocol.py is bytes in, values out"
    if module in ("webui.hub", "webui.supervisor", "webui.child") and top in WEB:
        yield "it knows nothing of Flask"
    if not _captures(module) and _captures(name):
        yield "a program of its own captures"
    ours = _under(name, "servers") and name.rpartition(".")[2] in ("server", "client")
    if ours and (_under(module, "webui") or last == "lab" or module == "servers.registry"):
        yield "the web process imports no server or client"


def _emits(tree: ast.AST) -> bool:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(_called(call) in ("emit", "_emit") for call in calls)


def test_our_imports_point_one_way() -> None:
    assert complaints(ROOT) == []


def test_the_reader_sees_all_of_our_sources() -> None:
    modules = Sources(ROOT).trees
    assert {"servers.kit.events", "servers.registry", "servers.udp_ping.protocol", "servers"} <= set(modules)
    assert "webui" in modules


BAD = [
    ("servers/walk/link.py", "import socket", "bytes in, values out, but for the program"),
    ("servers/walk/link.py", "from servers.walk import ring", "a program of its own captures"),
    ("webui/packets.py", "import servers.walk.ring", "a program of its own captures"),
    ("webui/hub.py", "import eventlet", "webui.hub imports eventlet: only app.py"),
    ("webui/hub.py", "def f():\n    import eventlet.green", "only app.py names eventlet"),
    ("webui/x.py", "from importlib import import_module\nimport_module('eventlet')", "only app.py names"),
    ("servers/a/server.py", "import flask", "servers.a.server imports flask: servers need the standard"),
    ("servers/a/server.py", "from webui import hub", "servers need the standard library"),
    ("servers/a/server.py", "import requests.adapters", "servers need the standard library"),
    ("servers/a/server.py", "import app", "nothing imports app.py"),
    ("servers/a/server.py", "from servers.b import protocol", "labs never import each other"),
    ("servers/a/server.py", "from ..b.protocol import x", "labs never import each other"),
    ("servers/a/server.py", "from servers.registry import LABS", "labs never import each other"),
    ("servers/kit/lab.py", "from servers.a.lab import LAB", "the kit knows no lab"),
    ("servers/kit/lab.py", "if True:\n    from servers import registry", "the kit knows no lab"),
    ("servers/registry.py", "from servers.a.lab import LAB", "the registry finds labs"),
    ("servers/a/protocol.py", "import socket", "servers.a.protocol reaches socket"),
    ("servers/a/protocol.py", "from time import time", "bytes in, values out"),
    ("servers/a/protocol.py", "from servers.kit.report import x", "servers.a.protocol reaches time"),
    ("servers/a/protocol.py", "def f():\n    from random import choice", "bytes in, values out"),
    ("servers/kit/http.py", "import socket", "bytes in, values out"),
    ("servers/a/lab.py", "from servers.a import server", "servers.a.lab reaches servers.a.server"),
    ("servers/a/lab.py", "from servers.a.helper import x", "servers.a.lab reaches servers.a.client"),
    ("webui/pages.py", "from servers.a.server import serve", "webui knows labs by the registry"),
    ("webui/pages.py", "import servers.a.lab", "webui knows labs by the registry alone"),
    ("webui/pages.py", "from servers.kit.sockets import Socket", "webui opens no lab socket"),
    ("webui/hub.py", "from flask import g", "webui.hub reaches flask: it knows nothing"),
    ("webui/child.py", "from webui.pages import x", "webui.child reaches flask"),
    ("webui/supervisor.py", "import flask_socketio", "it knows nothing of Flask"),
    ("webui/hub.py", "def f(io):\n    io.emit('frame', 1)", "webui.hub emits: only live.py does"),
    ("webui/api.py", "from flask_socketio import emit\nemit('x')", "webui.api emits"),
    ("app.py", "import servers.a.server", "app imports servers.a.server"),
]

GOOD = {
    "app.py": "import eventlet\nfrom webui import create_app",
    "webui/__init__.py": "",
    "webui/pages.py": "import flask\nfrom servers.registry import LABS\nfrom servers.kit.lab import Lab",
    "webui/live.py": "from flask_socketio import emit\nemit('frame')",
    "webui/hub.py": "import msgspec\nfrom servers.kit.events import Event",
    "servers/__init__.py": "",
    "servers/registry.py": "from importlib import import_module\nfrom servers.kit.lab import Lab",
    "servers/kit/__init__.py": "",
    "servers/kit/lab.py": "import msgspec",
    "servers/kit/report.py": "import time",
    "servers/kit/sockets.py": "import socket",
    "servers/kit/events.py": "import msgspec",
    "servers/a/__init__.py": "",
    "servers/a/lab.py": "from servers.a.protocol import PORT\nfrom servers.kit.lab import Lab",
    "servers/a/protocol.py": "import struct\nfrom servers.kit.lab import Lab",
    "servers/a/helper.py": "from servers.a.client import x",
    "servers/a/client.py": "import socket",
    "servers/a/server.py": "import socket, msgspec\nfrom servers.a.lab import LAB\nimport servers.kit.report",
    "servers/b/__init__.py": "",
    "servers/walk/ring.py": "import socket",
    "servers/b/protocol.py": "",
}


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_good_tree_has_no_complaints(tmp_path: Path) -> None:
    assert complaints(tree(tmp_path, GOOD)) == []


@pytest.mark.parametrize(("name", "text", "complaint"), BAD, ids=[f"{b[0]}: {b[2][:40]}" for b in BAD])
def test_each_rule_can_fail(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    found = complaints(tree(tmp_path, {**GOOD, name: text}))
    assert any(complaint in each for each in found), found
