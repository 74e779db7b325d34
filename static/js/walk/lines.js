/** Of thousands of lines only those in view are in the document: which ones are, and where they stand. */

/** @param {HTMLElement} space the lines' place, as high as all of them */
export function createLines(space) {
  /** By their place. @type {Map<number, HTMLElement>} */
  const drawn = new Map();
  return {
    /** @param {number} place */
    at: (place) => drawn.get(place),
    /** What stands there says something else now. */
    clear() {
      for (const line of drawn.values()) line.remove();
      drawn.clear();
    },
    /** The lines of the places [first, last), and no others. @param {number} first @param {number} last @param {number} height of a line @param {(place: number) => HTMLElement} make */
    show(first, last, height, make) {
      for (const [place, line] of drawn) {
        if (place >= first && place < last) continue;
        line.remove();
        drawn.delete(place);
      }
      /** @type {HTMLElement[]} */
      const fresh = [];
      for (let place = first; place < last; place += 1) {
        if (drawn.has(place)) continue;
        const line = make(place);
        line.style.transform = `translateY(${place * height}px)`;
        drawn.set(place, line);
        fresh.push(line);
      }
      space.append(...fresh);
    },
  };
}

/** How high a line is, in whole pixels; the page's style has it in rem, and takes it from here. @param {HTMLElement} box */
export function heightOf(box) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const height = Math.round(parseFloat(getComputedStyle(box).getPropertyValue("--rung")) * rem) || 44;
  box.style.setProperty("--step", `${height}px`);
  return height;
}
