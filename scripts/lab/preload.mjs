// What the lab puts into a process of its copy, before the program itself: crash points that kill, and a clock that can
// be set. Orders stand in a file that the driver replaces; what was done is appended to another before it is done.
import { appendFileSync, readFileSync } from 'node:fs';

const { LAB_ORDERS: ordersFile, LAB_DONE: doneFile, LAB_LIFE: life } = process.env;
let counted = { id: undefined, reached: 0 };
let shiftMs = 0;

/** Called at each crash point of the copy. On the ordered pass through the ordered point nothing after it runs. */
globalThis.labReached = (point) => {
  if (point === 'daemon.resumed') tell({ resumedMs: performance.now() });
  const { crash } = orders();
  if (crash?.point !== point) return;
  if (counted.id !== crash.id) counted = { id: crash.id, reached: 0 };
  counted.reached += 1;
  if (counted.reached < crash.nth) return;
  tell({ crashed: point, id: crash.id });
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};

const wallClock = Date.now;
Date.now = () => wallClock() + shiftMs;
takeClock();
setInterval(takeClock, 20).unref();

function takeClock() {
  shiftMs = orders().shiftMs ?? 0;
}

function orders() {
  try {
    return JSON.parse(readFileSync(ordersFile, 'utf8'));
  } catch {
    return {};
  }
}

function tell(what) {
  appendFileSync(doneFile, `${JSON.stringify({ life, ...what })}\n`);
}
