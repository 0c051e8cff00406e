import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from '@photostructure/sqlite';

/**
 * Takes a keeper's program through a crash point and has it die there, in up to three tries, since other faults come in
 * between. `over` resolves when the work of the cycle is done: a point of the work that was not reached by then gets a run of
 * its own by `extraRun(kind)`, which answers when that is over.
 */
export async function crash(point, { house, random, over, extraRun }) {
  const keeper = house[point.role];
  const before = house.hitsOf(point.name);
  for (let tries = 0; tries < 3 && house.hitsOf(point.name) === before; tries += 1) {
    const nth = tries === 0 ? random.between(1, point.nth) : 1;
    if (WAYS[point.when] !== undefined) await WAYS[point.when]({ point, house, keeper, nth, over, extraRun });
    else {
      keeper.crashAt(point.name, nth);
      await dies(keeper, tries === 0 ? over : extraRun(KINDS[point.when] ?? 'plain'));
    }
    keeper.disarm();
  }
}

const WAYS = {
  start: async ({ point, house, keeper, nth }) => {
    keeper.hold();
    await keeper.kill();
    await prepare(point, house);
    keeper.crashAt(point.name, nth);
    keeper.start();
    await dies(keeper);
  },
  idle: async (how) => {
    await how.over;
    await WAYS.start(how);
  },
  stop: async ({ point, keeper, nth }) => {
    await keeper.ready();
    keeper.crashAt(point.name, nth);
    await keeper.stop();
  },
  unmet: async ({ point, house, keeper, nth, extraRun }) => {
    house.daemon.hold();
    await house.daemon.kill();
    keeper.crashAt(point.name, nth);
    const ended = extraRun('unmet');
    await dies(keeper, ended);
    house.daemon.start();
  },
};

/** Waits until the program has died, or `limit` resolves. */
async function dies(keeper, limit = new Promise(() => {})) {
  const lives = keeper.deaths.length;
  const given = limit.then(() => true);
  const deadline = performance.now() + LONGEST_MS;
  while (keeper.deaths.length === lives && performance.now() < deadline)
    if (await Promise.race([given, delay(20)])) return;
}

/**
 * What must be so that a start has something to do. The daemon is down, so its journal may be opened here; where a full
 * disk is among the cycle's faults, once there is room again.
 */
async function prepare({ name }, { journalFile }) {
  if (!name.includes('prune') && !name.includes('migrate')) return;
  const deadline = performance.now() + LONGEST_MS;
  for (;;) {
    try {
      return rewrite(name, journalFile);
    } catch (error) {
      if (error.errcode !== SQLITE_FULL || performance.now() > deadline) throw error;
      await delay(50);
    }
  }
}

function rewrite(name, journalFile) {
  const db = new DatabaseSync(journalFile);
  try {
    if (name.includes('prune')) db.exec(AGE);
    // Nothing to take back where the last start died before it had migrated.
    else if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'lab_migrated'").get() !== undefined) {
      const { user_version } = db.prepare('PRAGMA user_version').get();
      db.exec(`DROP TABLE lab_migrated; PRAGMA user_version = ${user_version - 1}`);
    }
  } finally {
    db.close();
  }
}

/** The kind of run that leads through a point of this sort. */
const KINDS = { order: 'cancelled', ask: 'asking' };
/** Runs that the mesh has whole become older than the journal keeps them. */
const AGE = `UPDATE runs SET ended_at = ended_at - ${100 * 86_400_000} WHERE status IS NOT NULL AND acked >= committed`;
const LONGEST_MS = 20_000;
const SQLITE_FULL = 13;
