"""A real Chromium before a dashboard of the benchmark's own, and what its frames come to."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

from tests.bench.figures import Figure, median, percentile
from tests.bench.running import TOKEN, Dashboard, Missing

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-background-networking",
    "--disable-component-update",
]  # fmt: skip


@contextlib.contextmanager
def browsing() -> Iterator[tuple[Dashboard, Any]]:
    """A dashboard, and a page of Playwright's that is logged in on it. Raises Missing if one lacks."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise Missing("Playwright is not installed") from None
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise Missing("there is no Chromium on this machine")
    with Dashboard() as board, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"http://{board.address}/?token={TOKEN}")
        yield board, page
        browser.close()


def frame_figures(name: str, found: dict[str, list[float]], at_least: float) -> list[Figure]:
    """Frames per second, from the ``times`` between frames in ms; and the ``draws``, what the script took."""
    rates = [1000 / ms for ms in found["times"] if ms > 0]
    return [
        median(f"{name}: median frame", rates, "frames/s", at_least=at_least),
        Figure(
            name="… 95 of 100 frames", unit="frames/s", at_least=at_least,
            value=1000 / percentile(found["times"], 0.95),
        ),
        Figure(name="… the worst frame", unit="frames/s", value=1000 / max(found["times"])),
        median("… a drawing, in the script", found["draws"], "ms"),
    ]  # fmt: skip
