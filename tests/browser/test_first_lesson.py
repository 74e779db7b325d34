"""The main job, as a teacher and a class do it: start, send, watch."""

from __future__ import annotations

import socket
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, url
from tests.programs import eventually
from tests.started import Started


def points(page: Page) -> list[dict]:
    return page.evaluate("window.socketLab.points()")


def open_instance(window, board: Started, instance: dict) -> Page:
    page = window.open(url(board, f"/instances/{instance['id']}"))
    expect(page.locator("#link")).to_contain_text("live")
    return page


def send(page: Page, **fields: object) -> None:
    for name, value in fields.items():
        page.locator(f"#request-{name}").fill(str(value))
    page.locator("#send").click()


def finished(page: Page) -> None:
    expect(page.locator("#results")).to_contain_text("done", timeout=20_000)


def udp_port(instance: dict) -> int:
    return int(instance["address"].rpartition(":")[2])


def settled(page: Page, board: Started, instance: dict) -> bool:
    """Whether the server has told everything, and the page has it."""
    n = board.state(instance["id"])["n"]
    page.wait_for_timeout(300)  # more than what a server waits with a batch
    words = page.locator("#traffic .toolbar [role=status]").inner_text().replace(",", "")
    return board.state(instance["id"])["n"] == n and words.endswith(f"{n} events")


def test_a_teacher_starts_a_server_and_sees_a_live_chart(teacher, board):
    page = teacher.open(url(board, "/labs/udp_ping"))
    page.locator("#control-port").fill("0")
    page.locator("#control-loss").fill("30")
    page.get_by_role("button", name="Start", exact=True).last.click()
    page.wait_for_url("**/instances/udp_ping-*")
    expect(page.locator("#state")).to_contain_text("running")
    page.locator("#picture").get_by_role("button", name="Send 10 pings").click()
    finished(page)
    found = [point for point in points(page) if point["status"] != "duplicate"]
    assert [point["seq"] for point in sorted(found, key=lambda p: p["seq"])] == list(range(1, 11))
    lost = sum(point["status"] != "reply" for point in found)
    expect(page.locator("#results")).to_contain_text(f"{lost} of 10")
    expect(page.locator("#results")).to_contain_text("1 to 6 lost is normal")


def test_round_trips_are_drawn_where_their_times_put_them(teacher, board):
    """The canvas itself: pixels of the client's colour in the upper part, where the longest round trip is."""
    instance = board.create(loss=0, delay=40)
    page = open_instance(teacher, board, instance)
    send(page, count=10, interval=0.05)
    finished(page)
    page.mouse.move(0, 0)
    eventually(lambda: page.evaluate(UPPER) > 15, "a coloured point in the upper third of the chart")


UPPER = """() => {
  const canvas = document.querySelector("#picture canvas");
  const context = canvas.getContext("2d");
  const {width, height, data} = context.getImageData(0, 0, canvas.width, canvas.height);
  let upper = 0;
  for (let y = 0; y < height * 0.3; y++) for (let x = width * 0.15; x < width; x++) {
    const at = 4 * (y * width + Math.floor(x));
    const [r, g, b, a] = data.slice(at, at + 4);
    if (a > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 60) upper++;
  }
  return upper;
}"""


def test_the_chart_shows_what_an_independent_client_recorded(teacher, board):
    instance = board.create(loss=35, seed=7)
    page = open_instance(teacher, board, instance)
    answered = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.2)
        for seq in range(1, 31):
            sock.sendto(b"Ping %d %f" % (seq, time.time()), ("127.0.0.1", udp_port(instance)))
            try:
                reply = sock.recv(1024)
            except TimeoutError:
                continue
            assert reply.startswith(b"PING %d " % seq)
            answered.add(seq)
        me = f"127.0.0.1:{sock.getsockname()[1]}"

    def mine() -> list[dict]:
        return [point for point in points(page) if point["peer"] == me]

    eventually(lambda: len(mine()) == 30, "30 points of the client")
    assert {p["seq"] for p in mine() if p["status"] == "answered"} == answered
    assert {p["seq"] for p in mine() if p["status"] != "answered"} == set(range(1, 31)) - answered
    assert 0 < len(answered) < 30
    expect(page.locator("#picture")).to_contain_text(me)


