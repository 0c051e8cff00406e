import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCycle, STEER } from './cycle.mjs';
import { LOSE_JOURNAL } from './faults.mjs';
import { openHouse } from './house.mjs';
import { digestOf, findOrphans, judgeMeasure, judgeStopped, measure, ORPHAN_MS } from './judge-house.mjs';
import { judgeRun } from './judge-run.mjs';
import { startModel } from './model.mjs';
import { planCycle } from './plan.mjs';
import { copyProgram } from './program.mjs';
import { addRun, count, newTally } from './tally.mjs';
import { Watch } from './watch.mjs';
import { readWitness } from './witness.mjs';

/**
 * Runs cycles `from` to `from + cycles - 1` of a seed and answers the figures. `mostFailures`, `seconds` and
 * `signal` end the storm early. What failed stays on the disk, but for a sabotaged program's.
 */
export async function runStorm(options) {
  const { from = 0, cycles, seconds = Infinity, sabotage, keep = false, mostFailures = 5, signal } = options;
  const root = mkdtempSync(join(tmpdir(), 'runmesh-lab-'));
  const program = copyProgram(join(root, 'program'), sabotage);
  const tally = newTally();
  const watch = { now: undefined };
  const model = await startModel((life, run) => watch.now?.asked(life, run));
  const over = (cycle) =>
    cycle >= from + cycles ||
    signal?.aborted ||
    tally.failures.length >= mostFailures ||
    performance.now() - tally.startedAt > seconds * 1_000;
  try {
    for (let cycle = from; !over(cycle); )
      cycle = await runHouse(cycle, { ...options, root, program, model: model.url, watch, tally, over });
  } finally {
    model.close();
    if (!keep && (tally.failures.length === 0 || sabotage !== undefined))
      rmSync(root, { recursive: true, force: true });
  }
  return tally;
}

/**
 * Opens a house and runs cycles from `first` on in it, until it is old or something was wrong in it; starting again with
 * state is the point. Answers the next cycle.
 */
async function runHouse(first, storm) {
  const { root, program, model, sabotage, keep, tally, over, onCycle = () => {} } = storm;
  const dir = join(root, `house-${first}`);
  const watch = new Watch(join(dir, 'workspace', 'witness'));
  storm.watch.now = watch;
  // Outside of a sandbox commands are harder to end, so most houses have none.
  const sandboxed = sabotage === undefined && Math.floor(first / HOUSE_CYCLES) % 3 === 1 && hasSandbox();
  const house = await openHouse({ dir, program, model, watch, sandboxed });
  const open = { house, watch, digests: new Map(), seen: new Map() };
  const hasDisk = house.disk.fill !== undefined;
  if (!hasDisk && tally.skipped.length === 0) tally.skipped.push('full disks: no tmpfs can be mounted here');
  let cycle = first;
  try {
    for (let last = false; !last; cycle += 1) {
      const began = performance.now();
      const plan = planCycle({ ...storm, cycle, witness: watch.witness, hasDisk });
      const wrong = await judgedCycle(open, plan, tally);
      tally.cycles += 1;
      last = (cycle + 1) % HOUSE_CYCLES === 0 || wrong.length > 0 || over(cycle + 1);
      if (last && wrong.length === 0) wrong.push(...(await lastLook(open, tally)));
      if (wrong.length > 0) tally.failures.push(noted({ cycle, first, dir, wrong }));
      onCycle({ cycle, plan, wrong, ms: performance.now() - began });
    }
  } finally {
    await house.close({ keep: keep || (tally.failures.at(-1)?.dir === dir && sabotage === undefined) });
  }
  gather(watch, tally);
  return cycle;
}

function hasSandbox() {
  return spawnSync('bwrap', ['--ro-bind', '/', '/', 'true']).status === 0;
}

/** What was wrong stands in the folder too, beside what it was read from. */
function noted(failure) {
  writeFileSync(join(failure.dir, 'wrong.json'), JSON.stringify(failure, null, 2));
  return failure;
}

