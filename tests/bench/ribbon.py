"""Ribbon: frames per second of the byte-stream view with 5,000 calls, while it is panned and zoomed.

A real Chromium has the page of a TCP lab open. The page's own modules get the events of a connection of
5,000 calls (sends and reads, joined and cut) through a store, as they would from the dashboard. Then the
pointer drags, or the wheel zooms, at every frame; the time from each ``requestAnimationFrame`` to the next
is taken, and what the script needed for each drawing (``performance.measure``). Chromium runs without a
graphics card here, and draws in software.
"""

from __future__ import annotations

from typing import Any

from tests.bench.browser import browsing, frame_figures
from tests.bench.figures import Figure

CALLS = 5_000
FRAMES = 240
AT_LEAST = 50
"""Frames per second that are asked."""

FILL = """async ([calls, live]) => {
  const { createStore } = await import("/static/js/keep.js");
  const { mountRibbon } = await import("/static/js/ribbon/ribbon.js");
  const page = JSON.parse(document.getElementById("page").textContent);
  const card = document.querySelector(".stream");
  card.querySelector(".ribbonpanes").replaceChildren();
  const store = createStore(page.instance);
  mountRibbon(card, store, page);
  card.querySelector("[data-direction=to_client]").click();
  const offsets = {};
  let n = 2;
  const call = (conn, peer, kind, size) => {
    const offset = offsets[conn] ?? 0;
    offsets[conn] = offset + size;
    n += 1;
    return { n, t: n / 1000, kind, conn, peer, way: "to_client", offset, asked: 64,
             data: { head: btoa(`Round ${n}: ${"x".repeat(40)}\\n`.slice(0, size)), size } };
  };
  const own = "127.0.0.1:53124", at = "127.0.0.1:12000";
  const events = [
    { n: 1, t: 0, kind: "connection_opened", conn: "c1", peer: own },
    { n: 2, t: 0, kind: "connection_opened", conn: "client-53124", peer: at, own },
  ];
  while (n < calls + 2) {
    events.push(call("c1", own, "data_sent", 27), call("c1", own, "data_sent", 17));
    const cuts = n % 3 ? [44] : [10, 34];
    for (const size of n % 5 ? cuts : [27, 17]) events.push(call("client-53124", at, "data_received", size));
  }
  const kept = events.slice(0, calls + 2);
  store.dispatch({ type: "joining" });
  store.dispatch({ type: "snapshot", snapshot: {
    instance: page.instance.id, state: page.instance, counters: {}, dropped: 0, n: live ? 2 : kept.length,
    resumed: false, events: live ? kept.slice(0, 2) : kept, series: { marks: [], seconds: [] },
    requests: [], people: {},
  } });
  let sent = 2;
  window.arrive = (count) => {
    const some = kept.slice(sent, sent + count);
    sent += some.length;
    if (some.length) store.dispatch({ type: "frame", frame: {
      instance: page.instance.id, n: some.at(-1).n, events: some, counters: {}, dropped: 0, t: 1 } });
  };
}"""
"""Mounts the page's view on a store of its own, and gives it the calls: at once, or ``arrive(count)``."""

DRIVE = """([frames, way]) => new Promise((done) => {
  const canvas = document.querySelector(".stream .ribbonpane[data-way=to_client] canvas");
  const box = canvas.getBoundingClientRect();
  const at = (x) => ({ clientX: box.left + x, clientY: box.top + 60, pointerId: 1, bubbles: true });
  canvas.setPointerCapture = () => {};
  const times = [];
  const first = performance.getEntriesByName("chart-update").length;
  let frame = 0, before = 0, x = 400;
  const step = (t) => {
    if (before) times.push(t - before);
    before = t;
    if (frame === frames) {
      if (way === "pan") canvas.dispatchEvent(new PointerEvent("pointerup", at(x)));
      const draws = performance.getEntriesByName("chart-update").slice(first).map((entry) => entry.duration);
      return done({ times, draws, shown: window.socketLab.ribbon().ways.to_client });
    }
    if (way === "pan") {
      if (frame % 40 === 0) {
        if (frame) canvas.dispatchEvent(new PointerEvent("pointerup", at(x)));
        x = (frame / 40) % 2 ? 100 : 700;
        canvas.dispatchEvent(new PointerEvent("pointerdown", at(x)));
      }
      x += Math.floor(frame / 40) % 2 ? 15 : -15;
      canvas.dispatchEvent(new PointerEvent("pointermove", at(x)));
    } else if (way === "zoom") {
      const nearer = Math.floor(frame / 60) % 2 === 0;
      const turn = { deltaY: nearer ? -40 : 40, ctrlKey: true, cancelable: true };
      canvas.dispatchEvent(new WheelEvent("wheel", { ...at(500), ...turn }));
    } else window.arrive(Math.ceil(5000 / frames));
    frame += 1;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


def run(quick: bool) -> list[Figure]:
    """Pan with every call in view, pan at a scale to read at, zoom, and follow calls that arrive."""
    with browsing() as (board, page):
        made = board.api("POST", "/instances", {"lab": "tcp_upper", "settings": {"port": 0}})
        figures = []
        for name, way, scale in (
            ("panned, at a scale to read at", "pan", "newest"),
            ("panned, a part of a pixel a byte", "pan", "far"),
            ("zoomed in and out", "zoom", "all"),
            ("followed while they arrive", "live", "newest"),
        ):
            page.goto(f"http://{board.address}/instances/{made['id']}")
            figures += measured(page, name, way, scale, FRAMES // 2 if quick else FRAMES)
    return figures


def measured(page: Any, name: str, way: str, scale: str, frames: int) -> list[Figure]:
    """One way of moving it: frames per second, and what a drawing took."""
    page.wait_for_selector("#link[data-link=live]")
    page.locator(".stream").scroll_into_view_if_needed()
    page.evaluate(FILL, [CALLS, way == "live"])
    if scale != "newest":
        page.locator(".stream [data-follow=all]").click()
    if scale == "far":
        for _ in range(5):
            page.locator(".stream [data-zoom=in]").click()
    page.wait_for_timeout(500)
    found = page.evaluate(DRIVE, [frames, way])
    shown = found["shown"]
    if len(found["draws"]) < 0.9 * frames or not (shown["blocks"] or shown["bands"]):
        raise RuntimeError(f"{len(found['draws'])} drawings in {frames} frames, of {shown['extent']} bytes")
    return frame_figures(f"ribbon, {CALLS:,} calls {name}", found, AT_LEAST)
