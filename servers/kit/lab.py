"""The descriptor: all that the dashboard knows of a lab.

Nothing outside a lab's own folder asks for a lab by name; what is special about one it
says here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from servers.kit.errors import SettingError
from servers.kit.events import SHARED, Event
from servers.kit.settings import RequestSettings, ServerSettings

Role = Literal["teacher", "student"]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of an action or query that takes none."""


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """Settings chosen together under a name: «bad Wi-Fi»."""

    name: str
    title: str
    settings: dict[str, Any]
    help: str = ""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be done to a running server: «purge this object».

    It goes to the child, where ``report.on_action(name, function)`` answers. With
    ``offline`` it also works while the server is stopped, on files only: a plain
    function ``(folder, settings, arguments) -> value``.
    """

    name: str
    title: str
    arguments: type[msgspec.Struct] = Nothing
    role: Role = "teacher"
    help: str = ""
    offline: Callable[[Path, Any, Any], Any] | None = None


class Download(msgspec.Struct, frozen=True):
    """A query's value that is a file: the browser is told to save it, never to show it."""

    name: str
    media: str
    content: bytes


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be read, server running or not: ``(folder, settings, arguments) -> value``.

    The function reads the lab's own files in ``folder`` and opens no socket; the
    dashboard calls it off its own loop. The value is anything that msgspec encodes, or a
    Download.
    """

    name: str
    title: str
    function: Callable[[Path, Any, Any], Any]
    arguments: type[msgspec.Struct] = Nothing
    role: Role = "student"
    help: str = ""


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A file format of the lab's own beside csv and json: ``(folder, settings, events) -> bytes``.

    ``name`` is the file's ending, ``media`` its type. Like a query, the function reads the
    lab's own files and opens no socket; ``events`` are those that the dashboard keeps.
    """

    name: str
    title: str
    media: str
    function: Callable[[Path, Any, list[Any]], bytes]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """How the page shows the lab.

    summary   one sentence for the overview's card
    transport what the lab's sockets are
    spark     the counter whose rate the card's sparkline draws
    tiles     counters shown as tiles, in order
    picture   True: the lab draws its own, with static/js/labs/NAME.js
    template  True: it brings further HTML, templates/labs/NAME.html
    marks     kinds of event that the picture is drawn from; kept apart from the
              traffic, so that a flood does not push them out
    quiet     kinds that the traffic log leaves out until asked
    primary   the request form's button, with {field} replaced: «Send {count} pings»; «Play{by_hand: alone}»:
              words for where a field is ticked
    line      what the page calls the line that one writes into a session
    presets   named settings
    sources   files of the lab's folder shown in the source tab, in reading order; kit/NAME is one that
              labs share
    skeleton  the sheet's client for download, a file of the lab's folder
    stream    of a TCP lab: the request's fields and the live settings that its picture of the byte stream
              has controls for, because they move where the bytes are cut. Where both have the name and
              one is meant: request.NAME or settings.NAME
    """

    summary: str
    transport: Literal["tcp", "udp"]
    spark: str = ""
    tiles: tuple[str, ...] = ()
    picture: bool = False
    template: bool = False
    marks: tuple[type[Event], ...] = ()
    quiet: tuple[type[Event], ...] = ()
    primary: str = "Send"
    line: str = "To the session"
    presets: tuple[Preset, ...] = ()
    sources: tuple[str, ...] = ("server.py", "client.py", "protocol.py", "lab.py")
    skeleton: str = ""
    stream: tuple[str, ...] = ()

    def moves(self, form: Literal["request", "settings"], name: str) -> bool:
        """Whether the picture of the byte stream has a control for that field of the form."""
        return name in self.stream or f"{form}.{name}" in self.stream


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A further program of the lab beside its client, with a page of its own: a race, a load.

    It is queued, run and stored as a test request is. ``client`` is its module; it gets
    HOST and PORT of the server, unless ``needs_server`` is false: then it gets neither and
    runs while the server is stopped, too. What it reports as ``events`` stands among the
    instance's events, is kept as marks, and is left out of the traffic log until asked for.
    With ``picture`` its page draws from them, with static/js/labs/LAB/NAME.js, dressed by
    static/css/labs/LAB/NAME.css.
    """

    name: str
    title: str
    request: type[RequestSettings]
    client: str
    role: Role = "student"
    primary: str = "Run"
    help: str = ""
    needs_server: bool = True
    events: tuple[type[Event], ...] = ()
    picture: bool = False


N = TypeVar("N", "Action", "Query", "Export", "Tool")


class Lab(msgspec.Struct, frozen=True, kw_only=True):
    """A lab. ``server`` and ``client`` are modules, run as ``python -m MODULE``.

    ``counters`` is a struct of ints that the server counts up, with titles in its Meta.
    ``session`` says of a request whether it is a session: a client that takes input
    over the channel, stays until it is idle, and does not queue. A line written on the
    page comes as ``{"text": line}``; what its function returns is shown below it.
    """

    name: str
    title: str
    settings: type[ServerSettings]
    request: type[RequestSettings]
    server: str
    client: str
    counters: type[msgspec.Struct]
    view: View
    events: tuple[type[Event], ...] = ()
    actions: tuple[Action, ...] = ()
    queries: tuple[Query, ...] = ()
    exports: tuple[Export, ...] = ()
    tools: tuple[Tool, ...] = ()
    session: Callable[[Any], bool] | None = None

    @property
    def kinds(self) -> tuple[type[Event], ...]:
        """Every kind of event that the lab's programs may report."""
        return SHARED + self.events + self._of_tools

    @property
    def marks(self) -> tuple[type[Event], ...]:
        """The kinds that pictures are drawn from: the lab's own, and those of its tools."""
        return self.view.marks + self._of_tools

    @property
    def quiet(self) -> tuple[type[Event], ...]:
        """The kinds that the traffic log leaves out until asked."""
        return self.view.quiet + self._of_tools

    @property
    def _of_tools(self) -> tuple[type[Event], ...]:
        return tuple(dict.fromkeys(kind for tool in self.tools for kind in tool.events))

    @property
    def folder(self) -> Path:
        """Where the lab's files are."""
        return Path(__file__).resolve().parents[2].joinpath(*self.server.split(".")[:-1])

    def source(self, name: str) -> Path:
        """Where a file is that ``View.sources`` names."""
        folder = Path(__file__).parent.parent if name.startswith("kit/") else self.folder
        return folder / name

    def action(self, name: str) -> Action:
        """The action of that name; SettingError if there is none."""
        return _named(self.actions, name, "action")

    def query(self, name: str) -> Query:
        """The query of that name; SettingError if there is none."""
        return _named(self.queries, name, "query")

    def export(self, name: str) -> Export:
        """The lab's own export of that name; SettingError if there is none."""
        return _named(self.exports, name, "export")

    def tool(self, name: str) -> Tool:
        """The tool of that name; SettingError if there is none."""
        return _named(self.tools, name, "tool")


def _named(entries: tuple[N, ...], name: str, word: str) -> N:
    for entry in entries:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in entries) or "none"
    raise SettingError(f"This lab has no {word} «{name[:60]}».", hint=f"It has: {known}.")
