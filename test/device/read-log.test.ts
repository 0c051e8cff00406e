import { appendFileSync, fstatSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLogFile } from '../../src/device/log-file.ts';
import { readLog } from '../../src/device/read-log.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { tempDir } from '../support/temp.ts';

/** How often this process has a file open. */
function timesOpen(file: string): number {
  const { ino, dev } = statSync(file);
  return readdirSync('/dev/fd').filter((fd) => {
    try {
      const open = fstatSync(Number(fd));
      return open.ino === ino && open.dev === dev;
    } catch {
      // The folder's own, closed by now.
      return false;
    }
  }).length;
}

/** Reads a log as long as the test runs. */
function follow(file: string, kept = 5, lastBytes?: number) {
  const stop = new AbortController();
  const lines: (string | undefined)[] = [];
  const reading = (async () => {
    const end = lastBytes === undefined ? {} : { lastBytes };
    const options = { file, kept, follow: true, clock: systemClock, signal: stop.signal, ...end };
    for await (const line of readLog(options)) lines.push(line);
  })();
  onTestFinished(async () => {
    stop.abort();
    await reading;
  });
  return lines;
}

describe('reading the log', () => {
  it('begins with the oldest file that is kept', async () => {
    const file = join(tempDir(), 'daemon.log');
    writeFileSync(`${file}.2`, 'one\n');
    writeFileSync(`${file}.1`, 'two\nthree\n');
    writeFileSync(file, 'four\nfi');
    const lines: (string | undefined)[] = [];
    const options = {
      file,
      kept: 2,
      follow: false,
      clock: systemClock,
      signal: new AbortController().signal,
    };
    for await (const line of readLog(options)) lines.push(line);
    expect(lines).toEqual(['one', 'two', 'three', 'four', undefined]);
  });

  it('begins with the whole lines of the end, where only that is wanted, and goes on', async () => {
    const file = join(tempDir(), 'daemon.log');
    writeFileSync(`${file}.1`, 'older\n');
    writeFileSync(file, 'one\nzwölf\nthree\n');
    // In the middle of the ö, which has two bytes.
    const lines = follow(file, 1, 10);
    await expect.poll(() => lines).toEqual(['three', undefined]);
    appendFileSync(file, 'four\n');
    await expect.poll(() => lines.at(-1)).toBe('four');
    renameSync(file, `${file}.1`);
    writeFileSync(file, 'five\n');
    await expect.poll(() => lines).toEqual(['three', undefined, 'four', 'five']);
  });

  it('loses no line and doubles none, however often the file is rotated between two looks', async () => {
    const file = join(tempDir(), 'daemon.log');
    const lines = follow(file);
    const sink = openLogFile({ file, maxBytes: 100, kept: 5 });
    const written = Array.from(
      { length: 60 },
      (_, n) => `line ${String(n).padStart(3, '0')} ${'x'.repeat(30)}`,
    );
    for (const line of written) {
      sink.write(`${line}\n`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await expect.poll(() => lines.at(-1), { timeout: 10_000 }).toBe(written.at(-1));
    expect(lines.filter((line) => line !== undefined)).toEqual(written);
  });

  it('leaves no file open for a reader who leaves, wherever that is', async () => {
    const file = join(tempDir(), 'daemon.log');
    writeFileSync(file, 'one\ntwo\n');
    const { signal } = new AbortController();
    const options = { file, kept: 2, follow: true, clock: systemClock, signal };
    for await (const line of readLog(options)) {
      expect([line, timesOpen(file)]).toEqual(['one', 1]);
      break;
    }
    expect(timesOpen(file)).toBe(0);
    for await (const line of readLog({ ...options, lastBytes: 6 })) {
      if (line === undefined) break;
    }
    expect(timesOpen(file)).toBe(0);
    // While it reads what was rotated away, the newest is closed already.
    for await (const line of readLog(options)) {
      if (line === 'three') break;
      if (line !== undefined) continue;
      renameSync(file, `${file}.2`);
      writeFileSync(`${file}.1`, 'three\n');
      writeFileSync(file, 'four\n');
    }
    expect([file, `${file}.1`, `${file}.2`].map(timesOpen)).toEqual([0, 0, 0]);
  });

  it('waits for the end of a line, and for a file that comes later', async () => {
    const file = join(tempDir(), 'daemon.log');
    const lines = follow(file);
    await expect.poll(() => lines).toEqual([undefined]);
    writeFileSync(`${file}.new`, '');
    renameSync(`${file}.new`, file);
    appendFileSync(file, 'ha');
    appendFileSync(file, 'lf ü\n');
    await expect.poll(() => lines).toEqual([undefined, 'half ü']);
  });
});
