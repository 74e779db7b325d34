"""What a hand, a phone and a screen reader do with the page."""

from __future__ import annotations

import socket

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Window, url
from tests.browser.test_first_lesson import finished, open_instance, send, udp_port
from tests.browser.test_traffic import datagrams
from tests.programs import eventually
from tests.started import Started

NAMED = """() => [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
  .filter((one) => one.checkVisibility() && !one.closest("[aria-hidden=true]"))
  .filter((one) => !(one.innerText?.trim() || one.ariaLabel || one.labels?.length || one.title
    || one.getAttribute("aria-labelledby") || one.type === "hidden"))
  .map((one) => one.outerHTML.slice(0, 200))"""


def test_a_decimal_comma_is_understood(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    for field in ("#control-delay", "#request-interval"):
        page.locator(field).clear()
        page.locator(field).press_sequentially("0,5")
    eventually(lambda: board.state(instance["id"])["settings"]["delay"] == 0.5, "a delay of 0.5 ms")
    expect(page.locator("#client-command")).to_contain_text("-i 0.5")
    page.wait_for_timeout(1700)  # as long as the hand is thought to be on the field
    board.api("PATCH", f"/instances/{instance['id']}", {"settings": {"loss": 1}})
    expect(page.locator("#control-loss")).to_have_value("1")
    expect(page.locator("#control-delay")).to_have_value("0,5")


def test_what_is_no_number_is_named_beside_its_field(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    slider = page.locator("#control-delay-slider").input_value()
    for field in ("#control-delay", "#request-interval"):
        page.locator(field).fill("1.000,5")
    page.locator("#send").click()
    expect(page.locator("#control-delay-error")).to_contain_text("must be a number")
    expect(page.locator("#request-interval-error")).to_contain_text("must be a number")
    assert page.locator("#control-delay-slider").input_value() == slider


def test_another_size_of_the_window_does_not_end_following(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    datagrams(udp_port(instance), *[b"one of many"] * 40)
    below = "(box) => box.scrollHeight - box.scrollTop - box.clientHeight"
    rows = page.locator("#rows")
    eventually(lambda: rows.evaluate("(box) => box.scrollHeight") > 1000, "many rows")
    page.screenshot(full_page=True)  # makes the window as tall as the page, and back
    page.set_viewport_size(PHONE)
    page.locator("#theme").focus()
    page.keyboard.press("b")
    page.wait_for_timeout(200)
    assert rows.evaluate(below) < 30
    expect(page.get_by_role("button", name="Follow")).to_be_hidden()


@pytest.mark.slow
def test_a_phone_shows_every_column_of_the_clients_and_every_mark(window, board):
    phone = window(viewport=PHONE, is_mobile=True, has_touch=True)
    phone.enter(board)
    instance = board.create(loss=0)
    page = open_instance(phone, board, instance)
    for _ in range(2):
        send(page, count=2, interval=0.02)
        finished(page)
        expect(page.locator("#send")).to_be_enabled()
    table = page.locator("table.clients")
    expect(table.locator("tbody tr")).to_have_count(2)
    assert table.evaluate("(one) => one.scrollWidth <= one.parentElement.clientWidth")
    page.get_by_text("Recent requests").click()
    cut = "(mark) => mark.getBoundingClientRect().left < mark.closest('ol').getBoundingClientRect().left"
    assert page.locator("#results .history .mark").evaluate_all(f"(all) => all.filter({cut}).length") == 0


def test_thirty_presses_leave_the_legend_short(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    for _ in range(30):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"Ping 1 0.5", ("127.0.0.1", udp_port(instance)))
            sock.recv(1024)
    table = page.locator("table.clients")
    expect(table.locator("tbody tr")).to_have_count(30)
    box = table.locator("..").evaluate("(one) => [one.clientHeight, one.scrollHeight]")
    assert box[0] < 200 < box[1]


@pytest.mark.slow
def test_a_button_in_the_list_of_requests_keeps_the_focus(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    for _ in range(2):
        send(page, count=1)
        finished(page)
        expect(page.locator("#send")).to_be_enabled()
    send(page, count=100, interval=0.1)
    page.get_by_role("tab", name="Terminal").click()
    page.get_by_text("Recent requests").click()
    expect(page.locator("#results .history li[data-state=running]")).to_have_count(1)
    page.locator("#results .history button").first.focus()
    expect(page.locator("pre.terminal")).to_contain_text("12", timeout=15_000)
    page.wait_for_timeout(1500)
    expect(page.locator("#results .history button").first).to_be_focused()
    page.locator("#cancel").click()


@pytest.mark.parametrize("size", [None, PHONE], ids=["wide", "phone"])
@pytest.mark.slow
def test_all_that_can_be_pressed_has_a_name(window, board, size):
    made = window(**({"viewport": size} if size else {}))
    door = made.open(url(board, "/join"))
    assert door.evaluate(NAMED) == []
    made.enter(board)
    instance = board.create(loss=0)
    for path in ("/", "/labs/udp_ping", "/class", f"/instances/{instance['id']}"):
        page = made.open(url(board, path))
        expect(page.locator("#link")).to_contain_text("live")
        assert page.evaluate(NAMED) == []
        page.close()


def test_a_phone_shows_the_way_to_the_class_link(window, board):
    phone = window(viewport=PHONE, is_mobile=True, has_touch=True)
    page = phone.open(board.link)
    expect(page.get_by_role("link", name="Class link")).to_be_visible()
    expect(page.locator(".classlink")).to_contain_text("Class link", use_inner_text=True)


def test_what_a_card_was_refused_stays_to_be_read(teacher, board):
    instance = board.create(loss=0)
    page = teacher.open(url(board))
    card = page.locator(f"[data-instance={instance['id']}]")
    expect(card).to_contain_text("running")
    answer = {"status": 409, "json": {"error": {"message": "Not now."}}}
    page.route("**/stop", lambda route: route.fulfill(**answer))
    card.get_by_role("button", name="Stop").click()
    expect(card).to_contain_text("Not now.")
    other = board.create(loss=0)
    expect(page.locator(f"[data-instance={other['id']}]")).to_be_visible()  # so all cards were drawn anew
    expect(card.locator(".error")).to_be_visible()


def test_runs_stand_apart_from_what_they_were(teacher, board):
    page = open_instance(teacher, board, board.create(loss=0, seed=5))
    page.locator("#runs summary").click()
    expect(page.locator("[data-run='1']")).to_contain_text("running\nat ", use_inner_text=True)


@pytest.mark.slow
def test_in_class_mode_the_form_starts_servers_that_the_class_reaches(window, tmp_path):
    with Started(tmp_path, "--host", "0.0.0.0") as board:
        made = window()
        made.enter(board)
        page = made.open(url(board, "/labs/udp_ping"))
        page.locator("#control-port").fill("0")
        page.get_by_role("button", name="Start", exact=True).last.click()
        page.wait_for_url("**/instances/udp_ping-*")
        assert board.api("GET", "/instances")["instances"][0]["address"].startswith("0.0.0.0:")
        for one in made.context.pages:
            one.close()


def test_who_is_no_longer_joined_is_told_so(chromium, tmp_path):
    made = Window(chromium.new_context())
    with Started(tmp_path) as board:
        page = made.open(board.link)
        expect(page.locator("#link")).to_contain_text("live")
    expect(page.locator("#link")).to_contain_text("reconnecting")
    with Started(tmp_path, "--port", str(board.port), "--token", "another"):
        expect(page.locator("#notice")).to_contain_text("no longer joined", timeout=20_000)
        expect(page.locator("#link")).to_contain_text("refused")
    made.context.close()


def test_a_fault_far_from_the_pressed_button_comes_into_sight(teacher, board):
    page = teacher.open(url(board, "/labs/udp_ping"))
    page.locator("#control-loss").fill("130")
    start = page.get_by_role("button", name="Start", exact=True).last
    start.evaluate("(one) => one.scrollIntoView({block: 'start', behavior: 'instant'})")
    expect(page.locator("#control-loss")).not_to_be_in_viewport()
    start.click()
    expect(page.locator("#control-loss")).to_be_focused()
    expect(page.locator("#control-loss")).to_be_in_viewport()

    page = open_instance(teacher, board, board.create(loss=0))
    page.locator("#request-interval").fill("0")
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    page.locator("#picture").get_by_role("button", name="Send").click()
    expect(page.locator("#request-interval")).to_be_focused()


TWO_ON_A_PORT = """async () => {
  const {createLegend} = await import("/static/js/labs/udp_ping/legend.js");
  const {Model} = await import("/static/js/labs/udp_ping/model.js");
  const [model, box] = [new Model(), document.createElement("div")];
  const legend = createLegend(box, {state: {owners: new Map(), requests: [], people: {}}}, () => {});
  const ping = (request, t) => {
    const both = {peer: "127.0.0.1:9", request, t};
    const reply = {...both, kind: "ping_outcome", seq: 1, status: "reply", rtt_ms: 1};
    model.add([{...both, kind: "ping_started"}, reply]);
    legend.update(model.clients.values());
  };
  ping("first", 1);
  box.querySelector("button").click();
  ping("second", 2);
  const pressed = [...box.querySelectorAll("button")].map((one) => one.ariaPressed);
  return [[...model.clients.values()].map((client) => legend.isHidden(client)), pressed];
}"""


def test_a_hidden_clients_port_does_not_hide_the_next_one(teacher, board):
    page = open_instance(teacher, board, board.create())
    assert page.evaluate(TWO_ON_A_PORT) == [[True, False], ["true", "false"]]
