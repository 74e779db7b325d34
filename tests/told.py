"""A report for functions that are called in the test's own process."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from servers.kit.command import _Silence
from servers.kit.report import Report, _worded


class Told(Report):
    """A report that keeps what it is told: ``all`` events, as the dashboard gets them, and the result."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self.found: Any = None
        super().__init__(output=_Silence(sys.stdout), ready=True)

    def emit(self, event: Any) -> None:
        self.all.append(msgspec.json.decode(_worded(event)))

    def say(self, line: str) -> None:
        """Nothing is printed."""

    def result(self, value: Any) -> None:
        self.found = value
