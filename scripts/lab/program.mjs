import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '../bundle.mjs';
import { applyEdits, editOfPoint, findMisfits } from './edits.mjs';
import { EXTRA_MIGRATION, HASTE } from './haste.mjs';
import { POINTS } from './points.mjs';
import { SABOTAGES } from './sabotages.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const PRELOAD = fileURLToPath(new URL('./preload.mjs', import.meta.url));

/**
 * Makes the program anew of a copy of its compiled modules in which the crash points, the shortened waits and at most one
 * sabotage are written, and answers its entry. The program itself has no switch for any of it.
 */
export async function copyProgram(dir, sabotage) {
  mkdirSync(dir, { recursive: true });
  const [build, dist] = [join(dir, 'build'), join(dir, 'dist')];
  cpSync(join(ROOT, 'build'), build, { recursive: true });
  for (const name of ['package.json', 'launchd'])
    cpSync(join(ROOT, name), join(dir, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  const edits = [...POINTS.map(editOfPoint), ...HASTE, EXTRA_MIGRATION];
  // A sabotage goes first; a point at the very text that it takes away has no place in its copy.
  if (sabotage !== undefined) applyEdits(build, sabotage.edits);
  applyEdits(
    build,
    sabotage === undefined ? edits : edits.filter((edit) => findMisfits(build, [edit]).length === 0),
  );
  await bundleProgram({ from: build, to: dist });
  return join(dist, 'cli', 'main.js');
}

/** Edits of every table that do not fit the compiled modules. */
export function misfitsOf(build) {
  const edits = [...POINTS, ...HASTE, EXTRA_MIGRATION, ...SABOTAGES.flatMap((sabotage) => sabotage.edits)];
  return findMisfits(build, edits);
}
