/**
 * A text with every character that would not show, or would show elsewhere, written as an escape, so that what a person reads
 * is what there is. Line feeds and tabs stay.
 */
export function showExactly(text: string): string {
  return text.replace(UNSHOWN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Whether something in a text does not show, or not where it stands. */
export function hidesSomething(text: string): boolean {
  return text.search(UNSHOWN) >= 0;
}

/** Control, format (direction marks, zero width, tags), other spaces and line ends, private use, halves of pairs. */
const UNSHOWN =
  /(?![\n\t ])(?:[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zs}\p{Zl}\p{Zp}]|\u034f|[\u115f\u1160\u3164\uffa0]|\u17b4|\u17b5)/gu;
