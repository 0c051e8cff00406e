import { DatabaseSync } from '@photostructure/sqlite';

/**
 * Takes a keeper's program through a crash point and has it die there; whether it did stands in what the preload told.
 * `over` resolves when the work of the cycle is done: a point of the work that was not reached by then is given up.
 */
export async function crash(point, { house, random, over, unmetRun }) {
  const keeper = house[point.role];
  const nth = random.between(1, point.nth);
  const dies = async (limit = NEVER) => {
    const lives = keeper.deaths.length;
    const deadline = performance.now() + LONGEST_MS;
    while (keeper.deaths.length === lives && performance.now() < deadline)
      if (await Promise.race([limit, pause(20)])) break;
  };
  if (point.when === 'idle') await over;
  if (point.when === 'start' || point.when === 'idle') {
    keeper.hold();
    await keeper.kill();
    prepare(point, house);
    keeper.crashAt(point.name, nth);
    keeper.start();
    await dies();
  } else if (point.when === 'stop') {
    await keeper.ready();
    keeper.crashAt(point.name, nth);
    await keeper.stop();
  } else if (point.when === 'unmet') {
    house.daemon.hold();
    await house.daemon.kill();
    keeper.crashAt(point.name, nth);
    await unmetRun();
    house.daemon.start();
  } else {
    keeper.crashAt(point.name, nth);
    await dies(over.then(() => true));
  }
  keeper.disarm();
}

/** What must be so that a start has something to do. The daemon is down, so its journal may be opened here. */
function prepare({ name }, { journalFile }) {
  if (!name.includes('prune') && !name.includes('migrate')) return;
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

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Runs that the mesh has whole become older than the journal keeps them. */
const AGE = `UPDATE runs SET ended_at = ended_at - ${100 * 86_400_000} WHERE status IS NOT NULL AND acked >= committed`;
const LONGEST_MS = 20_000;
const NEVER = new Promise(() => {});
