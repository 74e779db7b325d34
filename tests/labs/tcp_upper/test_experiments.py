"""The experiments on real sockets: on Linux each sees what the lesson says, and ends by itself."""

from __future__ import annotations

import re
import socket
import sys
from typing import Any

import pytest

from servers.kit.settings import fields
from servers.tcp_upper import experiment_names, experiment_two_servers
from servers.tcp_upper.experiment import SCRIPTS, experiment, verdict
from servers.tcp_upper.experiment_means import MEANS
from servers.tcp_upper.experiment_stage import PATIENCE, Stage, errno_of
from servers.tcp_upper.experiments import EXPERIMENTS, ExperimentRequest, ExperimentResult, ExperimentRow
from tests.programs import ROOT
from tests.told import Told

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the book is Linux's")
SCRIPT = ROOT / "static" / "js" / "labs" / "tcp_upper" / "questions.js"

BOOK = {
    "names": "both", "two-servers": "in-use", "time-wait": "in-use", "backlog": "stall",
    "non-blocking": "eagain", "linger": "reset", "long-line": "lost",
}  # fmt: skip


class Played(Told):
    """What an experiment told."""

    def calls(self, **wanted: str) -> list[dict[str, Any]]:
        """The calls with these fields."""
        calls = [event for event in self.all if event["kind"] == "experiment_call" and event.get("call")]
        return [call for call in calls if all(call.get(name, "") == value for name, value in wanted.items())]


def run(name: str, **parameters: Any) -> tuple[ExperimentResult, Played]:
    report = Played()
    try:
        request: Any = {"experiment": name, **parameters}
        assert experiment(ExperimentRequest(**request), report) == 0
    finally:
        report.close()
    return report.found, report


def seen(found: ExperimentResult) -> dict[str, str]:
    return {row.what: row.seen for row in found.rows}


@LINUX
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("name", BOOK)
def test_this_machine_does_as_the_book_says_and_each_call_is_told(name: str, family: str) -> None:
    found, report = run(name, family=family)
    assert [row for row in found.rows if not row.agree] == []
    assert found.outcome == BOOK[name]
    assert found.verdict == f"This machine does as the book says, {len(found.rows)} of {len(found.rows)}."
    kinds = [event["kind"] for event in report.all]
    assert (kinds[0], kinds[-1]) == ("experiment_started", "experiment_finished")
    assert kinds.count("experiment_claim") == len(found.rows)
    assert report.all[-1]["outcome"] == found.outcome
    calls = report.calls()
    assert calls
    assert all(call["actor"] for call in calls)
    told = [call for call in calls if call["call"] not in ("close", "…", "getsockopt", "setblocking")]
    assert [call for call in told if not call.get("means")] == []
    host = "[::1]:" if family == "ipv6" and name != "names" else "127.0.0.1:"
    assert any(host in call.get("arguments", "") for call in calls)


def test_every_socket_is_closed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    original = Stage._cast

    def cast(self: Stage, sock: Any, actor: str) -> None:
        made.append(sock)
        original(self, sock, actor)

    monkeypatch.setattr(Stage, "_cast", cast)
    for name in SCRIPTS:
        run(name, connections=2)
    assert made
    assert [sock for sock in made if sock.fileno() >= 0] == []


@LINUX
def test_names_tell_what_became_of_them_and_who_gets_in() -> None:
    found, report = run("names")
    assert seen(found) == {
        "bind(('', port))": "0.0.0.0, reached from 127.0.0.1",
        "bind(('0.0.0.0', port))": "0.0.0.0, reached from 127.0.0.1",
        "bind(('127.0.0.1', port))": "127.0.0.1, reached from 127.0.0.1",
        "bind(('localhost', port))": "127.0.0.1, reached from 127.0.0.1",
        "bind(('::1', port))": "::1, reached from ::1",
        "bind(('::', port))": "::, reached from 127.0.0.1 and ::1",
    }
    assert report.calls(actor="client at ::1", call="connect")[0]["error"].startswith("ECONNREFUSED")


def test_a_machine_without_ipv6_differs_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket.__init__

    def refuse(self: Any, family: int = -1, *rest: Any, **more: Any) -> None:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        real(self, family, *rest, **more)

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    found, _ = run("names")
    assert seen(found)["bind(('::', port))"].endswith("reached from nowhere")
    assert not next(row for row in found.rows if "'::1'" in row.what).agree
    assert "this machine differs from the book" in found.verdict
    assert run("linger", family="ipv6")[0].outcome == "failed"


