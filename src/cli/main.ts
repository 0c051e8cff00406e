#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { homedir, hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../kit/clock.ts';
import { codeOf, messageOf } from '../kit/errors.ts';
import { systemRandom } from '../kit/random.ts';
import { readVersion } from '../kit/version.ts';
import { askLine } from './ask-line.ts';
import { askSecret } from './ask-secret.ts';
import type { CliContext } from './context.ts';
import { handOver } from './newer-program.ts';
import { runProgram } from './program.ts';

/** The one place where the program touches the process it is. */
const unread = new AbortController();
process.stdout.on('error', (error) => {
  // `runmesh … | head` is no failure: nobody reads on, so nothing more is said.
  if (codeOf(error) === 'EPIPE') return unread.abort();
  // A full disk does not take a service's log, say, and the service goes on. A command has failed then.
  if (process.env.RUNMESH_SERVICE !== undefined || process.exitCode) return;
  process.exitCode = 1;
  process.stderr.write(`error The output could not be written: ${messageOf(error)}\n`);
});

// A reader of complaints who left must not end a daemon.
process.stderr.on('error', () => {});

const context: CliContext = {
  env: process.env,
  platform: process.platform,
  homedir: homedir(),
  hostname: hostname(),
  version: readVersion(),
  clock: systemClock,
  random: systemRandom,
  stdout: process.stdout,
  stderr: process.stderr,
  unread: unread.signal,
  uid: process.getuid?.() ?? 0,
  nodeFile: process.execPath,
  programFile: fileURLToPath(import.meta.url),
  onSignal: (handler) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, handler);
    return () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, handler);
    };
  },
  canAsk: process.stdin.isTTY === true,
  askLine,
  askSecret,
  launch: (command, args) =>
    new Promise((resolve) => {
      const child = spawn(command, args, { stdio: 'ignore', detached: true });
      child.on('error', () => resolve(false));
      child.on('spawn', () => resolve(true));
      child.unref();
    }),
  leave: (code) => process.exit(code),
};

if (!(await handOver(context))) {
  const exitCode = await runProgram(process.argv.slice(2), context);
  process.exitCode ||= exitCode;
}
