// Bundles the local page (src/control/page/client/) into dist/control/page/files/: one script, one style sheet, the page.
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { LICENCES, licencesOf } from './bundle.mjs';

export async function buildPage(root = fileURLToPath(new URL('..', import.meta.url))) {
  const from = `${root}/src/control/page/client`;
  const to = `${root}/dist/control/page/files`;
  mkdirSync(to, { recursive: true });
  const bundle = await rolldown({
    input: `${from}/main.tsx`,
    platform: 'browser',
    transform: { target: 'es2022' },
  });
  const { output } = await bundle.write({ file: `${to}/page.js`, format: 'es', minify: true });
  await bundle.close();
  if (output.length !== 1) throw new Error(`the page is one script, and not ${output.length}`);
  appendFileSync(`${root}/dist/${LICENCES}`, `\n${licencesOf(output)}`);
  for (const file of ['page.html', 'icon.svg']) copyFileSync(`${from}/${file}`, `${to}/${file}`);
  const styles = STYLES.map((name) => readFileSync(`${from}/styles/${name}.css`, 'utf8'));
  writeFileSync(`${to}/page.css`, styles.join('\n'));
}

/** The later ones go over the earlier ones. */
const STYLES = ['base', 'controls', 'views', 'story', 'usage', 'widths'];
