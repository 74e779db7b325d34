"""The proxy lab's page: verdicts, the chart's numbers, the cache's contents, and what came of the form."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import statistics
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, both_ends, picture
from tests.browser.test_first_lesson import finished, open_instance, send
from tests.programs import DEADLINE, eventually
from tests.started import Started

FRESH = "/demo/cache/60"


@pytest.fixture(scope="module")
def origin(board: Started) -> str:
    """The address of a web lab's server with its demo site."""
    return str(board.create("http_web")["address"])


def opened(window, board: Started, **settings: object) -> tuple[Page, dict]:
    instance = board.create("caching_proxy", **settings)
    return open_instance(window, board, instance), instance


def fetch(instance: dict, url: str, times: int = 1, method: str = "GET", **headers: str) -> list[int]:
    """Ask so often through the proxy, on one connection; the statuses."""
    line = http.client.HTTPConnection(instance["address"], timeout=DEADLINE)
    with contextlib.closing(line):
        found = []
        for _ in range(times):
            line.request(
                method, url, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )
            with line.getresponse() as answer:
                answer.read()
                found.append(answer.status)
        return found


def rows(page: Page):
    return page.locator("#asked-list > li")


def words(page: Page) -> list[str]:
    return page.locator("#asked-list .cacheverdict").all_text_contents()


def objects(page: Page):
    return page.locator("#cache-list button")


def verdicts(board: Started, instance: dict) -> list[dict]:
    found = board.api("GET", f"/instances/{instance['id']}/events?after=0")["events"]
    return [event for event in found if event["kind"] == "cache_verdict"]


def test_the_form_fetches_twice_and_the_second_comes_from_the_cache(teacher, board, origin):
    page, instance = opened(teacher, board)
    expect(page.locator("#picture .empty.over")).to_contain_text(f"curl --noproxy '' -x http://{instance['address']}")
    expect(page.locator("#cache-list")).to_contain_text("Nothing is stored yet")
    same = f"http://{origin}{FRESH}?same"  # without it the page says when it was made, to the second
    send(page, url=same, times=2)
    finished(page)
    bars = page.locator("#result-0 .fetchbars li")
    expect(bars).to_have_count(3)
    expect(bars.nth(0).locator(".cacheverdict")).to_have_text("MISS")
    expect(bars.nth(1).locator(".cacheverdict")).to_have_text("HIT")
    expect(bars.nth(1)).to_contain_text("max-age=60")
    expect(bars.nth(2).locator(".way")).to_have_text("Direct")
    expect(page.locator("#result-0 .alike")).to_contain_text("bytes: ✓ the same")
    expect(page.locator("#result-0 .fielddiff")).to_contain_text("Cache-Status")
    longest = max(bars.nth(place).locator(".length").evaluate(FILLED) for place in range(3))
    assert 0.98 < longest <= 1.02
    page.get_by_role("tab", name="Details").click()
    expect(page.locator("#result-1 .asked").first).to_contain_text(f"GET {same} HTTP/1.1")
    gets = rows(page).filter(has_text="GET")
    expect(gets).to_have_count(2)
    told = gets.locator(".cacheverdict").all_text_contents()
    assert sorted(told) == ["HIT", "MISS"]  # each told once its last byte is sent: in either order
    expect(gets.filter(has_text="MISS")).to_contain_text("origin")
    expect(objects(page)).to_have_count(1)
    both_ends(page)
    picture(page, "caching_proxy-form")


FILLED = """(bar) => [...bar.children].reduce((sum, part) => sum + part.getBoundingClientRect().width, 0)
  / bar.getBoundingClientRect().width"""


