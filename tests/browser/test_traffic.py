"""The traffic log, the reading matter, and what hostile input does to the page: nothing."""

from __future__ import annotations

import socket

from playwright.sync_api import Page, expect

from tests.browser.conftest import url
from tests.browser.test_first_lesson import finished, open_instance, send, udp_port
from tests.programs import eventually


def rows(page: Page):
    return page.locator("#rows [role=option]")


def told(page: Page) -> int:
    """How many events the log says that it has."""
    words = page.locator("#traffic .toolbar [role=status]").inner_text()
    return int(words.replace(",", "").split(" events")[0].split()[-1])


def datagrams(port: int, *payloads: bytes) -> int:
    """Send datagrams without waiting; the port that they came from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        for payload in payloads:
            sock.send(payload)
        return sock.getsockname()[1]


def test_the_filter_leaves_what_it_names(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    datagrams(udp_port(instance), b"first words", b"second words")
    expect(page.locator("#rows")).to_contain_text("FIRST WORDS")
    page.locator("#filter").fill("kind:datagram_sent first")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("FIRST WORDS")
    page.locator("#filter").fill("-first kind:datagram")
    expect(rows(page)).to_have_count(2)
    page.locator("#filter").fill("nothing like it")
    expect(page.locator("#traffic")).to_contain_text("Nothing passes the filter")


def test_a_row_opens_to_hex_and_text(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    datagrams(udp_port(instance), bytes([0, 255, 10]) + b"abc")
    page.locator("#filter").fill("kind:datagram_received")
    rows(page).first.click()
    detail = page.get_by_role("region", name="The chosen event")
    expect(detail).to_contain_text("00 ff 0a 61 62 63")
    expect(detail).to_contain_text("abc")


def test_what_was_cut_is_marked_as_cut(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    datagrams(udp_port(instance), b"x" * 1400)
    page.locator("#filter").fill("kind:datagram_received")
    rows(page).first.click()
    expect(page.get_by_role("region", name="The chosen event")).to_contain_text("512 of 1")


def test_pause_holds_the_log_and_resume_brings_what_came_meanwhile(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    datagrams(udp_port(instance), b"before")
    expect(page.locator("#rows")).to_contain_text("BEFORE")
    page.locator("#pause").click()
    datagrams(udp_port(instance), b"meanwhile")
    eventually(lambda: board.state(instance["id"])["counters"]["received"] == 2, "the datagram at the server")
    page.wait_for_timeout(300)
    expect(page.locator("#rows")).not_to_contain_text("MEANWHILE")
    page.locator("#pause").click()
    expect(page.locator("#rows")).to_contain_text("MEANWHILE")


def test_thousands_of_rows_keep_few_in_the_document(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    send(page, count=700, interval=0.001)
    finished(page)
    eventually(lambda: told(page) > 1500, "thousands of events")
    assert rows(page).count() < 80
    page.locator("#rows").evaluate("(box) => { box.scrollTop = 0; }")
    expect(page.get_by_role("button", name="follow")).to_be_visible()
    page.get_by_role("button", name="follow").click()
    below = "(box) => box.scrollHeight - box.scrollTop - box.clientHeight"
    eventually(lambda: page.locator("#rows").evaluate(below) < 30, "the newest rows")


def test_what_came_off_the_wire_is_text_and_nothing_else(teacher, window, board):
    evil = "<img src=x onerror=window.hit=1><script>window.hit=1</script>"
    instance = board.create(loss=0)
    other = window()
    joining = other.open(url(board, f"/join?code={board.code()}"))
    joining.get_by_label("Your name").fill(evil[:40])
    joining.get_by_role("button", name="Join").click()
    joining.wait_for_url(url(board))
    theirs = open_instance(other, board, instance)
    send(theirs, count=2, interval=0.02)
    page = open_instance(teacher, board, instance)
    datagrams(udp_port(instance), evil.encode(), f"Ping 1 {evil}".encode(), b"\xff\xfe" + evil.encode())
    page.locator("#filter").fill("kind:datagram_received img")
    rows(page).first.click()
    expect(page.get_by_role("region", name="The chosen event")).to_contain_text("<img src=x")
    assert page.evaluate("window.hit") is None
    assert page.locator("img[src=x]").count() == 0
    finished(theirs)
    assert theirs.evaluate("window.hit") is None


def test_lesson_and_source_are_there_and_the_skeleton_knows_the_port(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    reading = page.locator("#reading")
    expect(reading.get_by_role("heading").first).to_be_visible()
    reading.get_by_role("tab", name="server.py").click()
    expect(reading).to_contain_text("recvfrom")
    status, text, headers = board.call("GET", f"/labs/udp_ping/skeleton.py?instance={instance['id']}")
    assert status == 200
    assert f"PORT = {udp_port(instance)}\n" in text
    assert "attachment" in headers["Content-Disposition"]
    compile(text, "skeleton", "exec")


def test_the_export_holds_what_the_log_shows(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    datagrams(udp_port(instance), b"for the file")
    expect(page.locator("#rows")).to_contain_text("FOR THE FILE")
    with page.expect_download() as found:
        page.get_by_role("link", name="CSV").click()
    assert "FOR THE FILE" in found.value.path().read_text()
    with page.expect_download() as found:
        page.get_by_role("link", name="JSON").click()
    assert found.value.suggested_filename == f"{instance['id']}.json"


def test_the_keyboard_reaches_it_all(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    page.locator("#head h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Filter the traffic")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    finished(page)


def test_the_overview_follows_what_happens(teacher, board):
    page = teacher.open(url(board))
    instance = board.create(loss=0)
    card = page.locator(f"[data-instance={instance['id']}]")
    expect(card).to_contain_text("running")
    expect(card).to_contain_text(instance["address"])
    board.api("POST", f"/instances/{instance['id']}/stop")
    expect(card).to_contain_text("stopped")
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(card).to_have_count(0)


def test_the_lessons_links_lead_to_the_controls_they_name(teacher, board):
    page = open_instance(teacher, board, board.create(loss=0))
    lesson = page.locator("#lesson")
    targets = lesson.locator("a[href^='#']").evaluate_all(
        "(links) => links.map((link) => link.hash.slice(1))"
    )
    assert {"try", "traffic", "source", "control-loss", "control-seed"} <= set(targets)
    inside = "(e) => { const r = e.getBoundingClientRect(); return r.top >= 0 && r.top < innerHeight; }"
    for target in dict.fromkeys(targets):
        page.get_by_role("tab", name="Lesson").click()
        lesson.locator(f"a[href='#{target}']").first.click()
        if target == "source":
            expect(page.get_by_role("tab", name="server.py")).to_have_attribute("aria-selected", "true")
            continue
        expect(page.locator(f"#{target}")).to_be_visible()
        eventually(lambda at=target: page.locator(f"#{at}").evaluate(inside), f"#{target} in sight")
        if target.startswith("control-"):
            expect(page.locator(f"#{target}")).to_be_focused()


def test_a_line_of_source_has_a_link(teacher, board):
    page = open_instance(teacher, board, board.create(loss=0))
    page.get_by_role("tab", name="client.py").click()
    page.locator("a[href='#source-client.py-30']").click()
    assert page.url.endswith("#source-client.py-30")
    again = teacher.open(page.url)
    expect(again.get_by_role("tab", name="client.py")).to_have_attribute("aria-selected", "true")
    line = again.locator("[id='source-client.py-30']")
    inside = "(e) => { const r = e.getBoundingClientRect(); return r.top > 0 && r.top < innerHeight; }"
    eventually(lambda: line.evaluate(inside), "the line in sight")


def test_the_button_above_the_chart_is_the_same_as_that_of_the_form(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    quick = page.locator("#picture").get_by_role("button", name="Send")
    expect(quick).to_be_in_viewport()
    page.locator("#request-count").fill("3")
    expect(quick).to_have_text("Send 3 pings")
    quick.click()
    finished(page)
    board.api("POST", f"/instances/{instance['id']}/stop")
    expect(quick).to_be_disabled()
    expect(quick).to_have_attribute("title", page.locator("#send-reason").inner_text())
