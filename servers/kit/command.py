"""The command line of every server and client, made from the lab's own settings."""

from __future__ import annotations

import argparse
import atexit
import errno
import io
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TextIO

import msgspec

from servers.kit import channel as wire
from servers.kit.addresses import holder, next_free_port, path_of, time_waits
from servers.kit.errors import LabError, SettingError
from servers.kit.lab import Lab
from servers.kit.report import WAITING, JsonOutput, Report, TextOutput
from servers.kit.settings import Field, fields, parse, secret_variable
from servers.kit.sockets import in_words

USAGE = 2
AGAIN_SECONDS = 4.0
"""Seconds after which a program that was interrupted, and goes on, is interrupted again."""


def run_server(
    lab: Lab,
    serve: Callable[[Any, Report], None],
    arguments: Sequence[str] | None = None,
) -> NoReturn:
    """Read the flags, call ``serve(settings, report)`` until it is told to stop, and exit.

    Exit codes: 0 stopped, 1 failed, 2 wrong usage.
    """
    parser = _parser(lab.server, lab.title + ": the server.", fields(lab.settings))
    settings, flags = _read(parser, lab.settings, arguments, {})
    report = _report(flags.json, lab.counters(), settings)
    kind = socket.SOCK_DGRAM if lab.view.transport == "udp" else socket.SOCK_STREAM
    sys.exit(_run(lambda: serve(settings, report), report, settings, kind))


def run_client(
    lab: Lab,
    client: Callable[[str, int, Any, Report], int],
    arguments: Sequence[str] | None = None,
) -> NoReturn:
    """Read HOST, PORT and the flags, call ``client(host, port, request, report)``, and exit.

    ``client`` returns the exit code and prints for the terminal itself.
    """
    words = f"{lab.title}: the client."
    _run_aimed(lab.client, words, lab.request, client, arguments)


def run_tool(
    lab: Lab,
    name: str,
    function: Callable[..., int],
    arguments: Sequence[str] | None = None,
) -> NoReturn:
    """Do for the lab's tool ``name`` what ``run_client`` does for its client.

    A tool that needs no server takes no HOST and PORT: its function is called as
    ``function(request, report)``.
    """
    tool = lab.tool(name)
    words = f"{lab.title}: {tool.title}. {tool.help}".rstrip()
    if tool.needs_server:
        _run_aimed(tool.client, words, tool.request, function, arguments)
    run_alone(tool.client, words, tool.request, function, arguments)


def run_alone(
    module: str,
    words: str,
    struct: type[msgspec.Struct],
    function: Callable[[Any, Report], int],
    arguments: Sequence[str] | None = None,
) -> NoReturn:
    """Run a program that is aimed at no server: ``function(request, report)``. ``words`` say what it does."""
    parser = _parser(module, words, fields(struct))
    request, flags = _read(parser, struct, arguments, {})
    _finish(lambda report: function(request, report), request, flags.json)


def _run_aimed(
    module: str,
    words: str,
    struct: type[msgspec.Struct],
    function: Callable[[str, int, Any, Report], int],
    arguments: Sequence[str] | None,
) -> NoReturn:
    """Run a program that is aimed at a server."""
    parser = _parser(module, words, fields(struct), positional=True)
    request, flags = _read(parser, struct, _with_port(sys.argv[1:] if arguments is None else arguments), {})
    try:
        port = 0 if path_of(flags.HOST) is not None else _port(flags.PORT)
    except SettingError as error:
        _usage(parser, error, {})
    _finish(lambda report: function(flags.HOST, port, request, report), request, flags.json)


def _with_port(arguments: Sequence[str]) -> list[str]:
    """The words with a port after ``unix:PATH``, where that stands for HOST: a path has none."""
    words = list(arguments)
    if words and path_of(words[0]) is not None:
        words.insert(1, "0")
    return words


