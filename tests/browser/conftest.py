"""A real Chromium on a real dashboard. A page that reports an error in its console fails its test."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.started import Started

WIDE = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}

expect.set_options(timeout=15_000)  # only a failure waits so long


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """One dashboard for the tests of a module."""
    with Started(tmp_path_factory.mktemp("data")) as started:
        yield started


class Window:
    """A browser of one person; what its pages complained about is kept."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []

    def _heard(self, said: ConsoleMessage) -> None:
        """Keep an error; that the API refused something is what some tests are about."""
        refused = re.search(r"status of (400|409)", said.text)
        if said.type == "error" and not refused:
            self.complaints.append(said.text)

    def enter(self, board: Started) -> Window:
        """Be the teacher, by the link that the terminal shows. Without a page: that takes a second or so."""
        assert self.context.request.get(board.link, max_redirects=0).status == 303
        return self

    def join(self, board: Started, name: str) -> Window:
        """Be a student, by the form of the class's page."""
        asking = f"http://{board.host}:{board.port}/join?code={board.code()}"
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.context.request.get(asking).text())
        assert token
        sent = {"csrf_token": token[1], "name": name, "code": board.code()}
        assert self.context.request.post(asking, form=sent, max_redirects=0).status == 303
        return self

    def open(self, url: str) -> Page:
        """A new page at ``url``."""
        page = self.context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(url)
        return page


@pytest.fixture
def window(chromium: Browser) -> Iterator[Callable[..., Window]]:
    """Make windows; at the end none of them may have complained."""
    made: list[Window] = []

    def make(**options: object) -> Window:
        context = chromium.new_context(**{"viewport": WIDE, **options})  # type: ignore[arg-type]
        made.append(Window(context))
        return made[-1]

    yield make
    complaints = [said for one in made for said in one.complaints]
    for one in made:
        one.context.close()
    assert complaints == []


@pytest.fixture
def teacher(window: Callable[..., Window], board: Started) -> Window:
    """The teacher's window, token given."""
    return window().enter(board)


@pytest.fixture
def student(window: Callable[..., Window], board: Started) -> Window:
    """A student's window, joined as Ana."""
    return window().join(board, "Ana")


def url(board: Started, path: str = "/") -> str:
    """The address of a page."""
    return f"http://{board.host}:{board.port}{path}"


def both_ends(page: Page) -> None:
    """The byte stream is there, with the calls of server and client on the newest connection."""
    figures = page.locator("#stream .ribbonfigures")
    expect(figures).to_contain_text(re.compile(r"\d+ sends?, \d+ reads?, \d+ bytes"))


def picture(page: Page, name: str) -> None:
    """Keep a picture for a person to look at, where PICTURES names a folder."""
    folder = os.environ.get("PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
