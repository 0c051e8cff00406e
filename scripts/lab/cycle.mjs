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
  const callers = plan.work.map((work) => ({ work, caller: new Caller(house, work, owner) }));
  const [first] = callers;
  const following = callers.map(async ({ work, caller }) => {
    if (work.kind === 'together') await first.caller.known();
    await caller.follow(work.kind === 'together' ? first.caller.threadId : undefined);
  });
  const asking = callers.map(({ work, caller }) => ask(house, work, caller));
  const over = Promise.all(following);
  const unmetRun = () => unmet(house, callers, new Caller(house, unmetWork(plan), owner), following);
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
        await crash(point, { house, random, over, unmetRun });
      }
    }),
  ];
  await Promise.all(troubles);
  heal(house);
  const endless = await bounded(() => Promise.all(following), LONGEST_MS);
  if (endless) for (const { caller } of callers) caller.giveUp();
  await Promise.all([...following, ...asking, owner.done()]);
  return { callers, said: owner.said, ...(await rest(house)) };
}

/** A caller's orders: cancels or steers its run after a while. */
async function ask(house, work, caller) {
  if (work.kind !== 'cancelled' && work.kind !== 'steered') return;
  const runId = await caller.known();
  await delay(work.askAfterMs);
  for (let tries = 0; !caller.ended && tries < 100; tries += 1) {
    try {
      const path = `/v1/run/${runId}/${work.kind === 'cancelled' ? 'cancel' : 'steer'}`;
      const answer = await house.api(path, { body: work.kind === 'cancelled' ? {} : { text: STEER } });
      work.steered = answer.status === 'done';
      return;
    } catch (error) {
      // An order to cancel may be repeated; words that were perhaps taken may not.
      if (work.kind === 'steered' || (error instanceof ApiError && error.status < 500)) return;
      await delay(50);
    }
  }
}

function unmetWork({ work: [template] }) {
  const run = `${template.run}u`;
  return { ...template, kind: 'unmet', run, order: { ...template.order, lab: run } };
}

/** A run that is started and cancelled while no device is there to take it. */
async function unmet(house, callers, caller, following) {
  callers.push({ work: caller.work, caller });
  following.push(caller.follow());
  const runId = await caller.known();
  for (let tries = 0; !caller.ended && tries < 200; tries += 1) {
    const done = await house.api(`/v1/run/${runId}/cancel`, { body: {} }).catch(() => undefined);
    if (done !== undefined) return;
    await delay(30);
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
