"""A lab of a few lines, put into a copy of the project: what is needed to add one, and no more.

A TCP echo with one setting, one live setting, one event, an action that also works offline, a
query, a tool, and a request that may be a session. ``make_toy_tree`` returns the copy's folder.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.programs import ROOT

NAME = "toy_echo"

LAB = '''
"""The toy lab's descriptor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from servers.kit.events import Event
from servers.kit.lab import Action, Export, Lab, Query, Tool, View
from servers.kit.settings import RequestSettings, ServerSettings, ui


class Settings(ServerSettings, frozen=True, kw_only=True):
    """How the echo sounds."""

    greeting: Annotated[str, Meta(max_length=40, title="Greeting")] = "hello"
    shout: Annotated[bool, Meta(title="Shout", extra=ui(live=True))] = False


class Request(RequestSettings, frozen=True, kw_only=True):
    """What is said."""

    words: Annotated[str, Meta(max_length=100, title="Words")] = "is there anybody"
    stay: Annotated[bool, Meta(title="Stay connected")] = False


class Counters(msgspec.Struct):
    """What is counted."""

    lines: Annotated[int, Meta(title="Lines echoed")] = 0


class Echoed(Event, frozen=True, kw_only=True):
    """A line was echoed."""

    peer: str
    words: str

    def line(self) -> str:
        """The event in words."""
        return f"{self.peer} said {self.words}"


class ChorusRequest(RequestSettings, frozen=True, kw_only=True):
    """What is sung."""

    verses: Annotated[int, Meta(ge=1, le=20, title="Verses")] = 3
    voices: Annotated[
        str,
        Meta(title="Voices", pattern="^(high|low)(,(high|low))*$", extra=ui(several=("high", "low"))),
    ] = "high,low"


class Sung(Event, frozen=True, kw_only=True):
    """The chorus heard its verse come back."""

    verse: int
    answer: str

    def line(self) -> str:
        """The event in words."""
        return f"verse {self.verse} came back as {self.answer}"


class Forget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many lines may stay."""

    keep: Annotated[int, Meta(ge=0, le=1000, title="Keep")] = 0


def said(folder: Path, settings: Any, arguments: Any) -> Any:
    """All lines that were said."""
    path = folder / "lines.txt"
    return path.read_text().splitlines() if path.exists() else []


def forget(folder: Path, settings: Any, arguments: Any) -> Any:
    """Forget all lines but the newest few."""
    lines = said(folder, settings, None)
    kept = lines[len(lines) - arguments.keep :] if arguments.keep else []
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lines.txt").write_text("".join(line + "\\n" for line in kept))
    return {"forgot": len(lines) - len(kept)}


def as_text(folder: Path, settings: Any, events: list[Any]) -> bytes:
    """What was said, a line each, from the events."""
    return "".join(event.words + "\\n" for event in events if isinstance(event, Echoed)).encode()


LAB = Lab(
    name="toy_echo",
    title="Toy echo",
    settings=Settings,
    request=Request,
    server="servers.toy_echo.server",
    client="servers.toy_echo.client",
    counters=Counters,
    events=(Echoed,),
    actions=(Action(name="forget", title="Forget lines", arguments=Forget, offline=forget),),
    queries=(Query(name="said", title="What was said", function=said),),
    exports=(Export(name="txt", title="Text", media="text/plain", function=as_text),),
    tools=(
        Tool(
            name="chorus", title="Chorus", request=ChorusRequest, client="servers.toy_echo.chorus",
            role="teacher", primary="Sing {verses} verses", help="All verses at once.", events=(Sung,),
        ),
    ),
    session=lambda request: request.stay,
    view=View(summary="Says back what it hears.", transport="tcp", spark="lines", tiles=("lines",)),
)
'''

SERVER = '''
"""The toy lab's server."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import msgspec

from servers.kit.addresses import resolve, show
from servers.kit.command import run_server
from servers.kit.report import Report, now
from servers.kit.sockets import Socket
from servers.kit.stream import Stream
from servers.toy_echo.lab import LAB, Echoed, Forget, Settings, forget


