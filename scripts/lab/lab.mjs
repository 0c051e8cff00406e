// `npm run lab -- --cycles N --seed S`: breaks the real program in every way that is known and looks whether it kept
// its promise. See README.md beside this file.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { jsonOf, sentenceOf, tableOf } from './report.mjs';
import { runStorm } from './storm.mjs';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    only: { type: 'string' },
    report: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const { seed, only, keep } = values;
const [cycles, from] = [Number(values.cycles), Number(values.from)];

const tally = await runStorm({ seed, cycles, from, only, keep, onCycle });
console.log(tableOf(tally));
if (values.report !== undefined) writeFileSync(values.report, JSON.stringify(jsonOf(tally, seed), null, 2));
for (const { first, cycle, dir } of tally.failures) {
  console.log(
    `To see cycle ${cycle} again: npm run lab -- --seed ${seed} --from ${first} --cycles ${cycle - first + 1}`,
  );
  console.log(`Its folder: ${dir}`);
}
console.log(sentenceOf(tally, seed));
process.exit(tally.failures.length === 0 ? 0 : 1);

function onCycle({ cycle, plan, wrong, ms }) {
  const troubles = [...plan.faults, ...plan.points.map(({ name }) => name)].join(', ');
  console.log(`${cycle}  ${(ms / 1_000).toFixed(1)} s  ${troubles}${wrong.length > 0 ? '  FAILED' : ''}`);
  for (const words of wrong) console.log(`    ${words}`);
}
