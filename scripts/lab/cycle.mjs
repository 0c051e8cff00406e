import { setTimeout as delay } from 'node:timers/promises';
import { Caller } from './caller.mjs';
import { crash } from './crashes.mjs';
import { readJournal, readMesh } from './evidence.mjs';
import { FAULTS } from './faults.mjs';
import { ApiError } from './house.mjs';
import { Owner } from './owner.mjs';

/**
 * One cycle in a house: callers start their runs, what the plan says goes wrong, all of it is undone, and the house comes
 * to rest. Answers the callers with their work, what the owner said, and what is on both disks then.
 */
export async function runCycle(house, plan, note) {
  house.daemon.restartMs = plan.restartMs.daemon;
  house.mesh.restartMs = plan.restartMs.mesh;
  const owner = new Owner(house, plan.randomFor);
  const callers = [];
  const busy = [];
  const begin = (work) => {
    const caller = new Caller(house, work, owner);
    callers.push({ work, caller });
    const first = work.kind === 'together' ? callers[0].caller : undefined;
    const following = followIn(caller, first);
    busy.push(following, ask(house, work, caller));
    return following;
  };
  const over = Promise.all(plan.work.map(begin));
  const extraRun = (kind) => begin(plan.extraWork(kind, callers.length));
  const troubles = [
    ...plan.faults.map(async (name) => {
      const random = plan.randomFor(name);
      await FAULTS[name]({ house, random, pause: pauseOf(random) });
      note(name);
    }),
    ...['daemon', 'mesh'].map(async (role) => {
      for (const point of plan.points.filter((one) => one.role === role)) {
        const random = plan.randomFor(point.name);
        if (point.when === 'start' || point.when === 'stop') await pauseOf(random)(0, 500);
        await crash(point, { house, random, over, extraRun });
      }
    }),
  ];
  await Promise.all(troubles);
  heal(house);
  const endless = await bounded(() => Promise.all(busy), LONGEST_MS);
  if (endless) for (const { caller } of callers) caller.giveUp();
  await Promise.all([...busy, owner.done()]);
  return { callers, said: owner.said, ...(await rest(house)) };
}

/** A run in the thread of another begins when that has one. */
async function followIn(caller, other) {
  await other?.known();
  await caller.follow(other?.threadId);
}

/** A caller's orders: steers its run after a while, or cancels it; at once where no device is there to take it. */
async function ask(house, { kind, askAfterMs }, caller) {
  if (!['cancelled', 'steered', 'unmet'].includes(kind)) return;
  const runId = await caller.known();
  if (kind !== 'unmet') await delay(askAfterMs);
  for (let tries = 0; !caller.ended && tries < 200; tries += 1) {
    try {
      if (kind === 'steered') {
        const { status } = await house.api(`/v1/run/${runId}/steer`, { body: { text: STEER } });
        caller.steered = status === 'done';
      } else await house.api(`/v1/run/${runId}/cancel`, { body: {} });
      return;
    } catch (error) {
      // An order to cancel may be repeated; words that were perhaps taken may not.
      if (kind === 'steered' || (error instanceof ApiError && error.status < 500)) return;
      await delay(50);
    }
  }
}

function heal(house) {
  house.devices.heal();
  house.callers.heal();
  house.disk.empty();
  house.meshDisk.empty();
  for (const keeper of [house.daemon, house.mesh]) {
    keeper.signal('SIGCONT');
    keeper.disarm();
    keeper.start();
  }
}

/** Waits until the mesh has acknowledged everything, and reads both disks. */
async function rest(house) {
  const deadline = performance.now() + LONGEST_MS;
  for (;;) {
    await house.mesh.ready();
    await house.daemon.ready();
    const [journal, mesh] = [
      readJournal(house.journalFile, house.daemon.pid),
      readMesh(house.meshFile, house.mesh.pid),
    ];
    const quiet = [...journal.runs.values()].every(
      (run) => run.status !== null && run.acked >= run.committed,
    );
    if (quiet || performance.now() > deadline) return { journal, mesh, quiet };
    await delay(50);
  }
}

async function bounded(work, ms) {
  const timer = new AbortController();
  const late = delay(ms, true, { signal: timer.signal }).catch(() => false);
  const result = await Promise.race([work().then(() => false), late]);
  timer.abort();
  return result;
}

function pauseOf(random) {
  return (least, most) => delay(random.between(least, most));
}

export const STEER = 'A word from the side.';
/** Long enough for the slowest way back (a half-open link, a machine with other work), and a cycle still ends. */
const LONGEST_MS = 40_000;
