"""The replay lab's page: modes, a recording in three clicks, exchanges, the tape, and the raw client."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, picture
from tests.browser.test_first_lesson import finished, open_instance, send
from tests.programs import DEADLINE, eventually
from tests.started import Started


@pytest.fixture
def origin(board: Started) -> dict:
    """A web lab's server with its demo site."""
    return board.create("http_web")


@pytest.fixture
def recorder(board: Started, origin: dict) -> dict:
    """A server that records that one."""
    return board.create("tcp_replay", target=origin["address"], mode="record", match="exact")


def ask(instance: dict, path: str = "/", method: str = "GET", **headers: str) -> bytes:
    """All bytes that come back for one request on a connection of its own."""
    fields = {"Host": "localhost", "Connection": "close", **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return raw(instance, "\r\n".join(lines).encode())


def raw(instance: dict, data: bytes) -> bytes:
    host, _, port = instance["address"].rpartition(":")
    found = b""
    with socket.create_connection((host.strip("[]"), int(port)), DEADLINE) as line:
        line.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            while piece := line.recv(65536):
                found += piece
    return found


def rows(page: Page):
    return page.locator("#exchange-list > li > button")


def taped(page: Page):
    return page.locator("#tape-list button")


def mode(page: Page, name: str):
    return page.locator(f'.modes button[data-mode="{name}"]')


def settings(board: Started, instance: dict) -> dict:
    return board.state(instance["id"])["settings"]


def test_the_demo_site_is_recorded_in_three_clicks_and_then_answers_without_its_server(
    teacher, board, origin
):
    instance = board.create("tcp_replay")
    page = open_instance(teacher, board, instance)
    title = origin["title"]
    expect(page.locator("#exchanges .empty").first).to_contain_text(instance["address"])
    expect(page.locator("#tape-list")).to_contain_text("The tape is empty")
    page.get_by_role("button", name=f"Record {title}").click()
    expect(page.locator("#control-target")).to_have_value(origin["address"])
    expect(page.locator("#control-framing")).to_have_value("http")
    expect(mode(page, "record")).to_have_attribute("aria-pressed", "true")
    stop = page.get_by_role("button", name=f"Stop {title} and replay")
    expect(stop).to_be_disabled()  # nothing is on the tape yet
    before = ask(instance, "/")
    assert b"200 OK" in before
    expect(stop).to_be_enabled()
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("recorded")
    expect(rows(page).first).to_contain_text("GET / HTTP/1.1")
    expect(rows(page).first).to_contain_text("HTTP/1.1 200 OK")
    picture(page, "tcp_replay-recorded")
    stop.click()
    expect(mode(page, "replay")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".station.target")).to_contain_text("not asked")
    expect(page.locator("#record")).to_contain_text("the tape answers")
    assert board.state(origin["id"])["state"] == "stopped"
    with pytest.raises(ConnectionRefusedError):
        ask(origin, "/")
    assert ask(instance, "/") == before
    expect(rows(page).first).to_contain_text("from the tape")
    expect(rows(page).first).to_contain_text("no. 1")
    picture(page, "tcp_replay-replayed")
    page.get_by_role("button", name=f"Start {title} again").click()
    eventually(lambda: board.state(origin["id"])["state"] == "running", "the origin")
    expect(page.get_by_role("button", name=f"Record {title}")).to_be_visible()


@pytest.mark.slow
def test_a_mail_server_is_recorded_with_the_forms_lines_and_answers_from_the_tape(teacher, board):
    sink = board.create("smtp_sink")
    instance = board.create("tcp_replay")
    page = open_instance(teacher, board, instance)
    page.get_by_role("button", name=f"Record {sink['title']}").click()
    expect(page.locator("#control-framing")).to_have_value("line")
    page.get_by_role("button", name="Fill the form below").click()
    expect(page.locator("#send")).to_be_focused()
    page.locator("#send").press("Enter")
    finished(page)
    heard = page.locator("#result-0 .moments [data-way=back]")
    expect(heard.first).to_contain_text("220 ")
    expect(heard.last).to_contain_text("221 ")
    recorded = page.locator("#result-0 .moments .raw").all_text_contents()
    page.get_by_role("button", name=f"Stop {sink['title']} and replay").click()
    expect(mode(page, "replay")).to_have_attribute("aria-pressed", "true")
    page.locator("#send").click()
    expect(page.locator("#results .history [data-state=done]")).to_have_count(2)
    expect(heard.last).to_contain_text("221 ")
    expect(rows(page).filter(has_text="from the tape").first).to_be_visible()
    expect(rows(page).filter(has_text="not on the tape")).to_have_count(0)
    assert "".join(page.locator("#result-0 .moments [data-way=back] .raw").all_text_contents()) == "".join(
        text for text in recorded if re.match(r"\d\d\d", text)
    )
    picture(page, "tcp_replay-smtp")


