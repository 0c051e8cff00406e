import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Changes files under `dist`, each edit at the one place its text stands. Throws, naming the edit, where its text
 * stands nowhere or more than once: the program changed, and the edit would prove nothing.
 */
export function applyEdits(dist, edits) {
  const texts = new Map();
  for (const { name, file, find, put } of edits) {
    const path = join(dist, file);
    const original = texts.get(path)?.original ?? readFileSync(path, 'utf8');
    const count = original.split(find).length - 1;
    if (count !== 1)
      throw new Error(`${name}: its text stands ${count} times in dist/${file}, not once: ${find}`);
    const now = texts.get(path)?.now ?? original;
    texts.set(path, { original, now: now.replace(find, () => put) });
  }
  for (const [path, { now }] of texts) writeFileSync(path, now);
}

/** A point as an edit: the copy calls the preload, where there is one. */
export function editOfPoint({ name, file, find, put }) {
  return { name, file, find, put: put.replace('@', `globalThis.labReached?.('${name}');`) };
}
