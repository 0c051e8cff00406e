// A strict `systemctl --user`: the verbs the program uses on jobs that really run. As the real one, it goes by what it
// read at the last `daemon-reload`, and refuses a unit with a key or a word it does not know.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loginEnvironment, readJob, readWorld, recordCall, startJob, writeWorld } from './jobs.mjs';

const UNIT = 'runmesh-agent.service';

/** The keys a unit of ours may have, and what each means. */
const READERS = {
  Description: () => {},
  StartLimitIntervalSec: expect('0'),
  Type: expect('exec'),
  ExecStart: (unit, value) => {
    unit.command = words(value).map((word) => word.replaceAll('$$', '$'));
  },
  WorkingDirectory: (unit, value) => {
    unit.folder = expand(value);
  },
  Environment: (unit, value) => {
    for (const word of words(value)) unit.environment[word.split('=')[0]] = word.slice(word.indexOf('=') + 1);
  },
  Restart: expect('on-failure'),
  RestartSec: expect('10'),
  TimeoutStopSec: (unit, value) => {
    unit.exitTimeOutMs = Number(value) * 1_000;
  },
  KillMode: expect('mixed'),
  OOMPolicy: expect('continue'),
  UMask: (unit, value) => {
    unit.umask = Number.parseInt(value, 8);
  },
  StandardOutput: (unit, value) => {
    unit.outputFile = expand(value.replace(/^append:/, ''));
  },
  StandardError: () => {},
  WantedBy: expect('default.target'),
};

const [scope, verb, ...args] = process.argv.slice(2);
recordCall('systemctl', process.argv.slice(2));
if (scope !== '--user') fail(1, 'This test world has the user’s manager only.');
if (readWorld('noUserManager', false)) fail(1, 'Failed to connect to bus: No medium found');
const folder = join(process.env.XDG_CONFIG_HOME ?? join(process.env.HOME, '.config'), 'systemd', 'user');
const verbs = {
  show,
  enable,
  disable,
  start,
  stop,
  restart,
  'daemon-reload': reload,
  'show-environment': () => {},
};
if (verbs[verb] === undefined) fail(1, `Unknown command verb ${verb}.`);
await verbs[verb]();

function reload() {
  const file = join(folder, UNIT);
  writeWorld('unit', existsSync(file) ? readUnit(readFileSync(file, 'utf8')) : null);
}

function show() {
  const job = readJob(args[0]);
  const values = {
    LoadState: readWorld('unit', null) === null ? 'not-found' : 'loaded',
    ActiveState: job?.pid ? 'active' : job?.state === 'spawn scheduled' ? 'activating' : 'inactive',
    SubState: job?.pid ? 'running' : 'dead',
    UnitFileState: existsSync(wants(args[0])) ? 'enabled' : 'disabled',
    MainPID: job?.pid ?? 0,
    ExecMainCode: job?.lastExitCode == null ? 0 : 1,
    ExecMainStatus: job?.lastExitCode ?? 0,
    ExecMainExitTimestampMonotonic: job?.lastExitCode == null ? 0 : 1,
  };
  const asked = args[1].replace('--property=', '').split(',');
  process.stdout.write(`${asked.map((name) => `${name}=${values[name] ?? fail(1, name)}`).join('\n')}\n`);
}

function enable() {
  loaded();
  mkdirSync(join(folder, 'default.target.wants'), { recursive: true });
  if (!existsSync(wants(args[0]))) symlinkSync(join(folder, args[0]), wants(args[0]));
}

async function disable() {
  const unit = args.at(-1);
  rmSync(wants(unit), { force: true });
  if (args[0] === '--now') await end(unit);
}

async function start() {
  const unit = loaded();
  const job = readJob(args[0]);
  if (job?.pid) return;
  await end(args[0]);
  const environment = { ...loginEnvironment(), ...unit.environment };
  // EXIT_EXEC.
  await startJob(args[0], { ...unit, environment, unstartableExitCode: 203 });
}

async function stop() {
  loaded();
  await end(args[0]);
}

async function restart() {
  await end(args[0]);
  await start();
}

/** Returns when the job is gone, as the real one does. */
async function end(unit) {
  const job = readJob(unit);
  if (job === undefined) return;
  process.kill(job.keeper, 'SIGTERM');
  while (readJob(unit) !== undefined) await sleep(20);
}

function loaded() {
  const unit = readWorld('unit', null);
  return unit ?? fail(5, `Unit ${args.at(-1)} not found.`);
}

function wants(unit) {
  return join(folder, 'default.target.wants', unit);
}

function readUnit(text) {
  const unit = { environment: {}, umask: 0o022, throttleMs: 500 };
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#') || /^\[(Unit|Service|Install)\]$/.test(line)) continue;
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? fail(1, `bad line: ${line}`);
    if (READERS[key] === undefined) fail(1, `Unknown key name '${key}'`);
    READERS[key](unit, value);
  }
  return unit;
}

/** Words in double quotes only, which is how ours are written. */
function words(value) {
  const found = [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1].replace(/\\(.)/g, '$1'));
  if (found.length === 0) fail(1, `not in quotes: ${value}`);
  return found.map(expand);
}

function expand(value) {
  return value.replace(/%(.)/g, (_all, letter) => (letter === '%' ? '%' : fail(1, `specifier %${letter}`)));
}

function expect(wanted) {
  return (_unit, value) => value === wanted || fail(1, `${value} where ${wanted} was expected`);
}

function fail(code, text) {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}
