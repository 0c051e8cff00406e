/**
 * What a listener was told of one text, across the tries of a step: a try that repeats what was told says nothing, one
 * that goes on says the rest, and one that says something else starts at the difference (the reader drops what it had
 * from there). Never ends inside a surrogate pair.
 */
export class ToldText {
  readonly #tell: (offset: number, text: string) => void;
  #told = '';
  #current = '';
  /** The first half of a pair whose second half has not come. */
  #half = '';

  constructor(tell: (offset: number, text: string) => void) {
    this.#tell = tell;
  }

  get text(): string {
    return this.#current;
  }

  /** A new try begins. */
  restart(): void {
    this.#current = '';
    this.#half = '';
  }

  add(delta: string): void {
    const whole = this.#half + delta;
    this.#half = endsInsidePair(whole) ? whole.slice(-1) : '';
    const text = whole.slice(0, whole.length - this.#half.length);
    if (text === '') return;
    const repeats = this.#told.length > this.#current.length;
    this.#current += text;
    if (repeats) this.#compare();
    else this.#say(this.#told.length, text);
  }

  /** The try is complete: what was told beyond its end is taken back. */
  finish(): void {
    if (this.#half !== '') {
      this.#current += this.#half;
      this.#half = '';
      this.#compare();
    }
    if (this.#told.length > this.#current.length) this.#say(this.#current.length, '');
  }

  #compare(): void {
    if (this.#told.startsWith(this.#current)) return;
    const same = commonLength(this.#told, this.#current);
    this.#say(same, this.#current.slice(same));
  }

  #say(offset: number, text: string): void {
    this.#told = offset === this.#told.length ? this.#told + text : this.#told.slice(0, offset) + text;
    this.#tell(offset, text);
  }
}

function endsInsidePair(text: string): boolean {
  const code = text.charCodeAt(text.length - 1);
  return code >= 0xd800 && code <= 0xdbff;
}

function commonLength(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return endsInsidePair(a.slice(0, at)) ? at - 1 : at;
}