def serve(settings: Settings, report: Report) -> None:
    """Echo until told to stop."""
    folder = Path(os.environ.get("SOCKET_LAB_FOLDER", "."))
    now_set = {"settings": settings}
    report.on_change(lambda changed: now_set.update(settings=changed))
    report.on_action("forget", lambda found: forget(folder, settings, msgspec.convert(found, Forget)))
    family, address = resolve(settings.host, settings.port, socket.SOCK_STREAM)
    with Socket(report, family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen()
        report.listening(sock.getsockname())
        while True:
            conn, peer = sock.accept()
            given = (conn, show(peer), now_set, folder, report)
            threading.Thread(target=echo, args=given, daemon=True).start()


def echo(conn: socket.socket, peer: str, now_set: dict[str, Any], folder: Path, report: Report) -> None:
    """One client."""
    told = Stream(report, f"c{conn.fileno()}", peer)
    waiting = b""
    with conn:
        while data := conn.recv(1024):
            told.received(data, 1024)
            waiting += data
            if not waiting.endswith(b"\\n"):
                continue
            words, waiting = waiting.decode().strip(), b""
            with (folder / "lines.txt").open("a") as file:
                file.write(words + "\\n")
            report.counters.lines += 1
            report.emit(Echoed(t=now(), peer=peer, words=words))
            current = now_set["settings"]
            answer = f"{current.greeting}: {words}"
            line = (answer.upper() if current.shout else answer).encode() + b"\\n"
            told.sent(line[: conn.send(line)], len(line))


if __name__ == "__main__":
    run_server(LAB, serve)
'''

CLIENT = '''
"""The toy lab's client."""

from __future__ import annotations

import socket
import threading

import msgspec

from servers.kit.command import run_client
from servers.kit.report import Report
from servers.toy_echo.lab import LAB, Request


class Result(msgspec.Struct, frozen=True):
    """What came back."""

    answers: list[str]


def talk(host: str, port: int, request: Request, report: Report) -> int:
    """Say the words; stay for more if asked to."""
    answers: list[str] = []
    with socket.create_connection((host, port), 5) as sock, sock.makefile("rw") as stream:

        def say(words: str) -> str:
            stream.write(words + "\\n")
            stream.flush()
            answers.append(stream.readline().strip())
            report.say(answers[-1])
            return answers[-1]

        say(request.words)
        if request.stay:
            report.on_input(lambda given: say(str(given["text"])))
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                pass
    report.result(Result(answers))
    return 0


if __name__ == "__main__":
    run_client(LAB, talk)
'''

CHORUS = '''
"""The toy lab's tool: says verse after verse."""

from __future__ import annotations

import socket

import msgspec

from servers.kit.command import run_tool
from servers.kit.report import Report, now
from servers.toy_echo.lab import LAB, ChorusRequest, Sung


class Result(msgspec.Struct, frozen=True):
    """What came back."""

    sung: int
    voices: str


def sing(host: str, port: int, request: ChorusRequest, report: Report) -> int:
    """Say the verses, each in its own time."""
    with socket.create_connection((host, port), 5) as sock, sock.makefile("rw") as stream:
        for verse in range(1, request.verses + 1):
            stream.write(f"verse {verse}\\n")
            stream.flush()
            report.emit(Sung(t=now(), verse=verse, answer=stream.readline().strip()))
    report.result(Result(request.verses, request.voices))
    return 0


if __name__ == "__main__":
    run_tool(LAB, "chorus", sing)
'''

README = "# A toy echo\n\nSays back what it hears. See [the greeting](#control-greeting).\n"


def copy_tree(tmp_path: Path, libraries: bool = True) -> Path:
    """A copy of all that runs; the front end's libraries are those of this checkout, or none."""
    tree = tmp_path / "tree"
    unwanted = shutil.ignore_patterns("node_modules", "__pycache__")
    for name in ("servers", "webui", "templates", "static"):
        shutil.copytree(ROOT / name, tree / name, ignore=unwanted)
    shutil.copy(ROOT / "app.py", tree)
    if libraries:
        (tree / "static" / "node_modules").symlink_to(ROOT / "static" / "node_modules")
    return tree


def add_lab(tree: Path, name: str, **files: str) -> None:
    """A lab's folder, and its one line in the registry."""
    folder = tree / "servers" / name
    folder.mkdir()
    (folder / "__init__.py").write_text(f'"""The lab {name}."""\n')
    for file, text in files.items():
        (folder / file.replace("_py", ".py").replace("_md", ".md")).write_text(text.lstrip("\n"))
    registry = tree / "servers" / "registry.py"
    text = registry.read_text()
    assert "NAMES = (\n" in text
    registry.write_text(text.replace("NAMES = (\n", f'NAMES = (\n    "{name}",\n', 1))


def make_toy_tree(tmp_path: Path) -> Path:
    """A copy of the project with the toy lab in it."""
    tree = copy_tree(tmp_path)
    add_lab(tree, NAME, lab_py=LAB, server_py=SERVER, client_py=CLIENT, chorus_py=CHORUS, README_md=README)
    return tree
