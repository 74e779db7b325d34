"""Ladder: frames per second of the packet walk's ladder with 10,000 packets, while it is scrolled.

A real Chromium has the page of a server's packets open. The page's own modules get the rows of a
connection of 10,000 packets, with the socket calls of both ends, as they would from the dashboard. Then it
is scrolled at every frame, by some pixels, by a page, or by following packets that come; the time from each
``requestAnimationFrame`` to the next is taken, and what the script needed for each drawing
(``performance.measure``). Chromium runs without a graphics card here, and draws in software.
"""

from __future__ import annotations

from typing import Any

from tests.bench.browser import browsing, frame_figures
from tests.bench.figures import Figure

PACKETS = 10_000
FRAMES = 240
AT_LEAST = 50
"""Frames per second that are asked."""

FILL = """async ([packets, live]) => {
  const { itemsOf } = await import("/static/js/walk/joins.js");
  const { Walk } = await import("/static/js/walk/model.js");
  const { createLadder } = await import("/static/js/walk/ladder.js");
  const place = document.getElementById("ladder");
  place.replaceChildren();
  document.getElementById("ladder-card").dataset.calls = "shown";
  const follow = document.createElement("button");
  const ladder = createLadder(place, follow, { onChoose: () => {}, may: () => true });
  ladder.begin({ client: "127.0.0.1:50000", server: "127.0.0.1:6789" }, live);
  const next = { to_server: 1, to_client: 1 };
  const rows = [], calls = [];
  for (let n = 1; n <= packets; n += 1) {
    const way = n % 2 ? "to_server" : "to_client", back = n % 2 ? "to_client" : "to_server";
    const length = n % 4 < 2 ? 1448 : 0, t = 1000 + n / 10000;
    rows.push({
      n, number: n, t, after: n / 10000, way, flags: length ? ["PSH", "ACK"] : ["ACK"], seq: next[way],
      ack: next[back], next_seq: next[way] + length, raw_seq: 4e9 + next[way], raw_ack: next[back], length,
      window: 65536, message: length ? `GET /page-${n}.html HTTP/1.1` : "",
      marks: n % 50 ? [] : ["retransmission"], client_state: "ESTABLISHED", server_state: "ESTABLISHED",
    });
    next[way] += length;
    if (!length) continue;
    const [from, to] = n % 2 ? ["client", "server"] : ["server", "client"];
    calls.push({ n: 2 * n, t: t + 0.00001, side: from, call: "send", words: "send(1448 bytes) = 1448" });
    calls.push({ n: 2 * n + 1, t: t + 0.00005, side: to, call: "recv", words: "recv(65536) = 1448 bytes" });
  }
  const walk = new Walk();
  let given = 0, told = 0;
  window.arrive = (count) => {
    const fresh = rows.slice(given, given + count);
    given += fresh.length;
    const until = rows[given - 1].t + 0.0001, before = told;
    while (told < calls.length && calls[told].t < until) told += 1;
    walk.add({ rows: fresh, calls: calls.slice(before, told) });
    ladder.update(itemsOf(walk.rows, walk.calls), walk.rows);
  };
  window.arrive(live ? 100 : packets);
  window.ladderBox = ladder.box;
}"""
"""Mounts a ladder in the page's place, and gives it the packets: all at once, or ``arrive(count)``."""

DRIVE = """([frames, way]) => new Promise((done) => {
  const box = window.ladderBox;
  const times = [];
  const first = performance.getEntriesByName("ladder-update").length;
  let frame = 0, before = 0, most = 0;
  const step = (t) => {
    if (before) times.push(t - before);
    before = t;
    most = Math.max(most, box.querySelectorAll(".rung").length);
    if (frame === frames) {
      const draws = performance.getEntriesByName("ladder-update").slice(first).map((entry) => entry.duration);
      const shown = [...box.querySelectorAll("[data-n]")].map((line) => Number(line.dataset.n));
      return done({ times, draws, most, top: box.scrollTop, height: box.scrollHeight, shown });
    }
    const down = Math.floor(frame / 80) % 2 === 0 ? 1 : -1;
    if (way === "wheel") box.scrollTop += 40 * down;
    else if (way === "page") box.scrollTop += (box.clientHeight - 40) * down;
    else if (way === "jump") box.scrollTop = ((frame * 7919) % 10000) / 10000 * box.scrollHeight;
    else if (frame % 15 === 0) window.arrive(Math.ceil(10000 / frames) * 15);
    frame += 1;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


def run(quick: bool) -> list[Figure]:
    """Scroll by the wheel, by pages, anywhere, and follow packets that come four times a second."""
    with browsing() as (board, page):
        made = board.api("POST", "/instances", {"lab": "tcp_upper", "settings": {"port": 0}})
        figures = []
        for name, way in (
            ("scrolled by the wheel", "wheel"),
            ("scrolled by a page at every frame", "page"),
            ("anywhere at every frame", "jump"),
            ("followed while they come", "live"),
        ):
            page.goto(f"http://{board.address}/instances/{made['id']}/packets")
            figures += measured(page, name, way, FRAMES // 2 if quick else FRAMES)
    return figures


def measured(page: Any, name: str, way: str, frames: int) -> list[Figure]:
    """One way of moving it: frames per second, and what a drawing took."""
    page.wait_for_selector("#link[data-link=live]")
    page.evaluate(FILL, [PACKETS, way == "live"])
    page.locator("#ladder").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    found = page.evaluate(DRIVE, [frames, way])
    least = frames / 15 if way == "live" else 0.9 * frames
    if len(found["draws"]) < least or not found["shown"] or found["most"] > 100:
        raise RuntimeError(
            f"{len(found['draws'])} drawings in {frames} frames, at most {found['most']} lines"
        )
    return frame_figures(f"ladder, {PACKETS:,} packets {name}", found, AT_LEAST)
