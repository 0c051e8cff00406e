// Prints what this program is made of as CycloneDX JSON: every package of a production install, on every platform, and
// what is bundled into the local page, from the lockfile alone (no network). The same lockfile gives the same bytes, so that two of them can be compared.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const text = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const { serialNumber: _, ...bom } = JSON.parse(text);
/** For development by package.json, and yet in what is shipped. */
const BUNDLED = ['preact'];
bom.components = bom.components
  .filter((component) => BUNDLED.includes(component.name) || !isForDevelopment(component))
  .map((component) =>
    BUNDLED.includes(component.name) ? { ...component, scope: 'required', properties: [] } : component,
  );
const refs = [bom.metadata.component, ...bom.components].map((component) => component['bom-ref']);
bom.dependencies = bom.dependencies
  .filter(({ ref }) => refs.includes(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.includes(one)) }));
delete bom.metadata.timestamp;
// npm takes the folder's name.
bom.metadata.component.name = name;
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);

function isForDevelopment({ properties = [] }) {
  return properties.some(({ name }) => name === 'cdx:npm:package:development');
}
