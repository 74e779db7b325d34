"""TCP upper case on its page: from the overview to a request's calls, and who stalls when nobody accepts."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import picture, url
from tests.browser.test_first_lesson import finished, open_instance, send
from tests.programs import eventually


def test_from_the_overview_to_a_requests_calls_in_words(teacher, board):
    page = teacher.open(url(board, "/labs/tcp_upper"))
    page.locator("#control-port").fill("0")
    page.get_by_role("button", name="Start", exact=True).last.click()
    page.wait_for_url("**/instances/tcp_upper-*")
    expect(page.locator("#state")).to_contain_text("running")
    send(page, text="straße", slice=4, gap=30)
    finished(page)
    expect(page.locator("#result-0")).to_contain_text("received 4 bytes in 1 recv")
    page.get_by_role("button", name="Keep open").click()
    expect(page.locator("#control-keep_open")).to_be_checked()
    page.wait_for_timeout(200)
    send(page, text="a longer word", slice=4, gap=30)
    expect(page.locator("#result-0")).to_contain_text(
        "Sent 13 bytes in 4 sends, received 13 bytes", timeout=10_000
    )
    expect(page.locator("#result-0 dl")).to_contain_text("A LONGER WORD")
    page.get_by_role("tab", name="Details").click()
    expect(page.locator("#result-1 tbody tr", has_text="send")).to_have_count(4)
    expect(page.locator("#result-1 tbody tr", has_text="recv").first).to_be_visible()
    page.locator("#traffic input[type=search]").fill("kind:socket_call")
    rows = page.locator("#rows")
    for words in ("listen(128) = 0", "accept() = fd", "connect(127.0.0.1:", "0 bytes: the other side"):
        expect(rows).to_contain_text(words)
    expect(page.locator("[data-tile=connections] .value")).to_have_text("2")
    expect(page.get_by_role("link", name="Experiments", exact=True)).to_be_visible()
    picture(page, "tcp-upper")


def test_with_nobody_accepting_two_wait_in_the_backlog_and_four_stall(teacher, board):
    instance = board.create("tcp_upper", backlog=1)
    page = open_instance(teacher, board, instance)
    page.get_by_label("Accept connections").uncheck()
    eventually(lambda: not board.state(instance["id"])["settings"]["accepting"], "the switch")
    send(page, connections=6, timeout=0.5)
    finished_or_failed = page.locator("#result-0")
    expect(finished_or_failed).to_contain_text("2 connected, but not answered in time", timeout=15_000)
    expect(finished_or_failed).to_contain_text("4 not even connected in time: the backlog is full")
    page.get_by_role("tab", name="Details").click()
    expect(page.locator("#result-1 tbody tr")).to_have_count(6)
    expect(page.locator("#result-1 tbody tr", has_text="not connected")).to_have_count(4)
    picture(page, "tcp-upper-backlog")
    send(page, timeout=20)
    page.wait_for_timeout(300)
    page.get_by_label("Accept connections").check()
    page.get_by_role("tab", name="Summary").click()
    expect(page.locator("#result-0")).to_contain_text("6 connections: 6 answered", timeout=15_000)


def test_non_blocking_is_a_restart_away(teacher, board):
    instance = board.create("tcp_upper", keep_open=True)
    page = open_instance(teacher, board, instance)
    page.get_by_role("button", name="Non-blocking").click()
    expect(page.locator("#command")).to_contain_text("--no-blocking", timeout=15_000)
    expect(page.locator("#state")).to_contain_text("running")
    send(page, connections=3, slice=10, gap=50)
    expect(page.locator("#result-0")).to_contain_text("3 connections: 3 answered", timeout=15_000)
    page.locator("#traffic input[type=search]").fill("EAGAIN")
    expect(page.locator("#rows")).to_contain_text(re.compile(r"recv\(1024\) = EAGAIN"))
