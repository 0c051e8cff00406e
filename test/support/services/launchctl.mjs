// A strict launchctl: the verbs of macOS's with launchd's domain rules, on jobs that really run. Refuses what the real
// one refuses, and what we must never use (`load`, `unload`). Exit codes and sentences are those people reported.
import { lstatSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { parse } from 'plist';
import { loginEnvironment, readJob, readWorld, recordCall, startJob, writeWorld } from './jobs.mjs';

/** The keys a LaunchAgent of ours may have, and what launchd takes for each. `ExitTimeOut` 0 would wait for ever. */
const KEYS = {
  Label: (value) => /^[\w.-]+$/.test(value),
  ProgramArguments: (value) => Array.isArray(value) && value.every(isText) && isPath(value[0]),
  EnvironmentVariables: (value) => Object.values(value).every(isText),
  WorkingDirectory: isPath,
  StandardOutPath: isPath,
  StandardErrorPath: isPath,
  LimitLoadToSessionType: (value) => ['Aqua', 'Background'].includes(value),
  RunAtLoad: (value) => value === true,
  KeepAlive: (value) => value.SuccessfulExit === false && Object.keys(value).length === 1,
  ThrottleInterval: (value) => isWhole(value) && value >= 10,
  ExitTimeOut: isWhole,
  ProcessType: (value) => ['Interactive', 'Standard', 'Background', 'Adaptive'].includes(value),
  LowPriorityIO: isFlag,
  Umask: isWhole,
};

/** What launchd notes, and prints with its name, for a job whose program, folder or output cannot be had. */
const EX_CONFIG = 78;

const [verb, ...args] = process.argv.slice(2);
recordCall('launchctl', [verb, ...args]);
const verbs = {
  print,
  'print-disabled': printDisabled,
  enable,
  disable,
  bootstrap,
  bootout,
  kickstart,
  kill,
};
if (verbs[verb] === undefined) fail(64, `Unrecognized subcommand: ${verb}`);
await verbs[verb]();

function print() {
  expectArgs(1);
  const [target] = args;
  const { domain, label } = split(target);
  const there = readWorld('domains', {})[domain];
  if (there === 'unsupported') fail(125, 'Domain does not support specified action');
  if (there === undefined) fail(112, `Could not find domain for ${domain}`);
  if (label === undefined) return say(`${domain} = {\n\ttype = login\n}`);
  const job = readJob(target);
  if (job === undefined) fail(113, `Could not find service "${label}" in domain for ${domain}`);
  const named = job.lastExitCode === EX_CONFIG ? `${EX_CONFIG}: EX_CONFIG` : job.lastExitCode;
  const exit = named ?? (job.lastSignal ? `(signal ${job.lastSignal})` : '(never exited)');
  const pid = job.pid === null ? '' : `\tpid = ${job.pid}\n`;
  say(`${target} = {\n\tactive count = 1\n\tstate = ${job.state}\n${pid}\tlast exit code = ${exit}\n}`);
}

function printDisabled() {
  expectArgs(1);
  const disabled = readWorld('disabled', {});
  const lines = Object.entries(disabled)
    .filter(([target]) => target.startsWith(`${args[0]}/`))
    .map(([target, value]) => `\t\t"${split(target).label}" => ${value ? 'disabled' : 'enabled'}`);
  say(`\tdisabled services = {\n${lines.join('\n')}\n\t}`);
}

function enable() {
  expectArgs(1);
  if (split(args[0]).label === undefined) fail(64, 'Usage: launchctl enable <service-target>');
  writeWorld('disabled', { ...readWorld('disabled', {}), [args[0]]: false });
}

function disable() {
  expectArgs(1);
  writeWorld('disabled', { ...readWorld('disabled', {}), [args[0]]: true });
}

async function bootstrap() {
  expectArgs(2);
  const [domain, file] = args;
  const [planned, ...rest] = readWorld('bootstrapFaults', []);
  if (planned !== undefined) {
    writeWorld('bootstrapFaults', rest);
    if (planned !== 0) failBootstrap(planned);
  }
  const kind = readWorld('domains', {})[domain];
  if (kind === undefined || kind === 'unsupported') failBootstrap(125);
  const definition = readDefinition(file);
  const target = `${domain}/${definition.Label}`;
  const job = readJob(target);
  if (job?.state === 'SIGTERMed') failBootstrap(37);
  if (job !== undefined || readWorld('disabled', {})[target]) failBootstrap(5);
  const session = domain.startsWith('gui/') ? 'Aqua' : 'Background';
  if ((definition.LimitLoadToSessionType ?? 'Aqua') !== session) failBootstrap(134);
  await startJob(target, {
    command: definition.ProgramArguments,
    environment: {
      ...loginEnvironment(),
      XPC_SERVICE_NAME: definition.Label,
      ...definition.EnvironmentVariables,
    },
    folder: definition.WorkingDirectory ?? '/',
    outputFile: definition.StandardOutPath ?? '/dev/null',
    umask: definition.Umask ?? 0o022,
    exitTimeOutMs: definition.ExitTimeOut * 1_000,
    throttleMs: 500,
    unstartableExitCode: EX_CONFIG,
  });
}

/** Begins to end the job, and returns while it is still ending. */
function bootout() {
  expectArgs(1);
  const job = readJob(args[0]);
  if (job === undefined) fail(3, 'Boot-out failed: 3: No such process');
  process.kill(job.keeper, 'SIGTERM');
  if (readWorld('disableOnBootout', false)) disable();
  if (job.pid !== null) fail(36, 'Boot-out failed: 36: Operation now in progress');
}

function kickstart() {
  if (args[0] !== '-k') fail(64, 'this test world knows kickstart -k only');
  const target = args[1];
  const job = readJob(target);
  if (job === undefined) fail(113, `Could not find service "${split(target).label}" in domain`);
  process.kill(job.keeper, 'SIGUSR2');
}

function kill() {
  expectArgs(2);
  const [signal, target] = args;
  const job = readJob(target);
  if (job?.pid == null) fail(3, 'No process to signal.');
  process.kill(job.pid, signal);
}

/** The property list, read by a real parser and held against what launchd demands of it. */
function readDefinition(file) {
  if (!isAbsolute(file)) failBootstrap(5);
  for (const path of [file, dirname(file)]) if ((lstatSync(path).mode & 0o022) !== 0) failBootstrap(5);
  let definition;
  try {
    definition = parse(readFileSync(file, 'utf8'));
  } catch {
    failBootstrap(5);
  }
  const known = Object.entries(KEYS).every(
    ([key, fits]) => definition[key] === undefined || fits(definition[key]),
  );
  const unknown = Object.keys(definition).some((key) => KEYS[key] === undefined);
  if (!known || unknown || definition.Label === undefined) failBootstrap(5);
  return definition;
}

function split(target = '') {
  const match = /^(gui\/\d+|user\/\d+)(?:\/([\w.-]+))?$/.exec(target);
  if (match === null) fail(64, `Unrecognized target specifier: ${target}`);
  return { domain: match[1], label: match[2] };
}

function expectArgs(count) {
  if (args.length !== count || args.some((arg) => arg.startsWith('-')))
    fail(64, `Usage: launchctl ${verb} …`);
}

function failBootstrap(code) {
  const words = {
    5: 'Input/output error',
    37: 'Operation already in progress',
    125: 'Domain does not support specified action',
    134: 'Service cannot load in requested session',
  };
  const root = code === 5 ? '\nTry re-running the command as root for richer errors.' : '';
  fail(code, `Bootstrap failed: ${code}: ${words[code]}${root}`);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

function fail(code, words) {
  process.stderr.write(`${words}\n`);
  process.exit(code);
}

function isText(value) {
  return typeof value === 'string' && value !== '';
}

function isPath(value) {
  return isText(value) && isAbsolute(value) && !/[~$]/.test(value);
}

function isWhole(value) {
  return Number.isInteger(value) && value > 0;
}

function isFlag(value) {
  return typeof value === 'boolean';
}
