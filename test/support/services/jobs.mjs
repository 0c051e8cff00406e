// Jobs as folders under FAKE_SERVICES, each with its keeper process.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = process.env.FAKE_SERVICES;

export function recordCall(tool, args) {
  appendFileSync(join(root, 'calls.log'), `${JSON.stringify([tool, ...args])}\n`);
}

/** What a test has put into `name.json`: the machine as it is. */
export function readWorld(name, otherwise) {
  const file = join(root, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : otherwise;
}

export function writeWorld(name, value) {
  writeFileSync(join(root, `${name}.json`), JSON.stringify(value));
}

export function jobFolder(name) {
  return join(root, 'jobs', name.replaceAll('/', ':'));
}

/** What the job is doing; undefined where there is none. */
export function readJob(name) {
  try {
    return JSON.parse(readFileSync(join(jobFolder(name), 'state.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

export async function startJob(name, job) {
  const folder = jobFolder(name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'job.json'), JSON.stringify(job));
  const keeper = fileURLToPath(new URL('keeper.mjs', import.meta.url));
  spawn(process.execPath, [keeper, folder], { detached: true, stdio: 'ignore' }).unref();
  while (readJob(name) === undefined) await sleep(20);
}

/** What a login gives every process of its user, and no more. */
export function loginEnvironment() {
  const { HOME = '/', USER = 'tester' } = process.env;
  return {
    HOME,
    USER,
    LOGNAME: USER,
    SHELL: '/bin/bash',
    TMPDIR: '/tmp',
    PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
  };
}
