"""The SMTP lab's page: the dialogue, the mailbox, faults, and mail that means harm."""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import threading
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, both_ends, picture
from tests.browser.test_first_lesson import open_instance
from tests.programs import DEADLINE
from tests.started import Started

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def opened(window, board: Started, **settings: object) -> tuple[Page, dict]:
    instance = board.create("smtp_sink", **settings)
    return open_instance(window, board, instance), instance


def client(instance: dict) -> smtplib.SMTP:
    host, _, port = instance["address"].rpartition(":")
    return smtplib.SMTP(host, int(port), timeout=DEADLINE)


def mail(subject: str, text: str = "I love computer networks!\n", html: str = "", image: bool = False):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "ana@example.org", "bob@example.org", subject
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    if image:
        made.add_attachment(DOT, maintype="image", subtype="png", filename="dot.png")
    return made


def lines(page: Page, side: str):
    return page.locator(f".dialogue li[data-side={side}]")


def test_the_dialogue_is_shown_line_by_line_and_explained(teacher, student, board):
    page, instance = opened(teacher, board)
    theirs = open_instance(student, board, instance)
    with client(instance) as smtp:
        smtp.login("ana", "geheim77")
        smtp.sendmail("ana@example.org", ["bob@example.org"], "Subject: dots\r\n\r\n.one\r\n..two\r\nend")
        expect(lines(page, "note").filter(has_text="On disk")).to_have_count(1)
    expect(lines(page, "server").first).to_contain_text("220 socketlab.test")
    mail_from = lines(page, "client").filter(has_text="mail FROM:<ana@example.org>")
    expect(mail_from.locator(".meaning")).to_contain_text("A message begins")
    rcpt = lines(page, "server").filter(has_text="The recipient is taken.")
    expect(rcpt).to_have_count(1)
    expect(lines(page, "server").filter(has_text="Announced: one can log in")).to_have_count(1)
    expect(lines(page, "data").locator("pre")).to_contain_text("..one\n...two\nend\n.")
    expect(lines(page, "data").locator("b.dot:not(.end)")).to_have_count(2)
    expect(lines(page, "data")).to_contain_text("2 dots added by the client")
    expect(page.locator(".dialogue")).to_contain_text("ana")
    expect(page.locator("body")).not_to_contain_text("geheim77")
    picture(page, "smtp-dialogue")
    expect(lines(theirs, "data")).to_have_count(1)
    expect(theirs.get_by_role("button", name="Reveal the password")).to_have_count(0)
    page.get_by_role("button", name="Reveal the password").first.click()
    expect(page.locator(".dialogue")).to_contain_text("Password: geheim77")
    expect(theirs.locator("body")).not_to_contain_text("geheim77")


def test_the_newest_connection_is_followed_and_an_older_one_can_be_kept(teacher, board):
    page, instance = opened(teacher, board)
    with client(instance) as first:
        first.noop()
        expect(lines(page, "client").filter(has_text="noop")).to_have_count(1)
        with client(instance) as second:
            second.rset()
            expect(lines(page, "client").filter(has_text="rset")).to_have_count(1)
            expect(lines(page, "client").filter(has_text="noop")).to_have_count(0)
        options = page.locator("#dialogue-conn option")
        expect(options).to_have_count(2)
        page.locator("#dialogue-conn").select_option(index=1)
        expect(lines(page, "client").filter(has_text="noop")).to_have_count(1)
        with client(instance):
            expect(options).to_have_count(3)
        expect(lines(page, "client").filter(has_text="noop")).to_have_count(1)
        page.get_by_role("button", name="Follow the newest").click()
        expect(lines(page, "client").filter(has_text="noop")).to_have_count(0)


def test_a_message_of_ones_own_is_followed_whatever_was_looked_at(teacher, board):
    page, instance = opened(teacher, board)
    with client(instance) as first:
        first.noop()
    with client(instance) as second:
        second.rset()
    expect(page.locator("#dialogue-conn option")).to_have_count(2)
    page.locator("#dialogue-conn").select_option(index=1)
    expect(lines(page, "client").filter(has_text="noop")).to_have_count(1)
    page.locator("#send").click()
    expect(lines(page, "data")).to_contain_text("I love computer networks!")
    expect(page.get_by_role("button", name="Follow the newest")).to_have_attribute("aria-pressed", "true")