@pytest.mark.slow
def test_pings_are_recorded_and_the_tape_answers_later_ones(teacher, board):
    ping = board.create("udp_ping", loss=0)
    instance = board.create("tcp_replay", transport="udp")
    page = open_instance(teacher, board, instance)
    expect(page.locator("#stream")).to_be_hidden()  # datagrams are no stream
    page.get_by_role("button", name=f"Record {ping['title']}").click()
    page.get_by_role("button", name="Fill the form below").click()
    expect(page.locator("#request-udp")).to_be_checked()
    page.locator("#request-text").fill("Ping 1 0.5")
    page.locator("#send").click()
    expect(rows(page)).to_have_count(1)
    finished(page)
    page.get_by_role("button", name=f"Stop {ping['title']} and replay").click()
    expect(page.locator(".sentence")).to_contain_text("gets no answer")
    page.locator("#request-text").fill("Ping 7 99.25")
    page.locator("#send").click()
    expect(rows(page).filter(has_text="from the tape")).to_have_count(1)
    expect(rows(page).first).to_contain_text("PING 7 99.25")  # numbers that were echoed are those asked


def test_a_miss_shows_the_nearest_request_and_the_first_byte_that_differs_in_both(teacher, board, recorder):
    ask(recorder, "/")
    ask(recorder, "/style.css")
    board.api("PATCH", f"/instances/{recorder['id']}", {"settings": {"mode": "replay"}})
    assert ask(recorder, "/style.txt") == b""
    page = open_instance(teacher, board, recorder)
    miss = rows(page).filter(has_text="not on the tape")
    expect(miss).to_have_count(1)
    miss.click()
    view = page.locator("#exchange-view")
    expect(view.locator("h3")).to_be_focused()
    expect(view.locator("h4").nth(0)).to_contain_text("What was asked")
    expect(view.locator("h4").nth(1)).to_contain_text("Nearest on the tape, no. 2")
    expect(view.locator("mark.differs")).to_have_text(["t", "c"])
    expect(view).to_contain_text("They differ from byte 11 on")
    assert "GET /style.txt"[11] == "t"
    view.get_by_role("button", name="Hex", exact=True).click()
    expect(view.locator(".hex mark.differs")).to_have_text(["74", "63"])
    picture(page, "tcp_replay-miss")
    view.get_by_role("button", name="Show the nearest, no. 2").click()
    expect(page.locator("#tape-view h3")).to_have_text("No. 2 on the tape")


def test_repeated_requests_say_which_of_the_recorded_ones_answered(teacher, board, recorder):
    for _ in range(3):
        ask(recorder, "/")
    board.api("PATCH", f"/instances/{recorder['id']}", {"settings": {"mode": "replay"}})
    for _ in range(2):
        ask(recorder, "/")
    page = open_instance(teacher, board, recorder)
    found = rows(page).filter(has_text="from the tape")
    expect(found.nth(1)).to_contain_text("no. 1 · 1 of 3")
    expect(found.nth(0)).to_contain_text("no. 2 · 2 of 3")


