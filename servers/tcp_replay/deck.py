"""What the server holds while it runs: the tape's file, and what on it answers which request.

An exchange is written with one call, at the end of the file, so that it is there whole or not
at all, however the program ends. What a killed program left torn is cut off at the next start.
The loop and the thread that hears the dashboard both use it.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec

from servers.kit.errors import SettingError
from servers.tcp_replay import percent
from servers.tcp_replay.exchange import Chunk, Exchange
from servers.tcp_replay.matching import Hit, Matcher, Miss
from servers.tcp_replay.sameness import MatchSettings, match_settings
from servers.tcp_replay.tape import Form, Tape, form_of, load, write_line, write_tape
from servers.tcp_replay.tape_file import TapeFile


class Deck:
    """A tape in use. SettingError (``tape``) if the file cannot be, is no tape, or another server writes it.

    ``damaged`` names the lines that could not be read; their bytes are added to the file NAME.damaged.
    """

    def __init__(self, path: Path, settings: Any) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._how: MatchSettings | None = None
        self._file = TapeFile(path)
        try:
            self._open(self._file.read())
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
        _set_aside(self.path, tape)
        self._file.cut(tape.end)

    def apply(self, settings: Any) -> None:
        """Settings changed: what counts as the same request, perhaps. Then replay begins again."""
        how = match_settings(settings, newest=self.form == "log")
        with self._lock:
            self._target = settings.target
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
            self._file.append(line)
            self._last = exchange.id
            self._exchanges[exchange.id] = exchange
            self._matcher.add(exchange)
            return exchange

    def knows(self, request: bytes) -> bool:
        """Whether the request is on the tape. This does not count as asked."""
        with self._lock:
            return self._matcher.knows(request)

    def has(self, exchange: Exchange) -> bool:
        """Whether an exchange tells the tape nothing new: its request is there, or a greeting is."""
        with self._lock:
            return self._matcher.has(exchange)

    # -- replay

    def greeting(self) -> Exchange | None:
        """What the server says first to a new connection."""
        with self._lock:
            return self._matcher.greeting(self._target)

    def continued(self, head: bytes) -> bytes:
        """The 100 Continue that a client with this head waits for; empty: it got none."""
        with self._lock:
            return self._matcher.continued(head)

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
        if form_of(data) == "jsonl" and not data.endswith(b"\n"):
            data += b"\n"  # editors leave it out; nobody is writing this file any more
        tape = load(data)
        if not tape.exchanges:
            why = f": {tape.words[0]}" if tape.faults else ": it is empty"
            raise SettingError(
                f"This file has no exchange in it{why}.", field="data",
                hint="A tape is a file of JSON lines as it is saved here, or the article's log.",
            )  # fmt: skip
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
        self._file.replace(write_tape(list(exchanges.values()), self.form))
        self._exchanges = exchanges
        self._last = max(exchanges, default=0)
        assert self._how is not None
        self._matcher = Matcher(exchanges.values(), self._how)

    def close(self) -> None:
        """Let another server have it."""
        with self._lock:
            self._file.close()


def form_for(path: Path) -> Form:
    """The form of a tape that is begun: the article's, if its name ends in .log."""
    return "log" if path.suffix == ".log" else "jsonl"


def _set_aside(path: Path, tape: Tape) -> None:
    """Keep the bytes that are no exchange; each once."""
    if not tape.lost:
        return
    aside = path.with_name(path.name + ".damaged")
    before = aside.read_bytes() if aside.exists() else b""
    lost = [line for line in dict.fromkeys(tape.lost) if line + b"\n" not in before]
    with open(aside, "ab") as file:
        file.write(b"".join(line + b"\n" for line in lost))
