import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createRedactor } from '../../src/guard/redact.ts';
import type { Workspace } from '../../src/guard/workspaces.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { systemRandom } from '../../src/kit/random.ts';
import type { Leash } from '../../src/leash/leash.ts';
import { startLeash } from '../../src/leash/leash-client.ts';
import { readProcess } from '../../src/leash/process-table.ts';
import { RunSessions } from '../../src/tools/exec/run-sessions.ts';
import { execCommand } from '../../src/tools/exec-command.ts';
import { executeTool } from '../../src/tools/run-tool.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { writeStdin } from '../../src/tools/write-stdin.ts';
import { openPolicy } from '../support/policies.ts';
import { contextOf, workspaceWith } from './harness.ts';

let leash: Leash;
beforeAll(async () => {
  leash = await startLeash({ log: pino({ level: 'silent' }) });
});
afterAll(() => leash.close());

/** The two tools over sessions of their own. Commands read no login files unless a test says so: those are the machine's. */
function terminal(
  workspace: Workspace = workspaceWith(),
  { shell, SHELL }: { shell: string | undefined; SHELL?: string } = { shell: '/bin/bash' },
) {
  const sessions = new RunSessions((request) => leash.open(request), systemRandom, createRedactor([]));
  const options = {
    sessions,
    clock: systemClock,
    random: systemRandom,
    environment: {
      PATH: process.env.PATH,
      HOME: workspace.root,
      SECRET_API_KEY: 'secret',
      ...(SHELL && { SHELL }),
    },
    shell,
  };
  const exec = execCommand(options);
  const stdin = writeStdin(options);
  onTestFinished(async () => {
    await Promise.all(['run-1', 'run-2'].map((runId) => sessions.endRun(runId)));
  });
  const run = async (tool: typeof exec | typeof stdin, args: object, overrides: Partial<ToolContext>) => {
    const context = contextOf(workspace, overrides);
    const output = await executeTool(tool, tool.name, JSON.stringify(args), context);
    return { ...output, ...readAnswer(output.text), reported: context.reported };
  };
  return {
    sessions,
    workspace,
    exec: (args: object, overrides: Partial<ToolContext> = {}) =>
      run(exec, { login: false, ...args }, overrides),
    type: (args: object, overrides: Partial<ToolContext> = {}) => run(stdin, args, overrides),
  };
}

/** The same workspace for commands that run as the owner does. */
function unconfined(workspace: Workspace): Workspace {
  return { ...workspace, policy: openPolicy(workspace.root) };
}

function readAnswer(text: string) {
  const session = /^Process running with session ID (\d+)$/m.exec(text)?.[1];
  const code = /^Process exited with code (\d+)/m.exec(text)?.[1];
  return {
    output: text.split('\nOutput:\n')[1],
    session: session === undefined ? undefined : Number(session),
    code: code === undefined ? undefined : Number(code),
  };
}

const alive = (pid: number) => {
  const row = readProcess(pid);
  return row !== undefined && !row.zombie;
};

