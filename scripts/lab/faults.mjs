import { copyDatabase, rebuildJournal } from './evidence.mjs';
import { killLeashes } from './orphans.mjs';

/**
 * What can go wrong, by name: each is given the house, its own random source and a `pause(least, most)`, does its harm at
 * a random time and undoes it.
 */
export const FAULTS = {
  'kill daemon': async ({ house, pause }) => {
    await pause(0, 700);
    await house.daemon.kill();
  },
  // As an out-of-memory killer does: nobody is left who would end the commands.
  'kill daemon and leash': async ({ house, pause }) => {
    await pause(0, 700);
    const { pid } = house.daemon;
    if (pid !== undefined) killLeashes(pid);
    await house.daemon.kill();
  },
  'kill mesh': async ({ house, pause }) => {
    await pause(0, 700);
    await house.mesh.kill();
  },
  'kill both': async ({ house, random, pause }) => {
    await pause(0, 700);
    const order = random.chance(0.5) ? [house.daemon, house.mesh] : [house.mesh, house.daemon];
    await order[0].kill();
    await pause(0, 300);
    await order[1].kill();
  },
  'stop daemon': ({ house, pause }) => sleepOf(house.daemon, pause),
  'stop mesh': ({ house, pause }) => sleepOf(house.mesh, pause),
  'drain daemon': async ({ house, pause }) => {
    await pause(0, 700);
    await house.daemon.stop();
  },
  'drain mesh': async ({ house, pause }) => {
    await pause(0, 700);
    await house.mesh.stop();
  },
  'reset link': async ({ house, random, pause }) => {
    for (let n = random.between(1, 3); n > 0; n -= 1) {
      await pause(0, 400);
      house.devices.reset();
    }
  },
  'end link': async ({ house, pause }) => {
    await pause(0, 700);
    house.devices.end();
  },
  'half-open link': async ({ house, pause }) => {
    await pause(0, 600);
    house.devices.hole();
  },
  'refused link': async ({ house, pause }) => {
    await pause(0, 500);
    house.devices.state.refuses = true;
    house.devices.reset();
    await pause(100, 800);
    house.devices.heal();
  },
  'slow link': async ({ house, random, pause }) => {
    house.devices.state.delayMs = random.between(5, 60);
    await pause(300, 800);
    house.devices.heal();
  },
  'sliced link': async ({ house, random, pause }) => {
    house.devices.state.pieceBytes = random.between(1, 7);
    await pause(200, 500);
    house.devices.heal();
  },
  // A middle box that brings whole frames twice: TCP itself never does.
  'doubled frames': async ({ house, random, pause }) => {
    house.devices.state.twice = (_direction, text) => DOUBLED.test(text) && random.chance(0.4);
    await pause(400, 900);
    house.devices.heal();
  },
  'cut callers': async ({ house, random, pause }) => {
    for (let n = random.between(1, 4); n > 0; n -= 1) {
      await pause(0, 400);
      house.callers.reset();
    }
  },
  // An owner who mends a journal from an older copy: a new file, so a new epoch, whose numbers go another way.
  'rebuilt journal': async ({ house, pause }) => {
    const older = `${house.journalFile}.older`;
    await pause(50, 400);
    copyDatabase(house.journalFile, older, house.daemon.pid);
    await pause(50, 250);
    house.daemon.hold();
    await house.daemon.kill();
    house.devices.state.refuses = true;
    rebuildJournal(older, house.journalFile);
    house.daemon.start();
    await pause(700, 1_500);
    house.devices.heal();
  },
  'full disk': ({ house, pause }) => fillFor(house.disk, pause),
  'full disk of the mesh': ({ house, pause }) => fillFor(house.meshDisk, pause),
  'clock of the daemon': ({ house, random, pause }) => jump(house.daemon, random, pause),
  'clock of the mesh': ({ house, random, pause }) => jump(house.mesh, random, pause),
};

/** Faults for which a disk of the lab's own is needed. */
export const NEED_DISK = ['full disk', 'full disk of the mesh'];

/** After these, what a run did and how it ended may differ from what was promised: its journal was not its own. */
export const LOSE_JOURNAL = ['rebuilt journal'];

/** A closed lid: longer than both ends wait for a sign of life in some of the cases. */
async function sleepOf(keeper, pause) {
  await pause(0, 500);
  keeper.signal('SIGSTOP');
  await pause(200, 1_900);
  keeper.signal('SIGCONT');
}

async function fillFor(disk, pause) {
  await pause(0, 400);
  disk.fill();
  await pause(200, 900);
  disk.empty();
}

/** The day of an idempotency key is never passed: a key that lapses may start a second run, and rightly. */
async function jump(keeper, random, pause) {
  await pause(0, 400);
  keeper.shiftClock(random.pick([-DAY_MS, -HOUR_MS, HOUR_MS, 20 * HOUR_MS]));
  await pause(200, 700);
  keeper.shiftClock(0);
}

/** A second `hello` or `goodbye` would break the protocol, and nothing sends one. */
const DOUBLED = /^\{"type":"(dispatch|accepted|events|delta|ack|heartbeat|cancel|steer|order_result)"/;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