def test_a_long_message_unfolds_in_the_dialogue_without_a_scroller_of_its_own(teacher, board):
    page, instance = opened(teacher, board)
    text = "".join(f"line {n}\n" for n in range(30))
    with client(instance) as smtp:
        smtp.sendmail("a@b.c", ["d@e.f"], f"Subject: long\n\n{text}")
    data = lines(page, "data")
    expect(data).to_contain_text("line 9\n")
    expect(data).not_to_contain_text("line 10\n")
    data.get_by_role("button", name="Show all 33 lines").click()
    expect(data).to_contain_text("line 29\n.")
    expect(data.locator("pre")).to_be_focused()
    assert data.locator("pre").evaluate("e => e.scrollHeight <= e.clientHeight + 1")


def test_accounts_are_hidden_unless_they_are_a_plain_word(teacher, board):
    page, _ = opened(teacher, board, accounts="ana:s3cret")
    expect(page.locator("#command")).to_contain_text("--accounts '•••'")
    expect(page.locator("#command")).not_to_contain_text("s3cret")
    page.locator("#drawer summary").click()
    field = page.locator("#control-accounts")
    hidden = "e => getComputedStyle(e).webkitTextSecurity"
    page.locator("#control-mailbox").focus()
    assert field.evaluate(hidden) == "disc"
    for words, seen in (("none", "none"), ("any", "none"), ("bo:x", "disc")):
        field.fill(words)
        page.locator("#control-mailbox").focus()
        assert field.evaluate(hidden) == seen, words


def test_tls_is_marked(teacher, board):
    page, instance = opened(teacher, board)
    with client(instance) as smtp:
        smtp.starttls()
        smtp.noop()
    expect(lines(page, "note").filter(has_text="Encrypted from here on: TLSv1.3")).to_have_count(1)
    expect(lines(page, "client").filter(has_text="noop").locator(".lock")).to_have_count(1)
    expect(lines(page, "client").filter(has_text="STARTTLS").locator(".lock")).to_have_count(0)
    expect(page.locator("#certificate code")).to_contain_text(":")
    with page.expect_download() as got:
        page.locator("#certificate a").click()
    assert "BEGIN CERTIFICATE" in got.value.path().read_text()


def test_mail_comes_live_and_is_read_searched_saved_and_deleted(teacher, board):
    page, instance = opened(teacher, board)
    expect(page.locator("#mailbox")).to_contain_text("relays none")
    with client(instance) as smtp:
        smtp.send_message(mail("Grüße aus Köln", image=True, html="<p>I <b>love</b> networks</p>"))
        smtp.sendmail(
            "ana@example.org", ["carl@example.org", "bob@example.org"], "Subject: second\r\n\r\nhello"
        )
    entries = page.locator("#mail-list button")
    expect(entries).to_have_count(2)
    expect(entries.first).to_contain_text("second")
    page.locator("#mail-recipient").select_option("carl@example.org")
    expect(entries).to_have_count(1)
    page.locator("#mail-recipient").select_option("")
    page.locator("#mail-q").fill("köln grüße")
    expect(entries).to_have_count(1)
    expect(page.locator("#mailbox .figures")).to_have_text("1 of 2 messages")
    entries.first.click()
    view = page.locator("#mail-view")
    expect(view.locator("h3")).to_have_text("Grüße aus Köln")
    expect(view.locator(".mailtext")).to_contain_text("I love computer networks!")
    view.get_by_role("tab", name="HTML").click()
    expect(view.frame_locator("iframe").locator("b")).to_have_text("love")
    view.get_by_role("tab", name="Headers").click()
    expect(view.locator("tr[data-ours]", has_text="X-Envelope-To")).to_contain_text("bob@example.org")
    view.get_by_role("tab", name="Source").click()
    expect(view.locator(".terminal")).to_contain_text("Content-Type: multipart/mixed")
    view.get_by_role("tab", name="Attachments (1)").click()
    shown = view.locator(".attachments img")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    with page.expect_download() as got:
        view.get_by_role("link", name="dot.png").click()
    assert got.value.suggested_filename == "dot.png"
    assert got.value.path().read_bytes() == DOT
    with page.expect_download() as got:
        view.get_by_role("link", name="Save as .eml").click()
    assert got.value.suggested_filename == "Grüße aus Köln.eml"
    assert got.value.path().read_bytes().startswith(b"Return-Path: <ana@example.org>\r\n")
    picture(page, "smtp-mailbox")
    view.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete the message").click()
    page.locator("#mail-q").fill("")
    expect(page.locator("#mailbox .figures")).to_have_text("1 message")
    expect(entries).to_have_count(1)
    board.api("POST", f"/instances/{instance['id']}/stop")
    expect(page.locator("#state")).to_contain_text("stopped")
    page.locator("#mail-delete-all").click()
    page.get_by_role("button", name="Delete 1 message").click()
    expect(page.locator("#mail-list")).to_contain_text("No mail yet")


