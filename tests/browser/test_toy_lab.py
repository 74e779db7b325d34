"""A lab of a few lines gets a whole page, with no line of script of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import picture, url
from tests.browser.test_first_lesson import finished, open_instance
from tests.programs import DEADLINE, eventually
from tests.started import Started
from tests.toy import NAME, make_toy_tree


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A dashboard of the tree that has the toy lab."""
    tree = make_toy_tree(tmp_path_factory.mktemp("toy"))
    with Started(tmp_path_factory.mktemp("data"), root=tree) as started:
        yield started


def say(instance: dict, *lines: str) -> list[str]:
    host, _, port = instance["address"].rpartition(":")
    with socket.create_connection((host, int(port)), DEADLINE) as sock, sock.makefile("rw") as stream:
        heard = []
        for line in lines:
            stream.write(line + "\n")
            stream.flush()
            heard.append(stream.readline().strip())
        return heard


def open_session(page: Page, words: str) -> None:
    page.locator("#request-words").fill(words)
    page.locator("#request-stay").check()
    page.locator("#send").click()
    expect(page.locator("#session-text")).to_be_visible()


def test_it_is_on_the_overview_and_starts_from_its_form(teacher, board):
    page = teacher.open(url(board))
    card = page.locator(f"[data-lab={NAME}].card")
    expect(card).to_contain_text("Says back what it hears.")
    card.get_by_role("link", name="Toy echo").click()
    page.locator("#control-greeting").fill("ahoy")
    page.locator("#control-port").fill("0")
    page.get_by_role("button", name="Start", exact=True).last.click()
    page.wait_for_url(f"**/instances/{NAME}-*")
    expect(page.locator("#state")).to_contain_text("running")
    expect(page.get_by_label("Greeting")).to_have_value("ahoy")
    page.locator("#reading").get_by_role("link", name="the greeting").click()
    expect(page.locator("#control-greeting")).to_be_focused()


def test_a_wrong_setting_is_named_beside_its_field(teacher, board):
    page = teacher.open(url(board, f"/labs/{NAME}"))
    page.locator("#control-port").fill("70000")
    page.get_by_role("button", name="Start", exact=True).last.click()
    expect(page.locator("#control-port-error")).to_contain_text("65,535")


def test_its_events_its_counter_and_its_byte_stream_are_live(teacher, board):
    instance = board.create(NAME)
    page = open_instance(teacher, board, instance)
    assert say(instance, "over the wire") == ["hello: over the wire"]
    expect(page.locator("#rows")).to_contain_text("said over the wire")
    expect(page.locator("[data-tile=lines] .value")).to_have_text("1")
    expect(page.locator("#picture select.connection")).to_contain_text("1 send, 1 read")
    drawn = page.evaluate("window.socketLab.ribbon().ways.to_client.blocks")
    assert [(block["row"], block["offset"], block["size"]) for block in drawn] == [("upper", 0, 21)]


def test_a_live_setting_is_a_switch(teacher, board):
    instance = board.create(NAME)
    page = open_instance(teacher, board, instance)
    page.locator("#control-shout").check()
    eventually(lambda: board.state(instance["id"])["settings"]["shout"], "the setting")
    assert say(instance, "hi") == ["HELLO: HI"]


def test_its_request_is_answered(teacher, board):
    page = open_instance(teacher, board, board.create(NAME))
    page.locator("#request-words").fill("<b>one</b>")
    expect(page.locator("#client-command")).to_contain_text("'<b>one</b>'")
    page.locator("#send").click()
    finished(page)
    page.get_by_role("tab", name="Details").click()
    expect(page.locator("#result-1")).to_contain_text("hello: <b>one</b>")


def test_its_data_is_read_and_its_action_done_running_or_stopped(teacher, board):
    instance = board.create(NAME)
    page = open_instance(teacher, board, instance)
    data, action = page.locator("#query-said"), page.locator("#action-forget")
    expect(data).to_contain_text("Nothing there yet.")
    say(instance, "one", "<i>two</i>", "three")
    data.get_by_role("button", name="Refresh").click()
    expect(data.locator("li")).to_have_text(["one", "<i>two</i>", "three"])
    picture(page, "toy")

    page.locator("#action-forget-keep").fill("-1")
    action.get_by_role("button", name="Forget lines").click()
    expect(page.locator("#action-forget-keep-error")).to_contain_text("from 0 to 1,000")
    page.locator("#action-forget-keep").fill("2")
    action.get_by_role("button", name="Forget lines").click()
    expect(action.locator(".answer")).to_contain_text("Forgot")
    expect(action.locator("dd")).to_have_text("1")
    expect(page.locator("#action-forget-keep-error")).to_be_hidden()
    expect(data.locator("li")).to_have_text(["<i>two</i>", "three"])

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#state")).to_contain_text("stopped")
    page.locator("#action-forget-keep").fill("0")
    action.get_by_role("button", name="Forget lines").click()
    expect(action.locator("dd")).to_have_text("2")
    expect(data).to_contain_text("Nothing there yet.")


