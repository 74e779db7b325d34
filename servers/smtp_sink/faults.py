"""Faults on purpose: «451 on the 2nd RCPT», «421 after 3 commands», a late reply, a dropped connection."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from servers.kit.errors import SettingError

Verb = Literal[
    "any", "HELO", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "message", "RSET", "NOOP", "QUIT", "connect"
]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong, and when. It happens again in every connection until it is cleared.

    ``message`` is the end of a message's data, ``connect`` the greeting.
    """

    what: Annotated[
        Literal["reply", "delay", "drop"],
        Meta(title="What", description="reply: this code in place of the right one; delay: the right one, "
             "late; drop: the connection is closed without a word."),
    ] = "reply"  # fmt: skip
    verb: Annotated[
        Verb,
        Meta(
            title="At",
            description="The command; any: all commands count; message: the end of a message; "
            "connect: the greeting.",
        ),
    ] = "RCPT"
    nth: Annotated[
        int,
        Meta(ge=1, le=10000, title="Nth", description="Which of them on a connection: 2 is the second."),
    ] = 1
    once: Annotated[
        bool, Meta(title="Only that one", description="Off: all from that one on, as long as it is set.")
    ] = True
    code: Annotated[int, Meta(ge=400, le=599, title="Code", description="Of the reply.")] = 451
    text: Annotated[
        str,
        Meta(max_length=200, pattern=r"^[\x20-\x7e]*\Z", title="Text", description="Of the reply."),
    ] = "Requested action aborted: local error in processing"
    seconds: Annotated[float, Meta(ge=0, le=600, title="Seconds", description="Of the delay.")] = 5.0

    def __post_init__(self) -> None:
        if self.what == "reply" and self.code < 400:
            raise SettingError("A fault's code is from 400 to 599.", field="code")

    def words(self) -> str:
        """«451 on the 2nd RCPT», «421 after 3 commands»: the presets on the page are called the same."""
        greeting = self.verb == "connect"
        if self.what == "delay":
            return f"{self.seconds:g} s before {'' if greeting else 'the reply to '}{self._when()}"
        if self.what == "drop":
            return f"connection dropped {'in' if self.verb == 'message' else 'at'} {self._when()}"
        if self.verb == "any" and self.code == 421 and self.nth > 1:  # no command comes after it
            return f"421 after {self.nth - 1} command{'s' if self.nth > 2 else ''}"
        return f"{self.code} {'as' if greeting else 'on'} {self._when()}"

    def _when(self) -> str:
        place = "command" if self.verb == "any" else self.verb
        if self.verb == "connect":
            return "the greeting"
        if self.nth == 1 and not self.once:
            return f"every {place}"
        return f"the {_ordinal(self.nth)} {place}" + ("" if self.once else " and all after it")


def _ordinal(n: int) -> str:
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


class Faults:
    """The faults that are set. One for the whole server; connections count their commands themselves."""

    def __init__(self) -> None:
        self.active: tuple[Fault, ...] = ()

    def set(self, fault: Fault) -> None:
        """One more; the same one is not set twice."""
        if fault not in self.active:
            self.active = (*self.active, fault)

    def unset(self, fault: Fault) -> None:
        """Without this one; it may be gone by now."""
        self.active = tuple(each for each in self.active if each != fault)

    def clear(self) -> None:
        """None any more."""
        self.active = ()

    def at(self, verb: str, count: int, total: int) -> Fault | None:
        """The fault for the ``count``-th of this verb, the ``total``-th command of all on its connection."""
        for fault in self.active:
            number = total if fault.verb == "any" else count
            due = number == fault.nth if fault.once else number >= fault.nth
            mine = fault.verb == verb or (fault.verb == "any" and verb not in ("message", "connect"))
            if due and mine:
                return fault
        return None
