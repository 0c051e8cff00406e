import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Ask } from './judge-call.ts';
import { pathsNamed } from './paths-named.ts';

/**
 * A hash of what an answer is bound to: the call itself, the folder it would work in as it is on disk, and the content of every
 * file that it names. Taken when the owner is asked and again before the call runs: what changed in between was not allowed.
 * `undefined` where it names more than can be looked at.
 */
export function subjectOf(ask: Ask, workspace: string, home: string): string | undefined {
  const folder = resolve(workspace, ask.workdir);
  const paths = pathsNamed(ask.names, { folder, home, isCommand: ask.tool === 'exec_command' });
  if (paths === undefined) return undefined;
  const budget = { bytes: MOST_BYTES };
  const files = paths.flatMap((path) => {
    const content = contentOf(path, budget);
    return content === undefined ? [] : [[path, realOf(path), content]];
  });
  const facts = [ask.tool, ask.what, ask.opens, ask.shell, realOf(folder), files];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

/**
 * A hash of a file's content, or what else is known of it once enough was read; `undefined` where there is no file. A file
 * that says it is empty is not opened: those of /proc may wait for ever. Its owner cannot set a `ctime`.
 */
function contentOf(path: string, budget: { bytes: number }): string | undefined {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (!stats?.isFile()) return undefined;
    const bytes = Number(stats.size);
    if (bytes === 0) return 'empty';
    if (bytes > budget.bytes) return `${stats.size} ${stats.ctimeNs} ${stats.dev}:${stats.ino}`;
    budget.bytes -= bytes;
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return undefined;
  }
}

function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return isLink(path) ? 'a link to nothing' : null;
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** Of all files of one call together: this happens in the daemon's one thread. */
const MOST_BYTES = 16_777_216;
