/**
 * Text of a model, a tool, a file or another machine, made safe for a terminal: escape sequences go whole, and so
 * does every control character but newline and tab, the signs that turn the direction of writing (CVE-2021-42574) and
 * the invisible tag characters. A lone carriage return becomes a newline: it would let a line overwrite itself.
 */
export function clean(text: string): string {
  return text.replace(ESCAPE_SEQUENCES, '').replace(/\r\n?/g, '\n').replace(UNSAFE, '');
}

/** The same, on one line: runs of white space become a space. */
export function cleanLine(text: string): string {
  return clean(text).replace(/\s+/g, ' ').trim();
}

/** At most `width` characters of a line; what was cut shows as an ellipsis. */
export function shorten(line: string, width: number): string {
  const characters = [...line];
  return characters.length <= width ? line : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** OSC, DCS, SOS, PM and APC up to their end (BEL or ST), then CSI, then the short ones. ECMA-48, 8-bit forms included. */
const ESCAPE_SEQUENCES =
  /(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-Z\\^-~]/g;

const UNSAFE =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
