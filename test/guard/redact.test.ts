import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/guard/redact.ts';
import { SECRET_MASK } from '../../src/protocol/content.ts';

/** Letters that are no secret and no word, by a rule that never repeats a long row. */
const body = (length: number, alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789') =>
  Array.from({ length }, (_, n) => alphabet[(n * 7 + (n >> 3)) % alphabet.length]).join('');
const upper = (length: number) => body(length, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567');

const PEM = [
  '-----BEGIN RSA PRIVATE KEY-----',
  ...Array.from({ length: 8 }, () => body(64)),
  `${body(30)}==`,
  '-----END RSA PRIVATE KEY-----',
].join('\n');

/** One of each kind, put together here so that no scanner takes this file for a leak. */
const SHAPES: Record<string, string> = {
  anthropic: `sk-ant-${'api03-'}${body(90)}`,
  openai: `sk-proj-${body(48)}`,
  'an older OpenAI key': `sk-${body(48)}`,
  github: `ghp_${body(36)}`,
  'a fine-grained GitHub token': `github_pat_${body(22)}_${body(59)}`,
  gitlab: `glpat-${body(20)}`,
  'an AWS key id': `AKIA${upper(16)}`,
  google: `AIza${body(35)}`,
  slack: `xoxb-${'123456789012-'}${body(24)}`,
  stripe: `sk_live_${body(24)}`,
  npm: `npm_${body(36)}`,
  'a RunTools key': `rt_live_${body(32)}`,
  'a RunTools test key': `rt_test_${body(32)}`,
  'a JSON web token': `eyJ${body(33)}.eyJ${body(60)}.${body(43)}`,
  'a private key': PEM,
  'a private key in JSON': JSON.stringify(PEM).slice(1, -1),
};

const OWN = `owner${body(30).toLowerCase()}!"/`;
const redactor = createRedactor([OWN, 'short']);

const inPieces = (pieces: readonly string[]) => {
  const stream = redactor.stream();
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end();
};

describe('a redactor', () => {
  it.each(Object.entries(SHAPES))('masks %s, whole, and nothing beside it', (_name, secret) => {
    expect(redactor.text(secret)).toBe(SECRET_MASK);
    expect(redactor.text(`before "${secret}" after`)).toBe(`before "${SECRET_MASK}" after`);
    expect(redactor.text(`é${secret}\n😀`)).toBe(`é${SECRET_MASK}\n😀`);
  });

  it.each(Object.entries({ ...SHAPES, 'a secret of this device': OWN }))(
    'masks %s cut in two at every place, and in three at many',
    (_name, secret) => {
      const text = `x ${secret} y`;
      for (let at = 0; at <= text.length; at += 1) {
        expect(inPieces([text.slice(0, at), text.slice(at)])).toBe(`x ${SECRET_MASK} y`);
        for (let then = at; then <= text.length; then += 17) {
          expect(inPieces([text.slice(0, at), text.slice(at, then), text.slice(then)])).toBe(
            `x ${SECRET_MASK} y`,
          );
        }
      }
      expect(inPieces([...text])).toBe(`x ${SECRET_MASK} y`);
    },
  );

  it('says of any text in any pieces what it says of the whole', () => {
    const bits = [
      ...Object.values(SHAPES),
      OWN,
      'sk-',
      'eyJ',
      '-----BEGIN PRIVATE KEY-----',
      '-----END PRIVATE KEY-----',
    ];
    const part = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...bits) },
      // A secret's beginning, or its end, or a middle.
      fc
        .tuple(fc.constantFrom(...bits), fc.nat(200), fc.nat(200))
        .map(([bit, a, b]) => bit.slice(Math.min(a, b), Math.max(a, b))),
      fc.string({ maxLength: 12, unit: 'grapheme' }),
      fc.constantFrom('.', '\n', ' ', '"', '\u001b[31m', '\u001b[', '\u001b', '😀'),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (parts, cuts) => {
        const text = parts.join('');
        const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((to, n) => text.slice(places[n], to));
        expect(inPieces(pieces)).toBe(redactor.text(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it('leaves no letter of a secret in any mixture of secrets and other words', () => {
    const secrets = Object.values(SHAPES);
    const words = fc.string({ maxLength: 20, unit: fc.constantFrom(...'abc .,\n😀é-_') });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(words, fc.constantFrom(...secrets)), { minLength: 1, maxLength: 5 }),
        (parts) => {
          const answer = redactor.text(parts.map(([word, secret]) => `${word} ${secret} `).join(''));
          for (const [, secret] of parts) expect(answer).not.toContain(secret.slice(-20));
        },
      ),
    );
  });

  it('masks neighbours and secrets within secrets as one', () => {
    const { github = '', anthropic = '' } = SHAPES;
    expect(redactor.text(`${github} ${anthropic}`)).toBe(`${SECRET_MASK} ${SECRET_MASK}`);
    expect(redactor.text(`${github}${anthropic}`)).toBe(SECRET_MASK);
    const holder = createRedactor([`left ${github} right`]);
    expect(holder.text(`a left ${github} right b`)).toBe(`a ${SECRET_MASK} b`);
    expect(holder.text(`a left ${github} wrong b`)).toBe(`a left ${SECRET_MASK} wrong b`);
  });

  it('masks what this device holds in JSON, in a URL and in base64, wherever in the base64 it begins', () => {
    expect(redactor.text(JSON.stringify({ key: OWN }))).toBe(`{"key":"${SECRET_MASK}"}`);
    expect(redactor.text(`https://h/?k=${encodeURIComponent(OWN)}&x=1`)).toBe(
      `https://h/?k=${SECRET_MASK}&x=1`,
    );
    for (const before of ['', 'a', 'ab', 'abc']) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const encoded = Buffer.from(`${before}${OWN} and more`).toString(encoding);
        const told = redactor.text(encoded);
        expect(told).toContain(SECRET_MASK);
        expect(told.length).toBeLessThan(50);
      }
    }
    expect(redactor.text('too short to be a secret')).toBe('too short to be a secret');
  });

  it('is not deceived by colours in the middle of a secret', () => {
    const secret = SHAPES.github ?? '';
    const coloured = `\u001b[01;31m\u001b[Kghp_\u001b[m\u001b[K${secret.slice(4)}\u001b[0m.`;
    expect(redactor.text(coloured)).toBe(`\u001b[01;31m\u001b[K${SECRET_MASK}\u001b[0m.`);
  });

  it('keeps the name of a setting and masks its value', () => {
    const value = body(40);
    expect(redactor.text(`aws_secret_access_key = ${value}\n`)).toBe(
      `aws_secret_access_key = ${SECRET_MASK}\n`,
    );
    expect(redactor.text(`Authorization: Bearer ${value}`)).toBe(`Authorization: Bearer ${SECRET_MASK}`);
  });

  it('leaves alone what only looks like a secret', () => {
    const plain = [
      'task-force, disk-usage, sk-learn',
      'The key begins with sk-ant- and AKIA; a file with -----BEGIN PRIVATE KEY----- at its head is a key, and so on for a long while, since words about keys are no keys and must be told as they are, all of them, to their very end, whatever comes.',
      'sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJmaWxlIjoiYSJ9',
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----',
      '1a410efbd13591db07496601ebc7a059dd55cfe9',
    ];
    for (const text of plain) expect(redactor.text(text)).toBe(text);
  });

  it('holds back no more than a beginning, however long the text is', () => {
    const stream = redactor.stream();
    let pushed = 0;
    let told = 0;
    let most = 0;
    const noise = 'sk-ant-eyJghp_ -----BEGIN PRIVATE KEY----- eyJaaaaaaaaaaaaaa.b ';
    for (const unit of noise.repeat(400)) {
      pushed += 1;
      told += stream.push(unit).length;
      most = Math.max(most, pushed - told);
    }
    expect(most).toBeLessThan(400);
    const header = redactor.stream();
    const long = `eyJ${'a'.repeat(100_000)}`;
    expect(long.length - header.push(long).length).toBeLessThan(40);
  });

  it('lets go of a key whose end never comes', () => {
    const cut = `${PEM.slice(0, 400)}\n${'and then a story. '.repeat(2_000)}the end`;
    const told = redactor.text(cut);
    expect(told.startsWith(SECRET_MASK)).toBe(true);
    expect(told.endsWith('the end')).toBe(true);
  });

  it('says the same of what it has said', () => {
    for (const secret of Object.values(SHAPES)) {
      const once = redactor.text(`a ${secret} b`);
      expect(redactor.text(once)).toBe(once);
    }
  });
});
