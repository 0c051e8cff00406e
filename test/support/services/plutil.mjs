// `plutil -lint` over a real parser; exits with 1 where the real one does.
import { readFileSync } from 'node:fs';
import { parse } from 'plist';
import { recordCall } from './jobs.mjs';

const [option, file] = process.argv.slice(2);
recordCall('plutil', process.argv.slice(2));
if (option !== '-lint') process.exit(64);
try {
  if (parse(readFileSync(file, 'utf8')) === null) throw new Error('Encountered unexpected EOF');
  process.stdout.write(`${file}: OK\n`);
} catch (error) {
  process.stdout.write(`${file}: ${error.message}\n`);
  process.exit(1);
}