def test_faults_are_set_told_and_cleared(teacher, student, board):
    page, instance = opened(teacher, board)
    theirs = open_instance(student, board, instance).locator("#faults-active li")
    active = page.locator("#faults-active li")
    expect(theirs).to_have_text(["No fault is set."])
    expect(active).to_have_text(["No fault is set."])
    page.get_by_role("button", name="451 on the 2nd RCPT").click()
    expect(active.locator("span")).to_have_text(["451 on the 2nd RCPT"])
    expect(theirs).to_have_text(["451 on the 2nd RCPT"])
    with client(instance) as smtp:
        refused = smtp.sendmail("a@b.c", ["one@b.c", "two@b.c"], "Subject: x\r\n\r\nx")
    assert refused["two@b.c"][0] == 451
    expect(lines(page, "note").filter(has_text="fault: 451 on the 2nd RCPT")).to_have_count(1)
    expect(page.locator(".dialogue li[data-fault][data-side=server]")).to_contain_text("451")
    picture(page, "smtp-faults")
    page.get_by_role("button", name="Clear all faults").click()
    expect(active).to_have_text(["No fault is set."])
    expect(theirs).to_have_text(["No fault is set."])
    page.get_by_text("A fault of your own").click()
    page.locator("#fault-code").fill("777")
    page.get_by_role("button", name="Set the fault").click()
    expect(page.locator("#fault-code-error")).to_be_visible()
    page.locator("#fault-code").fill("550")
    page.locator("#fault-verb").select_option("MAIL")
    page.locator("#fault-nth").fill("1")
    page.get_by_role("button", name="Set the fault").click()
    expect(active.locator("span")).to_have_text(["550 on the 1st MAIL"])
    with client(instance) as smtp, pytest.raises(smtplib.SMTPSenderRefused):
        smtp.sendmail("a@b.c", ["one@b.c"], "Subject: x\r\n\r\nx")


@pytest.mark.slow
def test_a_preset_is_called_the_same_where_it_is_set_and_can_be_cleared_alone(teacher, student, board):
    page, instance = opened(teacher, board)
    active = page.locator("#faults-active li")
    theirs = open_instance(student, board, instance).locator("#faults-active")
    presets = page.locator("#faults .presets button")
    names = presets.all_inner_texts()
    assert len(names) == 4
    for place, name in enumerate(names):
        presets.nth(place).click()
        expect(active.nth(place).locator("span")).to_have_text(name)
    expect(theirs.locator("li")).to_have_text(names)
    expect(theirs.locator("button")).to_have_count(0)
    page.get_by_role("button", name=f"Clear «{names[1]}»").click()
    expect(active.locator("span")).to_have_text([names[0], *names[2:]])
    expect(page.get_by_role("button", name=f"Clear «{names[0]}»")).to_be_focused()
    expect(theirs.locator("li")).to_have_text([names[0], *names[2:]])


@pytest.mark.slow
def test_the_form_of_a_fault_shows_what_its_kind_has(teacher, board):
    page, _ = opened(teacher, board)
    page.get_by_text("A fault of your own").click()
    code, text, seconds = (page.locator(f"#fault-{name}") for name in ("code", "text", "seconds"))
    expect(seconds).to_be_hidden()
    code.fill("777")  # wrong, and of no account for a delay
    page.locator("#fault-what").select_option("delay")
    expect(code).to_be_hidden()
    expect(text).to_be_hidden()
    seconds.fill("0,5")
    page.get_by_role("button", name="Set the fault").click()
    expect(page.locator("#faults-active li span")).to_have_text("0.5 s before the reply to the 1st RCPT")
    page.locator("#fault-what").select_option("drop")
    expect(seconds).to_be_hidden()
    page.locator("#fault-verb").select_option("connect")
    expect(page.locator("#fault-nth")).to_be_hidden()
    page.get_by_role("button", name="Connection dropped in").click()
    expect(page.locator("#fault-nth")).to_be_visible()


def test_what_came_of_the_form_is_said_in_words(teacher, board):
    page, _ = opened(teacher, board)
    page.get_by_role("button", name="451 on the 2nd RCPT").click()
    page.locator("#request-recipients").fill("a@x.org, b@x.org, c@x.org")
    page.locator("#send").click()
    said = page.locator("#result-0")
    expect(said.locator(".verdict")).to_have_text("Sent to 2 of 3 recipients.")
    expect(said).to_contain_text("It refused b@x.org.")
    expect(page.locator(".resulthead")).to_contain_text(re.compile(r"done after (\d+ ms|[1-9]\d* s)"))
    page.get_by_role("tab", name="Details").click()
    rows = page.locator("#result-1 .dialogue li")
    expect(rows.filter(has_text="RCPT TO:<b@x.org>")).to_have_count(1)
    expect(rows.filter(has_text="Expected 250 or 251, but 451 came.")).to_have_count(1)
    both_ends(page)
    picture(page, "smtp-outcome")


