"""The table of states, as a table."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from webui.states import TABLE, State, Trigger, WrongState, after

ROWS = """
          start     ready    crash    give_up  fatal   stop      gone     retry
stopped   starting  .        .        .        .       .         .        .
starting  .         running  backoff  failed   failed  stopping  .        .
running   .         .        backoff  failed   failed  stopping  .        .
backoff   starting  .        .        .        .       stopped   .        starting
failed    starting  .        .        .        .       .         .        .
stopping  .         .        .        .        .       .         stopped  .
"""

_, HEAD, *LINES = ROWS.splitlines()
EXPECTED = {
    (state, trigger): word
    for state, *words in (line.split() for line in LINES)
    for trigger, word in zip(HEAD.split(), words, strict=True)
}
PAIRS = list(product(get_args(State), get_args(Trigger)))


def test_the_table_here_names_every_state_and_trigger() -> None:
    assert set(EXPECTED) == set(PAIRS)


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in PAIRS if EXPECTED[pair] != "."])
def test_a_trigger_leads_to_its_state(state: State, trigger: Trigger) -> None:
    assert after(state, trigger) == EXPECTED[state, trigger]


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in PAIRS if EXPECTED[pair] == "."])
def test_what_is_not_in_the_table_raises(state: State, trigger: Trigger) -> None:
    with pytest.raises(WrongState, match=f"It is {state}: «{trigger}»"):
        after(state, trigger)


def test_every_state_is_reached_and_left() -> None:
    assert set(TABLE.values()) == set(get_args(State)) == {state for state, _ in TABLE}
