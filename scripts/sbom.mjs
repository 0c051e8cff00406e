// Prints what this program is made of as CycloneDX JSON: every package of a production install, on every platform, from
// the lockfile alone (no network). The same lockfile gives the same bytes, so that two of them can be compared.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const text = execFileSync(
  'npm',
  ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'],
  { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'inherit'] },
);
const { serialNumber: _, ...bom } = JSON.parse(text);
delete bom.metadata.timestamp;
// npm takes the folder's name.
bom.metadata.component.name = name;
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);
