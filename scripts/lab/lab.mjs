// `npm run lab -- --cycles N --seed S`: breaks the real program in every way that is known and looks whether it kept
// its promise. See README.md beside this file.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { misfitsOf } from './program.mjs';
import { isCaught, jsonOf, sabotageTableOf, sentenceOf, tableOf } from './report.mjs';
import { SABOTAGES } from './sabotages.mjs';
import { runStorm } from './storm.mjs';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    seconds: { type: 'string', default: 'Infinity' },
    only: { type: 'string' },
    sabotage: { type: 'string' },
    report: { type: 'string' },
    'go-on': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    fit: { type: 'boolean', default: false },
  },
});
const { seed, only, keep } = values;
const CATCH_WITHIN = 200;
const [cycles, from, seconds] = [values.cycles, values.from, values.seconds].map(Number);

if (values.fit) {
  const misfits = misfitsOf(fileURLToPath(new URL('../../build', import.meta.url)));
  for (const words of misfits) console.log(words);
  console.log(`${misfits.length} of the lab's edits do not fit the built program.`);
  process.exit(misfits.length === 0 ? 0 : 1);
}

// The cycle that is under way is brought to its end, so that no process of it is left.
const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'])
  process.once(name, () => {
    console.log('Stopping after this cycle.');
    stopped.abort();
  });

const save = (figures, sabotage) => {
  if (values.report !== undefined)
    writeFileSync(values.report, JSON.stringify(jsonOf(figures, seed, sabotage), null, 2));
};
const earlier = values['go-on'] && existsSync(values.report) ? { tally: reportOf(values.report) } : {};
const storm = { seed, cycles, from, seconds, only, keep, signal: stopped.signal, onCycle, onHouse: save };
const tally = await runStorm({ ...storm, ...earlier });
console.log(tableOf(tally));
for (const words of tally.skipped) console.log(`skipped: ${words}`);
const sabotage = [];
for (const one of SABOTAGES.filter(({ name }) => values.sabotage === 'all' || values.sabotage === name))
  sabotage.push(await findOut(one));
if (values.sabotage !== undefined) console.log(sabotageTableOf(sabotage));
save(tally, sabotage);
for (const { first, cycle, dir } of tally.failures) {
  console.log(
    `To see cycle ${cycle} again: npm run lab -- --seed ${seed} --from ${first} --cycles ${cycle - first + 1}`,
  );
  console.log(`Its folder: ${dir}`);
}
console.log(sentenceOf(tally, seed, sabotage));
process.exit(tally.failures.length === 0 && sabotage.every(isCaught) ? 0 : 1);

/** The figures of a storm that was broken off. */
function reportOf(file) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  if (report.seed !== seed) throw new Error(`${file} is of seed ${report.seed}`);
  return report.tally;
}

/** Runs a sabotaged program until something is wrong. */
async function findOut({ name, breaks, ...rest }) {
  console.log(`sabotage: ${name}`);
  const sabotage = { name, breaks, ...rest };
  const { failures, cycles: ran } = await runStorm({
    seed,
    cycles: CATCH_WITHIN,
    sabotage,
    mostFailures: 1,
    signal: stopped.signal,
    onCycle,
  });
  return { name, breaks, cycles: ran, cycle: failures[0]?.cycle, wrong: failures[0]?.wrong[0] };
}

function onCycle({ cycle, plan, wrong, ms }) {
  const troubles = [...plan.faults, ...plan.points.map(({ name }) => name)].join(', ');
  console.log(`${cycle}  ${(ms / 1_000).toFixed(1)} s  ${troubles}${wrong.length > 0 ? '  FAILED' : ''}`);
  for (const words of wrong) console.log(`    ${words}`);
}
