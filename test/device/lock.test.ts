import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { acquireLock, readLockHolder } from '../../src/device/lock.ts';
import { tempDir } from '../support/temp.ts';

function lockPaths() {
  const home = tempDir();
  mkdirSync(home, { recursive: true });
  return { lock: join(home, 'daemon.lock'), pid: join(home, 'daemon.pid') };
}

const us = { pid: process.pid, startedAt: '2026-01-01T00:00:00.000Z' };

it('refuses a second daemon on one home and names the first', () => {
  const paths = lockPaths();
  const lock = acquireLock(paths, us);
  onTestFinished(() => lock.release());

  expect(() => acquireLock(paths, { ...us, pid: 4 })).toThrow(
    expect.objectContaining({
      code: 'already_running',
      message: expect.stringContaining(`pid ${process.pid}`),
    }),
  );
  expect(readLockHolder(paths)).toEqual(us);
});

it('lets the next daemon in after a release', () => {
  const paths = lockPaths();
  acquireLock(paths, us).release();
  expect(readLockHolder(paths)).toBeUndefined();

  const second = acquireLock(paths, us);
  second.release();
});

it('takes over from a daemon that was killed, even though its pid file is still there', async () => {
  const paths = lockPaths();
  const lockModule = new URL('../../build/device/lock.js', import.meta.url).href;
  const program = `
    import { acquireLock } from ${JSON.stringify(lockModule)};
    acquireLock(${JSON.stringify(paths)}, { pid: process.pid, startedAt: '2026-01-01T00:00:00.000Z' });
    console.log('held');
    setInterval(() => {}, 1_000);
  `;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  onTestFinished(() => void holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  expect(() => acquireLock(paths, us)).toThrow(expect.objectContaining({ code: 'already_running' }));

  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(readLockHolder(paths)?.pid).toBe(holder.pid);

  const lock = acquireLock(paths, us);
  expect(readLockHolder(paths)?.pid).toBe(process.pid);
  lock.release();
});