def _finish(work: Callable[[Report], int], request: Any, json: bool) -> NoReturn:
    report = _report(json, None, request, client=True)
    done: list[int] = []
    code = _run(lambda: done.append(work(report)), report, request, None)
    sys.exit(code or (done[0] if done else 0))


class _Silence(TextOutput):
    """A client's text is printed by the client."""

    def write(self, events: list[Any], counters: dict[str, int], dropped: int) -> None:
        """Print nothing."""


def _run(body: Callable[[], None], report: Report, settings: Any, kind: Any) -> int:
    code = 0
    left = threading.Event()
    try:
        _take_signals(left)
        body()
    except (KeyboardInterrupt, BrokenPipeError):  # told to stop, or nobody reads any more
        pass
    except SettingError as error:
        report.fatal(error.message, hint=error.hint, field=error.field)
        code = USAGE
    except LabError as error:
        report.fatal(str(error))
        code = 1
    except OSError as error:
        code = 1
        if kind is None:
            refused = isinstance(error, ConnectionRefusedError)
            hint = "No program listens there: is the server running, and is this its port?"
            report.fatal(in_words(error) + ".", hint=hint if refused else "")
        else:
            _explain(error, report, settings, kind)
    finally:
        signal.set_wakeup_fd(-1)
        left.set()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # at once, even where the output is stuck
        report.close()
        _let_go(sys.stdout)
    return code


def _let_go(stream: TextIO) -> None:
    """Flush the stream; where nobody reads it, see that the exit does not try again."""
    try:
        stream.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def _explain(error: OSError, report: Report, settings: Any, kind: Any) -> None:
    host, port = getattr(settings, "host", ""), getattr(settings, "port", 0)
    if error.errno == errno.EADDRINUSE:
        who, free = holder(port, kind), next_free_port(host, port, kind)
        waits = 0 if who or kind == socket.SOCK_DGRAM else time_waits(port)
        if waits:
            what = f"Port {port} is in use: {waits} of its closed connections are in TIME-WAIT."
            hint = "That takes a minute. SO_REUSEADDR lets a server start all the same"
            hint += f"; or use {free}." if free else "."
        else:
            what = f"Port {port} is in use" + (f" by {who}." if who else " by another program.")
            hint = "Stop it, or use " + (f"{free}." if free else "another port.")
        report.fatal(what, hint=hint, field="port", port=free)
    elif error.errno in (errno.EACCES, errno.EPERM) and not error.filename:  # a socket's, no file's
        hint = "Use a port from 1024 up."
        report.fatal(f"You may not listen on port {port}.", hint=hint, field="port")
    elif error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        hint = "Use 127.0.0.1, 0.0.0.0, or an address of this machine."
        report.fatal(f"This machine has no address {host}.", hint=hint, field="host")
    else:
        raise error


def _parser(
    module: str, title: str, entries: tuple[Field, ...], positional: bool = False
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=title, allow_abbrev=False)
    if positional:
        parser.add_argument("HOST", help="the server's name or address; unix:PATH, then without PORT")
        parser.add_argument("PORT", help="the server's port")
    for field in entries:
        _add(parser, field)
    parser.add_argument("--json", action="store_true", help="print events as JSON lines")
    return parser


def _add(parser: argparse.ArgumentParser, field: Field) -> None:
    default = _default(field)
    free = field.type in ("flag", "text") and not field.several
    limits = "" if free else f" {field.wants()[0].upper()}{field.wants()[1:]}."
    text = (field.help + limits + default).replace("%", "%%")
    if field.positional:
        needed = None if field.required else "?"
        parser.add_argument(
            field.name, metavar=field.name.upper(), help=text, nargs=needed, default=argparse.SUPPRESS
        )
        return
    options: dict[str, Any] = {"help": text, "dest": field.name, "default": argparse.SUPPRESS}
    if field.type == "flag":
        options["action"] = argparse.BooleanOptionalAction
    else:
        options["metavar"] = (field.unit or field.name).upper().replace("%", "PERCENT")
    if field.type == "choice":
        options["metavar"] = "|".join(field.choices)
    parser.add_argument(*field.flags, field.flag, **options)


