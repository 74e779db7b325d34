/** Numbers, times and bytes as people read them. Pure. */

const THIN = "\u202f";
const MINUS = "\u2212";

/** 12 345 with thin spaces. @param {number} value */
export function count(value) {
  const digits = Math.abs(Math.round(value)).toString();
  const grouped = digits.length > 4 ? digits.replace(/\B(?=(\d{3})+$)/g, THIN) : digits;
  return (value < 0 && digits !== "0" ? MINUS : "") + grouped;
}

/** At most `digits` behind the point, none that are zero. @param {number} value @param {number} [digits] */
export function number(value, digits = 1) {
  return String(Number(value.toFixed(digits))).replace("-", MINUS);
}

/** 36.4 % @param {number|null|undefined} value */
export function percent(value) {
  return value === null || value === undefined || Number.isNaN(value) ? "–" : `${number(value)} %`;
}

/** A time in ms with three meaningful digits, without the unit. @param {number|null|undefined} ms */
export function msDigits(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  return ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}

/** @param {number|null|undefined} ms */
export function milliseconds(ms) {
  const digits = msDigits(ms);
  return digits === "–" ? digits : `${digits} ms`;
}

/** How long something runs: 5 s, 3 min 20 s, 2 h 05 min. @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor(whole / 60) % 60)} min`;
}

/** How long something took: 12 ms, and from a second on as above. @param {number} seconds */
export function took(seconds) {
  const ms = Math.max(1, Math.round(1000 * seconds));
  return ms < 1000 ? `${ms} ms` : duration(ms / 1000);
}

/** Seconds since the start, in the log. @param {number} seconds */
export function since(seconds) {
  return (seconds < 0 ? MINUS : "+") + Math.abs(seconds).toFixed(3);
}

/** The wall clock, 14:03:20.123. @param {number} t seconds since 1970 @param {number} [digits] */
export function clock(t, digits = 3) {
  const date = new Date(Math.round(t * 1000));
  const day = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":");
  return digits ? `${day}.${String(date.getMilliseconds()).padStart(3, "0").slice(0, digits)}` : day;
}

/** @param {number} value */
function pad(value) {
  return String(value).padStart(2, "0");
}

/** A size as a number and its unit. @param {number} value @returns {[string, string]} */
export function size(value) {
  if (value < 10_000) return [count(value), value === 1 ? "byte" : "bytes"];
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let place = -1;
  while (value >= 1024 && place < units.length - 1) {
    value /= 1024;
    place += 1;
  }
  return [value >= 100 ? value.toFixed(0) : value.toFixed(1), units[place]];
}

/** A counter's value as a number and its unit. @param {number} value @param {string} unit @returns {[string, string]} */
export function quantity(value, unit) {
  return unit === "bytes" ? size(value) : [count(value), unit];
}

/** «1 ping», «2 pings» @param {number} value @param {string} noun @param {string} [many] as «guesses» */
export function plural(value, noun, many = `${noun}s`) {
  return `${count(value)} ${value === 1 ? noun : many}`;
}

/** received_bytes is «Received bytes». @param {string} name */
export function title(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The address without its port: the part that names a machine. @param {string} peer */
export function host(peer) {
  const cut = peer.lastIndexOf(":");
  return cut < 0 ? peer : peer.slice(0, cut).replace(/^\[|\]$/g, "");
}