def test_a_strangers_file_is_only_ever_saved(board):
    instance = board.create("smtp_sink")
    with client(instance) as smtp:
        made = mail("x")
        made.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename="ü.html")
        smtp.send_message(made)
    data = f"/api/v1/instances/{instance['id']}/data"
    (found,) = board.api("GET", f"{data.removeprefix('/api/v1')}/messages")["value"]["messages"]
    status, body, headers = board.call("GET", f"{data}/attachment?id={found['id']}&n=1")
    assert (status, body) == (200, "<script>alert(1)</script>")
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''%C3%BC.html" in headers["Content-Disposition"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert board.call("GET", f"{data}/message?id=..%2F..%2Fetc%2Fpasswd")[0] == 400


class Trap:
    """A listener that nobody may ever contact."""

    def __init__(self) -> None:
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}"
        self.caught = 0
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        while True:
            try:
                line, _ = self.sock.accept()
            except OSError:
                return
            self.caught += 1
            line.close()


def test_hostile_html_runs_no_script_and_loads_nothing(teacher, board):
    trap = Trap()
    page, instance = opened(teacher, board)
    hostile = f"""<html><head><meta http-equiv=refresh content="0;url={trap.url}/m"><base href="{trap.url}/">
      <link rel=stylesheet href="{trap.url}/l">
      <style>@import "{trap.url}/i"; p {{background: url({trap.url}/b)}}</style>
      </head><body background="{trap.url}/bg" onload="parent.hacked=1">
      <p style="background:url({trap.url}/s)">plainly</p>
      <img src="{trap.url}/p" onerror="top.hacked=1"><img src=x onerror="parent.postMessage('hacked','*')">
      <img srcset="{trap.url}/set 1x"><script>parent.hacked=1;fetch("{trap.url}/f")</script>
      <svg onload="top.hacked=1"><image href="{trap.url}/svg"/></svg><iframe src="{trap.url}/if"></iframe>
      <object data="{trap.url}/o"></object><video src="{trap.url}/v" poster="{trap.url}/vp" autoplay></video>
      <form action="{trap.url}/form"><input autofocus onfocus="top.hacked=1"><button>Send</button></form>
      <a href="{trap.url}/a">a link</a><a href="javascript:top.hacked=1">js</a><b>the end</b></body></html>"""
    with client(instance) as smtp:
        smtp.send_message(mail("<img src=x onerror='window.hacked=1'>", html=hostile))
    page.locator("#mail-list button").click()
    view = page.locator("#mail-view")
    expect(view.locator("h3")).to_have_text("<img src=x onerror='window.hacked=1'>")
    view.get_by_role("tab", name="HTML").click()
    frame = view.frame_locator("iframe")
    expect(frame.locator("b")).to_have_text("the end")
    assert view.locator("iframe").get_attribute("sandbox") == ""
    expect(
        frame.locator("form, script, style, meta[http-equiv], link, iframe, object, svg, video")
    ).to_have_count(0)
    frame.get_by_text("a link").click()
    page.wait_for_timeout(500)
    expect(frame.locator("b")).to_have_text("the end")
    assert page.evaluate("window.hacked") is None
    assert trap.caught == 0
    socket.create_connection(trap.sock.getsockname()).close()  # the trap does work
    page.wait_for_timeout(200)
    assert trap.caught == 1
    trap.sock.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_on_a_phone(window, board, scheme):
    made = window(viewport=PHONE, color_scheme=scheme)
    made.enter(board)
    page, instance = opened(made, board)
    with client(instance) as smtp:
        smtp.send_message(
            mail("A subject that is long enough to be cut somewhere in the list " * 2, image=True)
        )
    page.locator("#mail-list button").click()
    expect(page.locator("#mail-view h3")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    tabs = page.locator("#mail-view .tabs")
    assert tabs.evaluate("e => e.scrollWidth <= e.clientWidth"), "a tab is cut"
    height = page.locator(".mailsearch").bounding_box()["height"]
    assert height < 150, height
    page.get_by_role("tab", name="Headers").click()
    name = page.locator(".mailheaders th", has_text="X-Envelope-To")
    assert name.bounding_box()["height"] < 30, "a name is broken"
    picture(page, f"smtp-phone-{scheme}")