def test_the_chart_shows_the_numbers_of_the_events(teacher, board, origin):
    page, instance = opened(teacher, board)
    for _ in range(3):
        fetch(instance, f"http://{origin}/demo/delay/0.2")
    fetch(instance, f"http://{origin}{FRESH}", times=8)
    found = eventually(lambda: len(told := verdicts(board, instance)) == 11 and told, "all verdicts")
    expect(rows(page)).to_have_count(11)
    cached = [event["ms"] for event in found if event["verdict"] == "HIT"]
    fetched = [event["ms"] for event in found if event["verdict"] == "MISS"]
    assert (len(cached), len(fetched)) == (7, 4)
    compared = page.evaluate("window.socketLab.compared()")
    assert compared["cache"]["median"] == statistics.median_low(cached)
    assert compared["origin"]["median"] == statistics.median_low(fetched) > 200
    expect(page.locator("#picture .speed")).to_contain_text("times faster.")
    expect(page.locator("#picture .saved")).to_contain_text("Hit ratio 63.6 %")
    spots = eventually(lambda: len(s := page.evaluate("window.socketLab.spots()")) == 11 and s, "the marks")
    assert [(spot["n"], spot["ms"]) for spot in spots] == [(event["n"], event["ms"]) for event in found]
    slow, quick = spots[0], spots[-1]
    assert slow["y"] + 40 < quick["y"]  # a longer time stands higher
    blue, green = "r < 30 && g > 90 && b > 150", "r < 60 && g > 90 && b < 110 && g > r + 40 && g > b + 20"
    eventually(lambda: painted(page, slow, blue), "a mark in the colour of MISS at its time")
    eventually(lambda: painted(page, quick, green), "a mark in the colour of HIT at its time")
    assert not painted(page, slow, green)
    page.locator(".u-over").hover(position={"x": slow["x"], "y": slow["y"]})
    expect(page.locator("#picture .readout")).to_contain_text("MISS GET")
    page.locator(".u-over").click(position={"x": slow["x"], "y": slow["y"]})
    expect(page.locator("#asked-view h3")).to_have_text(f"GET http://{origin}/demo/delay/0.2")
    page.mouse.move(0, 0)
    page.get_by_text("The numbers as a table").click()
    table = page.locator("#picture .verdicts tbody tr")
    expect(table).to_have_count(2)
    expect(table.first).to_contain_text(re.compile(r"HIT7"))
    page.get_by_role("button", name="By address").click()
    pairs = page.locator(".pairs li")
    expect(pairs).to_have_count(1)
    expect(pairs).to_contain_text(FRESH)
    assert (
        pairs.locator("i.origin").bounding_box()["width"] > pairs.locator("i.cache").bounding_box()["width"]
    )


def painted(page: Page, spot: dict, test: str) -> bool:
    """Whether a pixel near the mark is as ``test`` says."""
    return page.evaluate(
        """([x, y]) => {
          const canvas = document.querySelector("#picture .plot canvas");
          const over = document.querySelector("#picture .u-over").getBoundingClientRect();
          const at = canvas.getBoundingClientRect();
          const scale = canvas.width / at.width;
          const [left, top] = [(over.left - at.left + x) * scale, (over.top - at.top + y) * scale];
          const { data } = canvas.getContext("2d").getImageData(left - 4, top - 4, 8, 8);
          for (let i = 0; i < data.length; i += 4) {
            const [r, g, b, a] = data.subarray(i, i + 4);
            if (a > 200 && (TEST)) return true;
          }
          return false;
        }""".replace("TEST", test),
        [spot["x"], spot["y"]],
    )


def test_a_request_is_found_and_explained(teacher, board, origin):
    page, instance = opened(teacher, board)
    fetch(instance, f"http://{origin}{FRESH}", times=3)
    expect(rows(page)).to_have_count(3)
    fetch(instance, f"http://{origin}/demo/nostore")
    expect(rows(page)).to_have_count(4)
    fetch(instance, f"http://{origin}{FRESH}", Cache_Control="no-cache")
    expect(rows(page)).to_have_count(5)
    refused = fetch(instance, "http://192.0.2.1/secret")
    assert refused == [403]
    expect(rows(page)).to_have_count(6)
    assert words(page)[0] == "REFUSED"
    page.locator("#asked-verdict").select_option("HIT")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#requests .figures")).to_have_text("2 of 6 requests")
    page.locator("#asked-verdict").select_option("")
    page.locator("#asked-url").fill("nostore")
    expect(rows(page)).to_have_count(1)
    page.locator("#asked-url").fill("nothing like it")
    expect(page.locator("#requests")).to_contain_text("No request passes the filter")
    page.locator("#asked-url").fill("")
    page.locator("#asked-conn").select_option(index=4)  # the newest first: that of the three
    expect(rows(page)).to_have_count(3)
    page.locator("#asked-conn").select_option("")
    rows(page).nth(3).get_by_role("button").focus()
    page.keyboard.press("ArrowDown")
    view = page.locator("#asked-view")
    expect(view.locator(".reason")).to_contain_text("max-age=60, age 0")
    expect(view.locator(".route")).to_contain_text("not asked")
    expect(view.locator(".facts")).to_contain_text("its request 2")
    rows(page).first.get_by_role("button").click()
    expect(view.locator(".reason")).to_contain_text("192.0.2.1")
    expect(view.locator("h3")).to_be_focused()
    rows(page).nth(5).get_by_role("button").click()
    expect(view.locator(".route")).to_contain_text("head after")
    picture(page, "caching_proxy-requests")
    view.get_by_role("button", name="All 3 of this connection").click()
    expect(rows(page)).to_have_count(3)
    view.get_by_role("button", name="Show it in the cache").click()
    expect(page.locator("#cache-view h3")).to_have_text(f"http://{origin}{FRESH}")
    expect(page.locator("#cache-q")).to_have_value(f"http://{origin}{FRESH}")


