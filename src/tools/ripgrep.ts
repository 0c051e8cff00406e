import { type FileHandle, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rgPath } from '@vscode/ripgrep';
import { hiddenIn } from '../guard/sandbox-policy.ts';
import type { Workspace } from '../guard/workspaces.ts';
import { RunmeshError } from '../kit/errors.ts';
import { BoundedText } from './bounded-text.ts';

export interface Search {
  /** Where to run. What the run's policy hides is left out. */
  workspace: Workspace;
  flags: string[];
  /** The folder to look through, relative to the workspace; or a file, opened, which then comes as `<stdin>`. */
  target: string | FileHandle;
  /** Only files that this glob fits, by name or, where it has a slash, by path from the workspace. */
  include?: string | undefined;
  signal: AbortSignal;
}

/**
 * Runs ripgrep and hands over its lines until `onLine` answers `false`. It reads no configuration, runs nothing, and
 * honours .gitignore. What it says of a folder is to be looked up again (`lookAgain`): it may have been led out of the
 * workspace. Throws `search_failed` with ripgrep's own reason.
 */
export async function ripgrep(search: Search, onLine: (line: string) => Promise<boolean>): Promise<void> {
  const filter = search.include === undefined ? undefined : await writeFilter(search.include);
  try {
    await run(search, filter === undefined ? [] : [`--ignore-file=${filter.file}`], onLine);
  } finally {
    await filter?.remove();
  }
}

async function run(
  { workspace, flags, target, signal }: Search,
  filterFlags: string[],
  onLine: (line: string) => Promise<boolean>,
): Promise<void> {
  // Loaded here: it costs a daemon that never searches 12 MB.
  const { execa } = await import('execa');
  const hidden = hiddenIn(workspace).map((one) => `--iglob=!${asGlob(one)}`);
  const [path, stdin] =
    typeof target === 'string'
      ? [target, 'ignore' as const]
      : ['-', target.createReadStream({ autoClose: false })];
  const child = execa(rgPath, [...ALWAYS, ...hidden, ...filterFlags, ...flags, '--', path], {
    cwd: workspace.root,
    env: {},
    extendEnv: false,
    stdin,
    buffer: false,
    reject: false,
    timeout: SEARCH_MS,
    cancelSignal: signal,
  });
  const complaints = new BoundedText(MAX_COMPLAINT_UNITS);
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  let enough = false;
  for await (const line of child.iterable({ from: 'stdout' })) {
    enough = !(await onLine(line.replace(/^\.\//, '')));
    if (enough) break;
  }
  if (enough) child.kill();
  const { exitCode, timedOut } = await child;
  signal.throwIfAborted();
  if (timedOut) {
    throw failed(`it took longer than ${SEARCH_MS / 1_000} seconds. Look through a smaller folder.`);
  }
  if (enough || exitCode === 0 || exitCode === 1) return;
  const said = complaints.within(MAX_COMPLAINT_UNITS).trim();
  if (said !== '') throw failed(said);
  // 2 without a word is a file or a folder that could not be read.
  if (exitCode !== 2) {
    throw failed(`ripgrep could not be run in ${workspace.root}. Is the folder still there?`);
  }
}

/**
 * A glob as an ignore file of the lowest rank, which ignores everything else. `--glob` would not do: it overrules
 * .gitignore, so that `src/**` would look through what the repository ignores.
 */
async function writeFilter(glob: string): Promise<{ file: string; remove: () => Promise<void> }> {
  if (/[\r\n]/.test(glob)) throw failed('a glob has no line end.');
  const folder = await mkdtemp(join(tmpdir(), 'runmesh-search-'));
  const file = join(folder, 'only');
  await writeFile(file, `*\n!*/\n!${glob.replace(/^\.\//, '/')}\n`);
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A path from the searched folder as a glob that fits it alone. */
function asGlob(path: string): string {
  return `/${path.replace(/[\\*?[\]{}!]/g, '\\$&')}`;
}

function failed(reason: string): RunmeshError {
  return new RunmeshError('search_failed', `The search did not work: ${reason}`);
}

/** A search is not worth more of a run's time. */
const SEARCH_MS = 30_000;
const MAX_COMPLAINT_UNITS = 2_000;
const ALWAYS = [
  '--no-config',
  '--no-messages',
  '--color=never',
  '--hidden',
  '--no-require-git',
  '--glob=!.git',
];
