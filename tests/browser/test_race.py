"""The race on its page: lanes that tell who waits, live, for the teacher and for those who watch."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, picture, url
from tests.started import Started

pytestmark = pytest.mark.slow  # races need a processor of their own

SMALL = {"clients": 6, "requests": 2, "delay": 0.3}
"""Iterative takes 3.6 s of it."""


@pytest.fixture(scope="module")
def web(board: Started) -> str:
    return str(board.create("http_web")["id"])


def open_race(window, board: Started, web: str) -> Page:
    page = window.open(url(board, f"/instances/{web}/tools/race"))
    expect(page.locator("#link")).to_contain_text("live")
    return page


def lane(page: Page, model: str):
    return page.locator(f".lane[data-model={model}]")


def run(page: Page, **values: object) -> None:
    """Fill the form and start."""
    for name, value in {**SMALL, **values}.items():
        page.locator(f"#request-{name}").fill(str(value))
    page.locator("#picture .quick").click()
    expect(page.locator("#picture .readout")).not_to_contain_text("over after")  # that was the one before


def over(page: Page) -> None:
    expect(page.locator("#picture .readout")).to_contain_text("over after", timeout=40_000)


def test_the_teacher_races_models_and_sees_who_waits(teacher, board, web):
    page = teacher.open(url(board, f"/instances/{web}"))
    page.get_by_role("link", name="Race", exact=True).click()
    page.wait_for_url("**/tools/race")
    expect(page.locator("#picture .empty")).to_contain_text("No race yet")
    page.get_by_label("processes").uncheck()
    run(page)
    expect(page.locator("#client-command")).to_have_text(
        "python -m servers.http_web.race --models iterative,threads,select -n 6 --requests 2 --delay 0.3"
    )
    iterative = lane(page, "iterative")
    expect(iterative.locator(".crowd")).to_have_text("5 in line, 1 served")
    expect(iterative.locator(".queue .line")).to_have_count(5)
    expect(iterative.locator(".queue .served")).to_have_count(1)
    expect(lane(page, "threads")).to_have_attribute("data-state", "finished")
    expect(iterative).to_have_attribute("data-state", "running")
    picture(page, "race-mid")
    over(page)
    expect(page.locator(".lane")).to_have_count(3)
    for model in ("iterative", "threads", "select"):
        expect(lane(page, model).locator(".way .done")).to_have_text("12 of 12")
        expect(lane(page, model)).to_have_attribute("data-state", "finished")
    expect(iterative.locator(".why")).to_contain_text("the 6th client waits for the 5 before it")
    expect(page.locator(".verdict")).to_contain_text("Iterative took")
    expect(page.locator("#results")).to_contain_text("done")
    expect(page.locator("#result-0 table")).to_contain_text("iterative")
    picture(page, "race-end")


def test_the_chart_has_a_table_with_the_same_numbers(teacher, board, web):
    page = open_race(teacher, board, web)
    run(page)
    over(page)
    page.get_by_text("The chart as a table").click()
    heads = page.locator("#picture thead th").all_inner_texts()
    assert heads == ["Seconds", "iterative", "threads", "processes", "select"]
    rows = [row.split("\t") for row in page.locator("#picture tbody tr").all_inner_texts()]
    assert max(int(row[1]) for row in rows if row[1] != "–") == 5
    assert rows[-1][1:] == ["0"] * 4
    assert [float(row[0]) for row in rows] == sorted(float(row[0]) for row in rows)


def test_a_slow_client_stops_the_iterative_server_and_the_page_says_so(teacher, board, web):
    page = open_race(teacher, board, web)
    expect(page.locator(".slowhelp")).to_contain_text("stops everyone")
    page.get_by_text("More", exact=True).click()
    run(page, slow=1, seconds=3, delay=0.1)
    expect(lane(page, "iterative").locator(".crowd")).to_have_text("6 in line, 0 served")
    expect(lane(page, "iterative").locator(".why")).to_contain_text("everybody waits for it")
    over(page)
    expect(lane(page, "iterative")).to_have_attribute("data-state", "unfinished")
    expect(lane(page, "iterative").locator(".way .done")).to_have_text("0 of 12")
    expect(lane(page, "select")).to_have_attribute("data-state", "finished")
    expect(page.locator(".verdict")).to_contain_text("the slow client had all its places")


def test_a_race_is_cancelled_and_shows_how_far_it_came(teacher, board, web):
    page = open_race(teacher, board, web)
    run(page, delay=2)
    expect(lane(page, "iterative").locator(".crowd")).to_contain_text("5 in line")
    page.locator("#picture").get_by_role("button", name="Cancel").click()
    expect(page.locator("#picture .readout")).to_contain_text("stopped")
    expect(page.locator("#results")).to_contain_text("cancelled")
    expect(lane(page, "iterative")).to_have_attribute("data-state", "unfinished")
    expect(page.locator("#picture .quick")).to_be_enabled()


def test_students_watch_it_live_and_after_a_reload(student, board, web):
    page = open_race(student, board, web)
    expect(page.locator("#request")).to_have_count(0)
    board.api("POST", f"/instances/{web}/tools/race", {**SMALL, "models": "iterative,select"})
    expect(page.locator(".lane")).to_have_count(2)
    expect(lane(page, "iterative").locator(".crowd")).to_have_text("5 in line, 1 served")
    over(page)
    verdict = page.locator(".verdict").inner_text()
    assert "Select came in first" in verdict
    page.reload()
    expect(page.locator(".verdict")).to_have_text(verdict)
    expect(lane(page, "iterative").locator(".way .done")).to_have_text("12 of 12")


def test_an_earlier_race_is_shown_when_it_is_chosen(teacher, board, web):
    page = open_race(teacher, board, web)
    for models in ("iterative", "select"):
        board.api("POST", f"/instances/{web}/tools/race?wait=1", {"models": models, "clients": 2, "delay": 0})
    expect(lane(page, "select")).to_have_count(1)
    page.get_by_text("Recent requests").click()
    page.locator("#results .history button").nth(1).click()
    expect(lane(page, "iterative")).to_have_count(1)
    expect(lane(page, "select")).to_have_count(0)


def test_it_runs_while_the_server_is_stopped(teacher, board, web):
    id = str(board.create("http_web")["id"])
    board.api("POST", f"/instances/{id}/stop")
    page = open_race(teacher, board, id)
    expect(page.locator("#state")).to_contain_text("stopped")
    page.keyboard.press("s")
    expect(lane(page, "select")).to_have_attribute("data-state", "finished")
    page.locator("#picture").get_by_role("button", name="Cancel").click()
    over(page)


def test_it_fits_a_phone(window, board, web):
    made = window(viewport=PHONE)
    made.enter(board)
    page = open_race(made, board, web)
    board.api("POST", f"/instances/{web}/tools/race?wait=1", {"clients": 200, "requests": 1, "delay": 0})
    expect(page.locator(".queue.small")).to_have_count(4)
    over(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"]
    picture(page, "race-phone")
