import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startLeash } from '../../src/leash/leash-client.ts';
import { findMarked, listProcesses } from '../../src/leash/process-table.ts';
import { startProxyProcess } from '../../src/leash/proxy-client.ts';
import { systemProgram } from '../../src/leash/system-program.ts';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';
import { noSandbox } from '../support/policies.ts';
import { RUNMESH } from '../support/processes.ts';
import { attack, type Scene } from './harness.ts';

const commands = true;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Leaves its session, loses its parent and hears no request to end; writes as long as it lives. */
const STUBBORN = `(setsid bash -c 'trap "" TERM HUP INT; while :; do echo x >> witness; sleep 0.05; done' >/dev/null 2>&1 &) ; (setsid bash -c '(trap "" TERM HUP INT; exec -a innocent bash -c "trap \\"\\" TERM HUP INT; while :; do echo y >> witness; sleep 0.05; done") & disown' &) ; sleep 0.3`;

async function stillWrites(root: string): Promise<boolean> {
  const size = () => statSync(join(root, 'witness')).size;
  await sleep(300);
  const before = size();
  // Longer than a writer that writes each 50 ms is held up by a busy machine.
  await sleep(1_000);
  return size() !== before;
}

/** The one that was not there before. Never 0, which would be this process's own group. */
function newOne(before: readonly number[], words: string): number {
  const [pid, ...more] = childrenOf(process.pid, words).filter((one) => !before.includes(one));
  if (pid === undefined || more.length > 0) throw new Error(`not one new ${words}: ${pid}, ${more}`);
  return pid;
}

