import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHouse } from './house.mjs';
import { judgedCycle, lastLook } from './judged-cycle.mjs';
import { startModel } from './model.mjs';
import { planCycle } from './plan.mjs';
import { POINTS } from './points.mjs';
import { copyProgram } from './program.mjs';
import { count, newTally } from './tally.mjs';
import { Watch } from './watch.mjs';

/**
 * Runs cycles `from` to `from + cycles - 1` of a seed and answers the figures; goes on from those of `tally`. `onHouse` is
 * told them after each house. `mostFailures`, `seconds` and
 * `signal` end the storm early. What failed stays on the disk, but for a sabotaged program's.
 */
export async function runStorm(options) {
  const { from = 0, cycles, seconds = Infinity, sabotage, keep = false, mostFailures = 10, signal } = options;
  const { tally = newTally(from), onHouse = () => {} } = options;
  const root = mkdtempSync(join(tmpdir(), 'runmesh-lab-'));
  const program = await copyProgram(join(root, 'program'), sabotage);
  const watch = { now: undefined };
  const model = await startModel((life, run) => watch.now?.asked(life, run));
  const startedAt = performance.now() - tally.seconds * 1_000;
  const over = (cycle) =>
    cycle >= from + cycles ||
    signal?.aborted ||
    tally.failures.length >= mostFailures ||
    performance.now() - startedAt > seconds * 1_000;
  try {
    while (!over(tally.next)) {
      tally.next = await runHouse(tally.next, {
        ...options,
        root,
        program,
        model: model.url,
        watch,
        tally,
        over,
      });
      tally.seconds = (performance.now() - startedAt) / 1_000;
      onHouse(tally);
    }
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
  const sandboxed = wantsSandbox(first, storm) && hasSandbox();
  const house = await openHouse({ dir, program, model, watch, sandboxed });
  const open = { house, watch, digests: new Map(), seen: new Map() };
  const hasDisk = house.disk.fill !== undefined;
  if (!hasDisk && tally.skipped.length === 0) tally.skipped.push('full disks: no tmpfs can be mounted here');
  let cycle = first;
  try {
    for (let last = false; !last; cycle += 1) {
      const began = performance.now();
      const plan = planCycle({ ...storm, cycle, witness: watch.witness, hasDisk, sandboxed });
      const wrong = await judgedCycle(open, plan, tally);
      tally.cycles += 1;
      tally.loads.push(loadavg()[0] / availableParallelism());
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

/** Outside of a sandbox commands are harder to end, so most houses have none; inside there is something to ask about. */
function wantsSandbox(first, { sabotage, only }) {
  if (only !== undefined) return POINTS.some(({ name, when }) => name === only && when === 'ask');
  return sabotage === undefined && Math.floor(first / HOUSE_CYCLES) % 3 === 1;
}

function hasSandbox() {
  return spawnSync('bwrap', ['--ro-bind', '/', '/', 'true']).status === 0;
}

/** What was wrong stands in the folder too, beside what it was read from. */
function noted(failure) {
  writeFileSync(join(failure.dir, 'wrong.json'), JSON.stringify(failure, null, 2));
  return failure;
}

function gather(watch, tally) {
  tally.recoveries.push(...watch.recoveries);
  tally.resumes.push(...watch.resumes);
  tally.refusedStarts += watch.refusedStarts;
  for (const [point, hits] of watch.hits) count(tally.points, point, hits);
}

const HOUSE_CYCLES = 25;
