/** Bytes as Wireshark shows them: the offset, 16 in hex, the same as text. Pure. */

/** @typedef {{offset: string, hex: string, text: string}} HexRow */

/** Base64 to bytes. @param {string} text */
export function decode(text) {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
}

/** Two digits. @param {number} byte */
export function pair(byte) {
  return byte.toString(16).padStart(2, "0");
}

/** Whether a byte is a letter, a sign or a blank of ASCII. @param {number} byte */
export function isLetter(byte) {
  return byte >= 32 && byte < 127;
}

/** The letter; a point for what is none. @param {number} byte */
export function letter(byte) {
  return isLetter(byte) ? String.fromCharCode(byte) : "·";
}

/** Rows of 16 bytes; what cannot be printed is a point. @param {Uint8Array} bytes @returns {HexRow[]} */
export function hexRows(bytes) {
  const rows = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const part = bytes.subarray(start, start + 16);
    const pairs = Array.from(part, pair);
    const left = pairs.slice(0, 8).join(" ").padEnd(23);
    const right = pairs.slice(8).join(" ").padEnd(23);
    const text = Array.from(part, letter);
    rows.push({ offset: start.toString(16).padStart(4, "0"), hex: `${left}  ${right}`, text: text.join("") });
  }
  return rows;
}

/** «cut: 512 of 1400 bytes», or how many there are. @param {number} shown @param {number} size */
export function extent(shown, size) {
  return shown < size ? `cut: ${shown} of ${size} bytes` : `${size} ${size === 1 ? "byte" : "bytes"}`;
}