/** Processes that this one started. */
function childrenOf(pid: number, words: string): number[] {
  return [...listProcesses().values()]
    .filter((row) => row.parentPid === pid && !row.zombie)
    .map((row) => row.pid)
    .filter((child) => commandLine(child).includes(words));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

function request(scene: Scene, cmd: string, mark: string) {
  mkdirSync(scene.workspace.policy.temporary, { recursive: true });
  const { root, workspace } = scene;
  return {
    file: '/bin/bash',
    args: ['-c', cmd],
    cwd: root,
    env: { PATH: process.env.PATH ?? '', TERM: 'dumb' },
    mark,
    owner: 'run-1',
    policy: workspace.policy,
    columns: 80,
    rows: 24,
  };
}

describe('nothing of a command outlives it', () => {
  const mayChange = ['home/project/witness'];

  attack(
    '54 a double fork that ignores every signal, when its command ends',
    { commands, mayChange },
    async (scene) => {
      await scene.shell(STUBBORN);
      expect(await stillWrites(scene.root)).toBe(false);
    },
  );

  attack('54 the same, when the run is cancelled', { commands, mayChange }, async (scene) => {
    const abort = new AbortController();
    const running = scene.shell(`${STUBBORN}; sleep 60`, { context: { signal: abort.signal } });
    await expect.poll(() => existsSync(join(scene.root, 'witness')), { timeout: 8_000 }).toBe(true);
    abort.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    expect(await stillWrites(scene.root)).toBe(false);
  });

  attack(
    '54 the same, when the helper that holds it is killed',
    { commands, mayChange, timeout: 30_000 },
    async (scene) => {
      const before = childrenOf(process.pid, 'leash-main');
      const leash = await startLeash({ log: pino({ level: 'silent' }) });
      const helper = newOne(before, 'leash-main');
      const mark = `attack-54/${process.pid}`;
      const session = await leash.open(request(scene, `${STUBBORN}; sleep 60`, mark));
      session.release();
      await expect.poll(() => existsSync(join(scene.root, 'witness')), { timeout: 8_000 }).toBe(true);
      expect(findMarked(mark).size).toBeGreaterThan(3);
      process.kill(helper, 'SIGKILL');
      await expect.poll(() => findMarked(mark).size, { timeout: 5_000 }).toBe(0);
      expect(await stillWrites(scene.root)).toBe(false);
      // A killed helper takes nothing away; the next sandbox of the folder does.
      await scene.shell('true');
    },
  );

  attack('54 the way to the proxies, when their process is killed', { commands }, async () => {
    const before = childrenOf(process.pid, 'proxy-main');
    await startProxyProcess(['example.com'], { log: pino({ level: 'silent' }) });
    const helper = newOne(before, 'proxy-main');
    const bridges = childrenOf(helper, 'socat');
    expect(bridges).toHaveLength(1);
    const listens = /claude-http-\w+\.sock/.exec(commandLine(bridges[0] ?? process.pid))?.[0] ?? 'nothing';
    process.kill(helper, 'SIGKILL');
    const left = () =>
      [...listProcesses().values()].filter((row) => !row.zombie && commandLine(row.pid).includes(listens))
        .length;
    await expect.poll(left, { timeout: 5_000 }).toBe(0);
  });
});

const linuxOnly = process.platform !== 'linux' ? 'Linux' : noSandbox;
const skipped = (why: string | undefined) => (why === undefined ? '' : ` (skipped: ${why})`);

/** What a command prints in a run of a daemon that was started so: `$0` and `"$@"` are the daemon's program and words. */
async function printedBy(cmd: string, start: (house: House) => string[]): Promise<string> {
  const model = await startChatModel((request) =>
    resultsIn(request) === 0
      ? { calls: [{ name: 'exec_command', args: { cmd, login: false } }] }
      : { text: 'done' },
  );
  const house = await House.withModel(model.baseUrl);
  house.daemon?.signal('SIGTERM');
  await house.daemon?.exited;
  const [file = '', ...args] = start(house);
  const daemon = spawn(file, [...args, process.execPath, RUNMESH, 'daemon', '--json'], {
    env: Object.fromEntries(Object.entries(house.environment).filter(([, value]) => value !== undefined)),
    stdio: 'ignore',
  });
  const over = new Promise((resolve) => daemon.once('exit', resolve));
  onTestFinished(async () => {
    daemon.kill('SIGKILL');
    await over;
  });
  const stream = await house.run({ prompt: 'go' });
  await stream.ended;
  return String(stream.payloads('tool_result')[0]?.text).split('Output:\n')[1] ?? '';
}

// macOS's spawn passes nothing on; elsewhere whoever starts the daemon may have left anything open.
it.skipIf(linuxOnly !== undefined)(
  `own: what was open when the daemon was started is open to no command${skipped(linuxOnly)}`,
  async () => {
    let left = '';
    const printed = await printedBy('echo evil >&9; ls -1 /proc/self/fd', (house) => {
      left = join(house.dir, 'left-open');
      return ['/bin/sh', '-c', 'exec 9>>"$0"; exec "$@"', left];
    });
    expect(printed).toMatch(/9: Bad file descriptor/);
    expect(printed.match(/^\d+$/gm)).toEqual(['0', '1', '2', '3']);
    expect(readFileSync(left, 'utf8')).toBe('');
  },
  60_000,
);

/** The kernel's keyrings are spoken to by numbers: keyctl's and add_key's, x86-64's and arm64's. */
const [KEYCTL, ADD_KEY] = process.arch === 'arm64' ? [219, 217] : [250, 248];
const python = (...lines: string[]) =>
  ['import ctypes, os, sys', 'call = ctypes.CDLL(None).syscall', ...lines].join('\n');
const withoutKeyrings =
  linuxOnly ??
  (systemProgram('perl') === undefined
    ? 'perl is missing, by which a command leaves its keyring'
    : undefined) ??
  (spawnSync('python3', ['-c', python(`sys.exit(call(${KEYCTL}, 1, 0) < 0)`)]).status === 0
    ? undefined
    : 'no keyrings here');

it.skipIf(withoutKeyrings !== undefined)(
  `own: the keyring of the session that the daemon was started in is no command’s${skipped(withoutKeyrings)}`,
  async () => {
    const search = python(
      `key = call(${KEYCTL}, 10, -3, b'user', b'of-the-owner', 0)`,
      "print('found' if key > 0 else 'nothing')",
    );
    const printed = await printedBy(`python3 -c "${search}"`, () => [
      'python3',
      '-c',
      python(
        `call(${KEYCTL}, 1, 0)`,
        `assert call(${ADD_KEY}, b'user', b'of-the-owner', b'secret', 6, -3) > 0`,
        'os.execv(sys.argv[1], sys.argv[1:])',
      ),
    ]);
    expect(printed).toBe('nothing\n');
  },
  60_000,
);
