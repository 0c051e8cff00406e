// Keeps one job as launchd and systemd do: starts its program, starts it again when it failed, ends it with SIGTERM and,
// when its time is up, SIGKILL. argv: the job's folder, whose `job.json` says what to run and whose `state.json` says
// what it is doing. SIGTERM: end the job for good. SIGUSR2: kill what runs and start it anew.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const job = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8'));
process.umask(job.umask);
let child;
let ending = false;
let again;
let lastExitCode = null;
let lastSignal = null;

process.on('SIGTERM', () => {
  if (ending) return;
  ending = true;
  clearTimeout(again);
  if (child === undefined) return over();
  tell('SIGTERMed');
  child.kill('SIGTERM');
  setTimeout(() => child?.kill('SIGKILL'), job.exitTimeOutMs).unref();
});
process.on('SIGUSR2', () => {
  clearTimeout(again);
  if (child === undefined) start();
  else {
    child.once('exit', start);
    child.kill('SIGKILL');
  }
});
start();
setInterval(() => {}, 60_000);

function start() {
  if (ending) return;
  let started;
  try {
    started = spawnJob();
  } catch {
    return ended(job.unstartableExitCode, null);
  }
  child = started;
  started.on('error', () => {
    if (child === started) child = undefined;
    ended(job.unstartableExitCode, null);
  });
  started.on('exit', (code, signal) => {
    if (child === started) child = undefined;
    appendFileSync(join(folder, '..', 'exits.log'), `${code ?? signal}\n`);
    ended(code, signal);
  });
  tell('running');
}

function spawnJob() {
  const out = openSync(job.outputFile, 'a');
  try {
    return spawn(job.command[0], job.command.slice(1), {
      cwd: job.folder,
      env: job.environment,
      stdio: ['ignore', out, out],
      detached: true,
    });
  } finally {
    closeSync(out);
  }
}

function ended(code, signal) {
  lastExitCode = code;
  lastSignal = signal;
  if (ending) return over();
  const failed = code !== 0 && signal !== 'SIGTERM';
  tell(failed ? 'spawn scheduled' : 'not running');
  if (failed) again = setTimeout(start, job.throttleMs);
}

function tell(state) {
  const text = JSON.stringify({
    state,
    pid: child?.pid ?? null,
    keeper: process.pid,
    lastExitCode,
    lastSignal,
  });
  writeFileSync(join(folder, 'state.json.new'), text);
  renameSync(join(folder, 'state.json.new'), join(folder, 'state.json'));
}

function over() {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
