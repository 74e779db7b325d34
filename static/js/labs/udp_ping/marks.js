/** Markers as parts of one path: a shape per client, so that colour is never alone. */

/** @typedef {(path: Path2D, x: number, y: number, r: number) => void} Shape */

/** @type {Shape} */
const circle = (path, x, y, r) => {
  path.moveTo(x + r, y);
  path.arc(x, y, r, 0, 2 * Math.PI);
};
/** @type {Shape} */
const square = (path, x, y, r) => path.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
/** @type {Shape} */
const triangle = (path, x, y, r) => {
  path.moveTo(x, y - 1.2 * r);
  path.lineTo(x + 1.1 * r, y + 0.8 * r);
  path.lineTo(x - 1.1 * r, y + 0.8 * r);
  path.closePath();
};
/** @type {Shape} */
const diamond = (path, x, y, r) => {
  path.moveTo(x, y - 1.3 * r);
  path.lineTo(x + 1.3 * r, y);
  path.lineTo(x, y + 1.3 * r);
  path.lineTo(x - 1.3 * r, y);
  path.closePath();
};
/** @type {Shape} */
const upturned = (path, x, y, r) => {
  path.moveTo(x, y + 1.2 * r);
  path.lineTo(x + 1.1 * r, y - 0.8 * r);
  path.lineTo(x - 1.1 * r, y - 0.8 * r);
  path.closePath();
};
/** @type {Shape} */
const bar = (path, x, y, r) => path.rect(x - 0.45 * r, y - 1.3 * r, 0.9 * r, 2.6 * r);

/** One shape per client, in turn. */
export const SHAPES = [circle, square, triangle, diamond, upturned, bar];

/** Which shape: after six clients the colours come again with other shapes. @param {number} index */
export function shapeOf(index) {
  return SHAPES[(index + Math.floor(index / 6)) % SHAPES.length];
}

/** @type {Shape} */
export const cross = (path, x, y, r) => {
  path.moveTo(x - r, y - r);
  path.lineTo(x + r, y + r);
  path.moveTo(x + r, y - r);
  path.lineTo(x - r, y + r);
};
/** @type {Shape} */
export const doubleRing = (path, x, y, r) => {
  circle(path, x, y, r + 0.5);
  circle(path, x, y, 1.9 * r + 0.5);
};
/** @type {Shape} */
export const crossedBox = (path, x, y, r) => {
  square(path, x, y, 1.2 * r);
  cross(path, x, y, r);
};
/** @type {Shape} */
export const tick = (path, x, y, r) => {
  path.moveTo(x, y - r);
  path.lineTo(x, y + r);
};