def test_exchanges_are_filtered_and_open_with_the_keyboard(teacher, board, recorder):
    ask(recorder, "/")
    ask(recorder, "/nothing")
    page = open_instance(teacher, board, recorder)
    expect(rows(page)).to_have_count(2)
    page.locator("#exchange-text").fill("404")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#exchanges .figures")).to_have_text("1 of 2 exchanges")
    page.locator("#exchange-text").fill("")
    page.locator("#exchange-outcome").select_option("hit")
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_text("No exchange passes the filter")).to_be_visible()
    page.locator("#exchange-outcome").select_option("")
    expect(rows(page)).to_have_count(2)
    rows(page).first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows(page).nth(1)).to_be_focused()
    request, response = (page.locator("#exchange-view .side").nth(place) for place in (0, 1))
    expect(request.locator("pre")).to_contain_text("GET / HTTP/1.1CRLF")
    expect(response.locator("pre")).to_contain_text("</html>")  # whole: the event has only its start


def test_the_tape_is_searched_edited_and_cut_down(teacher, board, recorder):
    ask(recorder, "/")
    ask(recorder, "/nothing")
    page = open_instance(teacher, board, recorder)
    expect(taped(page)).to_have_count(2)
    page.locator("#tape-q").fill("/nothing")
    expect(taped(page)).to_have_count(1)
    taped(page).first.click()
    page.get_by_role("tab", name="Edit the response").click()
    text = page.locator("#tape-edit")
    expect(text).to_have_value(re.compile(r"^HTTP/1\.1 404 Not Found\\r\\n\n"))
    text.fill("HTTP/1.1 200 Fine\\r\\n\nContent-Length: 3\\r\\n\n\\r\\n\nyes")
    page.get_by_role("button", name="Save this response").click()
    expect(taped(page).first).to_contain_text("HTTP/1.1 200 Fine")
    mode(page, "replay").click()
    expect(mode(page, "replay")).to_have_attribute("aria-pressed", "true")
    assert ask(recorder, "/nothing") == b"HTTP/1.1 200 Fine\r\nContent-Length: 3\r\n\r\nyes"
    page.locator("#tape-view").get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete no. 2").click()
    page.locator("#tape-q").fill("")
    expect(page.locator("#tape .figures")).to_have_text("tape.jsonl: 1 exchange")
    expect(taped(page)).to_have_count(1)
    page.get_by_role("button", name="Clear the tape…").click()
    page.get_by_role("button", name="Keep").click()
    expect(taped(page)).to_have_count(1)
    page.get_by_role("button", name="Clear the tape…").click()
    page.get_by_role("button", name="Delete 1 exchange").click()
    expect(page.locator("#tape-list")).to_contain_text("The tape is empty")
    expect(page.locator(".tapecount")).to_have_text("0 exchanges")


def test_a_tape_is_downloaded_and_uploaded_in_pieces_and_damaged_lines_are_named(
    teacher, board, recorder, tmp_path
):
    ask(recorder, "/")
    page = open_instance(teacher, board, recorder)
    expect(taped(page)).to_have_count(1)
    for name, start in (("JSON lines", b'{"'), ("Article's log", b">"), ("HAR", b'{"log"')):
        with page.expect_download() as waiting:
            page.locator(".downloads").get_by_role("link", name=name).click()
        kept = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(kept)
        data = kept.read_bytes()
        assert data.startswith(start) or start == b">", (name, data[:80])
    line = json.loads((tmp_path / "tape.jsonl").read_text().splitlines()[0])
    lines = [json.dumps({**line, "id": number, "target": "x" * 300}) for number in range(1, 901)]
    lines[1] = lines[1][:40]
    big: Path = tmp_path / "big.jsonl"
    big.write_text("\n".join(lines) + "\n")
    assert big.stat().st_size > 400_000  # several pieces
    page.locator("#tape-file").set_input_files(big)
    page.get_by_role("button", name="Replace the tape").click()
    expect(page.locator(".uploadsaid")).to_contain_text("899 exchanges")
    expect(page.locator(".uploadsaid")).to_contain_text("1 line could not be read")
    expect(page.locator(".uploadsaid li")).to_contain_text("2")
    expect(page.locator("#tape .figures")).to_contain_text("899 exchanges")
    expect(taped(page)).to_have_count(50)
    page.locator("#tape").get_by_role("button", name="Show more").click()
    expect(taped(page)).to_have_count(100)
    page.locator("#tape-file").set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff\0"}
    )
    page.get_by_role("button", name="Replace the tape").click()
    expect(page.locator(".uploading .error")).to_contain_text("no exchange")
    expect(taped(page)).to_have_count(100)  # it is as it was