def _default(field: Field) -> str:
    """The default in the help; "" where there is none, and of a switch that is off."""
    words = "on" if field.default is True else str(field.default)
    if field.default in (None, "") or field.default is False:
        return ""
    return f" Default: {words}" + ("" if words[-1] in ".!?" else ".")


def _read(
    parser: argparse.ArgumentParser,
    struct: type[msgspec.Struct],
    arguments: Sequence[str] | None,
    fixed: dict[str, Any],
) -> tuple[Any, argparse.Namespace]:
    flags = parser.parse_intermixed_args(arguments)
    names = {field.name for field in fields(struct)}
    given = {key: value for key, value in vars(flags).items() if key in names}
    given = {**_handed(struct), **given}
    try:
        return parse(struct, {**given, **fixed}, text=True), flags
    except SettingError as error:
        words = sys.argv[1:] if arguments is None else arguments
        given_as = {field.name: _typed(field, words) for field in fields(struct) if not field.positional}
        _usage(parser, error, given_as)


def _typed(field: Field, words: Sequence[str]) -> str:
    """The flag by which the field was given: ``--to`` where it is called recipients."""
    typed = [word.partition("=")[0] if word.startswith("--") else word[:2] for word in words]
    return next((flag for flag in field.flags if flag in typed), field.flag)


def _handed(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The secrets that came in the environment, taken out of it: programs that are started get none."""
    secret = [field for field in fields(struct) if field.secret]
    found = {field.name: os.environ.pop(secret_variable(field), None) for field in secret}
    return {name: value for name, value in found.items() if value is not None}


def _usage(parser: argparse.ArgumentParser, error: SettingError, flags: Mapping[str, str]) -> NoReturn:
    """Say what is wrong with which flag, and exit."""
    for each in (error, *error.others):
        where = flags[each.field] + ": " if each.field in flags else ""
        print(f"error: {where}{each.message} {each.hint}".rstrip(), file=sys.stderr)
    print(f"See {parser.prog} --help", file=sys.stderr)
    sys.exit(USAGE)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingError(f"PORT must be a whole number from 1 to 65,535, but «{text}» was given.")
    return int(text)


def _report(json: bool, counters: Any, settings: Any, client: bool = False) -> Report:
    """The report: to the dashboard if that started the program, else to the terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a letter that the terminal lacks is no reason to end
        sys.stdout.reconfigure(encoding="utf-8" if json else None, errors="backslashreplace")
    channel = wire.connect()
    if channel:
        return Report(counters, channel=channel, settings=settings, waiting=20_000 if client else WAITING)
    text = _Silence if client else TextOutput
    output = JsonOutput(sys.stdout) if json else text(sys.stdout)
    return Report(counters, output=output, settings=settings, waiting=100_000, ready=client)


def _take_signals(left: threading.Event) -> None:
    """From now on SIGTERM and SIGINT interrupt the program, also where a shell had them ignored.

    A signal that comes just before a blocking call begins is noted, but does not end the call;
    and what it raises can be swallowed by a library. So a thread hears of each at once, and
    repeats it until the program's own part was ``left``.
    """
    raised: list[float] = []

    def interrupt(number: int, frame: Any) -> None:
        """The first one interrupts. Those that follow at once must not cut off what it set going.

        The dashboard asks by signal and by channel. A second Ctrl-C ends the program at once.
        """
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if not raised or time.monotonic() - raised[-1] > AGAIN_SECONDS:
            raised.append(time.monotonic())
            raise KeyboardInterrupt

    def insist() -> None:
        with ours:
            ours.recv(1)
            while not left.wait(0.2 if raised else 0.05):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)
    if not hasattr(signal, "pthread_kill"):
        return
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    atexit.register(theirs.close)
    threading.Thread(target=insist, name="signals", daemon=True).start()
