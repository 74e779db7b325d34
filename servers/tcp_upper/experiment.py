"""The experiments' program: plays one of them, and tells what was predicted and what was seen.

Run it alone:   python -m servers.tcp_upper.experiment time-wait
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from servers.kit.command import run_tool
from servers.kit.report import Report, now
from servers.tcp_upper import (
    experiment_backlog,
    experiment_linger,
    experiment_long_line,
    experiment_nagle,
    experiment_names,
    experiment_non_blocking,
    experiment_time_wait,
    experiment_two_servers,
)
from servers.tcp_upper.experiment_events import ExperimentFinished, ExperimentStarted
from servers.tcp_upper.experiment_stage import Stage
from servers.tcp_upper.experiments import ExperimentRequest, ExperimentResult, ExperimentRow

SCRIPTS: dict[str, ModuleType] = {
    "names": experiment_names,
    "two-servers": experiment_two_servers,
    "time-wait": experiment_time_wait,
    "backlog": experiment_backlog,
    "non-blocking": experiment_non_blocking,
    "linger": experiment_linger,
    "long-line": experiment_long_line,
    "nagle": experiment_nagle,
}
"""Each has a TITLE, ANSWERS to the page's question, play(stage), which returns the one that was seen, and may
have MEANS, sentences of its own."""


def experiment(request: ExperimentRequest, report: Report) -> int:
    """Play it, tell it, print it. Exit code 0, also where this machine differs from the book."""
    script = SCRIPTS[request.experiment]
    play: Callable[[Stage], str] = script.play
    report.emit(
        ExperimentStarted(t=now(), experiment=request.experiment, title=script.TITLE, family=request.family)
    )
    report.say(script.TITLE)
    with Stage(request, report) as stage:
        stage.means = getattr(script, "MEANS", {})
        try:
            outcome = play(stage)
        except OSError as error:  # a machine without IPv6, say
            stage.remark(f"Here it cannot go on: {error}.")
            outcome = "failed"
    words = verdict(stage.rows, outcome)
    report.emit(ExperimentFinished(t=now(), experiment=request.experiment, outcome=outcome, verdict=words))
    report.say(words)
    report.result(ExperimentResult(request.experiment, outcome, words, stage.rows))
    return 0


def verdict(rows: list[ExperimentRow], outcome: str) -> str:
    """One sentence: whether this machine does as the book says."""
    differ = [row for row in rows if not row.agree]
    if outcome == "failed":
        return "This machine could not play it to the end."
    if not differ:
        return f"This machine does as the book says, {len(rows)} of {len(rows)}."
    names = "; ".join(f"{row.what}: {row.seen}" for row in differ)
    return f"In {len(differ)} of {len(rows)} this machine differs from the book: {names}."


if __name__ == "__main__":
    from servers.tcp_upper.lab import LAB

    run_tool(LAB, "experiments", experiment)
