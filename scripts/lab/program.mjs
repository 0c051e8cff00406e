import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyEdits, editOfPoint, findMisfits } from './edits.mjs';
import { EXTRA_MIGRATION, HASTE } from './haste.mjs';
import { POINTS } from './points.mjs';
import { SABOTAGES } from './sabotages.mjs';

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
  const dist = join(dir, 'dist');
  const edits = [...POINTS.map(editOfPoint), ...HASTE, EXTRA_MIGRATION];
  // A sabotage goes first; a point at the very text that it takes away has no place in its copy.
  if (sabotage !== undefined) applyEdits(dist, sabotage.edits);
  applyEdits(
    dist,
    sabotage === undefined ? edits : edits.filter((edit) => findMisfits(dist, [edit]).length === 0),
  );
  return join(dir, 'dist', 'cli', 'main.js');
}

/** Edits of every table that do not fit the built program. */
export function misfitsOf(dist) {
  const edits = [...POINTS, ...HASTE, EXTRA_MIGRATION, ...SABOTAGES.flatMap((sabotage) => sabotage.edits)];
  return findMisfits(dist, edits);
}
