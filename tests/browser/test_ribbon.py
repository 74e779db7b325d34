"""The byte stream: what is drawn are the calls that were made, at their bytes; or why they are not known."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, picture
from tests.browser.test_first_lesson import finished, open_instance
from tests.programs import DEADLINE, eventually
from tests.started import Started

KINDS = {"data_sent": "upper", "data_received": "lower"}


@pytest.fixture(scope="module")
def upper(board: Started) -> dict:
    """A server that answers each recv(8) in upper case, until the client ends."""
    return board.create("tcp_upper", keep_open=True, buffer=8)


def read_out(page: Page, way: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(f"window.socketLab.ribbon().ways.{way}")
    return found


def drawn(page: Page, way: str) -> list[tuple[str, int, int]]:
    """Row, offset and size of every block of one way."""
    return [(block["row"], block["offset"], block["size"]) for block in read_out(page, way)["blocks"]]


def told(board: Started, instance: dict, way: str, *ends: str) -> list[tuple[str, int, int]]:
    """The same from the API's events, of these connections."""
    events = board.api("GET", f"/instances/{instance['id']}/events?after=0")["events"]
    calls = [e for e in events if e["kind"] in KINDS and e.get("way") == way and e["conn"] in ends]
    found = [(KINDS[e["kind"]], e.get("offset", 0), e["data"]["size"]) for e in calls]
    return sorted(found, key=lambda call: (call[0] == "lower", call[1]))


def ends(board: Started, instance: dict) -> tuple[str, str]:
    """What the server and our client call the newest connection that both have told of."""
    events = board.api("GET", f"/instances/{instance['id']}/events?after=0")["events"]
    opened = [event for event in events if event["kind"] == "connection_opened"]
    client = next(event for event in reversed(opened) if event["conn"].startswith("client-"))
    server = next(event for event in opened if event["peer"] == client["own"])
    return server["conn"], client["conn"]


def fill(page: Page, **fields: object) -> None:
    for name, value in fields.items():
        page.locator(f"#stream-request-{name}").fill(str(value))


def predict(page: Page, reads: int) -> None:
    page.get_by_label("Predict first").fill(str(reads))
    page.get_by_role("button", name="Predict and run").click()
    expect(page.locator(".came")).to_contain_text(f"You said {reads}")


def test_a_prediction_runs_the_form_and_what_is_drawn_are_the_calls_that_were_made(teacher, board, upper):
    page = open_instance(teacher, board, upper)
    expect(page.locator("#picture .empty.over")).to_contain_text("predict and run")
    fill(page, slice=0, read=3)
    expect(page.locator("#request-read")).to_have_value("3")  # one field, in two places
    page.locator("#request-text").fill("hello world")
    predict(page, 2)
    # 8 + 3 bytes came back: 3, 3, 3, 2 or 3, 3, 2, 3, as the second send came before the third read or after
    expect(page.locator(".came")).to_contain_text("You said 2. It took 4:")
    expect(page.locator(".came")).to_contain_text("because recv(3)")
    expect(page.locator(".bets li")).to_have_text(["You said 2, it took 4"])
    page.reload()
    expect(page.locator(".bets li")).to_have_text(["You said 2, it took 4"])
    expect(page.locator("optgroup[label=Teacher] option")).to_have_text(
        re.compile(r" · \d\d:\d\d:\d\d · 3 sends")
    )
    names = ends(board, upper)
    for way, calls in (("to_client", told(board, upper, "to_client", *names)), ("to_server", [])):
        page.locator(f"[data-direction={way}]").click()
        expect(page.locator(f".ribbonpane[data-way={way}] canvas")).to_be_visible()
        calls = calls or told(board, upper, way, *names)
        eventually(lambda way=way, calls=calls: drawn(page, way) == calls, f"{way}: {calls}")
    assert drawn(page, "to_server")[0] == ("upper", 0, 11)

    page.locator("[data-direction=to_client]").click()
    shown = read_out(page, "to_client")
    scale, start = shown["view"]["scale"], shown["blocks"][0]["x"]
    for block in shown["blocks"]:  # aligned by their bytes, in both rows
        assert block["x"] == pytest.approx(start + block["offset"] * scale)
        assert block["width"] == pytest.approx(block["size"] * scale)
    assert [block["size"] for block in shown["blocks"] if block["row"] == "upper"] == [8, 3]
    assert shown["blocks"][0]["shared"] == 3  # cut in three
    label = page.locator(".ribbonpane[data-way=to_client] canvas").get_attribute("aria-label") or ""
    assert label.startswith("Byte stream to the client. 2 sends, 4 reads, 11 bytes.")
    assert painted(page, shown["blocks"]) == [True] * 6
    assert not painted(page, [{**shown["blocks"][-1], "x": start + 11.5 * scale, "width": 6}])[0]
    picture(page, "ribbon")


def painted(page: Page, blocks: list[dict]) -> list[bool]:
    """Whether there is colour at the foot of each block, where no letter is."""
    found: list[bool] = page.evaluate(
        """(blocks) => {
          const canvas = document.querySelector(".ribbonpane[data-way=to_client] canvas");
          const brush = canvas.getContext("2d"), ratio = devicePixelRatio;
          return blocks.map(({ x, y, width, height }) =>
            brush.getImageData((x + width / 2) * ratio, (y + height - 2.5) * ratio, 1, 1).data[3] > 0);
        }""",
        blocks,
    )
    return found


