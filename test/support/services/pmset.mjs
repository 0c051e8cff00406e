// `pmset -g custom` of a Mac that sleeps after a quarter of an hour on power.
import { recordCall } from './jobs.mjs';

const args = process.argv.slice(2);
recordCall('pmset', args);
if (args.join(' ') !== '-g custom') process.exit(64);
process.stdout.write(
  'Battery Power:\n powernap             0\n sleep                1\nAC Power:\n powernap             1\n sleep                15\n',
);