def test_the_same_points_as_the_clients_result(teacher, board):
    instance = board.create(loss=40, seed=3)
    page = open_instance(teacher, board, instance)
    send(page, count=20, interval=0.02, timeout=0.3)
    finished(page)
    result = board.api("GET", f"/instances/{instance['id']}/requests")["requests"][0]["result"]
    told = {(p["seq"], p["status"], p["rtt_ms"]) for p in result["probes"]}
    assert {(p["seq"], p["status"], p["rtt_ms"]) for p in points(page)} == told


def test_a_reload_and_a_late_browser_see_the_same_chart_and_log(teacher, student, board):
    instance = board.create(loss=30)
    page = open_instance(teacher, board, instance)
    send(page, count=15, interval=0.02, timeout=0.3)
    finished(page)
    expect(page.locator("#send")).to_be_enabled()
    eventually(lambda: settled(page, board, instance), "all events on the page")
    before, words = points(page), page.locator("#traffic .toolbar [role=status]").inner_text()
    page.reload()
    expect(page.locator("#link")).to_contain_text("live")
    eventually(lambda: points(page) == before, "the same chart after a reload")
    expect(page.locator("#traffic .toolbar [role=status]")).to_have_text(words)
    late = open_instance(student, board, instance)
    eventually(lambda: points(late) == before, "the same chart in a late browser")
    expect(late.locator("#traffic .toolbar [role=status]")).to_have_text(words)


