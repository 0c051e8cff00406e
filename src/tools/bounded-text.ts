/**
 * Keeps the beginning and the end of a text that may be endless, and counts what went between. Units are UTF-16 code
 * units; a cut never falls inside a surrogate pair.
 */
export class BoundedText {
  readonly #half: number;
  #head = '';
  #headFull = false;
  #tail = '';
  #cut = 0;

  constructor(maxUnits: number) {
    this.#half = Math.floor(maxUnits / 2);
  }

  /** How long the text is, what was cut included. */
  get units(): number {
    return this.#head.length + this.#cut + this.#tail.length;
  }

  /** Adds to the text. `cut` units before `text` were lost on the way here. */
  push(text: string, cut = 0): void {
    if (cut > 0) {
      // One gap is told, so a tail from before a second one goes as well.
      this.#cut += cut + this.#tail.length;
      this.#tail = '';
      this.#headFull = true;
    }
    const room = this.#headFull ? 0 : boundary(text, this.#half - this.#head.length);
    this.#head += text.slice(0, room);
    if (room < text.length) this.#headFull = true;
    this.#tail += text.slice(room);
    // Twice the room before it is trimmed, so that many small pieces are not copied each time.
    if (this.#tail.length > 2 * this.#half) this.#trimTail();
  }

  /** The text within about `maxUnits`, with a line that says how much is missing in the place of what was cut. */
  within(maxUnits: number): string {
    this.#trimTail();
    if (this.#cut === 0 && this.units <= maxUnits) return this.#head + this.#tail;
    const half = Math.floor(maxUnits / 2);
    const whole = this.#cut === 0 ? this.#head + this.#tail : undefined;
    const head = firstUnits(whole ?? this.#head, half);
    const tail = lastUnits(whole ?? this.#tail, half);
    const missing = this.units - head.length - tail.length;
    return missing === 0 ? head + tail : head + cutNote(missing) + tail;
  }

  #trimTail(): void {
    if (this.#tail.length <= this.#half) return;
    const kept = lastUnits(this.#tail, this.#half);
    this.#cut += this.#tail.length - kept.length;
    this.#tail = kept;
  }
}

/** `text` within about `maxUnits`, its middle cut where it is longer. */
export function boundText(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return text;
  const bounded = new BoundedText(maxUnits);
  bounded.push(text);
  return bounded.within(maxUnits);
}

/** The line that stands where `units` of a text are missing. */
export function cutNote(units: number): string {
  return `\n[… ${units} characters, about ${tokensOf(units)} tokens, were cut here …]\n`;
}

export function tokensOf(units: number): number {
  return Math.ceil(units / UNITS_PER_TOKEN);
}

/** The first `units` of a text, one less where that would part a surrogate pair. */
export function firstUnits(text: string, units: number): string {
  return text.slice(0, boundary(text, units));
}

/** The last `units` of a text, one less where that would part a surrogate pair. */
function lastUnits(text: string, units: number): string {
  const start = text.length - units;
  if (start <= 0) return text;
  return text.slice(boundary(text, start) === start ? start : start + 1);
}

/** `index`, or the one before it where it would part a surrogate pair. */
function boundary(text: string, index: number): number {
  if (index <= 0) return 0;
  if (index >= text.length) return text.length;
  const parts = HIGH.test(text.charAt(index - 1)) && LOW.test(text.charAt(index));
  return parts ? index - 1 : index;
}

const HIGH = /[\ud800-\udbff]/;
const LOW = /[\udc00-\udfff]/;
/** Models count about four characters of ordinary text a token. */
export const UNITS_PER_TOKEN = 4;
/** What a tool gives back, at most, in tokens. */
export const DEFAULT_OUTPUT_TOKENS = 10_000;
export const MAX_OUTPUT_UNITS = DEFAULT_OUTPUT_TOKENS * UNITS_PER_TOKEN;
