import { runProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { type Line, RUNMESH } from './processes.ts';

/**
 * A `runmesh` command in the test's own process, for what a test only needs done: a process of its own costs a quarter of
 * a second of a core. `onLine` is told each line of its `--json` output.
 */
export async function runHere(
  args: readonly string[],
  env: Record<string, string | undefined>,
  onLine: (line: Line) => void = () => {},
): Promise<void> {
  const said: Line[] = [];
  const code = await runProgram([...args, '--json'], {
    env,
    platform: process.platform,
    homedir: String(env.HOME),
    hostname: 'test.local',
    version: '0.0.0',
    // What a person would need time for is done at once here.
    clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, SHORT_MS), signal) },
    random: systemRandom,
    stdout: {
      write: (text: string) => {
        const line = JSON.parse(text) as Line;
        said.push(line);
        onLine(line);
      },
    },
    stderr: { write: () => {} },
    unread: new AbortController().signal,
    uid: process.getuid?.() ?? 0,
    nodeFile: process.execPath,
    programFile: RUNMESH,
    onSignal: () => () => {},
    canAsk: false,
    askLine: async () => undefined,
    askSecret: () => Promise.reject(new Error('nobody is there to be asked')),
    launch: () => Promise.resolve(false),
    leave: (status) => {
      throw new Error(`left with ${status}`);
    },
  });
  if (code !== 0) throw new Error(`runmesh ${args.join(' ')} exited with ${code}: ${JSON.stringify(said)}`);
}

const SHORT_MS = 20;
