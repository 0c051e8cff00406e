import { rgPath } from '@vscode/ripgrep';
import { execa } from 'execa';
import { RunmeshError } from '../kit/errors.ts';
import { BoundedText } from './bounded-text.ts';

/** Runs ripgrep in a folder, without a configuration that could make it run something, and gives its lines. */
export async function ripgrep(
  cwd: string,
  args: string[],
  options: { maxLines: number; signal: AbortSignal },
) {
  const child = execa(rgPath, ['--no-config', '--color=never', ...args], {
    cwd,
    env: {},
    extendEnv: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
    timeout: SEARCH_MS,
    cancelSignal: options.signal,
    forceKillAfterDelay: 500,
  });
  const errors = new BoundedText(2_000);
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const lines: string[] = [];
  let more = false;
  for await (const line of child.iterable({ from: 'stdout' })) {
    more = lines.length >= options.maxLines;
    if (more) break;
    lines.push(line.slice(0, MAX_LINE_UNITS));
  }
  if (more) child.kill();
  const { exitCode, timedOut } = await child;
  options.signal.throwIfAborted();
  // 1 is "nothing found"; 2 may come with results when some file could not be read.
  if (!more && lines.length === 0 && (timedOut || (exitCode !== 0 && exitCode !== 1))) {
    const reason = timedOut
      ? `it took longer than ${SEARCH_MS / 1_000} seconds`
      : errors.within(2_000).trim();
    throw new RunmeshError('search_failed', `The search did not work: ${reason}`);
  }
  return { lines, more };
}

const SEARCH_MS = 30_000;
const MAX_LINE_UNITS = 500;
