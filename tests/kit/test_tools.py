"""Tools of a lab: what the descriptor makes of them, and their command line."""

from __future__ import annotations

import msgspec
import pytest

from servers.kit.errors import SettingError
from servers.kit.events import SHARED
from servers.registry import LABS
from tests.programs import Dashboard, Program
from tests.webui.tool_program import LAB, MODULE, Counted


def test_a_tools_events_are_the_labs_kept_as_marks_and_quiet() -> None:
    plain = LABS["udp_ping"]
    assert LAB.kinds == (*SHARED, *plain.events, Counted)
    assert LAB.marks == (*plain.view.marks, Counted)
    assert LAB.quiet == (*plain.view.quiet, Counted)


def test_a_lab_without_tools_has_none() -> None:
    plain = msgspec.structs.replace(LAB, tools=())
    assert plain.marks == plain.view.marks
    assert plain.quiet == plain.view.quiet
    with pytest.raises(SettingError, match="This lab has no tool «drill»"):
        plain.tool("drill")


def test_a_tool_is_found_by_its_name() -> None:
    assert LAB.tool("aimed").title == "Aimed"
    with pytest.raises(SettingError) as refused:
        LAB.tool("gone")
    assert refused.value.hint == "It has: drill, aimed."


def test_a_tool_that_needs_no_server_takes_no_host_and_port() -> None:
    with Program(MODULE, "--top", "2", "--json") as program:
        assert program.wait() == 0
        assert [event["number"] for event in program.events("counted")] == [1, 2]
        assert program.events("result") == [{"kind": "result", "sum": 3, "aim": ""}]


def test_a_tool_that_needs_one_takes_them_first() -> None:
    with Program(MODULE, "127.0.0.1", "7", "--top", "2", "--json") as program:
        assert program.wait() == 0
        assert program.events("result")[0]["aim"] == "127.0.0.1:7"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--top", "0"], "error: --top: Top must be a whole number from 1 to 1,000, but «0» was given."),
        (["127.0.0.1", "70000"], "error: PORT must be a whole number from 1 to 65,535"),
        (["127.0.0.1"], "the following arguments are required: PORT"),
    ],
)
def test_wrong_usage_is_said_and_ends_with_2(words: list[str], says: str) -> None:
    with Program(MODULE, *words) as program:
        assert program.wait() == 2
        assert any(says in line for line in program.errors), program.errors


def test_help_says_what_the_tool_is() -> None:
    with Program(MODULE, "--help") as program:
        assert program.wait() == 0
        assert "UDP ping: Drill. Counts." in " ".join(program.lines)


def test_the_dashboard_gets_its_events_and_its_result() -> None:
    with Dashboard() as dashboard, Program(MODULE, env=dashboard.env, stdin=-1) as program:
        dashboard.accept()
        assert program.wait() == 0
        assert [event["number"] for event in dashboard.events("counted")] == [1, 2, 3]
