import { fork, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Leash, SessionRequest } from '../../src/leash/leash.ts';
import { startLeash } from '../../src/leash/leash-client.ts';
import { listProcesses } from '../../src/leash/process-table.ts';
import { openPolicy } from '../support/policies.ts';
import { tempDir } from '../support/temp.ts';

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', TERM: 'dumb' };

async function leash(): Promise<Leash> {
  const started = await startLeash({ log: pino({ level: 'silent' }) });
  onTestFinished(() => started.close());
  return started;
}

function shell(cmd: string, cwd = tempDir()): SessionRequest {
  return {
    file: '/bin/bash',
    args: ['-c', cmd],
    cwd,
    env: ENV,
    mark: randomUUID(),
    owner: 'run-1',
    policy: openPolicy(cwd),
    columns: 200,
    rows: 50,
  };
}

async function run(on: Leash, request: SessionRequest) {
  const session = await on.open(request);
  let output = '';
  session.onOutput((text) => {
    output += text;
  });
  session.release();
  const exit = await session.exited;
  return { output: output.replaceAll('\r\n', '\n'), ...exit };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether the witness was written to and then, within 6 s, no more: as long as nothing of a killed daemon may live. */
async function stoppedWriting(witness: string): Promise<boolean> {
  const size = () => (existsSync(witness) ? statSync(witness).size : 0);
  for (let waited = 0; waited < 6_000; waited += STILL_MS) {
    const before = size();
    await sleep(STILL_MS);
    if (before > 0 && size() === before) return true;
  }
  return false;
}

/** Longer than a writer of these tests, which writes each 50 ms, is held up by a busy machine. */
const STILL_MS = 1_000;

describe('a leash', () => {
  it('gives output and exit code', async () => {
    expect(await run(await leash(), shell('echo out; echo err >&2; exit 3'))).toEqual({
      output: 'out\nerr\n',
      exitCode: 3,
      signal: null,
    });
  });

  it('tells a signal from an exit code', async () => {
    expect(await run(await leash(), shell('kill -KILL $$'))).toMatchObject({ exitCode: null, signal: 9 });
  });

  it('gives a command only the environment it was given, on a pty of the size asked for', async () => {
    const { output } = await run(
      await leash(),
      shell('tty >/dev/null && env | sort | cut -d= -f1; stty size'),
    );
    expect(output.split('\n').filter((line) => !['PWD', 'SHLVL', '_', 'OLDPWD', ''].includes(line))).toEqual([
      'PATH',
      'RUNMESH_SESSION',
      'TERM',
      '50 200',
    ]);
  });

  it('runs nothing before the gate is opened', async () => {
    const on = await leash();
    const witness = join(tempDir(), 'witness');
    const session = await on.open(shell(`echo ran > ${witness}`));
    await sleep(150);
    expect(existsSync(witness)).toBe(false);
    expect(session.process.startTime).not.toBe('');
    session.release();
    expect((await session.exited).exitCode).toBe(0);
    expect(existsSync(witness)).toBe(true);
  });

  it.each([0, 50])('goes when its daemon died %i ms after it was started, ready or not', async (ms) => {
    const entry = join(import.meta.dirname, '../../dist/leash/leash-main.js');
    const temporary = tempDir();
    const helper = fork(entry, ['[]'], {
      env: { TMPDIR: temporary },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    onTestFinished(() => void helper.kill('SIGKILL'));
    const exited = once(helper, 'exit');
    await sleep(ms);
    helper.disconnect();
    expect(await exited).toEqual([0, null]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('takes what is typed, and ^C', async () => {
    const on = await leash();
    const session = await on.open(shell('read -r word; echo "got $word"; sleep 60'));
    let output = '';
    session.onOutput((text) => {
      output += text;
    });
    session.release();
    session.write('hello\n');
    await expect.poll(() => output).toContain('got hello');
    session.write('\u0003');
    expect(await session.exited).toEqual({ exitCode: null, signal: 2 });
  });

  it('loses nothing of a burst, and cuts no character in two', async () => {
    const { output } = await run(
      await leash(),
      shell(
        'for i in $(seq 20000); do echo "$i 🌱 ${i}é xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"; done',
      ),
    );
    const lines = output.trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    expect(lines.every((line, index) => line.startsWith(`${index + 1} 🌱 ${index + 1}é x`))).toBe(true);
  });

  it('says that a program is not there', async () => {
    const request = { ...shell(''), file: '/no/such/program' };
    expect(await run(await leash(), request)).toMatchObject({ exitCode: 127 });
  });

  it('loses no output of many short commands', async () => {
    const on = await leash();
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, n) => run(on, shell(`echo number ${n}`))),
    );
    expect(results.map((result) => result.output)).toEqual(results.map((_, n) => `number ${n}\n`));
  });

  it('ends a command that ignores every request to, with all it started', async () => {
    const on = await leash();
    const witness = join(tempDir(), 'witness');
    const session = await on.open(shell(`trap '' TERM HUP INT; ${stubborn(witness)} sleep 60`));
    session.release();
    await expect.poll(() => existsSync(witness)).toBe(true);
    await sleep(400);
    await session.end();
    expect(await stoppedWriting(witness)).toBe(true);
  });

  it('leaves what a command put into the background alive until the command is ended', async () => {
    const on = await leash();
    const witness = join(tempDir(), 'witness');
    const session = await on.open(
      shell(`nohup bash -c 'while :; do echo x >> ${witness}; sleep 0.05; done' >/dev/null 2>&1 & sleep 0.2`),
    );
    session.release();
    await session.exited;
    await expect.poll(() => existsSync(witness)).toBe(true);
    await session.end();
    expect(await stoppedWriting(witness)).toBe(true);
  });

  it('ends everything within seconds when its daemon is killed, and runs nothing that was not let go', async () => {
    const dir = tempDir();
    const [witness, never] = [join(dir, 'witness'), join(dir, 'never')];
    const client = pathToFileURL(join(process.cwd(), 'build/leash/leash-client.js')).href;
    const program = `
      import { startLeash } from ${JSON.stringify(client)};
      const log = { info() {}, warn() {} };
      const leash = await startLeash({ log });
      const request = (cmd) => ({ file: '/bin/bash', args: ['-c', cmd], cwd: ${JSON.stringify(dir)}, env: ${JSON.stringify(ENV)}, mark: cmd, owner: 'run-1', policy: { sandboxed: false }, columns: 80, rows: 24 });
      const session = await leash.open(request(${JSON.stringify(`${stubborn(witness)} sleep 60`)}));
      await leash.open(request(${JSON.stringify(`echo ran > ${never}`)}));
      session.release();
      setInterval(() => {}, 1000);
      console.log('started');
    `;
    writeFileSync(join(dir, 'daemon.mjs'), program);
    const daemon = spawn(process.execPath, [join(dir, 'daemon.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void daemon.kill('SIGKILL'));
    await expect
      .poll(() => existsSync(witness) && readFileSync(witness, 'utf8').split('\n').length > 9, {
        timeout: 15_000,
      })
      .toBe(true);
    await sleep(400);
    daemon.kill('SIGKILL');
    expect(await stoppedWriting(witness)).toBe(true);
    expect(existsSync(never)).toBe(false);
    expect([...listProcesses().values()].filter((row) => row.parentPid === daemon.pid)).toEqual([]);
  });
});

/** Children of every kind that outlives its parent, each writing to the witness. */
function stubborn(witness: string): string {
  const loop = `trap "" TERM HUP INT; while :; do echo $$ >> ${witness}; sleep 0.05; done`;
  return [
    `setsid bash -c '${loop}' >/dev/null 2>&1 &`,
    `nohup bash -c '${loop}' >/dev/null 2>&1 &`,
    `(setsid bash -c '${loop}' >/dev/null 2>&1 &) ;`,
    `bash -c '${loop}' &`,
  ].join(' ');
}
