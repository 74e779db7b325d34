"""Which socket calls go with a page of a ladder's rows, so that whoever asks page after page gets each once.

A page brings the calls of its rows' time. But a call may be told after packets that came later, so time alone
would lose it: a page says up to where its calls go, and the next question hands that back.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from servers.kit.errors import SettingError
from servers.walk.rows import Call

MICRO = 1_000_000
PATTERN = r"([0-9]{1,15}-[0-9]{1,17}-[0-9]{1,10})?"
"""What a page says; "" stands for no page before."""


class Given(NamedTuple):
    """The calls that were given: of those known by event ``n``, all before the time ``t`` (microseconds).

    ``mark`` is the ladder's for the rows that were given: another one says that they have changed since.
    """

    n: int = 0
    t: int = 0
    mark: int = 0

    def words(self) -> str:
        """As a page says it."""
        return f"{self.n}-{self.t}-{self.mark}"

    def up_to(self, n: int, t: float, mark: int = 0) -> Given:
        """After a page that was made when ``n`` was the newest event, and goes up to the time ``t``."""
        return Given(n, max(self.t, round(t * MICRO)), mark)

    def new(self, calls: list[Call], then: Given) -> list[Call]:
        """Those of ``then`` that were not given yet."""
        return [call for call in calls if then.has(call) and not self.has(call)]

    def has(self, call: Call) -> bool:
        """Whether it was given."""
        return call.told <= self.n and call.t * MICRO < self.t


def said(words: str) -> Given | None:
    """What a page said; None for "". Raises SettingError (field ``given``)."""
    if not words:
        return None
    if not re.fullmatch(PATTERN, words):
        raise SettingError("given must be what the page before said.", field="given", hint="Or leave it out.")
    return Given(*map(int, words.split("-")))
