"""A clock and a child that do what a test says."""

from __future__ import annotations

from typing import Any

from servers.kit.errors import LabError
from servers.kit.settings import merge
from servers.registry import LABS
from webui.supervisor import Instance

LAB = LABS["udp_ping"]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeChild:
    """A program that does nothing by itself. ``log`` is what was done to it."""

    pids = iter(range(1000, 10**9))

    def __init__(self) -> None:
        self.pid = next(self.pids)
        self.code: int | None = None
        self.silent = True
        self.log: list[Any] = []
        self.obeys = True
        self.answer: Any = None
        self.words = ""

    def poll(self) -> int | None:
        return self.code

    def stop(self) -> None:
        self.log.append("stop")
        if self.obeys:
            self.code = 0

    def kill(self) -> None:
        self.log.append("kill")
        self.code = -9

    def send(self, message: Any) -> None:
        self.log.append(message)

    def call(self, name: str, arguments: Any) -> Any:
        self.log.append((name, arguments))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def text(self) -> str:
        return self.words

    def last_line(self) -> str:
        return self.words.splitlines()[-1] if self.words else ""


def instance(id: str = "udp_ping-1", **settings: Any) -> Instance:
    """An instance of the ping lab, stopped, on a port of the system's choice."""
    return Instance(id, LAB, "UDP ping 1", merge(LAB.settings(), {"port": 0, **settings}), "teacher")


__all__ = ["LAB", "Clock", "FakeChild", "LabError", "instance"]