describe('exec_command', () => {
  it('answers output and exit code in the lines of the Codex CLI', async () => {
    const { text } = await terminal().exec({ cmd: 'echo out; echo err >&2; exit 3' });
    expect(text).toMatch(
      /^Chunk ID: [0-9a-f]{6}\nWall time: \d+\.\d{4} seconds\nProcess exited with code 3\nOriginal token count: 2\nOutput:\nout\nerr\n$/,
    );
  });

  it('tells a signal by its name, and as shells number it', async () => {
    const asOwner = terminal(unconfined(workspaceWith()));
    expect((await asOwner.exec({ cmd: 'kill -KILL $$' })).text).toContain(
      'Process exited with code 137 (ended by SIGKILL)',
    );
    expect((await terminal().exec({ cmd: 'kill -KILL $$' })).text).toContain('Process exited with code 137');
  });

  it('commits a process before it runs, and says when nothing of it is left', async () => {
    const on = terminal();
    const witness = join(on.workspace.root, 'witness');
    let ranBefore: boolean | undefined;
    const ended: number[] = [];
    const { reported } = await on.exec(
      { cmd: 'echo ran > witness' },
      {
        onProcessStarted: () => {
          ranBefore = existsSync(witness);
        },
        onProcessEnded: (id) => ended.push(id),
      },
    );
    expect(ranBefore).toBe(false);
    expect(existsSync(witness)).toBe(true);
    await expect.poll(() => ended).toHaveLength(1);
    expect(reported.started).toEqual([]);
  });

  it('runs beyond the sandbox only where its owner said so, and the session is known for it', async () => {
    const on = terminal();
    for (const outside of [true, false]) {
      const output = await on.exec({ cmd: 'sleep 30', yield_time_ms: 250 }, { outside });
      expect(on.sessions.leftSandbox('run-1', output.session ?? 0)).toBe(outside);
      expect(on.sessions.leftSandbox('run-2', output.session ?? 0)).toBe(false);
    }
  });

  it('runs nothing when its process cannot be committed', async () => {
    const on = terminal();
    const output = await on.exec(
      { cmd: 'echo ran > witness' },
      {
        onProcessStarted: () => {
          throw new Error('the disk is full');
        },
      },
    );
    expect(output).toMatchObject({ isError: true, text: 'the disk is full' });
    expect(existsSync(join(on.workspace.root, 'witness'))).toBe(false);
  });

  it('dresses a command so that nobody needs to sit at its terminal, and gives it no secret', async () => {
    const on = terminal();
    const plain = await on.exec({
      cmd: 'tty -s && echo "$TERM $NO_COLOR $PAGER $(stty size)"; env | grep -c SECRET',
    });
    expect(plain.output).toBe('dumb 1 cat 50 200\n0\n');
    const tty = await on.exec({ cmd: 'echo "$TERM $(stty size)"; env | grep -c SECRET', tty: true });
    expect(tty.output).toBe('xterm-256color 40 120\r\n0\r\n');
  });

  it('gives it the variables of the agent', async () => {
    const on = terminal();
    const { output } = await on.exec({ cmd: 'echo $COLOUR' }, { agentEnvironment: { COLOUR: 'blue' } });
    expect(output).toBe('blue\n');
  });

  it('reads login files unless told not to, and takes another shell', async () => {
    const on = terminal(workspaceWith({ '.bash_profile': 'export FROM_PROFILE=yes\n' }));
    expect((await on.exec({ cmd: 'echo "<$FROM_PROFILE>"', login: true })).output).toContain('<yes>');
    expect((await on.exec({ cmd: 'echo "<$FROM_PROFILE>"' })).output).toBe('<>\n');
    expect((await on.exec({ cmd: 'echo $0', shell: 'sh' })).output).toBe('sh\n');
  });

  it('says of a shell that is not there whose it is and what to do, and runs nothing', async () => {
    const missing = await terminal().exec({ cmd: 'true', shell: '/no/such/shell' });
    expect(missing.text).toMatch(/no shell \/no\/such\/shell here, so nothing was run.*Leave `shell` out/);
    const bare = await terminal().exec({ cmd: 'true', shell: 'no-such-shell' });
    expect(bare.text).toContain('nothing was run');
    const owners = terminal(workspaceWith(), { shell: '/no/such/shell' });
    const text = (await owners.exec({ cmd: 'touch ran' })).text;
    expect(text).toMatch(/set to, \/no\/such\/shell, is not there.*runmesh config set shell/);
    // The environment's own is nobody's choice of today: another takes its place.
    const environments = terminal(workspaceWith(), { shell: undefined, SHELL: '/no/such/shell' });
    expect((await environments.exec({ cmd: 'echo ok' })).output).toBe('ok\n');
  });

  it('works in a folder of the workspace only', async () => {
    const workspace = workspaceWith({ 'sub/x': '', file: '' });
    mkdirSync(join(workspace.root, '..', 'outside'));
    symlinkSync('../outside', join(workspace.root, 'out'));
    const on = terminal(workspace);
    expect((await on.exec({ cmd: 'pwd', workdir: 'sub' })).output).toBe(`${workspace.root}/sub\n`);
    expect((await on.exec({ cmd: 'pwd', workdir: `${workspace.root}/sub` })).output).toBe(
      `${workspace.root}/sub\n`,
    );
    for (const workdir of ['..', '/etc', 'out', 'file', 'missing']) {
      const refused = await on.exec({ cmd: 'echo ran > witness', workdir });
      expect(refused).toMatchObject({ isError: true });
      expect(refused.reported.started).toEqual([]);
    }
  });

  it('tells output live while it waits', async () => {
    const { reported } = await terminal().exec({ cmd: 'echo one; sleep 0.05; echo two' });
    expect(reported.output).toBe('one\ntwo\n');
  });

  it('cuts long output in the middle, at the tokens asked for, and says how much there was', async () => {
    const on = terminal();
    const { output, text } = await on.exec({ cmd: 'seq 1 20000', max_output_tokens: 20 });
    expect(text).toContain('Original token count: 27224');
    expect(output).toMatch(
      /^1\n2\n3\n[\d\n]*\[… \d+ characters, about \d+ tokens, were cut here …\][\d\n]*\n20000\n$/,
    );
    const whole = await on.exec({ cmd: 'seq 1 20000', max_output_tokens: 1_000_000 });
    expect(whole.text.length).toBeLessThanOrEqual(40_000);
  });

  it('survives output without an end', async () => {
    const { text, session, reported } = await terminal().exec({ cmd: 'yes 🌱', yield_time_ms: 2_000 });
    expect(session).toBeDefined();
    expect(text.length).toBeLessThanOrEqual(40_000);
    expect(text).toContain('were cut here');
    expect(text).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
    expect(reported.output.length).toBeGreaterThan(0);
  });

  it('ends with its run, and all it started with it', async () => {
    const abort = new AbortController();
    const on = terminal();
    const pids: number[] = [];
    const running = on.exec(
      { cmd: 'sleep 60 & sleep 60' },
      { signal: abort.signal, onProcessStarted: (_, { pid }) => pids.push(pid) },
    );
    await expect.poll(() => pids).toHaveLength(1);
    abort.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    expect(pids.filter(alive)).toEqual([]);
  });

  it('names an argument that does not fit', async () => {
    const on = terminal();
    expect((await on.exec({})).text).toContain('"cmd"');
    expect((await on.exec({ cmd: 'true', yield_time_ms: 'soon' })).text).toContain('"yield_time_ms"');
  });
});

