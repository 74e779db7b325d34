"""The dashboard without its pages: it goes on whatever happens, and ends in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.started import TOKEN
from webui.dashboard import Dashboard


def create(board: Dashboard) -> Any:
    return board.create(board.labs["udp_ping"], {"port": 0}, "Teacher")


def test_a_counter_beyond_all_measure_does_not_end_the_supervision(app: Flask) -> None:
    board: Dashboard = app.extensions["dashboard"]
    mad, good = create(board), create(board)
    board.hub.second(time.time())
    board.hub.count(mad.id, {mad.lab.view.spark: 10**400}, 1, 0)
    time.sleep(1.5)  # at least one second is counted
    assert board.start(good)


def test_a_server_that_waits_for_its_next_try_is_not_started_while_the_dashboard_ends(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board: Dashboard = make_app(tmp_path / "data").extensions["dashboard"]
    waits, runs = create(board), create(board)
    assert board.start(runs)
    with board.supervisor.changes:
        waits.state, waits.retry_at = "backoff", time.monotonic() + 0.1
        board._wanted.add(waits.id)
        stop = runs.child.stop
        monkeypatch.setattr(runs.child, "stop", lambda: (time.sleep(0.3), stop()))
        board._closing = True
        board.supervisor.wake.set()
    board.close()
    assert (waits.state, waits.run) == ("stopped", 0)
    resumed: Dashboard = make_app(tmp_path / "data").extensions["dashboard"]
    assert {waits.id, runs.id} <= resumed._wanted


def test_the_csv_is_written_off_the_loop(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    board: Dashboard = app.extensions["dashboard"]
    called: list[str] = []

    def run_blocking(function: Callable[..., Any], *arguments: Any) -> Any:
        called.append(function.__name__)
        return function(*arguments)

    monkeypatch.setattr(board, "run_blocking", run_blocking)
    path = f"/api/v1/instances/{create(board).id}/export.csv"
    answer = app.test_client().get(path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, called) == (200, ["_csv"])
