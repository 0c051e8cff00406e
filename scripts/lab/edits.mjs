import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Changes files under `build`, each edit at the one place its text stands. Throws, naming the edits, where a text stands
 * nowhere or more than once: the program changed, and the edit would prove nothing.
 */
export function applyEdits(build, edits) {
  const misfits = findMisfits(build, edits);
  if (misfits.length > 0) throw new Error(misfits.join('\n'));
  for (const { file, find, put } of edits) {
    const path = join(build, file);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(find, () => put),
    );
  }
}

/** What does not fit, in words. */
export function findMisfits(build, edits) {
  return edits.filter((edit) => timesIn(build, edit) !== 1).map((edit) => wordsFor(build, edit));
}

function timesIn(build, { file, find }) {
  const path = join(build, file);
  return existsSync(path) ? readFileSync(path, 'utf8').split(find).length - 1 : 0;
}

function wordsFor(build, edit) {
  return `${edit.name}: its text stands ${timesIn(build, edit)} times in build/${edit.file}, not once: ${edit.find}`;
}

/** A point as an edit: the copy calls the preload, where there is one. */
export function editOfPoint({ name, file, find, put }) {
  return { name, file, find, put: put.replace('@', `globalThis.labReached?.('${name}')`) };
}
