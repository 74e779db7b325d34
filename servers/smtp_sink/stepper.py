"""The client with --step: one line at a time, typed by a person, sent as it was typed."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import msgspec

from servers.kit.errors import LabError, ProtocolError, SettingError
from servers.kit.report import Report
from servers.smtp_sink import explain
from servers.smtp_sink.dialogue import Dialogue, Line, as_expected
from servers.smtp_sink.replies import Reply
from servers.smtp_sink.request import Request
from servers.smtp_sink.steps import Steps
from servers.smtp_sink.talk import Closed, Talk

REPLY_S = 2.0
"""Seconds to wait for a reply: the page waits three for ours. It may still come later."""
LOOK_S = 0.2
"""Seconds between two looks for what the server says unasked."""
LONGEST = 8000


class Heard(msgspec.Struct, frozen=True):
    """A reply: its code, its lines as they stood on the wire, and what they mean."""

    code: int
    lines: list[str]
    meaning: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one line. ``ok``: null where no reply was due, or none is expected.

    ``sent`` is null where nothing was, "" is an empty line. ``reply`` is null where none was due, or
    none came; ``note`` says more. ``hint`` is a line that could come next, ``why`` what it does.
    """

    sent: str | None
    meaning: str
    decoded: str
    reply: Heard | None
    expected: str
    ok: bool | None
    note: str
    hint: str
    why: str
    state: str
    tls: bool


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """The dialogue, and whether a message was accepted in it."""

    sent: bool
    dialogue: list[Line]
    error: str = ""


def step(host: str, port: int, request: Request, report: Report) -> int:
    """Talk to the server line by line. Exit code 0 if a message was accepted."""
    dialogue = Dialogue(report.say)
    stepper = Stepper(Talk(host, port, report, dialogue), request)
    try:
        stepper.greet()
        if report.audience == "dashboard":
            report.on_input(stepper.take)
            stepper.watch()
        else:
            _by_hand(stepper, report)
    except KeyboardInterrupt:
        pass
    finally:
        stepper.talk.close()
    report.result(StepResult(sent=stepper.steps.sent, dialogue=dialogue.lines, error=stepper.error))
    return 0 if stepper.steps.sent else 1


def _by_hand(stepper: Stepper, report: Report) -> None:
    """Lines from the terminal; an empty one takes the hint, but not inside a message."""
    while not stepper.steps.over:
        hint = stepper.steps.hint()
        report.say(f"   next: {hint.line}   ({hint.why})")
        line = sys.stdin.readline()
        if not line:
            return
        typed = line.rstrip("\r\n")
        if not typed and stepper.steps.state != "data":
            typed = hint.line
        answer = stepper.take({"text": typed})
        if answer.reply:
            wanted = f" Expected: {answer.expected}." if answer.ok is False else ""
            report.say(f"   {answer.reply.meaning}{wanted}")
        if answer.note:
            report.say(f"   {answer.note}")


class Stepper:
    """One dialogue by hand. ``take`` and ``watch`` are called from two threads."""

    def __init__(self, talk: Talk, request: Request) -> None:
        self.talk, self.steps = talk, Steps(request, talk.name)
        self.error = ""
        self._last: tuple[str, Reply] | None = None
        self._due: list[str] = []  # verbs whose replies have not come yet
        self._lock = threading.Lock()

    def greet(self) -> None:
        """Wait for the greeting; a server that is silent may greet later."""
        self._due = ["CONNECT"]
        self._listen(REPLY_S)

    def take(self, given: Any) -> Step:
        """Send the line ``{"text": line}``, and tell what came of it. Without a line: how it stands."""
        line = given.get("text") if isinstance(given, dict) else None
        if line is not None and not isinstance(line, str):
            raise SettingError("A line is a text.", hint='Send {"text": "NOOP"}.')
        with self._lock:
            return self._stands() if line is None else self._step(line)

    def watch(self) -> None:
        """Take what the server says unasked or late, until the connection ends."""
        while True:
            time.sleep(LOOK_S)
            with self._lock:
                if self.steps.over:
                    break
                self._listen(0.001)
        time.sleep(2 * LOOK_S)  # the answer that told so is still on its way

    def _step(self, line: str) -> Step:
        if "\n" in line or "\r" in line or "\0" in line or len(line) > LONGEST:
            raise SettingError(f"One line at a time, of at most {LONGEST} characters.")
        self._listen(0.001)  # what came late belongs to what was sent before
        if self.steps.over:
            raise SettingError(f"The connection is closed. {self.error}".strip())
        typed = self.steps.typed(line)
        self._last = None
        note = ""
        try:
            self.talk.send(line, shown=typed.shown, decoded=typed.decoded, meaning=typed.meaning)
        except Closed as problem:
            self._end(str(problem))
        if typed.due and not self.steps.over:
            self._due.append(typed.verb)
            self._listen(REPLY_S)
            if self._due and not self.steps.over:
                note = f"No reply within {REPLY_S:g} s. When it comes, it is shown in the terminal tab."
        return self._told(typed.shown, typed.meaning, typed.decoded, typed.verb, note)

    def _listen(self, seconds: float) -> None:
        """Take replies until each that is due has come, or the time is over."""
        while True:
            verb = self._due[0] if self._due else ""
            try:
                reply = self.talk.reply(verb, seconds)
            except TimeoutError:
                return
            except (LabError, ProtocolError) as problem:
                self._end(str(problem) if verb else "The server closed the connection.")
                return
            self._due = self._due[1:]
            self._last = (verb, reply)
            self.steps.heard(verb, reply)
            if verb == "STARTTLS" and reply.code == 220:
                self._encrypt()
            if self.steps.over or not self.talk.open:
                self._end("" if verb == "QUIT" else "The server closed the connection.")
            if not self._due:
                return

    def _encrypt(self) -> None:
        try:
            self.talk.start_tls()
            self.steps.encrypted()
        except (LabError, ProtocolError) as problem:
            self._end(str(problem))

    def _end(self, why: str) -> None:
        if not self.steps.over or not self.error:
            self.error = why
        self.steps.closed()
        self.talk.close()

    def _stands(self) -> Step:
        verb = self._last[0] if self._last else ""
        return self._told(None, explain.command(verb) if verb else "", "", verb, "")

    def _told(self, sent: str | None, meaning: str, decoded: str, verb: str, note: str) -> Step:
        reply, hint = self._last[1] if self._last else None, self.steps.hint()
        asked = explain.decoded(reply.lines[-1]) if reply and reply.code == 334 else ""
        heard = Heard(reply.code, reply.shown(), explain.reply(verb, reply.code)) if reply else None
        faults = [f"Fault of the server: {fault}" for fault in reply.faults] if reply else []
        return Step(
            sent=sent, meaning=meaning, decoded=" → ".join(filter(None, (decoded, asked))), reply=heard,
            expected=explain.expected(verb), ok=as_expected(verb, reply.code) if reply else None,
            note=" ".join(filter(None, (note, *faults, self.error))), hint=hint.line, why=hint.why,
            state=self.steps.state, tls=self.talk.tls,
        )  # fmt: skip
