// Compiles src/ into dist/, bundles the local page, and writes the manual from the commands there are.
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPage } from './build-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, '-p', `${root}/src/tsconfig.json`],
  {
    stdio: 'inherit',
  },
);
chmodSync(`${root}/dist/cli/main.js`, 0o755);
await buildPage(root);

const { buildCommands } = await import('../dist/cli/build-commands.js');
const { renderManPage } = await import('../dist/cli/completion/man-page.js');
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const date = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1_000) * 1_000);
const program = buildCommands({ version }, () => {}, { json: false });
writeFileSync(
  `${root}/dist/runmesh.1`,
  renderManPage(program, { version, date: date.toISOString().slice(0, 10) }),
);
