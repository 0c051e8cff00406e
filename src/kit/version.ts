import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** This program's version, from its package.json (two folders up, in `src/` as in `dist/`). */
export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The folder this program is installed in. */
export function installFolder(): string {
  return fileURLToPath(new URL('../..', import.meta.url));
}
