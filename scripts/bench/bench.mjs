// `npm run bench [-- --json]`: how far the program is from the least that could do the same work. Each figure is a
// ratio to a floor measured in the same run, since machines differ and are noisy; times stand beside it for the curious.
import { readFileSync } from 'node:fs';
import { bareRelay, bareTurns } from './floor.mjs';
import { startModelServer } from './model-server.mjs';
import { openWorld } from './world.mjs';

const TURNS = 40;
const DELTAS = 20_000;
const ROUNDS = 3;

const model = await startModelServer();
const world = await openWorld(model);
const figures = {};
try {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  figures.daemonIdle = {
    ours: residentMb(world.daemonPid),
    unit: 'MB before the first run',
    goal: 'at most 80',
  };
  await world.run({ turns: 3, cmd: 'true' });
  await bareTurns(model, 3, 'true', world.env);

  const turn = async () => {
    const floor = await bareTurns(model, TURNS, 'true', world.env);
    const { frames } = await world.run({ turns: TURNS, cmd: 'true' });
    const ours = (frames.at(-1).at - frames[0].at) / TURNS;
    return { floor, ours, ratio: ours / floor };
  };
  figures.turn = { ...(await rounds(turn)), unit: 'ms a turn', goal: 'ratio at most 1.4' };
  await world.configure('sandbox.mode', 'danger-full-access');
  figures.turnUnconfined = { ...(await rounds(turn)), unit: 'ms a turn without the sandbox' };
  await world.configure('sandbox.mode', 'workspace-write');

  const starts = [];
  for (let n = 0; n < 30; n += 1) {
    const seen = model.requests.length;
    const { asked, frames } = await world.run({ deltas: 1, text: 'hi' });
    starts.push({ frame: frames[0].at - asked, model: model.requests[seen] - asked });
  }
  figures.firstFrame = { ours: median(starts.map((start) => start.frame)), unit: 'ms from POST /v1/run' };
  figures.firstModelRequest = {
    ours: median(starts.map((start) => start.model)),
    unit: 'ms from POST /v1/run',
    goal: 'at most 12',
  };

  const deltas = await rounds(async () => {
    const floor = await bareRelay(model, DELTAS, 'word ');
    const { frames } = await world.run({ deltas: DELTAS, text: 'word ' });
    const live = frames.filter((frame) => frame.event === 'assistant_message_delta');
    const ours = DELTAS / ((live.at(-1).at - frames[0].at) / 1_000);
    return { floor, ours, ratio: ours / floor };
  });
  figures.deltas = { ...deltas, unit: 'model deltas a second', goal: 'ratio at least 0.6' };

  figures.registered = { ours: world.registeredMs, unit: 'ms from start to registered', goal: 'at most 400' };
  figures.daemonMemory = {
    ours: residentMb(world.daemonPid),
    unit: 'MB after the bench',
    goal: 'idle at most 80',
  };
  figures.meshMemory = { ours: residentMb(world.meshPid), unit: 'MB after the bench' };
} finally {
  await world.close();
  model.close();
}

if (process.argv.includes('--json')) console.log(JSON.stringify(figures));
else for (const [name, figure] of Object.entries(figures)) console.log(line(name, figure));

function line(name, { ours, floor, ratio, unit, goal }) {
  const against = floor === undefined ? '' : `, bare ${round(floor)}, ratio ${round(ratio)}`;
  return `${name.padEnd(18)} ${round(ours)} ${unit}${against}${goal ? ` (goal: ${goal})` : ''}`;
}

/** The round with the median ratio, so that one disturbed round decides nothing. */
async function rounds(measure) {
  const results = [];
  for (let n = 0; n < ROUNDS; n += 1) results.push(await measure());
  return results.sort((a, b) => a.ratio - b.ratio)[Math.floor(ROUNDS / 2)];
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function round(value) {
  return value === undefined ? '–' : Number(value.toPrecision(3));
}

/** Resident memory, where the system says so in /proc; elsewhere undefined. */
function residentMb(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
  } catch {
    return undefined;
  }
}
