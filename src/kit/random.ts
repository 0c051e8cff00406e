import { randomBytes, randomUUID } from 'node:crypto';

/** Randomness, handed in by the composition root, so that a seed can own it in tests and in the fault lab. */
export interface Random {
  /** A number in [0, 1). */
  unit(): number;
  /** A version 4 UUID. */
  uuid(): string;
  bytes(length: number): Buffer;
}

export const systemRandom: Random = {
  unit: () => Math.random(),
  uuid: () => randomUUID(),
  bytes: (length) => randomBytes(length),
};

/** An identifier such as `thr_3f9c…`: the prefix and 24 hexadecimal digits (96 random bits). */
export function prefixedId(random: Random, prefix: string): string {
  return `${prefix}_${random.bytes(12).toString('hex')}`;
}

/** `length` characters drawn evenly from `alphabet` (at most 256 characters long). */
export function randomText(random: Random, length: number, alphabet: string): string {
  const limit = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length)) {
      // Bytes above the last whole multiple would favour the alphabet's first letters.
      if (byte < limit && text.length < length) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}
