import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Ask } from './judge-call.ts';

/**
 * A hash of what an answer is bound to: the call itself, the folder it would work in as it is on disk, and the content of every
 * file that it names. Taken when the owner is asked and again before the call runs: what changed in between was not allowed.
 */
export function subjectOf(ask: Ask, workspace: string): string {
  const folder = resolve(workspace, ask.workdir);
  const facts = [ask.tool, ask.what, ask.opens, ask.shell, realOf(folder), filesNamed(ask.names, folder)];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

function filesNamed(text: string, folder: string): (string | null)[][] {
  const budget = { bytes: MOST_BYTES };
  const names = new Set(
    text.split(/[\s'"`;|&()<>{}[\],=]+/).filter((word) => word !== '' && word.length < 1_000),
  );
  return [...names].slice(0, MOST_NAMES).flatMap((name) => {
    const path = resolve(folder, name.replace(/\\n$/, ''));
    const content = contentOf(path, budget);
    return content === undefined ? [] : [[name, realOf(path), content]];
  });
}

/**
 * A hash of a file's content, or what else is known of it once enough was read; `undefined` where there is no file. A file
 * that says it is empty is not opened: those of /proc may wait for ever. Its owner cannot set a `ctime`.
 */
function contentOf(path: string, budget: { bytes: number }): string | undefined {
  try {
    const stats = statSync(path, { bigint: true });
    if (!stats.isFile()) return undefined;
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

const MOST_NAMES = 100;
/** Of all files of one call together: this happens in the daemon's one thread. */
const MOST_BYTES = 16_777_216;
