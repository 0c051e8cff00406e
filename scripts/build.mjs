// Compiles src/ into dist/ and copies the files that are read at run time but not compiled.
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

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