describe('write_stdin', () => {
  it('types into a command that goes on, and answers what came since', async () => {
    const on = terminal();
    const { session, output } = await on.exec({
      cmd: 'echo ready; read -r word; echo "got $word"',
      yield_time_ms: 250,
    });
    expect(output).toBe('ready\n');
    const answer = await on.type({ session_id: session, chars: 'hello\n', yield_time_ms: 5_000 });
    expect(answer).toMatchObject({ code: 0, output: 'hello\ngot hello\n' });
    expect(answer.reported.output).toBe('hello\ngot hello\n');
  });

  it('presses Ctrl-C', async () => {
    const on = terminal();
    const { session } = await on.exec({ cmd: 'sleep 60', yield_time_ms: 250 });
    expect((await on.type({ session_id: session, chars: '\u0003', yield_time_ms: 5_000 })).code).toBe(130);
  });

  it('reads on until the command has ended, and then knows how it did', async () => {
    const on = terminal();
    const { session } = await on.exec({ cmd: 'sleep 0.5; echo done; exit 4', yield_time_ms: 250 });
    expect(await on.type({ session_id: session })).toMatchObject({ code: 4, output: 'done\n' });
    expect(await on.type({ session_id: session })).toMatchObject({ code: 4, output: '' });
    expect(await on.type({ session_id: session, chars: 'x' })).toMatchObject({
      code: 4,
      isError: true,
      text: expect.stringContaining('nothing was typed'),
    });
  });

  it('knows no session of another run, and none that never was', async () => {
    const on = terminal();
    const { session } = await on.exec({ cmd: 'sleep 60', yield_time_ms: 250 });
    const other = await on.type({ session_id: session, chars: 'x' }, { runId: 'run-2' });
    expect(other).toMatchObject({ isError: true, text: expect.stringContaining('No command is running') });
    const unknown = await on.type({ session_id: 1 });
    expect(unknown).toMatchObject({ isError: true, text: expect.stringContaining(`${session} (sleep 60)`) });
  });

  it('ends the command when the run is cancelled', async () => {
    const on = terminal();
    const { session, reported } = await on.exec({ cmd: 'sleep 60', yield_time_ms: 250 });
    const abort = new AbortController();
    const reading = on.type({ session_id: session }, { signal: abort.signal });
    abort.abort(new Error('cancelled'));
    await expect(reading).rejects.toThrow('cancelled');
    expect(reported.started.map(({ process }) => process.pid).filter(alive)).toEqual([]);
  });
});

describe('the commands of a run', () => {
  it('end with it, those in the background too, and no other run notices', async () => {
    const on = terminal(unconfined(workspaceWith()));
    const background = await on.exec({ cmd: 'nohup sleep 60 >/dev/null 2>&1 & echo $!; sleep 0.2' });
    const other = await on.exec({ cmd: 'sleep 60', yield_time_ms: 250 }, { runId: 'run-2' });
    // The shell waits a moment: before nohup is set up, the end of the terminal would end the background too.
    const pid = Number(background.output);
    expect(background.code).toBe(0);
    expect(alive(pid)).toBe(true);
    await on.sessions.endRun('run-1');
    expect(alive(pid)).toBe(false);
    expect(other.reported.started.map(({ process }) => alive(process.pid))).toEqual([true]);
  });

  it('are at most 64 at a time', async () => {
    const sessions = new RunSessions((request) => leash.open(request), systemRandom, createRedactor([]));
    const workspace = workspaceWith();
    const context = contextOf(workspace);
    onTestFinished(() => sessions.endRun('run-1'));
    const request = {
      file: '/bin/sleep',
      args: ['60'],
      cwd: workspace.root,
      env: {},
      policy: workspace.policy,
      columns: 80,
      rows: 24,
    };
    const start = () => sessions.start({ command: 'sleep', tty: false, request }, context);
    const first = await start();
    for (let n = 1; n < 64; n += 1) await start();
    await expect(start()).rejects.toMatchObject({ code: 'too_many_sessions' });
    await first.end();
    await expect.poll(() => first.gone).toBe(true);
    await start();
    expect(() => sessions.find('run-1', first.id)).toThrow('no session');
  });
});