def test_the_cache_is_read_searched_and_purged(teacher, student, board, origin):
    page, instance = opened(teacher, board)
    theirs = open_instance(student, board, instance)
    fetch(instance, f"http://{origin}/demo/cache/3")
    fetch(instance, f"http://{origin}{FRESH}", times=3)
    fetch(instance, f"http://{origin}/images/exchange.gif")
    expect(objects(page)).to_have_count(3)
    expect(objects(theirs)).to_have_count(3)
    expect(page.locator("#cache .figures")).to_contain_text("3 objects")
    page.locator("#cache-q").fill("cache/60")
    expect(objects(page)).to_have_count(1)
    expect(page.locator("#cache .figures")).to_contain_text("1 of 3 objects")
    expect(objects(page)).to_contain_text("2 hits")
    objects(page).click()
    view = page.locator("#cache-view")
    expect(view.locator("h3")).to_be_focused()
    expect(view.locator(".bodytext")).to_contain_text("<h1>Fresh for 60 s</h1>")
    view.get_by_role("tab", name="Headers").click()
    expect(view.locator("dl:visible")).to_contain_text("max-age=60")
    view.get_by_role("tab", name="All facts").click()
    expect(view.locator(".facts:visible")).to_contain_text(origin)
    page.locator("#cache-q").fill("")
    short = page.locator("#cache-list li", has_text="/demo/cache/3")
    expect(short).to_have_attribute("data-state", "stale")
    expect(short).to_contain_text(re.compile(r"stale for \d+ s"))
    objects(page).filter(has_text="exchange.gif").click()
    view.get_by_role("tab", name="Body").click()
    shown = view.locator("img.bodypicture")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 10
    with page.expect_download() as got:
        view.get_by_role("link", name="Save the body").click()
    assert got.value.suggested_filename == "exchange.gif"
    assert got.value.path().read_bytes().startswith(b"GIF8")
    picture(page, "caching_proxy-cache")
    expect(theirs.get_by_role("button", name="Purge", exact=False)).to_have_count(0)
    view.get_by_role("button", name="Purge…").click()
    page.get_by_role("button", name="Purge the object").click()
    expect(objects(page)).to_have_count(2)
    expect(objects(theirs)).to_have_count(2)
    board.api("POST", f"/instances/{instance['id']}/stop")
    expect(page.locator("#state")).to_contain_text("stopped")
    expect(objects(page)).to_have_count(2)
    page.locator("#cache-purge-all").click()
    page.get_by_role("button", name="Purge 2 objects").click()
    expect(page.locator("#cache-list")).to_contain_text("Nothing is stored yet")


def test_freshness_runs_down_without_anybody_asking(teacher, board, origin):
    page, instance = opened(teacher, board)
    fetch(instance, f"http://{origin}/demo/cache/6")
    bar = page.locator("#cache-list .freshbar i")
    expect(page.locator("#cache-list .freshwords")).to_contain_text("fresh for")
    width = bar.evaluate("(bar) => parseFloat(bar.style.width)")
    eventually(lambda: bar.evaluate("(bar) => parseFloat(bar.style.width)") < width - 10, "a shorter bar")
    expect(page.locator("#cache-list .freshwords")).to_have_text(re.compile(r"stale for \d s"), timeout=9000)


