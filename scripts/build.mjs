// Compiles src/ into build/, module by module, makes the program of it, dist/, bundles the local page, and writes the manual
// from the commands there are.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPage } from './build-page.mjs';
import { bundleProgram } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}/build`, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, '-p', `${root}/src/tsconfig.json`],
  {
    stdio: 'inherit',
  },
);
await bundleProgram({ from: `${root}/build`, to: `${root}/dist` });
await buildPage(root);

const { buildCommands } = await import('../build/cli/build-commands.js');
const { renderManPage } = await import('../build/cli/completion/man-page.js');
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const date = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1_000) * 1_000);
const program = buildCommands({ version }, () => {}, { json: false });
writeFileSync(
  `${root}/dist/runmesh.1`,
  renderManPage(program, { version, date: date.toISOString().slice(0, 10) }),
);
