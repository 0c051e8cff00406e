// `npm run pack -- FOLDER`: packs the program as it is published. What is bundled into dist/ is named in package.json, for
// this checkout is made of it, and is not asked for once more by whoever installs the program.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INSTALLED } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const destination = resolve(process.argv[2] ?? '.');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { devDependencies: _tools, scripts: _work, dependencies, ...shipped } = manifest;
const installed = Object.entries(dependencies).filter(([name]) => INSTALLED.includes(name));

const folder = mkdtempSync(join(tmpdir(), 'runmesh-pack-'));
try {
  for (const part of manifest.files) cpSync(join(root, part), join(folder, part), { recursive: true });
  const text = JSON.stringify({ ...shipped, dependencies: Object.fromEntries(installed) }, null, 2);
  writeFileSync(join(folder, 'package.json'), `${text}\n`);
  execFileSync('npm', ['pack', '--pack-destination', destination], { cwd: folder, stdio: 'inherit' });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