def test_of_a_students_program_the_servers_calls_are_drawn_and_the_page_says_why_its_own_are_not(
    student, board, upper
):
    page = open_instance(student, board, upper)
    host, _, port = upper["address"].rpartition(":")
    with socket.create_connection((host, int(port)), DEADLINE) as sock:
        for part in (b"abc", b"defghijkl"):  # each is answered before the next: the server's reads are known
            sock.sendall(part)
            got = b""
            while len(got) < len(part):
                got += sock.recv(100)
            assert got == part.upper()
        own = "{}:{}".format(*sock.getsockname()[:2])
    expect(page.locator("select.connection")).to_contain_text(f"Newest: {own}")
    expect(page.locator("select.connection optgroup[label='Programs of their own'] option")).to_have_count(1)
    sizes = [3, 8, 1]
    offsets = [0, 3, 11]
    eventually(
        lambda: drawn(page, "to_client") == [("upper", *c) for c in zip(offsets, sizes, strict=True)], "sends"
    )
    eventually(lambda: (read_out(page, "to_client")["why"] or {}).get("lower"), "the reason")
    assert f"{own} is a program of its own, not our client" in read_out(page, "to_client")["why"]["lower"]
    expect(page.locator(".ribbonfigures")).to_contain_text("3 sends, reads not known, 12 bytes")
    page.locator("[data-direction=to_server]").click()
    eventually(
        lambda: drawn(page, "to_server") == [("lower", *c) for c in zip(offsets, sizes, strict=True)], "reads"
    )
    expect(page.locator("#stream-control-buffer")).to_be_disabled()  # the teacher sets it
    expect(page.locator("#stream-control-buffer")).to_have_value("8")

    canvas = page.locator(".ribbonpane[data-way=to_server] canvas")
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator(".lens")).to_contain_text("Server’s recv() #2: 8 bytes")
    expect(page.locator(".lens")).to_contain_text("recv(8) was full · bytes 3 to 10")
    expect(page.locator(".lens .bytesline")).to_have_text("defghijk")
    expect(page.locator("#say")).to_contain_text("recv() #2")
    page.locator(".callstable summary").click()
    expect(page.locator(".callstable tbody tr")).to_have_count(6)
    page.set_viewport_size(PHONE)
    page.wait_for_function("() => innerWidth === 390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "ribbon-student")


def test_a_flood_of_calls_is_counted_in_bands_and_pans_and_zooms(teacher, board):
    instance = board.create("tcp_upper", keep_open=True, buffer=4)
    page = open_instance(teacher, board, instance)
    host, _, port = instance["address"].rpartition(":")
    data = b"0123456789abcdef" * 60
    with socket.create_connection((host, int(port)), DEADLINE) as sock:
        sock.sendall(data)
        left = len(data)
        while left:
            left -= len(sock.recv(4096))
    eventually(lambda: read_out(page, "to_client")["extent"] == len(data), "all bytes")
    page.locator(".stream [data-follow=all]").click()
    eventually(lambda: read_out(page, "to_client")["view"]["from"] == 0, "the whole stream")
    far = read_out(page, "to_client")
    known = sum(band["count"] for band in far["bands"]) + len(far["blocks"])
    events = told(board, instance, "to_client", "c1")  # what a busy machine left out is a gap
    assert known == len(events) > 0
    canvas = page.locator(".ribbonpane[data-way=to_client] canvas")
    canvas.focus()
    for _ in range(12):
        page.keyboard.press("+")
    eventually(lambda: read_out(page, "to_client")["view"]["scale"] == 44, "the nearest")
    before = read_out(page, "to_client")["view"]["from"]
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 300, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 50, steps=3)
    page.mouse.up()
    eventually(
        lambda: read_out(page, "to_client")["view"]["from"] == pytest.approx(before + 5, abs=0.1),
        "panned by 220 px",
    )
    near = read_out(page, "to_client")
    assert near["mode"] == "free"
    inside = near["view"]["from"], near["view"]["from"] + near["view"]["width"] / 44
    assert drawn(page, "to_client") == [c for c in events if c[1] + c[2] > inside[0] and c[1] < inside[1]]
    page.get_by_role("button", name="Newest bytes", exact=True).click()
    eventually(lambda: read_out(page, "to_client")["mode"] == "newest", "followed again")


def test_the_coin_games_sends_are_joined_and_its_page_finds_them_again(teacher, board):
    instance = board.create("coin_game", rounds=5)
    page = open_instance(teacher, board, instance)
    page.locator("#stream-request-reader").select_option("framed")
    expect(page.locator("#request-reader")).to_have_value("framed")
    page.locator("#stream-control-together").check()
    eventually(lambda: board.state(instance["id"])["settings"]["together"], "the setting")
    page.get_by_label("Predict first").fill("9")
    page.get_by_role("button", name="Predict and run").click()
    finished(page)
    expect(page.locator(".came")).to_contain_text("You said 9")
    names = ends(board, instance)
    page.locator("[data-direction=both]").click()
    page.locator(".stream [data-follow=all]").click()
    for way in ("to_server", "to_client"):
        calls = told(board, instance, way, *names)
        assert calls
        eventually(lambda way=way, calls=calls: drawn(page, way) == calls, f"{way}: {calls}")
    said = page.locator(".came").text_content() or ""
    reads = sum(row == "lower" for row, _, _ in told(board, instance, "to_client", *names))
    assert f"took {reads}" in said
    picture(page, "ribbon-coin")
    before = drawn(page, "to_client")
    page.reload()
    page.locator(".stream [data-follow=all]").click()
    eventually(lambda: drawn(page, "to_client") == before, "the same after a reload")
