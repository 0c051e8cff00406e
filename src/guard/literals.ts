/** Many words looked for at once in a text that comes a character at a time (Aho and Corasick's automaton). */
export interface Literals {
  /** The state after one more UTF-16 unit; the first state is 0. */
  next(state: number, code: number): number;
  /** Units of the longest beginning of a word that the text ends with. */
  depth(state: number): number;
  /** Indices of the words that the text ends with, in the order of the words. */
  hits(state: number): readonly number[];
  /** Units of the longest word. */
  readonly longest: number;
}

export function buildLiterals(words: readonly string[]): Literals {
  const columns = new Columns(words);
  const { width } = columns;
  const most = words.reduce((sum, word) => sum + word.length, 1);
  const table = new Int32Array(most * width);
  const depth = new Int32Array(most);
  const hits: number[][] = [[]];
  let states = 1;
  for (const [index, word] of words.entries()) {
    let state = 0;
    for (let at = 0; at < word.length; at += 1) {
      const cell = state * width + columns.of(word.charCodeAt(at));
      if (table[cell] === 0) {
        table[cell] = states;
        depth[states] = at + 1;
        hits.push([]);
        states += 1;
      }
      state = table[cell] ?? 0;
    }
    hits[state]?.push(index);
  }
  linkSuffixes(table, hits, width);
  return {
    next: (state, code) => {
      const column = columns.of(code);
      return column < 0 ? 0 : (table[state * width + column] ?? 0);
    },
    depth: (state) => depth[state] ?? 0,
    hits: (state) => hits[state] ?? NONE,
    longest: words.reduce((longest, word) => Math.max(longest, word.length), 0),
  };
}

/** A column of the table for each ASCII unit, and for each other one that a word has. */
class Columns {
  readonly #others = new Map<number, number>();
  readonly width: number;

  constructor(words: readonly string[]) {
    for (const word of words) {
      for (let at = 0; at < word.length; at += 1) {
        const code = word.charCodeAt(at);
        if (code >= ASCII && !this.#others.has(code)) this.#others.set(code, ASCII + this.#others.size);
      }
    }
    this.width = ASCII + this.#others.size;
  }

  /** -1 for a unit that stands in no word. */
  of(code: number): number {
    return code < ASCII ? code : (this.#others.get(code) ?? -1);
  }
}

/** Breadth first: what a state does not know itself it does as the longest of its own endings that is a state would. */
function linkSuffixes(table: Int32Array, hits: number[][], width: number): void {
  const suffix = new Int32Array(hits.length);
  const queue: number[] = [];
  for (let column = 0; column < width; column += 1) {
    const child = table[column] ?? 0;
    if (child !== 0) queue.push(child);
  }
  for (let at = 0; at < queue.length; at += 1) {
    const state = queue[at] ?? 0;
    const shorter = suffix[state] ?? 0;
    hits[state] = [...(hits[state] ?? NONE), ...(hits[shorter] ?? NONE)].sort((a, b) => a - b);
    for (let column = 0; column < width; column += 1) {
      const cell = state * width + column;
      const child = table[cell] ?? 0;
      const fallback = table[shorter * width + column] ?? 0;
      if (child === 0) table[cell] = fallback;
      else {
        suffix[child] = fallback;
        queue.push(child);
      }
    }
  }
}

const ASCII = 128;
const NONE: readonly number[] = [];
