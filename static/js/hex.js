/** Bytes as Wireshark shows them: the offset, 16 in hex, the same as text. Pure. */

/** @typedef {{offset: string, hex: string, text: string}} HexRow */

/** Base64 to bytes. @param {string} text */
export function decode(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Rows of 16 bytes; what cannot be printed is a point. @param {Uint8Array} bytes @returns {HexRow[]} */
export function hexRows(bytes) {
  const rows = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const part = bytes.subarray(start, start + 16);
    const pairs = Array.from(part, (byte) => byte.toString(16).padStart(2, "0"));
    const left = pairs.slice(0, 8).join(" ").padEnd(23);
    const right = pairs.slice(8).join(" ").padEnd(23);
    const text = Array.from(part, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·"));
    rows.push({ offset: start.toString(16).padStart(4, "0"), hex: `${left}  ${right}`, text: text.join("") });
  }
  return rows;
}

/** «cut: 512 of 1400 bytes», or how many there are. @param {number} shown @param {number} size */
export function extent(shown, size) {
  return shown < size ? `cut: ${shown} of ${size} bytes` : `${size} ${size === 1 ? "byte" : "bytes"}`;
}
