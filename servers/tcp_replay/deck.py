"""What the server holds while it runs: the tape's file, and what on it answers which request.

An exchange is written with one call, at the end of the file, so that it is there whole or not
at all, however the program ends. What a killed program left torn is cut off at the next start.
The loop and the thread that hears the dashboard both use it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Any

import msgspec

from servers.kit.errors import SettingError
from servers.tcp_replay import percent
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.matching import Hit, Matcher, Miss
from servers.tcp_replay.sameness import MatchSettings, match_settings
from servers.tcp_replay.tape import Form, Tape, load, write_line, write_tape

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Deck:
    """A tape in use. SettingError (``tape``) if the file cannot be, is no tape, or another server writes it.

    ``damaged`` names the lines that could not be read; their bytes are added to the file NAME.damaged.
    """

    def __init__(self, path: Path, settings: Any) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._how: MatchSettings | None = None
        self._fd = -1
        try:
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            self._fd = os.open(path, FLAGS, 0o600)
            _own(self._fd, path)
            self._open(_all(self._fd))
        except OSError as error:
            self.close()
            raise _refused(path, error) from error
        except SettingError:
            self.close()
            raise
        self.apply(settings)

    def _open(self, data: bytes) -> None:
        tape = load(data)
        if not tape.exchanges and any(not line.startswith((b"{", percent.ASKED)) for line in tape.lost):
            raise SettingError(
                f"{self.path} is no tape: {tape.words[0]}.", field="tape", hint="Give another file."
            )
        self.form: Form = tape.form if data.strip() else form_for(self.path)
        self.damaged = tape.words
        self._exchanges = {exchange.id: exchange for exchange in tape.exchanges}
        self._last = max(self._exchanges, default=0)
        self._size = tape.end
        _set_aside(self.path, tape)
        if tape.end < len(data):
            os.ftruncate(self._fd, tape.end)

    def apply(self, settings: Any) -> None:
        """Settings changed: what counts as the same request, perhaps. Then replay begins again."""
        how = match_settings(settings, newest=self.form == "log")
        with self._lock:
            if how != self._how:
                self._how = how
                self._matcher = Matcher(self._exchanges.values(), how)

    @property
    def count(self) -> int:
        """Exchanges on the tape."""
        return len(self._exchanges)

    def exchanges(self) -> list[Exchange]:
        """All of them, in order."""
        with self._lock:
            return list(self._exchanges.values())

    # -- recording

    def append(self, exchange: Exchange) -> Exchange:
        """Write an exchange; it, with its number. OSError if the disk refuses: then nothing of it is left."""
        with self._lock:
            exchange = msgspec.structs.replace(exchange, id=self._last + 1)
            line = write_line(exchange) if self.form == "jsonl" else percent.write(exchange)
            self._write(line)
            self._last = exchange.id
            self._exchanges[exchange.id] = exchange
            self._matcher.add(exchange)
            return exchange

    def _write(self, line: bytes) -> None:
        try:
            done = os.write(self._fd, line)
            while done < len(line):  # the disk is full: the next call says so
                done += os.write(self._fd, line[done:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)

    def knows(self, request: bytes) -> bool:
        """Whether the request is on the tape. This does not count as asked."""
        with self._lock:
            return self._matcher.knows(request)

    # -- replay

    def greeting(self) -> Exchange | None:
        """What the server says first to a new connection."""
        with self._lock:
            return self._matcher.greeting()

    def find(self, request: bytes) -> Hit | Miss:
        """The answer to a request."""
        with self._lock:
            return self._matcher.find(request)

    def rewind(self) -> None:
        """From the beginning again."""
        with self._lock:
            self._matcher.rewind()

    # -- changes: the file is written anew, whole, and put in the old one's place

    def edit(self, id: int, response: bytes) -> None:
        """Give an exchange another response. SettingError if there is no such exchange."""
        with self._lock:
            old = self._exchange(id)
            chunks = (Chunk(old.response[0].ms if old.response else 0.0, response),) if response else ()
            self._replace({**self._exchanges, id: msgspec.structs.replace(old, response=chunks)})

    def remove(self, id: int) -> None:
        """Take an exchange off the tape. SettingError if there is no such exchange."""
        with self._lock:
            self._exchange(id)
            self._replace({number: each for number, each in self._exchanges.items() if number != id})

    def clear(self) -> None:
        """Take all exchanges off the tape."""
        with self._lock:
            self._replace({})

    def put(self, data: bytes) -> tuple[str, ...]:
        """Another tape, of either form, for this one; its damaged lines. SettingError if it is none."""
        tape = load(data)
        if not tape.exchanges:
            why = f": {tape.words[0]}" if tape.faults else ": it is empty"
            raise SettingError(f"This file has no exchange in it{why}.", field="data")
        exchanges = {exchange.id: exchange for exchange in tape.exchanges}
        with self._lock:
            if tape.form == "log" and self.form != "log":  # of equal requests the last one answers there
                latest = {exchange.request: exchange.id for exchange in tape.exchanges}
                exchanges = {n: each for n, each in exchanges.items() if latest[each.request] == n}
            self._replace(exchanges)
            self.damaged = tape.words
        return tape.words

    def _exchange(self, id: int) -> Exchange:
        found = self._exchanges.get(id)
        if found is None:
            raise SettingError(f"There is no exchange {id} on the tape (any more).", field="id")
        return found

    def _replace(self, exchanges: dict[int, Exchange]) -> None:
        data = write_tape(list(exchanges.values()), self.form)
        made = self.path.with_name(self.path.name + ".new")
        fd = -1
        try:
            made.unlink(missing_ok=True)
            fd = os.open(made, FLAGS, 0o600)
            _own(fd, made)
            with open(fd, "wb", closefd=False) as file:
                file.write(data)
            os.fsync(fd)
            os.replace(made, self.path)
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            made.unlink(missing_ok=True)
            raise SettingError(
                f"The tape cannot be written: {error.strerror or error}.", hint="It is as it was."
            ) from error
        os.close(self._fd)
        self._fd, self._size = fd, len(data)
        self._exchanges = exchanges
        self._last = max(exchanges, default=0)
        assert self._how is not None
        self._matcher = Matcher(exchanges.values(), self._how)

    def close(self) -> None:
        """Let another server have it."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


def form_for(path: Path) -> Form:
    """The form of a tape that is begun: the article's, if its name ends in .log."""
    return "log" if path.suffix == ".log" else "jsonl"


def _all(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def _own(fd: int, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingError(
            f"Another server uses the tape {path}.", field="tape",
            hint="Stop that one, or give this one a tape of its own.",
        ) from None  # fmt: skip


def _set_aside(path: Path, tape: Tape) -> None:
    """Keep the bytes that are no exchange; each once."""
    if not tape.lost:
        return
    aside = path.with_name(path.name + ".damaged")
    before = aside.read_bytes() if aside.exists() else b""
    lost = [line for line in dict.fromkeys(tape.lost) if line + b"\n" not in before]
    with open(aside, "ab") as file:
        file.write(b"".join(line + b"\n" for line in lost))


def _refused(path: Path, error: OSError) -> SettingError:
    return SettingError(
        f"The tape cannot be kept in {path}: {error.strerror or error}.", field="tape",
        hint="Give a file that you may write to.",
    )  # fmt: skip
