// Bundles the local page (src/control/page/client/) into dist/control/page/files/: one script, one style sheet, the page.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

export async function buildPage(root = fileURLToPath(new URL('..', import.meta.url))) {
  const from = `${root}/src/control/page/client`;
  const to = `${root}/dist/control/page/files`;
  mkdirSync(to, { recursive: true });
  const bundle = await rolldown({
    input: `${from}/main.tsx`,
    platform: 'browser',
    transform: { target: 'es2022' },
  });
  const { output } = await bundle.write({
    file: `${to}/page.js`,
    format: 'es',
    minify: true,
    banner: notice(root),
  });
  await bundle.close();
  if (output.length !== 1) throw new Error(`the page is one script, and not ${output.length}`);
  for (const file of ['page.html', 'page.css', 'icon.svg']) copyFileSync(`${from}/${file}`, `${to}/${file}`);
}

/** What is not ours goes with its licence. */
function notice(root) {
  const { version } = JSON.parse(readFileSync(`${root}/node_modules/preact/package.json`, 'utf8'));
  const licence = readFileSync(`${root}/node_modules/preact/LICENSE`, 'utf8').trim();
  return `/*! With preact ${version}:\n${licence.replaceAll('*/', '* /')}\n*/`;
}
