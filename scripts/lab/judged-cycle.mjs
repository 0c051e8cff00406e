import { setTimeout as delay } from 'node:timers/promises';
import { runCycle, STEER } from './cycle.mjs';
import { LOSE_JOURNAL } from './faults.mjs';
import { digestOf, findOrphans, judgeMeasure, judgeStopped, measure, ORPHAN_MS } from './judge-house.mjs';
import { judgeRun } from './judge-run.mjs';
import { addRun, count } from './tally.mjs';
import { readWitness } from './witness.mjs';

/** Runs a planned cycle in an open house and answers what was wrong, in words; the figures go into `tally`. */
export async function judgedCycle(open, plan, tally) {
  const { house, watch, digests } = open;
  const deaths = house.daemon.deaths.length;
  const running = runCycle(house, plan, (name) => count(tally.faults, name));
  // One that never comes to rest is broken off, and whatever it still does with a closed house is its own affair.
  running.catch(() => {});
  const late = delay(CYCLE_MS, 'late', { ref: false });
  const came = await Promise.race([running, late]);
  if (came === 'late') return [`the house did not come to rest in ${CYCLE_MS / 1_000} s`, ...watch.wrong];
  const { callers, said, journal, mesh, quiet } = came;
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
      pruned: plan.points.some(({ name }) => name.includes('prune')),
      lines: witness.get(work.run),
      said,
      mayExpire: plan.faults.includes('clock of the daemon'),
      poisonable: house.daemon.deaths.length - deaths >= 3,
    });
    wrong.push(...judged.wrong.map((words) => `${work.run} (${work.kind}, ${caller.runId}): ${words}`));
    wrong.push(...judgeSteer(work, caller, mesh.runs.get(caller.runId)));
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

function judgeSteer({ kind, run }, { steered }, stored) {
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
  return [
    ...orphans.map(
      ({ life, pid }) =>
        `process ${pid}, ${life === undefined ? 'a helper' : `a command of life ${life}`}, is left`,
    ),
    ...judgeMeasure(now),
  ];
}

/** What only shows at the end of a house: who outlived a daemon, or a run, by six seconds, and what a stop leaves. */
export async function lastLook(open, tally) {
  const { daemon } = open.house;
  const since = Math.max(daemon.deaths.at(-1)?.at ?? 0, ...open.seen.values());
  await delay(Math.max(0, since + ORPHAN_MS - performance.now()));
  const seen = lookAt(open, tally);
  return [...seen, ...(await judgeStopped(open.house)), ...open.watch.wrong.splice(0)];
}

/** A house that takes longer will not come to rest. */
const CYCLE_MS = 120_000;
