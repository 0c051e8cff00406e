import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyEdits, editOfPoint } from './edits.mjs';
import { EXTRA_MIGRATION, HASTE } from './haste.mjs';
import { POINTS } from './points.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const PRELOAD = fileURLToPath(new URL('./preload.mjs', import.meta.url));

/**
 * Copies the built program into `dir`, writes the crash points, the shortened waits and at most one sabotage into the
 * copy, and answers its entry. The program itself has no switch for any of it.
 */
export function copyProgram(dir, sabotage) {
  mkdirSync(dir, { recursive: true });
  cpSync(join(ROOT, 'dist'), join(dir, 'dist'), {
    recursive: true,
    filter: (path) => !path.endsWith('.map'),
  });
  cpSync(join(ROOT, 'package.json'), join(dir, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  // A sabotage goes first: its text may be one at which a point stands.
  if (sabotage !== undefined) applyEdits(join(dir, 'dist'), sabotage.edits);
  const edits = [...POINTS.map(editOfPoint), ...HASTE, EXTRA_MIGRATION];
  applyEdits(join(dir, 'dist'), sabotage === undefined ? edits : edits.filter(fits(sabotage)));
  return join(dir, 'dist', 'cli', 'main.js');
}

/** Points at the very text that a sabotage replaced have no place in its copy. */
function fits({ edits }) {
  return (edit) => !edits.some(({ file, find }) => file === edit.file && find.includes(edit.find));
}
