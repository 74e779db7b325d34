"""The raw client by hand: the connection stays, one line at a time is typed and sent, what comes is shown."""

from __future__ import annotations

import select
import threading
import time
from typing import Any

from servers.kit.errors import SettingError
from servers.kit.keyboard import typed
from servers.kit.report import Report
from servers.tcp_replay.request import Request
from servers.tcp_replay.results import Piece, Step
from servers.tcp_replay.sending import ended, from_hex
from servers.tcp_replay.wire import Wire

REPLY_S = 0.5
"""Seconds to wait for the first byte of an answer. It may come later: then it is told with the next."""
SEND_S = 2.0
"""Seconds in which the server must take a line: the page waits three for our answer."""
QUIET_S = 0.1
"""An answer is shown when nothing more came for so long. That is a guess: a stream has no messages."""
LOOK_S = 0.05
"""Seconds between two looks at whether it is over."""
LONGEST = 20_000
UNTOLD = 200
"""Pieces that wait for the next line's answer at the most."""


class Hand:
    """A connection by hand. ``take`` and ``watch`` are called from two threads."""

    def __init__(self, wire: Wire, request: Request) -> None:
        self.wire, self.request = wire, request
        self._untold: list[Piece] = []
        self._ours = True
        self._heard = time.monotonic()
        self._typed_out = False
        self._lock = threading.Lock()

    def take(self, given: Any) -> Step:
        """Send ``{"text": line}``; ``{"end": true}`` ends our side; ``{}`` asks how it stands."""
        if not isinstance(given, dict) or not set(given) <= {"text", "end"}:
            raise SettingError("A line is a text.", hint='Send {"text": "hello"}.')
        line, end = given.get("text"), given.get("end", False)
        if not isinstance(line, str | None) or not isinstance(end, bool):
            raise SettingError("A line is a text.", hint='Send {"text": "hello"}, or {"end": true}.')
        with self._lock:
            self._hear(0, 0)
            if line is None and not end:
                return self._told(None)
            if self.wire.over:
                raise SettingError(f"The connection is closed. {self.wire.error}".strip())
            piece = None if line is None else self._send(self._bytes(line))
            if end:
                self._end()
            if not self.wire.over:
                self._hear(REPLY_S, QUIET_S)
            return self._told(piece, waited=True)

    def begin(self, parts: tuple[bytes, ...]) -> None:
        """Send what was given beforehand."""
        with self._lock:
            for part in parts:
                if not self.wire.over:
                    self._send(part)

    def watch(self) -> None:
        """Take what the server says unasked or late, until the connection ends.

        Where no more lines can be typed, also until nothing came for the time that is waited.
        """
        while not self.wire.over:
            ready, _, _ = select.select([self.wire.sock], [], [], LOOK_S)
            with self._lock:
                if ready and not self.wire.over:
                    self._hear(0, 0)
            if self._typed_out and time.monotonic() - self._heard > self.request.wait:
                self.wire.ended_by = self.wire.ended_by or "timeout"
                return

    def no_more_lines(self) -> None:
        """The terminal's end: end our side, unless it is to stay open."""
        with self._lock:
            self._heard, self._typed_out = time.monotonic(), True
            if not self.request.keep_open:
                self._end()

    # -- with the lock held

    def _bytes(self, line: str) -> bytes:
        if len(line) > LONGEST:
            raise SettingError(f"A line has at most {LONGEST:,} characters.")
        if self.request.hex:
            return from_hex(line)
        data = line.encode("utf-8", "surrogateescape")
        eol = self.request.ending
        return ended(data if eol == "none" else data + b"\n", escapes=self.request.escapes, eol=eol)

    def _send(self, data: bytes) -> Piece | None:
        """The line, in one ``send()`` where the system takes it all."""
        if not self._ours:
            raise SettingError("Our side is ended: nothing can be sent any more.")
        if not data and not self.request.udp:
            raise SettingError(
                "There is nothing to send.", hint="Without line ends an empty line is nothing."
            )
        self.wire.sock.settimeout(SEND_S)
        first, left = None, memoryview(data)
        while not self.wire.over:
            piece, taken = self.wire.send(left)
            if piece is None and not self.wire.over:
                raise SettingError(f"The server took no more bytes for {SEND_S:g} s: it does not read.")
            first = first or piece
            left = left[taken:]
            if not left:
                break
        return first

    def _hear(self, first: float, quiet: float) -> bool:
        """Wait ``first`` seconds for a byte, then until none came for ``quiet``. Whether any came."""
        heard = False
        end = time.monotonic() + first + quiet
        while not self.wire.over:
            self.wire.sock.settimeout(quiet if heard else first)
            piece = self.wire.receive()
            if piece is None:
                break
            heard, self._heard = True, time.monotonic()
            if len(self._untold) < UNTOLD:
                self._untold.append(piece)
            if self._heard > end:
                break
        return heard

    def _end(self) -> None:
        self._ours = False
        self.wire.end_our_side()

    def _told(self, sent: Piece | None, *, waited: bool = False) -> Step:
        received, self._untold = self._untold, []
        note = self.wire.error
        if self.wire.over and not note:
            note = "The server ended the connection."
        elif waited and not received and not note:
            note = f"Nothing came within {REPLY_S:g} s. When it comes, it is shown in the terminal tab."
        return Step(
            sent=sent, received=received, open=not self.wire.over, our_side_open=self._ours, note=note
        )


def by_hand(wire: Wire, parts: tuple[bytes, ...], request: Request, report: Report) -> None:
    """Until the connection ends, or we are told to stop (KeyboardInterrupt). ``parts`` are sent first."""
    hand = Hand(wire, request)
    hand.begin(parts)
    if report.audience == "dashboard":
        report.on_input(hand.take)
        hand.watch()
        time.sleep(4 * LOOK_S)  # the answer that told so is still on its way
        return
    report.say("Type a line, Enter sends it. Ctrl-D ends our side, Ctrl-C all.")
    threading.Thread(target=_typing, args=(hand, report), name="typing", daemon=True).start()
    hand.watch()


def _typing(hand: Hand, report: Report) -> None:
    """Lines from the terminal, until it or the connection ends."""
    for line in typed(lambda: hand.wire.over):
        try:
            hand.take({"text": line.rstrip(b"\r").decode("utf-8", "surrogateescape")})
        except SettingError as error:
            report.say(f"   {error.message} {error.hint}".rstrip())
    if not hand.wire.over:
        hand.no_more_lines()
