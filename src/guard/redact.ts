import { SECRET_MASK } from '../protocol/content.ts';
import { buildLiterals, type Literals } from './literals.ts';
import { secretForms } from './secret-forms.ts';
import { PEM_BEGINNINGS, PEM_ENDS, type SecretShape, secretShapes } from './secret-shapes.ts';
import { SecretsUnderWay } from './secrets-under-way.ts';

/** Masks secrets: keys of the known shapes, and the values it was made with in the forms of `secret-forms.ts`. */
export interface Redactor {
  text(text: string): string;
  /** For a text that comes in pieces. */
  stream(): RedactedStream;
}

export interface RedactedStream {
  /** What may be told by now. All answers put together are what `text` says of the whole, wherever it was cut. */
  push(piece: string): string;
  /**
   * Nothing comes for a while: what is held back, where that is only a few units that may begin a word. Somebody waits for
   * the end of a prompt; of a secret this tells no more than those units.
   */
  pause(): string;
  /** What was held back: the text is over. */
  end(): string;
}

export function createRedactor(secrets: readonly string[]): Redactor {
  const shapes = secretShapes();
  const own = [...new Set(secrets.flatMap(secretForms))];
  const words: Word[] = [
    ...own.map((text): Word => ({ text, is: 'secret' })),
    ...shapes.flatMap((shape) => shape.literals.map((text): Word => ({ text, is: shape }))),
    // An end comes before a beginning: the line that begins a key ends as the line that ends one.
    ...PEM_ENDS.map((text): Word => ({ text, is: 'pem_end' })),
    ...PEM_BEGINNINGS.map((text): Word => ({ text, is: 'pem' })),
  ];
  const known = { words, literals: buildLiterals(words.map(({ text }) => text)) };
  return {
    text: (text) => {
      const stream = new Stream(known);
      return stream.push(text) + stream.end();
    },
    stream: () => new Stream(known),
  };
}

/** A text to look for, and what it is: a whole secret, the end of a key in PEM, or how something begins. */
interface Word {
  text: string;
  is: 'secret' | 'pem_end' | 'pem' | SecretShape;
}

interface Known {
  words: readonly Word[];
  literals: Literals;
}

/**
 * Reads each unit once. A unit is masked when it belongs to any secret, so the answer depends on the text alone; a unit is
 * told when nothing that is still open can reach back to it, so what is held back is as long as the longest beginning.
 * Colour codes of a terminal do not count as letters: a secret with one in its middle is a secret.
 */
class Stream implements RedactedStream {
  readonly #known: Known;
  readonly #underWay = new SecretsUnderWay((from, to) => this.#mask(from, to));
  #state = 0;
  /** What was not told yet, and where in the text it begins. */
  #held = '';
  #toldUntil = 0;
  #masked: { from: number; to: number }[] = [];
  /** Whether the last unit told was part of a mask. */
  #inMask = false;
  /** Where the last letters stand, since colour codes between them do not count. */
  readonly #places: Float64Array;
  #letters = 0;
  #escape: 'none' | 'begun' | 'inside' = 'none';

  constructor(known: Known) {
    this.#known = known;
    this.#places = new Float64Array(known.literals.longest + 1);
  }

  push(piece: string): string {
    const from = this.#toldUntil + this.#held.length;
    for (let index = 0; index < piece.length; index += 1) {
      const code = piece.charCodeAt(index);
      if ((code === ESCAPE || this.#escape !== 'none') && this.#isColour(code)) continue;
      this.#take(code, from + index);
    }
    this.#held += piece;
    return this.#tell(this.#safeUntil(from + piece.length));
  }

  pause(): string {
    const end = this.#toldUntil + this.#held.length;
    const until = Math.min(end, this.#underWay.from);
    return this.#held.length > PAUSE_UNITS ? '' : this.#tell(until);
  }

  end(): string {
    return this.#tell(this.#toldUntil + this.#held.length);
  }

  #take(code: number, at: number): void {
    const { literals, words } = this.#known;
    this.#places[this.#letters % this.#places.length] = at;
    this.#letters += 1;
    this.#state = literals.next(this.#state, code);
    if (this.#underWay.any) this.#underWay.take(code, at);
    for (const index of literals.hits(this.#state)) {
      const word = words[index];
      if (word === undefined) continue;
      const from = this.#placeOf(word.text.length);
      if (word.is === 'secret') this.#mask(from, at + 1);
      else if (word.is === 'pem_end') this.#underWay.endPem();
      else this.#underWay.begin(word.is, from);
    }
  }

  /** `ESC [`, parameters, one final letter; whatever else follows an escape counts as text. */
  #isColour(code: number): boolean {
    if (this.#escape === 'none') this.#escape = 'begun';
    else if (this.#escape === 'begun' && code === BRACKET) this.#escape = 'inside';
    else if (this.#escape === 'inside' && code >= 0x20 && code <= 0x3f) return true;
    else {
      const ends = this.#escape === 'inside' && code >= 0x40 && code <= 0x7e;
      this.#escape = code === ESCAPE ? 'begun' : 'none';
      return ends || code === ESCAPE;
    }
    return true;
  }

  #placeOf(lettersAgo: number): number {
    return this.#places[(this.#letters - lettersAgo) % this.#places.length] ?? 0;
  }

  #safeUntil(end: number): number {
    const depth = this.#known.literals.depth(this.#state);
    const beginning = depth === 0 ? end : this.#placeOf(depth);
    return Math.min(end, beginning, this.#underWay.from);
  }

  #mask(from: number, to: number): void {
    const last = this.#masked.at(-1);
    if (last === undefined || from > last.to || from < last.from) this.#masked.push({ from, to });
    else if (to > last.to) last.to = to;
  }

  #tell(until: number): string {
    if (until <= this.#toldUntil) return '';
    const raw = (from: number, to: number) => this.#held.slice(from - this.#toldUntil, to - this.#toldUntil);
    let told = '';
    let at = this.#toldUntil;
    if (this.#masked.length > 1) this.#masked.sort((a, b) => a.from - b.from);
    for (const { from, to } of this.#masked) {
      if (from >= until) break;
      if (to <= at) continue;
      if (from > at) {
        told += raw(at, from);
        this.#inMask = false;
      }
      if (!this.#inMask) told += SECRET_MASK;
      this.#inMask = true;
      at = Math.min(to, until);
    }
    if (at < until) {
      told += raw(at, until);
      this.#inMask = false;
    }
    this.#masked = this.#masked.filter(({ to }) => to > until);
    this.#held = this.#held.slice(until - this.#toldUntil);
    this.#toldUntil = until;
    return told;
  }
}

const ESCAPE = 0x1b;
const BRACKET = 0x5b;
const PAUSE_UNITS = 4;
