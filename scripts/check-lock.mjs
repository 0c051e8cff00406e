// Proves that package-lock.json holds every platform's optional package. npm drops one that its registry lacks in
// silence, and then a Mac gets no binary. Also: no package may need an install script for what we use it for, each is
// pinned by its SHA-512 and to one version, and no entry may name a registry's host. Exit 1 with a line for each fault.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const packages = lock.packages ?? {};
const faults = [];
/** A version, or an alias's. */
const EXACT = /^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+$/;

for (const [path, entry] of Object.entries(packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (!resolvedFrom(path, name))
      faults.push(`${path || 'the project'} wants ${name}, and the lock does not have it`);
  }
  if (entry.hasInstallScript && manifest.allowScripts?.[nameOf(path, entry)] !== false) {
    faults.push(`${path} has an install script that package.json's allowScripts does not deny`);
  }
  if (entry.resolved) faults.push(`${path} names where it was downloaded: ${entry.resolved}`);
  if (path !== '' && !entry.integrity?.startsWith('sha512-')) faults.push(`${path} has no SHA-512 integrity`);
  if (entry.link) faults.push(`${path} is a link to a folder, and nobody else has that folder`);
}

for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
  if (!EXACT.test(version)) faults.push(`${name} is wanted as ${version}, which is not one exact version`);
}

const optional = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
const mac = optional.filter((name) => name.includes('darwin'));
if (mac.length === 0) faults.push('no package for macOS is in the lock at all');

if (faults.length > 0) {
  console.error(faults.join('\n'));
  console.error(`package-lock.json is not fit to ship: ${faults.length} faults.`);
  process.exit(1);
}
console.log(
  `package-lock.json holds all ${optional.length} optional packages, ${mac.length} of them for macOS.`,
);

/** Node's own rule: `node_modules` in the package's folder, then in each folder above it. */
function resolvedFrom(path, name) {
  const folders = path
    .split('/node_modules/')
    .map((_, index, parts) => parts.slice(0, index + 1).join('/node_modules/'));
  return ['', ...folders.filter(Boolean)].some(
    (folder) => packages[join(folder, 'node_modules', name)] !== undefined,
  );
}

function nameOf(path, entry) {
  return entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
