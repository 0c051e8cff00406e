import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { logFiles, openLogFile } from '../../src/device/log-file.ts';
import { createLog } from '../../src/kit/log.ts';
import { tempDir } from '../support/temp.ts';

const text = (file: string) => readFileSync(file, 'utf8');

it('starts a new file when one is full, and keeps as many older ones as asked', async () => {
  const file = join(tempDir(), 'logs', 'daemon.log');
  const destination = openLogFile({ file, maxBytes: 50, kept: 2 });
  const line = (n: number) => `{"line":${n},"filler":"${'x'.repeat(20)}"}\n`;
  for (let n = 0; n < 9; n += 1) {
    destination.write(line(n));
    await expect.poll(() => text(file)).toContain(line(n));
  }
  const [now = '', one = '', two = ''] = logFiles(file, 2);
  expect([text(now), text(one), text(two)]).toEqual([line(8), line(6) + line(7), line(4) + line(5)]);
  expect(statSync(`${file}.3`, { throwIfNoEntry: false })).toBeUndefined();
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('goes on with the file that the last process left', async () => {
  const file = join(tempDir(), 'daemon.log');
  writeFileSync(file, 'y'.repeat(50));
  openLogFile({ file, maxBytes: 40, kept: 1 }).write('new\n');
  await expect.poll(() => statSync(file, { throwIfNoEntry: false })?.size).toBe(4);
  expect(text(`${file}.1`)).toBe('y'.repeat(50));
});

it('loses lines and not the daemon when they cannot be written', async () => {
  const file = join(tempDir(), 'daemon.log');
  const destination = openLogFile({ file, maxBytes: 10, kept: 1 });
  destination.write('0123456789\n');
  await expect.poll(() => statSync(file).size).toBe(11);
  mkdirSync(`${file}.1`);
  destination.write('more\n');
  await expect.poll(() => text(file)).toBe('0123456789\nmore\n');
});

it('masks what has a secret’s name, on the first two levels', async () => {
  const file = join(tempDir(), 'daemon.log');
  const log = createLog({ level: 'info', destination: openLogFile({ file, maxBytes: 1_000, kept: 1 }) });
  log.info({ apiKey: 'rt_secret1', request: { authorization: 'Bearer rt_secret2' } }, 'a call');
  await expect.poll(() => text(file)).toContain('a call');
  expect(text(file)).not.toContain('rt_secret');
});