def test_a_framing_shows_where_it_would_end_messages(teacher, board, recorder):
    ask(recorder, "/")
    page = open_instance(teacher, board, recorder)
    taped(page).first.click()
    page.get_by_role("tab", name="Framing", exact=True).click()
    panel = page.locator("#tape-view .framing")
    row = {
        name: panel.locator(".framings button", has_text=name).first for name in ("http", "line", "length4")
    }
    expect(row["http"]).to_contain_text("1 message set now")
    expect(row["line"]).to_contain_text("4 messages")
    expect(row["length4"]).to_contain_text("never ends")
    expect(row["line"].locator(".end")).to_have_count(4)
    expect(panel.locator(".cutmark")).to_have_count(1)
    row["line"].press("Enter")
    expect(row["line"]).to_have_attribute("aria-pressed", "true")
    expect(panel.locator(".cutmark")).to_have_count(4)
    picture(page, "tcp_replay-framing")


def test_faults_stand_on_the_arrow_they_act_on_and_change_while_they_are_set(teacher, board, recorder):
    page = open_instance(teacher, board, recorder)
    near, far = page.locator(".lane").nth(0), page.locator(".lane").nth(1)
    expect(page.locator(".wayfaults")).to_be_hidden()
    page.get_by_role("button", name="Slow line").click()
    expect(far.locator(".out.latency.bandwidth")).to_have_count(1)
    expect(near.locator(".back.latency.bandwidth")).to_have_count(1)
    expect(near.locator(".out.latency")).to_have_count(0)
    expect(page.locator(".wayfaults [data-way=to_server]")).to_contain_text("200 ms later")
    page.locator(".faultfold[data-stream=upstream] > summary").click()
    page.locator("#control-upstream_latency").fill("70")
    page.locator("#control-upstream_latency").press("Tab")
    expect(page.locator(".wayfaults [data-way=to_server]")).to_contain_text("70 ms later")
    mode(page, "replay").click()
    expect(near.locator(".out.latency.bandwidth")).to_have_count(1)  # the tape hears it later
    expect(far.locator(".out.latency")).to_have_count(0)
    expect(page.locator(".wayfaults [data-way=to_server]")).to_contain_text("70 ms later")
    page.get_by_role("button", name="No faults").click()
    expect(page.locator(".wayfaults")).to_be_hidden()


def test_each_mode_is_a_press_and_says_what_happens(teacher, board, recorder):
    page = open_instance(teacher, board, recorder)
    told = {
        "pass": "Nothing is written down", "replay": "The tape answers",
        "record-if-new": "what it does not know yet", "record": "Each exchange is written",
    }  # fmt: skip
    for name, words in told.items():
        mode(page, name).press("Enter")
        expect(page.locator(".sentence")).to_contain_text(words)
        eventually(lambda name=name: settings(board, recorder)["mode"] == name, name)
    mode(page, "pass").click()
    expect(mode(page, "pass")).to_have_attribute("aria-pressed", "true")
    ask(recorder, "/")
    expect(rows(page).first).to_contain_text("passed")
    expect(page.locator(".tapecount")).to_have_text("0 exchanges")


def test_a_student_watches_and_changes_nothing(student, board, recorder):
    ask(recorder, "/")
    page = open_instance(student, board, recorder)
    expect(rows(page)).to_have_count(1)
    expect(mode(page, "record")).to_have_attribute("aria-pressed", "true")
    for name in ("pass", "record", "replay", "record-if-new"):
        expect(mode(page, name)).to_be_disabled()
    expect(page.locator("#record")).to_have_count(0)
    expect(page.locator(".tapetools")).to_be_hidden()
    rows(page).first.click()
    expect(page.locator("#exchange-view .side").nth(1)).to_contain_text("</html>")
    taped(page).first.click()
    expect(page.locator("#tape-view").get_by_role("tab")).to_have_count(2)
    expect(page.get_by_role("button", name="Delete…")).to_have_count(0)


