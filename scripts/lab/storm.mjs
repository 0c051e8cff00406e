import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCycle, STEER, witnessAsked } from './cycle.mjs';
import { LOSE_JOURNAL } from './faults.mjs';
import { openHouse } from './house.mjs';
import { digestOf, findOrphans, judgeMeasure, measure, ORPHAN_MS } from './judge-house.mjs';
import { judgeRun } from './judge-run.mjs';
import { startModel } from './model.mjs';
import { planCycle } from './plan.mjs';
import { copyProgram } from './program.mjs';
import { addRun, count, newTally } from './tally.mjs';
import { Watch } from './watch.mjs';
import { readWitness } from './witness.mjs';

/**
 * Runs cycles `from` to `from + cycles - 1` of a seed and answers the figures. A house lasts `HOUSE_CYCLES` cycles, or
 * until something was wrong in it; restarting with state is the point. `mostFailures` ends the storm early.
 */
export async function runStorm(options) {
  const { seed, from = 0, cycles, only, sabotage, keep, mostFailures = 5, onCycle = () => {} } = options;
  const root = mkdtempSync(join(tmpdir(), 'runmesh-lab-'));
  const program = copyProgram(join(root, 'program'), sabotage);
  const tally = newTally();
  let open;
  const model = await startModel((life, run) => {
    if (open !== undefined) witnessAsked(open.house.witness, life, run);
  });
  try {
    for (let cycle = from; cycle < from + cycles && tally.failures.length < mostFailures; cycle += 1) {
      open ??= await openIn(join(root, `house-${cycle}`), program, model.url, tally);
      const began = performance.now();
      const plan = planCycle({
        seed,
        cycle,
        only,
        sabotage,
        witness: open.house.witness,
        hasDisk: open.house.disk.fill !== undefined,
      });
      const wrong = await judgedCycle(open, plan, tally);
      const last = (cycle + 1) % HOUSE_CYCLES === 0 || cycle + 1 === from + cycles || wrong.length > 0;
      if (last && wrong.length === 0) wrong.push(...(await lastLook(open, tally)));
      tally.cycles += 1;
      if (wrong.length > 0)
        tally.failures.push({ cycle, first: open.firstCycle ?? cycle, dir: open.house.dir, wrong });
      onCycle({ cycle, plan, wrong, ms: performance.now() - began, tally });
      open.firstCycle ??= cycle;
      if (last) {
        await open.house.close({ keep: keep || (wrong.length > 0 && sabotage === undefined) });
        gather(open.watch, tally);
        open = undefined;
      }
    }
  } finally {
    await open?.house.close({ keep });
    model.close();
    if (!keep && (tally.failures.length === 0 || sabotage !== undefined))
      rmSync(root, { recursive: true, force: true });
  }
  return tally;
}

async function openIn(dir, program, model, tally) {
  const watch = new Watch();
  const house = await openHouse({ dir, program, model, watch });
  if (house.disk.fill === undefined && tally.skipped.length === 0)
    tally.skipped.push('full disks: no tmpfs can be mounted here');
  return { house, watch, digests: new Map(), seen: new Map() };
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
  const witness = readWitness(house.witness);
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

/** What only shows with time: who outlived a daemon, or a run, by six seconds. */
async function lastLook(open, tally) {
  const { daemon } = open.house;
  const since = Math.max(daemon.deaths.at(-1)?.at ?? 0, ...open.seen.values());
  await delay(Math.max(0, since + ORPHAN_MS - performance.now()));
  return [...open.watch.wrong.splice(0), ...lookAt(open, tally)];
}

function gather(watch, tally) {
  tally.recoveries.push(...watch.recoveries);
  tally.resumes.push(...watch.resumes);
  for (const [point, hits] of watch.hits) count(tally.points, point, hits);
}

const HOUSE_CYCLES = 25;
/** A house that takes longer will not come to rest. */
const CYCLE_MS = 120_000;
