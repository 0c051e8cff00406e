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
  const names = new Set(
    text.split(/[\s'"`;|&()<>{}[\],=]+/).filter((word) => word !== '' && word.length < 1_000),
  );
  return [...names].slice(0, MOST_NAMES).flatMap((name) => {
    const path = resolve(folder, name.replace(/\\n$/, ''));
    const content = contentOf(path);
    return content === undefined ? [] : [[name, realOf(path), content]];
  });
}

/** A hash of a file's content, or what else is known of it; `undefined` where there is no file. */
function contentOf(path: string): string | undefined {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return undefined;
    if (stats.size > MOST_BYTES) return `${stats.size} ${stats.mtimeMs} ${stats.ino}`;
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
const MOST_BYTES = 16_777_216;
