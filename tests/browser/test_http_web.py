"""The web lab's page: a request from the form, its answer explained, the connections drawn."""

from __future__ import annotations

import json
import re
import socket
import subprocess

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, both_ends, picture
from tests.browser.test_first_lesson import finished, open_instance
from tests.programs import DEADLINE, ROOT, eventually
from tests.started import Started


def opened(window, board: Started, **settings: object) -> tuple[Page, dict]:
    instance = board.create("http_web", **settings)
    return open_instance(window, board, instance), instance


def connections(page: Page) -> list[dict]:
    return page.evaluate("window.socketLab.connections()")


def more(page: Page) -> None:
    page.locator("#request details.more > summary").click()


def test_a_request_is_answered_and_explained(teacher, board):
    page, instance = opened(teacher, board)
    page.locator("#request-path").fill("HelloWorld.html")
    expect(page.locator("#send")).to_have_text("GET HelloWorld.html")
    page.locator("#send").click()
    finished(page)
    results = page.locator("#result-0")
    expect(results.locator(".verdict")).to_contain_text("200 OK It worked")
    expect(results.locator(".asked")).to_contain_text("GET /HelloWorld.html HTTP/1.1")
    expect(results.locator(".asked dl")).to_contain_text("Which of the server's names is meant")
    answered = results.locator(".answered")
    expect(answered).to_contain_text("HTTP/1.1 200 OK")
    expect(answered.locator("dt", has_text="Content-Length")).to_be_visible()
    expect(answered.locator("dl")).to_contain_text("the next message begins after them")
    expect(answered.locator("pre")).to_contain_text("<html")
    expect(results.locator(".timing i")).to_have_count(4)
    expect(results.locator(".faults")).to_have_count(0)
    curl = results.get_by_role("button", name="Copy as curl")
    assert curl.get_attribute("data-copy-text") == f"curl -i http://{instance['address']}/HelloWorld.html"
    log = page.locator("#traffic .listbox")
    expect(log).to_contain_text("GET /HelloWorld.html")
    expect(log).not_to_contain_text("recv(")
    page.locator("#all-kinds").check()
    expect(log).to_contain_text("recv(65536) =")
    (conn,) = connections(page)
    assert not conn["name"].startswith("client-"), "one connection is drawn, not one for each end"
    picture(page, "http_web")


def test_the_bytes_are_shown_with_their_line_ends(teacher, board):
    page, _ = opened(teacher, board)
    page.locator("#send").click()
    finished(page)
    page.get_by_role("tab", name="Details").click()
    sent = page.locator("#results .asked pre.raw")
    expect(sent).to_contain_text("GET / HTTP/1.1CRLF")
    assert sent.inner_text().count("CRLF") == 6
    expect(page.locator("#results .answered pre.raw")).to_contain_text("HTTP/1.1 200 OKCRLF")
    both_ends(page)
    picture(page, "http_web-bytes")


def test_the_connections_are_drawn(teacher, board):
    page, instance = opened(teacher, board, delay=0.3)
    host, _, port = instance["address"].rpartition(":")
    with socket.create_connection((host, int(port)), DEADLINE) as sock:
        sock.sendall(b"GET /missing HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: connections(page) and connections(page)[0]["asks"], "the request on the page")
        assert sock.recv(100).startswith(b"HTTP/1.1 404 ")
        (conn,) = eventually(
            lambda: [c for c in connections(page) if c["asks"][0]["done"] is not None], "its answer"
        )
        assert (conn["closed"], conn["asks"][0]["status"], conn["asks"][0]["target"]) == (
            None,
            404,
            "/missing",
        )
        assert conn["asks"][0]["done"] - conn["asks"][0]["at"] > 0.25
        expect(page.locator("#picture .figures")).to_contain_text(re.compile(r"median [3-9]\d\d ms"))
        orange = "([r, g, b, a]) => a > 200 && r > 200 && g > 130 && g < 190 && b < 40"
        eventually(lambda: pixels(page, orange) > 20, "a bar in the colour of 4xx")
        page.get_by_text("The newest requests as a table").click()
        expect(page.locator("#picture tbody tr").first).to_contain_text("GET /missing404")
        picture(page, "http_web-connections")
    eventually(lambda: connections(page)[0]["closed"] is not None, "the end of the connection")


def pixels(page: Page, test: str) -> int:
    """How many of the canvas's pixels are as ``test`` says."""
    return page.evaluate(
        """() => {
          const is = TEST;
          const canvas = document.querySelector("#picture canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let found = 0;
          for (let i = 0; i < data.length; i += 4) found += is([...data.subarray(i, i + 4)]);
          return found;
        }""".replace("TEST", test)
    )


def test_several_requests_are_folded_and_their_connection_named(teacher, board):
    page, _ = opened(teacher, board)
    more(page)
    page.locator("#request-times").fill("3")
    page.locator("#send").click()
    finished(page)
    folds = page.locator("#result-0 .exchangefold")
    expect(folds).to_have_count(3)
    expect(folds.nth(0)).to_contain_text("on a new connection")
    expect(folds.nth(0).locator(".verdict")).to_be_visible()
    expect(folds.nth(2).locator(".verdict")).to_have_count(0)
    folds.nth(2).locator("summary").click()
    expect(folds.nth(2)).to_contain_text("on the same connection")
    expect(folds.nth(2).locator(".verdict")).to_contain_text("200 OK")
    eventually(lambda: [len(conn["asks"]) for conn in connections(page)] == [3], "three on one connection")


def test_bytes_by_hand_keep_their_lines_on_the_wire_and_in_the_terminals_command(teacher, board):
    page, _ = opened(teacher, board)
    more(page)
    raw = page.locator("#request-raw")
    assert raw.evaluate("(box) => box.tagName") == "TEXTAREA"
    raw.press_sequentially("BREW /it's HTTP/1.1")
    raw.press("Enter")
    raw.press_sequentially("Host: x")
    raw.press("Enter")
    raw.press("Enter")
    expect(page.locator("#results .empty").first).to_be_visible()  # Enter has sent nothing
    words = page.locator("#client-command").text_content().partition(" -m ")[2]
    said = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {words} | cat"], capture_output=True, text=True, cwd=ROOT
    )
    assert said.stdout.endswith("--raw\nBREW /it's HTTP/1.1\nHost: x\n\n\n")
    page.locator("#send").click()
    finished(page)
    expect(page.locator("#results .asked").first).to_contain_text("BREW /it's HTTP/1.1")
    expect(page.locator("#results .verdict")).to_contain_text("501")
    expect(page.get_by_role("button", name="Copy as curl")).to_have_count(0)


def test_a_fault_in_the_form_is_named_beside_its_field(teacher, board):
    page, _ = opened(teacher, board)
    page.locator("#request-headers").fill("no colon here")
    page.locator("#send").click()
    expect(page.locator("#request-headers-error")).to_contain_text("is no header field")


def test_har_is_exported(teacher, board):
    page, instance = opened(teacher, board)
    page.locator("#send").click()
    finished(page)
    status, text, headers = board.call("GET", f"/api/v1/instances/{instance['id']}/export.har")
    assert status == 200
    log = (json.loads(text) if isinstance(text, str) else text)["log"]
    (entry,) = log["entries"]
    assert entry["request"]["url"] == f"http://{instance['address']}/"
    assert entry["response"]["status"] == 200
    assert headers["Content-Disposition"].endswith('.har"')


def test_it_fits_on_a_phone(window, board):
    made = window(viewport=PHONE)
    made.enter(board)
    page, _ = opened(made, board)
    page.locator("#send").click()
    finished(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    picture(page, "http_web-phone")
