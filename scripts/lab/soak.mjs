// `npm run soak -- --seconds 600`: small runs without a pause while the device's link is cut again and again. Memory and
// open files of the last minute are held against those of the second. Linux alone: they are read from /proc.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openHouse } from './house.mjs';
import { startModel } from './model.mjs';
import { randomOf } from './seed.mjs';

const SIDE_BY_SIDE = 4;
const SAMPLE_MS = 5_000;
const MINUTE_MS = 60_000;
const MOST_GROWTH = 1.1;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string', default: '1' } },
});
const lastsMs = Number(values.seconds) * 1_000;
if (!(lastsMs >= 3 * MINUTE_MS)) throw new Error('--seconds is 180 at least: the first minute warms up.');

const deaths = [];
const model = await startModel(() => {});
const house = await openHouse({
  dir: mkdtempSync(join(tmpdir(), 'runmesh-soak-')),
  program: fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)),
  model: model.url,
  watch: { hits: new Map(), frame: () => {}, ready: () => {}, died },
  sandboxed: false,
  diskMegabytes: 4_096,
});
const startedAt = performance.now();
const passed = () => performance.now() - startedAt;
const over = () => passed() >= lastsMs;
const figures = { runs: 0, calls: 0, cuts: 0, wrong: [] };
const samples = [];
try {
  const lanes = Array.from({ length: SIDE_BY_SIDE }, (_, n) => startRuns(n));
  await Promise.all([...lanes, cutLinks(), takeSamples()]);
} finally {
  await house.close({ keep: false });
  model.close();
}
const grown = report();
const whole = figures.wrong.length === 0 && deaths.length === 0;
console.log(
  `${Math.round(lastsMs / 1_000)} s, ${figures.runs} runs, ${figures.calls} calls, ${figures.cuts} cut links: ${figures.wrong.length} runs wrong, ${deaths.length} deaths, ${grown.length === 0 ? 'nothing grew' : `grew: ${grown.join(', ')}`}.`,
);
process.exit(whole && grown.length === 0 ? 0 : 1);

/** Whatever ends before the soak ends it. */
function died(name, { asked }) {
  if (asked === undefined) deaths.push(name);
}

/** Runs one after the other, each of two model steps with a command between them. */
async function startRuns(lane) {
  for (let n = 0; !over(); n += 1) {
    const lab = `r${lane}x${n}`;
    const call = { id: lab, name: 'exec_command', args: { cmd: `echo ${lab}`, login: false } };
    const order = {
      lab,
      steps: [{ say: 'On it.', wordMs: 0, calls: [call] }],
      end: `done ${lab}`,
      endWordMs: 0,
    };
    const body = { agent: 'lab', prompt: JSON.stringify(order), stream: false };
    const record = await endOf(await house.api('/v1/run', { body }));
    figures.runs += 1;
    figures.calls += 1;
    if (record.status !== 'completed' || record.result !== `done ${lab}`) figures.wrong.push(record);
  }
}

/** A run whose device is away at the moment is answered for at once: it waits. One that never ends is a wrong one. */
async function endOf(record, until = passed() + 2 * MINUTE_MS) {
  if (record.completedAt !== null || passed() > until) return record;
  await delay(100);
  return endOf(await house.api(`/v1/run/${record.runId}`), until);
}

/**
 * Up to three cuts in a row, then a while without any: a link that was never stable for thirty seconds is dialled ever more
 * seldom, up to a minute, and most of the time would go by waiting.
 */
async function cutLinks() {
  const random = randomOf(values.seed, 'cuts');
  while (!over()) {
    for (let left = random.between(1, 3); left > 0; left -= 1) {
      await delay(random.between(500, 3_000));
      house.devices[random.pick(['reset', 'end'])]();
      figures.cuts += 1;
    }
    await delay(random.between(31_000, 35_000));
  }
}

async function takeSamples() {
  for (let at = 0; !over(); at += SAMPLE_MS) {
    await delay(at + SAMPLE_MS - passed());
    const minute = Math.floor(passed() / MINUTE_MS);
    if (minute !== samples.at(-1)?.minute) console.log(`${minute} min, ${figures.runs} runs`);
    for (const name of ['daemon', 'mesh']) {
      // Where it died a moment ago, that was noted.
      if (house[name].up) samples.push({ name, minute, ...lookAt(house[name].pid) });
    }
  }
}

function lookAt(pid) {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { megabytes: Number(kilobytes) / 1_024, files: readdirSync(`/proc/${pid}/fd`).length };
}

/** Prints a row for each minute and answers what grew. A minute counts by its mean: garbage comes and goes. */
function report() {
  const last = Math.floor(lastsMs / MINUTE_MS) - 1;
  const meanOf = (name, minute, what) => {
    const list = samples.filter((one) => one.name === name && one.minute === minute).map((one) => one[what]);
    return list.reduce((sum, one) => sum + one, 0) / list.length;
  };
  const columns = ['daemon', 'mesh'].flatMap((name) => ['megabytes', 'files'].map((what) => [name, what]));
  console.log(['minute', ...columns.map((column) => column.join(' '))].join('\t'));
  for (let minute = 0; minute <= last; minute += 1)
    console.log(
      [minute + 1, ...columns.map(([name, what]) => meanOf(name, minute, what).toFixed(1))].join('\t'),
    );
  return columns
    .map(([name, what]) => ({
      title: `${name} ${what}`,
      ratio: meanOf(name, last, what) / meanOf(name, 1, what),
    }))
    .filter(({ ratio }) => ratio > MOST_GROWTH)
    .map(({ title, ratio }) => `${title} × ${ratio.toFixed(2)}`);
}
