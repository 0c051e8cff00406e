import { BASE64_UNITS, type SecretShape, type Stretch } from './secret-shapes.ts';

type Kind = SecretShape | 'pem';

/** What may become a secret, or is one that goes on. */
interface Open {
  kind: Kind;
  from: number;
  stretch: number;
  /** Units of the stretch; for PEM, units since its beginning. */
  count: number;
  /** Where the stretch began. */
  since: number;
  /** PEM: units of base64 in a row. */
  row: number;
  isSecret: boolean;
}

/**
 * The secrets whose beginning was read and whose end was not. At any time there is at most one open for each kind and
 * stretch, since of two that are at the same stretch the earlier covers the later; so a unit costs the same however long
 * the text is.
 */
export class SecretsUnderWay {
  readonly #mask: (from: number, to: number) => void;
  #open: Open[] = [];

  constructor(mask: (from: number, to: number) => void) {
    this.#mask = mask;
  }

  get any(): boolean {
    return this.#open.length > 0;
  }

  /** Where the first begins that may or may not be a secret; Infinity when all is decided. */
  get from(): number {
    return this.#open.reduce(
      (first, { isSecret, from }) => (isSecret ? first : Math.min(first, from)),
      Infinity,
    );
  }

  /** The last letters were a beginning. */
  begin(kind: Kind, from: number): void {
    const covered = this.#open.some((one) => one.kind === kind && one.stretch === 0 && !one.isSecret);
    if (!covered) this.#open.push({ kind, from, stretch: 0, count: 0, since: 0, row: 0, isSecret: false });
  }

  take(code: number, at: number): void {
    const became: Open[] = [];
    this.#open = this.#open.filter((open) => {
      const before = open.isSecret;
      const goesOn =
        open.kind === 'pem' ? this.#takePem(open, code, at) : this.#takeShape(open, open.kind, code, at);
      if (goesOn && open.isSecret && !before) became.push(open);
      return goesOn;
    });
    for (const open of became) {
      const covered = this.#open.some((one) => one !== open && one.kind === open.kind && one.isSecret);
      if (covered) this.#open.splice(this.#open.indexOf(open), 1);
    }
  }

  endPem(): void {
    this.#open = this.#open.filter(({ kind }) => kind !== 'pem');
  }

  /** Answers whether it stays open. */
  #takeShape(open: Open, shape: SecretShape, code: number, at: number): boolean {
    const current = shape.stretches[open.stretch];
    if (current === undefined) return false;
    if (has(current, code) && open.count < (current.most ?? Infinity)) {
      if (open.count === 0) open.since = at;
      open.count += 1;
    } else {
      const following = shape.stretches[open.stretch + 1];
      if (following === undefined || open.count < current.least || !has(following, code)) return false;
      open.stretch += 1;
      open.count = 1;
      open.since = at;
    }
    if (open.isSecret) this.#mask(at, at + 1);
    else if (
      open.stretch === shape.stretches.length - 1 &&
      open.count >= (shape.stretches[open.stretch]?.least ?? 0)
    ) {
      open.isSecret = true;
      this.#mask(shape.keepsHead ? open.since : open.from, at + 1);
    }
    return true;
  }

  /** Words about keys have no long row of base64; a key has one soon after its beginning. */
  #takePem(open: Open, code: number, at: number): boolean {
    open.count += 1;
    if (open.isSecret) {
      this.#mask(at, at + 1);
      const halfOfPair = code >= 0xd800 && code <= 0xdbff;
      return open.count < MOST_PEM_UNITS || halfOfPair;
    }
    open.row = BASE64_UNITS[code] === 1 ? open.row + 1 : 0;
    if (open.row >= LEAST_PEM_ROW) {
      open.isSecret = true;
      this.#mask(open.from, at + 1);
    }
    return open.isSecret || open.count < MOST_PEM_HEAD;
  }
}

function has({ of }: Stretch, code: number): boolean {
  return of[code] === 1;
}

/** A key of 16,384 bits, the largest that is in use, has 12,700 letters. */
const MOST_PEM_UNITS = 16_384;
/** A line of PEM has 64 letters, 70 in OpenSSH's; the headers of an encrypted key are shorter than this. */
const LEAST_PEM_ROW = 32;
const MOST_PEM_HEAD = 256;
