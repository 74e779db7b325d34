/** Pointer, wheel and keys on a pane: pan, zoom, and from call to call. */

/** @typedef {import("./pane.js").Pane} Pane */

const DRAG = 4;
const STEP = 1.5;

/** @param {Pane} pane @param {(told: boolean) => void} looked something was pointed at or picked; `told`: by key or press, so that it is said */
export function tieHands(pane, looked) {
  const { canvas } = pane;
  /** @type {{x: number, from: number, moved: boolean}|null} */
  let held = null;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = { x: event.clientX, from: pane.view.from, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held && (held.moved || Math.abs(event.clientX - held.x) > DRAG)) {
      const { x, from } = held;
      held.moved = true;
      canvas.classList.add("held");
      pane.move((view) => ({ ...view, from: from - (event.clientX - x) / view.scale }));
    } else if (pane.hover(pane.spotAt(event.offsetX, event.offsetY))) looked(false);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (held && !held.moved) {
      pane.pick(pane.spotAt(event.offsetX, event.offsetY));
      looked(true);
    }
    release();
  });
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    if (pane.hover(null)) looked(false);
  });
  canvas.addEventListener("dblclick", () => pane.follow("all"));
  canvas.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      pane.zoom(Math.exp(-event.deltaY / 300), event.offsetX);
    } else if (event.deltaX || event.shiftKey) {
      event.preventDefault();
      pane.move((view) => ({ ...view, from: view.from + (event.deltaX || event.deltaY) / view.scale }));
    }
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !key(pane, event.key, event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    looked(true);
  });

  function release() {
    held = null;
    canvas.classList.remove("held");
  }
}

/** Do what a key means here; whether it means anything. @param {Pane} pane @param {string} name @param {boolean} shift */
function key(pane, name, shift) {
  const rows = pane.rows();
  if (!rows) return false;
  const way = { ArrowLeft: -1, ArrowRight: 1 }[name];
  if (way && shift) pane.move((view) => ({ ...view, from: view.from + (way * view.width) / 4 / view.scale }));
  else if (way) step(pane, way);
  else if (name === "ArrowUp" || name === "ArrowDown") across(pane, name === "ArrowUp" ? "upper" : "lower");
  else if (name === "Home" || name === "End") {
    const level = pane.picked?.level ?? (rows.upper.calls.length ? "upper" : "lower");
    pane.pick({ level, place: name === "Home" ? 0 : Math.max(0, rows[level].calls.length - 1) });
  } else if (name === "+" || name === "=") pane.zoom(STEP);
  else if (name === "-") pane.zoom(1 / STEP);
  else if (name === "0") pane.follow("all");
  else if (name === "Escape" && pane.picked) pane.pick(null);
  else return false;
  return true;
}

/** To the call before or after; without one picked, to the first or last in view. @param {Pane} pane @param {number} way */
function step(pane, way) {
  const rows = /** @type {import("./model.js").Rows} */ (pane.rows());
  const level = pane.picked?.level ?? (rows.upper.calls.length ? "upper" : "lower");
  const [first, behind] = rows[level].between(pane.view.from, pane.view.from + pane.view.width / pane.view.scale);
  const place = pane.picked ? pane.picked.place + way : way > 0 ? first : behind - 1;
  if (rows[level].calls[place]) pane.pick({ level, place });
}

/** To the call of the other row that has the same bytes. @param {Pane} pane @param {import("./words.js").Level} level */
function across(pane, level) {
  const rows = /** @type {import("./model.js").Rows} */ (pane.rows());
  const { picked } = pane;
  if (!picked) return step(pane, 1);
  if (picked.level === level) return undefined;
  const place = rows[level].first(rows[picked.level].calls[picked.place].offset);
  if (rows[level].calls[place]) pane.pick({ level, place });
  return undefined;
}

