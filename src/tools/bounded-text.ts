/** A text of which the middle may be missing. Lengths are UTF-16 units; cuts never fall inside a surrogate pair. */
export interface CutText {
  head: string;
  /** Units between head and tail that are gone. */
  cut: number;
  tail: string;
}

/** `text` within `maxUnits`, its middle cut where it is longer, with a line that says so. */
export function boundText(text: string, maxUnits: number): string {
  return boundCutText({ head: text, cut: 0, tail: '' }, maxUnits);
}

/** The same for a text that has lost some of its middle already. */
export function boundCutText({ head, cut, tail }: CutText, maxUnits: number): string {
  if (cut === 0) {
    const whole = head + tail;
    if (whole.length <= maxUnits) return whole;
    const half = Math.floor(maxUnits / 2);
    const [first, last] = [firstUnits(whole, half), lastUnits(whole, half)];
    return joinCut(first, whole.length - first.length - last.length, last);
  }
  const half = Math.floor(maxUnits / 2);
  const [first, last] = [firstUnits(head, half), lastUnits(tail, half)];
  return joinCut(first, cut + head.length - first.length + tail.length - last.length, last);
}

/** What stands in the place of what was cut. */
export function cutNote(units: number): string {
  return `\n[… ${units} characters were cut here …]\n`;
}

export function firstUnits(text: string, units: number): string {
  if (units >= text.length) return text;
  return text.slice(0, Math.max(0, splitsPair(text, units) ? units - 1 : units));
}

export function lastUnits(text: string, units: number): string {
  if (units >= text.length) return text;
  const from = text.length - Math.max(0, units);
  return text.slice(splitsPair(text, from) ? from + 1 : from);
}

function joinCut(head: string, cut: number, tail: string): string {
  return head + cutNote(cut) + tail;
}

function splitsPair(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return index > 0 && code >= 0xdc00 && code <= 0xdfff;
}

/** Models count about four characters a token. */
export const UNITS_PER_TOKEN = 4;
/** What a tool gives back at the most: 10,000 tokens, the Codex CLI's default. */
export const MAX_OUTPUT_UNITS = 10_000 * UNITS_PER_TOKEN;
