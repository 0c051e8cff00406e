/**
 * Where `wanted` stands in `lines`, at or after `start`, looking ever less closely: as it is, without blanks at line
 * ends, without blanks at either end, and with typographic punctuation as plain. With `atEnd` the end is tried first.
 */
export function seekLines(
  lines: readonly string[],
  wanted: readonly string[],
  start: number,
  atEnd = false,
): number | undefined {
  for (const look of LOOKS) {
    const text = lines.map(look);
    const sought = wanted.map(look);
    const last = text.length - sought.length;
    if (atEnd && last >= start && standsAt(text, sought, last)) return last;
    for (let at = start; at <= last; at += 1) if (standsAt(text, sought, at)) return at;
  }
  return undefined;
}

/** Where the longest beginning of `wanted` stands, and how many lines of it, to tell where a hunk parts from the file. */
export function seekBeginning(
  lines: readonly string[],
  wanted: readonly string[],
): { at: number; matched: number } {
  const [text, sought] = [lines.map(plain), wanted.map(plain)];
  let best = { at: 0, matched: 0 };
  for (let at = 0; at < text.length; at += 1) {
    let matched = 0;
    while (matched < sought.length && text[at + matched] === sought[matched]) matched += 1;
    if (matched > best.matched) best = { at, matched };
  }
  return best;
}

function standsAt(lines: readonly string[], wanted: readonly string[], at: number): boolean {
  return wanted.every((line, index) => line === lines[at + index]);
}

function plain(line: string): string {
  return line
    .trim()
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u00a0\u2002-\u200a\u202f\u205f\u3000]/g, ' ');
}

const LOOKS: readonly ((line: string) => string)[] = [
  (line) => line,
  (line) => line.trimEnd(),
  (line) => line.trim(),
  plain,
];