async function judgedCycle(open, plan, tally) {
  const { house, watch, digests } = open;
  const deaths = house.daemon.deaths.length;
  const note = (_what, name) => count(tally.faults, name);
  const late = delay(CYCLE_MS, 'late', { ref: false });
  const came = await Promise.race([runCycle(house, plan, note), late]);
  if (came === 'late') return [`the house did not come to rest in ${CYCLE_MS / 1_000} s`, ...watch.wrong];
  const { callers, journal, mesh, quiet } = came;
  const wrong = watch.wrong.splice(0);
  if (!quiet) wrong.push('the device still had something to send');
  for (const [name, { integrity }] of Object.entries({ journal, mesh }))
    if (String(integrity) !== 'ok') wrong.push(`the ${name}'s integrity_check says ${integrity}`);
  const witness = readWitness(watch.witness);
  for (const { work, caller } of callers) {
    const judged = judgeRun({
      caller,
      work,
      stored: mesh.runs.get(caller.runId),
      journaled: journal.runs.get(caller.runId),
      journalEpoch: journal.epoch,
      lostJournal: plan.faults.some((name) => LOSE_JOURNAL.includes(name)),
      lines: witness.get(work.run),
      poisonable: house.daemon.deaths.length - deaths >= 3,
    });
    wrong.push(...judged.wrong.map((words) => `${work.run} (${work.kind}, ${caller.runId}): ${words}`));
    wrong.push(...judgeSteer(work, mesh.runs.get(caller.runId)));
    addRun(tally, judged);
    count(tally.ends, mesh.runs.get(caller.runId)?.status ?? 'none');
    tally.wholeTexts += caller.wholeTexts;
    tally.reconnects += caller.reconnects;
  }
  for (const [runId, run] of mesh.runs) {
    const digest = digestOf(run);
    if ((digests.get(runId) ?? digest) !== digest) wrong.push(`run ${runId} of an earlier cycle has changed`);
    digests.set(runId, digest);
  }
  wrong.push(...lookAt(open, tally));
  return wrong;
}

function judgeSteer({ kind, run, steered }, stored) {
  if (kind !== 'steered' || stored === undefined) return [];
  const heard = stored.events.filter(
    ({ type, payload }) => type === 'run_steered' && payload.includes(STEER),
  ).length;
  if (heard > 1) return [`${run} was steered ${heard} times by one order`];
  return steered && heard === 0 && stored.status === 'completed'
    ? [`${run} never heard the words it took`]
    : [];
}

function lookAt({ house, seen }, tally) {
  const orphans = findOrphans(house, seen);
  tally.orphans += orphans.length;
  const now = measure(house);
  for (const name of Object.keys(tally.most)) tally.most[name] = Math.max(tally.most[name], now[name]);
  return [...orphans.map(({ life, pid }) => `process ${pid} of life ${life} is left`), ...judgeMeasure(now)];
}

/** What only shows at the end of a house: who outlived a daemon, or a run, by six seconds, and what a stop leaves. */
async function lastLook(open, tally) {
  const { daemon } = open.house;
  const since = Math.max(daemon.deaths.at(-1)?.at ?? 0, ...open.seen.values());
  await delay(Math.max(0, since + ORPHAN_MS - performance.now()));
  const seen = lookAt(open, tally);
  return [...seen, ...(await judgeStopped(open.house)), ...open.watch.wrong.splice(0)];
}

function gather(watch, tally) {
  tally.recoveries.push(...watch.recoveries);
  tally.resumes.push(...watch.resumes);
  tally.refusedStarts += watch.refusedStarts;
  for (const [point, hits] of watch.hits) count(tally.points, point, hits);
}

const HOUSE_CYCLES = 25;
/** A house that takes longer will not come to rest. */
const CYCLE_MS = 120_000;
