"""What tests of several folders share: the application in this process, and as a process of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, sync_playwright

from tests.started import TOKEN, Started
from webui.application import Options, create_app

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


HEAVY = ("browser/", "e2e/")
"""Folders whose files take long, and both of two cores."""
APART = 7
"""So many other files stand between two of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the heavy files over the first part of the run, for when several files run at once.

    One that begins last would let all others wait for it; all at the beginning would be in each other's way.
    """
    here = Path(__file__).parent
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path.relative_to(here).as_posix(), []).append(item)
    heavy = [name for name in files if name.startswith(HEAVY)]
    order: list[str] = []
    for place, name in enumerate(name for name in files if not name.startswith(HEAVY)):
        if place % APART == 0 and heavy:
            order.append(heavy.pop(0))
        order.append(name)
    items[:] = [item for name in order + heavy for item in files[name]]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, one for all tests of a process. In CI its absence is a failure."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("There is no Chromium, and CI needs one.")
        pytest.skip("There is no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Make applications in this process, in threading mode; each is closed at the end."""
    made: list[Flask] = []

    def make(folder: Path = tmp_path / "data", **options: Any) -> Flask:
        app = create_app(Options(**{"data_dir": folder, "token": TOKEN, **options}))
        app.testing = False  # errors are answered as a person gets them
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["dashboard"].close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An application with an empty data folder."""
    return make_app()


@pytest.fixture
def start_dashboard(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Start ``python app.py`` with these words; each is ended at the end."""
    with ExitStack() as stack:

        def start(*words: str, data: Path = tmp_path / "data", **how: Any) -> Started:
            return stack.enter_context(Started(data, *words, **how))

        yield start


@pytest.fixture(params=["eventlet", pytest.param("threading", marks=pytest.mark.slow)])
def dashboard_process(request: pytest.FixtureRequest, start_dashboard: Callable[..., Started]) -> Started:
    """A dashboard as a process of its own, in each async mode."""
    return start_dashboard(mode=request.param)