def test_a_dragged_slider_takes_effect_at_once(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    page.locator("#control-loss-slider").evaluate(
        "(slider) => { slider.value = 100; slider.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    eventually(lambda: board.state(instance["id"])["settings"]["loss"] == 100, "the loss at 100 %")
    assert board.state(instance["id"])["run"] == 1
    send(page, count=3, interval=0.05, timeout=0.2)
    finished(page)
    expect(page.locator("#results")).to_contain_text("3 of 3")


def test_a_preset_sets_its_settings(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    page.get_by_role("button", name="Satellite").click()
    eventually(lambda: board.state(instance["id"])["settings"]["delay"] == 600, "the satellite's delay")
    expect(page.locator("#control-delay")).to_have_value("600")
    expect(page.get_by_role("button", name="Satellite")).to_have_attribute("aria-pressed", "true")


def test_a_wrong_setting_is_named_beside_its_field(teacher, board):
    instance = board.create(loss=10)
    page = open_instance(teacher, board, instance)
    page.locator("#control-loss").fill("130")
    page.locator("#control-loss").press("Tab")
    expect(page.locator("#control-loss-error")).to_contain_text("from 0 to 100")
    assert board.state(instance["id"])["settings"]["loss"] == 10


def test_a_wrong_request_is_named_beside_its_field_and_nothing_starts(teacher, board):
    instance = board.create()
    page = open_instance(teacher, board, instance)
    send(page, count=1000000)
    expect(page.locator("#request-count-error")).to_contain_text("from 1 to 10,000")
    assert board.api("GET", f"/instances/{instance['id']}/requests")["requests"] == []


def test_a_port_in_use_is_explained_and_a_free_one_offered(teacher, board):
    page = teacher.open(url(board, "/labs/udp_ping"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        page.locator("#control-port").fill(str(taken.getsockname()[1]))
        page.get_by_role("button", name="Start", exact=True).last.click()
        expect(page.locator("main")).to_contain_text("is in use by pid")
        page.get_by_role("button", name="Use ").last.click()
        page.wait_for_url("**/instances/udp_ping-*")
        expect(page.locator("#state")).to_contain_text("running")


def test_results_come_as_a_table_and_as_the_terminals_text(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    send(page, count=4, interval=0.02)
    finished(page)
    page.get_by_role("tab", name="Details").click()
    expect(page.locator("#result-1 table tbody tr")).to_have_count(4)
    page.get_by_role("tab", name="Terminal").click()
    expect(page.locator("pre.terminal")).to_contain_text("4 packets transmitted, 4 received, 0% packet loss,")
    expect(page.locator("pre.terminal")).to_contain_text("rtt min/avg/max/mdev = ")


def test_a_running_request_shows_its_progress_and_can_be_cancelled(teacher, board):
    instance = board.create(loss=0)
    page = open_instance(teacher, board, instance)
    send(page, count=200, interval=0.1)
    expect(page.locator("#results")).to_contain_text("of 200")
    page.locator("#cancel").click()
    expect(page.locator("#results")).to_contain_text("cancelled")


def test_a_student_watches_and_sends_but_changes_nothing(student, board):
    instance = board.create(loss=0)
    page = open_instance(student, board, instance)
    for name in ("Start", "Stop", "Restart", "Delete…"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    expect(page.locator("#control-loss")).to_be_disabled()
    send(page, count=2, interval=0.05)
    finished(page)
    request = board.api("GET", f"/instances/{instance['id']}/requests")["requests"][0]
    assert (request["person"], request["result"]["received"]) == ("Ana", 2)


@pytest.mark.slow
def test_several_clients_are_told_apart(teacher, student, board):
    instance = board.create(loss=0)
    mine, hers = open_instance(teacher, board, instance), open_instance(student, board, instance)
    send(mine, count=5, interval=0.1)
    send(hers, count=5, interval=0.1)
    finished(mine)
    finished(hers)
    eventually(lambda: len({p["peer"] for p in points(mine)}) == 2, "two clients")
    expect(mine.locator("#picture")).to_contain_text("Ana")
    expect(mine.locator("#picture")).to_contain_text("Teacher")


def test_a_stopped_server_says_why_nothing_can_be_sent(teacher, board):
    instance = board.create()
    page = open_instance(teacher, board, instance)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#state")).to_contain_text("stopped")
    expect(page.locator("#send")).to_be_disabled()
    expect(page.locator("#send-reason")).not_to_be_empty()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#state")).to_contain_text("running")
    expect(page.locator("#send")).to_be_enabled()


def test_a_crash_is_seen_and_mended_before_the_class(teacher, board):
    import os
    import signal

    instance = board.create()
    page = open_instance(teacher, board, instance)
    os.kill(instance["pid"], signal.SIGKILL)
    expect(page.locator("#trouble")).to_contain_text("signal 9")
    expect(page.locator("#state")).to_contain_text("running", timeout=15_000)
    assert board.state(instance["id"])["address"] == instance["address"]


@pytest.mark.slow
def test_it_all_fits_on_a_phone(window, board):
    phone = window(viewport=PHONE, is_mobile=True, has_touch=True)
    phone.enter(board)
    instance = board.create(loss=30)
    for path in ("/", "/labs/udp_ping", f"/instances/{instance['id']}", "/class"):
        page = phone.open(url(board, path))
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{path} is {wide} pixels wide"
        page.close()


def test_the_runs_are_listed_with_their_seeds_and_settings(teacher, board):
    instance = board.create(loss=12, seed=77)
    page = open_instance(teacher, board, instance)
    page.locator("#runs summary").click()
    expect(page.locator("[data-run='1']")).to_contain_text("seed 77")
    expect(page.locator("[data-run='1']")).to_contain_text("Loss to the server 12 %")
    page.get_by_role("button", name="Restart", exact=True).click()
    expect(page.locator("[data-run='2']")).to_contain_text("running")
    expect(page.locator("[data-run='1']")).to_contain_text("stopped")