def test_a_session_takes_lines_and_ends(teacher, board):
    page = open_instance(teacher, board, board.create(NAME))
    open_session(page, "first")
    line, terminal = page.locator("#session-text"), page.locator("pre.terminal")
    expect(line).to_be_focused()
    expect(terminal).to_have_text("hello: first\n")
    expect(page.locator("#send")).to_be_disabled()
    for words in ("second", "third"):
        line.fill(words)
        line.press("Enter")
        expect(terminal).to_contain_text(f"hello: {words}")
        expect(line).to_have_value("")
    picture(page, "session")
    line.press("ArrowUp")
    line.press("ArrowUp")
    expect(line).to_have_value("second")
    line.press("ArrowDown")
    page.get_by_label("Your session").get_by_role("button", name="Send").click()
    expect(terminal).to_have_text("hello: first\nhello: second\nhello: third\nhello: third\n")
    page.get_by_label("Your session").get_by_role("button", name="End", exact=True).click()
    expect(page.locator("#results")).to_contain_text("cancelled")
    expect(line).to_be_hidden()
    expect(page.locator("#send")).to_be_enabled()


def test_a_reload_finds_the_session_open(teacher, board):
    page = open_instance(teacher, board, board.create(NAME))
    open_session(page, "first")
    expect(page.locator("pre.terminal")).to_contain_text("hello: first")
    page.reload()
    page.locator("#session-text").fill("still there")
    page.locator("#session-text").press("Enter")
    expect(page.locator("pre.terminal")).to_contain_text("hello: still there")


def test_a_student_reads_and_writes_but_does_not_act(student, board):
    page = open_instance(student, board, board.create(NAME))
    expect(page.locator("#query-said")).to_be_visible()
    expect(page.locator("#lab-actions")).to_have_count(0)
    open_session(page, "mine")
    expect(page.locator("pre.terminal")).to_contain_text("hello: mine")


def test_what_a_labs_own_picture_shows_is_not_shown_again(teacher, board):
    page = open_instance(teacher, board, board.create())
    expect(page.locator("#picture")).to_contain_text("To expect")
    expect(page.locator("#lab-data")).to_be_hidden()


def test_its_tool_has_a_page_with_a_form_its_events_and_its_result(teacher, board):
    page = open_instance(teacher, board, board.create(NAME))
    page.get_by_role("link", name="Chorus").click()
    page.wait_for_url("**/tools/chorus")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chorus")
    expect(page.locator("#picture")).to_contain_text("press the button")
    page.locator("#request-verses").fill("4")
    page.get_by_label("high").uncheck()
    expect(page.locator("#client-command")).to_contain_text("servers.toy_echo.chorus 127.0.0.1")
    expect(page.locator("#client-command")).to_contain_text("--verses 4 --voices low")
    page.locator("#picture .quick").click()
    finished(page)
    expect(page.locator("#picture li")).to_have_text(
        [f"verse {n} came back as hello: verse {n}" for n in range(1, 5)]
    )
    expect(page.locator("#results")).to_contain_text("low")
    picture(page, "toy-tool")
    page.locator(".toolhead a").click()
    expect(page.locator("#rows")).not_to_contain_text("came back as")
    expect(page.locator("#results")).to_contain_text("No results yet")


def test_no_box_ticked_is_said_beside_them(teacher, board):
    instance = board.create(NAME)
    page = teacher.open(url(board, f"/instances/{instance['id']}/tools/chorus"))
    for voice in ("high", "low"):
        page.get_by_label(voice).uncheck()
    page.locator("#send").click()
    expect(page.locator("#request-voices-error")).to_contain_text("one or more of high, low")


def test_a_student_watches_the_teachers_tool(student, board):
    instance = board.create(NAME)
    page = student.open(url(board, f"/instances/{instance['id']}/tools/chorus"))
    expect(page.locator("#link")).to_contain_text("live")
    expect(page.locator("#request")).to_have_count(0)
    expect(page.locator("#picture")).to_contain_text("when the teacher presses the button")
    board.api("POST", f"/instances/{instance['id']}/tools/chorus?wait=1", {"verses": 2})
    expect(page.locator("#picture li")).to_have_count(2)
    expect(page.locator("#results")).to_contain_text("done")
