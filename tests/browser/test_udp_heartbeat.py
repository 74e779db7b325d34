"""The heartbeat lab's page: what the timeline draws, against what clients that are not ours sent."""

from __future__ import annotations

import socket
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, picture
from tests.browser.test_first_lesson import finished, open_instance, send, udp_port
from tests.programs import eventually


class Sender:
    """An independent client: what it sent, and when."""

    def __init__(self, port: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.peer = f"127.0.0.1:{self.sock.getsockname()[1]}"
        self.sent: list[tuple[int, float]] = []

    def beat(self, seq: int, ahead: float = 0.0) -> bytes:
        at = time.time()
        data = b"HB %d %.6f" % (seq, at + ahead)
        self.sock.send(data)
        self.sent.append((seq, at))
        return data


def drawn(page: Page, peer: str) -> dict | None:
    found = page.evaluate("window.socketLab.drawn()")
    return next((lane for lane in found if lane["peer"] == peer), None)


def lane(page: Page, words: str) -> Locator:
    return page.locator(".lane").filter(has=page.get_by_text(words, exact=True))


def states(found: dict | None) -> list[str]:
    return [band["state"] for band in found["bands"]] if found else []


GLIDES = """() => {
  const animate = Element.prototype.animate;
  window.gliding = 0;
  Element.prototype.animate = function (...words) {
    window.gliding += this.matches(".lane");
    return animate.apply(this, words);
  };
}"""
"""Counts lanes that go to another place in steps that the eye can follow."""
RED = "([r, g, b, a]) => a > 200 && r > 170 && g < 90 && b < 90"


def pixels(page: Page, peer: str, test: str) -> int:
    """How many pixels of a lane's canvas are as ``test`` says."""
    return page.evaluate(
        """([peer]) => {
          const canvas = document.querySelector(`.lane[data-peer="${peer}"] canvas`);
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let found = 0;
          for (let i = 0; i < data.length; i += 4) found += (TEST)([...data.subarray(i, i + 4)]);
          return found;
        }""".replace("TEST", test),
        [peer],
    )


def test_the_timeline_draws_what_was_sent_and_what_was_not(teacher, board):
    instance = board.create("udp_heartbeat", timeout=0.8)
    page = open_instance(teacher, board, instance)
    expect(page.locator(".nolanes")).to_contain_text("No heartbeats yet: press a button above, or run this")
    sender = Sender(udp_port(instance))
    with sender.sock:
        for seq in (1, 2, 3, 6, 7):
            sender.beat(seq, ahead=3)
            time.sleep(0.15)
        eventually(lambda: "dead" in states(drawn(page, sender.peer)), "dead on the timeline")
        copied = sender.beat(8, ahead=3)
        sender.sock.send(copied)
        time.sleep(0.05)
        sender.beat(10, ahead=3)
        eventually(
            lambda: (found := drawn(page, sender.peer)) and len(found["ticks"]) == 8, "all eight on the page"
        )
    found = drawn(page, sender.peer)
    assert [tick["beat"]["seq"] for tick in found["ticks"]] == [1, 2, 3, 6, 7, 8, 8, 10]
    assert [tick["look"] for tick in found["ticks"]].count("copy") == 1
    for (seq, at), tick in zip(sender.sent, [t for t in found["ticks"] if t["look"] != "copy"], strict=True):
        assert tick["beat"]["seq"] == seq
        assert tick["beat"]["t"] == pytest.approx(at, abs=0.2)
    assert [cross["cross"]["seq"] for cross in found["crosses"]] == [4, 5, 9]
    x = {tick["beat"]["seq"]: tick["x"] for tick in found["ticks"]}
    assert x[3] < found["crosses"][0]["x"] < found["crosses"][1]["x"] < x[6]
    order = [state for state in states(found) if state != "late"]
    assert order[:2] == ["alive", "lost"]
    assert order[order.index("dead") :] == ["dead", "back", "lost"]
    (mark,) = found["marks"]
    assert mark["words"].startswith("back after ")
    assert pixels(page, sender.peer, RED) > 20
    row = page.locator(f'.lane[data-peer="{sender.peer}"]')
    expect(row.locator(".numbers")).to_contain_text("received 7lost 3 (30 %)")
    expect(page.locator("#picture .negative")).to_contain_text("A delay is negative")
    expect(page.locator("#picture")).to_contain_text("above the smallest delay is true with two clocks")
    expect(page.locator('[data-tile="loss"]')).to_contain_text("30 %")
    row.locator("canvas").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#picture .readout")).to_contain_text("HB 10 at")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#picture .readout")).to_contain_text("9 is missing")
    page.keyboard.press("Escape")
    page.get_by_text("What happened, as a table").click()
    table = page.locator("#picture details").last.locator("tbody")
    expect(table).to_contain_text("SEQ went from 3 to 6: 2 are missing")
    expect(table).to_contain_text("no number is missing: the client itself was silent")
    picture(page, "udp_heartbeat")
    page.reload()
    page.locator(".lane canvas").scroll_into_view_if_needed()
    eventually(
        lambda: (lane := drawn(page, sender.peer)) and len(lane["ticks"]) == 8, "the lane after a reload"
    )
    again = drawn(page, sender.peer)
    assert [tick["beat"] for tick in again["ticks"]] == [tick["beat"] for tick in found["ticks"]]
    assert [c["cross"] for c in again["crosses"]] == [c["cross"] for c in found["crosses"]]


def test_clients_by_hand_are_silenced_unplugged_and_woken_from_their_lanes(teacher, board):
    instance = board.create("udp_heartbeat", timeout=0.6)
    page = open_instance(teacher, board, instance)
    page.locator("#request-interval").fill("0.1")
    page.get_by_role("button", name="Three clients by hand").click()
    lanes = page.locator(".lane")
    expect(lanes).to_have_count(3)
    for number in (1, 2, 3):
        expect(lane(page, f"client {number}")).to_have_attribute("data-state", "alive")
    first, second, third = (lane(page, f"client {n}") for n in (1, 2, 3))
    peers = [row.get_attribute("data-peer") for row in (first, second, third)]
    first.get_by_role("button", name="Silence").click()
    second.get_by_role("button", name="Unplug").click()
    expect(first).to_have_attribute("data-state", "dead")
    expect(second).to_have_attribute("data-state", "dead")
    expect(third).to_have_attribute("data-state", "alive")

    def tops() -> list[float]:
        return [row.evaluate("row => row.offsetTop") for row in (first, second, third)]

    assert tops() == sorted(tops()), "under the pointer no lane goes away"
    page.evaluate(GLIDES)
    page.locator("#head h1").hover()
    eventually(lambda: tops()[2] < min(tops()[:2]), "the dead sink below the living")
    assert page.evaluate("window.gliding") >= 2, "none jumps there"
    first.get_by_role("button", name="Wake").click()
    second.get_by_role("button", name="Wake").click()
    for row in (first, second):
        expect(row).to_have_attribute("data-state", "alive")
    third.get_by_role("button", name="Restart").click()
    eventually(
        lambda: [mark["words"] for mark in drawn(page, peers[2])["marks"]] == ["restarted"], "the restart"
    )
    silent, unplugged = drawn(page, peers[0]), drawn(page, peers[1])
    assert silent["crosses"] == []
    assert len(unplugged["crosses"]) >= 5
    for found in (silent, unplugged):
        assert [mark["kind"] for mark in found["marks"]] == ["back"]
    expect(page.locator("#results .session")).to_be_visible()
    page.locator("#session-text").fill("slow all 0.5")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#results .answer")).to_contain_text("Done: slow all 0.5.")
    picture(page, "udp_heartbeat-by-hand")
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.locator(".lane .hands button")).to_have_count(0)
    expect(page.locator("#results .outcome")).to_contain_text("heartbeats sent")


def test_on_a_phone_with_reduced_motion(window, teacher, board):
    instance = board.create("udp_heartbeat")
    phone = window(viewport=PHONE, reduced_motion="reduce", color_scheme="dark")
    phone.enter(board)
    page = open_instance(phone, board, instance)
    send(page, count=5, interval=0.02, loss=0)
    finished(page)
    expect(page.locator("#results .outcome")).to_contain_text("5 heartbeats sent, 0 lost on purpose")
    expect(page.locator(".lane .numbers")).to_contain_text("received 5lost 0 (0 %)")
    page.locator(".lane canvas").scroll_into_view_if_needed()
    peer = page.locator(".lane").get_attribute("data-peer")
    eventually(lambda: (found := drawn(page, peer)) and len(found["ticks"]) == 5, "five ticks")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    picture(page, "udp_heartbeat-phone")