def test_the_raw_client_shows_sends_and_receives_on_one_line_of_time(teacher, board, recorder):
    page = open_instance(teacher, board, recorder)
    send(page, text="GET / HTTP/1.1\nHost: x\nConnection: close\n\n")
    finished(page)
    moments = page.locator("#result-0 .moments > li")
    expect(moments.first).to_contain_text("Connected")
    expect(moments.nth(1)).to_contain_text("GET / HTTP/1.1CRLF")
    expect(page.locator("#result-0 .moments [data-way=back]").first).to_contain_text("HTTP/1.1 200 OK")
    expect(moments.last).to_contain_text("The server ended the connection")
    expect(page.locator("#result-0 .timestrip path.out")).to_have_count(1)
    page.get_by_role("tab", name="Details").click()
    expect(page.locator("#result-1 .hexrow").first).to_contain_text("47 45 54 20")


def test_the_slicers_controls_beside_the_byte_stream_cut_what_it_draws(teacher, board, recorder):
    page = open_instance(teacher, board, recorder)
    expect(page.locator("#stream")).to_be_visible()  # before anything was sent: predict first
    expect(page.locator("#stream-request-pause")).to_have_value("200")
    expect(page.locator("#stream-control-pause")).to_have_count(0)  # the server's own is no gap between sends
    page.locator("#stream-control-downstream_average_size").fill("100")
    expect(page.locator("#control-downstream_average_size")).to_have_value("100")
    eventually(lambda: settings(board, recorder)["downstream_average_size"] == 100, "the setting")
    send(page, text="GET / HTTP/1.1\nHost: x\nConnection: close\n\n")
    finished(page)
    page.locator(".stream [data-follow=all]").click()

    def sends() -> list[int]:
        blocks = page.evaluate("window.socketLab.ribbon().ways.to_client.blocks")
        return [block["size"] for block in blocks if block["row"] == "upper"]

    eventually(lambda: len(sends()) > 3, "its sends")
    assert set(sends()[:-1]) == {100}
    assert 0 < sends()[-1] <= 100


def test_a_conversation_by_hand_shows_what_came_after_each_line(teacher, board):
    sink = board.create("smtp_sink")
    instance = board.create("tcp_replay", target=sink["address"], framing="line")
    page = open_instance(teacher, board, instance)
    page.locator("#request-by_hand").check()
    page.locator("#send").click()
    line, answer = page.locator("#session-text"), page.locator(".session .answer")
    expect(page.locator("#result-2")).to_contain_text("220 ")  # in the terminal as it comes
    line.fill("NOOP")
    line.press("Enter")
    expect(answer.locator(".side.out")).to_contain_text("NOOPCRLF")
    expect(answer.locator(".side.back").last).to_contain_text("250 ")
    line.fill("QUIT")
    line.press("Enter")
    expect(answer).to_contain_text("221 ")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1280, "height": 720}], ids=["phone", "wide"])
@pytest.mark.slow
def test_all_of_it_fits(teacher, board, recorder, theme, size):
    ask(recorder, "/")
    board.api("PATCH", f"/instances/{recorder['id']}", {"settings": {
        "mode": "replay", "downstream_latency": 100, "downstream_rate": 50, "downstream_average_size": 20,
        "upstream_reset_peer": 60_000,
    }})  # fmt: skip
    ask(recorder, "/other")
    page = teacher.context.new_page()
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.goto(f"http://{board.host}:{board.port}/instances/{recorder['id']}")
    expect(rows(page)).to_have_count(2)
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    rows(page).first.click()
    expect(page.locator("#exchange-view mark.differs")).to_have_count(2)
    taped(page).first.click()
    page.get_by_role("tab", name="Framing", exact=True).click()
    sides = [page.locator("#exchange-view .side").nth(place).bounding_box() for place in (0, 1)]
    assert (sides[0]["y"] == sides[1]["y"]) == (size is not PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    picture(page, f"tcp_replay-{theme}-{size['width']}")
    page.close()


def test_the_page_says_when_the_server_stops(teacher, board, recorder):
    page = open_instance(teacher, board, recorder)
    board.api("POST", f"/instances/{recorder['id']}/stop")
    expect(page.locator(".sentence")).to_contain_text("The server is not running")
    expect(page.locator(".station.client")).to_contain_text("cannot connect")
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(recorder["address"], timeout=2).connect()
