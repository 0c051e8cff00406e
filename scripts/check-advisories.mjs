// Asks the registry for known holes in what a production install consists of. Exit 1 names those that are high or
// critical. A registry that does not answer such questions (a mirror, no network) is said to be so and passes: a build
// must not depend on it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
  timeout: 120_000,
});
const report = parse(stdout);
if (report?.vulnerabilities === undefined) {
  console.log(`Not asked: the registry answers no audit (${report?.message ?? 'no answer'}).`);
  process.exit(0);
}
const holes = Object.values(report.vulnerabilities);
const grave = holes.filter(({ severity }) => severity === 'high' || severity === 'critical');
for (const { name, severity, range, via } of grave) {
  const why = via.map((one) => (typeof one === 'string' ? one : `${one.title} ${one.url}`)).join('; ');
  console.error(`${name} ${range}: ${severity}: ${why}`);
}
console.log(
  `Known holes in production packages: ${holes.length}, of them high or critical: ${grave.length}.`,
);
process.exit(grave.length > 0 ? 1 : 0);

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
