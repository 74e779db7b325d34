"""UDP upper case on its page, and the experiments with a prediction."""

from __future__ import annotations

import socket

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, picture, url
from tests.browser.test_first_lesson import finished, open_instance, udp_port


def datagram(page: Page, way: str):
    return page.locator(f".datagram[data-way={way}]")


def test_a_short_buffer_is_seen_to_cut_a_datagram(teacher, board):
    instance = board.create("udp_upper", buffer=8)
    page = open_instance(teacher, board, instance)
    page.locator("#picture").get_by_role("button", name="Send 1 × «hello, world»").click()
    finished(page)
    there, back = datagram(page, "to_server"), datagram(page, "to_client")
    expect(there.locator(".kept")).to_have_text("hello, w")
    expect(there.locator(".tail")).to_have_text("orld")
    expect(there.locator(".said")).to_have_text("→ 12 bytes: recvfrom(8) took 8, 4 lost")
    expect(back.locator(".kept")).to_have_text("HELLO, W")
    expect(back).to_have_attribute("data-state", "whole")
    expect(page.locator("#result-0")).to_contain_text("the server's buffer cut")
    expect(page.locator("#traffic")).to_contain_text("bind(127.0.0.1:0) = 0")
    page.get_by_role("button", name="Course sheet").click()
    expect(page.locator("#command")).not_to_contain_text("--buffer")
    expect(page.locator("#state")).to_contain_text("running")
    page.locator("#request-read").fill("5")
    page.locator("#send").click()
    expect(back.last.locator(".tail")).to_have_text(", WORLD")
    with socket.socket(type=socket.SOCK_DGRAM) as own:
        own.settimeout(15)
        own.sendto(b"\xffmine", ("127.0.0.1", udp_port(instance)))
        assert own.recv(100) == b"\xffMINE"
        expect(back.last.locator(".said")).to_contain_text("to a program that is not ours")
    expect(page.locator("#traffic")).to_contain_text("byte 0 (0xff) is no UTF-8")
    picture(page, "udp-upper")
    page.reload()
    expect(there).to_have_count(3)
    expect(there.first.locator(".tail")).to_have_text("orld")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_prediction_stands_beside_what_happened(student, teacher, board):
    id = str(board.create("tcp_upper")["id"])
    page = student.open(url(board, f"/instances/{id}"))
    tools = [page.get_by_role("link", name=name, exact=True) for name in ("Packets", "Experiments")]
    assert len({tool.bounding_box()["y"] for tool in tools}) == 1
    page.locator("#lesson").get_by_role("link", name="«backlog»").click()
    page.wait_for_url("**/tools/experiments#backlog")
    expect(page.locator("#request-experiment")).to_have_value("backlog")
    expect(page.locator("#link")).to_contain_text("live")
    expect(page.locator("#picture .empty")).to_contain_text("Say what you expect")
    page.locator("#request-experiment").select_option("linger")
    expect(page.locator(".question legend")).to_contain_text("SO_LINGER")
    page.get_by_label("b'': the end of the stream").check()
    page.locator("#picture").get_by_role("button", name="Run «linger»").click()
    said = page.locator(".comparison")
    expect(said).to_contain_text("You predicted: b'': the end of the stream ✗")
    expect(said).to_contain_text("What happened: ECONNRESET")
    expect(said).to_contain_text("This machine does as the book says, 3 of 3.")
    heads = page.locator(".calls thead th").all_inner_texts()
    assert heads == ["", "server", "client", "connection"]
    reset = page.locator(".calls tr", has_text="ECONNRESET: Connection reset by peer").first
    expect(reset.locator("td").nth(1)).to_contain_text("recv(100)")
    expect(page.locator(".claim")).to_have_count(3)
    picture(page, "experiment-linger")
    page.locator("#request-experiment").select_option("two-servers")
    page.get_by_label("EADDRINUSE").check()
    page.locator("#send").click()
    expect(said).to_contain_text("You predicted: EADDRINUSE ✓")
    picture(page, "experiment-two-servers")

    watching = teacher.open(url(board, f"/instances/{id}/tools/experiments"))
    expect(watching.locator(".comparison")).to_contain_text("Seen: EADDRINUSE")
    watching.set_viewport_size(PHONE)
    assert watching.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    picture(watching, "experiment-phone")
