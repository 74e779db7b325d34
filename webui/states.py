"""The states of an instance and the only ways from one to another."""

from __future__ import annotations

from typing import Literal

from servers.kit.errors import LabError

State = Literal["stopped", "starting", "running", "backoff", "failed", "stopping"]
Trigger = Literal["start", "ready", "crash", "give_up", "fatal", "stop", "gone", "retry"]

TABLE: dict[tuple[State, Trigger], State] = {
    ("stopped", "start"): "starting",
    ("failed", "start"): "starting",
    ("backoff", "start"): "starting",
    ("backoff", "retry"): "starting",
    ("backoff", "stop"): "stopped",
    ("starting", "ready"): "running",
    ("starting", "crash"): "backoff",
    ("starting", "give_up"): "failed",
    ("starting", "fatal"): "failed",
    ("starting", "stop"): "stopping",
    ("running", "crash"): "backoff",
    ("running", "give_up"): "failed",
    ("running", "fatal"): "failed",
    ("running", "stop"): "stopping",
    ("stopping", "gone"): "stopped",
}
"""What each trigger makes of each state; what is not in it does not happen."""


class WrongState(LabError):
    """What was asked for cannot be done in this state."""


def after(state: State, trigger: Trigger) -> State:
    """The next state. Raises WrongState where the table has none."""
    try:
        return TABLE[state, trigger]
    except KeyError:
        raise WrongState(f"It is {state}: «{trigger}» is not possible now.") from None