@LINUX
def test_two_servers_who_share_a_port_share_what_comes() -> None:
    found, report = run("two-servers")
    assert seen(found)["UDP, SO_REUSEADDR"] == "works, the second gets all"
    assert "The server got 0 of 16, the second server 16." in [e.get("means") for e in report.all]
    second = report.calls(actor="second server", call="bind")
    assert [call.get("error", "")[:10] for call in second] == [
        "EADDRINUSE",
        "EADDRINUSE",
        "",
        "EADDRINUSE",
        "",
        "",
    ]


def test_a_system_without_an_option_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT", raising=False)
    with Stage(ExperimentRequest(), Played()) as stage:
        said = experiment_two_servers.attempt(stage, socket.SOCK_STREAM, "SO_REUSEPORT")
    assert said == "this system has no SO_REUSEPORT"


@LINUX
@pytest.mark.parametrize(("backlog", "connections", "connected"), [(0, 3, 1), (1, 2, 2), (3, 2, 2)])
def test_the_queue_takes_one_more_than_its_number(backlog: int, connections: int, connected: int) -> None:
    found, report = run("backlog", backlog=backlog, connections=connections)
    assert found.rows[0].seen == str(connected)
    assert found.outcome == ("stall" if connections > connected else "all")
    assert len(report.calls(call="connect_ex")) == connections
    assert report.calls(call="accept") == [] or connections > connected


@LINUX
def test_time_wait_names_who_is_in_it() -> None:
    _, report = run("time-wait")
    refused = [call for call in report.calls(call="bind") if call.get("error")]
    assert len(refused) == 1
    assert "TIME-WAIT" in refused[0]["means"]
    assert sum("In TIME-WAIT at port" in event.get("means", "") for event in report.all) == 2


def test_nagle_tells_the_times_and_pretends_nothing() -> None:
    found, report = run("nagle")
    assert found.outcome in ("waits", "same")
    assert found.rows[0].agree == (found.outcome == "waits")
    rounds = [event["means"] for event in report.all if event.get("means", "").startswith("Rounds:")]
    assert len(rounds) == 2
    ms = [[float(word) for word in re.findall(r"[\d.]+", line) if word != "."] for line in rounds]
    assert [len(times) for times in ms] == [6, 6]
    assert len(report.calls(call="send")) == 2 * 6 * 3


def test_a_call_that_hears_nothing_gives_up_by_itself() -> None:
    report = Played()
    with Stage(ExperimentRequest(), report) as stage:
        server = stage.socket("server")
        server.bind((stage.host, 0))
        server.listen(1)
        assert server.gettimeout() == PATIENCE
        socket.socket.settimeout(server, 0.01)
        assert errno_of(server.accept) == "TimeoutError"
    report.close()
    told = report.calls(call="accept")[0]
    assert (told["error"], told["means"]) == (
        "TimeoutError: nothing happened for 0.01 s", "No connection came.",
    )  # fmt: skip


def test_a_difference_is_told_and_not_hidden() -> None:
    rows = [ExperimentRow("a", "1", "1", True), ExperimentRow("b", "2", "3", False)]
    assert verdict(rows, "works") == "In 1 of 2 this machine differs from the book: b: 3."
    assert verdict(rows, "failed") == "This machine could not play it to the end."


# -- what belongs together


def test_the_scripts_are_those_that_can_be_asked_for() -> None:
    field = next(field for field in fields(ExperimentRequest) if field.name == "experiment")
    assert tuple(SCRIPTS) == field.choices
    for name in SCRIPTS:
        assert f"{name}: " in field.help
    assert EXPERIMENTS.client == "servers.tcp_upper.experiment"


def test_each_question_of_the_page_has_the_outcomes_as_options() -> None:
    page = SCRIPT.read_text(encoding="utf-8")
    asked = re.findall(r'^  "?([\w-]+)"?: \{\n.*\n    options: \{(.*)\},\n    book: "([\w-]+)"', page, re.M)
    assert [name for name, _, _ in asked] == list(SCRIPTS)
    for name, options, book in asked:
        keys = set(re.findall(r'(?:^|", )\s*"?([\w-]+)"?: "', options))
        assert set(SCRIPTS[name].ANSWERS) <= keys
        assert book == BOOK.get(name, "waits")
        assert book in keys


def test_every_sentence_is_one_of_a_call_that_is_told() -> None:
    known = {
        "socket", "getaddrinfo", "bind", "getsockname", "getsockopt", "listen", "accept", "connect",
        "connect_ex", "select", "send", "sendto", "recv", "recvfrom", "setsockopt", "settimeout",
        "setblocking", "shutdown",
    }  # fmt: skip
    tables = [MEANS, *(getattr(script, "MEANS", {}) for script in SCRIPTS.values())]
    assert {call for table in tables for call, _ in table} <= known
    assert experiment_names.MEANS
