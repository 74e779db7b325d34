"""A tool as a lab would bring it, added to the ping lab: it counts, aimed at a server or not.

Run by the dashboard under test as ``python -m tests.webui.tool_program``.
"""

from __future__ import annotations

import sys
import time
from typing import Annotated

import msgspec
from msgspec import Meta

from servers.kit.command import run_tool
from servers.kit.events import Event
from servers.kit.lab import Tool
from servers.kit.report import Report, now
from servers.kit.settings import RequestSettings
from servers.registry import LABS


class Counted(Event, frozen=True, kw_only=True):
    """It has counted on."""

    number: int


class CountTo(RequestSettings, frozen=True, kw_only=True):
    """How far it counts."""

    top: Annotated[int, Meta(ge=1, le=1000)] = 3
    pause: Annotated[float, Meta(ge=0, le=10)] = 0.0


class Sum(msgspec.Struct, frozen=True):
    """What came out, and where it was aimed."""

    sum: int
    aim: str


def count(request: CountTo, report: Report, aim: str = "") -> int:
    """Count, and tell each number."""
    numbers: list[int] = []
    try:
        for number in range(1, request.top + 1):
            report.emit(Counted(t=now(), number=number))
            numbers.append(number)
            time.sleep(request.pause)
    except KeyboardInterrupt:
        pass
    report.result(Sum(sum(numbers), aim))
    return 0


def aimed(host: str, port: int, request: CountTo, report: Report) -> int:
    """Count at a server."""
    return count(request, report, f"{host}:{port}")


MODULE = "tests.webui.tool_program"
LAB = msgspec.structs.replace(
    LABS["udp_ping"],
    tools=(
        Tool(
            name="drill", title="Drill", request=CountTo, client=MODULE, role="teacher", events=(Counted,),
            primary="Count to {top}", help="Counts.", needs_server=False,
        ),
        Tool(name="aimed", title="Aimed", request=CountTo, client=MODULE, events=(Counted,)),
    ),
)  # fmt: skip

if __name__ == "__main__":
    if sys.argv[1:2] and not sys.argv[1].startswith("-"):
        run_tool(LAB, "aimed", aimed)
    run_tool(LAB, "drill", count)
