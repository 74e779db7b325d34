"""The stepper on the page: a line at a time, with a proposal that is taken over by a press."""

from __future__ import annotations

from playwright.sync_api import expect

from servers.kit.settings import MASK
from tests.browser.conftest import PHONE, picture
from tests.browser.test_first_lesson import open_instance


def test_a_student_sends_a_message_line_by_line(student, board):
    instance = board.create("smtp_sink", accounts="ana:geheim")
    page = open_instance(student, board, instance)
    expect(page.locator("#control-accounts")).to_have_value(MASK)
    page.locator("#request summary").first.click()
    page.locator("#request-auth").fill("ana:geheim")
    expect(page.locator("#client-command")).to_contain_text(MASK)
    expect(page.locator("#client-command")).not_to_contain_text("geheim")
    page.locator("#request-step").check()
    page.locator("#send").click()
    line, offer, answer = (
        page.locator("#session-text"),
        page.locator(".session .offer"),
        page.locator(".session .answer"),
    )
    expect(offer).to_contain_text("EHLO")  # asked for before anything was typed
    expect(answer).to_contain_text("220: as expected")

    expect(page.get_by_label("Your line")).to_have_attribute("id", "session-text")
    line.press("Enter")
    expect(answer).to_contain_text("C: (an empty line)")
    expect(page.locator("#picture .dialogue li[data-side=client]")).to_contain_text("(an empty line)")
    expect(page.locator("#result-2")).to_contain_text("C:   (an empty line)")
    line.fill("MAIL FROM: <a@b>")
    line.press("Enter")
    expect(answer).to_contain_text("expected 250, but 503 came")
    for proposed, verdict in (
        ("EHLO", "250: as expected"), ("AUTH LOGIN", "334: as expected"), ("YW5h", "Password:"),
        ("Z2VoZWlt", "235: as expected"), ("MAIL FROM", "250: as expected"), ("RCPT TO", "250: as expected"),
        ("DATA", "354: as expected"), ("From:", "Now: within the message"),
    ):  # fmt: skip
        expect(offer.locator("code")).to_contain_text(proposed)
        offer.click()
        expect(line).to_be_focused()
        line.press("Enter")
        expect(line).to_have_value("")
        expect(answer).to_contain_text(verdict)
        if proposed == "AUTH LOGIN":  # the next proposal has the longest explanation
            usual = page.viewport_size
            page.set_viewport_size(PHONE)
            expect(offer).to_contain_text("b64encode")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            page.set_viewport_size(usual)
        if proposed == "DATA":
            picture(page, "stepper")
    line.fill("")
    line.press("Enter")
    expect(answer).to_contain_text("empty line")
    line.fill(".")
    line.press("Enter")
    expect(answer).to_contain_text("The message is accepted")
    offer.click()
    line.press("Enter")
    expect(line).to_be_hidden()
    expect(page.locator("#results")).to_contain_text("done")
    page.get_by_role("tab", name="Terminal").click()
    expect(page.locator("#result-2")).to_contain_text("C: MAIL FROM")
    expect(page.locator("#result-2")).not_to_contain_text("Z2VoZWlt")
    assert board.state(instance["id"])["counters"]["stored"] == 1
