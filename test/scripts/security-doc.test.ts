import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ATTACKS = join(ROOT, 'test/attacks');
const DOC = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');

/** The numbers with which the names of a file's cases begin: `'81 are …'`, `'40, 41 over …'`. */
function casesIn(file: string): Set<number> {
  const text = readFileSync(join(ATTACKS, file), 'utf8');
  const names = text.matchAll(NAME);
  return new Set([...names].flatMap(([, numbers = '']) => numbers.split(', ').map(Number)));
}

/** What the document says: each file with the numbers that stand behind its name. */
function claims(): [file: string, number: number][] {
  const cells = [...DOC.matchAll(/^\| .+ \| (`.+) \|$/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) =>
    [...cell.matchAll(/`([\w-]+)` ((?:[\d–]+(?:, )?)+)/g)].flatMap(([, name = '', numbers = '']) =>
      numbers
        .split(', ')
        .filter(Boolean)
        .flatMap(range)
        .map((number): [string, number] => [`${name}.test.ts`, number]),
    ),
  );
}

function range(text: string): number[] {
  const [first = 0, last = first] = text.split('–').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

describe('SECURITY.md', () => {
  const files = readdirSync(ATTACKS).filter((name) => name.endsWith('.test.ts'));

  it('names cases that exist, in the files it says', () => {
    const missing = claims().filter(([file, number]) => !files.includes(file) || !casesIn(file).has(number));
    expect(missing).toEqual([]);
    expect(claims().length).toBeGreaterThan(60);
  });

  it('names every case there is', () => {
    const named = new Set(claims().map(([file, number]) => `${file} ${number}`));
    const all = files.flatMap((file) => [...casesIn(file)].map((number) => `${file} ${number}`));
    expect(all.filter((one) => !named.has(one))).toEqual([]);
  });
});

/** A test's name is the first word of its line, or of its call: `it(`, `attack(`, `])(`. */
const NAME = /(?:^\s*|\]\)\(|\b(?:it|attack)\b[^'"`\n]*\()['"`]((?:\d+, )*\d+) [a-z`.]/gm;