@contextlib.contextmanager
def saying(*answers: bytes) -> Iterator[str]:
    """An origin that gives these answers, one a connection; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(DEADLINE)

    def serve() -> None:
        for answer in answers:
            with contextlib.suppress(OSError), listener.accept()[0] as sock:
                sock.recv(65536)
                sock.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield "{}:{}".format(*listener.getsockname())
    thread.join()
    listener.close()


def test_what_came_from_elsewhere_stays_text(teacher, board):
    page, instance = opened(teacher, board)
    evil = b"<!doctype html><img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    head = (
        b"Cache-Control: max-age=99\r\nX-Evil: <img src=x onerror='window.hacked=1'>\r\nConnection: close\r\n"
    )
    length = b"Content-Length: %d\r\n\r\n" % len(evil)
    html = b"HTTP/1.1 200 <b>OK</b>\r\nContent-Type: text/html\r\n" + head + length + evil
    fake = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n" + head + length + evil
    with saying(html, fake) as address:
        fetch(instance, f"http://{address}/a?<script>window.hacked=1</script>".replace("<", "%3C"))
        fetch(instance, f"http://{address}/fake.png")
    expect(objects(page)).to_have_count(2)
    objects(page).filter(has_text="script").click()
    view = page.locator("#cache-view")
    expect(view.locator(".bodytext")).to_contain_text("onerror='window.hacked=1'")
    view.get_by_role("tab", name="Headers").click()
    expect(view.locator("dl:visible")).to_contain_text("<img src=x")
    rows(page).last.get_by_role("button").click()
    expect(page.locator("#asked-view h3")).to_contain_text("script")
    data = f"/api/v1/instances/{instance['id']}/data"
    for found in board.api("GET", f"{data.removeprefix('/api/v1')}/objects")["value"]["objects"]:
        status, _, headers = board.call("GET", f"{data}/body?id={found['id']}")
        assert status == 200
        assert headers["Content-Disposition"].startswith("attachment; ")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("sandbox")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None


def test_variants_of_an_address_are_told_apart(teacher, board):
    page, instance = opened(teacher, board)
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=99\r\n"
        b"Vary: Accept-Language\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
    )
    with saying(answer + b"Hallo", answer + b"Hello") as address:
        fetch(instance, f"http://{address}/", Accept_Language="de")
        fetch(instance, f"http://{address}/", Accept_Language="en")
    expect(objects(page)).to_have_count(2)
    objects(page).filter(has_text="accept-language: de").click()
    view = page.locator("#cache-view")
    expect(view.locator(".bodytext")).to_have_text("Hallo")
    view.get_by_role("tab", name="Variants (2)").click()
    view.locator(".variants button").click()
    view.get_by_role("tab", name="Body").click()
    expect(view.locator(".bodytext")).to_have_text("Hello")


def test_the_list_stays_where_it_is_read_while_more_comes(teacher, board, origin):
    page, instance = opened(teacher, board)
    fetch(instance, f"http://{origin}{FRESH}", times=30)
    expect(rows(page)).to_have_count(30)
    rows(page).nth(20).get_by_role("button").focus()
    before = page.evaluate("document.activeElement.parentElement.dataset.n")
    fetch(instance, f"http://{origin}{FRESH}", times=200)
    expect(page.locator("#requests .figures")).to_have_text("230 requests")
    expect(rows(page)).to_have_count(50)
    page.get_by_role("button", name="Show more").first.click()
    expect(rows(page)).to_have_count(100)
    assert before  # it went out of the list, and nothing broke
    fetch(instance, f"http://{origin}{FRESH}")
    rows(page).nth(3).get_by_role("button").focus()
    kept = page.evaluate("document.activeElement.parentElement.dataset.n")
    fetch(instance, f"http://{origin}{FRESH}", times=5)
    expect(page.locator("#requests .figures")).to_have_text("236 requests")
    assert page.evaluate("document.activeElement.parentElement.dataset.n") == kept


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_on_a_phone(window, board, origin, scheme):
    made = window(viewport=PHONE, color_scheme=scheme)
    made.enter(board)
    page, instance = opened(made, board)
    fetch(instance, f"http://{origin}/images/exchange.gif?{'long' * 60}", times=3)
    send(page, url=f"http://{origin}{FRESH}", times=2)
    finished(page)
    rows(page).first.get_by_role("button").click()
    objects(page).filter(has_text="exchange.gif").click()
    expect(page.locator("#cache-view img.bodypicture")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    address = page.locator("#request-url")
    assert address.evaluate("(input) => input.scrollWidth <= input.clientWidth"), "the URL is cut"
    assert address.bounding_box()["width"] > 0.75 * PHONE["width"]
    picture(page, f"caching_proxy-phone-{scheme}")
