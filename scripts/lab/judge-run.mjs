import { judgeApprovals } from './judge-approvals.mjs';
import { judgeWitness } from './witness.mjs';

/**
 * Holds one run against what was promised: `caller` is what its caller was told, `stored` what the mesh has, `lines`
 * what its commands wrote. The device has `journaled` in a journal of `journalEpoch`: nothing where it never took the run,
 * or let it go by age (`pruned`). `lostJournal`: the journal was replaced on purpose. Answers what is wrong in words, and
 * the figures.
 */
export function judgeRun({
  caller,
  work,
  stored,
  lines,
  poisonable,
  lostJournal,
  said,
  mayExpire,
  ...device
}) {
  const wrong = caller.wrong.map((words) => `its caller ${words}`);
  const say = (words) => wrong.push(words);
  const witness = judgeWitness(work.run, lines);
  if (!lostJournal) wrong.push(...witness.wrong);
  if (stored === undefined) return { wrong: [...wrong, 'the mesh does not know it'], ...NOTHING };
  const { events } = stored;
  const ends = events.filter((event) => event.type === 'run_completed');
  if (ends.length !== 1) say(`it has ${ends.length} ends`);
  const end = ends.length === 1 ? JSON.parse(ends[0].payload) : undefined;
  if (end !== undefined) {
    const why = unexpectedEnd(work, end, poisonable, lostJournal);
    if (why !== undefined) say(why);
    judgeUsage(events, end, stored, say);
    if (events.at(-1).type !== 'run_completed') say('something comes after its end');
    if (end.status === 'completed') judgeCalls(work, events, end, say);
  }
  const between = compare(stored, { ...device, lostJournal }, say);
  judgeTold(caller, events, say);
  const questions = judgeApprovals({ events, said, lines, mayExpire });
  if (!lostJournal) wrong.push(...questions.wrong);
  const calls = events.filter((event) => event.type === 'tool_call').length;
  const unknown = events.filter(
    (event) => event.type === 'tool_result' && JSON.parse(event.payload).status === 'unknown',
  ).length;
  const { twice, late, executed } = lostJournal ? { ...witness, twice: 0, late: 0 } : witness;
  return {
    wrong,
    ...between,
    calls,
    unknown,
    twice,
    late,
    executed,
    asked: questions.asked,
    endless: ends.length === 0 ? 1 : 0,
  };
}

/** A run may end otherwise than completed only for a reason that the lab gave it. */
function unexpectedEnd({ kind, run }, { status, error }, poisonable, lostJournal) {
  if (status === 'completed') return undefined;
  if (status === 'cancelled' && (kind === 'cancelled' || kind === 'unmet')) return undefined;
  if (kind === 'deadline' && error?.code === 'deadline_exceeded') return undefined;
  if (poisonable && error?.code === 'poisoned_step') return undefined;
  if (lostJournal && error?.code === 'journal_lost') return undefined;
  return `${run} ended ${status}: ${JSON.stringify(error)}`;
}

/** The sum of the committed model steps, and the record's too. */
function judgeUsage(events, end, stored, say) {
  const steps = events
    .filter((event) => event.type === 'assistant_message')
    .map(({ payload }) => JSON.parse(payload));
  const sum = steps.reduce((total, { usage }) => total + usage.totalTokens, 0);
  if (end.usage.totalTokens !== sum) say(`its usage is ${end.usage.totalTokens}, its steps' ${sum}`);
  if (end.iterations !== steps.length) say(`it counts ${end.iterations} steps, and has ${steps.length}`);
  const record = JSON.parse(stored.usage ?? '{}');
  if (record.totalTokens !== sum) say(`its record's usage is ${record.totalTokens}, its steps' ${sum}`);
}

/** Each call of the script was asked for once and answered once, and the end is the script's. */
function judgeCalls({ order }, events, end, say) {
  const idsOf = (type) =>
    events.filter((event) => event.type === type).map(({ payload }) => JSON.parse(payload).callId);
  const wanted = order.steps.flatMap((step) => step.calls.map(({ id }) => id)).sort();
  for (const type of ['tool_call', 'tool_result']) {
    const had = idsOf(type).sort();
    if (String(had) !== String(wanted)) say(`its ${type} events are ${had}, wanted ${wanted}`);
  }
  if (end.result !== order.end) say(`its result is "${end.result}"`);
}

/** The mesh has what the device committed, once, in order and to the byte; `created_at` included. */
function compare(stored, { journaled, journalEpoch, lostJournal, pruned }, say) {
  const mine = stored.events;
  const numbers = mine.map(({ n }) => n);
  const doubled = numbers.length - new Set(numbers).size;
  if (numbers.some((n, index) => n !== index + 1)) say(`the mesh has the numbers ${numbers}`);
  const sequences = mine.map(({ sequence }) => sequence);
  if (sequences.some((n, index) => index > 0 && n <= sequences[index - 1])) say('its thread is out of order');
  const own = new Set(mine.map(({ epoch }) => epoch).filter((epoch) => epoch !== stored.meshEpoch));
  if (own.size > 1) say(`its events are of ${own.size} journals`);
  const endedByMesh = mine.at(-1)?.epoch === stored.meshEpoch;
  const otherJournal = lostJournal && !own.has(journalEpoch);
  if (journaled === undefined && !endedByMesh && !pruned && !lostJournal) say('its device does not know it');
  if (journaled === undefined || otherJournal)
    return { journaled: mine.length, received: mine.length, lost: 0, doubled };
  const theirs = journaled.events;
  // What the device said after the mesh had ended the run has no place any more.
  const shared = endedByMesh ? mine.slice(0, -1) : mine;
  for (const [index, event] of shared.entries()) {
    const other = theirs[index];
    const same =
      other && other.type === event.type && other.payload === event.payload && other.at === event.at;
    if (!same) say(`event ${index + 1} is not the device's: ${event.payload} and ${other?.payload}`);
  }
  const lost = endedByMesh ? 0 : Math.max(0, theirs.length - mine.length);
  if (lost > 0) say(`${lost} of its events were lost`);
  if (journaled.committed !== theirs.length)
    say(`its journal counts ${journaled.committed} of ${theirs.length}`);
  if (!endedByMesh && journaled.acked > mine.length)
    say(`${journaled.acked} of its events are acknowledged, ${mine.length} stored`);
  if (journaled.status === null) say('it has no end on its device');
  return { journaled: endedByMesh ? mine.length : theirs.length, received: mine.length, lost, doubled };
}

function judgeTold({ events: told, ids }, events, say) {
  if (ids.length !== events.length) say(`its caller was told ${ids.length} of ${events.length} events`);
  for (const [index, event] of told.entries()) {
    if (events[index]?.type === event.type && events[index].payload === JSON.stringify(event.payload))
      continue;
    say(`its caller was told another event ${index + 1} than is stored`);
    return;
  }
}

const NOTHING = {
  journaled: 0,
  received: 0,
  lost: 0,
  doubled: 0,
  calls: 0,
  unknown: 0,
  twice: 0,
  late: 0,
  executed: 0,
  asked: 0,
  endless: 1,
};
