r"""The raw client: sends bytes over TCP or UDP, and prints with times all that comes back.

Run it alone:   python -m servers.tcp_replay.client 127.0.0.1 60001 --escapes --text 'GET / HTTP/1.0\r\n\r\n'
                python -m servers.tcp_replay.client 127.0.0.1 60001 --send 'HELO me' --send QUIT

Here is the order of things. sending.py makes the bytes, wire.py has the socket, conversing.py sends and
listens at the same time, byhand.py is --by-hand, printing.py makes text or a hex dump of bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from servers.kit.command import run_client
from servers.kit.errors import SettingError
from servers.kit.report import Report
from servers.tcp_replay.byhand import by_hand
from servers.tcp_replay.conversing import Conversation
from servers.tcp_replay.lab import LAB
from servers.tcp_replay.request import Request
from servers.tcp_replay.sending import ended, part_of, parts_of
from servers.tcp_replay.wire import LARGEST_DATAGRAM, Wire

LARGEST_INPUT = 100_000_000
"""Bytes that are taken from stdin at the most."""


def talk(host: str, port: int, request: Request, report: Report, sends: Sequence[str] = ()) -> int:
    """Send, listen, tell. Exit code 0 if something came back and nothing broke, else 1."""
    parts = given(request, report, sends)
    wire = Wire(host, port, request.udp, report)
    try:
        wire.connect()
        if request.by_hand:
            by_hand(wire, parts, request, report)
        else:
            Conversation(wire, parts, request).run()
    except KeyboardInterrupt:
        wire.ended_by = wire.ended_by or "we"
    finally:
        wire.close()
    result = wire.result()
    report.say(f"\n{result.summary}")
    for words in (result.error, result.hint):
        if words and words != result.summary:
            report.say(words)
    report.result(result)
    return 1 if result.error else 0


def given(request: Request, report: Report, sends: Sequence[str]) -> tuple[bytes, ...]:
    """What is to be sent: the text, those of --send, or what stands on stdin."""
    hex, escapes, eol = request.hex, request.escapes, request.ending
    parts = parts_of(request.text, hex=hex, escapes=escapes, eol=eol)
    parts += tuple(part_of(text, hex=hex, escapes=escapes, eol=eol) for text in sends)
    if request.by_hand:
        return parts
    if not parts and not sends and report.audience != "dashboard":
        parts = read_stdin(request, report)
    parts = parts or ((b"",) if request.udp else ())
    if request.udp and any(len(part) > LARGEST_DATAGRAM for part in parts):
        raise SettingError(f"A datagram has at most {LARGEST_DATAGRAM:,} bytes.", field="text")
    return parts


def read_stdin(request: Request, report: Report) -> tuple[bytes, ...]:
    """Typed text as in --text; from a pipe the bytes as they are, unless a flag says otherwise."""
    if sys.stdin is None:
        return ()
    typed = sys.stdin.isatty()
    if typed:
        report.say("Type what is to be sent; Ctrl-D in a line of its own ends it (Windows: Ctrl-Z, Enter).")
    data = sys.stdin.buffer.read(LARGEST_INPUT + 1)
    if len(data) > LARGEST_INPUT:
        raise SettingError(f"More than {LARGEST_INPUT:,} bytes came on stdin.")
    if typed or request.hex:
        text = data.decode("utf-8", "surrogateescape")
        return parts_of(text, hex=request.hex, escapes=request.escapes, eol=request.ending)
    eol = "none" if request.eol == "auto" else request.ending
    data = ended(data, escapes=request.escapes, eol=eol)
    return (data,) if data else ()


def taken_out(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments without --send TEXT, and the texts: the flag may come several times."""
    rest: list[str] = []
    texts: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--send":
            text = next(words, None)
            if text is None:
                rest.append(word)  # it is told what is missing
            else:
                texts.append(text)
        elif word.startswith("--send="):
            texts.append(word.partition("=")[2])
        else:
            rest.append(word)
    return rest, texts


if __name__ == "__main__":
    flags, texts = taken_out(sys.argv[1:])
    run_client(LAB, partial(talk, sends=texts), flags)
