"""The flood lab's descriptor."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from servers.kit.lab import Lab, View
from servers.kit.settings import RequestSettings, ServerSettings


class Settings(ServerSettings, frozen=True, kw_only=True):
    """How much is reported."""

    batches: Annotated[int, Meta(ge=1, le=1000, title="Batches a second")] = 20
    events: Annotated[int, Meta(ge=1, le=1000, title="Events in a batch")] = 50


class Request(RequestSettings, frozen=True, kw_only=True):
    """No request is made."""


class Counters(msgspec.Struct):
    """What was reported."""

    sent: Annotated[int, Meta(title="Events")] = 0


LAB = Lab(
    name="flood", title="Flood", settings=Settings, request=Request, counters=Counters,
    server="tests.bench.flood.server", client="tests.bench.flood.server",
    view=View(summary="Reports events at a steady pace.", transport="tcp", spark="sent"),
)  # fmt: skip
"""The lab."""
