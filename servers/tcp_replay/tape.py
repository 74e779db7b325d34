"""A tape: exchanges on disk, one JSON object a line. Bytes in, exchanges out; no file is opened here.

The article's percent-encoded log is the other form: see ``percent.py``. A line that cannot be
read is named with why, and the rest is read.
"""

from __future__ import annotations

import io
from typing import Literal

import msgspec

from servers.tcp_replay import percent
from servers.tcp_replay.exchange import Exchange

Form = Literal["jsonl", "log"]
LAST = 2**52
"""A higher number is not taken over: there must be room behind it, and JavaScript counts to 2**53."""


class _Lenient(Exchange, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """An exchange that may have fields we do not know. They are named: a misspelt one loses bytes unseen."""


class Tape(msgspec.Struct, frozen=True):
    """What a tape's bytes say.

    faults    line number and words for each line that was not read as it stands
    lost      the bytes of the lines of which nothing was read
    end       how many bytes are whole lines: behind them is a line that was torn off
    """

    form: Form
    exchanges: list[Exchange]
    faults: list[tuple[int, str]] = []
    lost: list[bytes] = []
    end: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The faults as texts."""
        return tuple(f"line {number}: {why}" for number, why in self.faults)


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decoder = msgspec.json.Decoder(Exchange)
_lenient = msgspec.json.Decoder(_Lenient)
_encoder = msgspec.json.Encoder()


def write_line(exchange: Exchange) -> bytes:
    """An exchange as a line of a tape."""
    return _encoder.encode(exchange) + b"\n"


def write_tape(exchanges: list[Exchange], form: Form) -> bytes:
    """A whole tape."""
    write = write_line if form == "jsonl" else percent.write
    return b"".join(map(write, exchanges))


def form_of(data: bytes) -> Form:
    """Which of the two forms these bytes have; the richer one if there is nothing to tell them by."""
    return "jsonl" if data.lstrip()[:1] == b"{" or not percent.found_in(data) else "log"


def load(data: bytes) -> Tape:
    """A tape of either form. Its exchanges are numbered: upwards, none twice."""
    form = form_of(data)
    tape = read_tape(data) if form == "jsonl" else read_log(data)
    last = 0
    for place, exchange in enumerate(tape.exchanges):
        if not last < exchange.id <= LAST:
            tape.exchanges[place] = exchange = msgspec.structs.replace(exchange, id=last + 1)
        last = exchange.id
    return tape


def read_tape(data: bytes) -> Tape:
    """JSON lines. Empty lines are none."""
    exchanges: list[Exchange] = []
    end = data.rfind(b"\n") + 1
    tape = Tape("jsonl", exchanges, [], [], end)
    decode, append = _decoder.decode, exchanges.append
    for number, line in enumerate(io.BytesIO(data[:end]), 1):  # one by one: a list of them is a copy of all
        try:
            append(decode(line))
        except UNREADABLE as error:
            if line.strip():
                _damaged(tape, number, line.removesuffix(b"\n"), error)
    if end < len(data):
        tape.faults.append((data.count(b"\n") + 1, "torn off: it was being written when the program ended"))
        tape.lost.append(data[end:])
    return tape


def _damaged(tape: Tape, number: int, line: bytes, error: Exception) -> None:
    """A line was not read at first: perhaps without the fields that we do not know?"""
    if "unknown field" in str(error):
        try:
            tape.exchanges.append(Exchange(**msgspec.structs.asdict(_lenient.decode(line))))
        except UNREADABLE as other:
            error = other
        else:
            tape.faults.append((number, f"{error}; read without it"))
            return
    what = "" if isinstance(error, msgspec.ValidationError) else "no JSON: "
    shown = line[:40].decode("ascii", "backslashreplace") + ("…" if len(line) > 40 else "")
    tape.faults.append((number, f"{what}{error} («{shown}», {len(line)} bytes)"))
    tape.lost.append(line)


def read_log(data: bytes) -> Tape:
    """The article's log."""
    found = percent.read(data)
    return Tape("log", found.exchanges, found.faults, found.lost, found.end)
